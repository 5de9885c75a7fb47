"""The records of the four services: each agrees with the others."""

import re
from collections import Counter
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest

from sandbox.company import Company, simulate
from sandbox.company.world.ids import checksum
from sandbox.company.world.names import CLOUD
from tests.sandbox.test_company import SLOPPY, at_the_end, records, states

CLOSED = ("Closed Won", "Closed Lost")


@pytest.fixture(scope="module")
def company() -> Company:
    return at_the_end(simulate(SLOPPY))


def test_salesforce_ids_have_their_object_s_prefix_and_a_right_checksum(company: Company) -> None:
    prefixes = {
        "Account": "001",
        "Contact": "003",
        "Lead": "00Q",
        "Opportunity": "006",
        "OpportunityLineItem": "00k",
        "OpportunityHistory": "008",
        "Task": "00T",
        "Event": "00U",
        "Quote": "0Q0",
        "User": "005",
        "Campaign": "701",
        "Product2": "01t",
    }
    seen: Counter[str] = Counter()
    for kind, prefix in prefixes.items():
        for record_id, _ in records(company.salesforce, kind):
            assert record_id[:3] == prefix
            assert len(record_id) == 18
            assert record_id[15:] == checksum(record_id[:15])
            seen[record_id.lower()] += 1
    assert max(seen.values()) == 1
    assert checksum("001A0000006Vm9r") == "IAC"


def test_a_reference_is_there_when_it_is_made(company: Company) -> None:
    """No deal before its account, no activity before its lead; what is merged is followed by what refers to it."""
    references = {
        "AccountId": "Account",
        "OpportunityId": "Opportunity",
        "Product2Id": "Product2",
        "OwnerId": "User",
        "ContactId": "Contact",
    }
    created = {
        kind: {record_id: versions[0].at for record_id, versions in records(company.salesforce, kind)}
        for kind in {*references.values(), "Lead"}
    }
    checked = 0
    for kind in company.salesforce.kinds():
        for _, at, fields in states(company.salesforce, kind):
            for name, target in references.items():
                if fields.get(name):
                    assert created[target][fields[name]] <= at
                    checked += 1
            if who := fields.get("WhoId"):
                assert created["Lead" if who.startswith("00Q") else "Contact"][who] <= at
    assert checked > 1000
    merged = {
        record_id: versions[-1].merged_into
        for record_id, versions in records(company.salesforce, "Account")
        if versions[-1].merged_into
    }
    assert merged
    for deal in company.salesforce.state("Opportunity").values():
        assert deal["AccountId"] not in merged


def test_hubspot_holds_text_and_associations_to_what_is_there(company: Company) -> None:
    created = {
        kind: {record_id: versions[0].at for record_id, versions in records(company.hubspot, kind)}
        for kind in ("contacts", "companies", "deals", "line_items")
    }
    for kind in set(company.hubspot.kinds()) - {"owners", "pipelines"}:
        for record_id, at, fields in states(company.hubspot, kind):
            assert record_id.isdecimal()
            properties = [value for name, value in fields.items() if name != "associations"]
            assert all(value is None or isinstance(value, str) for value in properties), (kind, fields)
            for target, ids in fields.get("associations", {}).items():
                assert all(created[target][other_id] <= at for other_id in ids), (kind, target, at)


def test_stage_history_tells_the_stage_of_the_opportunity(company: Company) -> None:
    history: dict[str, list[tuple[datetime, dict[str, Any]]]] = {}
    for _, at, fields in states(company.salesforce, "OpportunityHistory"):
        history.setdefault(fields["OpportunityId"], []).append((at, fields))
    steps: Counter[str] = Counter()
    for record_id, at, fields in states(company.salesforce, "Opportunity"):
        told_at, entry = max((dated for dated in history[record_id] if dated[0] <= at), key=lambda dated: dated[0])
        for name in ("StageName", "Amount", "CloseDate", "Probability"):
            assert entry[name] == fields[name], (record_id, at, told_at)
        assert fields["IsClosed"] == (fields["StageName"] in CLOSED)
        assert fields["IsWon"] == (fields["StageName"] == "Closed Won")
    order = ["Qualification", "Needs Analysis", "Proposal", "Negotiation"]
    for entries in history.values():
        stages = [fields["StageName"] for _, fields in sorted(entries, key=lambda dated: dated[0])]
        for before, after in pairwise(stages):
            if before != after and {before, after} <= set(order):
                steps["back" if order.index(after) < order.index(before) else "on"] += 1
                steps["skipped"] += order.index(after) - order.index(before) > 1
        steps["open"] += stages[-1] not in CLOSED
    assert min(steps[kind] for kind in ("on", "back", "skipped", "open")) > 0


def test_amount_is_the_sum_of_the_lines(company: Company) -> None:
    lines: Counter[str] = Counter()
    for line in company.salesforce.state("OpportunityLineItem").values():
        lines[line["OpportunityId"]] += line["TotalPrice"]
        assert line["TotalPrice"] == pytest.approx(line["Quantity"] * line["UnitPrice"], abs=0.01)
    for record_id, deal in company.salesforce.state("Opportunity").items():
        if deal["HasOpportunityLineItem"]:
            assert deal["Amount"] == pytest.approx(lines[record_id], abs=0.01)


def test_invoices_add_up_in_whole_units(company: Company) -> None:
    seen: Counter[str] = Counter()
    for _, _, invoice in states(company.stripe, "invoice"):
        lines = invoice["lines"]["data"]
        off = sum(discount["amount"] for line in lines for discount in line["discount_amounts"])
        tax = sum(tax_amount["amount"] for line in lines for tax_amount in line["taxes"])
        assert sum(line["amount"] for line in lines) == invoice["subtotal"]
        assert invoice["total_excluding_tax"] == invoice["subtotal"] - off
        assert invoice["total"] == invoice["total_excluding_tax"] + tax
        assert sum(tax_amount["amount"] for tax_amount in invoice["total_taxes"]) == tax
        assert all(type(invoice[name]) is int for name in ("total", "subtotal", "amount_due", "amount_paid"))
        assert invoice["status"] != "paid" or invoice["amount_remaining"] == 0
        seen.update([invoice["status"], invoice["currency"], invoice["billing_reason"]])
        seen["discounted"] += off > 0
        seen["proration"] += any(line["parent"]["subscription_item_details"]["proration"] for line in lines)
        seen["nothing"] += invoice["total"] == 0
    assert {"draft", "open", "paid", "void", "eur", "usd", "brl", "jpy", "subscription_update"} <= seen.keys()
    assert min(seen[feature] for feature in ("discounted", "proration", "nothing")) > 0


def test_yen_are_not_hundredths(company: Company) -> None:
    yen = [price for price in company.stripe.state("price").values() if price["currency"] == "jpy"]
    euro = {
        price["nickname"]: price["unit_amount"]
        for price in company.stripe.state("price").values()
        if price["currency"] == "eur"
    }
    # 150 yen for a euro; a euro is 100 units and a yen is one.
    assert yen
    assert all(price["unit_amount"] * 100 == euro[price["nickname"]] * 150 for price in yen)
    for deal in company.salesforce.state("Opportunity").values():
        assert deal["CurrencyIsoCode"] != "JPY" or deal["Amount"] == int(deal["Amount"])
    revenue = company.truth("revenue:JPY", company.plan.begins, company.plan.ends, CLOUD)
    assert revenue == int(revenue or 0)


def test_money_goes_back_by_credit_notes_and_refunds(company: Company) -> None:
    charges, invoices = company.stripe.state("charge"), company.stripe.state("invoice")
    refunds = company.stripe.state("refund")
    for refund in refunds.values():
        assert charges[refund["charge"]]["amount_refunded"] == refund["amount"]
    of_notes = set()
    for note in company.stripe.state("credit_note").values():
        invoice = invoices[note["invoice"]]
        assert 0 < note["total"] <= invoice["total"]
        assert invoice["post_payment_credit_notes_amount"] == note["total"]
        of_notes |= {refund["refund"] for refund in note["refunds"]}
    assert of_notes < refunds.keys()


def test_subscriptions_live_through_everything(company: Company) -> None:
    seen: Counter[str] = Counter()
    per_customer: Counter[str] = Counter()
    for _, versions in records(company.stripe, "subscription"):
        last = versions[-1].fields
        assert last is not None
        per_customer[last["customer"]] += 1
        for version in versions:
            fields = version.fields or {}
            seen[fields["status"]] += 1
            seen["paused"] += fields["pause_collection"] is not None
            seen["discount"] += bool(fields["discounts"])
            seen["yearly"] += fields["items"]["data"][0]["price"]["recurring"]["interval"] == "year"
            seen["two items"] += len(fields["items"]["data"]) == 2
            seen["notice"] += fields["cancel_at_period_end"] and fields["status"] == "active"
        assert (last["status"] == "canceled") == (last["ended_at"] is not None)
    seen["came back"] = sum(count > 1 for count in per_customer.values())
    wanted = ("trialing", "active", "canceled", "paused", "discount", "yearly", "two items", "notice", "came back")
    assert min(seen[feature] for feature in wanted) > 0


def test_tickets_agree_with_their_metrics_and_ratings(company: Company) -> None:
    tickets = company.zendesk.state("tickets")
    reopened = 0
    for metrics in company.zendesk.state("ticket_metrics").values():
        ticket = tickets[str(metrics["ticket_id"])]
        reopened += metrics["reopens"]
        assert (ticket["status"] in ("solved", "closed")) == (metrics["solved_at"] is not None)
        assert (metrics["replies"] > 0) == (metrics["reply_time_in_minutes"]["calendar"] is not None)
        business, calendar = (metrics["reply_time_in_minutes"][clock] for clock in ("business", "calendar"))
        assert business is None or business <= calendar
    assert reopened
    for rating in company.zendesk.state("satisfaction_ratings").values():
        assert tickets[str(rating["ticket_id"])]["satisfaction_rating"]["score"] == rating["score"]


def test_everything_is_labelled_as_simulated(company: Company) -> None:
    """Each name that shows says that it is not real; each address is of a domain that nobody can have."""
    named = {
        "salesforce": ("Name", "Company"),
        "hubspot": ("name", "firstname", "firstName", "dealname", "label"),
        "stripe": ("name",),
        "zendesk": ("name", "subject"),
    }
    checked = 0
    for service, names in named.items():
        store = getattr(company, service)
        for kind in store.kinds():
            for _, _, fields in states(store, kind):
                for name in names:
                    if isinstance(fields.get(name), str):
                        assert re.match(r"Sim |.*\(simulated\)", fields[name]), (kind, fields[name])
                        checked += 1
                email = str(fields.get("Email") or fields.get("email") or "nobody@none.example")
                assert email.endswith(".example")
    assert checked > 1000
    for row in company.files["agency_reports"]:
        assert "(simulated)" in row["agency"]
