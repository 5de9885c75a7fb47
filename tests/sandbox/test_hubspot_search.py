from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from hubspot import HubSpot as Client
from hubspot.crm.deals import Filter as ClientFilter
from hubspot.crm.deals import (
    FilterGroup,
    PublicObjectSearchRequest,
)

from sandbox.standins.hubspot import HubSpot
from sandbox.standins.hubspot.catalog import HubSpotRecord
from sandbox.standins.hubspot.search import Filter
from sandbox.standins.record_store import Store, Version
from tests.sandbox.test_hubspot import (
    BY_ID,
    SEARCH,
    START,
    START_MS,
    found_ids,
    get,
    pages,
    post,
    search,
    where,
    write_deals,
)


@pytest.fixture
def service() -> Iterator[HubSpot]:
    with HubSpot(Store(START)) as running:
        assert isinstance(running, HubSpot)
        yield running


@pytest.fixture
def client(service: HubSpot) -> Client:
    return Client(access_token=service.access_token, host=service.url, retry=False)


def test_the_official_client_searches(service: HubSpot, client: Client) -> None:
    write_deals(service, 30)
    since = ClientFilter(property_name="hs_lastmodifieddate", operator="GTE", value=str(START_MS + 11_000))
    search = PublicObjectSearchRequest(
        filter_groups=[FilterGroup(filters=[since])], sorts=BY_ID, properties=["dealname"], limit=15
    )

    page = client.crm.deals.search_api.do_search(search)
    search.after = page.paging.next.after
    rest = client.crm.deals.search_api.do_search(search)

    assert [page.total, page.paging.next.after, rest.paging] == [20, "15", None]
    assert [deal.id for deal in page.results + rest.results] == [str(number) for number in range(11, 31)]
    assert page.results[0].properties["dealname"] == "Sim 11"


FILTERS: list[tuple[dict[str, Any], list[str]]] = [
    (where("amount", "EQ", "9.0"), ["1"]),
    (where("amount", "NEQ", "9"), ["2", "3"]),
    (where("amount", "LT", "10"), ["1"]),
    (where("amount", "LTE", "10"), ["1", "2"]),
    (where("amount", "GT", "10"), ["3"]),
    (where("amount", "GTE", "10"), ["2", "3"]),
    (where("amount", "BETWEEN", "9", highValue="10"), ["1", "2"]),
    (where("dealname", "IN", values=["sim a", "sim c"]), ["1", "3"]),
    (where("dealname", "NOT_IN", values=["sim a"]), ["2", "3", "4"]),
    (where("dealstage", "EQ", "WON"), []),
    (where("amount", "HAS_PROPERTY"), ["1", "2", "3"]),
    (where("amount", "NOT_HAS_PROPERTY"), ["4"]),
    (where("closedate", "LT", "2026-03-02T00:00:00+01:00"), ["1"]),
    (where("closedate", "GTE", str(START_MS + 86_400_000)), ["2"]),
    (where("hs_object_id", "EQ", "2"), ["2"]),
    (where("hs_object_id", "LT", "2"), ["1"]),
    (where("hs_object_id", "GT", "2"), ["3", "4"]),
    (where("hs_object_id", "BETWEEN", "2", highValue="3"), ["2", "3"]),
    (where("hs_object_id", "NEQ", "2"), ["1", "3", "4"]),
]


def test_filters(service: HubSpot) -> None:
    deals = service.store
    deals.put(
        "deals", "1", {"dealname": "Sim A", "amount": "9", "dealstage": "won", "closedate": "2026-03-01T22:59:59Z"}
    )
    deals.put("deals", "2", {"dealname": "Sim B", "amount": "10", "closedate": "2026-03-02T09:00:00Z"})
    deals.put("deals", "3", {"dealname": "Sim C", "amount": "11"})
    deals.put("deals", "4", {"dealname": "Sim D", "amount": None})

    assert [(condition, found_ids(service, condition)) for condition, _ in FILTERS] == FILTERS


def test_filters_of_a_group_must_all_be_met_and_one_group_is_enough(service: HubSpot) -> None:
    write_deals(service, 9)
    both = {"filters": [where("amount", "GT", "3"), where("hs_object_id", "LTE", "5")]}
    other = {"filters": [where("amount", "IN", values=["1", "5"])]}

    assert found_ids(service, *both["filters"]) == ["4", "5"]
    answer = post(service, SEARCH, filterGroups=[both, other], sorts=["-amount"]).json()
    assert [deal["id"] for deal in answer["results"]] == ["5", "4", "1"]


def test_a_sort_is_by_value_and_what_has_none_comes_last(service: HubSpot) -> None:
    for number, amount in enumerate(["10", "9", None, "9"], 1):
        service.store.put("deals", str(number), {"amount": amount})

    ascending = {"propertyName": "amount", "direction": "ASCENDING"}
    assert found_ids(service, sorts=[ascending]) == ["2", "4", "1", "3"]
    assert found_ids(service, sorts=[{**ascending, "direction": "DESCENDING"}]) == ["1", "2", "4", "3"]
    assert found_ids(service, sorts=["-hs_object_id"]) == ["4", "3", "2", "1"]


REFUSED: list[dict[str, Any]] = [
    {"limit": 201},
    {"limit": 0},
    {"after": "MTA="},
    {"query": "sim"},
    {"sorts": ["amount", "dealname"]},
    {"sorts": ["no_such_property"]},
    {"filterGroups": [{"filters": [where("no_such_property", "EQ", "1")]}]},
    {"filterGroups": [{"filters": [where("amount", "EQ", "much")]}]},
    {"filterGroups": [{"filters": [where("amount", "IN", values=[])]}]},
    {"filterGroups": [{"filters": [where("amount", "LIKE", "1")]}]},
    {"filterGroups": [{"filters": [where("amount", "EQ", "1")]}] * 6},
    {"filterGroups": [{"filters": [where("amount", "EQ", "1")] * 7}]},
    {"properties": ["amount"] * 300},
]


def test_a_search_that_the_service_does_not_know_is_refused(service: HubSpot) -> None:
    write_deals(service, 1)

    answers = [post(service, SEARCH, **body) for body in REFUSED]

    assert [(answer.status_code, answer.json().get("category")) for answer in answers] == [
        (400, "VALIDATION_ERROR")
    ] * len(REFUSED)


def test_a_search_ends_at_its_limit_and_goes_on_from_the_last_id(service: HubSpot) -> None:
    service.search_limit = 20
    for number in range(1, 51):
        service.store.put("deals", str(number), {}, START)
    window = where("hs_lastmodifieddate", "BETWEEN", START_MS, highValue=START_MS)

    page = search(service, window, sorts=BY_ID, limit=10, after="10")
    assert [page["total"], page["paging"]["next"]["after"]] == [50, "20"]
    assert post(service, SEARCH, limit=10, after="20").status_code == 400
    assert post(service, SEARCH, limit=10, after="11").status_code == 400

    last, ids = 0, list[str]()
    while more := found_ids(service, window, where("hs_object_id", "GTE", last + 1), sorts=BY_ID, limit=20):
        ids += more
        last = int(more[-1])
    assert ids == [str(number) for number in range(1, 51)]


def test_more_than_ten_thousand_records_of_one_moment(service: HubSpot) -> None:
    for number in range(1, 10_402):
        service.store.put("deals", str(number), {}, START)
    window = where("hs_lastmodifieddate", "EQ", START_MS)

    last_page = search(service, window, sorts=BY_ID, limit=200, after="9800")
    beyond = post(service, SEARCH, filterGroups=[{"filters": [window]}], limit=200, after="10000")

    assert [last_page["total"], last_page["results"][-1]["id"]] == [10_401, "10000"]
    assert last_page["paging"]["next"]["after"] == "10000"
    assert beyond.status_code == 400
    assert len(found_ids(service, window, where("hs_object_id", "GTE", 10_001), after=200)) == 200


def test_records_are_not_looked_through_again_for_each_page(service: HubSpot, monkeypatch: pytest.MonkeyPatch) -> None:
    write_deals(service, 1000)
    looks: list[str] = []
    tries: list[str] = []
    newest, test = service.store.newest, Filter.test

    def counted_newest(kind: str) -> Iterator[tuple[str, Version, Version]]:
        looks.append(kind)
        return newest(kind)

    def counted_test(condition: Filter) -> Callable[[HubSpotRecord], bool]:
        tries.append(condition.name)
        return test(condition)

    monkeypatch.setattr(service.store, "newest", counted_newest)
    monkeypatch.setattr(Filter, "test", counted_test)
    window = where("hs_lastmodifieddate", "GTE", START_MS + 500_000)

    listed = pages(service, "/crm/v3/objects/deals", limit=100)
    last, ids = 0, list[str]()
    while more := found_ids(service, window, where("hs_object_id", "GT", last), sorts=BY_ID):
        ids += more
        last = int(more[-1])

    assert [len(page) for page in listed] == [100] * 10
    assert ids == [str(number) for number in range(500, 1001)]
    assert [looks, tries] == [["deals"], ["hs_lastmodifieddate"]]
    service.advance(seconds=1)
    found_ids(service, window)
    assert [looks, tries] == [["deals"] * 2, ["hs_lastmodifieddate"] * 2]


def test_the_search_lags_behind_the_lists(service: HubSpot) -> None:
    service.search_lag = 60
    write_deals(service, 1)
    service.store.change("deals", "1", dealstage="won")
    write_deals(service, 1, first=4000)
    service.store.now = START + timedelta(seconds=4030)

    listed = get(service, "/crm/v3/objects/deals").json()["results"]
    assert [fields["properties"]["dealstage"] for fields in listed] == ["won", "open"]
    assert found_ids(service) == ["1"]
    service.advance(seconds=30)
    assert found_ids(service) == ["1", "4000"]

    service.store.delete("deals", "1")
    service.store.change("deals", "4000", dealstage="lost")
    assert found_ids(service, where("dealstage", "EQ", "open")) == ["4000"]
    assert found_ids(service) == ["1", "4000"]
    service.advance(seconds=60)
    assert found_ids(service, where("dealstage", "EQ", "open")) == []
    assert found_ids(service) == ["4000"]
