"""Great Expectations in place on a DuckDB file: what it lacks for that, and nothing else.

Great Expectations 1.24 takes a connection, runs a query, gives the connection back and only then fetches.
Giving it back rolls back, and a roll-back empties DuckDB's result, so nearly every expectation ends in "list
index out of range". For a few dialects (``_PERSISTED_CONNECTION_DIALECTS``) it keeps one connection instead;
DuckDB isn't one of them, so the engine below does that. A test proves that the fault is still there without
it: when that test fails, this module can go, and ``add_sql`` takes the place of ``add_duckdb``.

Import this only where checks run: Great Expectations takes 10 seconds.
"""

import atexit
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

# Read on import, so it comes before it: no call home.
os.environ["GX_ANALYTICS_ENABLED"] = "false"

import duckdb_engine
from great_expectations.datasource.fluent.sql_datasource import SQLDatasource
from great_expectations.execution_engine.sqlalchemy_execution_engine import SqlAlchemyExecutionEngine

if TYPE_CHECKING:
    from great_expectations.data_context.data_context.ephemeral_data_context import EphemeralDataContext
    from sqlalchemy import Connection

_EngineType = type[SqlAlchemyExecutionEngine]

# At the interpreter's end something in Great Expectations outlives duckdb_engine, and that keeps DuckDB
# alive, which then prints 80 lines about leaks on standard error. Letting go first keeps an error message
# readable.
atexit.register(vars(duckdb_engine).clear)


class DuckDBExecutionEngine(SqlAlchemyExecutionEngine):
    """The SQL engine with one connection, kept until `close`."""

    @contextmanager
    def get_connection(self) -> Generator["Connection", None, None]:
        """Lend the connection, and leave it as it is afterwards.

        What the last borrower left open ends here: its results have been fetched, and a query of its that
        failed would make DuckDB refuse all that follow.
        """
        if self._connection is None:
            self._connection = self.engine.connect()
        elif self._connection.in_transaction():
            self._connection.rollback()
        yield self._connection

    def close(self) -> None:
        """Give the file back: DuckDB lets nobody write while a reader has it open."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self.engine.dispose()


class DuckDBDatasource(SQLDatasource):
    """The SQL data source with that engine. Great Expectations finds it as ``data_sources.add_duckdb``."""

    type: Literal["duckdb"] = "duckdb"  # type: ignore[assignment]

    @property
    def execution_engine_type(self) -> _EngineType:
        """The engine that keeps its connection."""
        return DuckDBExecutionEngine


@contextmanager
def read_only(context: "EphemeralDataContext", path: Path) -> Generator[Any, None, None]:
    """Yield a data source over a DuckDB file, opened for reading, closed afterwards.

    No connection for writing may be open: DuckDB refuses two ways of opening one file.
    """
    datasource = context.data_sources.add_duckdb(
        "warehouse", connection_string=f"duckdb:///{path}", kwargs={"connect_args": {"read_only": True}}
    )
    try:
        yield datasource
    finally:
        datasource.get_execution_engine().close()
        datasource.get_engine().dispose()
