"""The published copy of the warehouse, and the fingerprint of the code, settings and loads that it was built from."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb

from scorecard.shared import locks
from scorecard.shared.errors import ScorecardError, Temporary
from scorecard.shared.files import partial_of, replace_synced
from scorecard.shared.settings import Settings
from scorecard.shared.sql import quoted
from scorecard.warehouse.variables import variables

_CODE = (
    "dbt_project/models",
    "dbt_project/derived",
    "dbt_project/macros",
    "dbt_project/tests",
    "dbt_project/dbt_project.yml",
    "dbt_project/profiles.yml",
    "expectations",
    "scorecard",
)
_SUFFIXES = {".sql", ".yml", ".py"}


@contextmanager
def writer(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the warehouse for writing.

    Raises
    ------
    ScorecardError: another process has it open, or it is damaged or of a newer version.
    """
    settings.state.mkdir(parents=True, exist_ok=True)
    try:
        connection = duckdb.connect(str(settings.warehouse))
    except duckdb.Error as error:
        raise ScorecardError(
            f"The warehouse {settings.warehouse} cannot be opened: {' '.join(str(error).split())}",
            "End the process that has it open; if it is damaged, delete it and run again: the exports rebuild it.",
        ) from error
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """Make every other process that writes or publishes wait, so that a build sees one state of the raw tables.

    Raises
    ------
    ScorecardError: another process has not finished within five minutes.
    """
    busy = Temporary(
        "Another run is extracting, building or closing and has not finished.",
        "Wait for it to end, or stop it; then run again.",
    )
    with locks.alone(settings.state / "warehouse.lock", busy):
        yield


@dataclass(frozen=True)
class Fingerprint:
    """Hashes of what a build depends on: ``code`` and the company's settings, and the ``loads`` of every source."""

    code: str
    loads: str


def fingerprint(settings: Settings) -> Fingerprint:
    """Return the fingerprint that a build would have now."""
    loads = hashlib.sha256("\0".join(_loads(settings)).encode())
    return Fingerprint(_code(settings), loads.hexdigest())


def published_fingerprint(settings: Settings) -> Fingerprint | None:
    """Return the fingerprint of the published snapshot; None where there is no readable snapshot."""
    if not settings.snapshot.exists():
        return None
    try:
        with duckdb.connect(str(settings.snapshot), read_only=True) as connection:
            row = connection.execute("select code, loads from quality.build").fetchone()
    except duckdb.Error:
        return None
    return Fingerprint(*row) if row else None


def refuse_stale(settings: Settings) -> None:
    """Refuse to publish figures of other code or settings: a close would describe them by the present ones.

    Raises
    ------
    ScorecardError: there is no published snapshot, or it was built by other code or settings.
    """
    published = published_fingerprint(settings)
    if published is None or published.code != _code(settings):
        raise ScorecardError(
            "The published figures were built by other code or settings than the present ones, or there are none.",
            "Run `scorecard build`, then publish again.",
        )


def _code(settings: Settings) -> str:
    digest = hashlib.sha256()
    for name in _CODE:
        start = settings.project / name
        for path in [start] if start.is_file() else sorted(start.rglob("*")):
            if path.suffix in _SUFFIXES and path.is_file():
                digest.update(f"{path.relative_to(settings.project)}\0".encode())
                digest.update(path.read_bytes())
    digest.update(json.dumps(variables(settings), sort_keys=True).encode())
    return digest.hexdigest()


def publish(settings: Settings, built_from: Fingerprint) -> None:
    """Write the fingerprint to the warehouse, and replace the published snapshot by a copy, with an atomic rename.

    Raises
    ------
    ScorecardError: the disk is full or not writable. The old snapshot stays.
    """
    with writer(settings) as connection:
        connection.execute("create schema if not exists quality")
        connection.execute(
            "create or replace table quality.build as select ? as code, ? as loads", [built_from.code, built_from.loads]
        )
        connection.execute("checkpoint")
    partial = partial_of(settings.snapshot)
    try:
        shutil.copyfile(settings.warehouse, partial)
        replace_synced(partial, settings.snapshot)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise ScorecardError(
            f"The snapshot {settings.snapshot} cannot be written: {error.strerror}.",
            "Free space or mend the permissions, then run again; the previous snapshot is still there.",
        ) from error


def _loads(settings: Settings) -> list[str]:
    """Return what identifies a state of the raw tables: their loads, and the days through which services were read.

    A quiet day brings no record, but a period may be over because of it.
    """
    with writer(settings) as connection:
        tables = connection.execute(
            "select schema_name, table_name, column_name from duckdb_columns() "
            "where (table_name, column_name) in (('_loaded_files', '_dlt_load_id'), ('_cursors', 'read_through')) "
            "order by all"
        ).fetchall()
        loads: list[str] = []
        for schema, table, column in tables:
            rows = connection.execute(
                f"select distinct {column} from {quoted(schema)}.{quoted(table)} order by 1"
            ).fetchall()
            loads += [f"{schema} {row[0]}" for row in rows]
    return loads
