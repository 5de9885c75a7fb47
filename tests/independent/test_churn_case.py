"""Customer churn of a dozen customers, worked by hand: what is sure so far, and what the days of grace may add."""

import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

CASE = Path(__file__).parent.parent / "cases" / "metrics" / "subscriptions.csv"
UNIT = "RavenStack SaaS"
REBUILT = (
    *("core_account", "core_subscription", "core_gap", "core_holding", "core_customer_loss", "core_customer_change"),
    *("kpi_totals", "horizons", "kpi_values", "kpi_targets", "kpi_status"),
)

Churn = Callable[..., tuple[Any, ...]]


@pytest.fixture
def churn(built_warehouse: Path, compiled: Path, tmp_path: Path) -> Churn:
    """Return a function: the churn of June 2024 as it is known through a day, by the SQL as dbt compiled it."""
    sql = {path.stem: path.read_text() for path in compiled.glob("*/models/*/*.sql")}

    def of_june(known_through: str, changes: str = "") -> tuple[Any, ...]:
        path = tmp_path / known_through / built_warehouse.name
        path.parent.mkdir()
        shutil.copy(built_warehouse, path)
        with duckdb.connect(str(path)) as connection:
            connection.execute("set timezone = 'America/New_York'")
            for table, key, columns in (
                ("accounts", "account_id", "customer as account_id"),
                (
                    "subscriptions",
                    "subscription_id",
                    "customer as account_id, customer || '-1' as subscription_id, started_on as start_date, "
                    "ended_on as end_date, end_kind = 'cancelled' as churn_flag, false as is_trial",
                ),
            ):
                connection.execute(f"create temp table template as select * from raw_ravenstack.{table} limit 1")
                connection.execute(f"delete from raw_ravenstack.{table}")
                connection.execute(
                    f"insert into raw_ravenstack.{table} by name select template.* replace ({_replaced(columns)}) "
                    f"from template, (select * from read_csv('{CASE}', all_varchar = true)) as given"
                )
                connection.execute("drop table template")
                assert connection.execute(f"select count(distinct {key}) from raw_ravenstack.{table}").fetchone() == (
                    12,
                )
            if changes:
                connection.execute(changes)
            connection.execute(
                "update core.core_horizon set last_on = $day where business_unit = $unit",
                {"day": known_through, "unit": UNIT},
            )
            for model in REBUILT:
                schema = model.partition("_")[0] if model.startswith("core_") else "scorecard"
                connection.execute(f"create or replace table {schema}.{model} as {sql[model]}")
            row = connection.execute(
                "select numerator, denominator, value, pending, at_most, na_reason from scorecard.kpi_status "
                "where metric = 'customer_churn_rate' and period = '2024-06' and dimension = 'business_unit'"
            ).fetchone()
        assert row is not None
        return row

    return of_june


def _replaced(columns: str) -> str:
    """Cast the given texts to the types of the template's columns."""
    parts = []
    for column in columns.split(", "):
        expression, _, name = column.rpartition(" as ")
        kind = {"start_date": "date", "end_date": "date"}.get(name, "boolean" if name.endswith("flag") else "varchar")
        kind = "boolean" if name == "is_trial" else kind
        parts.append(f"({expression})::{kind} as {name}")
    return ", ".join(parts)


def test_churn_before_grace_is_over_is_a_range_and_never_a_bare_0(churn: Churn) -> None:
    assert churn("2024-06-30") == (1, 10, Decimal("0.1"), 1, Decimal("0.2"), None)


def test_churn_after_grace_is_final(churn: Churn) -> None:
    assert churn("2024-07-19") == (1, 10, Decimal("0.1"), 1, Decimal("0.2"), None)
    assert churn("2024-07-21") == (2, 10, Decimal("0.2"), None, None, None)


def test_who_renews_within_grace_was_not_lost(churn: Churn) -> None:
    renewed = (
        "insert into raw_ravenstack.subscriptions by name select * replace ('C2-2' as subscription_id, "
        "date '2024-07-10' as start_date, null as end_date, false as churn_flag) from raw_ravenstack.subscriptions "
        "where subscription_id = 'C2-1'"
    )
    assert churn("2024-07-21", renewed) == (1, 10, Decimal("0.1"), None, None, None)


def test_a_source_without_an_end_says_nothing_of_who_left(churn: Churn) -> None:
    """An export of active subscriptions only: 0 of 12 lost is not known, it is unknown."""
    nobody = "update raw_ravenstack.subscriptions set end_date = null, churn_flag = false"
    *_, value, pending, at_most, reason = churn("2024-07-21", nobody)
    assert (value, pending, at_most, reason) == (None, None, None, "no_ends")
