"""Tables of a database: their columns, types and keys, what is read of them, and the values of rows and cursors."""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import exc

from scorecard.extract.contracts.contract import Column, ObjectContract
from scorecard.extract.services.sql.settings import NUMBERS_AGAIN
from scorecard.shared.errors import ScorecardError


@dataclass(frozen=True)
class TableReading:
    """One reading of a table, in one transaction. ``at`` is its time by the database's clock.

    ``first`` is the first day of which rows are wanted, None if all are. ``repeated`` selects the keys that several
    rows share, None if there are none. ``point`` is the decimal separator that the contract declares.
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
            f"The raw tables {', '.join(contract.name for contract in contracts)} of {name} have different keys or"
            " cursors.",
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
    return datetime.combine(first, time(), UTC if cursor.data_type == "timestamptz" else None)


def cursor_between(reading: TableReading, reached: dict[str, Any]) -> dict[str, Any] | None:
    """Return the cursor of a page that others follow; None where rows of one key may lie on both sides of it."""
    return dict(reached) if reading.repeated is None else None


def has_declared_format(contract: ObjectContract, column: Column, kind: str) -> bool:
    """Whether the contract declares how to read the values of a column of texts."""
    if kind != "text":
        return False
    formats = contract.formats
    if column.data_type in ("date", "timestamp", "timestamptz"):
        return bool(column.date_format or (formats.date_format and column.data_type != "timestamptz"))
    has_numbers = formats.decimal_separator != "." or bool(formats.thousands_separator)
    return has_numbers and column.data_type != "boolean"


def reflect(db: sa.Connection, name: str) -> sa.Table | None:
    """Return a table or view with its columns, None where there is none that the user can see."""
    schema, _, table = name.rpartition(".")
    with warnings.catch_warnings():
        # A type that SQLAlchemy doesn't know is read as text.
        warnings.simplefilter("ignore", exc.SAWarning)
        try:
            described = sa.inspect(db).get_columns(table, schema or None)
        except exc.NoSuchTableError:
            return None
    columns = [sa.Column(sa.quoted_name(column["name"], quote=True), column["type"]) for column in described]
    named = sa.quoted_name(table, quote=True)
    return sa.Table(named, sa.MetaData(), *columns, schema=sa.quoted_name(schema, quote=True) if schema else None)


def repeated_keys(db: sa.Connection, table: sa.Table, key: "Sequence[sa.Column[Any]]") -> "sa.Select[Any] | None":
    """Return a query of the keys that several rows share, None where there are none.

    Where a constraint of the database forbids that, the rows are not looked at.
    """
    names = {str(column.name) for column in key}
    inspector = sa.inspect(db)
    try:
        unique = [inspector.get_pk_constraint(table.name, table.schema)["constrained_columns"]]
        unique += [
            constraint["column_names"] for constraint in inspector.get_unique_constraints(table.name, table.schema)
        ]
    except (exc.NoSuchTableError, NotImplementedError):
        # A view has no constraints.
        unique = []
    if any(columns and set(columns) <= names for columns in unique):
        return None
    has_key = [column.is_not(None) for column in key]
    repeated = sa.select(*key).where(*has_key).group_by(*key).having(sa.func.count() > 1)
    return None if db.execute(repeated.limit(1)).first() is None else repeated


def kind_of(column: sa.Column[Any]) -> str:
    """Return the kind of a column: a key of `settings.TYPES`, "binary", or "text" for all that is read as text."""
    kind = column.type
    if isinstance(kind, sa.DateTime):
        return "timestamp with time zone" if kind.timezone else "timestamp"
    for name, classes in {
        "boolean": (sa.Boolean,),
        "integer": (sa.Integer,),
        "float": (sa.Float,),
        "numeric": (sa.Numeric,),
        "date": (sa.Date,),
        "binary": (sa.LargeBinary,),
    }.items():
        if isinstance(kind, classes):
            return name
    return "text"


def now(db: sa.Connection) -> datetime:
    """Return the time of the transaction, by the database's clock."""
    moment: datetime = db.execute(sa.select(sa.func.now())).scalar_one()
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def value_of(written_value: Any, data_type: str) -> Any:
    """Return a cursor's value as it was before `cursor_text` wrote it; None if it is no moment or number."""
    try:
        if data_type in ("bigint", "integer"):
            return int(written_value)
        return date.fromisoformat(written_value) if data_type == "date" else datetime.fromisoformat(written_value)
    except (TypeError, ValueError):
        return None


def no_later(value: Any, moment: datetime) -> Any:
    """Return a value, or the present if it lies in the future: a cursor in the future would hide all that is new."""
    if isinstance(value, datetime):
        return min(value, moment if value.tzinfo else moment.replace(tzinfo=None))
    return min(value, moment.date()) if isinstance(value, date) else value


def before(value: Any, seconds: int) -> Any:
    """Return the value from which on rows are read again, since some are committed late."""
    if isinstance(value, int):
        return value - NUMBERS_AGAIN
    # A date has no hours: the whole of the day is read again.
    days = math.ceil(seconds / 86_400)
    return value - (timedelta(seconds=seconds) if isinstance(value, datetime) else timedelta(days=days))


def json_record(row: sa.Row[Any], point: str) -> bytes:
    """Write a row as a JSON record whose values are exact; `point` is the decimal separator of its numbers."""
    return msgspec.json.encode({name: _json_value(value, point) for name, value in row._mapping.items()})


def _json_value(value: Any, point: str) -> Any:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float | Decimal):
        return str(value).replace(".", point)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, list | dict | tuple):
        return msgspec.json.encode(value, enc_hook=str).decode()
    return str(value)


def cursor_text(value: Any) -> str:
    """Write a cursor's value as text; `value_of` reads it."""
    return str(value) if isinstance(value, int) else str(value.isoformat())
