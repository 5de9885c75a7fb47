"""The Salesforce connector against the stand-in: what is read ends as the org's own state, whatever goes wrong."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import duckdb
import pytest
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.requests import Request
from starlette.responses import Response

from sandbox.standins.faults import Fault
from sandbox.standins.record_store import Store
from sandbox.standins.salesforce import Field, Salesforce
from sandbox.standins.salesforce.problems import SalesforceRefusal
from scorecard.extract import confirm, load_contracts
from scorecard.extract.raw.troubles import Suspect
from scorecard.extract.services import salesforce as connector
from scorecard.extract.services.response import QuotaExceeded
from scorecard.shared.errors import ScorecardError

from .conftest import Connect, Reader, in_quarantine, utc

BEGIN = utc("2024-01-01T00:00:00")
COLUMNS = "id, name, account_id, owner_id, stage_name, is_won, is_closed, amount, close_date"


def opportunity(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "Name": f"Deal {number}",
        "AccountId": "001000000000001AAA",
        "OwnerId": "005000000000001AAA",
        "StageName": "Prospecting",
        "IsWon": False,
        "IsClosed": False,
        "Amount": 100.5 + number,
        "CloseDate": "2024-03-31",
        **fields,
    }


def key(number: int, prefix: str = "006") -> str:
    return f"{prefix}{number:012d}AAA"


@pytest.fixture
def org() -> Salesforce:
    """An org with one record of every object, and forty opportunities written an hour apart."""
    store = Store(BEGIN)
    store.put("Account", key(1, "001"), {"Name": "Sim 1", "Industry": "Retail", "BillingCountry": "DE"})
    store.put("User", key(1, "005"), {"Name": "Ann", "Department": "Blue", "Division": "East"})
    store.put("Product2", key(1, "01t"), {"Name": "Sim Probe", "Family": "Probes"})
    store.put(
        "OpportunityLineItem",
        key(1, "00k"),
        {"OpportunityId": key(1), "Product2Id": key(1, "01t"), "Quantity": 2.0, "TotalPrice": 101.5},
    )
    store.put("OpportunityHistory", key(1, "008"), {"OpportunityId": key(1), "StageName": "Prospecting"})
    store.put("Contact", key(1, "003"), {"LastName": "Sim Bob", "AccountId": key(1, "001")})
    store.put("Lead", key(1, "00Q"), {"LastName": "Sim Cy", "Company": "Sim 2", "Status": "Open"})
    store.put("Task", key(1, "00T"), {"Subject": "Call", "Status": "Completed", "WhoId": key(1, "00Q")})
    store.put("Event", key(1, "00U"), {"Subject": "Meeting", "WhoId": key(1, "003"), "WhatId": key(1)})
    store.put("Quote", key(1, "0Q0"), {"Name": "Deal 1", "OpportunityId": key(1), "Status": "Draft"})
    store.put("Campaign", key(1, "701"), {"Name": "Sim Fair", "Type": "Trade Show", "IsActive": True})
    for number in range(1, 41):
        store.put("Opportunity", key(number), opportunity(number), at=BEGIN + timedelta(hours=number))
    store.now = BEGIN + timedelta(days=3)
    return Salesforce(store, page_size=200)


def reader_of(connect: Connect, org: Salesforce, **own: Any) -> Reader:
    """The product's side, which reads few of the objects: all of them take several times as long."""
    login = {"login": org.login.client_id, "password": org.login.client_secret}
    few = {"objects": ("account", "opportunity", "opportunity_history")}
    return connect("salesforce", org, login, **few | own)


def truth(org: Salesforce) -> list[tuple[Any, ...]]:
    from datetime import date
    from decimal import Decimal

    return sorted(
        (
            record_id,
            f["Name"],
            f["AccountId"],
            f["OwnerId"],
            f["StageName"],
            f["IsWon"],
            f["IsClosed"],
            None if f["Amount"] is None else Decimal(str(f["Amount"])),
            date.fromisoformat(f["CloseDate"]),
        )
        for record_id, f in org.store.state("Opportunity").items()
    )


def test_all_then_what_changed(connect: Connect, org: Salesforce) -> None:
    reader = reader_of(connect, org, objects=())
    first = reader.extract()
    assert {loaded.name: loaded.rows_read for loaded in first.loaded}["opportunity"] == 40
    assert reader.current("opportunity", COLUMNS) == truth(org)

    org.advance(days=1)
    org.store.change("Opportunity", key(3), StageName="Closed Won", IsWon=True, IsClosed=True)
    org.store.put("Opportunity", key(99), opportunity(99))
    second = reader.extract()
    assert {loaded.name: (loaded.rows_new, loaded.rows_retired) for loaded in second.loaded}["opportunity"] == (2, 1)
    assert {loaded.name: loaded.rows_read for loaded in second.loaded}["opportunity"] <= 3, "the overlap, no more"
    assert reader.current("opportunity", COLUMNS) == truth(org)


def test_a_row_names_the_request_that_brought_it(connect: Connect, org: Salesforce) -> None:
    reader = reader_of(connect, org)
    result = reader.extract()
    ((url, place, sha256, load_id),) = reader.sql(
        "select _source_file, _source_line, _source_sha256, _dlt_load_id from raw_salesforce.opportunity"
        f" where id = '{key(5)}'"
    )
    assert url.startswith("/services/data/v62.0/queryAll?q=SELECT")
    assert (place, len(sha256), load_id) == (5, 64, result.load_id)
    loaded = reader.sql(f"select object, rows_read from raw_salesforce._loaded_files where source_sha256 = '{sha256}'")
    assert loaded == [("opportunity", 40)]


def test_a_moment_that_many_share_is_not_lost(connect: Connect, org: Salesforce) -> None:
    reader = reader_of(connect, org, overlap_seconds=0)
    reader.extract()
    late = org.store.now
    for number in range(100, 105):
        org.store.put("Opportunity", key(number), opportunity(number), at=late)
    reader.extract()
    org.store.put("Opportunity", key(105), opportunity(105), at=late)
    reader.extract()
    assert reader.current("opportunity", COLUMNS) == truth(org)


def test_a_late_commit_is_found_by_the_overlap(connect: Connect, org: Salesforce) -> None:
    reader = reader_of(connect, org)
    org.store.put("Opportunity", key(200), opportunity(200), at=org.store.now)
    seen_later = org.store.now + timedelta(minutes=2)
    org.store.put(
        "Opportunity", key(201), opportunity(201), at=org.store.now - timedelta(seconds=90), visible_at=seen_later
    )
    reader.extract()
    assert key(201) not in {row[0] for row in reader.current("opportunity", "id")}
    org.advance(minutes=5)
    reader.extract()
    assert reader.current("opportunity", COLUMNS) == truth(org)


def test_deletes_and_merges_become_tombstones(connect: Connect, org: Salesforce) -> None:
    org.store.put("Account", key(2, "001"), {"Name": "Sim 2", "Industry": None, "BillingCountry": None})
    reader = reader_of(connect, org)
    reader.extract()
    org.advance(hours=1)
    org.store.delete("Opportunity", key(7))
    org.store.delete("Account", key(2, "001"), merged_into=key(1, "001"))
    reader.extract()
    assert reader.tombstones("opportunity") == {key(7): "deleted"}
    assert reader.tombstones("account") == {key(2, "001"): f"merged into {key(1, '001')}"}
    ((name, since),) = reader.sql(
        f"select name, _deleted_at from raw_salesforce.opportunity where id = '{key(7)}' and _valid_to is null"
    )
    assert name == "Deal 7", "the last fields are kept"
    assert since.replace(tzinfo=None) == org.store.now.replace(tzinfo=None)
    assert reader.current("opportunity", COLUMNS) == truth(org)
    org.advance(hours=1)
    org.store.put("Opportunity", key(7), opportunity(7, StageName="Restored"))
    reader.extract()
    assert reader.current("opportunity", COLUMNS) == truth(org)


def test_a_delete_that_left_the_recycle_bin_is_found_by_its_id(connect: Connect, org: Salesforce) -> None:
    reader = reader_of(connect, org)
    reader.extract()
    org.advance(days=1)
    org.store.delete("Opportunity", key(9))
    org.advance(days=20)
    reader.extract()
    assert reader.tombstones("opportunity") == {key(9): "no longer in the service"}
    assert reader.current("opportunity", COLUMNS) == truth(org)


def test_an_activity_that_was_archived_is_not_gone(connect: Connect, org: Salesforce) -> None:
    """Salesforce archives tasks and events after a year, and hides them from a plain query then."""
    org.store.change("Task", key(1, "00T"), IsClosed=True, ActivityDate=BEGIN.date().isoformat())
    reader = reader_of(connect, org, objects=("task", "event"))
    reader.extract()
    org.advance(days=400)
    reader.extract()
    assert (reader.tombstones("task"), reader.tombstones("event")) == ({}, {})


def test_a_list_of_ids_that_lacks_too_many_is_held_until_confirmed(connect: Connect, org: Salesforce) -> None:
    reader = reader_of(connect, org, objects=("opportunity",))
    reader.extract()
    before = reader.current("opportunity", COLUMNS)
    org.advance(days=1)
    for number in range(1, 31):
        org.store.delete("Opportunity", key(number))
    org.advance(days=20)
    reader.suspect_lost_share = 0.2
    with pytest.raises(Suspect, match="Opportunity is suspect: it lacks 30 of the 40 records that it had") as error:
        reader.extract()
    assert reader.current("opportunity", COLUMNS) == before
    org.store.change("Opportunity", key(31), Amount=7)
    source = load_contracts(reader.settings)["salesforce"]
    confirm(reader.settings, source, error.value.file, error.value.sha256)
    reader.extract()
    assert reader.current("opportunity", COLUMNS) == truth(org)


def test_in_bulk_above_the_threshold(connect: Connect, org: Salesforce, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connector.fixed, "POLL_SECONDS", 0.0)
    monkeypatch.setattr(connector.fixed, "BULK_PAGE", 15)
    reader = reader_of(connect, org, bulk_above=20)
    reader.extract()
    assert reader.current("opportunity", COLUMNS) == truth(org)
    assert len(org.requests("/results")) == 3
    org.advance(hours=1)
    org.store.change("Opportunity", key(4), Amount=None)
    reader.extract()
    assert len(org.requests("/results")) == 3, "few changes are read page by page"
    assert reader.current("opportunity", COLUMNS) == truth(org)


@pytest.mark.parametrize("fault", [Fault.HTML, Fault.TRUNCATED_GZIP, Fault.CUT_IN_MID_PAGE])
def test_a_part_of_a_bulk_result_that_is_none(
    connect: Connect, org: Salesforce, monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    monkeypatch.setattr(connector.fixed, "POLL_SECONDS", 0.0)
    monkeypatch.setattr(connector.fixed, "BULK_PAGE", 15)
    org.faults.on(fault, path="/results", after=1)
    reader = reader_of(connect, org, bulk_above=20)
    reader.extract()
    assert reader.current("opportunity", COLUMNS) == truth(org)


def test_a_commit_later_than_the_overlap_is_found_by_its_id(connect: Connect, org: Salesforce) -> None:
    reader = reader_of(connect, org)
    reader.extract()
    org.store.put("Opportunity", key(201), opportunity(201), at=org.store.now - timedelta(days=2))
    org.advance(days=8)
    reader.extract()
    assert reader.current("opportunity", COLUMNS) == truth(org)


def test_a_bulk_job_that_is_aborted(connect: Connect, org: Salesforce, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connector.fixed, "POLL_SECONDS", 0.0)
    reader = reader_of(connect, org, bulk_above=20)
    org.faults.on(Fault.JOB_ABORTED)
    with pytest.raises(ScorecardError, match=r"bulk job \S+ for Opportunity was aborted"):
        reader.extract()
    assert reader.current("account", "name") == [("Sim 1",)], "the other objects are loaded"
    reader.extract()
    assert reader.current("opportunity", COLUMNS) == truth(org)


@pytest.fixture
def bulk(connect: Connect, org: Salesforce, monkeypatch: pytest.MonkeyPatch) -> Reader:
    """Opportunities are read in bulk, in three parts."""
    monkeypatch.setattr(connector.fixed, "POLL_SECONDS", 0.0)
    monkeypatch.setattr(connector.fixed, "BULK_PAGE", 15)
    return reader_of(connect, org, bulk_above=20, objects=("opportunity",))


@pytest.mark.parametrize("after", [0, 1, 2])
@pytest.mark.parametrize("fault", [Fault.HTML, Fault.TRUNCATED_GZIP, Fault.CUT_IN_MID_PAGE, Fault.SERVER_ERROR])
def test_a_part_of_a_bulk_result_that_is_none_is_asked_for_again(
    bulk: Reader, org: Salesforce, fault: Fault, after: int
) -> None:
    switch = org.faults.on(fault, path="/results", after=after)
    bulk.extract()
    assert switch.struck == 1
    assert bulk.current("opportunity", COLUMNS) == truth(org)


def _without_the_last_row(text: str) -> str:
    return "".join(text.splitlines(keepends=True)[:-1])


TORN_PARTS: dict[str, Callable[[str, int, str], tuple[str, int, str]]] = {
    "has 14 of 15 records": lambda text, count, locator: (_without_the_last_row(text), count, locator),
    "has 40 records, and its result ended after 39": lambda text, count, locator: (
        (_without_the_last_row(text), count - 1, locator) if locator == "null" else (text, count, locator)
    ),
    "has 40 records, and its result ended after 15.": lambda text, count, locator: (text, count, "null"),
    "a part of a result that breaks off": lambda text, count, locator: (text[:-5], count, locator),
}


@pytest.mark.parametrize("problem", TORN_PARTS)
def test_a_bulk_result_that_lacks_records_is_not_taken_for_whole(
    bulk: Reader, org: Salesforce, monkeypatch: pytest.MonkeyPatch, problem: str
) -> None:
    whole = org.jobs.results
    monkeypatch.setattr(org.jobs, "results", lambda *args: TORN_PARTS[problem](*whole(*args)))
    with pytest.raises(ScorecardError, match=problem):
        bulk.extract()
    monkeypatch.setattr(org.jobs, "results", whole)
    bulk.extract()
    assert bulk.current("opportunity", COLUMNS) == truth(org)


@pytest.mark.parametrize("path", ["/query/", "/results"])
def test_a_cursor_that_repeats_is_named(org: Salesforce, bulk: Reader, path: str) -> None:
    for number in range(300, 700):
        org.store.put("Opportunity", key(number), opportunity(number))
    if path != "/results":
        bulk.own["bulk_above"] = 10_000
        bulk.own["page_size"] = 200
    org.faults.on(Fault.REPEATED_CURSOR, path=path, times=1000)
    with pytest.raises(ScorecardError, match=r"names the same next page of \w+ twice|in a part that repeats"):
        bulk.extract()
    org.faults.off()
    bulk.extract()
    assert bulk.current("opportunity", COLUMNS) == truth(org)


def test_a_record_that_came_to_be_seen_is_found_when_all_are_compared(connect: Connect, org: Salesforce) -> None:
    shown = org.store.now + timedelta(days=2)
    org.store.put("Opportunity", key(77), opportunity(77), at=BEGIN + timedelta(hours=9), visible_at=shown)
    reader = reader_of(connect, org)
    reader.extract()
    org.advance(days=3)
    reader.extract()
    assert (key(77),) not in reader.current("opportunity", "id"), "no change of its own tells of it"
    org.advance(days=5)
    reader.extract()
    assert reader.current("opportunity", COLUMNS) == truth(org)


def close_all(org: Salesforce) -> None:
    """Close the opportunities at the moments at which they were written."""
    for number in range(1, 41):
        fields = opportunity(number, IsClosed=True)
        org.store.put("Opportunity", key(number), fields, at=BEGIN + timedelta(hours=number))


@pytest.mark.parametrize("many", [False, True], ids=["page by page", "in bulk"])
def test_a_start_date_bounds_facts_of_a_day_and_nothing_they_refer_to(
    connect: Connect, org: Salesforce, many: bool
) -> None:
    close_all(org)
    for number in (2, 39):
        fields = {"OpportunityId": key(number), "Product2Id": key(1, "01t"), "Quantity": 34.0, "TotalPrice": 1.0}
        org.store.put("OpportunityLineItem", key(number, "00k"), fields, at=BEGIN)
    org.store.put("Opportunity", key(50), opportunity(50), at=BEGIN + timedelta(hours=1))
    reader = reader_of(connect, org, start_date="2024-01-02", objects=(), bulk_above=1 if many else 50_000)
    reader.extract()
    since = [key(number) for number in range(24, 41)]
    assert [deal_id for (deal_id,) in reader.current("opportunity", "id")] == [*since, key(50)], "an open one holds on"
    assert reader.current("opportunity_line_item", "sum(quantity)") == [(70,)], "2, 34 and 34"
    for table in ("account", "user", "product2", "contact", "campaign", "opportunity_history"):
        assert len(reader.current(table, "id")) == 1, f"{table} is unchanged since before, and referred to"
    org.advance(hours=1)
    org.store.change("Opportunity", key(50), IsClosed=True)
    reader.extract()
    assert [deal_id for (deal_id,) in reader.current("opportunity", "id")] == [*since, key(50)]
    org.advance(days=8)
    reader.extract()
    assert [deal_id for (deal_id,) in reader.current("opportunity", "id")] == [*since, key(50)], "and compared"


def test_a_state_that_lacks_what_facts_refer_to_reads_it(connect: Connect, org: Salesforce) -> None:
    """The first release left out all that was changed before `start_date`; its cursors say so in another word."""
    reader = reader_of(connect, org, start_date="2024-01-02", objects=("account", "opportunity", "user"))
    reader.extract()
    with duckdb.connect(reader.settings.warehouse) as db:
        db.execute("delete from raw_salesforce.account; delete from raw_salesforce.user")
        old = '{"first_day": null, "from": "2024-01-02"}'
        db.execute(f"update raw_salesforce._cursors set cursor = json_merge_patch(cursor, '{old}')")
    org.advance(hours=1)
    reader.extract()
    assert (len(reader.current("account", "id")), len(reader.current("user", "id"))) == (1, 1)


def test_older_records_come_when_the_start_date_moves_back(connect: Connect, org: Salesforce) -> None:
    close_all(org)
    reader = reader_of(connect, org, start_date="2024-01-02", objects=("opportunity",))
    reader.extract()
    assert len(reader.current("opportunity", "id")) == 17
    org.advance(hours=1)
    reader.own["start_date"] = "2024-01-03"
    assert reader.extract().loaded == (), "a later one changes nothing in the warehouse"
    org.advance(days=8)
    reader.extract()
    assert len(reader.current("opportunity", "id")) == 17, "nor when all are compared"
    del reader.own["start_date"]
    reader.extract()
    assert reader.current("opportunity", COLUMNS) == truth(org)


def test_a_share_of_the_day_is_left_to_others(connect: Connect, org: Salesforce) -> None:
    for number in range(300, 1300):
        org.store.put("Opportunity", key(number), opportunity(number), at=org.store.now + timedelta(seconds=number))
    org.advance(days=1)
    org.daily_limit = 12
    reader = reader_of(connect, org, page_size=200, concurrency=1, quota_reserve=0.25)
    with pytest.raises(QuotaExceeded, match=r"salesforce has less than 25% of its requests of the day left"):
        reader.extract()
    assert org.used == 10
    org.advance(days=1)
    org.daily_limit = 100
    reader.extract()
    assert reader.current("opportunity", COLUMNS) == truth(org)


def test_what_cannot_be_understood_stops_its_object_alone(connect: Connect, org: Salesforce) -> None:
    org.objects.schema["Account"] = {"SystemModstamp": Field("datetime", "Nothing")}
    reader = reader_of(connect, org)
    with pytest.raises(ScorecardError, match="salesforce sent an unexpected response for Account"):
        reader.extract()
    assert reader.current("opportunity", COLUMNS) == truth(org)


class _WithoutIdentity(Salesforce):
    """An app without the scope openid."""

    async def _userinfo(self, request: Request) -> Response:
        return Response("Missing_OAuth_Scope", 403, media_type="text/plain")


def test_an_object_of_many_fields_is_asked_by_a_job(
    connect: Connect, org: Salesforce, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connector.fixed, "POLL_SECONDS", 0.0)
    fields = {f"A_Field_Of_The_Company_Number_{number}__c": number for number in range(300)}
    org.store.change("Opportunity", key(1), **fields)
    reader = reader_of(connect, org, objects=("opportunity",))
    for days in (0, 8):
        org.advance(days=days)
        org.store.change("Opportunity", key(2), Name=f"After {days}")
        reader.extract()
        assert reader.current("opportunity", COLUMNS) == truth(org)
    last = "contains(_undeclared, 'A_Field_Of_The_Company_Number_299__c')"
    assert reader.sql(f"select 1 from raw_salesforce.opportunity where {last}") != []
    assert max(len(request.query) for request in org.seen) < 16_000


def test_a_table_without_the_order_of_its_versions_is_a_sentence(connect: Connect, org: Salesforce) -> None:
    reader = reader_of(connect, org, objects=("account", "opportunity"))
    declared = yaml.safe_load(reader.declaration.read_text())
    table = next(entry for entry in declared["sources"][0]["tables"] if entry["name"] == "account")
    table["columns"] = [column for column in table["columns"] if column["name"] != "system_modstamp"]
    reader.declaration.write_text(yaml.safe_dump(declared))
    with pytest.raises(ScorecardError, match="The raw table account declares no column system_modstamp"):
        reader.extract()
    assert reader.current("opportunity", COLUMNS) == truth(org)


def test_an_app_that_may_not_say_who_it_is(connect: Connect, org: Salesforce) -> None:
    from scorecard.extract import check, load_contracts

    reader = reader_of(connect, _WithoutIdentity(org.store))
    (access,) = check(reader.settings, load_contracts(reader.settings))
    assert (access.reached, access.missing) == (True, ())
    assert "lacks the scope openid" in access.who


def test_a_query_that_times_out_is_halved(connect: Connect, org: Salesforce) -> None:
    org.timeout_above = 12
    reader = reader_of(connect, org)
    reader.extract()
    assert reader.current("opportunity", COLUMNS) == truth(org)


def test_a_passing_fault_changes_nothing(connect: Connect, org: Salesforce, passing: Fault) -> None:
    for number in range(300, 700):
        org.store.put("Opportunity", key(number), opportunity(number))
    reader = reader_of(connect, org, page_size=200, concurrency=1)
    times = 1 if passing is Fault.TOKEN_EXPIRED else 2
    switch = org.faults.on(passing, path=r"/query", times=times, after=3)
    reader.extract()
    assert switch.struck == times
    assert reader.current("opportunity", COLUMNS) == truth(org)


def test_a_service_that_stays_down(connect: Connect, org: Salesforce) -> None:
    reader = reader_of(connect, org)
    reader.extract()
    before = reader.current("opportunity", COLUMNS)
    org.faults.on(Fault.SERVER_ERROR, path="FROM(%20|\\+)Opportunity(%20|\\+)", times=1000)
    org.advance(hours=1)
    org.store.change("Opportunity", key(1), Name="New")
    org.store.change("Account", key(1, "001"), Name="New")
    with pytest.raises(ScorecardError, match=r"GET /services/data/v62.0/queryAll to salesforce failed 7 times"):
        reader.extract()
    assert reader.current("opportunity", COLUMNS) == before
    assert reader.current("account", "name") == [("New",)]
    org.faults.off()
    reader.extract()
    assert reader.current("opportunity", COLUMNS) == truth(org)


def test_the_daily_quota_stops_the_run_and_the_next_goes_on(connect: Connect, org: Salesforce) -> None:
    for number in range(300, 1300):
        org.store.put("Opportunity", key(number), opportunity(number), at=org.store.now + timedelta(seconds=number))
    org.advance(days=1)
    reader = reader_of(connect, org, page_size=200, concurrency=1)
    org.faults.on(Fault.QUOTA_GONE, path=r"/query/", after=2, times=1)
    with pytest.raises(QuotaExceeded, match=r"daily quota of \w+ is used up"):
        reader.extract()
    got = len(reader.current("opportunity", "id"))
    assert 400 <= got < 1040, "what was read is kept"
    before = len(org.seen)
    reader.extract()
    assert reader.current("opportunity", COLUMNS) == truth(org)
    pages = [request for request in org.seen[before:] if "/query/" in request.path]
    assert len(pages) <= 4, "what was read is not read again"


def test_a_renamed_field_stops_its_object_alone(connect: Connect, org: Salesforce) -> None:
    reader = reader_of(connect, org)
    reader.extract()
    org.advance(hours=1)
    org.store.change("Account", key(1, "001"), Name="New")
    org.objects.schema["Opportunity"] = {"Amount": None, "Value__c": Field("double", "Amount")}
    with pytest.raises(ScorecardError) as error:
        reader.extract()
    assert error.value.problem == "Opportunity has no field Amount any more."
    assert "config.meta.header of amount" in error.value.cure
    assert "staging model of opportunity" in error.value.cure
    assert reader.current("account", "name") == [("New",)]


def test_a_retyped_field_stops_its_object(connect: Connect, org: Salesforce) -> None:
    org.objects.schema["Opportunity"] = {"CloseDate": Field("string", "CloseDate")}
    with pytest.raises(
        ScorecardError, match="The field CloseDate of Opportunity is a string in Salesforce, and a date"
    ):
        reader_of(connect, org).extract()


def test_a_new_field_is_kept_and_reported(connect: Connect, org: Salesforce) -> None:
    reader = reader_of(connect, org)
    reader.extract()
    org.advance(hours=1)
    org.store.change("Opportunity", key(2), Mood__c="sunny")
    result = reader.extract()
    assert any("salesforce.opportunity has fields its contract doesn't know" in warning for warning in result.warnings)
    assert reader.current("opportunity", "id, _undeclared->>'Mood__c'")[1] == (key(2), "sunny")


def test_a_record_that_breaks_the_contract_goes_to_quarantine(connect: Connect, org: Salesforce) -> None:
    reader = reader_of(connect, org)
    reader.extract()
    org.advance(hours=1)
    org.store.change("Opportunity", key(2), Amount=1e30)
    reader.extract()
    ((record, reason, payload),) = reader.sql("select record_key, reason, payload from raw_salesforce._quarantine")
    assert (record, "amount" in reason, "Deal 2" in payload) == (key(2), True, True)
    assert (key(2),) in reader.current("opportunity", "id"), "its last good version stays"
    assert in_quarantine(reader, "opportunity") == 1

    org.advance(hours=1)
    org.store.change("Opportunity", key(2), Amount=opportunity(2)["Amount"])
    reader.extract()
    assert in_quarantine(reader, "opportunity") == 0
    org.store.change("Opportunity", key(2), Amount=1e30)
    org.advance(hours=1)
    reader.extract()
    assert in_quarantine(reader, "opportunity") == 1
    org.store.delete("Opportunity", key(2))
    org.advance(hours=1)
    reader.extract()
    assert in_quarantine(reader, "opportunity") == 0


def test_what_was_mended_is_so_whatever_clock_the_loads_had(connect: Connect, org: Salesforce) -> None:
    reader = reader_of(connect, org, objects=("opportunity",))
    reader.extract()
    org.advance(hours=1)
    org.store.change("Opportunity", key(2), Amount=1e30)
    load_id = reader.extract().load_id
    with duckdb.connect(reader.settings.warehouse) as db:
        for table, column in (
            ("_dlt_loads", "load_id"),
            *((own_table, "_dlt_load_id") for own_table in ("_quarantine", "_loaded_files", "_cursors", "opportunity")),
        ):
            db.execute(f"update raw_salesforce.{table} set {column} = '9999999999.0' where {column} = '{load_id}'")
    org.advance(hours=1)
    org.store.change("Opportunity", key(2), Amount=5.0)
    reader.extract()
    assert in_quarantine(reader, "opportunity") == 0


@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_bulk_job_that_is_not_ours_any_more_is_made_anew(
    bulk: Reader, org: Salesforce, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    org.faults.on(Fault.QUOTA_GONE, path="/results", after=1)
    with pytest.raises(QuotaExceeded):
        bulk.extract()

    def refuse(*_args: Any) -> Any:
        monkeypatch.setattr(org.jobs, "poll", poll)
        raise SalesforceRefusal("API_ERROR", "No such job", status)

    poll = org.jobs.poll
    monkeypatch.setattr(org.jobs, "poll", refuse)
    bulk.extract()
    assert bulk.current("opportunity", COLUMNS) == truth(org)


def test_an_amount_keeps_all_its_digits(connect: Connect, org: Salesforce) -> None:
    from decimal import Decimal

    org.store.change("Opportunity", key(40), at=org.store.now, Amount=12345678901234.57)
    reader = reader_of(connect, org)
    reader.extract()
    assert reader.current("opportunity", "amount")[-1] == (Decimal("12345678901234.57"),)


def test_a_wrong_secret_is_a_sentence_without_it(connect: Connect, org: Salesforce) -> None:
    reader = connect("salesforce", org, {"login": org.login.client_id, "password": "hunter2hunter2"})
    with pytest.raises(ScorecardError, match="does not let the connection scorecard_salesforce in") as error:
        reader.extract()
    assert "hunter2" not in str(error.value)
    assert "hunter2" not in repr(reader.settings)


def test_a_signed_assertion_lets_us_in_and_in_again(connect: Connect, org: Salesforce) -> None:
    key_pair = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key_pair.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    org.login.public_key = key_pair.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    extra = {"private_key": pem.decode(), "username": org.login.username}
    login = {"login": org.login.client_id, "extra": extra}
    reader = connect("salesforce", org, login, objects=("opportunity",), concurrency=1)
    switch = org.faults.on(Fault.TOKEN_EXPIRED, path="/query")
    reader.extract()
    assert switch.struck == 1
    assert reader.current("opportunity", COLUMNS) == truth(org)

    extra["private_key"] = pem.decode()[:200]
    with pytest.raises(
        ScorecardError, match="private_key in extra of the connection scorecard_salesforce can't sign"
    ) as error:
        reader.extract()
    assert pem.decode()[60:100] not in str(error.value)


def test_an_object_that_is_not_ours_to_read(connect: Connect, org: Salesforce) -> None:
    """As where quotes are not switched on: the others are loaded, and it may be left out for good."""
    org.objects.forbidden.add("Quote")
    reader = reader_of(connect, org, objects=())
    with pytest.raises(ScorecardError, match="no object Quote that the user"):
        reader.extract()
    assert reader.current("opportunity", COLUMNS) == truth(org)
    declared = yaml.safe_load(reader.declaration.read_text())["sources"][0]["tables"]
    others = tuple(entry["name"] for entry in declared if entry["name"] != "quote")
    reader.own["objects"] = others
    assert reader.extract().unchanged == others


def test_another_contract_reads_all_again(connect: Connect, org: Salesforce) -> None:
    reader = reader_of(connect, org, keep_new_fields=False)
    reader.extract()
    org.advance(days=1)
    org.store.delete("Opportunity", key(9))
    org.advance(days=20)
    declared = yaml.safe_load(reader.declaration.read_text())
    table = next(entry for entry in declared["sources"][0]["tables"] if entry["name"] == "opportunity")
    table["columns"].append(
        {"name": "is_deleted", "data_type": "boolean", "description": "x", "config": {"meta": {"header": "IsDeleted"}}}
    )
    reader.declaration.write_text(yaml.safe_dump(declared))
    reader.extract()
    assert {row[0] for row in reader.current("opportunity", "is_deleted")} == {False}
    assert reader.current("opportunity", COLUMNS) == truth(org)


@pytest.mark.parametrize(
    ("kind", "parent"),
    [
        ("OpportunityFieldHistory", "OpportunityId"),
        ("LeadHistory", "LeadId"),
        ("AccountHistory", "AccountId"),
        ("ContactHistory", "ContactId"),
    ],
)
def test_a_history_of_fields_that_a_company_declares(connect: Connect, org: Salesforce, kind: str, parent: str) -> None:
    """Its entries never change: they are found by when they were made, and missed by their ids once they are gone."""
    headers = {"id": "Id", "record_id": parent, "field": "Field", "old_value": "OldValue", "new_value": "NewValue"}
    reader = reader_of(connect, org, objects=("history",), bulk_above=0)
    declared = yaml.safe_load(reader.declaration.read_text())
    columns = [
        {"name": name, "data_type": "varchar", "description": "x", "config": {"meta": {"header": header}}}
        for name, header in headers.items()
    ]
    created = {"name": "created_date", "data_type": "timestamptz", "description": "x"}
    columns.append({**created, "config": {"meta": {"header": "CreatedDate"}}})
    meta = {"object": kind, "primary_key": "id"}
    declared["sources"][0]["tables"].append({"name": "history", "config": {"meta": meta}, "columns": columns})
    reader.declaration.write_text(yaml.safe_dump(declared))
    org.store.put(kind, "017A", {parent: "X", "Field": "created", "OldValue": None, "NewValue": None}, at=BEGIN)
    org.store.put(kind, "017B", {parent: "X", "Field": "Amount", "OldValue": 5.5, "NewValue": True})
    reader.extract()
    org.advance(days=1)
    org.store.put(kind, "017C", {parent: "X", "Field": "Stage", "OldValue": "A", "NewValue": "B"})
    org.store.delete(kind, "017A")
    assert [loaded.rows_new for loaded in reader.extract().loaded] == [1]
    org.advance(days=8)
    reader.extract()
    assert reader.tombstones("history") == {"017A": "no longer in the service"}
    assert reader.current("history", "id, record_id, old_value, new_value") == [
        ("017B", "X", "5.5", "true"),
        ("017C", "X", "A", "B"),
    ]
    assert not org.requests("jobs/query")


def test_the_check_says_who_and_what(connect: Connect, org: Salesforce) -> None:
    from scorecard.extract import check, load_contracts

    reader = reader_of(connect, org, objects=())
    org.objects.forbidden.add("Product2")
    (access,) = check(reader.settings, load_contracts(reader.settings))
    assert access.reached
    assert org.login.username in access.who
    assert "Opportunity" in access.reads
    assert "Product2" not in access.reads
    assert len(access.missing) == 1
