"""Load validated tables with dlt: one resource a raw table, Arrow in, Parquet to the warehouse.

dlt's working folder is deleted after each load. Otherwise dlt resumes a load that was killed, and a file whose INSERT
was committed just before the kill is inserted twice.
"""

import os
import shutil
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scorecard.extract.contracts.contract import ObjectContract, SourceContract
from scorecard.extract.raw.extraction import LoadedObject
from scorecard.extract.raw.load_resources import cursor_resource, table_resources
from scorecard.extract.raw.raw_tables import Cursor, NewestLoad
from scorecard.extract.raw.recover import take_back
from scorecard.extract.raw.validate import ValidatedTable
from scorecard.extract.raw.warehouse_file import Types, cannot_use, is_damaged, is_locked, open_warehouse
from scorecard.shared.errors import ScorecardError
from scorecard.shared.sql import first_line, literal, quoted

if TYPE_CHECKING:
    import duckdb

MEMORY = "256MB"
"""Memory of the warehouse while dlt loads into it."""


def load(
    warehouse: Path,
    source: SourceContract,
    validated: list[ValidatedTable],
    loaded_at: datetime,
    work: Path,
    db: "duckdb.DuckDBPyConnection",
    cursors: dict[ObjectContract, tuple[str, date | None]],
) -> tuple[str, tuple[LoadedObject, ...]]:
    """Load validated tables and cursors in one dlt run; return the load id, and what it did to each raw table.

    Parameters
    ----------
    work: a folder for dlt's files; it is deleted in the end.
    cursors: the new cursor of each object, and the last day that is complete with this load, None if there is none.
        They count when the load completes.

    Raises
    ------
    ScorecardError: the load failed; the warehouse was put back as it was.
    """
    _quiet_dlt()
    resources = table_resources(validated, loaded_at, db)
    if cursors:
        resources.append(cursor_resource(cursors, loaded_at, db))
    load_id = _load_or_take_back(warehouse, source, work, resources)
    shutil.rmtree(work, ignore_errors=True)
    return load_id, _finish(warehouse, source, validated, loaded_at, load_id)


def _load_or_take_back(warehouse: Path, source: SourceContract, work: Path, resources: list[Any]) -> str:
    """Run dlt and return the load id. If dlt fails, put the warehouse back as it was."""
    from dlt.pipeline.exceptions import PipelineStepFailed

    try:
        return _run_pipeline(warehouse, source, work, resources)
    except PipelineStepFailed as error:
        cause = error.exception or error
        if is_locked(cause) or is_damaged(cause):
            raise cannot_use(warehouse, cause) from error
        take_back(warehouse, source)
        raise ScorecardError(
            f"Loading {source.name} failed in dlt's step {error.step}: {first_line(cause) or type(cause).__name__}.",
            "The warehouse was put back as it was. Remove the cause (is the disk full?) and run again.",
        ) from error


def _run_pipeline(warehouse: Path, source: SourceContract, work: Path, resources: list[Any]) -> str:
    import dlt

    _leave_out_files()
    pipeline = dlt.pipeline(
        pipeline_name=source.name,
        pipelines_dir=str(work),
        destination=dlt.destinations.duckdb(_credentials(warehouse)),
        dataset_name=source.schema,
    )
    # dlt compares with the columns of the warehouse itself before it loads.
    pipeline.config.restore_from_destination = False
    info = pipeline.run(dlt.source(lambda: resources, name=source.name)(), loader_file_format="parquet")
    info.raise_on_failed_jobs()
    (load_id,) = info.loads_ids
    return str(load_id)


def retype(path: Path, source: SourceContract, validated: list[ValidatedTable], types: Types) -> None:
    """Change raw columns to the types of their contract; dlt would add a second column.

    Parameters
    ----------
    types: the types of the columns that the raw tables have, by table and column.

    Raises
    ------
    ScorecardError: a value of the raw table can't be of the new type.
    """
    import duckdb

    changes = [
        (table.contract, column, stored_type)
        for table in validated
        for column in table.columns
        if (stored_type := types.get(table.contract.name, {}).get(column.name))
        and stored_type != _spelled(column.stored)
    ]
    if not changes:
        return
    with open_warehouse(path, read_only=False) as db:
        for contract, column, stored_type in changes:
            table = f"{source.schema}.{quoted(contract.name)}"
            try:
                db.execute(f"alter table {table} alter {quoted(column.name)} type {column.stored}")
            except duckdb.Error as error:
                if is_damaged(error):
                    raise
                raise ScorecardError(
                    f"The column {column.name} of {source.schema}.{contract.name} is {stored_type} and has values that"
                    f" are no {column.data_type}: {str(error).splitlines()[0]}.",
                    f"In {contract.declared_in}, keep its old type, or give the column a new name and"
                    f" config.meta.header: {column.header}.",
                ) from error


def _spelled(data_type: str) -> str:
    """Spell a type of a contract as DuckDB's catalogue does."""
    return "timestamp with time zone" if data_type == "timestamptz" else data_type.replace(", ", ",")


def load_time(earlier: Iterable[NewestLoad | Cursor]) -> datetime:
    """Return the time of this load: later than every earlier load, even if the clock was put back."""
    last = max((load.loaded_at_us for load in earlier), default=0)
    return max(datetime.now(UTC), datetime.fromtimestamp(0, UTC) + timedelta(microseconds=last + 1))


def _finish(
    warehouse: Path, source: SourceContract, validated: list[ValidatedTable], loaded_at: datetime, load_id: str
) -> tuple[LoadedObject, ...]:
    """Drop dlt's staging tables, a second copy of the load, and count what the load did to each raw table."""
    with open_warehouse(warehouse, read_only=False) as db:
        db.execute(f"drop schema if exists {source.schema}_staging cascade")
        counts = [
            db.execute(
                f"select count(*) filter (_dlt_load_id = ?),"
                f" count(*) filter (_valid_to = timestamptz {literal(loaded_at.isoformat())})"
                f" from {source.schema}.{quoted(table.contract.name)}",
                [load_id],
            ).fetchone()
            or (0, 0)
            for table in validated
        ]
    return tuple(
        LoadedObject(table.contract.name, table.rows_read, table.rows_loaded, table.rows_quarantined, new, retired)
        for table, (new, retired) in zip(validated, counts, strict=True)
    )


def _quiet_dlt() -> None:
    """Switch off dlt's telemetry and log, and its queries of Airflow's database for each setting (10 s a run).

    Call it before dlt is imported. The environment may override it.
    """
    os.environ.setdefault("PROVIDERS__ENABLE_AIRFLOW_SECRETS", "false")
    os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")
    os.environ.setdefault("RUNTIME__LOG_LEVEL", "CRITICAL")


def _credentials(warehouse: Path) -> Any:
    from dlt.destinations.impl.duckdb.configuration import DuckDbCredentials

    return DuckDbCredentials(str(warehouse), global_config={"memory_limit": MEMORY})


def _leave_out_files() -> None:
    """Let only the environment configure dlt, not the user's `.dlt` folder.

    dlt looks up each setting under many names in every place, which takes a third of the time of a small load.
    """
    from dlt.common.configuration.container import Container
    from dlt.common.configuration.providers import EnvironProvider
    from dlt.common.configuration.specs.pluggable_run_context import PluggableRunContext

    Container()[PluggableRunContext].providers.providers = [EnvironProvider()]
