"""The dlt resources of a load: the raw tables, and the extraction's own tables beside them."""

import json
from collections.abc import Iterator
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from scorecard.extract.contracts.contract import ObjectContract
from scorecard.extract.raw.validate import ValidatedTable, row_version
from scorecard.shared.sql import literal, quoted

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

MAX_ROWS, MAX_BYTES = 25_000, 8 * 2**20
"""Rows and bytes of an Arrow table that dlt gets: the limit that is reached first counts."""

ROWS_READ = 500
"""Rows that are read from DuckDB at once."""

# Columns of the extraction's own tables; each has `_dlt_load_id` behind them.
QUARANTINE = {
    "object": "varchar",
    "reason": "varchar",
    "payload": "varchar",
    "source_file": "varchar",
    "source_line": "bigint",
    "source_sha256": "varchar",
    "record_key": "varchar",
    "amounts": "varchar",
}
MENDED = {"object": "varchar", "record_key": "varchar"}
LOADED_FILES = {
    "object": "varchar",
    "source_file": "varchar",
    "source_sha256": "varchar",
    "contract_sha256": "varchar",
    "size_bytes": "bigint",
    "rows_read": "bigint",
    "rows_loaded": "bigint",
    "rows_quarantined": "bigint",
    "unknown_columns": "varchar",
    "ends_line": "boolean",
    "loaded_at": "timestamptz",
}
CURSORS = {
    "object": "varchar",
    "cursor": "varchar",
    "contract_sha256": "varchar",
    "read_through": "date",
    "loaded_at": "timestamptz",
}


def table_resources(validated: list[ValidatedTable], loaded_at: datetime, db: "duckdb.DuckDBPyConnection") -> list[Any]:
    """Return the dlt resources of raw tables, and of the quarantine and the list of loaded files."""
    resources = [_versions(table, db, loaded_at) for table in validated]
    if validated:
        resources.append(_own_table("_quarantine", _quarantine(validated), QUARANTINE, db))
        resources.append(_own_table("_loaded_files", _loaded_files(validated, loaded_at), LOADED_FILES, db))
    if any(not table.contract.full_export for table in validated):
        resources.append(_own_table("_mended", _mended(validated), MENDED, db))
    return resources


def cursor_resource(
    cursors: dict[ObjectContract, tuple[str, date | None]], loaded_at: datetime, db: "duckdb.DuckDBPyConnection"
) -> Any:
    """Return the dlt resource of cursors; see `load`."""
    return _own_table("_cursors", _cursors(cursors, loaded_at), CURSORS, db)


def _versions(table: ValidatedTable, db: "duckdb.DuckDBPyConnection", loaded_at: datetime) -> Any:
    """dlt resource of a raw table. A row is a version of a record; the hash of its fields identifies it."""
    import dlt

    contract = table.contract
    declared = [column.name for column in contract.columns]
    own = [column.name for column in table.columns if column.name not in declared]
    names = ", ".join(quoted(name) for name in (*declared, *own))
    # If no version ends, dlt inserts the load without a copy of it and a join.
    validity = f", {_literal(loaded_at)}::timestamptz as _valid_from, null::timestamptz as _valid_to"

    def rows() -> "Iterator[pa.Table]":
        yield from _arrow(
            db,
            f"""
            select {names}, _source_file, _line as _source_line, _sha256 as _source_sha256,
                {row_version(table.columns)} as _row_version,
                {_load_id()} as _dlt_load_id{validity if table.are_all_new else ""}
            from {table.table}_good join (from {table.table}_inputs) using (_input)
            union all by name from {table.table}_unchanged
            """,
        )

    disposition: Any = {
        "disposition": "merge",
        "strategy": "scd2",
        "validity_column_names": ["_valid_from", "_valid_to"],
        "row_version_column_name": "_row_version",
        "boundary_timestamp": loaded_at,
    }
    if table.are_all_new:
        disposition = "append"
    return dlt.resource(rows, name=contract.name, write_disposition=disposition, **_hints(contract))


def _hints(contract: ObjectContract) -> dict[str, Any]:
    """Return what dlt has to know of a raw table beside its rows."""
    hints: dict[str, Any] = {}
    if not contract.full_export:
        # With a merge key, dlt ends only versions whose key is in the load, as an export of changes needs it.
        hints["merge_key"] = list(contract.merge_key)
    # Without this hint dlt takes a wall-clock time for UTC.
    hints["columns"] = {
        column.name: {"data_type": "timestamp", "timezone": False}
        for column in contract.columns
        if column.data_type == "timestamp"
    }
    return hints


def _own_table(name: str, select: str, columns: dict[str, str], db: "duckdb.DuckDBPyConnection") -> Any:
    """dlt resource of one of the extraction's own tables, appended to. The table is made even if it stays empty."""
    import dlt

    types = ", ".join(f"{column}::{data_type} as {column}" for column, data_type in columns.items())

    def rows() -> "Iterator[pa.Table]":
        yield from _arrow(db, f"select {types}, {_load_id()} as _dlt_load_id from ({select})")

    return dlt.resource(rows, name=name, write_disposition="append")


def _quarantine(validated: list[ValidatedTable]) -> str:
    return " union all ".join(
        f"""
        select {literal(table.contract.name)} as object, _reason as reason, _payload as payload,
            _source_file as source_file, _line as source_line, _sha256 as source_sha256, _record_key as record_key,
            _amounts as amounts
        from {table.table}_bad join {table.table}_inputs using (_input)
        """
        for table in validated
    )


def _mended(validated: list[ValidatedTable]) -> str:
    return " union all ".join(
        f"select {literal(table.contract.name)} as object, record_key from {table.table}_mended" for table in validated
    )


def _loaded_files(validated: list[ValidatedTable], loaded_at: datetime) -> str:
    return " union all ".join(
        f"""
        select {literal(table.contract.name)} as object, _source_file as source_file, _sha256 as source_sha256,
            {literal(table.contract.fingerprint)} as contract_sha256, _size_bytes as size_bytes,
            _rows_read as rows_read, _rows_loaded as rows_loaded, _rows_bad as rows_quarantined,
            {_unknown_columns(table)} as unknown_columns, _ends_line as ends_line, {_literal(loaded_at)} as loaded_at
        from {table.table}_inputs
        """
        for table in validated
    )


def _unknown_columns(table: ValidatedTable) -> str:
    """SQL of the names of undeclared fields as a JSON list, in the row of the first input of a load; null in others."""
    if not table.unknown:
        return "null"
    is_first = f"_input = (select min(_input) from {table.table}_inputs)"
    return f"case when {is_first} then {literal(json.dumps(table.unknown, ensure_ascii=False))} end"


def _cursors(cursors: dict[ObjectContract, tuple[str, date | None]], loaded_at: datetime) -> str:
    return " union all ".join(
        f"""
        select {literal(contract.name)} as object, {literal(cursor)} as cursor,
            {literal(contract.fingerprint)} as contract_sha256,
            {literal(through) if through else "null"} as read_through, {_literal(loaded_at)} as loaded_at
        """
        for contract, (cursor, through) in cursors.items()
    )


def _literal(moment: datetime) -> str:
    return literal(moment.isoformat())


def _load_id() -> str:
    """SQL of the id of the load that dlt is making."""
    import dlt

    return literal(dlt.current.load_package_state()["load_id"])


def _arrow(db: "duckdb.DuckDBPyConnection", query: str) -> "Iterator[pa.Table]":
    """Yield the result as Arrow tables of up to MAX_ROWS and MAX_BYTES, one without rows if there are none."""
    import pyarrow as pa

    reader = db.cursor().sql(query).to_arrow_reader(ROWS_READ)
    batches: list[pa.RecordBatch] = []
    is_empty = True
    for batch in reader:
        is_empty = False
        batches.append(batch)
        if sum(map(len, batches)) >= MAX_ROWS or sum(batch.nbytes for batch in batches) >= MAX_BYTES:
            yield pa.Table.from_batches(batches)
            batches = []
    if batches or is_empty:
        yield pa.Table.from_batches(batches, reader.schema)
