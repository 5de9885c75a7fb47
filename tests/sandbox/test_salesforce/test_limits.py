from sandbox.standins.faults import Fault
from sandbox.standins.salesforce import Salesforce

from .org import RECORDS, VERSION, ask, query, refusal


def test_the_quota_runs_out_and_comes_back_after_a_day(service: Salesforce) -> None:
    service.daily_limit = 2
    soql = "SELECT COUNT() FROM Opportunity"
    assert query(service, soql)["totalSize"] == RECORDS
    limits = ask(service, f"{VERSION}/limits")
    assert limits.json()["DailyApiRequests"] == {"Max": 2, "Remaining": 0}
    assert limits.headers["Sforce-Limit-Info"] == "api-usage=2/2"

    refused = ask(service, f"{VERSION}/query", q=soql)
    assert refusal(refused) == (403, "REQUEST_LIMIT_EXCEEDED")
    assert refused.headers["Sforce-Limit-Info"] == "api-usage=2/2"
    service.advance(days=1)
    assert query(service, soql)["totalSize"] == RECORDS


def test_the_fault_of_a_quota_that_is_gone(service: Salesforce) -> None:
    service.faults.on(Fault.QUOTA_GONE, "/query", after=1)
    soql = "SELECT COUNT() FROM Opportunity"
    statuses = [ask(service, f"{VERSION}/query", q=soql).status_code for _ in range(3)]
    assert statuses == [200, 403, 200]


def test_too_many_requests_at_once_are_refused_in_words_of_their_own(service: Salesforce) -> None:
    service.faults.on(Fault.AT_ONCE, "/query")
    refused, answered = (ask(service, f"{VERSION}/query", q="SELECT COUNT() FROM Opportunity") for _ in range(2))
    assert refusal(refused) == (403, "REQUEST_LIMIT_EXCEEDED"), "the code is the same as of the daily quota"
    assert refused.json()[0]["message"] == "ConcurrentRequests (Concurrent API Requests) Limit exceeded."
    assert answered.status_code == 200


def test_errors_of_the_server_have_the_shape_of_the_api(service: Salesforce) -> None:
    service.faults.on(Fault.SERVER_ERROR)
    assert refusal(ask(service, f"{VERSION}/limits")) == (500, "UNKNOWN_EXCEPTION")
