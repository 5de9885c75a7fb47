import pytest
import requests

from sandbox.standins.faults import Fault
from sandbox.standins.salesforce import Salesforce

from .org import RECORDS, VERSION, ask, query, record_id, refusal


def make(service: Salesforce, soql: str, **options: str) -> requests.Response:
    headers = {"Authorization": f"Bearer {service.login.new_token()}"}
    body = {"operation": "query", "query": soql, **options}
    return requests.post(f"{service.url}{VERSION}/jobs/query", json=body, headers=headers, timeout=5)


def made(service: Salesforce, soql: str, **options: str) -> str:
    return f"{VERSION}/jobs/query/{make(service, soql, **options).json()['id']}"


def test_states_and_results(service: Salesforce) -> None:
    service.jobs.polls = 2
    made = make(service, "SELECT Id FROM Opportunity").json()
    job = f"{VERSION}/jobs/query/{made['id']}"
    assert made["state"] == "UploadComplete"
    assert refusal(ask(service, f"{job}/results")) == (400, "INVALIDJOBSTATE")
    states = [ask(service, job).json()["state"] for _ in range(3)]
    assert states == ["InProgress", "InProgress", "JobComplete"]
    assert ask(service, job).json()["numberRecordsProcessed"] == RECORDS

    first = ask(service, f"{job}/results", maxRecords=400)
    assert first.headers["Sforce-NumberOfRecords"] == "400"
    last = ask(service, f"{job}/results", maxRecords=400, locator=first.headers["Sforce-Locator"])
    assert (last.headers["Sforce-NumberOfRecords"], last.headers["Sforce-Locator"]) == ("50", "null")
    assert last.text.splitlines()[1] == f'"{record_id(400)}"'
    assert refusal(ask(service, f"{job}/results", locator="?")) == (400, "API_ERROR")


def test_values_are_written_as_bulk_does(service: Salesforce) -> None:
    service.jobs.polls = 0
    fields = {"Name": 'A "B",\nC', "Amount": 5, "IsWon": False, "CloseDate": None, "Signed": "2026-03-01T10:00:00Z"}
    service.store.put("Opportunity", "006X", fields)
    soql = "SELECT Name, Amount, IsWon, CloseDate, Signed, CreatedDate FROM Opportunity WHERE Id = '006X'"

    job = made(service, soql, columnDelimiter="PIPE", lineEnding="CRLF")
    ask(service, job)
    assert ask(service, f"{job}/results").content.decode() == (
        '"Name"|"Amount"|"IsWon"|"CloseDate"|"Signed"|"CreatedDate"\r\n'
        '"A ""B"",\nC"|"5.0"|"false"|""|"2026-03-01T10:00:00.000Z"|"2026-03-02T09:00:00.000Z"\r\n'
    )


def test_query_all_has_the_deleted(service: Salesforce) -> None:
    service.jobs.polls = 0
    service.store.delete("Opportunity", record_id(1))
    for operation, count in (("query", RECORDS - 1), ("queryAll", RECORDS)):
        job = made(service, "SELECT Id FROM Opportunity", operation=operation)
        assert ask(service, job).json()["numberRecordsProcessed"] == count


def test_what_it_refuses(service: Salesforce) -> None:
    service.store.put("Account", "001A", {"BillingAddress": {"city": "Bonn", "country": "Germany"}})
    assert query(service, "SELECT BillingAddress FROM Account")["records"][0]["BillingAddress"]["city"] == "Bonn"

    refused = make(service, "SELECT BillingAddress FROM Account")
    assert refused.json()[0]["message"] == "Selecting compound data not supported in Bulk Query"
    for soql in ("SELECT COUNT() FROM Account", "SELECT Id FROM Account OFFSET 1"):
        assert refusal(make(service, soql)) == (400, "API_ERROR")
    assert refusal(make(service, "SELECT Id FROM Account", operation="insert")) == (400, "API_ERROR")
    assert refusal(make(service, "SELECT Nope FROM Account")) == (400, "INVALID_FIELD")


@pytest.mark.parametrize("state", ["Aborted", "Failed"])
def test_an_aborted_job_stays_so(service: Salesforce, state: str) -> None:
    service.jobs.struck_as = state
    service.faults.on(Fault.JOB_ABORTED, after=1)
    job = made(service, "SELECT Id FROM Opportunity")

    assert [ask(service, job).json()["state"] for _ in range(3)] == ["InProgress", state, state]
    assert refusal(ask(service, f"{job}/results")) == (400, "INVALIDJOBSTATE")


def test_a_job_is_deleted_once_it_has_ended(service: Salesforce) -> None:
    service.jobs.polls = 0
    job = made(service, "SELECT Id FROM Opportunity")
    headers = {"Authorization": f"Bearer {service.login.new_token()}"}

    assert refusal(requests.delete(service.url + job, headers=headers, timeout=5)) == (400, "API_ERROR")
    ask(service, job)
    assert requests.delete(service.url + job, headers=headers, timeout=5).status_code == 204
    assert refusal(ask(service, job)) == (404, "NOT_FOUND")


def test_a_locator_that_repeats(service: Salesforce) -> None:
    service.jobs.polls = 0
    job = made(service, "SELECT Id FROM Opportunity")
    ask(service, job)
    service.faults.on(Fault.REPEATED_CURSOR)
    first = ask(service, f"{job}/results", maxRecords=100)
    again = ask(service, f"{job}/results", maxRecords=100, locator=first.headers["Sforce-Locator"])
    assert again.text == first.text
