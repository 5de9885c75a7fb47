"""The warehouse as a DuckDB file: opening it, and what DuckDB's errors mean."""

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
"""Messages of DuckDB about a damaged file, which has no exception class of its own."""


@contextmanager
def open_warehouse(path: Path, read_only: bool) -> "Iterator[duckdb.DuckDBPyConnection]":
    """Connect to the warehouse.

    Raises
    ------
    ScorecardError: another process uses the file, it is damaged or isn't a DuckDB file, or a query in the block fails:
        DuckDB reads most of the file only when a query needs it.
    """
    import duckdb

    try:
        # DuckDB reads most of the file, and verifies its checksums, only when a query needs it.
        with duckdb.connect(path, read_only=read_only) as connection:
            yield connection
    except duckdb.Error as error:
        raise cannot_use(path, error) from error


@contextmanager
def attached(path: Path, db: "duckdb.DuckDBPyConnection") -> Iterator[None]:
    """Attach the warehouse read-only as `warehouse`, if it exists. Raises as `open_warehouse`."""
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
        # A damaged database can't be detached; the first error must stay visible.
        with suppress(duckdb.Error):
            db.execute("detach warehouse")


def is_locked(error: BaseException) -> bool:
    """Whether DuckDB failed because another process uses the file."""
    return _LOCKED in str(error).lower()


def is_damaged(error: BaseException) -> bool:
    """Whether DuckDB failed because the file is damaged."""
    return any(words in str(error).lower() for words in _DAMAGED)


def cannot_use(path: Path, error: BaseException) -> ScorecardError:
    """Return the error of a warehouse that DuckDB can't open or read."""
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
    columns = db.execute(
        "select table_name, column_name, lower(data_type) from duckdb_columns()"
        " where database_name = coalesce(?, current_database()) and schema_name = ? order by all",
        [database, schema],
    )
    for table, column, data_type in columns.fetchall():
        types.setdefault(table, {})[column] = data_type
    return types
