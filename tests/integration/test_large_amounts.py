"""Amounts up to 10^15, in any currency at any rate, are added, divided, ranked and proved to the last digit."""

import csv
import json
import shutil
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import duckdb
import pytest

from tests.company import write_rates
from tests.conftest import PROJECT, Sandbox, sandbox_at
from tests.integration.added_deals import add_deals, copy_of_the_project

# One worker builds what all of them look at.
pytestmark = pytest.mark.xdist_group("large amounts")
RATES = {"USD": "999999.99999999", "EUR": "0.00000001", "JPY": "0.0073"}
"""Of the currencies of the samples and of the added source, in the reporting currency, on every day."""


@dataclass(frozen=True)
class Large:
    """The samples with large amounts among them, built, in a reporting currency of which a dollar is a million."""

    sandbox: Sandbox
    deals: list[dict[str, str]]
    subscriptions: list[dict[str, str]]

    def query(self, sql: str) -> list[tuple]:
        with duckdb.connect(str(self.sandbox.settings.snapshot), read_only=True) as db:
            return db.execute(sql).fetchall()

    def figures(self, metric: str, grain: str, unit: str) -> dict[str, Decimal | None]:
        return dict(
            self.query(
                f"select period, value from scorecard.kpi_values where metric = '{metric}' and grain = '{grain}' "
                f"and dimension = 'business_unit' and scope = '{unit}'"
            )
        )


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Large:
    root = tmp_path_factory.mktemp("large")
    project, data = root / "project", root / "data"
    copy_of_the_project(project)
    shutil.copytree(PROJECT / "data", data)
    deals = change(data / "maven_crm" / "sales_pipeline.csv", "deal_stage", "Won", "close_value", every=50)
    subscriptions = change(data / "ravenstack" / "ravenstack_subscriptions.csv", "is_trial", "False", "mrr_amount", 40)
    add_source(project, data)
    sandbox = sandbox_at(root / "run", project=project, data=data)
    sandbox.env["SCORECARD_CURRENCY"] = "IRR"
    sandbox.run("extract")
    sandbox.run("build")
    return Large(sandbox, deals, subscriptions)


SIZES = ("100000000", "1000000", "999999999999999.99999999", "1e15", "0.00000001", "12345678901234.56789")


def change(path: Path, column: str, value: str, amount: str, every: int) -> list[dict[str, str]]:
    """Give some rows of a sample amounts of all sizes; return the rows."""
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        rows, header = list(reader), reader.fieldnames
    chosen = [row for row in rows if row[column] == value][::every]
    for number, row in enumerate(chosen):
        row[amount] = SIZES[number % len(SIZES)]
        if "arr_amount" in row:
            row["arr_amount"] = str(min(12 * Decimal(row[amount]), Decimal(10**15)))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, header or ())
        writer.writeheader()
        writer.writerows(rows)
    return rows


def add_source(project: Path, data: Path) -> None:
    (data / "big_deals").mkdir()
    shutil.copy(PROJECT / "tests" / "cases" / "deals_big_amounts.csv", data / "big_deals" / "deals.csv")
    add_deals(project, "big_deals", "Big Deals", "CHF")
    rates = {**RATES, "CHF": "1"}
    days = range(date(2016, 1, 1).toordinal(), date(2025, 12, 31).toordinal())
    usual = ((currency, date.fromordinal(day), rates[currency]) for day in days for currency in rates)
    write_rates(project, [*usual, ("USD", "2015-12-31", "1e400")])


def whole(exact: Fraction) -> Decimal:
    """Eight decimals, half away from zero."""
    sign, units = (1 if exact >= 0 else -1), (abs(exact) * 2 * 10**8 + 1) // 2
    return Decimal(f"{sign * int(units)}E-8")


def converted(amount: str) -> Fraction:
    return Fraction(whole(Fraction(amount) * Fraction(RATES["USD"])))


def quarter(day: str) -> str:
    return f"{day[:4]}-Q{(int(day[5:7]) + 2) // 3}"


def won_by_quarter(large: Large) -> dict[str, list[Fraction]]:
    amounts: dict[str, list[Fraction]] = {}
    for row in large.deals:
        if row["deal_stage"] == "Won":
            amounts.setdefault(quarter(row["close_date"]), []).append(converted(row["close_value"]))
    return amounts


def test_the_case_loads_its_amounts_and_quarantines_what_does_not_fit(large: Large) -> None:
    assert large.query("select count(*), sum(value) from raw_big_deals.deals") == [
        (5, Decimal("1001000105000000.41500000"))
    ]
    ((reason, line),) = large.query("select reason, source_line from raw_big_deals._quarantine")
    assert (line, reason) == (7, 'value: "99999999999999999999999999" is larger than decimal(18,2) holds')
    assert large.figures("booked_revenue", "quarter", "Big Deals")["2024-Q4"] == Decimal("1001000105000000.415")


def test_sums_averages_and_medians_are_exact(large: Large) -> None:
    won = won_by_quarter(large)
    assert max(map(sum, won.values())) > 10**21
    sums = large.figures("booked_revenue", "quarter", "Maven Hardware")
    averages = large.figures("average_deal_size", "quarter", "Maven Hardware")
    medians = large.figures("average_deal_size_median", "quarter", "Maven Hardware")
    for period, amounts in won.items():
        positive = sorted(amount for amount in amounts if amount > 0)
        middle = [positive[(len(positive) - 1) // 2], positive[len(positive) // 2]]
        assert sums[period] == whole(sum(amounts, Fraction()))
        assert averages[period] == whole(Fraction(sum(positive), len(positive)))
        assert medians[period] == whole(sum(middle) / 2)


def test_growth_and_attainment_of_large_sums_are_exact(large: Large) -> None:
    won = {period: sum(amounts, Fraction()) for period, amounts in won_by_quarter(large).items()}
    growth = large.figures("booked_revenue_growth", "quarter", "Maven Hardware")
    attained = large.figures("target_attainment", "quarter", "Maven Hardware")
    assert growth["2017-Q4"] == whole((won["2017-Q4"] - won["2017-Q3"]) / won["2017-Q3"])
    assert attained["2017-Q2"] == whole(won["2017-Q2"] / 3_000_000)


def test_monthly_amounts_are_exact(large: Large) -> None:
    active = [
        row
        for row in large.subscriptions
        if row["start_date"] <= "2024-06-30"
        and not (row["end_date"] and row["end_date"] <= "2024-06-30")
        and row["end_date"] != row["start_date"]
    ]
    total = sum((converted(row["mrr_amount"]) for row in active if row["is_trial"] == "False"), Fraction())
    assert total > 10**21
    assert large.figures("mrr", "month", "RavenStack SaaS")["2024-06"] == whole(total)
    kept = large.figures("gross_revenue_retention", "quarter", "RavenStack SaaS")
    assert all(value is not None and 0 <= value <= 1 for period, value in kept.items() if period > "2023-Q3")


def test_no_number_is_of_a_type_that_other_engines_lack_or_that_rounds(large: Large) -> None:
    odd = large.query(
        "select schema_name, table_name, column_name from duckdb_columns() "
        "where schema_name in ('core', 'kpis', 'scorecard') and data_type in ('HUGEINT', 'UHUGEINT', 'DOUBLE', 'FLOAT')"
    )
    assert odd == []


def test_a_rate_that_does_not_fit_is_named_and_stops_no_other(large: Large) -> None:
    ((message,),) = large.query(
        "select message from quality.check_results where check_id = 'extract.company.fx_rates.no_row_in_quarantine'"
    )
    assert "1 of" in message
    assert "rate = 1e400" in message or "rate" in message, message


def test_figures_of_large_amounts_are_closed_proved_and_printed(large: Large) -> None:
    done = large.sandbox.run("publish", "--scorecard", "sales", "--period", "2017-Q4", check=False)
    assert "sales-2017-Q4-e1: closed" in done.stdout + done.stderr, done.stdout + done.stderr
    assert list(large.sandbox.settings.out.glob("sales-2017-Q4-e1-*.pdf"))
    close = large.sandbox.settings.archive / "sales-2017-Q4-e1"
    ids = duckdb.sql(
        f"select arg_min(figure_id, length(figure_id)) from read_parquet('{close}/values.parquet') where value is not "
        "null group by metric order by 1"
    ).fetchall()
    assert len(ids) > 10
    for (figure_id,) in ids:
        proof = json.loads(large.sandbox.run("trace", f"{close.name}.{figure_id}", "--json").stdout)
        assert proof["equal"], proof["metric"]
