"""Load staged exports with dlt: one resource a raw table, Arrow in, Parquet to the warehouse.

dlt's working folder is scratch here. Left to itself dlt resumes a load that was killed; but a file whose INSERT
was committed just before the kill is then inserted a second time, and its scd2 merge copies both rows.
"""

# ruff: noqa: S608  names are checked by the contract, or quoted

import os
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scorecard.errors import ScorecardError
from scorecard.sources.contract import SourceContract
from scorecard.sources.files import Staged, literal, quoted
from scorecard.sources.held import cannot_use, is_damaged, is_locked, take_back

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

BATCH = 100_000
"""Rows of an Arrow batch on the way to dlt."""

QUARANTINE = {
    "object": "varchar",
    "reason": "varchar",
    "payload": "varchar",
    "source_file": "varchar",
    "source_line": "bigint",
    "source_sha256": "varchar",
    "_dlt_load_id": "varchar",
}
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
    "loaded_at": "timestamptz",
    "_dlt_load_id": "varchar",
}


def quiet_dlt() -> None:
    """Switch off telemetry, dlt's log, and its asking Airflow's database for each setting (10 s a run).

    To be called before dlt is imported; the environment may say otherwise.
    """
    os.environ.setdefault("PROVIDERS__ENABLE_AIRFLOW_SECRETS", "false")
    os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")
    os.environ.setdefault("RUNTIME__LOG_LEVEL", "CRITICAL")


def load(
    warehouse: Path,
    source: SourceContract,
    staged: list[Staged],
    loaded_at: datetime,
    work: Path,
    db: "duckdb.DuckDBPyConnection",
) -> str:
    """Load what was staged in one dlt run and return the load id.

    Raises
    ------
    ScorecardError: the load failed; the warehouse was put back as it was.
    """
    quiet_dlt()
    import dlt
    from dlt.pipeline.exceptions import PipelineStepFailed

    pipeline = dlt.pipeline(
        pipeline_name=source.name,
        pipelines_dir=str(work),
        destination=dlt.destinations.duckdb(str(warehouse)),
        dataset_name=source.schema,
    )
    # The tables' true columns are the warehouse's, which dlt compares with before it loads.
    pipeline.config.restore_from_destination = False
    resources = [_versions(each, db, loaded_at) for each in staged]
    resources.append(_rows("_quarantine", partial(_quarantine, staged), QUARANTINE, db))
    resources.append(_rows("_loaded_files", partial(_loaded_files, staged, loaded_at), LOADED_FILES, db))
    try:
        info = pipeline.run(resources, loader_file_format="parquet")
        info.raise_on_failed_jobs()
    except PipelineStepFailed as error:
        cause = error.exception or error
        if is_locked(cause) or is_damaged(cause):
            raise cannot_use(warehouse, cause) from error
        take_back(warehouse, source)
        raise ScorecardError(
            f"Loading {source.name} failed in the step {error.step}: {str(cause).strip().splitlines()[0]}.",
            "The warehouse was put back as it was. Mend the cause (is the disk full?) and run again.",
        ) from error
    (load_id,) = info.loads_ids
    return str(load_id)


def _versions(staged: Staged, db: "duckdb.DuckDBPyConnection", loaded_at: datetime) -> Any:
    """dlt resource of a raw table: a row is a version; the hash of its fields tells one from the next."""
    import dlt

    contract = staged.contract
    disposition: Any = {
        "disposition": "merge",
        "strategy": "scd2",
        "validity_column_names": ["_valid_from", "_valid_to"],
        "row_version_column_name": "_row_version",
        "boundary_timestamp": loaded_at,
    }
    known = [column.name for column in contract.columns]
    names = ", ".join(quoted(name) for name in (*known, *staged.unknown))
    # Sorted and with types, so that the order of the columns is no change and a new type is one.
    fields = ", ".join(
        f"{quoted(f'{column.name} {column.data_type}')} := {quoted(column.name)}::varchar"
        for column in sorted(staged.columns, key=lambda column: column.name)
    )

    def rows() -> "Iterator[pa.Table]":
        yield from _arrow(
            db,
            f"""
            select {names}, {literal(staged.source_file)} as _source_file, _line as _source_line,
                '{staged.sha256}' as _source_sha256,
                sha256(to_json(struct_pack({fields}))::varchar) as _row_version,
                '{_load_id()}' as _dlt_load_id
            from {staged.table}_good
            union all by name from {staged.table}_held
            """,
        )

    hints: dict[str, Any] = {}
    if not contract.full_export:
        # With a merge key, dlt ends only versions whose key is in the file: right for an export of changes.
        hints["merge_key"] = list(contract.primary_key)
    # Without this hint dlt takes a wall-clock time for UTC.
    hints["columns"] = {
        column.name: {"data_type": "timestamp", "timezone": False}
        for column in contract.columns
        if column.data_type == "timestamp"
    }
    return dlt.resource(rows, name=contract.name, write_disposition=disposition, **hints)


def _rows(name: str, select: Callable[[], str], columns: dict[str, str], db: "duckdb.DuckDBPyConnection") -> Any:
    """dlt resource of one of the extraction's own tables, appended to; made even when it stays empty."""
    import dlt

    types = ", ".join(f"{column}::{data_type} as {column}" for column, data_type in columns.items())

    def rows() -> "Iterator[pa.Table]":
        yield from _arrow(db, f"select {types} from ({select()})")

    return dlt.resource(rows, name=name, write_disposition="append")


def _quarantine(staged: list[Staged]) -> str:
    return " union all ".join(
        f"""
        select '{each.contract.name}' as object, reason, payload, {literal(each.source_file)} as source_file,
            _line as source_line, '{each.sha256}' as source_sha256, '{_load_id()}' as _dlt_load_id
        from {each.table}_bad
        """
        for each in staged
    )


def _loaded_files(staged: list[Staged], loaded_at: datetime) -> str:
    return " union all ".join(
        f"""
        select '{each.contract.name}' as object, {literal(each.source_file)} as source_file,
            '{each.sha256}' as source_sha256, '{each.contract.fingerprint}' as contract_sha256,
            {each.size_bytes} as size_bytes, {each.rows_read} as rows_read, {each.rows_loaded} as rows_loaded,
            {each.rows_quarantined} as rows_quarantined,
            nullif({literal(", ".join(each.unknown))}, '') as unknown_columns,
            '{loaded_at.isoformat()}' as loaded_at, '{_load_id()}' as _dlt_load_id
        """
        for each in staged
    )


def _load_id() -> str:
    import dlt

    return str(dlt.current.load_package_state()["load_id"])


def _arrow(db: "duckdb.DuckDBPyConnection", query: str) -> "Iterator[pa.Table]":
    """Yield the result as Arrow tables of up to BATCH rows, one without rows where there are none."""
    import pyarrow as pa

    reader = db.cursor().sql(query).to_arrow_reader(BATCH)
    empty = True
    for batch in reader:
        empty = False
        yield pa.Table.from_batches([batch])
    if empty:
        yield reader.schema.empty_table()
