import requests

from sandbox.standins.salesforce import Field, Salesforce

from .org import VERSION, ask, described, query, refusal


def test_fields_renamed_dropped_added_and_of_another_type(service: Salesforce) -> None:
    service.objects.schema["Opportunity"] = {
        "Name": None,
        "Title__c": Field("string", "Name"),
        "IsWon": None,
        "Region__c": Field("string"),
        "Amount": Field("string"),
    }

    [record] = query(service, "SELECT Title__c, Region__c, Amount FROM Opportunity LIMIT 1")["records"]
    assert (record["Title__c"], record["Region__c"], record["Amount"]) == ("Deal 0", None, "0.0")
    for gone in ("Name", "IsWon"):
        assert query(service, f"SELECT {gone} FROM Opportunity")[0]["errorCode"] == "INVALID_FIELD"
    types = described(service, "Opportunity")
    assert (types["Title__c"], types["Amount"]) == ("string", "string")
    assert not {"Name", "IsWon"} & types.keys()


def test_a_field_with_nulls_only_has_a_type_once_there_is_a_value(service: Salesforce) -> None:
    service.store.put("Lead", "00Q1", {"Name": "Ada", "Score": None, "OwnerId": "005A"})
    assert described(service, "Lead")["Score"] == "string"
    service.store.put("Lead", "00Q2", {"Name": "Bob", "Score": 4})
    types = described(service, "Lead")
    assert (types["Score"], types["OwnerId"]) == ("double", "reference")


def test_a_forbidden_object_looks_as_if_it_were_not_there(service: Salesforce) -> None:
    service.objects.forbidden.add("Quote")

    refused = ask(service, f"{VERSION}/query", q="SELECT Id FROM Quote")
    assert refusal(refused) == (400, "INVALID_TYPE")
    assert "sObject type 'Quote' is not supported" in refused.json()[0]["message"]
    assert refusal(ask(service, f"{VERSION}/sobjects/Quote/describe")) == (404, "NOT_FOUND")
    assert query(service, "SELECT Id FROM Nothing")[0]["errorCode"] == "INVALID_TYPE"


def test_versions_and_addresses_that_are_not_there(service: Salesforce) -> None:
    listed = requests.get(service.url + "/services/data/", timeout=5).json()
    assert {"label": "60.0", "url": VERSION, "version": "60.0"} in listed
    assert refusal(ask(service, "/services/data/v1.0/limits")) == (404, "NOT_FOUND")
    assert refusal(ask(service, f"{VERSION}/nothing")) == (404, "NOT_FOUND")


def test_standard_fields_are_there_though_nobody_filled_them_in(service: Salesforce) -> None:
    assert described(service, "Quote")["ExpirationDate"] == "date"
    service.store.put("Quote", "0Q01", {"Name": "Sim 1", "GrandTotal": 5})
    [record] = query(service, "SELECT GrandTotal, ExpirationDate FROM Quote")["records"]
    assert (record["GrandTotal"], record["ExpirationDate"]) == (5, None)
    assert described(service, "Quote")["GrandTotal"] == "currency"
