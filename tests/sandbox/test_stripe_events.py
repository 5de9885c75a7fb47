from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import stripe

from sandbox.standins.record_store import Store, utc
from sandbox.standins.stripe.server import Stripe

START = utc("2026-03-01T09:00:00")


@pytest.fixture
def service() -> Iterator[Stripe]:
    with Stripe(Store(START)) as running:
        assert isinstance(running, Stripe)
        yield running


@pytest.fixture
def client(service: Stripe) -> stripe.StripeClient:
    return stripe.StripeClient(service.secret_key, base_addresses={"api": service.url}, max_network_retries=0)


def subscription(status: str) -> dict[str, Any]:
    item = {"id": "si_1", "quantity": 1, "current_period_start": 100, "current_period_end": 200}
    return {"customer": "cus_1", "status": status, "items": {"object": "list", "data": [item]}}


def types(client: stripe.StripeClient, **params: Any) -> list[str]:
    return [event.type for event in client.v1.events.list({"limit": 100, **params}).auto_paging_iter()]


def test_every_version_makes_an_event(service: Stripe, client: stripe.StripeClient) -> None:
    store = service.store
    for step in (
        lambda: store.put("customer", "cus_1", {"name": "Sim", "email": "sim@example.com"}),
        lambda: store.change("customer", "cus_1", name="Sim 2"),
        lambda: store.delete("customer", "cus_1"),
        lambda: store.put("subscription", "sub_1", subscription("active")),
        lambda: store.change("subscription", "sub_1", cancel_at_period_end=True),
        lambda: store.change("subscription", "sub_1", status="canceled"),
        lambda: store.put("charge", "ch_1", {"status": "succeeded", "amount_refunded": 0}),
        lambda: store.change("charge", "ch_1", amount_refunded=100),
        lambda: store.put("price", "price_1", {"active": True}),
        lambda: store.change("price", "price_1", active=False),
    ):
        service.advance(seconds=1)
        step()

    assert list(reversed(types(client))) == [
        "customer.created",
        "customer.updated",
        "customer.deleted",
        "customer.subscription.created",
        "customer.subscription.updated",
        "customer.subscription.deleted",
        "charge.succeeded",
        "charge.refunded",
        "price.created",
        "price.updated",
    ]
    changed, deleted = (client.v1.events.list({"type": f"customer.{what}"}).data[0] for what in ("updated", "deleted"))
    assert changed.data.to_dict()["previous_attributes"] == {"name": "Sim"}
    assert deleted.data.object["email"] == "sim@example.com"
    assert "previous_attributes" not in deleted.data
    assert client.v1.events.retrieve(changed.id).to_dict() == changed.to_dict()
    assert client.v1.subscriptions.retrieve("sub_1").status == "canceled"


def test_an_invoice_makes_an_event_at_each_milestone(service: Stripe, client: stripe.StripeClient) -> None:
    service.store.put("invoice", "in_1", {"status": "draft"})
    for status in ("open", "paid"):
        service.advance(seconds=1)
        service.store.change("invoice", "in_1", status=status)
    service.advance(seconds=1)
    service.store.put("invoice", "in_2", {"status": "open"})
    service.advance(seconds=1)
    service.store.change("invoice", "in_2", status="void")

    assert sorted(types(client)) == [
        "invoice.created",
        "invoice.created",
        "invoice.finalized",
        "invoice.finalized",
        "invoice.paid",
        "invoice.payment_succeeded",
        "invoice.updated",
        "invoice.updated",
        "invoice.updated",
        "invoice.voided",
    ]
    assert set(types(client, types=["invoice.paid", "invoice.voided"])) == {"invoice.paid", "invoice.voided"}
    assert types(client, type="invoice.payment_*") == ["invoice.payment_succeeded"]


def test_events_are_kept_for_thirty_days(service: Stripe, client: stripe.StripeClient) -> None:
    service.store.put("customer", "cus_1", {"name": "Sim"})
    service.advance(days=20)
    service.store.change("customer", "cus_1", name="Sim 2")
    created = client.v1.events.list({"type": "customer.created"}).data[0].id

    service.advance(days=10)
    assert types(client) == ["customer.updated", "customer.created"]
    service.advance(seconds=1)
    assert types(client) == ["customer.updated"]
    with pytest.raises(stripe.InvalidRequestError, match="No such event"):
        client.v1.events.retrieve(created)
    since = int((START + timedelta(days=21)).timestamp())
    assert types(client, created={"gte": since}) == []


def test_the_payload_has_the_shape_of_the_version_that_made_it(service: Stripe, client: stripe.StripeClient) -> None:
    service.event_api_version = "2024-06-20"
    service.store.put("subscription", "sub_1", subscription("active"))

    event = client.v1.events.list().data[0]

    assert event.api_version == "2024-06-20"
    assert event.data.object["current_period_end"] == 200
    assert "current_period_end" not in event.data.object["items"]["data"][0]


def test_events_of_one_second_come_in_no_order_and_some_of_them_twice(
    service: Stripe, client: stripe.StripeClient
) -> None:
    for number in range(120):
        service.store.put("product", f"prod_{number:03}", {"name": "Sim"})
    service.repeat_events = 3

    def listed() -> list[Any]:
        return list(client.v1.events.list({"limit": 100}).auto_paging_iter())

    events = listed()
    products = [event.data.object["id"] for event in events]
    assert len(events) == len({event.id for event in events}) == 160
    assert len(set(products)) == 120
    assert products not in (sorted(products), sorted(products, reverse=True))
    assert [event.id for event in listed()] == [event.id for event in events]


def test_a_version_that_shows_late_makes_its_event_late(service: Stripe, client: stripe.StripeClient) -> None:
    service.store.put("customer", "cus_1", {}, START, START + timedelta(minutes=5))

    assert types(client) == []
    assert client.v1.customers.list().data == []
    service.advance(minutes=5)
    assert client.v1.events.list().data[0].created == int(START.timestamp())
    assert [customer.id for customer in client.v1.customers.list().data] == ["cus_1"]
