"""The published snapshot of the warehouse, opened to read."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from scorecard.shared.errors import ScorecardError
from scorecard.shared.settings import Settings
from scorecard.shared.sql import first_line, literal, quoted

if TYPE_CHECKING:
    import duckdb


@contextmanager
def snapshot(settings: Settings, timezone: str) -> "Iterator[duckdb.DuckDBPyConnection]":
    """Open the published snapshot under the name of the warehouse, since views name their tables in full.

    Parameters
    ----------
    timezone: in which moments become days and texts.

    Raises
    ------
    ScorecardError: nothing has been published yet, or the file is damaged.
    """
    import duckdb

    if not settings.snapshot.is_file():
        raise ScorecardError("There is no built warehouse yet.", "Run `scorecard run`.")
    name = quoted(settings.warehouse.stem)
    with duckdb.connect() as connection:
        try:
            connection.execute(f"attach {literal(settings.snapshot)} as {name} (read_only)")
            connection.execute(f"use {name}")
            connection.execute("set TimeZone = ?", [timezone])
            yield connection
        except duckdb.Error as error:
            raise ScorecardError(
                f"The snapshot {settings.snapshot} cannot be read: {first_line(error)}",
                "Delete it and run `scorecard build`.",
            ) from error
