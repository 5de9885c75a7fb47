from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests
import stripe

from sandbox.standins.faults import Fault
from sandbox.standins.record_store import Store, Version, utc
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


def get(service: Stripe, path: str, **headers: str) -> Any:
    given = {"Authorization": f"Bearer {service.secret_key}", **headers}
    return requests.get(service.url + path, headers=given, timeout=5).json()


def write_customers(service: Stripe, count: int) -> list[str]:
    """Write customers, one a second; return their ids, newest first."""
    for number in range(count):
        service.store.put("customer", f"cus_{number:04}", {"name": f"Sim {number}"}, START + timedelta(seconds=number))
    service.store.now = START + timedelta(hours=1)
    return [f"cus_{number:04}" for number in reversed(range(count))]


def subscription(status: str, lines: int = 1) -> dict[str, Any]:
    items = [
        {"id": f"si_{n:03}", "quantity": 1, "current_period_start": 100 + n, "current_period_end": 200 + n}
        for n in range(lines)
    ]
    return {"customer": "cus_1", "status": status, "items": {"object": "list", "data": items}}


def test_the_official_client_reads_a_whole_list_newest_first(service: Stripe, client: stripe.StripeClient) -> None:
    newest_first = write_customers(service, 250)

    page = client.v1.customers.list({"limit": 100})

    assert [len(page.data), page.has_more] == [100, True]
    assert [record.id for record in page.auto_paging_iter()] == newest_first
    assert len(service.requests("/v1/customers")) == 3
    assert len(client.v1.customers.list().data) == 10
    backwards = client.v1.customers.list({"limit": 100, "ending_before": newest_first[-1]})
    assert [record.id for record in backwards.auto_paging_iter()] == newest_first[-2::-1]
    assert backwards.has_more
    assert not client.v1.customers.list({"limit": 100, "ending_before": newest_first[100]}).has_more


def test_the_server_adds_what_the_store_leaves_out(service: Stripe, client: stripe.StripeClient) -> None:
    service.store.put("customer", "cus_1", {"name": "Sim"})
    service.store.put("invoice", "in_1", {"created": 1_600_000_000, "total": 500})
    service.advance(days=1)
    service.store.change("customer", "cus_1", name="Sim 2")

    customer = client.v1.customers.retrieve("cus_1")

    assert (customer.object, customer.created, customer.livemode) == ("customer", int(START.timestamp()), False)
    assert customer.name == "Sim 2"
    assert client.v1.invoices.retrieve("in_1").created == 1_600_000_000


def test_created_filters_by_creation_and_misses_updates(service: Stripe, client: stripe.StripeClient) -> None:
    write_customers(service, 20)
    service.store.change("customer", "cus_0000", name="changed")
    tenth = int(START.timestamp()) + 10

    def ids(**created: int) -> list[str]:
        return sorted(customer.id for customer in client.v1.customers.list({"created": created, "limit": 100}).data)

    assert ids(gte=tenth) == [f"cus_{number:04}" for number in range(10, 20)]
    assert ids(gt=tenth, lte=tenth + 2) == ["cus_0011", "cus_0012"]
    assert ids(lt=tenth)[-1] == "cus_0009"


def test_an_insert_between_two_pages_shifts_nothing(service: Stripe, client: stripe.StripeClient) -> None:
    newest_first = write_customers(service, 200)
    first = client.v1.customers.list({"limit": 100})
    service.store.put("customer", "cus_new", {})
    service.store.delete("customer", first.data[-1].id)

    assert [record.id for record in first.auto_paging_iter()] == newest_first


def test_a_deleted_customer_is_gone_from_the_list_and_reads_as_deleted(
    service: Stripe, client: stripe.StripeClient
) -> None:
    write_customers(service, 3)
    service.store.put("product", "prod_1", {})
    service.store.delete("customer", "cus_0001")
    service.store.delete("product", "prod_1")

    assert [customer.id for customer in client.v1.customers.list().data] == ["cus_0002", "cus_0000"]
    assert client.v1.customers.retrieve("cus_0001").to_dict() == {
        "id": "cus_0001",
        "object": "customer",
        "deleted": True,
    }
    for read, record_id in [(client.v1.customers, "cus_x"), (client.v1.products, "prod_1")]:
        with pytest.raises(stripe.InvalidRequestError) as error:
            read.retrieve(record_id)
        assert (error.value.http_status, error.value.code) == (404, "resource_missing")


def test_canceled_subscriptions_and_inactive_prices_are_listed_only_if_asked_for(
    service: Stripe, client: stripe.StripeClient
) -> None:
    for status in ("active", "canceled", "incomplete_expired"):
        service.store.put("subscription", f"sub_{status}", subscription(status))
    service.store.put("price", "price_on", {"active": True})
    service.store.put("price", "price_off", {"active": False})

    def statuses(**params: Any) -> set[str]:
        return {subscription.status for subscription in client.v1.subscriptions.list({**params}).data}

    assert statuses() == {"active", "incomplete_expired"}
    assert statuses(status="all") == {"active", "canceled", "incomplete_expired"}
    assert statuses(status="canceled") == {"canceled"}
    assert statuses(status="ended") == {"canceled", "incomplete_expired"}
    assert [price.id for price in client.v1.prices.list().data] == ["price_on"]
    assert [price.id for price in client.v1.prices.list({"active": False}).data] == ["price_off"]


def test_an_object_carries_ten_lines_and_its_list_the_rest(service: Stripe, client: stripe.StripeClient) -> None:
    lines = [{"id": f"il_{number:03}", "amount": number} for number in range(25)]
    service.store.put("invoice", "in_1", {"lines": {"data": lines}})
    service.store.put("subscription", "sub_1", subscription("active", lines=12))

    invoice = client.v1.invoices.retrieve("in_1")
    items = client.v1.subscription_items.list({"subscription": "sub_1"})

    assert [len(invoice.lines.data), invoice.lines.has_more] == [10, True]
    assert [line.amount for line in invoice.lines.auto_paging_iter()] == list(range(25))
    assert [line.amount for line in client.v1.invoices.line_items.list("in_1").auto_paging_iter()] == list(range(25))
    assert invoice.lines.data[0].object == "line_item"
    assert [subscription_item.id for subscription_item in items.auto_paging_iter()] == [
        f"si_{number:03}" for number in range(12)
    ]


def test_an_older_version_has_the_period_on_the_subscription(service: Stripe) -> None:
    service.store.put("subscription", "sub_1", subscription("active"))
    details = {"subscription_details": {"subscription": "sub_1"}}
    service.store.put("invoice", "in_1", {"parent": details})

    new = get(service, "/v1/subscriptions/sub_1")
    old = get(service, "/v1/subscriptions/sub_1", **{"Stripe-Version": "2024-06-20"})

    assert new["items"]["data"][0]["current_period_end"] == 200
    assert "current_period_end" not in new
    assert old["current_period_end"] == 200
    assert "current_period_end" not in old["items"]["data"][0]
    assert get(service, "/v1/invoices/in_1")["parent"] == details
    assert get(service, "/v1/invoices/in_1", **{"Stripe-Version": "2024-06-20"})["subscription"] == "sub_1"
    assert service.seen_versions == {"", "2024-06-20"}


def test_the_client_says_its_version(service: Stripe, client: stripe.StripeClient) -> None:
    assert client.v1.accounts.retrieve_current().id == "acct_simulated"
    assert service.seen_versions == {stripe.api_version}


def test_who_asks_must_have_the_key_and_the_permission(service: Stripe, client: stripe.StripeClient) -> None:
    wrong = stripe.StripeClient("sk_test_wrong", base_addresses={"api": service.url}, max_network_retries=0)
    service.forbidden = {"invoices"}
    service.faults.on(Fault.TOKEN_EXPIRED, "/v1/charges")

    with pytest.raises(stripe.AuthenticationError):
        wrong.v1.customers.list()
    with pytest.raises(stripe.AuthenticationError, match="Expired"):
        client.v1.charges.list()
    with pytest.raises(stripe.PermissionError):
        client.v1.invoices.list()
    assert requests.get(f"{service.url}/v1/customers", timeout=5).status_code == 401
    assert requests.get(f"{service.url}/v1/customers", auth=(service.secret_key, ""), timeout=5).status_code == 200


def test_what_it_refuses(service: Stripe) -> None:
    refused = {
        "/v1/customers?limit=101": (400, "parameter_invalid_integer"),
        "/v1/customers?limit=ten": (400, "parameter_invalid_integer"),
        "/v1/customers?created[gte]=today": (400, "parameter_invalid_integer"),
        "/v1/customers?updated[gte]=1": (400, "parameter_unknown"),
        "/v1/customers?starting_after=cus_x": (400, "resource_missing"),
        "/v1/events?starting_after=evt_x": (400, "resource_missing"),
        "/v1/events/evt_x": (404, "resource_missing"),
        "/v1/invoices/in_x/lines": (404, "resource_missing"),
        "/v1/subscription_items": (400, "parameter_missing"),
        "/v1/leads": (404, None),
    }
    answers = {path: requests.get(service.url + path, auth=(service.secret_key, ""), timeout=5) for path in refused}

    assert {
        path: (answer.status_code, answer.json()["error"].get("code")) for path, answer in answers.items()
    } == refused


def test_too_many_requests_and_server_errors_have_its_shape(service: Stripe, client: stripe.StripeClient) -> None:
    service.faults.on(Fault.TOO_MANY_REQUESTS)
    with pytest.raises(stripe.RateLimitError) as limited:
        client.v1.customers.list()
    assert limited.value.json_body["error"]["code"] == "rate_limit"
    assert limited.value.headers is not None
    assert limited.value.headers["Retry-After"] == "1"
    service.faults.on(Fault.SERVER_ERROR)
    with pytest.raises(stripe.APIError):
        client.v1.customers.list()


def test_a_repeated_cursor_is_the_same_page_with_more_to_come(service: Stripe) -> None:
    write_customers(service, 30)
    service.faults.on(Fault.REPEATED_CURSOR, "starting_after", times=2)
    first = get(service, "/v1/customers")
    after = f"/v1/customers?starting_after={first['data'][-1]['id']}"

    assert get(service, after) == first
    assert get(service, after) == first
    assert get(service, after)["data"][0]["id"] == "cus_0019"


def test_pages_of_a_large_list_do_not_scan_the_store_again(
    service: Stripe, client: stripe.StripeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_customers(service, 2_000)
    scans: list[str] = []
    newest = service.store.newest

    def counted(kind: str) -> Iterator[tuple[str, Version, Version]]:
        scans.append(kind)
        return newest(kind)

    monkeypatch.setattr(service.store, "newest", counted)

    assert sum(1 for _ in client.v1.customers.list({"limit": 100}).auto_paging_iter()) == 2_000
    assert scans == ["customer"]
    service.store.put("customer", "cus_new", {})
    assert client.v1.customers.list().data[0].id == "cus_new"
    assert scans == ["customer", "customer"]


def test_discounts_are_ids_unless_they_are_asked_for_whole(service: Stripe, client: stripe.StripeClient) -> None:
    coupon = {"id": "SIM10", "object": "coupon", "percent_off": 10.0}
    discount = {"id": "di_1", "object": "discount", "start": 5, "source": {"type": "coupon", "coupon": coupon}}
    service.store.put("subscription", "sub_1", {**subscription("active"), "discounts": [discount]})

    assert get(service, "/v1/subscriptions")["data"][0]["discounts"] == ["di_1"]
    assert get(service, "/v1/subscriptions/sub_1")["discounts"] == ["di_1"]
    (whole,) = get(service, "/v1/subscriptions?expand[]=data.discounts")["data"][0]["discounts"]
    assert whole == {"id": "di_1", "object": "discount", "start": 5, "coupon": coupon}
    (single,) = get(service, "/v1/subscriptions/sub_1?expand[0]=discounts")["discounts"]
    assert single == whole

    # As the newest versions have it; the client asks for its own.
    (newer,) = client.v1.subscriptions.list({"expand": ["data.discounts"]}).data[0].discounts
    assert not isinstance(newer, str)
    assert newer.source.coupon == "SIM10"
    both = {"expand": ["data.discounts", "data.discounts.source.coupon"]}
    (newest,) = client.v1.subscriptions.list(both).data[0].discounts
    assert newest.source.coupon.percent_off == 10


def test_a_request_that_hangs_is_never_answered(service: Stripe) -> None:
    write_customers(service, 1)
    service.faults.on(Fault.HANG)
    with pytest.raises(requests.ReadTimeout):
        requests.get(f"{service.url}/v1/customers", timeout=0.2)
    assert len(get(service, "/v1/customers")["data"]) == 1, "the next one is"
