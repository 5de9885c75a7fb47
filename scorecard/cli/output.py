"""What commands print: results to standard output, progress and errors to standard error."""

import json
import sys
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from scorecard.shared.errors import ScorecardError
from scorecard.shared.text import in_json, on_lines, on_one_line

# Data is text: `:x:` in a name stays as it is.
out = Console(width=None if sys.stdout and sys.stdout.isatty() else 200, emoji=False)
err = Console(stderr=True, highlight=False, emoji=False)
_ROWS_SHOWN = 40


def complain(error: ScorecardError) -> None:
    """Print an error."""
    err.print(f"[bold red]Error:[/] {escape(on_lines(str(error)))}", soft_wrap=True)


def say(line: str) -> None:
    """Print a line of progress."""
    err.print(escape(on_one_line(line)), soft_wrap=True)


def show_line(line: str) -> None:
    """Print a line of a result."""
    out.print(escape(on_one_line(line)), soft_wrap=True)


def show_json(value: object) -> None:
    """Print a result as one JSON value."""
    sys.stdout.write(in_json(json.dumps(value, ensure_ascii=False, default=str)) + "\n")


def show_rows(
    rows: list[dict[str, Any]],
    as_json: bool,
    columns: tuple[str, ...],
    shown: list[dict[str, Any]] | None = None,
    hint: str = "narrow it, or take --json",
) -> None:
    """Print rows as a table, or all of them as JSON; ``shown`` are the rows as the table has them."""
    if as_json:
        show_json(rows)
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in (shown or rows)[:_ROWS_SHOWN]:
        table.add_row(*(escape("" if row[column] is None else on_one_line(str(row[column]))) for column in columns))
    out.print(table)
    if len(rows) > _ROWS_SHOWN:
        out.print(f"… and {len(rows) - _ROWS_SHOWN:,} more; {hint}.")


def ends(value: str | None, at_most: str | None, longer_than: str | None, reason: str | None) -> str:
    """Write a value: as a range while it is provisional, with the reason where it is n/a."""
    if longer_than is not None:
        return f"longer than {longer_than}"
    if value is None:
        return f"n/a: {reason}"
    return value if at_most is None else f"{value} to {at_most}"
