"""What a source holds of no record at all is n/a with that reason: not 100 %, not 0 %, not one unit a deal."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

HARMS = (
    "delete from core.core_opportunity where stage = 'lost'",
    "update core.core_opportunity set quantity = null",
    "update core.core_ticket set satisfaction_score = null",
)
REBUILT = ("core_gap", "kpi_totals", "horizons", "kpi_values")


@pytest.fixture(scope="module")
def harmed(built_warehouse: Path, compiled: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A warehouse whose sources hold won deals only, no quantities and no answers to surveys."""
    path = tmp_path_factory.mktemp("gaps") / built_warehouse.name
    shutil.copy(built_warehouse, path)
    sql = {file.stem: file.read_text() for file in compiled.glob("*/models/*/*.sql")}
    with duckdb.connect(str(path)) as connection:
        connection.execute("set timezone = 'America/New_York'")
        for harm in HARMS:
            connection.execute(harm)
        for model in REBUILT:
            schema = "core" if model.startswith("core_") else "scorecard"
            connection.execute(f"create or replace table {schema}.{model} as {sql[model]}")
    yield path
    path.unlink()


@pytest.mark.parametrize(
    ("metric", "reason"),
    [
        ("win_rate", "one_outcome"),
        ("win_rate_value", "one_outcome"),
        ("win_rate_cohort", "one_outcome"),
        ("cohort_maturity", "one_outcome"),
        ("sales_volume", "no_quantities"),
        ("survey_response_rate", "no_answers"),
        ("customer_satisfaction", "no_answers"),
    ],
)
def test_a_metric_that_a_source_tells_nothing_of_is_na_with_the_reason(
    harmed: Path, connection: duckdb.DuckDBPyConnection, metric: str, reason: str
) -> None:
    query = f"select distinct value is null, na_reason from scorecard.kpi_values where metric = '{metric}'"
    with duckdb.connect(str(harmed), read_only=True) as broken:
        assert broken.execute(query).fetchall() == [(True, reason)]
    gaps = "('one_outcome', 'no_quantities', 'no_answers', 'no_ends')"
    assert connection.execute(f"{query} and na_reason in {gaps}").fetchall() == []


def test_what_the_gap_says_nothing_of_keeps_its_value(harmed: Path, connection: duckdb.DuckDBPyConnection) -> None:
    query = "select value from scorecard.kpi_values where metric = 'won_deals' and period = '2017' and scope = 'all'"
    with duckdb.connect(str(harmed), read_only=True) as broken:
        assert broken.execute(query).fetchall() == connection.execute(query).fetchall()
