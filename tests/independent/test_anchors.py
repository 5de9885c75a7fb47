"""Figures that are known of the bundled data beforehand."""

from decimal import Decimal

import duckdb
import pytest


def _value(connection: duckdb.DuckDBPyConnection, metric: str, period: str, member: str) -> Decimal:
    return connection.execute(
        "select value from scorecard.kpi_values where metric = ? and period = ? and member = ?",
        [metric, period, member],
    ).fetchone()[0]


@pytest.mark.parametrize(
    ("metric", "value"), [("won_deals", 4238), ("sales_volume", 4238), ("booked_revenue", 10_005_534)]
)
def test_the_sales_of_the_year(connection: duckdb.DuckDBPyConnection, metric: str, value: int) -> None:
    assert _value(connection, metric, "2017", "Maven Hardware") == value


def test_won_and_lost(connection: duckdb.DuckDBPyConnection) -> None:
    rows = connection.execute(
        "select numerator, denominator - numerator from scorecard.kpi_values "
        "where metric = 'win_rate' and period = '2017' and dimension = 'company'"
    ).fetchall()
    assert rows == [(4238, 2473)]


def test_eight_customers_were_lost(connection: duckdb.DuckDBPyConnection) -> None:
    """By the subscription periods, of which all ends are cancellations; the source lists 600 churn events."""
    lost = connection.execute(
        "select count(*), count(distinct account_key), count(settles_on) from core.core_customer_loss "
        "where product is null"
    )
    assert lost.fetchone() == (8, 8, 0)
    events = connection.execute("select count(*) from staging.stg_ravenstack__churn_events")
    assert events.fetchone() == (600,)


def test_no_deal_is_joined_away(connection: duckdb.DuckDBPyConnection) -> None:
    """Neither for the product that the pipeline spells differently nor for want of an account."""
    deals = connection.execute(
        "select count(*), count(*) filter (where product_family is null), count(*) filter (where account_key is null) "
        "from core.core_opportunity"
    )
    assert deals.fetchone() == (8800, 0, 1425)
    unnamed = connection.execute(
        "select sum(observations) from scorecard.kpi_values where metric = 'win_rate_cohort' "
        "and grain = 'year' and dimension = 'segment'"
    )
    assert unnamed.fetchone() == (8300,)
