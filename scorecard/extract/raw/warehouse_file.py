"""The warehouse as a DuckDB file: how it is opened, and what an error of DuckDB says of it."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from scorecard.shared.errors import ScorecardError, Temporary
from scorecard.shared.sql import first_line, literal

if TYPE_CHECKING:
    import duckdb

Types = dict[str, dict[str, str]]
"""Type of each column, by table and column name."""

_LOCKED = "could not set lock on file"
_DAMAGED = (
    "corrupt database file",
    "corrupt wal file",
    "not a valid duckdb database file",
    "could not read enough bytes",
    "serialization error",
    "failed to load metadata pointer",
)
"""DuckDB's own words: a damaged file has no class of exception."""


@contextmanager
def open_warehouse(path: Path, read_only: bool) -> "Iterator[duckdb.DuckDBPyConnection]":
    """Connect to the warehouse.

    Raises
    ------
    ScorecardError: another process holds it, or it is no DuckDB file, or what is done with it finds it damaged.
    """
    import duckdb

    try:
        # Most of the file is read, and its checksums with it, only when a query asks for it.
        with duckdb.connect(path, read_only=read_only) as connection:
            yield connection
    except duckdb.Error as error:
        raise cannot_use(path, error) from error


@contextmanager
def attached(path: Path, db: "duckdb.DuckDBPyConnection") -> Iterator[None]:
    """Attach the warehouse to read, if there is one, as `warehouse`. Raises as `open_warehouse`."""
    import duckdb

    if not path.exists():
        yield
        return
    try:
        db.execute(f"attach {literal(str(path))} as warehouse (read_only)")
    except duckdb.Error as error:
        raise cannot_use(path, error) from error
    try:
        yield
    except duckdb.Error as error:
        if is_damaged(error):
            raise cannot_use(path, error) from error
        raise
    finally:
        # A database found damaged can't even be detached; that must not hide why.
        with suppress(duckdb.Error):
            db.execute("detach warehouse")


def is_locked(error: BaseException) -> bool:
    """Whether DuckDB failed because another process holds the file."""
    return _LOCKED in str(error).lower()


def is_damaged(error: BaseException) -> bool:
    """Whether DuckDB failed because what it read is not what was written."""
    return any(words in str(error).lower() for words in _DAMAGED)


def cannot_use(path: Path, error: BaseException) -> ScorecardError:
    """Say why DuckDB can't open or read the warehouse, and the cure."""
    if is_locked(error):
        return Temporary(
            f"The warehouse {path} is in use by another process.",
            "Let it finish or end it (DuckDB has one writer at a time), then run this again.",
        )
    if is_damaged(error):
        return ScorecardError(
            f"The warehouse {path} is damaged: {first_line(error)}.",
            f"Put back a copy of it, or delete it (and {path.name}.wal, if there is one) and extract again: the raw"
            " tables are loaded anew from the exports.",
        )
    return ScorecardError(
        f"The warehouse {path} cannot be used: {first_line(error)}.",
        "Check its permissions and disk. If they are in order, move it away and extract again: the raw tables are"
        " loaded anew from the exports.",
    )


def read_types(db: "duckdb.DuckDBPyConnection", schema: str, database: str | None = None) -> Types:
    """Read the columns of all tables of a schema, in the current database or an attached one."""
    types: Types = {}
    found = db.execute(
        "select table_name, column_name, lower(data_type) from duckdb_columns()"
        " where database_name = coalesce(?, current_database()) and schema_name = ? order by all",
        [database, schema],
    )
    for table, column, data_type in found.fetchall():
        types.setdefault(table, {})[column] = data_type
    return types
