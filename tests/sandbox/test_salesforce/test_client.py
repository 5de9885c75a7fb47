from typing import Any

import pytest
import requests
import simple_salesforce

from sandbox.standins.salesforce import Salesforce

from .org import RECORDS, VERSION, record_id


@pytest.fixture
def client(service: Salesforce, session: requests.Session) -> simple_salesforce.Salesforce:
    return simple_salesforce.Salesforce(
        instance_url=service.url, session_id=service.login.new_token(), session=session, version="60.0"
    )


def test_every_record_comes_once(client: simple_salesforce.Salesforce) -> None:
    answer = client.query_all("SELECT Id, Name FROM Opportunity")

    assert [record["Id"] for record in answer["records"]] == [record_id(number) for number in range(RECORDS)]
    assert answer["records"][0]["attributes"] == {
        "type": "Opportunity",
        "url": f"{VERSION}/sobjects/Opportunity/{record_id(0)}",
    }


def test_deleted_ones_are_included_on_request(service: Salesforce, client: simple_salesforce.Salesforce) -> None:
    service.store.delete("Opportunity", record_id(3))
    soql = "SELECT Id, IsDeleted FROM Opportunity"

    assert client.query_all(soql)["totalSize"] == RECORDS - 1
    records = client.query_all(soql, include_deleted=True)["records"]
    assert [record["Id"] for record in records if record["IsDeleted"]] == [record_id(3)]


def test_describe_and_the_list_of_objects(client: simple_salesforce.Salesforce) -> None:
    fields = {description["name"]: description["type"] for description in client.Opportunity.describe()["fields"]}

    assert fields == {
        "Id": "id",
        "IsDeleted": "boolean",
        "CreatedDate": "datetime",
        "LastModifiedDate": "datetime",
        "SystemModstamp": "datetime",
        "Name": "string",
        "Amount": "double",
        "CloseDate": "date",
        "IsWon": "boolean",
    }
    assert "OpportunityHistory" in [kind["name"] for kind in client.describe()["sobjects"]]


def test_bulk_query(service: Salesforce, client: simple_salesforce.Salesforce) -> None:
    service.jobs.polls = 0
    pages = list(client.bulk2.Opportunity.query("SELECT Id, Name FROM Opportunity", max_records=400, wait=0.01))

    assert [len(page.splitlines()) for page in pages] == [401, 51]
    assert pages[1].splitlines()[:2] == ['"Id","Name"', f'"{record_id(400)}","Deal 400"']


def test_its_client_credentials_are_accepted(service: Salesforce, session: requests.Session) -> None:
    login = service.login
    client = simple_salesforce.Salesforce(
        consumer_key=login.client_id, consumer_secret=login.client_secret, domain="acme.my", session=session
    )

    assert client.query("SELECT COUNT() FROM Opportunity")["totalSize"] == RECORDS


def test_usage_is_told(client: simple_salesforce.Salesforce) -> None:
    client.query("SELECT COUNT() FROM Opportunity")

    usage: Any = client.api_usage["api-usage"]
    assert (usage.used, usage.total) == (1, 100_000)
