"""Files of targets, checked without a warehouse: rows that name unknown things, with their lines."""

import csv
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path

from scorecard.catalogue.dimensions import Dimension
from scorecard.catalogue.metrics import Metric
from scorecard.catalogue.mistakes import Mistakes
from scorecard.shared.errors import ScorecardError
from scorecard.shared.keys import closest
from scorecard.shared.periods import FiscalYear, parse_period


def check_targets(
    path: Path, metrics: dict[str, Metric], dimensions: dict[str, Dimension], fiscal: FiscalYear, mistakes: Mistakes
) -> None:
    """Note the rows whose metric, dimension, unit, period or target is wrong; a missing file has none."""
    if not path.is_file():
        return
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file)
            for row in rows:
                for problem, cure in _problems(row, metrics, dimensions, fiscal):
                    mistakes.note(path, rows.line_num, problem, cure)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        mistakes.note(path, 1, f"The file cannot be read: {error}.", "Save it as CSV in UTF-8.")


def _problems(
    row: dict[str, str | None], metrics: dict[str, Metric], dimensions: dict[str, Dimension], fiscal: FiscalYear
) -> Iterator[tuple[str, str]]:
    name, dimension, unit = (row.get(key) or "" for key in ("metric", "dimension", "unit"))
    if name not in metrics:
        yield f"`metric` names the unknown metric {name or 'empty'}.", closest(name, metrics)
    elif unit != metrics[name].unit:
        yield (
            f"`unit` is {unit or 'empty'}, and the metric {name} is in {metrics[name].unit}.",
            "Write it as the metric has it.",
        )
    if dimension not in dimensions:
        yield f"`dimension` names the unknown dimension {dimension or 'empty'}.", closest(dimension, dimensions)
    try:
        parse_period(row.get("period") or "", fiscal)
    except ScorecardError as error:
        yield f"`period` is wrong: {error.problem}", error.cure
    try:
        Decimal(row.get("target") or "")
    except InvalidOperation:
        yield f"`target` is {row.get('target') or 'empty'}, which is no number.", "Write it as 1234.5."
