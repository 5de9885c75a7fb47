"""What the warehouse has of a source: raw tables, newest completed loads, cursors. Nothing here writes."""

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from scorecard.extract.contracts.contract import ObjectContract, SourceContract
from scorecard.extract.raw.warehouse_file import Types, open_warehouse, read_types
from scorecard.shared.sql import quoted

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class RawTables:
    """The raw tables of a schema; the warehouse is attached as ``warehouse``.

    ``types``: the types of the columns, by table and column.
    """

    schema: str
    types: Types

    def columns(self, contract: ObjectContract) -> dict[str, str]:
        """Return the types of the columns of a raw table, by name."""
        return self.types.get(contract.name, {})

    def has_versions(self, contract: ObjectContract) -> bool:
        """Whether a raw table has versions of records."""
        return "_valid_to" in self.columns(contract)

    def has(self, name: str) -> bool:
        """Whether the schema has a table."""
        return name in self.types

    def named(self, name: str) -> str:
        """SQL name of a table."""
        return f"warehouse.{self.schema}.{quoted(name)}"

    def current(self, contract: ObjectContract) -> str:
        """SQL of the current rows of a raw table."""
        return f"(from {self.named(contract.name)} where _valid_to is null)"


@dataclass(frozen=True)
class NewestLoad:
    """The newest completed load of a raw table; `loaded_at_us` is microseconds since 1970.

    `files`: the name and SHA-256 of each file, sorted by name. `line_ends`: for each file in this order, whether its
    last line has a line end; None if that isn't known.
    """

    files: tuple[tuple[str, str], ...]
    line_ends: tuple[bool | None, ...]
    contract_sha256: str
    unknown_columns: tuple[str, ...]
    loaded_at_us: int


@dataclass(frozen=True)
class Cursor:
    """How far an object of a service, or an export, has been read.

    ``text`` is JSON of the connector or the bucket. ``contract_sha256``: the contract by which the object was read.
    ``loaded_at_us``: microseconds since 1970. ``read_through``: the last complete day of this object and all objects
    read with it.
    """

    text: str
    contract_sha256: str
    loaded_at_us: int
    read_through: date | None = None


def read_state(path: Path, source: SourceContract) -> dict[str, NewestLoad]:
    """Read the newest completed load of each raw table, by its name.

    Raises
    ------
    ScorecardError: the warehouse can't be opened or read.
    """
    if not path.exists():
        return {}
    with open_warehouse(path, read_only=True) as db:
        types = read_types(db, source.schema)
        newest = _newest(db, source.schema, types)
    return {name: load for name, load in newest.items() if name in types}


def read_cursors(path: Path, source: SourceContract) -> dict[str, Cursor]:
    """Read how far each object has been read, by its name. Incomplete loads don't count."""
    if not path.exists():
        return {}
    with open_warehouse(path, read_only=True) as db:
        columns = read_types(db, source.schema).get("_cursors")
        if not columns:
            return {}
        # Older warehouses lack the column.
        newest = "arg_max(read_through, loaded_at) filter (read_through is not null) over (partition by object)"
        through = newest if "read_through" in columns else "null::date"
        rows = db.execute(f"""
            select object, cursor, contract_sha256, epoch_us(loaded_at), {through}
            from {source.schema}._cursors
            where _dlt_load_id in (select load_id from {source.schema}._dlt_loads)
            qualify row_number() over (partition by object order by loaded_at desc) = 1
        """)
        return {name: Cursor(*rest) for name, *rest in rows.fetchall()}


def _newest(db: "duckdb.DuckDBPyConnection", schema: str, types: Types) -> dict[str, NewestLoad]:
    if not {"_loaded_files", "_dlt_loads"} <= types.keys():
        return {}
    # Older warehouses lack the column.
    ends_line = "ends_line" if "ends_line" in types["_loaded_files"] else "null::boolean"
    rows = db.execute(f"""
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
        name: NewestLoad(tuple(files), tuple(ends), contract, _names(unknown), loaded_at)
        for name, files, ends, contract, unknown, loaded_at in rows.fetchall()
    }


def _names(unknown: str | None) -> tuple[str, ...]:
    """Read the names of undeclared columns: a JSON list, or separated by commas as the first release did."""
    if not unknown:
        return ()
    return tuple(json.loads(unknown)) if unknown.startswith("[") else tuple(unknown.split(", "))
