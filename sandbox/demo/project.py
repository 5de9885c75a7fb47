"""A project of the sandbox's own: like this one, with the simulated company's exchange rates and scorecards."""

import csv
import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from sandbox.company.writers.tables import FileRow

REPORTS = Path(__file__).parent / "reports"
_COPIED = ("company", "dbt_project", "expectations", "reports", "scorecard")
_OLDEST = date(2016, 1, 1)
"""No record of the samples is older."""
_LEFT_OUT = shutil.ignore_patterns("target", "logs", "__pycache__")


def scorecards() -> list[str]:
    """Return the names of the scorecards that are declared for the simulated units."""
    return sorted(path.stem for path in REPORTS.glob("*.yml"))


def put_settings(source: Path, folder: Path) -> None:
    """Copy the settings file, which is read before the project is made."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in source.glob("scorecard*.toml"):
        shutil.copy(path, folder)


def make_project(source: Path, folder: Path, rates: list[FileRow]) -> None:
    """Copy what a build and a scorecard are made by, and add what only the simulated company has."""
    for name in _COPIED:
        shutil.copytree(source / name, folder / name, ignore=_LEFT_OUT)
    put_settings(source, folder)
    for path in REPORTS.glob("*.yml"):
        shutil.copy(path, folder / "reports")
    with (folder / "company" / "fx_rates.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("currency", "rate_on", "rate"))
        writer.writerows((row["currency"], row["day"], row["rate"]) for row in [*_earlier(rates), *rates])


def _earlier(rates: list[FileRow]) -> Iterator[FileRow]:
    """Yield rates for the samples, which are older than the simulated company: the first one that there is."""
    for first in {row["currency"]: row for row in reversed(rates)}.values():
        for number in range((first["day"] - _OLDEST).days):
            yield {**first, "day": _OLDEST + timedelta(days=number)}
