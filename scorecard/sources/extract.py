"""Load what changed in the exports of one source into its raw tables, all of it or nothing.

The warehouse alone remembers what was loaded: a load counts once dlt has written its id into `_dlt_loads`, which it
does last. What a run that was killed left behind is taken back before the next one begins, and dlt's working folder
is scratch. dlt would resume a killed load instead, but a file whose INSERT was committed just before the kill is then
inserted a second time, and its scd2 merge copies both rows.
"""

import fcntl
import glob
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from scorecard.errors import ScorecardError
from scorecard.settings import Settings
from scorecard.sources.contract import ObjectContract, SourceContract
from scorecard.sources.files import Staged, literal, quoted, stage

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

BATCH = 100_000
"""Rows of an Arrow batch on the way to dlt."""

MEMORY = "1GB"
"""What the scratch database may hold in memory before it spills to disk."""

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


@dataclass(frozen=True)
class LoadedObject:
    """One export that was loaded. `rows_new` and `rows_retired` are versions begun and ended in the raw table."""

    name: str
    source_file: str
    source_sha256: str
    rows_read: int
    rows_loaded: int
    rows_quarantined: int
    rows_new: int
    rows_retired: int


@dataclass(frozen=True)
class ExtractResult:
    """What `extract` did. `load_id` is None where no export had changed; warnings are sentences."""

    source: str
    load_id: str | None
    loaded: tuple[LoadedObject, ...]
    unchanged: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class _Committed:
    """What the warehouse holds of an object: the file version and the contract it was read with."""

    source_sha256: str
    contract_sha256: str
    unknown_columns: str


def extract(
    settings: Settings, source: SourceContract, progress: Callable[[str], None] = lambda _: None
) -> ExtractResult:
    """Bring the raw tables of a source up to date with its exports.

    Every changed export is read and judged first; only when all can be used are they loaded, in one dlt run.

    Raises
    ------
    ScorecardError: an export can't be used, lost too many rows, or the warehouse can't be written. The warehouse is
        as it was before.
    """
    work = settings.state / "dlt" / source.name
    with _alone(work, source.name):
        committed = _committed(settings.warehouse, source)
        changed = _changed(settings.data / source.name, source, committed)
        unchanged = tuple(o.name for o in source.objects if o not in changed)
        if not changed:
            progress(f"{source.name}: nothing changed")
            return ExtractResult(source.name, None, (), unchanged, _warnings(source, committed))
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        try:
            with _scratch(work) as db:
                staged = _stage(settings, source, changed, db, progress)
                _retype(settings.warehouse, source, staged)
                load_id = _load(settings.warehouse, source, staged, work, db, progress)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        loaded = tuple(_loaded(settings.warehouse, source, each, load_id) for each in staged)
        for each in loaded:
            progress(
                f"{source.name}.{each.name}: {each.rows_read} rows read, {each.rows_new} new, {each.rows_retired} ended,"
                f" {each.rows_quarantined} in quarantine"
            )
        return ExtractResult(
            source.name, load_id, loaded, unchanged, _warnings(source, _committed(settings.warehouse, source))
        )


@contextmanager
def _alone(work: Path, name: str) -> Iterator[None]:
    """Keep a second extraction of the source out; the system lifts the lock when a process dies."""
    work.parent.mkdir(parents=True, exist_ok=True)
    with (work.parent / f"{name}.lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ScorecardError(
                f"Another extraction of {name} is running.", "Wait for it to end, then run this one again."
            ) from error
        yield


@contextmanager
def _warehouse(path: Path, read_only: bool) -> "Iterator[duckdb.DuckDBPyConnection]":
    """Connect to the warehouse. Raises ScorecardError where another process holds it or it is no DuckDB file."""
    import duckdb

    try:
        connection = duckdb.connect(path, read_only=read_only)
    except duckdb.Error as error:
        raise _cannot_open(path, error) from error
    try:
        yield connection
    finally:
        connection.close()


def _cannot_open(path: Path, error: Exception) -> ScorecardError:
    if "lock" in str(error).lower():
        return ScorecardError(
            f"The warehouse {path} is in use by another process.",
            "Let it finish or end it (DuckDB has one writer at a time), then run this again.",
        )
    return ScorecardError(
        f"The warehouse {path} cannot be opened: {str(error).splitlines()[0]}.",
        "Check its permissions and disk. If the file is damaged, move it away and run again:"
        " the raw tables are loaded anew from the exports.",
    )


def _tables(db: "duckdb.DuckDBPyConnection", schema: str) -> dict[str, dict[str, str]]:
    """Name and type of every column of every table of a schema."""
    tables: dict[str, dict[str, str]] = {}
    found = db.execute(
        "select table_name, column_name, lower(data_type) from duckdb_columns()"
        " where database_name = current_database() and schema_name = ? order by table_name, column_index",
        [schema],
    )
    for table, column, data_type in found.fetchall():
        tables.setdefault(table, {})[column] = data_type
    return tables


def _committed(path: Path, source: SourceContract) -> dict[str, _Committed]:
    """Read what the warehouse holds, by object, and take back what a killed run left there."""
    if not path.exists():
        return {}
    with _warehouse(path, read_only=True) as db:
        tables = _tables(db, source.schema)
        torn = f"{source.schema}_staging" in _schemas(db) or any(
            db.execute(f"select 1 from {source.schema}.{quoted(table)} where {condition} limit 1").fetchone()
            for table in tables
            for condition in _uncommitted(source.schema, tables, table)
            if condition
        )
        committed = _newest(db, source.schema, tables)
    if torn:
        _take_back(path, source)
    return {name: value for name, value in committed.items() if name in tables}


def _schemas(db: "duckdb.DuckDBPyConnection") -> set[str]:
    found = db.execute("select schema_name from duckdb_schemas() where database_name = current_database()")
    return {name for (name,) in found.fetchall()}


def _newest(
    db: "duckdb.DuckDBPyConnection", schema: str, tables: dict[str, dict[str, str]]
) -> dict[str, _Committed]:
    if not {"_loaded_files", "_dlt_loads"} <= tables.keys():
        return {}
    found = db.execute(f"""
        select object, source_sha256, contract_sha256, coalesce(unknown_columns, '') from {schema}._loaded_files
        where _dlt_load_id in (select load_id from {schema}._dlt_loads)
        qualify row_number() over (partition by object order by loaded_at desc) = 1
    """)
    return {name: _Committed(*rest) for name, *rest in found.fetchall()}


def _uncommitted(schema: str, tables: dict[str, dict[str, str]], table: str) -> tuple[str, str]:
    """SQL conditions of the rows that no completed load began, and of those that none ended; "" where none can be."""
    loads = f"select load_id from {schema}._dlt_loads" if "_dlt_loads" in tables else "select '' where false"
    ends = "select null::timestamptz where false"
    if "_loaded_files" in tables:
        ends = f"select loaded_at from {schema}._loaded_files where _dlt_load_id in ({loads})"
    columns = tables[table]
    begun = f"_dlt_load_id not in ({loads})" if "_dlt_load_id" in columns else ""
    ended = f"_valid_to is not null and _valid_to not in ({ends})" if "_valid_to" in columns else ""
    return begun, ended


def _take_back(path: Path, source: SourceContract) -> None:
    """Undo a load that never completed: its rows go, the rows it ended are current again."""
    with _warehouse(path, read_only=False) as db:
        tables = _tables(db, source.schema)
        db.begin()
        for table in tables:
            begun, ended = _uncommitted(source.schema, tables, table)
            if begun:
                db.execute(f"delete from {source.schema}.{quoted(table)} where {begun}")
            if ended:
                db.execute(f"update {source.schema}.{quoted(table)} set _valid_to = null where {ended}")
        db.execute(f"drop schema if exists {source.schema}_staging cascade")
        db.commit()


def _changed(
    folder: Path, source: SourceContract, committed: dict[str, _Committed]
) -> dict[ObjectContract, Path]:
    """Find the exports that are not what the warehouse holds. Raises ScorecardError naming all that are missing."""
    changed, missing = {}, []
    for contract in source.objects:
        path = folder / contract.file
        try:
            with path.open("rb") as handle:
                sha256 = hashlib.file_digest(handle, "sha256").hexdigest()
        except OSError as error:
            missing.append(
                ScorecardError(
                    f"{source.name}/{contract.file} cannot be read: {error.strerror}. {folder} has"
                    f" {', '.join(sorted(p.name for p in folder.glob('*'))) or 'no file'}.",
                    f"Put the export there, or correct config.meta.file of {contract.name} in {contract.declared_in}.",
                )
            )
            continue
        held = committed.get(contract.name)
        if held is None or (held.source_sha256, held.contract_sha256) != (sha256, contract.fingerprint):
            changed[contract] = path
    if missing:
        raise _all_of(source, missing)
    return changed


def _all_of(source: SourceContract, errors: list[ScorecardError]) -> ScorecardError:
    if len(errors) == 1:
        return errors[0]
    problems = " ".join(f"({number}) {error.problem}" for number, error in enumerate(errors, start=1))
    cures = " ".join(f"({number}) {error.cure}" for number, error in enumerate(errors, start=1))
    return ScorecardError(f"{len(errors)} exports of {source.name} cannot be loaded: {problems}", cures)


def _warnings(source: SourceContract, committed: dict[str, _Committed]) -> tuple[str, ...]:
    return tuple(
        f"{source.name}/{contract.file} has columns its contract doesn't know: {held.unknown_columns}."
        f" They are kept as text; describe them in {contract.declared_in}."
        for contract in source.objects
        if (held := committed.get(contract.name)) and held.unknown_columns
    )


@contextmanager
def _scratch(work: Path) -> "Iterator[duckdb.DuckDBPyConnection]":
    import duckdb

    config: dict[str, Any] = {"memory_limit": MEMORY, "temp_directory": str(work / "spill")}
    with duckdb.connect(config=config) as db:
        db.execute("set TimeZone = 'UTC'")
        yield db


def _stage(
    settings: Settings,
    source: SourceContract,
    changed: dict[ObjectContract, Path],
    db: "duckdb.DuckDBPyConnection",
    progress: Callable[[str], None],
) -> list[Staged]:
    """Read all changed exports. Raises ScorecardError that lists every one that can't be used."""
    staged, errors = [], []
    for number, (contract, path) in enumerate(changed.items()):
        progress(f"{source.name}.{contract.name}: reading {contract.file}")
        try:
            each = stage(db, f"t{number}", _opener(path), contract, f"{source.name}/{contract.file}")
            _compare(settings, source, each, db)
            staged.append(each)
        except ScorecardError as error:
            errors.append(error)
    if errors:
        raise _all_of(source, errors)
    return staged


def _opener(path: Path) -> Callable[[], IO[bytes]]:
    """Find the file by dlt's filesystem source, and say how to open it."""
    _quiet_dlt()
    from dlt.sources.filesystem import filesystem

    (item,) = filesystem(path.parent.as_uri(), file_glob=glob.escape(path.name))
    opener: Callable[[], IO[bytes]] = partial(item.open, mode="rb", compression="disable")
    return opener


def _compare(
    settings: Settings, source: SourceContract, staged: Staged, db: "duckdb.DuckDBPyConnection"
) -> None:
    """Hold an export against the current rows of its raw table.

    Makes `<table>_held` (_row_version): current rows whose record is in the file but in quarantine. They have not
    vanished, so their last good version stays.

    Raises
    ------
    ScorecardError: a full export lost more of its rows than the settings allow.
    """
    contract = staged.contract
    db.execute(f"create table {staged.table}_held (_row_version varchar)")
    if not contract.full_export or not settings.warehouse.exists():
        return
    with _attached(settings.warehouse, db):
        found = db.execute(
            "select column_name from duckdb_columns()"
            " where database_name = 'warehouse' and schema_name = ? and table_name = ?",
            [source.schema, contract.name],
        )
        if not {*contract.primary_key, "_valid_to"} <= {name for (name,) in found.fetchall()}:
            return
        current = f"(from warehouse.{source.schema}.{quoted(contract.name)} where _valid_to is null)"
        key = [quoted(name) for name in contract.primary_key]
        same = " and ".join(f"r.{name}::varchar = k.{name}::varchar" for name in key)
        held, vanished = db.execute(f"""
            select count(*), count(*) filter (not exists (from {staged.table}_keys as k where {same}))
            from {current} as r
        """).fetchone() or (0, 0)
        if vanished > settings.max_vanished_share * held:
            what = (
                f"{vanished} of the {held} rows"
                if staged.rows_read
                else f"all {held} rows, for only its header is left, out"
            )
            raise ScorecardError(
                f"{staged.source_file} lacks {what} that it had before.",
                "Export it again in full. If they are truly gone, run once with"
                f" SCORECARD_MAX_VANISHED_SHARE={vanished / held:.2f} or more (it is {settings.max_vanished_share}).",
            )
        db.execute(f"""
            insert into {staged.table}_held
            select _row_version from {current} as r
            where exists (
                from {staged.table}_keys as k where {same} and k._line in (select _line from {staged.table}_bad)
            ) and not exists (from {staged.table}_good as k where {same})
        """)


@contextmanager
def _attached(warehouse: Path, db: "duckdb.DuckDBPyConnection") -> Iterator[None]:
    """Attach the warehouse to the scratch database, to read."""
    import duckdb

    try:
        db.execute(f"attach {literal(str(warehouse))} as warehouse (read_only)")
    except duckdb.Error as error:
        raise _cannot_open(warehouse, error) from error
    try:
        yield
    finally:
        db.execute("detach warehouse")


def _retype(warehouse: Path, source: SourceContract, staged: list[Staged]) -> None:
    """Give columns of the raw tables the type their contract has by now; dlt would put a second column beside.

    Raises
    ------
    ScorecardError: a value that the table holds can't be of the new type.
    """
    import duckdb

    if not warehouse.exists():
        return
    with _warehouse(warehouse, read_only=False) as db:
        tables = _tables(db, source.schema)
        for each in staged:
            held = tables.get(each.contract.name, {})
            for column in each.columns:
                wanted = {"timestamptz": "timestamp with time zone"}.get(column.data_type, column.data_type)
                if held.get(column.name, wanted) == wanted.replace(" ,", ","):
                    continue
                table = f"{source.schema}.{quoted(each.contract.name)}"
                try:
                    db.execute(f"alter table {table} alter {quoted(column.name)} type {column.data_type}")
                except duckdb.Error as error:
                    raise ScorecardError(
                        f"The column {column.name} of {table} is {held[column.name]} and holds values that are no"
                        f" {column.data_type}: {str(error).splitlines()[0]}.",
                        f"In {each.contract.declared_in}, name the column anew and write config.meta.header:"
                        f" {column.header}, or keep its old type.",
                    ) from error


def _quiet_dlt() -> None:
    """Switch off telemetry, dlt's own log, and its asking Airflow's database for each of its settings (10 s a run).

    To be called before dlt is imported; the environment may say otherwise.
    """
    os.environ.setdefault("PROVIDERS__ENABLE_AIRFLOW_SECRETS", "false")
    os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")
    os.environ.setdefault("RUNTIME__LOG_LEVEL", "CRITICAL")


def _load(
    warehouse: Path,
    source: SourceContract,
    staged: list[Staged],
    work: Path,
    db: "duckdb.DuckDBPyConnection",
    progress: Callable[[str], None],
) -> str:
    """Load what was staged in one dlt run and return the load id; on failure put the warehouse back as it was."""
    _quiet_dlt()
    import dlt
    from dlt.pipeline.exceptions import PipelineStepFailed

    progress(f"{source.name}: loading {', '.join(each.contract.name for each in staged)}")
    loaded_at = _after_last_load(warehouse, source)
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
        _take_back(warehouse, source)
        cause = error.exception or error
        if "lock" in str(cause).lower():
            raise _cannot_open(warehouse, cause) from error
        raise ScorecardError(
            f"Loading {source.name} failed in the step {error.step}: {str(cause).strip().splitlines()[0]}.",
            "The warehouse was put back as it was. Mend the cause (is the disk full?) and run again.",
        ) from error
    _take_back(warehouse, source)
    (load_id,) = info.loads_ids
    return str(load_id)


def _after_last_load(warehouse: Path, source: SourceContract) -> datetime:
    """The time of this load, later than every earlier one even if the clock was put back."""
    now = datetime.now(UTC)
    if not warehouse.exists():
        return now
    with _warehouse(warehouse, read_only=True) as db:
        if "_loaded_files" not in _tables(db, source.schema):
            return now
        # As text, for DuckDB needs another library to hand a time with a zone to Python.
        (last,) = db.execute(
            f"select epoch_us(max(loaded_at)) from {source.schema}._loaded_files"
        ).fetchone() or (None,)
    if last is None:
        return now
    return max(now, datetime.fromtimestamp(0, UTC) + timedelta(microseconds=last + 1))


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
        yield from _tables_of(
            db,
            f"""
            select {names}, {literal(staged.source_file)} as _source_file, _line as _source_line,
                '{staged.sha256}' as _source_sha256, sha256(to_json(struct_pack({fields}))::varchar) as _row_version,
                '{_load_id()}' as _dlt_load_id
            from {staged.table}_good
            union all by name from {staged.table}_held
            """,
        )

    # With a merge key, dlt ends only versions whose key is in the file: right for an export of changes.
    key = None if contract.full_export else list(contract.primary_key)
    # Without this hint dlt takes a wall-clock time for UTC.
    wall_clock: Any = {
        column.name: {"data_type": "timestamp", "timezone": False}
        for column in contract.columns
        if column.data_type == "timestamp"
    }
    return dlt.resource(
        rows, name=contract.name, write_disposition=disposition, merge_key=key, columns=wall_clock or None
    )


def _rows(
    name: str, select: Callable[[], str], columns: dict[str, str], db: "duckdb.DuckDBPyConnection"
) -> Any:
    """dlt resource of one of the extraction's own tables, to be appended to; made even when it stays empty."""
    import dlt

    types = ", ".join(f"{column}::{data_type} as {column}" for column, data_type in columns.items())

    def rows() -> "Iterator[pa.Table]":
        yield from _tables_of(db, f"select {types} from ({select()})")

    return dlt.resource(rows, name=name, write_disposition="append")


def _quarantine(staged: list[Staged]) -> str:
    return " union all ".join(
        f"""
        select '{each.contract.name}' as object, reason, payload,
            {literal(each.source_file)} as source_file, _line as source_line,
            '{each.sha256}' as source_sha256, '{_load_id()}' as _dlt_load_id
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
            {each.rows_quarantined} as rows_quarantined, nullif('{", ".join(each.unknown)}', '') as unknown_columns,
            '{loaded_at.isoformat()}' as loaded_at, '{_load_id()}' as _dlt_load_id
        """
        for each in staged
    )


def _load_id() -> str:
    import dlt

    return str(dlt.current.load_package_state()["load_id"])


def _tables_of(db: "duckdb.DuckDBPyConnection", query: str) -> "Iterator[pa.Table]":
    """Yield the result as Arrow tables of up to BATCH rows, one without rows where there are none."""
    import pyarrow as pa

    reader = db.cursor().sql(query).to_arrow_reader(BATCH)
    empty = True
    for batch in reader:
        empty = False
        yield pa.Table.from_batches([batch])
    if empty:
        yield reader.schema.empty_table()


def _loaded(warehouse: Path, source: SourceContract, staged: Staged, load_id: str) -> LoadedObject:
    """Count what a load did to one raw table."""
    with _warehouse(warehouse, read_only=True) as db:
        new, retired = db.execute(
            f"""
            select count(*) filter (_dlt_load_id = ?), count(*) filter (_valid_to = (
                select max(loaded_at) from {source.schema}._loaded_files where _dlt_load_id = ?))
            from {source.schema}.{quoted(staged.contract.name)}
            """,
            [load_id, load_id],
        ).fetchone() or (0, 0)
    return LoadedObject(
        staged.contract.name,
        staged.source_file,
        staged.sha256,
        staged.rows_read,
        staged.rows_loaded,
        staged.rows_quarantined,
        new,
        retired,
    )
