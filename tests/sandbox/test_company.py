import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow.parquet as pq
import pytest

from sandbox.company import Company, Plan, simulate
from sandbox.company.world.names import CLOUD, INSTRUMENTS
from sandbox.standins.record_store import Store, Version

SLOPPY = Plan(size=60, mistakes=0.15)
SERVICES = ("salesforce", "hubspot", "stripe", "zendesk")
CLOSED = ("Closed Won", "Closed Lost")


@pytest.fixture(scope="module")
def company() -> Company:
    return at_the_end(simulate(SLOPPY))


def at_the_end(company: Company) -> Company:
    """Move all clocks to the end."""
    for service in SERVICES:
        getattr(company, service).now = company.plan.ends
    return company


def records(store: Store, kind: str) -> Iterator[tuple[str, list[Version]]]:
    for record_id, _, _ in store.newest(kind):
        yield record_id, store.versions(kind, record_id)


def states(store: Store, kind: str) -> Iterator[tuple[str, datetime, dict[str, Any]]]:
    """Every state in which a record ever was."""
    for record_id, versions in records(store, kind):
        for version in versions:
            if version.fields is not None:
                yield record_id, version.at, version.fields


def fingerprint(company: Company) -> str:
    at_the_end(company)
    digest = sha256()
    for service in SERVICES:
        store = getattr(company, service)
        for kind in store.kinds():
            digest.update(repr((service, kind, list(records(store, kind)))).encode())
    digest.update(repr(company.files).encode())
    return digest.hexdigest()


def test_same_plan_same_history_other_seed_another() -> None:
    plan = Plan(size=12, years=1)
    assert fingerprint(simulate(plan)) == fingerprint(simulate(plan))
    assert fingerprint(simulate(plan)) != fingerprint(simulate(replace(plan, seed=2)))


def test_clocks_stand_at_the_beginning_and_nothing_happens_after_the_end() -> None:
    company = simulate(Plan(size=12, years=1))
    ends = company.plan.ends
    for service in SERVICES:
        store = getattr(company, service)
        assert store.now == company.plan.begins
        written = store.written
        store.now = ends - timedelta(seconds=1)
        assert sum(len(versions) for kind in store.kinds() for _, versions in records(store, kind)) == written


KINDS = {
    "salesforce": """
        Account Campaign Contact Event Lead Opportunity OpportunityHistory OpportunityLineItem Product2 Quote
        Task User
    """,
    "hubspot": """
        calls companies contacts deals emails line_items meetings owners pipelines quotes tasks
    """,
    "stripe": """
        charge coupon credit_note customer invoice price product refund subscription
    """,
    "zendesk": """
        groups organizations satisfaction_ratings ticket_metrics tickets users
    """,
    "files": """
        agency_assessments agency_fees agency_reports coaching content_searches content_use fx_rates spend
        surveys telephony_log
    """,
}


def test_every_kind_of_record_is_there(company: Company) -> None:
    for service in ("salesforce", "hubspot", "stripe", "zendesk"):
        assert set(getattr(company, service).kinds()) == set(KINDS[service].split())
    assert set(company.files) == set(KINDS["files"].split())
    assert all(company.files.values())


def test_a_record_s_state_at_any_moment(company: Company) -> None:
    deal_id, versions = next(deal for deal in records(company.salesforce, "Opportunity") if len(deal[1]) > 2)
    assert company.state("salesforce", "Opportunity", deal_id, versions[0].at - timedelta(seconds=1)) is None
    for version in versions:
        assert company.state("salesforce", "Opportunity", deal_id, version.at) == version.fields


def gone(company: Company, service: str, kind: str) -> int:
    return sum(versions[-1].deleted for _, versions in records(getattr(company, service), kind))


def test_mistakes_are_made_as_often_as_the_plan_says(company: Company) -> None:
    neat = at_the_end(simulate(replace(SLOPPY, mistakes=0)))
    for service, kind in (
        ("salesforce", "Lead"),
        ("salesforce", "Task"),
        ("salesforce", "Account"),
        ("salesforce", "Opportunity"),
        ("hubspot", "contacts"),
        ("zendesk", "tickets"),
    ):
        assert gone(neat, service, kind) == 0
        assert gone(company, service, kind) > 0, kind
    for simulated, expected in ((neat, False), (company, True)):
        early = [
            deal
            for deal_id, deal in simulated.salesforce.state("Opportunity").items()
            if date.fromisoformat(deal["CloseDate"])
            < simulated.plan.day(simulated.salesforce.versions("Opportunity", deal_id)[0].at)
        ]
        assert bool(early) is expected
        unowned = [deal for deal in simulated.hubspot.state("deals").values() if deal["hubspot_owner_id"] is None]
        assert bool(unowned) is expected
    # A mistake adds to what happened and changes nothing else: the same people turn up at the same time.
    arrived = [
        {versions[0].at for _, versions in records(simulated.salesforce, "Lead")} for simulated in (neat, company)
    ]
    assert arrived[0] == arrived[1]


def test_churn_ends_more_subscriptions_and_changes_nothing_before(company: Company) -> None:
    loyal = at_the_end(simulate(replace(SLOPPY, churn=0)))
    fickle = at_the_end(simulate(replace(SLOPPY, churn=0.2)))
    ended = [
        sum(
            fields["status"] == "canceled" and fields["trial_end"] != fields["ended_at"]
            for fields in simulated.stripe.state("subscription").values()
        )
        for simulated in (loyal, company, fickle)
    ]
    assert ended[0] == 0 < ended[1] < ended[2]
    assert list(records(loyal.salesforce, "Opportunity")) == list(records(fickle.salesforce, "Opportunity"))


def test_seasonality_moves_demand_to_autumn() -> None:
    def autumn(seasonality: float) -> float:
        plan = Plan(size=150, seasonality=seasonality)
        months = Counter(plan.arrival(CLOUD, f"lead/{number}").month for number in range(plan.leads))
        return sum(months[month] for month in (10, 11, 12)) / plan.leads

    assert autumn(0) == pytest.approx(0.25, abs=0.04)
    assert autumn(0.8) > autumn(0) + 0.08


def test_reps_change_team_in_mid_month_and_deals_their_owner(company: Company) -> None:
    moves = [versions[1].at for _, versions in records(company.salesforce, "User") if len(versions) > 1]
    assert moves
    assert all(company.plan.day(at).day == 15 for at in moves)
    owners = Counter(
        len({version.fields["OwnerId"] for version in versions if version.fields})
        for _, versions in records(company.salesforce, "Opportunity")
    )
    assert owners[2] > 0


def test_files_hold_rows_up_to_the_day_only(company: Company, tmp_path: Path) -> None:
    until = date(2023, 9, 30)
    company.write_files(tmp_path, until)
    assert {path.name for path in tmp_path.iterdir()} == {
        "agency_assessments.csv",
        "agency_fees.csv",
        "agency_reports.xlsx",
        "coaching.csv",
        "content_searches.csv",
        "content_use.csv",
        "fx_rates.csv",
        "spend.csv",
        "surveys.csv",
        "telephony_log.parquet",
    }
    for path in tmp_path.glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            days = [date.fromisoformat(row["day"]) for row in csv.DictReader(file)]
        assert len(days) == sum(row["day"] <= until for row in company.files[path.stem])
        assert max(days) <= until
    log = pq.read_table(tmp_path / "telephony_log.parquet").to_pylist()
    assert log == [row for row in company.files["telephony_log"] if row["day"] <= until]
    book = openpyxl.load_workbook(tmp_path / "agency_reports.xlsx")
    rows = [row for sheet in book for row in sheet.iter_rows(min_row=2, values_only=True)]
    assert len(book.sheetnames) == 2
    assert len(rows) == sum(row["day"] <= until for row in company.files["agency_reports"])
    assert max(row[0] for row in rows).date() <= until


def test_the_agencies_reports_and_the_log_agree_with_the_crm(company: Company) -> None:
    calls = [fields for _, _, fields in states(company.hubspot, "calls") if fields["hs_call_direction"] == "OUTBOUND"]
    made = sum(fields["agency"] is not None for fields in calls)
    reported = sum(row["calls"] for row in company.files["agency_reports"] if row["unit"] == CLOUD)
    # The last week may not be over yet.
    assert made * 0.97 <= reported <= made
    logged = [row for row in company.files["telephony_log"] if row["unit"] == CLOUD and row["direction"] == "outbound"]
    assert len(logged) == len(calls)


def test_spend_has_a_rate_for_every_day_and_currency(company: Company) -> None:
    rates = {(row["currency"], row["day"]): row["rate"] for row in company.files["fx_rates"]}
    day = company.plan.start
    while day < company.plan.day(company.plan.ends):
        for currency in ("USD", "BRL", "JPY"):
            assert rates[currency, day] > Decimal(0)
        day += timedelta(days=1)


def test_a_unit_without_billing_has_no_figures_of_it(company: Company) -> None:
    begins, ends = company.plan.begins, company.plan.ends
    assert company.truth("mrr", begins, ends, INSTRUMENTS) is None
    assert company.truth("win_rate", begins, begins, INSTRUMENTS) is None
    with pytest.raises(ValueError, match="win_rat is none of"):
        company.truth("win_rat", begins, ends, INSTRUMENTS)
