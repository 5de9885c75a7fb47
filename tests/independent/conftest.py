"""What these tests read of the session's built warehouse."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from scorecard.shared.settings import load_settings

from ..conftest import Sandbox


@pytest.fixture(scope="session")
def built_warehouse(built: Sandbox) -> Path:
    """The path of the DuckDB file that the real steps built. Don't change it: copy it."""
    return built.settings.warehouse


@pytest.fixture(scope="session")
def compiled(built: Sandbox) -> Path:
    """The folder of the SQL that dbt compiled for it, tests included; dbt's manifest lies beside it."""
    return built.settings.state / "dbt" / "compiled"


@pytest.fixture(scope="session")
def connection(built_warehouse: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A read-only connection to the built warehouse, in the company's time zone."""
    with duckdb.connect(str(built_warehouse), read_only=True) as connection:
        connection.execute(f"set timezone = '{load_settings().timezone}'")
        yield connection
