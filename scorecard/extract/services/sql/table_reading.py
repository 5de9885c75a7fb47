"""What is read of a table, and where a reading begins."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from datetime import time as clock
from typing import Any

import sqlalchemy as sa

from scorecard.extract.contracts.contract import Column, ObjectContract
from scorecard.shared.errors import ScorecardError


@dataclass(frozen=True)
class TableReading:
    """What is read of a table in one transaction, and when by the database's clock.

    ``first`` is the day from which on rows are wanted, None where all are; ``repeated`` selects the keys that several
    rows share, None where there are none. ``point`` is the decimal separator that the contract declares.
    """

    table: sa.Table
    columns: list[str]
    keys: list[str]
    cursor: Column | None
    at: datetime
    first: date | None
    point: str
    repeated: "sa.Select[Any] | None" = None

    @property
    def key(self) -> list["sa.Column[Any]"]:
        """The columns of the key."""
        return [self.table.c[name] for name in self.keys]


def key_and_cursor(name: str, contracts: list[ObjectContract]) -> tuple[list[str], Column | None]:
    """Return the key and the cursor of a table, on which all raw tables that it fills have to agree."""
    agreed = set()
    for contract in contracts:
        headers = {column.name: column for column in contract.columns}
        cursor = headers[contract.cursor] if contract.cursor else None
        agreed.add((tuple(headers[name].header for name in contract.primary_key), cursor))
    if len(agreed) > 1:
        raise ScorecardError(
            f"The tables {', '.join(contract.name for contract in contracts)} read {name} by other keys or cursors.",
            f"Give them the same primary_key and cursor in {contracts[0].declared_in}.",
        )
    ((keys, cursor),) = agreed
    return list(keys), cursor


def start_of(reading: TableReading) -> Any:
    """Return the value of the cursor before which the settings leave rows out, None where they leave out none."""
    first, cursor = reading.first, reading.cursor
    if first is None or cursor is None or cursor.data_type in ("bigint", "integer"):
        return None
    if cursor.data_type == "date":
        return first
    return datetime.combine(first, clock(), UTC if cursor.data_type == "timestamptz" else None)


def cursor_between(reading: TableReading, reached: dict[str, Any]) -> dict[str, Any] | None:
    """Return the cursor of a page that others follow; None where rows of one key may lie on both sides of it."""
    return dict(reached) if reading.repeated is None else None


def has_declared_format(contract: ObjectContract, column: Column, kind: str) -> bool:
    """Whether a column of texts holds values that the contract says how to read."""
    if kind != "text":
        return False
    formats = contract.formats
    if column.data_type in ("date", "timestamp", "timestamptz"):
        return bool(column.date_format or (formats.date_format and column.data_type != "timestamptz"))
    has_numbers = formats.decimal_separator != "." or bool(formats.thousands_separator)
    return has_numbers and column.data_type != "boolean"
