"""Files that people of a company write, as a test wants them: in the folder company of a project of its own."""

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from scorecard.catalogue import COMPANY

TARGET = {"metric": "win_rate", "period": "2017-Q4", "dimension": "region", "member": "East", "target": "0.62"}
TARGET |= {"unit": "percent", "parent_kgi": "booked_revenue"}


def write(project: Path, file: str, rows: Iterable[Mapping[str, Any]], unit: str = "") -> Path:
    """Write a file of rows with the columns of the first, of a unit's folder or of the whole company's; return it."""
    path = project / COMPANY / unit / file
    path.parent.mkdir(parents=True, exist_ok=True)
    listed = list(rows)
    with path.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.DictWriter(opened, list(listed[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(listed)
    return path


def write_rates(project: Path, rates: Iterable[tuple[str, object, object]]) -> Path:
    """Write rates of exchange: currency, day and rate."""
    return write(
        project, "fx_rates.csv", (dict(zip(("currency", "rate_on", "rate"), row, strict=True)) for row in rates)
    )
