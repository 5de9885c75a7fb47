"""The true figures, found a second time in what the services say."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from statistics import median
from typing import Any

import pytest

from sandbox.company import Company, Plan, simulate
from sandbox.company.world.names import CLOUD, INSTRUMENTS
from sandbox.standins.record_store import Store, Version
from tests.sandbox.test_company import at_the_end

MONTHS = [date(2023 + month // 12, month % 12 + 1, 1) for month in range(24)]
PLAN = Plan(size=80, mistakes=0.05)
HOURS = {"hot": 1, "warm": 4, "cold": 24}


@pytest.fixture(scope="module")
def company() -> Company:
    return at_the_end(simulate(PLAN))


def period(company: Company, day: date, months: int = 1) -> tuple[datetime, datetime]:
    end = MONTHS.index(day) + months
    last = MONTHS[end] if end < len(MONTHS) else date(2025, 1, 1)
    return company.plan.midnight(day), company.plan.midnight(last)


def live_records(store: Store, kind: str) -> Iterator[tuple[str, list[Version], dict[str, Any]]]:
    """What is not deleted: the id, all versions, and what it is now."""
    for record_id, _, last in store.newest(kind):
        if last.fields is not None:
            yield record_id, store.versions(kind, record_id), last.fields


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def eur(company: Company, amount: object, currency: str, at: datetime) -> Decimal:
    rates = {(row["currency"], row["day"]): row["rate"] for row in company.files["fx_rates"]}
    rate = Decimal(1) if currency == "EUR" else rates[currency, company.plan.day(at)]
    return (Decimal(str(amount)) * rate).quantize(Decimal("0.00000001"), ROUND_HALF_UP)


def closings(company: Company, unit: str) -> Iterator[tuple[str, datetime, bool, Decimal, dict[str, Any], datetime]]:
    """Deals that are closed, by the version in which they closed."""
    name, won, amount, currency = ("IsWon", True, "Amount", "CurrencyIsoCode")
    store, kind = company.salesforce, "Opportunity"
    if unit == CLOUD:
        store, kind = company.hubspot, "deals"
        name, won, amount, currency = "hs_is_closed_won", "true", "amount", "deal_currency_code"
    for record_id, versions, now in live_records(store, kind):
        closed = [
            version.at
            for version in versions
            if (version.fields or {}).get("IsClosed") or (version.fields or {}).get("hs_is_closed") == "true"
        ]
        if closed:
            value = eur(company, now[amount], now[currency], closed[0])
            yield record_id, closed[0], now[name] == won, value, now, versions[0].at


@pytest.mark.parametrize("unit", [INSTRUMENTS, CLOUD])
@pytest.mark.parametrize("day", [MONTHS[6], MONTHS[18]])
def test_figures_of_deals(company: Company, unit: str, day: date) -> None:
    start, end = period(company, day, 6)
    closed = [closing for closing in closings(company, unit) if start <= closing[1] < end]
    won = [closing for closing in closed if closing[2]]
    assert len(won) > 2
    value, lost_too = (
        sum((closing[3] for closing in won), Decimal()),
        sum((closing[3] for closing in closed), Decimal()),
    )
    assert company.truth("win_rate", start, end, unit) == Decimal(len(won)) / len(closed)
    assert company.truth("booked_revenue", start, end, unit) == value
    assert company.truth("win_rate_value", start, end, unit) == value / lost_too
    sized = [closing[3] for closing in won if closing[3]]
    assert company.truth("average_deal_size", start, end, unit) == sum(sized) / len(sized)
    days = [(company.plan.day(closing[1]) - company.plan.day(closing[5])).days for closing in won]
    assert company.truth("sales_cycle_length", start, end, unit) == Decimal(str(median(days)))


def test_sales_volume_is_of_the_lines_of_won_deals(company: Company) -> None:
    start, end = period(company, MONTHS[12], 6)
    won = {closing[0] for closing in closings(company, INSTRUMENTS) if closing[2] and start <= closing[1] < end}
    lines = [
        line for _, _, line in live_records(company.salesforce, "OpportunityLineItem") if line["OpportunityId"] in won
    ]
    assert company.truth("sales_volume", start, end, INSTRUMENTS) == int(sum(line["Quantity"] for line in lines))


@pytest.mark.parametrize("unit", [INSTRUMENTS, CLOUD])
def test_new_customers_are_accounts_at_their_first_win(company: Company, unit: str) -> None:
    first: dict[str, datetime] = {}
    for _, at, won, _, deal, _ in closings(company, unit):
        account = deal["AccountId"] if unit == INSTRUMENTS else deal["associations"]["companies"][0]
        if won:
            first[account] = min(at, first.get(account, at))
    first_wins = Counter(company.plan.day(at).replace(day=1) for at in first.values())
    assert sum(first_wins.values()) > 10
    for day in MONTHS:
        assert company.truth("new_customers", *period(company, day), unit) == first_wins[day]


def touches(company: Company) -> dict[str, list[datetime]]:
    """When people called or wrote, by the lead or, once it was converted, by its contact."""
    touched_at: dict[str, list[datetime]] = {}
    for _, versions, task in live_records(company.salesforce, "Task"):
        if task["TaskSubtype"] != "Task" and not task["Auto_Reply__c"] and task["CallType"] != "Inbound":
            touched_at.setdefault(task["WhoId"], []).append(versions[0].at)
    return touched_at


def test_promptness_to_leads_from_tasks(company: Company) -> None:
    start, end = period(company, MONTHS[6], 6)
    touched_at, waits, met, due = touches(company), [], 0, 0
    for lead_id, versions, lead in live_records(company.salesforce, "Lead"):
        created = versions[0].at
        if start <= created < end:
            at = min(touched_at.get(lead_id, []) + touched_at.get(lead["ConvertedContactId"], []), default=None)
            waits += [Decimal((at - created) // timedelta(seconds=1)) / 60] if at else []
            deadline = created + timedelta(hours=HOURS[lead["Temperature__c"]])
            due += 1
            met += at is not None and at <= deadline
    assert 0 < met < due
    assert len(waits) < due
    assert company.truth("lead_response_time", start, end, INSTRUMENTS) == median(waits)
    assert company.truth("speed_to_lead", start, end, INSTRUMENTS) == Decimal(met) / due


def test_activities_from_hubspot(company: Company) -> None:
    start, end = period(company, MONTHS[3], 3)
    calls = [call for _, _, call in live_records(company.hubspot, "calls") if call["hs_call_direction"] == "OUTBOUND"]
    made = [call for call in calls if start <= moment(call["hs_timestamp"]) < end]
    assert company.truth("calls_made", start, end, CLOUD) == len(made)
    assert company.truth("value_added_calls", start, end, CLOUD) == sum(c["value_added"] == "true" for c in made)
    meetings = list(live_records(company.hubspot, "meetings"))
    booked = [versions for _, versions, _ in meetings if start <= versions[0].at < end]
    assert company.truth("appointments_set", start, end, CLOUD) == len(booked)
    held = [now for _, _, now in meetings if now["hs_meeting_outcome"] == "COMPLETED"]
    held = [now for now in held if start <= moment(now["hs_meeting_start_time"]) < end]
    assert company.truth("meetings_held", start, end, CLOUD) == len(held)


def test_quote_turnaround_is_of_first_quotes(company: Company) -> None:
    start, end = period(company, MONTHS[12], 6)
    hours = [
        Decimal(int((moment(quote["Delivered_At__c"]) - moment(quote["Requested_At__c"])).total_seconds())) / 3600
        for _, _, quote in live_records(company.salesforce, "Quote")
        if quote["Revision__c"] == 0 and quote["Delivered_At__c"] and start <= moment(quote["Delivered_At__c"]) < end
    ]
    assert company.truth("quote_turnaround", start, end, INSTRUMENTS) == median(hours)


def test_satisfaction_is_of_the_answers_to_surveys(company: Company) -> None:
    start, end = period(company, MONTHS[0], 24)
    for unit in (INSTRUMENTS, CLOUD):
        scores = [row["score"] for row in company.files["surveys"] if row["unit"] == unit]
        share = Decimal(sum(score >= 4 for score in scores)) / len(scores)
        assert company.truth("customer_satisfaction", start, end, unit) == share


def test_what_becomes_known_later_is_left_out(company: Company) -> None:
    """A deal that is deleted, or whose value is corrected, counts as it was until then."""
    deleted = [
        (version.at, record_id) for record_id, _, version in company.salesforce.newest("Opportunity") if version.deleted
    ]
    assert deleted
    start, end = company.plan.begins, company.plan.ends
    for at, record_id in deleted:
        before, after = (
            company.truth("win_rate", start, end, INSTRUMENTS, as_of=at + timedelta(seconds=seconds))
            for seconds in (-1, 0)
        )
        was = company.state("salesforce", "Opportunity", record_id, at - timedelta(seconds=1))
        assert was is not None
        assert (before != after) == was["IsClosed"]
    early = company.plan.midnight(date(2023, 9, 1))
    whole = company.truth("calls_made", start, end, INSTRUMENTS, as_of=early)
    assert whole == company.truth("calls_made", start, early, INSTRUMENTS, as_of=early)
