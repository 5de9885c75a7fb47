"""What the warehouse holds of a source, and how a load that never completed is taken back.

The warehouse alone remembers what was loaded: a load counts once dlt has written its id into `_dlt_loads`, which
it does last. Rows of any other load are what a run that was killed left behind.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from scorecard.extract.contracts.contract import SourceContract
from scorecard.extract.raw.validate import Staged
from scorecard.shared.errors import ScorecardError, Temporary
from scorecard.shared.sql import first_line, literal, quoted

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


@dataclass(frozen=True)
class Held:
    """The newest completed load of an object; `loaded_at_us` is microseconds since 1970.

    `files`: name and SHA-256 of each, by name. `line_ends`: for each of them in this order, whether its last line has a
    line end; None where that isn't known.
    """

    files: tuple[tuple[str, str], ...]
    line_ends: tuple[bool | None, ...]
    contract_sha256: str
    unknown_columns: tuple[str, ...]
    loaded_at_us: int


@dataclass(frozen=True)
class Cursor:
    """How far an object of a service has been read: JSON text, and the contract it was read by.

    ``read_through`` is the last day of which all has been read, of this object and all that were read with it.
    """

    text: str
    contract_sha256: str
    loaded_at_us: int
    read_through: date | None = None


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


def read_held(path: Path, source: SourceContract) -> dict[str, Held]:
    """Read what the warehouse holds, by object, once it is rid of what a killed run left there."""
    if not path.exists():
        return {}
    with open_warehouse(path, read_only=True) as db:
        types = read_types(db, source.schema)
        torn = _has_staging(db, source.schema) or any(
            db.execute(f"select 1 from {source.schema}.{quoted(table)} where {condition} limit 1").fetchone()
            for table in types
            for condition in _uncommitted(source.schema, types, table)
            if condition
        )
        held = _newest(db, source.schema, types)
    if torn:
        take_back(path, source)
    return {name: value for name, value in held.items() if name in types}


def read_cursors(path: Path, source: SourceContract) -> dict[str, Cursor]:
    """Read how far each object of a service has been read, by its name. Call `read_held` before: it mends."""
    if not path.exists():
        return {}
    with open_warehouse(path, read_only=True) as db:
        columns = read_types(db, source.schema).get("_cursors")
        if not columns:
            return {}
        # Warehouses of before lack the column.
        newest = "arg_max(read_through, loaded_at) filter (read_through is not null) over (partition by object)"
        through = newest if "read_through" in columns else "null::date"
        found = db.execute(f"""
            select object, cursor, contract_sha256, epoch_us(loaded_at), {through}
            from {source.schema}._cursors
            where _dlt_load_id in (select load_id from {source.schema}._dlt_loads)
            qualify row_number() over (partition by object order by loaded_at desc) = 1
        """)
        return {name: Cursor(*rest) for name, *rest in found.fetchall()}


def take_back(path: Path, source: SourceContract) -> None:
    """Undo a load that never completed: its rows go, the rows it ended are current again."""
    if not path.exists():
        return
    with open_warehouse(path, read_only=False) as db:
        types = read_types(db, source.schema)
        db.begin()
        for table in types:
            begun, ended = _uncommitted(source.schema, types, table)
            if begun:
                db.execute(f"delete from {source.schema}.{quoted(table)} where {begun}")
            if ended:
                db.execute(f"update {source.schema}.{quoted(table)} set _valid_to = null where {ended}")
        db.execute(f"drop schema if exists {source.schema}_staging cascade")
        db.commit()


def retype(path: Path, source: SourceContract, staged: list[Staged], types: Types) -> None:
    """Give raw columns the type their contract has by now; dlt would put a second column beside.

    Raises
    ------
    ScorecardError: a value that the table holds can't be of the new type.
    """
    import duckdb

    changes = [
        (each.contract, column, held)
        for each in staged
        for column in each.columns
        if (held := types.get(each.contract.name, {}).get(column.name)) and held != _spelled(column.stored)
    ]
    if not changes:
        return
    with open_warehouse(path, read_only=False) as db:
        for contract, column, held in changes:
            table = f"{source.schema}.{quoted(contract.name)}"
            try:
                db.execute(f"alter table {table} alter {quoted(column.name)} type {column.stored}")
            except duckdb.Error as error:
                if is_damaged(error):
                    raise
                raise ScorecardError(
                    f"The column {column.name} of {source.schema}.{contract.name} is {held} and holds values that"
                    f" are no {column.data_type}: {str(error).splitlines()[0]}.",
                    f"In {contract.declared_in}, keep its old type, or give the column a new name and"
                    f" config.meta.header: {column.header}.",
                ) from error


def _spelled(data_type: str) -> str:
    """Spell a type of a contract as DuckDB's catalogue does."""
    return "timestamp with time zone" if data_type == "timestamptz" else data_type.replace(", ", ",")


def _has_staging(db: "duckdb.DuckDBPyConnection", schema: str) -> bool:
    found = db.execute(
        "select 1 from duckdb_schemas() where database_name = current_database() and schema_name = ?",
        [f"{schema}_staging"],
    )
    return found.fetchone() is not None


def _newest(db: "duckdb.DuckDBPyConnection", schema: str, types: Types) -> dict[str, Held]:
    if not {"_loaded_files", "_dlt_loads"} <= types.keys():
        return {}
    # Warehouses of before lack the column.
    ends_line = "ends_line" if "ends_line" in types["_loaded_files"] else "null::boolean"
    found = db.execute(f"""
        with newest as (
            from {schema}._loaded_files
            where _dlt_load_id in (select load_id from {schema}._dlt_loads)
            qualify rank() over (partition by object order by loaded_at desc) = 1
        )
        select object, list((source_file, source_sha256) order by source_file),
            list({ends_line} order by source_file), any_value(contract_sha256),
            max(unknown_columns), epoch_us(max(loaded_at))
        from newest group by object
    """)
    return {
        name: Held(tuple(files), tuple(ends), contract, _names(unknown), loaded_at)
        for name, files, ends, contract, unknown, loaded_at in found.fetchall()
    }


def _names(unknown: str | None) -> tuple[str, ...]:
    """Read the names of undeclared columns: a JSON list, in warehouses of the first release parted by commas."""
    if not unknown:
        return ()
    return tuple(json.loads(unknown)) if unknown.startswith("[") else tuple(unknown.split(", "))


def _uncommitted(schema: str, types: Types, table: str) -> tuple[str, str]:
    """SQL conditions of rows that no completed load began, and ended; "" where a table can have none."""
    loads = f"select load_id from {schema}._dlt_loads" if "_dlt_loads" in types else "select '' where false"
    ends = "select null::timestamptz where false"
    if "_loaded_files" in types:
        ends = f"select loaded_at from {schema}._loaded_files where _dlt_load_id in ({loads})"
    begun = f"_dlt_load_id not in ({loads})" if "_dlt_load_id" in types[table] else ""
    ended = f"_valid_to is not null and _valid_to not in ({ends})" if "_valid_to" in types[table] else ""
    return begun, ended
