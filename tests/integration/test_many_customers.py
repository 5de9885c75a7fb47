"""Customers take memory by what they do, not by how many periods there are. `make nightly` builds 20,000 of them."""

from pathlib import Path

import duckdb
import pytest

from tests.benchmarks.customers import scale
from tests.benchmarks.dbt_build import build, measured
from tests.conftest import NIGHTLY, sandbox_at

pytestmark = pytest.mark.samples
CUSTOMERS = 20_000 if NIGHTLY else 1_000


def test_many_customers_fit_into_memory(tmp_path: Path) -> None:
    settings = sandbox_at(tmp_path).settings
    scale(settings, CUSTOMERS)
    cpu, _, megabytes = measured(build, settings)
    with duckdb.connect(str(settings.warehouse), read_only=True) as db:
        ((rows, periods),) = db.execute(
            "select (select count(*) from core.core_customer_change), (select count(*) from core.core_customer_period)"
        ).fetchall()
        counted = db.execute(
            "select observations from scorecard.kpi_values where metric = 'customer_churn_rate' and period = '2024-12' "
            "and dimension = 'business_unit'"
        ).fetchall()
    assert rows < 150 * CUSTOMERS < 600 * CUSTOMERS < periods
    assert CUSTOMERS / 2 < counted[0][0] < CUSTOMERS
    assert megabytes < (2_500 if NIGHTLY else 1_000)
    assert cpu < 60
