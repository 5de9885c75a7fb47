"""The working folder and the scratch_database database of one extraction."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
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
"""What the scratch_database database may hold in memory before it spills to disk."""

UNFIT = "'%?\\"
"""Characters that dlt or DuckDB misreads in the path of the warehouse: it would be written elsewhere, or not at all."""


@contextmanager
def working_folder(settings: Settings, source: SourceContract) -> Iterator[Path]:
    """Lock a source, take back its incomplete loads, and give an empty folder that is deleted in the end.

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
    """Refuse a state folder in which no warehouse can be written."""
    if unfit := [character for character in UNFIT if character in str(state)]:
        raise ScorecardError(
            f"The state folder {state} has {' and '.join(unfit)} in its path, which no warehouse can be written to.",
            f"Set `state` (SCORECARD_STATE) to a folder without any of {' '.join(UNFIT)} in its path.",
        )
