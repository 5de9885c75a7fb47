"""The Stripe connector against the stand-in: what is read ends as the account's own state, whatever goes wrong."""

import json
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
import yaml
from starlette.requests import Request
from starlette.responses import Response

from sandbox.standins.faults import Fault
from sandbox.standins.record_store import Store
from sandbox.standins.stripe.server import Stripe
from scorecard.extract import check, confirm, load_contracts
from scorecard.extract.raw.troubles import Suspect
from scorecard.extract.services.response import QuotaExceeded, ServiceResponse
from scorecard.extract.services.stripe import settings as fixed
from scorecard.extract.services.stripe.api import ListPage
from scorecard.extract.services.stripe.events import EventFeed
from scorecard.shared.errors import ScorecardError

from .conftest import Connect, Reader
from .stripe_account import (
    BEGIN,
    CUSTOMER,
    DISCOUNT,
    INVOICE,
    LINE,
    account,
    customer,
    discount,
    invoice,
    line,
    reader_of,
    record,
    subscription,
    truth,
)


@pytest.fixture
def org() -> Stripe:
    return account()


def customers(reader: Reader) -> list[tuple[Any, ...]]:
    return reader.current("customer", CUSTOMER)


def single_reads(org: Stripe, path: str, since: int = 0) -> int:
    return len([request for request in org.seen[since:] if request.path.startswith(f"/v1/{path}/")])


def test_all_then_what_changed(connect: Connect, org: Stripe) -> None:
    reader = reader_of(connect, org, overlap_seconds=0)
    first = reader.extract()
    assert {loaded.name: loaded.rows_read for loaded in first.loaded}["customer"] == 40
    assert customers(reader) == truth(org, "customer")
    assert org.seen_versions == {fixed.API}

    org.advance(days=1)
    org.store.change("customer", "cus_03", name="Changed long after it was created")
    org.store.put("customer", "cus_99", customer(99))
    seen = len(org.seen)
    second = reader.extract()
    assert {loaded.name: (loaded.rows_new, loaded.rows_retired) for loaded in second.loaded}["customer"] == (2, 1)
    assert customers(reader) == truth(org, "customer")
    assert single_reads(org, "customers", seen) <= 3, "those that changed, and one of the second read last"
    lists = [request.path for request in org.seen[seen:] if "limit=100" in request.query]
    assert lists == ["/v1/events"], "the events once for all objects, and no list of records"


def test_a_row_names_the_request_that_brought_it(connect: Connect, org: Stripe) -> None:
    reader = reader_of(connect, org, objects=("customer",))
    result = reader.extract()
    columns = "_source_file, _source_line, _source_sha256, _dlt_load_id"
    query = f"select {columns} from raw_stripe.customer where id = 'cus_40' and _valid_to is null"
    ((url, place, sha256, load_id),) = reader.sql(query)
    assert (url, place, len(sha256), load_id) == ("/v1/customers?limit=100", 1, 64, result.load_id)
    loaded = reader.sql(f"select object, rows_read from raw_stripe._loaded_files where source_sha256 = '{sha256}'")
    assert loaded == [("customer", 40)]
    org.advance(hours=1)
    org.store.change("customer", "cus_40", name="New")
    reader.extract()
    assert reader.sql(query)[0][:2] == ("/v1/customers/cus_40", 1)


def test_what_happened_while_all_was_listed_is_read_the_next_time(connect: Connect) -> None:
    class Busy(Stripe):
        async def _list(self, request: Request) -> Response:
            if "starting_after" in request.query_params and "new" not in self.store.state("customer"):
                self.store.put("customer", "new", customer(50))
                self.store.delete("customer", "cus_40")
                self.store.change("customer", "cus_39", name="Changed behind our back")
            return await super()._list(request)

    org = Busy(account().store)
    reader = reader_of(connect, org, page_size=10, concurrency=1, objects=("customer",))
    first = reader.extract()
    assert {loaded.name: loaded.rows_read for loaded in first.loaded}["customer"] == 40, "the insert shifts nothing"
    assert "new" not in {row[0] for row in customers(reader)}
    reader.extract()
    assert customers(reader) == truth(org, "customer")
    assert reader.tombstones("customer") == {"cus_40": "deleted"}


def test_an_event_that_shows_late_is_found_by_the_overlap(connect: Connect, org: Stripe) -> None:
    reader = reader_of(connect, org, objects=("customer",))
    org.store.put("customer", "cus_50", customer(50), at=org.store.now)
    late = org.store.now - timedelta(seconds=90)
    org.store.put("customer", "cus_51", customer(51), at=late, visible_at=org.store.now + timedelta(minutes=2))
    reader.extract()
    assert "cus_51" not in {row[0] for row in customers(reader)}
    org.advance(minutes=5)
    reader.extract()
    assert customers(reader) == truth(org, "customer")


def test_deletes_become_tombstones_with_their_last_fields(connect: Connect, org: Stripe) -> None:
    reader = reader_of(connect, org, objects=("customer", "coupon", "invoice", "invoice_line"))
    reader.extract()
    org.advance(hours=1)
    org.store.change("customer", "cus_07", name="Its last name")
    org.advance(hours=1)
    org.store.delete("customer", "cus_07")
    org.store.delete("coupon", "coupon_1")
    org.store.delete("invoice", "in_1")
    reader.extract()
    rows = reader.sql("select name, _deleted_at from raw_stripe.customer where id = 'cus_07' and _valid_to is null")
    ((name, since),) = rows
    assert name == "Its last name", "though it was never read with it"
    assert since.replace(tzinfo=None) == org.store.now.replace(tzinfo=None)
    assert reader.tombstones("coupon") == {"coupon_1": "deleted"}
    assert reader.tombstones("invoice") == {"in_1": "deleted"}
    assert reader.tombstones("invoice_line") == dict.fromkeys(["il_1_0", "il_1_1"], "deleted")
    assert customers(reader) == truth(org, "customer")
    org.advance(minutes=1)
    again = reader.extract()
    assert "customer" in again.unchanged, "told again, no other version"
    org.store.put("customer", "cus_07", customer(7))
    reader.extract()
    assert customers(reader) == truth(org, "customer")


def test_an_event_of_another_version_of_the_api_leaves_the_fields_read_last(connect: Connect, org: Stripe) -> None:
    reader = reader_of(connect, org, objects=("subscription", "subscription_item", "invoice", "invoice_line"))
    reader.extract()
    org.event_api_version = "2024-06-20"
    org.advance(hours=1)
    org.store.delete("subscription", "sub_1")
    org.store.delete("invoice", "in_1")
    reader.extract()
    assert reader.tombstones("subscription") == {"sub_1": "deleted"}
    assert reader.tombstones("subscription_item") == {"si_1": "deleted"}
    assert reader.sql("select distinct current_period_end from raw_stripe.subscription_item") == [(200,)]
    assert reader.current("invoice", INVOICE) == truth(org, "invoice") == []
    assert reader.current("invoice_line", LINE) == []


def test_a_subscription_that_ends_is_not_deleted(connect: Connect, org: Stripe) -> None:
    org.store.put("subscription", "sub_0", {**org.store.state("subscription")["sub_1"], "status": "canceled"})
    org.store.put("price", "price_0", {**record("price"), "active": False})
    reader = reader_of(connect, org, objects=("subscription", "price"))
    reader.extract()
    assert reader.current("subscription", "id, status") == [("sub_0", "canceled"), ("sub_1", "active")]
    assert reader.current("price", "id, active") == [("price_0", False), ("price_1", True)]
    org.advance(hours=1)
    org.store.change("subscription", "sub_1", status="canceled", ended_at=int(org.store.now.timestamp()))
    org.store.change("price", "price_1", active=False)
    reader.extract()
    assert reader.current("subscription", "id, status") == [("sub_0", "canceled"), ("sub_1", "canceled")]
    assert reader.current("price", "id, active") == [("price_0", False), ("price_1", False)]


def test_when_events_are_no_longer_kept_all_is_read_and_compared(connect: Connect, org: Stripe) -> None:
    reader = reader_of(connect, org, page_size=10, objects=("customer", "invoice", "invoice_line"))
    reader.extract()
    org.advance(days=1)
    org.store.delete("customer", "cus_09")
    org.store.delete("invoice", "in_1")
    org.store.change("customer", "cus_02", name="Changed")
    org.advance(days=40)
    reader.extract()
    assert reader.tombstones("customer") == {"cus_09": "no longer in the service"}
    assert reader.tombstones("invoice") == {"in_1": "no longer in the service"}
    assert reader.tombstones("invoice_line") == dict.fromkeys(["il_1_0", "il_1_1"], "no longer in the service")
    assert customers(reader) == truth(org, "customer")
    org.advance(days=1)
    org.store.change("customer", "cus_02", name="Changed again")
    seen = len(org.seen)
    reader.extract()
    assert customers(reader) == truth(org, "customer")
    again = [
        request for request in org.seen[seen:] if request.path == "/v1/customers" and "starting_after" in request.query
    ]
    assert not again, "from then on by events"


def test_lists_of_lost_records_are_confirmed_with_them(connect: Connect, org: Stripe) -> None:
    """The lines of invoices that are gone are gone, too: that is one loss, and confirmed once."""
    org.store.put("invoice", "in_2", invoice(2, lines=0))
    reader = reader_of(connect, org, objects=("invoice", "invoice_line"))
    reader.extract()
    before = reader.tombstones("invoice"), len(reader.current("invoice_line", "id"))
    ids = [invoice_id for (invoice_id,) in reader.current("invoice", "id")]
    org.advance(days=1)
    for invoice_id in ids:
        org.store.delete("invoice", invoice_id)
    org.advance(days=40)
    reader.suspect_lost_share = 0.2
    with pytest.raises(Suspect, match=rf"invoice is suspect: it lacks {len(ids)} of the {len(ids)}") as error:
        reader.extract()
    assert (reader.tombstones("invoice"), len(reader.current("invoice_line", "id"))) == before
    source = load_contracts(reader.settings)["stripe"]
    confirm(reader.settings, source, error.value.file, error.value.sha256)
    reader.extract()
    assert reader.current("invoice", "id") == reader.current("invoice_line", "id") == []
    assert len(reader.tombstones("invoice_line")) == before[1] > 1


def test_events_that_no_longer_reach_back_to_the_last_run(connect: Connect, org: Stripe) -> None:
    reader = reader_of(connect, org, objects=("customer",))
    reader.extract()
    other = account()
    del other.store._versions["customer"]["cus_40"]
    other.store.now += timedelta(days=2)
    other.store.put("customer", "cus_41", customer(41))
    # Another account, or one whose test data was cleared: its oldest event is newer than the last one that was read.
    for kind in other.store.kinds():
        for versions in other.store._versions[kind].values():
            versions[:] = [type(version)(other.store.now, other.store.now, version.fields) for version in versions[-1:]]
    org.store = other.store
    reader.extract()
    assert [row[:2] for row in customers(reader)] == [row[:2] for row in truth(org, "customer")]
    assert reader.tombstones("customer") == {"cus_40": "no longer in the service"}


def test_a_comparison_that_was_interrupted_is_made_up_for(connect: Connect, org: Stripe) -> None:
    reader = reader_of(connect, org, page_size=10, concurrency=1, objects=("customer",))
    reader.extract()
    org.store.delete("customer", "cus_01")
    org.store.delete("customer", "cus_35")
    org.advance(days=40)
    org.faults.on(Fault.TOO_MANY_REQUESTS, path="customers.*starting_after", after=1, retry_after=3600)
    with pytest.raises(QuotaExceeded, match="asks to wait 3600 seconds"):
        reader.extract()
    assert reader.tombstones("customer") == {}
    reader.extract()
    assert reader.tombstones("customer") == dict.fromkeys(["cus_01", "cus_35"], "no longer in the service")
    assert customers(reader) == truth(org, "customer")


def test_events_that_come_twice_and_many_in_one_second(connect: Connect, org: Stripe) -> None:
    org.repeat_events = 2
    reader = reader_of(connect, org, overlap_seconds=0, page_size=7, objects=("customer",))
    reader.extract()
    org.advance(hours=1)
    for number in range(1, 21):
        org.store.change("customer", f"cus_{number:02}", name="One of many")
    org.store.delete("customer", "cus_20")
    seen = len(org.seen)
    reader.extract()
    org.store.change("customer", "cus_21", name="In the same second, after the run")
    reader.extract()
    assert customers(reader) == truth(org, "customer")
    assert single_reads(org, "customers", seen) <= 2 * 21 + 1, "each once a run"


def test_more_than_ten_lines_and_lines_that_go(connect: Connect, org: Stripe) -> None:
    org.store.put("invoice", "in_2", invoice(2, lines=230))
    reader = reader_of(connect, org, objects=("invoice", "invoice_line"))
    reader.extract()
    assert reader.current("invoice_line", LINE) == truth(org, "invoice_line")
    assert len(truth(org, "invoice_line")) == 232
    assert len(org.requests("/in_2/lines")) == 3
    for lines in (12, 0):
        org.advance(hours=1)
        org.store.put("invoice", "in_2", invoice(2, lines=lines))
        reader.extract()
        assert reader.current("invoice_line", LINE) == truth(org, "invoice_line")
        assert reader.current("invoice", INVOICE) == truth(org, "invoice")


def test_discounts_of_a_subscription_come_and_go(connect: Connect, org: Stripe) -> None:
    (item,) = subscription()["items"]["data"]
    for number in (2, 3):
        items = {"object": "list", "data": [{**item, "id": f"si_{number}"}]}
        discounts = [discount(f"sub_{number}", position) for position in range(1, 5 - number)]
        org.store.put("subscription", f"sub_{number}", subscription(items=items, discounts=discounts))
    reader = reader_of(connect, org, objects=("subscription", "subscription_item", "discount"))
    first = reader.extract()
    assert len(truth(org, "discount")) == 3
    assert reader.current("discount", DISCOUNT) == truth(org, "discount")
    assert reader.current("discount", "customer, promotion_code")[0] == ("cus_01", "promo_1")
    assert not any("times_redeemed" in warning for warning in first.warnings)
    ids = [("sub_1", "[]"), ("sub_2", '["di_sub_2_1","di_sub_2_2"]'), ("sub_3", '["di_sub_3_1"]')]
    assert reader.current("subscription", "id, discounts") == ids

    org.advance(hours=1)
    org.store.change("subscription", "sub_1", discounts=[discount("sub_1", 1)])
    org.store.change("subscription", "sub_2", discounts=[discount("sub_2", 2)])
    org.store.change("subscription", "sub_3", discounts=[])
    reader.extract()
    assert reader.current("discount", DISCOUNT) == truth(org, "discount")
    assert reader.tombstones("discount") == {"di_sub_3_1": "no longer in its record"}
    assert reader.current("subscription_item", "id") == [("si_1",), ("si_2",), ("si_3",)], "theirs are not empty"

    org.advance(hours=1)
    org.store.delete("subscription", "sub_2")
    reader.extract()
    assert reader.current("discount", DISCOUNT) == truth(org, "discount")
    assert reader.tombstones("discount")["di_sub_2_2"] == "deleted"
    org.store.delete("subscription", "sub_1")
    org.advance(days=40)
    reader.extract()
    assert reader.current("discount", DISCOUNT) == truth(org, "discount") == []
    assert reader.tombstones("discount")["di_sub_1_1"] == "no longer in the service"


def test_discounts_with_more_than_ten_items(connect: Connect, org: Stripe) -> None:
    (item,) = subscription()["items"]["data"]
    items = [{**item, "id": f"si_{number}"} for number in range(12)]
    many = subscription(items={"object": "list", "data": items}, discounts=[discount("sub_1", 1)])
    org.store.put("subscription", "sub_1", many)
    reader = reader_of(connect, org, objects=("subscription_item", "discount"))
    reader.extract()
    assert len(reader.current("subscription_item", "id")) == 12
    assert reader.current("discount", DISCOUNT) == truth(org, "discount")


def test_subscriptions_read_the_same_with_a_table_of_discounts_as_without(connect: Connect, org: Stripe) -> None:
    org.store.put("subscription", "sub_2", subscription(discounts=[discount("sub_2", 1)]))
    reader = reader_of(connect, org, objects=("subscription",))
    reader.extract()
    assert not [request for request in org.seen if "expand" in request.query]
    reader.own["objects"] = ("subscription", "discount")
    org.advance(days=1)
    result = reader.extract()
    assert "subscription" in {*result.unchanged, *(loaded.name for loaded in result.loaded if not loaded.rows_new)}
    assert reader.current("discount", DISCOUNT) == truth(org, "discount")


def test_a_line_says_what_it_bills(connect: Connect, org: Stripe) -> None:
    reader = reader_of(connect, org, objects=("invoice", "invoice_line"))
    reader.extract()
    columns = "id, invoice_id, subscription_item, proration, price_id, period_end"
    assert reader.current("invoice_line", columns)[0] == ("il_1_0", "in_1", "si_1", False, "price_1", 200)
    assert reader.current("invoice", "id, subscription, paid_at") == [("in_1", "sub_1", None)]


def test_yen_and_fractions_of_a_cent_stay_what_they_are(connect: Connect, org: Stripe) -> None:
    org.store.put("invoice", "in_jp", invoice(9, currency="jpy", total=98765))
    org.store.put("price", "price_2", {**record("price"), "unit_amount": None, "unit_amount_decimal": "0.0125"})
    reader = reader_of(connect, org, objects=("invoice", "price"))
    reader.extract()
    assert reader.current("invoice", "currency, total")[-1] == ("jpy", 98765)
    assert reader.current("price", "id, unit_amount_decimal")[1] == ("price_2", Decimal("0.0125"))


def test_quantities_may_have_decimals(connect: Connect, org: Stripe) -> None:
    hours = [
        {**line(2, 0), "quantity": 2, "quantity_decimal": "2.123456789012"},
        {**line(2, 1), "quantity": 0.5},
        line(2, 2),
    ]
    org.store.put("invoice", "in_2", {**invoice(2), "lines": {"object": "list", "data": hours}})
    item = {**subscription()["items"]["data"][0], "id": "si_2", "quantity": 1.5}
    org.store.put("subscription", "sub_2", subscription(items={"object": "list", "data": [item]}))
    reader = reader_of(connect, org, objects=("invoice_line", "subscription_item"))
    reader.extract()
    assert reader.current("invoice_line", "id, quantity, quantity_decimal")[-3:] == [
        ("il_2_0", 2, Decimal("2.12345679")),
        ("il_2_1", Decimal("0.5"), None),
        ("il_2_2", 1, None),
    ]
    assert reader.current("subscription_item", "id, quantity") == [("si_1", 1), ("si_2", Decimal("1.5"))]
    assert not reader.sql("select * from raw_stripe._quarantine")


def test_a_passing_fault_changes_nothing(connect: Connect, org: Stripe, passing: Fault) -> None:
    reader = reader_of(connect, org, page_size=10, concurrency=1, objects=("customer",))
    times = 1 if passing is Fault.TOKEN_EXPIRED else 2
    listing = org.faults.on(passing, path=r"/customers\?.*starting_after", times=times)
    reader.extract()
    assert customers(reader) == truth(org, "customer")
    org.advance(hours=1)
    org.store.change("customer", "cus_05", name="New")
    events = org.faults.on(passing, path=r"/events\?limit=10", times=1)
    reading = org.faults.on(passing, path="/customers/cus_05", times=1)
    reader.extract()
    assert (listing.struck, events.struck, reading.struck) == (times, 1, 1)
    assert customers(reader) == truth(org, "customer")


def test_a_service_that_stays_down(connect: Connect, org: Stripe) -> None:
    reader = reader_of(connect, org, objects=("customer", "product"))
    reader.extract()
    before = customers(reader)
    org.faults.on(Fault.SERVER_ERROR, path="/customers/cus_01", times=1000)
    org.advance(hours=1)
    org.store.change("customer", "cus_01", name="New")
    org.store.change("product", "prod_1", name="New")
    with pytest.raises(ScorecardError, match="GET /v1/customers/cus_01 to stripe failed 7 times"):
        reader.extract()
    assert customers(reader) == before
    assert reader.current("product", "name") == [("New",)]
    org.faults.off()
    reader.extract()
    assert customers(reader) == truth(org, "customer")


def test_events_that_cannot_be_read_on_stop_with_a_sentence(connect: Connect, org: Stripe) -> None:
    reader = reader_of(connect, org, page_size=5, objects=("customer",))
    reader.extract()
    org.advance(hours=1)
    for number in range(1, 31):
        org.store.change("customer", f"cus_{number:02}", name="New")
    org.faults.on(Fault.SERVER_ERROR, path="/events.*starting_after", times=7)
    with pytest.raises(ScorecardError, match="GET /v1/events to stripe failed"):
        reader.extract()
    reader.extract()
    assert customers(reader) == truth(org, "customer")


@pytest.mark.parametrize("path", [r"/customers\?.*starting_after", r"/events\?.*starting_after"])
def test_a_cursor_that_repeats_is_named(connect: Connect, org: Stripe, path: str) -> None:
    reader = reader_of(connect, org, page_size=10, objects=("customer",))
    if "events" in path:
        reader.extract()
        org.advance(hours=1)
        for number in range(1, 31):
            org.store.change("customer", f"cus_{number:02}", name="New")
    org.faults.on(Fault.REPEATED_CURSOR, path=path)
    with pytest.raises(ScorecardError, match=r"names the same next page of \w+ twice: \w+"):
        reader.extract()
    reader.extract()
    assert customers(reader) == truth(org, "customer")


def test_a_limit_stops_the_run_and_the_next_goes_on(connect: Connect, org: Stripe) -> None:
    reader = reader_of(connect, org, page_size=10, concurrency=1, objects=("customer",))
    org.faults.on(Fault.TOO_MANY_REQUESTS, path="customers.*starting_after", after=1, retry_after=3600)
    with pytest.raises(QuotaExceeded, match="asks to wait 3600 seconds"):
        reader.extract()
    assert len(customers(reader)) == 20, "what was read is kept"
    org.store.delete("customer", "cus_21")
    org.store.put("customer", "cus_60", customer(60))
    seen = len(org.seen)
    reader.extract()
    assert len([request for request in org.seen[seen:] if "starting_after" in request.query]) <= 7, (
        "it is not read again"
    )
    reader.extract()
    assert customers(reader) == truth(org, "customer")


def test_the_record_that_a_run_stopped_at_is_gone_for_good(connect: Connect, org: Stripe) -> None:
    reader = reader_of(connect, org, page_size=10, concurrency=1, objects=("customer",))
    org.faults.on(Fault.TOO_MANY_REQUESTS, path="customers.*starting_after", after=1, retry_after=3600)
    with pytest.raises(QuotaExceeded):
        reader.extract()
    del org.store._versions["customer"]["cus_21"]
    org.store.written += 1
    reader.extract()
    assert customers(reader)[:20] == truth(org, "customer")[:20]


def test_many_changes_are_gone_on_with_where_they_stopped(connect: Connect, org: Stripe) -> None:
    reader = reader_of(connect, org, overlap_seconds=0, objects=("customer",))
    reader.extract()
    for number in range(1, 31):
        org.advance(minutes=1)
        org.store.change("customer", f"cus_{number:02}", name="New")
    org.faults.on(Fault.TOO_MANY_REQUESTS, path="/customers/cus_21", retry_after=3600)
    with pytest.raises(QuotaExceeded):
        reader.extract()
    assert [name for _, _, name, *_ in customers(reader)].count("New") == 20, "what was read is kept"
    seen = len(org.seen)
    reader.extract()
    assert customers(reader) == truth(org, "customer")
    assert single_reads(org, "customers", seen) <= 12


def test_a_renamed_field_stops_its_object_alone(connect: Connect, org: Stripe) -> None:
    reader = reader_of(connect, org, objects=("customer", "invoice"))
    reader.extract()
    org.advance(hours=1)
    org.store.change("customer", "cus_01", name="New")
    fields = dict(org.store.state("invoice")["in_1"])
    fields["sum"] = fields.pop("total")
    org.store.put("invoice", "in_1", fields)
    with pytest.raises(ScorecardError) as error:
        reader.extract()
    assert error.value.problem == "invoice has no field total any more."
    assert "staging model of invoice" in error.value.cure
    assert customers(reader) == truth(org, "customer")


def test_a_new_field_is_kept_and_reported(connect: Connect, org: Stripe) -> None:
    reader = reader_of(connect, org, objects=("customer",))
    reader.extract()
    org.advance(hours=1)
    org.store.change("customer", "cus_02", mood="sunny")
    result = reader.extract()
    assert any("stripe.customer has fields" in warning and "mood" in warning for warning in result.warnings)
    assert reader.current("customer", "id, _undeclared->>'mood'")[1] == ("cus_02", "sunny")


def test_a_record_that_breaks_the_contract_goes_to_quarantine(connect: Connect, org: Stripe) -> None:
    reader = reader_of(connect, org, objects=("invoice",))
    reader.extract()
    org.advance(hours=1)
    org.store.change("invoice", "in_1", total=10.5)
    reader.extract()
    ((key, reason, payload),) = reader.sql("select record_key, reason, payload from raw_stripe._quarantine")
    assert (key, "total" in reason, "SIM-1" in payload) == ("in_1", True, True)
    assert reader.current("invoice", "id, total") == [("in_1", 500)], "its last good version stays"


@pytest.mark.parametrize("key", ["hunter2hunter2", "hunter2 hunter2\nX: y", ""])
def test_a_wrong_key_is_a_sentence_without_it(connect: Connect, org: Stripe, key: str) -> None:
    reader = connect("stripe", org, {"password": key})
    with pytest.raises(ScorecardError, match=r"(key|password) of (the connection scorecard_s|S)tripe") as error:
        reader.extract()
    assert "hunter2" not in str(error.value)
    assert "hunter2" not in repr(reader.settings)


def test_an_object_that_is_not_ours_to_read(connect: Connect, org: Stripe) -> None:
    org.forbidden.add("invoices")
    reader = reader_of(connect, org)
    with pytest.raises(ScorecardError, match="may not read invoices"):
        reader.extract()
    assert customers(reader) == truth(org, "customer")
    reader.own["objects"] = ("customer",)
    assert reader.extract().unchanged == ("customer",)
    org.forbidden = {"subscriptions"}
    reader.own["objects"] = ("discount",)
    with pytest.raises(ScorecardError, match="may not read subscriptions with their discounts"):
        reader.extract()
    org.forbidden = {"events"}
    with pytest.raises(ScorecardError, match="may not read events"):
        reader.extract()


def test_another_contract_reads_all_again_and_finds_deletes(connect: Connect, org: Stripe) -> None:
    reader = reader_of(connect, org, objects=("customer",))
    reader.extract()
    org.advance(days=1)
    org.store.delete("customer", "cus_09")
    declared = yaml.safe_load(reader.declaration.read_text())
    table = next(entry for entry in declared["sources"][0]["tables"] if entry["name"] == "customer")
    table["columns"].append({"name": "livemode", "data_type": "boolean", "description": "x"})
    reader.declaration.write_text(yaml.safe_dump(declared))
    reader.extract()
    assert {row[0] for row in reader.current("customer", "livemode")} == {False}
    assert reader.tombstones("customer") == {"cus_09": "no longer in the service"}
    assert customers(reader) == truth(org, "customer")


def test_a_start_date_bounds_facts_of_a_day_and_nothing_they_refer_to(connect: Connect, org: Stripe) -> None:
    fields, before = record("refund"), org.store.state("invoice")
    org.store.put("refund", "re_new", {**fields, "created": int(org.store.now.timestamp())})
    start = (BEGIN + timedelta(days=2)).date()
    reader = reader_of(connect, org, start_date=start, objects=("customer", "invoice", "charge", "refund"))
    for change in ({}, {"hours": 1}, {"days": 40}):
        org.advance(**change)
        org.store.change("refund", "refund_1", status="succeeded")
        reader.extract()
        assert reader.current("refund", "id") == [("re_new",)]
        assert customers(reader) == truth(org, "customer")
        assert reader.current("invoice", "id") == sorted((invoice_id,) for invoice_id in before)
        assert len(reader.current("charge", "id")) == 1


def test_an_account_without_events(connect: Connect) -> None:
    store = Store(BEGIN)
    org = Stripe(store)
    reader = reader_of(connect, org, objects=("customer",))
    reader.extract()
    org.advance(days=1)
    reader.extract()
    org.advance(hours=1)
    store.put("customer", "cus_01", customer(1))
    reader.extract()
    assert customers(reader) == truth(org, "customer")


def test_an_event_names_what_else_it_changes() -> None:
    about = {"object": "discount", "id": "di_1", "customer": "cus_1", "subscription": None}
    removed = {"id": "evt_1", "created": 5, "type": "customer.discount.created", "data": {"object": about}}
    upcoming = {"id": "evt_2", "created": 5, "type": "invoice.upcoming", "data": {"object": {"object": "invoice"}}}
    body = json.dumps({"data": [removed, upcoming], "has_more": False}).encode()

    class Events:
        def list_pages(self, *_: Any) -> Iterator[tuple[ServiceResponse, ListPage]]:
            yield ServiceResponse("stripe", body, "", "/v1/events", {}, BEGIN), msgspec.json.decode(body, type=ListPage)

    changes = EventFeed(Events(), 100).since(0)
    assert [(change.kind, change.id, change.deleted) for change in changes] == [("customer", "cus_1", False)]


def test_the_check_says_who_and_what(connect: Connect, org: Stripe) -> None:
    reader = reader_of(connect, org)
    org.forbidden.add("charges")
    (access,) = check(reader.settings, load_contracts(reader.settings))
    assert access.reached
    assert access.who == "Simulated Cloud (simulated) (acct_simulated) in test mode"
    assert "invoice" in access.reads
    assert "charge" not in access.reads
    assert len(access.missing) == 1
    org.forbidden.add("account")
    (access,) = check(reader.settings, load_contracts(reader.settings))
    assert access.who.startswith("a restricted key in test mode")
