"""Let Great Expectations read a DuckDB file in place.

Great Expectations 1.24 takes a connection, runs a query, returns the connection, and only then fetches the rows.
Returning a connection rolls it back, and a rollback empties DuckDB's result. So nearly every expectation fails with
"list index out of range". For a few dialects (``_PERSISTED_CONNECTION_DIALECTS``) Great Expectations keeps one
connection. DuckDB isn't one of them, so the engine below keeps it. A test proves that Great Expectations still has
the fault. When that test fails, delete this module and call ``add_sql`` in place of ``add_duckdb``.

Import this module only where checks run. The import of Great Expectations takes 10 seconds.
"""

import atexit
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

# No calls home. Great Expectations reads this on import.
os.environ["GX_ANALYTICS_ENABLED"] = "false"

import duckdb_engine
from great_expectations.datasource.fluent.sql_datasource import SQLDatasource
from great_expectations.execution_engine.sqlalchemy_execution_engine import SqlAlchemyExecutionEngine

if TYPE_CHECKING:
    from great_expectations.data_context.data_context.ephemeral_data_context import EphemeralDataContext
    from sqlalchemy import Connection

_EngineType = type[SqlAlchemyExecutionEngine]

# At exit an object of Great Expectations outlives duckdb_engine and keeps DuckDB alive. DuckDB then prints 80 lines
# about leaks on standard error, which hide an error message. Clearing the module first prevents that.
atexit.register(vars(duckdb_engine).clear)


class DuckDBExecutionEngine(SqlAlchemyExecutionEngine):
    """The SQL engine with one connection, kept until `close`."""

    @contextmanager
    def get_connection(self) -> Generator["Connection", None, None]:
        """Yield the connection, and keep it open afterwards.

        The transaction of the last caller is rolled back first. Its results are fetched already, and after a failed
        query DuckDB refuses all that follow in the same transaction.
        """
        if self._connection is None:
            self._connection = self.engine.connect()
        elif self._connection.in_transaction():
            self._connection.rollback()
        yield self._connection

    def close(self) -> None:
        """Close the file. While a reader has it open, no process can write it."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self.engine.dispose()


class DuckDBDatasource(SQLDatasource):
    """The SQL data source with the engine above. Great Expectations names it ``data_sources.add_duckdb``."""

    type: Literal["duckdb"] = "duckdb"  # type: ignore[assignment]

    @property
    def execution_engine_type(self) -> _EngineType:
        """The engine that keeps its connection."""
        return DuckDBExecutionEngine


@contextmanager
def read_only(context: "EphemeralDataContext", path: Path) -> Generator[Any, None, None]:
    """Yield a data source over a DuckDB file, opened for reading and closed afterwards.

    Close every connection that writes first. DuckDB refuses to open one file for reading and for writing at once.
    """
    datasource = context.data_sources.add_duckdb(
        "warehouse", connection_string=f"duckdb:///{path}", kwargs={"connect_args": {"read_only": True}}
    )
    try:
        yield datasource
    finally:
        datasource.get_execution_engine().close()
        datasource.get_engine().dispose()
