import pytest

from sandbox.standins.faults import Fault
from sandbox.standins.salesforce import Salesforce

from .org import RECORDS, VERSION, ask, query, record_id, refusal


def test_the_result_stays_as_it_was_at_the_first_page(service: Salesforce) -> None:
    first = query(service, "SELECT Id, Name FROM Opportunity")
    service.store.change("Opportunity", record_id(200), Name="Changed")
    service.store.put("Opportunity", record_id(9999), {"Name": "Added"})

    second = ask(service, first["nextRecordsUrl"]).json()
    assert second["records"][0]["Name"] == "Deal 200"
    third = ask(service, second["nextRecordsUrl"]).json()
    assert (third["done"], len(third["records"]), third["totalSize"]) == (True, 50, RECORDS)
    assert "nextRecordsUrl" not in third


@pytest.mark.parametrize("locator", ["01g000000000009AAA-200", "01g000000000001AAA", "01g000000000001AAA-451", "x"])
def test_a_locator_of_no_query(service: Salesforce, locator: str) -> None:
    query(service, "SELECT Id FROM Opportunity")
    assert refusal(ask(service, f"{VERSION}/query/{locator}")) == (400, "INVALID_QUERY_LOCATOR")


def test_a_locator_lasts_two_days(service: Salesforce) -> None:
    following = query(service, "SELECT Id FROM Opportunity")["nextRecordsUrl"]
    service.advance(days=2)
    assert ask(service, following).status_code == 200
    service.advance(seconds=1)
    assert refusal(ask(service, following)) == (400, "INVALID_QUERY_LOCATOR")


@pytest.mark.parametrize(("requested", "given"), [("250", 250), ("2", 200), ("9999", RECORDS)])
def test_batch_size(service: Salesforce, requested: str, given: int) -> None:
    headers = {"Sforce-Query-Options": f"batchSize={requested}"}
    page = ask(service, f"{VERSION}/query", headers, q="SELECT Id FROM Opportunity").json()
    assert len(page["records"]) == given


def test_a_cursor_that_repeats(service: Salesforce) -> None:
    following = query(service, "SELECT Id FROM Opportunity")["nextRecordsUrl"]
    service.faults.on(Fault.REPEATED_CURSOR)
    assert ask(service, following).json()["nextRecordsUrl"] == following
    assert ask(service, following).json()["nextRecordsUrl"] != following


def test_what_takes_too_long_is_quick_when_halved(service: Salesforce) -> None:
    service.timeout_above = 300
    assert refusal(ask(service, f"{VERSION}/query", q="SELECT Id FROM Opportunity")) == (400, "QUERY_TIMEOUT")
    half = query(service, "SELECT Id FROM Opportunity WHERE SystemModstamp < 2026-03-01T09:03:45Z")
    assert half["totalSize"] == 225


def test_more_than_10_000_equal_times(service: Salesforce) -> None:
    for number in range(12_000):
        service.store.put("Task", f"00T{number:012d}AAA", {"Subject": "Call"})
    moment = service.store.now.strftime("%Y-%m-%dT%H:%M:%SZ")

    for sign, count in ((">=", 12_000), ("=", 12_000), (">", 0)):
        soql = f"SELECT COUNT() FROM Task WHERE SystemModstamp {sign} {moment}"
        assert query(service, soql)["totalSize"] == count
