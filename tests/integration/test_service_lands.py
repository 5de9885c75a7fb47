"""From a service to the figures: what a stand-in of Salesforce holds is what the values say, also after a delete."""

import json
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from sandbox.standins.record_store import Store, utc
from sandbox.standins.salesforce import Field, Salesforce
from tests.conftest import Sandbox, sandbox_at

UNIT = "Simulated Instruments"


def key(prefix: str, number: int) -> str:
    return f"{prefix}{number:012d}AAA"


@pytest.fixture
def org() -> Iterator[Salesforce]:
    """Thirty deals of two reps of one name; ten are lost."""
    store = Store(utc("2017-09-01"))
    store.put("Account", key("001", 1), {"Name": "Sim 1", "Industry": "retail", "BillingCountry": "Germany"})
    for number, team in ((1, "Blue"), (2, "Red")):
        user = {"Name": "Ann", "Department": team, "Division": "East"}
        store.put("User", key("005", number), user)
    store.put("Product2", key("01t", 1), {"Name": "Sim Probe", "Family": "Probes"})
    for number in range(1, 31):
        begun, ended = (
            utc("2017-10-02T10:00") + timedelta(days=number),
            utc("2017-11-02T10:00") + timedelta(days=number),
        )
        deal = {
            "Name": f"Deal {number}",
            "AccountId": key("001", 1),
            "OwnerId": key("005", 1 + number % 2),
            "Amount": 100.5 + number,
            # Edited after the fact: the day of the stage's change is what counts.
            "CloseDate": "2018-06-30",
        }
        line = {"OpportunityId": key("006", number), "Product2Id": key("01t", 1), "Quantity": 2.0, "TotalPrice": 50.5}
        store.put("OpportunityLineItem", key("00k", number), line, at=begun)
        stages = [
            (begun, "Prospecting", False, False),
            (ended, "Closed Won" if number % 3 else "Closed Lost", number % 3 > 0, True),
        ]
        for step, (at, stage, won, closed) in enumerate(stages):
            state = {**deal, "StageName": stage, "IsWon": won, "IsClosed": closed}
            store.put("Opportunity", key("006", number), state, at=at)
            history = {"OpportunityId": key("006", number), "StageName": stage}
            store.put("OpportunityHistory", key("008", 2 * number + step), history, at=at)
    store.now = utc("2018-01-05")
    org = Salesforce(store)
    org.objects.schema["Opportunity"] = {"Amount": Field("currency"), "CloseDate": Field("date")}
    with org:
        yield org


@pytest.fixture
def company(org: Salesforce, tmp_path: Path) -> Sandbox:
    """The company of the samples, which has a unit on Salesforce as well; set up by the environment alone."""
    sandbox = sandbox_at(tmp_path)
    services = {"salesforce": {"business_unit": UNIT, "currency": "USD"}}
    connections = {"salesforce": {"host": org.url, "login": org.login.client_id, "password": org.login.client_secret}}
    sandbox.env["SCORECARD_SERVICES"] = json.dumps(services)
    sandbox.env["SCORECARD_CONNECTIONS"] = json.dumps(connections)
    return sandbox


def values(company: Sandbox) -> dict[tuple[str, str], Decimal]:
    """The unit's figures of the quarter, by metric and team ("" for the unit)."""
    with duckdb.connect(str(company.settings.snapshot), read_only=True) as db:
        rows = db.execute(
            "select metric, case when dimension = 'team' then member else '' end, value from scorecard.kpi_status"
            " where scope = ? and period = '2017-Q4' and dimension in ('business_unit', 'team')",
            [UNIT],
        ).fetchall()
    return {(metric, team): value for metric, team, value in rows}


def test_what_the_service_holds_is_what_the_values_say(org: Salesforce, company: Sandbox) -> None:
    checked = company.run("sources", "check")
    assert f"salesforce: ok, as {org.login.username} of the org" in checked.stdout
    company.run("extract")
    company.run("build")
    figures = values(company)
    won = [number for number in range(1, 31) if number % 3]
    assert figures["booked_revenue", ""] == sum(Decimal("100.5") + number for number in won)
    assert figures["won_deals", "Red"] == sum(1 for number in won if number % 2)
    assert figures["sales_volume", ""] == 2 * len(won)
    assert figures["win_rate", ""] == Decimal("0.66666667")
    assert figures["sales_cycle_length", ""] == 31, "by the history of stages, not by the close date"

    with duckdb.connect(str(company.settings.snapshot), read_only=True) as db:
        failed = db.execute("select check_id from quality.check_results where not passed and severity = 'error'")
        assert failed.fetchall() == []
        evidence = db.execute(
            "select source_file, source_line, record_id from kpis.kpi_won_deals where business_unit = ? "
            "order by record_id",
            [UNIT],
        ).fetchall()
    assert len(evidence) == len(won)
    assert all(url.startswith("/services/data/") and line for url, line, _ in evidence)

    org.advance(days=1)
    org.store.delete("Opportunity", key("006", 1))
    org.store.change("User", key("005", 2), Department="Green")
    org.store.change("Opportunity", key("006", 2), OwnerId=None)
    back = {"StageName": "Prospecting", "IsWon": False, "IsClosed": False}
    org.store.change("Opportunity", key("006", 4), **back)
    org.store.put("OpportunityHistory", key("008", 99), {"OpportunityId": key("006", 4), "StageName": "Prospecting"})
    done = company.run("extract", "salesforce")
    assert org.login.client_secret not in done.stdout + done.stderr
    company.run("build")
    then = values(company)
    gone, back_in_the_pipeline = Decimal("101.5"), Decimal("104.5")
    assert then["booked_revenue", ""] == figures["booked_revenue", ""] - gone - back_in_the_pipeline
    assert then["booked_revenue", "unknown"] == Decimal("102.5"), "nobody owns it, and it counts"
    assert ("booked_revenue", "Red") not in then, "deals are of the team that their owner is in by now"
    assert then["booked_revenue", "Green"] == figures["booked_revenue", "Red"] - gone
