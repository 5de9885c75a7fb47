from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests
from hubspot import HubSpot as Client
from hubspot.crm.associations.v4 import (
    BatchInputPublicFetchAssociationsBatchRequest,
    PublicFetchAssociationsBatchRequest,
)
from hubspot.crm.deals import (
    BatchReadInputSimplePublicObjectId,
    SimplePublicObjectId,
)

from sandbox.standins.hubspot import HubSpot
from sandbox.standins.record_store import Store, utc

START = utc("2026-03-01T09:00:00")
START_MS = 1772355600000
SEARCH = "/crm/v3/objects/deals/search"
BY_ID = [{"propertyName": "hs_object_id", "direction": "ASCENDING"}]


@pytest.fixture
def service() -> Iterator[HubSpot]:
    with HubSpot(Store(START)) as running:
        assert isinstance(running, HubSpot)
        yield running


@pytest.fixture
def client(service: HubSpot) -> Client:
    return Client(access_token=service.access_token, host=service.url, retry=False)


def get(service: HubSpot, path: str, token: str | None = None, **params: Any) -> requests.Response:
    headers = {"Authorization": f"Bearer {token or service.access_token}"}
    return requests.get(service.url + path, params=params, headers=headers, timeout=5)


def post(service: HubSpot, path: str, **body: Any) -> requests.Response:
    headers = {"Authorization": f"Bearer {service.access_token}"}
    return requests.post(service.url + path, json=body, headers=headers, timeout=5)


def search(service: HubSpot, *filters: dict[str, Any], **body: Any) -> Any:
    return post(service, SEARCH, filterGroups=[{"filters": list(filters)}] if filters else [], **body).json()


def where(name: str, operator: str, value: Any = None, **more: Any) -> dict[str, Any]:
    return {"propertyName": name, "operator": operator, "value": value, **more}


def found_ids(service: HubSpot, *filters: dict[str, Any], **body: Any) -> list[str]:
    return [record["id"] for record in search(service, *filters, **{"limit": 200, **body})["results"]]


def write_deals(service: HubSpot, count: int, first: int = 1) -> None:
    """Write deals, one a second."""
    for number in range(first, first + count):
        fields = {"dealname": f"Sim {number}", "amount": str(number), "dealstage": "open"}
        service.store.put("deals", str(number), fields, START + timedelta(seconds=number))
    service.store.now = START + timedelta(hours=1)


def pages(service: HubSpot, path: str, **params: Any) -> list[list[dict[str, Any]]]:
    pages: list[list[dict[str, Any]]] = []
    after: dict[str, str] = {}
    while True:
        page = get(service, path, **params, **after).json()
        pages.append(page["results"])
        if "paging" not in page:
            return pages
        after = {"after": page["paging"]["next"]["after"]}


def test_the_official_client_reads_a_whole_list_in_the_order_of_ids(service: HubSpot, client: Client) -> None:
    write_deals(service, 250)

    deals = client.crm.deals.get_all(properties=["amount", "no_such_property"])

    assert [deal.id for deal in deals] == [str(number) for number in range(1, 251)]
    assert deals[0].properties == {
        "amount": "1",
        "createdate": "2026-03-01T09:00:01Z",
        "hs_lastmodifieddate": "2026-03-01T09:00:01Z",
        "hs_object_id": "1",
    }
    assert deals[0].created_at == START + timedelta(seconds=1)
    assert len(service.requests("/crm/v3/objects/deals")) == 3


def test_a_page_has_ten_records_by_default_and_a_hundred_at_most(service: HubSpot) -> None:
    write_deals(service, 120)

    assert len(get(service, "/crm/v3/objects/deals").json()["results"]) == 10
    assert len(get(service, "/crm/v3/objects/deals", limit=100).json()["results"]) == 100
    for limit in (0, 101, "many"):
        refused = get(service, "/crm/v3/objects/deals", limit=limit)
        assert [refused.status_code, refused.json()["category"]] == [400, "VALIDATION_ERROR"]
    assert get(service, "/crm/v3/objects/deals", after="%").status_code == 400


def test_records_made_or_archived_while_paging_shift_no_page(service: HubSpot) -> None:
    write_deals(service, 30)
    first = get(service, "/crm/v3/objects/deals", limit=10).json()

    service.store.delete("deals", "3")
    service.store.delete("deals", "11")
    write_deals(service, 1, first=31)
    after = first["paging"]["next"]["after"]
    second = get(service, "/crm/v3/objects/deals", limit=10, after=after).json()
    third = get(service, "/crm/v3/objects/deals", limit=50, after=second["paging"]["next"]["after"]).json()

    assert [deal["id"] for deal in second["results"]] == [str(number) for number in range(12, 22)]
    assert [deal["id"] for deal in third["results"]][-1] == "31"
    assert "paging" not in third


def test_the_link_to_the_next_page_keeps_what_was_asked_for(service: HubSpot) -> None:
    write_deals(service, 3)

    page = get(service, "/crm/v3/objects/deals", limit=2, properties="dealname").json()
    headers = {"Authorization": f"Bearer {service.access_token}"}
    following = requests.get(page["paging"]["next"]["link"], headers=headers, timeout=5).json()

    assert [deal["properties"]["dealname"] for deal in following["results"]] == ["Sim 3"]


def test_properties_are_those_of_the_type_unless_some_are_asked_for(service: HubSpot) -> None:
    service.store.put("contacts", "1", {"email": "sim@example.com", "jobtitle": "Sim"})

    standard = get(service, "/crm/v3/objects/contacts/1").json()["properties"]
    chosen = get(service, "/crm/v3/objects/contacts/1", properties="jobtitle").json()["properties"]

    always = {"createdate", "hs_object_id", "lastmodifieddate"}
    assert standard.keys() == always | {"email", "firstname", "lastname"}
    assert standard["firstname"] is None
    assert chosen.keys() == always | {"jobtitle"}


def test_archived_records_are_listed_only_when_asked_for(service: HubSpot) -> None:
    write_deals(service, 3)
    service.store.delete("deals", "2")

    assert [deal["id"] for deal in get(service, "/crm/v3/objects/deals").json()["results"]] == ["1", "3"]
    (archived,) = get(service, "/crm/v3/objects/deals", archived="true").json()["results"]
    assert [archived["id"], archived["archived"], archived["archivedAt"]] == ["2", True, "2026-03-01T10:00:00Z"]
    assert archived["properties"]["dealname"] == "Sim 2"
    assert found_ids(service) == ["1", "3"]
    assert get(service, "/crm/v3/objects/deals/2").status_code == 404
    assert get(service, "/crm/v3/objects/deals/2", archived="true").json()["id"] == "2"


def test_a_record_that_was_taken_in_leads_to_the_one_that_took_it(service: HubSpot) -> None:
    for number in ("1", "2", "3"):
        service.store.put("contacts", number, {"email": f"sim{number}@example.com"})
    service.store.delete("contacts", "1", START + timedelta(seconds=1), merged_into="2")
    service.store.delete("contacts", "2", START + timedelta(seconds=2), merged_into="3")
    service.advance(minutes=1)

    (listed,) = get(service, "/crm/v3/objects/contacts").json()["results"]
    merged = get(
        service, "/crm/v3/objects/contacts/1", properties="hs_merged_object_ids,hs_calculated_merged_vids"
    ).json()

    assert listed["id"] == merged["id"] == "3"
    assert merged["properties"]["hs_merged_object_ids"] == "1;2"
    assert merged["properties"]["hs_calculated_merged_vids"] == f"1:{START_MS + 1000};2:{START_MS + 2000}"
    assert merged["updatedAt"] == "2026-03-01T09:00:02Z"
    assert get(service, "/crm/v3/objects/contacts", archived="true").json()["results"] == []
    batch = post(service, "/crm/v3/objects/contacts/batch/read", inputs=[{"id": "1"}, {"id": "2"}])
    assert [batch.status_code, [contact["id"] for contact in batch.json()["results"]]] == [200, ["3"]]
    assert post(service, "/crm/v3/objects/contacts/search").json()["total"] == 1


def test_history_is_newest_first_and_halves_the_page(service: HubSpot, client: Client) -> None:
    write_deals(service, 60)
    service.store.change("deals", "1", dealstage="won")
    service.store.change("deals", "1", amount="9")
    service.advance(hours=1)
    service.store.change("deals", "1", dealstage=None)

    page = get(service, "/crm/v3/objects/deals", limit=50, propertiesWithHistory="dealstage").json()
    deal = client.crm.deals.basic_api.get_by_id("1", properties_with_history=["dealstage"])

    stages = page["results"][0]["propertiesWithHistory"]["dealstage"]
    assert [(change["value"], change["timestamp"]) for change in stages] == [
        ("", "2026-03-01T11:00:00Z"),
        ("won", "2026-03-01T10:00:00Z"),
        ("open", "2026-03-01T09:00:01Z"),
    ]
    assert [change.value for change in deal.properties_with_history["dealstage"]] == ["", "won", "open"]
    assert get(service, "/crm/v3/objects/deals", limit=51, propertiesWithHistory="dealstage").status_code == 400


def test_a_batch_tells_what_it_did_not_find(service: HubSpot, client: Client) -> None:
    write_deals(service, 2)
    inputs = [SimplePublicObjectId(id=deal_id) for deal_id in ("2", "7", "1")]

    batch = BatchReadInputSimplePublicObjectId(
        inputs=inputs, properties=["amount"], properties_with_history=["dealstage"]
    )
    answer = client.crm.deals.batch_api.read(batch)

    assert [deal.id for deal in answer.results] == ["2", "1"]
    assert answer.results[0].properties_with_history["dealstage"][0].value == "open"
    assert answer.num_errors == 1
    assert answer.errors[0].context == {"ids": ["7"]}
    whole = [{"id": str(number)} for number in range(101)]
    path = "/crm/v3/objects/deals/batch/read"
    assert post(service, path, inputs=whole[:1], properties=[]).status_code == 207
    assert post(service, path, inputs=whole).status_code == 400
    assert post(service, path, inputs=whole[:51], propertiesWithHistory=["amount"]).status_code == 400


def test_associations_are_read_in_both_directions(service: HubSpot, client: Client) -> None:
    for number in ("7", "8", "9"):
        service.store.put("companies", number, {"name": f"Sim {number}"})
    service.store.put("deals", "1", {"dealname": "Sim", "associations": {"companies": ["7", "8"]}})
    service.store.put("deals", "2", {"dealname": "Sim"})
    service.store.delete("companies", "7", merged_into="9")

    def read(kind: str, to: str, *ids: str) -> Any:
        inputs = [PublicFetchAssociationsBatchRequest(id=record_id) for record_id in ids]
        batch = BatchInputPublicFetchAssociationsBatchRequest(inputs=inputs)
        return client.crm.associations.v4.batch_api.get_page(kind, to, batch)

    answer = read("deals", "companies", "1", "2")
    (one,) = answer.results
    assert [
        (association.to_object_id, [type_.label for type_ in association.association_types]) for association in one.to
    ] == [
        ("9", ["Primary", None]),
        ("8", [None]),
    ]
    assert answer.errors[0].sub_category == "crm.associations.NO_ASSOCIATIONS_FOUND"
    assert [association.to_object_id for association in read("company", "deal", "8").results[0].to] == ["1"]
    service.store.delete("companies", "8")
    assert [association.to_object_id for association in read("deals", "companies", "1").results[0].to] == ["9"]


def test_a_list_shows_the_primary_company_twice(service: HubSpot) -> None:
    service.store.put("companies", "7", {})
    service.store.put("contacts", "5", {})
    service.store.put("deals", "1", {"associations": {"companies": ["7"], "contacts": ["5"]}})
    service.store.put("deals", "2", {})

    with_some, with_none = get(service, "/crm/v3/objects/deals", associations="companies,contacts").json()["results"]

    assert with_some["associations"] == {
        "companies": {
            "results": [{"id": "7", "type": "deal_to_company"}, {"id": "7", "type": "deal_to_company_unlabeled"}]
        },
        "contacts": {"results": [{"id": "5", "type": "deal_to_contact"}]},
    }
    assert "associations" not in with_none
    assert "associations" not in with_some["properties"]


def test_many_associations_come_in_parts(service: HubSpot) -> None:
    ids = [str(number) for number in range(1, 1201)]
    for number in ids:
        service.store.put("contacts", number, {"associations": {"companies": ["1"]}})
    service.store.put("companies", "1", {})
    path = "/crm/v4/associations/companies/contacts/batch/read"

    (listed,) = get(service, "/crm/v3/objects/companies", associations="contacts").json()["results"]
    read: list[list[str]] = []
    after: dict[str, str] = {}
    while True:
        (part,) = post(service, path, inputs=[{"id": "1", **after}]).json()["results"]
        read.append([association["toObjectId"] for association in part["to"]])
        if "paging" not in part:
            break
        after = part["paging"]["next"]

    assert len(listed["associations"]["contacts"]["results"]) == 100
    assert "paging" in listed["associations"]["contacts"]
    assert [len(part) for part in read] == [500, 500, 200]
    assert [contact_id for part in read for contact_id in part] == ids
    assert post(service, path, inputs=[{"id": "1"}] * 1001).status_code == 400


def test_a_record_that_is_visible_late_keeps_its_time(service: HubSpot) -> None:
    at = START - timedelta(minutes=5)
    service.store.put("deals", "1", {}, at, visible_at=START + timedelta(seconds=1))

    assert get(service, "/crm/v3/objects/deals").json()["results"] == []
    service.advance(seconds=1)
    assert get(service, "/crm/v3/objects/deals").json()["results"][0]["updatedAt"] == "2026-03-01T08:55:00Z"


def test_properties_follow_the_records_and_what_a_test_says(service: HubSpot, client: Client) -> None:
    service.store.put("deals", "1", {"score": "10", "old_name": "x"})
    service.store.put("deals", "2", {"score": "9"})
    assert found_ids(service, sorts=["score"]) == ["1", "2"]

    service.schema["deals"] = {"score": "number", "old_name": None, "new_name": "date"}
    listed = {definition.name: definition for definition in client.crm.properties.core_api.get_all("deals").results}

    assert [listed["amount"].type, listed["score"].type, listed["new_name"].field_type] == ["number", "number", "date"]
    assert "old_name" not in listed
    assert {"dealstage", "hs_object_id", "createdate", "hs_lastmodifieddate"} <= listed.keys()
    chosen = get(service, "/crm/v3/objects/deals/1", properties="old_name,new_name").json()["properties"]
    assert chosen["new_name"] is None
    assert "old_name" not in chosen
    assert found_ids(service, sorts=["score"]) == ["2", "1"]


def test_owners_and_pipelines(service: HubSpot, client: Client) -> None:
    for number in range(1, 4):
        service.store.put("owners", str(number), {"email": f"sim{number}@example.com", "firstName": "Sim"})
    service.store.delete("owners", "2")
    stages = [{"id": "won", "label": "Won", "metadata": {"probability": "1.0", "isClosed": "true"}}]
    service.store.put("pipelines", "renewal", {"label": "Renewal", "displayOrder": 1, "stages": stages})
    service.store.put("pipelines", "default", {"label": "Sales", "stages": []})

    first = client.crm.owners.owners_api.get_page(limit=1)
    (second,) = client.crm.owners.owners_api.get_page(limit=1, after=first.paging.next.after).results
    (left,) = client.crm.owners.owners_api.get_page(archived=True).results
    sales, renewal = client.crm.pipelines.pipelines_api.get_all("deals").results

    assert [second.id, second.email, second.archived, left.id, left.archived] == [
        "3",
        "sim3@example.com",
        False,
        "2",
        True,
    ]
    assert [sales.id, renewal.id, renewal.stages[0].metadata["probability"]] == ["default", "renewal", "1.0"]


def test_an_unknown_object_type_is_refused(service: HubSpot) -> None:
    refused = get(service, "/crm/v3/objects/widgets")

    assert [refused.status_code, refused.json()["message"]] == [400, "Unable to infer object type from: widgets"]
