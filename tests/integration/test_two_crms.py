"""One unit on Salesforce, another on HubSpot, Stripe and Zendesk: the figures of both are what truly happened."""

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pytest

from sandbox.company import Company, Plan, simulate
from sandbox.company.world.names import CLOUD, INSTRUMENTS
from sandbox.standins.hubspot import HubSpot
from sandbox.standins.salesforce import Salesforce
from sandbox.standins.stripe.server import Stripe
from sandbox.standins.zendesk.server import Zendesk
from tests.company import write_rates
from tests.conftest import PROJECT, SETTINGS_FILE, Sandbox, sandbox_at

# One worker builds what all of them look at.
pytestmark = pytest.mark.xdist_group("two CRMs")

PLAN = Plan(seed=38, size=100, years=1.5, start=date(2024, 1, 1), churn=0.06, mistakes=0.08)
SERVICES = ("hubspot", "salesforce", "stripe", "zendesk")
UNITS = {name: INSTRUMENTS if name == "salesforce" else CLOUD for name in SERVICES}
TWINS = {f"{name}_twin": f"{unit} twin" for name, unit in UNITS.items()}
"""Second accounts of the services, each with the very records of the first: every id is there twice."""
READ = {
    "hubspot": ("company", "deal", "deal_stage_history", "line_item", "owner", "pipeline_stage"),
    "salesforce": ("account", "user", "product2", "opportunity", "opportunity_line_item", "opportunity_history"),
    "stripe": ("customer", "product", "price", "subscription", "subscription_item", "invoice", "invoice_line"),
    "zendesk": ("ticket", "user", "organization"),
}
"""Raw tables that are extracted: those that a model reads. Zendesk's ratings are on its tickets, too."""


@dataclass(frozen=True)
class Group:
    """The simulated group, and the warehouse that was built of what its services said."""

    company: Company
    sandbox: Sandbox
    figures: dict[tuple[str, str, str], Decimal | None]

    def figure(self, unit: str, metric: str, period: str) -> Decimal | None:
        return self.figures.get((unit, metric, period))

    def true(self, unit: str, metric: str, period: str) -> Decimal | None:
        return self.company.truth(metric, *bounds(period), unit)


@pytest.fixture(scope="module")
def group(built: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Group]:
    company = simulate(PLAN)
    root = tmp_path_factory.mktemp("two_crms")
    # The samples are extracted and checked already.
    shutil.copytree(built.settings.state, root / "var")
    shutil.copytree(built.settings.out / "data_docs", root / "out" / "data_docs")
    sandbox = sandbox_at(root, project=project_with_rates(root, company), data=PROJECT / "data")
    sandbox.env.update(SCORECARD_TIMEZONE=PLAN.timezone, SCORECARD_CURRENCY="EUR")
    sandbox.env["SCORECARD_SERVICES"] = services(READ)
    with ExitStack() as running:
        first = connections(company, running)
        second = {f"{name}_twin": connection for name, connection in first.items()}
        sandbox.env["SCORECARD_CONNECTIONS"] = json.dumps({**first, **second})
        sandbox.run("extract", "company", *UNITS, *TWINS)
        sandbox.run("build")
        with duckdb.connect(str(sandbox.settings.snapshot), read_only=True) as db:
            rows = db.execute(
                "select scope, metric, period, value from scorecard.kpi_status where dimension = 'business_unit'"
            ).fetchall()
        yield Group(company, sandbox, {(unit, metric, period): value for unit, metric, period, value in rows})


def services(read: dict[str, tuple[str, ...]]) -> str:
    """The settings of the services."""
    accounts = {}
    for account, unit in {**UNITS, **TWINS}.items():
        service = account.removesuffix("_twin")
        accounts[account] = {"service": service, "business_unit": unit, "currency": "EUR", "objects": read[service]}
    return json.dumps(accounts)


def project_with_rates(root: Path, company: Company) -> Path:
    """A project like this one with the group's exchange rates; the group is small: a figure may rest on one record."""
    project = root / "project"
    for name in ("company", "dbt_project", "expectations", "reports", "scorecard"):
        shutil.copytree(PROJECT / name, project / name, ignore=shutil.ignore_patterns("target", "logs", "__pycache__"))
    shutil.copy(SETTINGS_FILE, project)
    write_rates(project, ((row["currency"], row["day"], row["rate"]) for row in company.files["fx_rates"]))
    for path in (project / "dbt_project" / "models" / "kpis").glob("*.yml"):
        path.write_text(path.read_text(encoding="utf-8").replace("minimum_observations: 5", "minimum_observations: 1"))
    return project


def connections(company: Company, running: ExitStack) -> dict[str, dict[str, str]]:
    """Let the stand-ins run, at the end of the history."""
    for name in SERVICES:
        getattr(company, name).now = PLAN.ends + timedelta(minutes=10)
    salesforce = running.enter_context(Salesforce(company.salesforce))
    hubspot = running.enter_context(HubSpot(company.hubspot))
    stripe = running.enter_context(Stripe(company.stripe))
    zendesk = running.enter_context(Zendesk(company.zendesk))
    return {
        "salesforce": {
            "host": salesforce.url,
            "login": salesforce.login.client_id,
            "password": salesforce.login.client_secret,
        },
        "hubspot": {"host": hubspot.url, "password": hubspot.access_token},
        "stripe": {"host": stripe.url, "password": stripe.secret_key},
        "zendesk": {"host": zendesk.url, "login": f"{zendesk.email}/token", "password": zendesk.api_token},
    }


def bounds(period: str) -> tuple[datetime, datetime]:
    """The moments between which a quarter (2024-Q1) or a month (2024-01) lies."""
    year, _, part = period.partition("-")
    months = 3 if part.startswith("Q") else 1
    first = int(part.removeprefix("Q")) * months - months
    days = [date(int(year) + month // 12, month % 12 + 1, 1) for month in (first, first + months)]
    return PLAN.midnight(days[0]), PLAN.midnight(days[1])


QUARTERS = ["2024-Q1", "2024-Q2", "2024-Q3", "2024-Q4", "2025-Q1"]
MONTHS = [f"2024-{month:02d}" for month in range(2, 13)] + [f"2025-{month:02d}" for month in range(1, 6)]


def same(value: Decimal | None, true: Decimal | None, within: Decimal = Decimal("0.00000001")) -> bool:
    """Whether a value is the true one, in as many digits as values have."""
    if value is None or true is None:
        return value is true
    return abs(value - true) <= within


@pytest.mark.parametrize("metric", ["win_rate", "won_deals", "sales_volume", "new_customers", "sales_cycle_length"])
def test_the_sales_of_both_units_are_the_true_ones(group: Group, metric: str) -> None:
    for unit in (INSTRUMENTS, CLOUD):
        figures = {period: group.figure(unit, metric, period) for period in QUARTERS}
        true = {period: group.true(unit, metric, period) for period in QUARTERS}
        assert all(same(figures[period], true[period]) for period in QUARTERS), (unit, figures, true)
        assert sum(bool(value) for value in true.values()) > 3


@pytest.mark.parametrize("metric", ["booked_revenue", "average_deal_size", "win_rate_value"])
def test_deals_in_several_currencies_are_converted(group: Group, metric: str) -> None:
    for unit in (INSTRUMENTS, CLOUD):
        figures = {period: group.figure(unit, metric, period) for period in QUARTERS}
        true = {period: group.true(unit, metric, period) for period in QUARTERS}
        assert all(same(figures[period], true[period]) for period in QUARTERS), (unit, figures, true)


@pytest.mark.parametrize(
    ("metric", "periods"),
    [
        ("mrr", MONTHS),
        ("gross_revenue_retention", QUARTERS[1:]),
        ("net_revenue_retention", QUARTERS[-1:]),
        ("customer_churn_rate", QUARTERS),
    ],
)
def test_subscriptions_of_the_past_are_the_true_ones(group: Group, metric: str, periods: list[str]) -> None:
    figures = {period: group.figure(CLOUD, metric, period) for period in periods}
    true = {period: group.true(CLOUD, metric, period) for period in periods}
    # The warehouse rounds each item in EUR, the truth each customer.
    assert all(same(figures[period], true[period], Decimal("0.001")) for period in periods), (figures, true)


def test_support_is_as_the_tickets_were(group: Group) -> None:
    solved = [
        (ticket, ticket.solved_at[-1])
        for ticket in group.company.world.desk.tickets
        if ticket.known(PLAN.ends) and len(ticket.solved_at) > len(ticket.reopened_at) and ticket.rated_at
    ]
    for period in QUARTERS[1:]:
        start, end = bounds(period)
        rated = [ticket.rating == "good" for ticket, at in solved if start <= at < end]
        assert same(group.figure(CLOUD, "customer_satisfaction", period), Decimal(sum(rated)) / len(rated)), period
        assert same(
            group.figure(CLOUD, "first_response_time", period), group.true(CLOUD, "first_response_time", period)
        ), period


def test_a_unit_is_known_through_the_day_before_its_services_were_read(group: Group) -> None:
    """Whether or not anything happened on it: the last month is over."""
    last = PLAN.ends.astimezone(ZoneInfo(PLAN.timezone)).date() - timedelta(days=1)
    with duckdb.connect(str(group.sandbox.settings.snapshot), read_only=True) as db:
        read = db.execute("select source_system, read_through from intermediate.int_sources_read").fetchall()
        known = db.execute("select business_unit, last_on from core.core_horizon").fetchall()
    assert dict(read) == dict.fromkeys([*UNITS, *TWINS], last)
    assert {unit: day for unit, day in known if unit in UNITS.values()} == {INSTRUMENTS: last, CLOUD: last}


def test_a_second_account_of_a_service_is_a_source_of_its_own(group: Group) -> None:
    """Its records join those of its own account alone, though the other has the same ids."""
    units = {INSTRUMENTS, CLOUD}
    first = {(unit, *key): value for (unit, *key), value in group.figures.items() if unit in units}
    second = {
        (unit.removesuffix(" twin"), *key): value
        for (unit, *key), value in group.figures.items()
        if unit.endswith(" twin")
    }
    assert len(first) > 1000
    assert second == first
    with duckdb.connect(str(group.sandbox.settings.snapshot), read_only=True) as db:
        systems = db.execute(
            "select distinct source_system, business_unit from core.core_account where business_unit like '% twin'"
        ).fetchall()
    assert dict(systems) == TWINS


def test_no_check_of_the_units_fails(group: Group) -> None:
    with duckdb.connect(str(group.sandbox.settings.snapshot), read_only=True) as db:
        failed = db.execute(
            "select check_id, message from quality.check_results where not passed and severity = 'error'"
        ).fetchall()
    # The samples are in USD, which the rates of the group are too young for.
    assert [check for check, _ in failed] == ["dbt.fx_rate_is_known"]


def test_unit_tests_of_the_services_staging_models(group: Group) -> None:
    """As the build parsed the project. They need every raw table that a model reads."""
    group.sandbox.env["SCORECARD_SERVICES"] = services({**READ, "zendesk": ()})
    group.sandbox.run("extract", "zendesk")
    target = group.sandbox.settings.state / "dbt"
    selected = (f"test_type:unit,{layer}.{name}" for name in SERVICES for layer in ("staging", "intermediate"))
    done = group.sandbox.run("dbt", "test", "--select", *selected, check=False)
    assert done.returncode == 0, done.stdout[-6000:]
    ran = json.loads((target / "run_results.json").read_text())["results"]
    assert {result["status"] for result in ran} == {"pass"}
    declared = json.loads((target / "manifest.json").read_text())["unit_tests"]
    of_services = {name for name in declared if re.match(rf"(stg|int)_({'|'.join(SERVICES)})__", name.split(".")[2])}
    assert {result["unique_id"] for result in ran} == of_services
