"""Take back loads that never completed.

dlt writes the id of a load into `_dlt_loads` last, which completes the load. Rows of any other load were left by a run
that was killed.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from scorecard.extract.contracts.contract import SourceContract
from scorecard.extract.raw.warehouse_file import Types, open_warehouse, read_types
from scorecard.shared.sql import quoted

if TYPE_CHECKING:
    import duckdb


def recover(path: Path, source: SourceContract) -> None:
    """Take back the loads of a source that never completed, if there are any.

    Raises
    ------
    ScorecardError: the warehouse can't be opened, read or written.
    """
    if path.exists() and _has_incomplete_load(path, source.schema):
        take_back(path, source)


def _has_incomplete_load(path: Path, schema: str) -> bool:
    with open_warehouse(path, read_only=True) as db:
        types = read_types(db, schema)
        return _has_merge_schema(db, schema) or any(
            db.execute(f"select 1 from {schema}.{quoted(table)} where {condition} limit 1").fetchone()
            for table in types
            for condition in _uncommitted(schema, types, table)
            if condition
        )


def take_back(path: Path, source: SourceContract) -> None:
    """Undo loads that never completed: delete the rows they began, and make the rows they ended current again."""
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


def _has_merge_schema(db: "duckdb.DuckDBPyConnection", schema: str) -> bool:
    """Whether dlt left the schema in which it prepares a merge."""
    schemas = db.execute(
        "select 1 from duckdb_schemas() where database_name = current_database() and schema_name = ?",
        [f"{schema}_staging"],
    )
    return schemas.fetchone() is not None


def _uncommitted(schema: str, types: Types, table: str) -> tuple[str, str]:
    """SQL conditions of rows that no completed load began, and that none ended; "" if a table can have no such rows."""
    loads = f"select load_id from {schema}._dlt_loads" if "_dlt_loads" in types else "select '' where false"
    ends = "select null::timestamptz where false"
    if "_loaded_files" in types:
        ends = f"select loaded_at from {schema}._loaded_files where _dlt_load_id in ({loads})"
    begun = f"_dlt_load_id not in ({loads})" if "_dlt_load_id" in types[table] else ""
    ended = f"_valid_to is not null and _valid_to not in ({ends})" if "_valid_to" in types[table] else ""
    return begun, ended
