"""One extraction of a source: its lock, its working folder, its scratch database, its result and its one error."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scorecard.extract.contracts.contract import SourceContract
from scorecard.extract.raw.recover import recover
from scorecard.shared.errors import ScorecardError, Temporary
from scorecard.shared.locks import alone
from scorecard.shared.settings import Settings

if TYPE_CHECKING:
    import duckdb

MEMORY = "256MB"
"""The memory of the scratch database before it spills to disk."""

UNFIT = "'%?\\"
"""Characters that dlt or DuckDB misreads in the path of the warehouse: it writes elsewhere, or not at all."""


@dataclass(frozen=True)
class LoadedObject:
    """What a load did to one raw table; `rows_new` and `rows_retired` count versions that it began and ended."""

    name: str
    rows_read: int
    rows_loaded: int
    rows_quarantined: int
    rows_new: int
    rows_retired: int

    def __add__(self, later: "LoadedObject") -> "LoadedObject":
        """Add what a later load did to the same raw table."""
        return LoadedObject(
            self.name,
            self.rows_read + later.rows_read,
            self.rows_loaded + later.rows_loaded,
            self.rows_quarantined + later.rows_quarantined,
            self.rows_new + later.rows_new,
            self.rows_retired + later.rows_retired,
        )


@dataclass(frozen=True)
class ExtractResult:
    """What one extraction did. `load_id` is None if nothing was loaded.

    ``warnings`` are sentences, and ``ending`` are sentences about versions of an API whose support ends soon.
    """

    source: str
    load_id: str | None
    loaded: tuple[LoadedObject, ...]
    unchanged: tuple[str, ...]
    warnings: tuple[str, ...]
    ending: tuple[str, ...] = ()


@contextmanager
def working_folder(settings: Settings, source: SourceContract) -> Iterator[Path]:
    """Lock a source, take back its incomplete loads, and yield an empty folder that is deleted in the end.

    Raises
    ------
    Temporary: another extraction of the source is running.
    ScorecardError: the warehouse can't be opened, read or written.
    """
    work = settings.state / "dlt" / source.name
    busy = Temporary(f"Another extraction of {source.name} is running.", "Wait for it to end, then run this one again.")
    with alone(work.with_suffix(".lock"), busy, wait_seconds=0):
        recover(settings.warehouse, source)
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        try:
            yield work
        finally:
            shutil.rmtree(work, ignore_errors=True)


@contextmanager
def scratch_database(work: Path) -> "Iterator[duckdb.DuckDBPyConnection]":
    """Open a database in memory that spills into the work folder."""
    import duckdb

    config: dict[str, Any] = {"memory_limit": MEMORY, "temp_directory": str(work / "spill")}
    with duckdb.connect(config=config) as db:
        db.execute("set TimeZone = 'UTC'")
        yield db


def refuse_unfit_state(state: Path) -> None:
    """Refuse a state folder with characters in its path that a warehouse can't have."""
    if unfit := [character for character in UNFIT if character in str(state)]:
        raise ScorecardError(
            f"The path of the state folder {state} holds {' '.join(unfit)}, which DuckDB or dlt misreads.",
            f"Set `state` in scorecard.toml (SCORECARD_STATE) to a path without any of {' '.join(UNFIT)}.",
        )


def joined_error(source: SourceContract, errors: Mapping[str, ScorecardError]) -> ScorecardError:
    """Return one error for several raw tables. Tables that are read from one object share an error."""
    distinct = list(dict.fromkeys(errors.values()))
    if len(distinct) == 1:
        joined = distinct[0]
    else:
        problems = " ".join(f"({number}) {error.problem}" for number, error in enumerate(distinct, start=1))
        cures = " ".join(f"({number}) {error.cure}" for number, error in enumerate(distinct, start=1))
        kind = Temporary if any(isinstance(error, Temporary) for error in distinct) else ScorecardError
        joined = kind(f"{len(distinct)} objects of {source.name} cannot be loaded: {problems}", cures)
    joined.by_object = dict(errors)
    return joined
