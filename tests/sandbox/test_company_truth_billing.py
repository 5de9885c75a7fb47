"""The true figures of billing and support, found a second time in what the services say."""

from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal
from statistics import median

import pytest

from sandbox.company import Company, simulate
from sandbox.company.world.names import CLOUD
from tests.sandbox.test_company import at_the_end
from tests.sandbox.test_company_truth import MONTHS, PLAN, eur, live_records, moment, period

CURRENCIES = ("EUR", "USD", "BRL", "JPY")
MOVEMENTS = ("new", "expansion", "contraction", "churn", "reactivation")


@pytest.fixture(scope="module")
def company() -> Company:
    return at_the_end(simulate(PLAN))


def mrr_by_customer(company: Company, at: datetime) -> dict[tuple[str, str], Decimal]:
    """MRR by customer and currency, from the subscriptions as they were at the end of a day."""
    mrr: dict[tuple[str, str], Decimal] = {}
    for subscription in company.stripe.state("subscription", at - timedelta(seconds=1)).values():
        percent = 100 - sum(int(discount["source"]["coupon"]["percent_off"]) for discount in subscription["discounts"])
        for item in subscription["items"]["data"]:
            months = 12 if item["price"]["recurring"]["interval"] == "year" else 1
            units = Decimal(item["price"]["unit_amount"] * item["quantity"]) * percent / 100 / months
            if subscription["status"] == "active" and not subscription["pause_collection"]:
                currency = subscription["currency"].upper()
                key = (subscription["customer"], currency)
                mrr[key] = mrr.get(key, Decimal()) + units / (1 if currency == "JPY" else 100)
    return mrr


def test_mrr_from_subscriptions(company: Company) -> None:
    first: dict[str, datetime] = {}
    for _, versions, subscription in live_records(company.stripe, "subscription"):
        customer = subscription["customer"]
        first[customer] = min(versions[0].at, first.get(customer, versions[0].at))
    for day in MONTHS[5::6]:
        start, end = period(company, day)
        mrr = mrr_by_customer(company, end)
        for currency in CURRENCIES:
            total = sum((amount for key, amount in mrr.items() if key[1] == currency), Decimal())
            assert company.truth(f"mrr:{currency}", start, end, CLOUD) == total
        converted = (eur(company, amount, key[1], first[key[0]]) for key, amount in mrr.items())
        assert company.truth("mrr", start, end, CLOUD) == sum(converted, Decimal())


@pytest.mark.parametrize("currency", ["", *(f":{code}" for code in CURRENCIES)])
def test_movements_lead_from_the_opening_to_the_closing(company: Company, currency: str) -> None:
    seen: Counter[str] = Counter()
    opening = Decimal()
    for day in MONTHS:
        start, end = period(company, day)
        moves = {kind: company.truth(f"mrr_{kind}{currency}", start, end, CLOUD) or Decimal() for kind in MOVEMENTS}
        closing = company.truth(f"mrr{currency}", start, end, CLOUD)
        assert opening + sum(moves.values(), Decimal()) == closing
        assert min(moves["new"], moves["expansion"], moves["reactivation"]) >= 0
        assert max(moves["contraction"], moves["churn"]) <= 0
        seen.update(kind for kind, amount in moves.items() if amount)
        opening = closing or Decimal()
    assert opening > 0
    assert set(seen) == set(MOVEMENTS) or currency


def test_retention_and_churn_from_subscriptions(company: Company) -> None:
    start, end = period(company, MONTHS[15], 3)
    opening, closing = mrr_by_customer(company, start), mrr_by_customer(company, end)
    year_ago = mrr_by_customer(company, period(company, MONTHS[6])[0])
    usd = [key for key in opening if key[1] == "USD"]
    kept = sum((min(opening[key], closing.get(key, Decimal())) for key in usd), Decimal())
    assert company.truth("gross_revenue_retention:USD", start, end, CLOUD) == kept / sum(opening[key] for key in usd)
    then = [key for key in year_ago if key[1] == "USD"]
    now = sum((closing.get(key, Decimal()) for key in then), Decimal())
    assert company.truth("net_revenue_retention:USD", start, end, CLOUD) == now / sum(year_ago[key] for key in then)

    def active(at: datetime) -> set[str]:
        subscriptions = company.stripe.state("subscription", at - timedelta(seconds=1)).values()
        return {subscription["customer"] for subscription in subscriptions if subscription["status"] != "canceled"}

    customers = active(start)
    # Whoever cancelled has left, whether or not they come back.
    lost = {
        subscription["customer"]
        for _, _, subscription in live_records(company.stripe, "subscription")
        if subscription["ended_at"] and start.timestamp() <= subscription["ended_at"] < end.timestamp()
    }
    rate = company.truth("customer_churn_rate", start, end, CLOUD)
    assert rate == Decimal(len(customers & lost)) / len(customers)
    assert rate


@pytest.mark.parametrize("currency", CURRENCIES)
def test_revenue_is_invoices_less_credit_notes_and_refunds(company: Company, currency: str) -> None:
    start, end = period(company, MONTHS[6], 12)
    invoices = company.stripe.state("invoice")
    paid_by = {
        payment["payment"]["charge"]: invoice
        for invoice in invoices.values()
        for payment in invoice.get("payments", {}).get("data", [])
    }
    units, credited = 0, set()
    for invoice in invoices.values():
        issued = invoice["status_transitions"]["finalized_at"] or 0
        if invoice["currency"] == currency.lower() and invoice["status"] not in ("draft", "void"):
            units += invoice["total_excluding_tax"] if start.timestamp() <= issued < end.timestamp() else 0
    for note in company.stripe.state("credit_note").values():
        credited |= {refund["refund"] for refund in note["refunds"]}
        if note["currency"] == currency.lower() and start.timestamp() <= note["created"] < end.timestamp():
            units -= note["total_excluding_tax"]
    for refund_id, refund in company.stripe.state("refund").items():
        inside = start.timestamp() <= refund["created"] < end.timestamp() and refund_id not in credited
        if inside and refund["currency"] == currency.lower():
            invoice = paid_by[refund["charge"]]
            assert refund["amount"] == invoice["total"]
            units -= invoice["total_excluding_tax"]
    expected = Decimal(units) / (1 if currency == "JPY" else 100)
    assert company.truth(f"revenue:{currency}", start, end, CLOUD) == expected
    assert expected > 0


def test_figures_of_support(company: Company) -> None:
    start, end = period(company, MONTHS[12], 6)
    metrics = {
        ticket_metrics["ticket_id"]: ticket_metrics
        for _, _, ticket_metrics in live_records(company.zendesk, "ticket_metrics")
    }
    requested_at: dict[tuple[int, str], list[datetime]] = {}
    rows = [
        (int(ticket_id), versions[0].at, now) for ticket_id, versions, now in live_records(company.zendesk, "tickets")
    ]
    for _, at, ticket in rows:
        requested_at.setdefault((ticket["requester_id"], ticket["tags"][0]), []).append(at)
    minutes = [
        metrics[ticket_id]["reply_time_in_minutes"]["calendar"] for ticket_id, at, _ in rows if start <= at < end
    ]
    minutes = [count for count in minutes if count is not None]
    assert company.truth("first_response_time", start, end, CLOUD) == Decimal(str(median(minutes)))
    good, solved = 0, 0
    for ticket_id, _, ticket in rows:
        figures = metrics[ticket_id]
        at = moment(figures["solved_at"]) if figures["solved_at"] else end
        if start <= at < end:
            others = requested_at[ticket["requester_id"], ticket["tags"][0]]
            again = any(at < other <= at + timedelta(days=7) for other in others)
            good += figures["replies"] == 1 and not figures["reopens"] and not again
            solved += 1
    assert company.truth("first_contact_resolution", start, end, CLOUD) == Decimal(good) / solved
    assert 0 < good < solved
    ratings = [
        rating
        for _, versions, rating in live_records(company.zendesk, "satisfaction_ratings")
        if start <= versions[0].at < end
    ]
    share = Decimal(sum(rating["score"] == "good" for rating in ratings)) / len(ratings)
    assert company.truth("ticket_satisfaction", start, end, CLOUD) == share
