"""Load staged exports with dlt: one resource a raw table, Arrow in, Parquet to the warehouse.

dlt's working folder is scratch here. Left to itself dlt resumes a load that was killed; but a file whose INSERT
was committed just before the kill is then inserted a second time, and its scd2 merge copies both rows.
"""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scorecard.extract.contracts.contract import ObjectContract, SourceContract
from scorecard.extract.raw.recover import take_back
from scorecard.extract.raw.result import LoadedObject
from scorecard.extract.raw.state import Cursor, NewestLoad
from scorecard.extract.raw.validate import Staged, row_version
from scorecard.extract.raw.warehouse_file import cannot_use, is_damaged, is_locked, open_warehouse
from scorecard.shared.errors import ScorecardError
from scorecard.shared.sql import literal, quoted

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

BATCH, BATCH_BYTES = 25_000, 8 * 2**20
"""Rows of an Arrow table on the way to dlt, and the bytes at which fewer are enough."""

SMALLEST = 500
"""Rows that DuckDB gives at once."""

MEMORY = "256MB"
"""What the warehouse may hold in memory while dlt loads into it."""

QUARANTINE = {
    "object": "varchar",
    "reason": "varchar",
    "payload": "varchar",
    "source_file": "varchar",
    "source_line": "bigint",
    "source_sha256": "varchar",
    "record_key": "varchar",
    "amounts": "varchar",
    "_dlt_load_id": "varchar",
}
MENDED = {"object": "varchar", "record_key": "varchar", "_dlt_load_id": "varchar"}
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
    "_dlt_load_id": "varchar",
}

CURSORS = {
    "object": "varchar",
    "cursor": "varchar",
    "contract_sha256": "varchar",
    "read_through": "date",
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
    cursors: dict[ObjectContract, tuple[str, date | None]] | None = None,
) -> str:
    """Load what was staged in one dlt run and return the load id.

    Parameters
    ----------
    cursors: how far each object is read with this load, and the last day of which the load completes what is known of
        it, None where it completes none; they count when the load does.

    Raises
    ------
    ScorecardError: the load failed; the warehouse was put back as it was.
    """
    quiet_dlt()
    import dlt
    from dlt.pipeline.exceptions import PipelineStepFailed

    _leave_out_files()
    pipeline = dlt.pipeline(
        pipeline_name=source.name,
        pipelines_dir=str(work),
        destination=dlt.destinations.duckdb(_credentials(warehouse)),
        dataset_name=source.schema,
    )
    # The tables' true columns are the warehouse's, which dlt compares with before it loads.
    pipeline.config.restore_from_destination = False
    resources = [_versions(each, db, loaded_at) for each in staged]
    if staged:
        resources.append(_rows("_quarantine", partial(_quarantine, staged), QUARANTINE, db))
        resources.append(_rows("_loaded_files", partial(_loaded_files, staged, loaded_at), LOADED_FILES, db))
    if any(not each.contract.full_export for each in staged):
        resources.append(_rows("_mended", partial(_mended, staged), MENDED, db))
    if cursors:
        resources.append(_rows("_cursors", partial(_cursors, cursors, loaded_at), CURSORS, db))
    try:
        info = pipeline.run(dlt.source(lambda: resources, name=source.name)(), loader_file_format="parquet")
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


def after_last_load(loads: "Sequence[NewestLoad | Cursor]") -> datetime:
    """The time of this load, later than every earlier one even if the clock was put back."""
    last = max((each.loaded_at_us for each in loads), default=0)
    return max(datetime.now(UTC), datetime.fromtimestamp(0, UTC) + timedelta(microseconds=last + 1))


def finish(
    warehouse: Path, source: SourceContract, staged: list[Staged], loaded_at: datetime, load_id: str
) -> tuple[LoadedObject, ...]:
    """Drop dlt's staging tables, which hold the load once more, and count what it did to each raw table."""
    with open_warehouse(warehouse, read_only=False) as db:
        db.execute(f"drop schema if exists {source.schema}_staging cascade")
        counts = [
            db.execute(
                f"select count(*) filter (_dlt_load_id = ?),"
                f" count(*) filter (_valid_to = timestamptz {literal(loaded_at.isoformat())})"
                f" from {source.schema}.{quoted(each.contract.name)}",
                [load_id],
            ).fetchone()
            or (0, 0)
            for each in staged
        ]
    return tuple(
        LoadedObject(
            each.contract.name,
            each.rows_read,
            each.rows_loaded,
            each.rows_quarantined,
            new,
            retired,
        )
        for each, (new, retired) in zip(staged, counts, strict=True)
    )


def _credentials(warehouse: Path) -> Any:
    from dlt.destinations.impl.duckdb.configuration import DuckDbCredentials

    return DuckDbCredentials(str(warehouse), global_config={"memory_limit": MEMORY})


def _leave_out_files() -> None:
    """Let the environment alone configure dlt, and no `.dlt` folder of whoever runs it.

    dlt looks for each setting under many names in every place, which would be a third of what a small load costs.
    """
    from dlt.common.configuration.container import Container
    from dlt.common.configuration.providers import EnvironProvider
    from dlt.common.configuration.specs.pluggable_run_context import PluggableRunContext

    Container()[PluggableRunContext].providers.providers = [EnvironProvider()]


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
    more = [column.name for column in staged.columns if column.name not in known]
    names = ", ".join(quoted(name) for name in (*known, *more))

    # Where no version ends, dlt need not look for one: a plain insert, without a copy of the load and a join.
    validity = f", '{loaded_at.isoformat()}'::timestamptz as _valid_from, null::timestamptz as _valid_to"

    def rows() -> "Iterator[pa.Table]":
        yield from _arrow(
            db,
            f"""
            select {names}, _source_file, _line as _source_line, _sha256 as _source_sha256,
                {row_version(staged.columns)} as _row_version,
                '{_load_id()}' as _dlt_load_id{validity if staged.are_all_new else ""}
            from {staged.table}_good join (from {staged.table}_pages) using (_page)
            union all by name from {staged.table}_held
            """,
        )

    hints: dict[str, Any] = {}
    if not contract.full_export:
        # With a merge key, dlt ends only versions whose key is in the file: right for an export of changes.
        hints["merge_key"] = list(contract.merge_key)
    # Without this hint dlt takes a wall-clock time for UTC.
    hints["columns"] = {
        column.name: {"data_type": "timestamp", "timezone": False}
        for column in contract.columns
        if column.data_type == "timestamp"
    }
    if staged.are_all_new:
        disposition = "append"
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
        select '{each.contract.name}' as object, _reason as reason, _payload as payload, _source_file as source_file,
            _line as source_line, _sha256 as source_sha256, _record_key as record_key,
            _amounts as amounts, '{_load_id()}' as _dlt_load_id
        from {each.table}_bad join {each.table}_pages using (_page)
        """
        for each in staged
    )


def _mended(staged: list[Staged]) -> str:
    return " union all ".join(
        f"select '{each.contract.name}' as object, record_key, '{_load_id()}' as _dlt_load_id from {each.table}_mended"
        for each in staged
    )


def _loaded_files(staged: list[Staged], loaded_at: datetime) -> str:
    return " union all ".join(
        f"""
        select '{each.contract.name}' as object, _source_file as source_file, _sha256 as source_sha256,
            '{each.contract.fingerprint}' as contract_sha256, _size_bytes as size_bytes, _rows_read as rows_read,
            _rows_loaded as rows_loaded, _rows_bad as rows_quarantined,
            {_unknown_columns(each)} as unknown_columns, _ends_line as ends_line,
            '{loaded_at.isoformat()}' as loaded_at, '{_load_id()}' as _dlt_load_id
        from {each.table}_pages
        """
        for each in staged
    )


def _unknown_columns(staged: Staged) -> str:
    """SQL of the names of undeclared fields, as a JSON list, on the first page of a load alone; null on the others."""
    if not staged.unknown:
        return "null"
    is_first = f"_page = (select min(_page) from {staged.table}_pages)"
    return f"case when {is_first} then {literal(json.dumps(staged.unknown, ensure_ascii=False))} end"


def _cursors(cursors: dict[ObjectContract, tuple[str, date | None]], loaded_at: datetime) -> str:
    return " union all ".join(
        f"""
        select '{contract.name}' as object, {literal(cursor)} as cursor,
            '{contract.fingerprint}' as contract_sha256, {f"'{through}'" if through else "null"} as read_through,
            '{loaded_at.isoformat()}' as loaded_at, '{_load_id()}' as _dlt_load_id
        """
        for contract, (cursor, through) in cursors.items()
    )


def _load_id() -> str:
    import dlt

    return str(dlt.current.load_package_state()["load_id"])


def _arrow(db: "duckdb.DuckDBPyConnection", query: str) -> "Iterator[pa.Table]":
    """Yield the result as Arrow tables of up to BATCH rows and BATCH_BYTES, one without rows where there are none."""
    import pyarrow as pa

    reader = db.cursor().sql(query).to_arrow_reader(SMALLEST)
    waiting: list[pa.RecordBatch] = []
    empty = True
    for batch in reader:
        empty = False
        waiting.append(batch)
        if sum(map(len, waiting)) >= BATCH or sum(each.nbytes for each in waiting) >= BATCH_BYTES:
            yield pa.Table.from_batches(waiting)
            waiting = []
    if waiting or empty:
        yield pa.Table.from_batches(waiting, reader.schema)
