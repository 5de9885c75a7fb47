"""A company's own fact declares what it converts and what its source may lack: nothing else is edited."""

import shutil
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from scorecard import steps
from tests.company import write_rates
from tests.conftest import PROJECT, Sandbox, sandbox_at
from tests.integration.added_deals import copy_of_the_project

ORDERS = """order_no,ordered_on,value,currency,is_paid,note,product
1,2024-02-01,10.50,EUR,true,,Lamp
2,2024-02-02,20.00,CHF,true,,Lamp
3,2024-02-03,30.00,USD,true,,Lmap
4,2024-02-04,40.00,GBP,false,,
"""
PRODUCTS = """product,family,price
Lamp,Light,10.50
Chair,Seat,20.00
"""
META = """        needs_rate: is_paid
        gaps:
          - {name: no_notes, lacks: note, among: is_paid, reason: Nobody writes notes of orders.}
          - {name: all_paid, alike: is_paid, reason: Every order is paid.}
"""


@dataclass(frozen=True)
class Company:
    """A project with a fact of its own, and the warehouse that was built from it."""

    sandbox: Sandbox

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.sandbox.settings.warehouse), read_only=True) as db:
            return db.execute(sql).fetchall()


def add(path: Path, before: str, after: str) -> None:
    """Write something after a text that is in a file once."""
    text = path.read_text(encoding="utf-8")
    assert text.count(before) == 1, path
    path.write_text(text.replace(before, after), encoding="utf-8")


@pytest.fixture(scope="module")
def company(built: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Company:
    root = tmp_path_factory.mktemp("own_fact")
    project = root / "project"
    copy_of_the_project(project)
    shutil.copytree(PROJECT / "data", root / "data")
    shutil.copytree(built.settings.state, root / "var")
    (root / "data" / "kiosk").mkdir()
    orders, products = (root / "data" / "kiosk" / f"{table}.csv" for table in ("orders", "products"))
    orders.write_text(ORDERS)
    products.write_text(PRODUCTS)
    write_rates(project, [("EUR", "2024-02-01", "1.08")])
    sandbox = sandbox_at(root, project=project, data=root / "data")
    exports = ("--from", str(orders), "--from", str(products))
    sandbox.run("new", "source", "kiosk", *exports, "--unit", "Orbit Kiosk", "--currency", "USD")
    sandbox.run("new", "fact", "order", "--source", "kiosk.orders")
    sandbox.run("new", "metric", "noted_orders", "--fact", "core_order")
    models = project / "dbt_project" / "models"
    add(models / "core" / "core_order.yml", "        needs_rate: ordered_on\n", META)
    kpi = models / "kpis" / "kpi_noted_orders.yml"
    add(kpi, "        kind: flow\n", "        kind: flow\n        na_where: [no_notes]\n")
    for source in ("kiosk", "company"):
        sandbox.run("extract", source)
    sandbox.run("build")
    return Company(sandbox)


def test_the_declarations_are_sound(company: Company) -> None:
    assert steps.check_declarations(company.sandbox.settings) == ([], [])


def test_a_missing_rate_is_told_of_the_records_that_need_one(company: Company) -> None:
    rates = [rate for (rate,) in company.query("select rate from core.core_order order by order_no")]
    assert rates == [Decimal("1.08"), None, 1, None]
    ((unit, message, metrics),) = company.query(
        "select business_unit, message, metrics from quality.check_results"
        " where check_id = 'dbt.fx_rate_is_known' and not passed"
    )
    assert unit == "Orbit Kiosk"
    assert "No rate of CHF on 2024-02-02 (1 records)." in message
    assert "GBP" not in message, "what isn't paid needs no rate"
    assert "noted_orders" in metrics


def test_amounts_are_in_the_reporting_currency_as_the_fact_was_started(company: Company) -> None:
    values = [value for (value,) in company.query("select value from core.core_order order by order_no")]
    assert values == [Decimal("11.34"), None, 30, None]
    done = company.sandbox.run("dbt", "test", "--select", "core_order,test_type:unit", check=False)
    assert done.returncode == 0, done.stdout[-4000:]
    assert "PASS=2" in done.stdout


def test_a_product_that_the_catalogue_of_the_source_lacks_is_told(company: Company) -> None:
    ((unit, failures, metrics),) = company.query(
        "select business_unit, failures, metrics from quality.check_results"
        " where check_id = 'dbt.product_has_a_name_of_the_catalogue' and not passed"
    )
    assert (unit, failures) == ("Orbit Kiosk", 1)
    assert "noted_orders" in metrics


def test_a_gap_leaves_the_metrics_that_name_it_without_a_value(company: Company) -> None:
    gaps = "select business_unit, gap from core.core_gap where source_system = 'kiosk'"
    assert company.query(gaps) == [("Orbit Kiosk", "no_notes")]
    values = "select distinct value, na_reason from scorecard.kpi_values where metric = 'noted_orders'"
    assert company.query(f"{values} and scope = 'Orbit Kiosk'") == [(None, "no_notes")]
    known = "select passed from quality.check_results where check_id like '%reason_is_known'"
    assert company.query(known) == [(True,)]
