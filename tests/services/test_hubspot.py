"""The HubSpot connector against the stand-in: what is read ends as the account's own state, whatever goes wrong."""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import yaml

from sandbox.standins.faults import Fault
from sandbox.standins.hubspot import HubSpot
from sandbox.standins.record_store import Store
from scorecard.extract.services.hubspot import settings as fixed
from scorecard.extract.services.response import QuotaExceeded
from scorecard.shared.errors import ScorecardError

from .conftest import Connect, Reader, utc

BEGIN = utc("2024-01-01T00:00:00")
COLUMNS = "id, name, stage, is_closed, amount, owner_id, company_id"
DEALS = 40


def deal(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "dealname": f"Deal {number}",
        "pipeline": "default",
        "dealstage": "open",
        "dealtype": "newbusiness",
        "hs_is_closed": "false",
        "hs_is_closed_won": "false",
        "amount": f"{100.5 + number:.2f}",
        "deal_currency_code": "EUR",
        "closedate": "2024-03-31T00:00:00Z",
        "hubspot_owner_id": "1",
        "associations": {"companies": ["2", "1"]},
        **fields,
    }


def seed(store: Store) -> None:
    """One record of every object but deals."""
    none = dict.fromkeys(("hs_meeting_start_time", "hs_meeting_end_time", "hs_meeting_outcome"))
    owned = {"hubspot_owner_id": "1", "hs_timestamp": "2024-01-01T10:00:00Z", "associations": {"contacts": ["1"]}}
    company = {"domain": "sim.example", "industry": "Retail", "country": "DE", "lifecyclestage": "customer"}
    contact = {"lastname": "B", "lifecyclestage": "lead", "hs_lead_status": "NEW", "hubspot_owner_id": "1"}
    line = {"name": "Sim Probe", "hs_product_id": "9", "quantity": "2", "price": "50.25", "amount": "100.50"}
    call = {"hs_call_status": "COMPLETED", "hs_call_direction": "OUTBOUND", "hs_call_duration": "60000.25"}
    stages = [{"id": "open", "label": "Open", "metadata": {"isClosed": "false", "probability": "0.2"}}]
    owner = {"email": "ann@example.com", "firstName": "Ann", "lastName": "B"}
    for kind, fields in {
        "owners": {**owner, "teams": [{"id": "1", "name": "Blue", "primary": True}]},
        "pipelines": {"label": "Sales", "stages": stages},
        "contacts": {"email": "a@sim.example", "firstname": "A", **contact, "associations": {"companies": ["1"]}},
        "line_items": {**line, "associations": {"deals": ["1"]}},
        "quotes": {"hs_title": "Quote", "hs_status": "DRAFT", "associations": {"deals": ["1"]}},
        "calls": {**owned, **call, "hs_call_disposition": "x"},
        "meetings": {**owned, **none},
        "emails": {**owned, "hs_email_direction": "EMAIL"},
        "tasks": {**owned, "hs_task_status": "NOT_STARTED", "hs_task_completion_date": None},
    }.items():
        store.put(kind, "1", fields)
    for number in ("1", "2"):
        store.put("companies", number, {"name": f"Sim {number}", **company})


@pytest.fixture
def account() -> HubSpot:
    """An account with one record of every object, and forty deals written an hour apart."""
    store = Store(BEGIN)
    seed(store)
    for number in range(1, DEALS + 1):
        store.put("deals", str(number), deal(number), at=BEGIN + timedelta(hours=number))
    store.now = BEGIN + timedelta(days=3)
    return HubSpot(store)


def reader_of(connect: Connect, account: HubSpot, **own: Any) -> Reader:
    few = {"objects": ("company", "deal", "deal_stage_history")}
    return connect("hubspot", account, {"password": account.access_token}, **{**few, **own})


def by_refresh_token(account: HubSpot) -> dict[str, Any]:
    extra = {"refresh_token": account.refresh_token}
    return {"login": account.client_id, "password": account.client_secret, "extra": extra}


def truth(account: HubSpot) -> list[tuple[Any, ...]]:
    return sorted(
        (
            record_id,
            f["dealname"],
            f["dealstage"],
            f["hs_is_closed"] == "true",
            None if f["amount"] in (None, "") else Decimal(f["amount"]),
            f["hubspot_owner_id"],
            f["associations"]["companies"][0],
        )
        for record_id, f in account.store.state("deals").items()
    )


def rows_read(result: Any, table: str) -> int:
    return next((table_load.rows_read for table_load in result.loaded if table_load.name == table), 0)


def test_all_then_what_changed(connect: Connect, account: HubSpot) -> None:
    reader = reader_of(connect, account)
    first = reader.extract()
    assert rows_read(first, "deal") == DEALS
    assert reader.current("deal", COLUMNS) == truth(account)

    account.advance(days=1)
    account.store.change("deals", "3", dealstage="won", hs_is_closed="true", hs_is_closed_won="true")
    account.store.put("deals", "99", deal(99))
    account.advance(hours=1)
    second = reader.extract()
    assert {loaded.name: (loaded.rows_new, loaded.rows_retired) for loaded in second.loaded}["deal"] == (2, 1)
    assert rows_read(second, "deal") == 2
    assert reader.current("deal", COLUMNS) == truth(account)


def contracts(reader: Reader) -> Any:
    from scorecard.extract import load_contracts

    return load_contracts(reader.settings)["hubspot"].objects


def test_all_objects_have_what_their_contracts_say(connect: Connect, account: HubSpot) -> None:
    reader = reader_of(connect, account, objects=())
    result = reader.extract()
    assert reader.sql("select * from raw_hubspot._quarantine") == []
    assert {loaded.name for loaded in result.loaded} == {loaded.name for loaded in contracts(reader)}
    assert reader.current("call", "id, contact_id, deal_id, duration_ms") == [("1", "1", None, Decimal("60000.25"))]
    assert reader.current("line_item", "deal_id, quantity, amount") == [("1", Decimal(2), Decimal("100.50"))]
    assert reader.current("owner", "id, first_name") == [("1", "Ann")]
    assert reader.current("pipeline_stage", "pipeline_id, id, is_closed, probability") == [
        ("1", "open", False, Decimal("0.2"))
    ]


def test_a_record_has_one_shape_wherever_it_was_read(connect: Connect, account: HubSpot) -> None:
    reader = reader_of(connect, account, reconcile_days=1000)
    reader.extract()
    listed = reader.sql(
        "select * exclude (_source_file, _source_sha256, _source_line, _dlt_load_id, _row_version)"
        " from raw_hubspot.deal where id = '7'"
    )
    account.advance(days=1)
    account.store.change("deals", "7")
    account.advance(hours=1)
    reader.extract()
    rows = reader.sql(
        "select company_id, stage_history, name from raw_hubspot.deal where id = '7' order by _valid_from"
    )
    assert len(listed) == 1
    assert len(rows) == 2
    assert rows[0] == rows[1]


def test_a_row_names_the_request_that_brought_it(connect: Connect, account: HubSpot) -> None:
    reader = reader_of(connect, account, concurrency=1)
    result = reader.extract()
    ((url, place, sha256, load_id),) = reader.sql(
        "select _source_file, _source_line, _source_sha256, _dlt_load_id from raw_hubspot.deal where id = '5'"
    )
    assert url.startswith("/crm/objects/2026-09/deals?limit=50&properties=hs_object_id")
    assert (place, len(sha256), load_id) == (5, 64, result.load_id)
    account.advance(hours=1)
    account.store.change("companies", "1", name="New")
    account.advance(hours=1)
    reader.extract()
    ((url,),) = reader.sql("select _source_file from raw_hubspot.company where name = 'New'")
    assert url.startswith("/crm/objects/2026-09/companies/search?hs_lastmodifieddate=2024-01-03T23:50:00+00:00..")
    assert url.endswith("&hs_object_id>0")


def test_stages_keep_their_history(connect: Connect, account: HubSpot) -> None:
    reader = reader_of(connect, account)
    reader.extract()
    account.advance(hours=1)
    account.store.change("deals", "1", dealstage="won")
    account.advance(hours=1)
    reader.extract()
    rows = reader.current("deal_stage_history", "deal_id, stage")
    assert [stage for deal_id, stage in rows if deal_id == "1"] == ["open", "won"]
    assert len(rows) == DEALS + 1


def test_more_share_a_moment_than_a_search_reaches(connect: Connect, account: HubSpot) -> None:
    account.search_limit = 10
    reader = reader_of(connect, account, page_size=4, objects=("company",), reconcile_days=1000)
    reader.extract()
    account.advance(hours=1)
    for number in range(100, 130):
        account.store.put("companies", str(number), {"name": f"C{number}"})
    account.advance(hours=1)
    result = reader.extract()
    assert rows_read(result, "company") == 30
    assert len(reader.current("company", "id")) == 32


@pytest.mark.parametrize("number", [30, 120, 300])
def test_more_properties_than_a_search_or_an_address_can_name(connect: Connect, account: HubSpot, number: int) -> None:
    many = {f"what_the_company_{i:03}_wants": f"v{i}" for i in range(number)}
    for key in range(100, 230):
        account.store.put("companies", str(key), {"name": f"C{key}", **many})
    reader = reader_of(connect, account, objects=("company",))
    reader.extract()
    account.advance(hours=1)
    for key in range(100, 230):
        account.store.change("companies", str(key), name="New", what_the_company_007_wants="more")
    account.store.change("companies", "1", name="New")
    account.advance(hours=1)
    result = reader.extract()
    assert rows_read(result, "company") == 131
    columns = ", ".join(
        ["name", *(f"_undeclared->'properties'->>'what_the_company_{i:03}_wants'" for i in (7, number - 1))]
    )
    rows = [("New", "more", f"v{number - 1}")] * 130
    assert sorted(reader.current("company", columns), key=str)[:130] == rows
    batches = account.requests("/objects/2026-09/companies/batch/read")
    assert len(batches) == {30: 0, 120: 2, 300: 4}[number]


def test_a_record_that_reaches_the_index_late(connect: Connect, account: HubSpot) -> None:
    account.search_lag = 200
    reader = reader_of(connect, account)
    reader.extract()
    account.advance(hours=1)
    account.store.change("deals", "2", amount="1.00")
    account.advance(minutes=1)
    reader.extract()
    account.advance(minutes=10)
    reader.extract()
    assert reader.current("deal", COLUMNS) == truth(account)


def test_archived_and_merged_records_become_tombstones(connect: Connect, account: HubSpot) -> None:
    reader = reader_of(connect, account)
    reader.extract()
    account.advance(hours=1)
    account.store.delete("deals", "7")
    account.store.delete("deals", "8", merged_into="9")
    archived_at = account.store.now
    account.advance(hours=1)
    reader.extract()
    assert reader.tombstones("deal") == {"7": "deleted", "8": "merged into 9"}
    ((name, company, since),) = reader.sql(
        "select name, company_id, _deleted_at from raw_hubspot.deal where id = '7' and _valid_to is null"
    )
    assert (name, company) == ("Deal 7", "2"), "the last fields are kept"
    assert since.replace(tzinfo=None) == archived_at.replace(tzinfo=None)
    assert reader.current("deal", COLUMNS) == truth(account)
    account.advance(hours=1)
    account.store.put("deals", "7", deal(7, dealstage="restored"))
    account.advance(hours=1)
    reader.extract()
    assert reader.current("deal", COLUMNS) == truth(account)


def test_two_that_were_merged_into_a_new_one(connect: Connect, account: HubSpot) -> None:
    reader = reader_of(connect, account)
    reader.extract()
    account.advance(hours=1)
    account.store.put("deals", "500", deal(500))
    account.store.delete("deals", "1", merged_into="500")
    account.store.delete("deals", "2", merged_into="500")
    account.advance(hours=1)
    reader.extract()
    assert reader.tombstones("deal") == {"1": "merged into 500", "2": "merged into 500"}
    assert reader.current("deal", COLUMNS) == truth(account)


def test_what_no_change_tells_of_is_found_when_all_are_compared(connect: Connect, account: HubSpot) -> None:
    reader = reader_of(connect, account)
    reader.extract()
    account.advance(days=6)
    # Deleted for good: neither in a list of archived records nor in a search.
    del account.store._versions["deals"]["9"]
    account.store.written += 1
    reader.extract()
    assert reader.tombstones("deal") == {}
    account.advance(days=2)
    reader.extract()
    assert reader.tombstones("deal") == {"9": "no longer in the service"}
    assert reader.current("deal", COLUMNS) == truth(account)


def test_more_associations_than_a_list_shows(connect: Connect, account: HubSpot) -> None:
    for number in range(1000, 1150):
        account.store.put("companies", str(number), {"name": f"C{number}"})
    account.store.change(
        "deals", "40", associations={"companies": [str(company_id) for company_id in range(1149, 999, -1)]}
    )
    reader = reader_of(connect, account)
    reader.extract()
    assert reader.current("deal", COLUMNS) == truth(account)
    requests = len(account.requests("/crm/associations/2026-09/deals/companies"))
    assert requests == 1, "only what was shown in part"


def test_more_properties_than_fit_into_an_address(
    connect: Connect, account: HubSpot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fixed, "LONGEST_QUERY", 10)
    reader = reader_of(connect, account)
    reader.extract()
    assert reader.current("deal", COLUMNS) == truth(account)
    assert len(account.requests("/deals/batch/read")) == 1
    assert len(reader.current("company", "id")) == 2


def test_an_emptied_amount_is_none(connect: Connect, account: HubSpot) -> None:
    account.store.change("deals", "40", at=account.store.now, amount="")
    reader = reader_of(connect, account)
    reader.extract()
    assert reader.current("deal", COLUMNS) == truth(account)
    assert reader.sql("select * from raw_hubspot._quarantine") == []


def test_a_passing_fault_changes_nothing(connect: Connect, account: HubSpot, passing: Fault) -> None:
    few = {"page_size": 10, "concurrency": 1, "objects": ("deal", "deal_stage_history")}
    reader = connect("hubspot", account, by_refresh_token(account), **few)
    times = 1 if passing is Fault.TOKEN_EXPIRED else 2
    first = account.faults.on(passing, path="/objects/2026-09/deals", times=times, after=1)
    reader.extract()
    account.advance(hours=1)
    for number in range(1, 30):
        account.store.change("deals", str(number), dealname=f"New {number}")
    account.advance(hours=1)
    second = account.faults.on(passing, path="/search|/batch/read", times=times, after=2)
    reader.extract()
    assert (first.struck, second.struck) == (times, times)
    assert reader.current("deal", COLUMNS) == truth(account)


def test_a_token_that_expires_in_mid_run_is_renewed(connect: Connect, account: HubSpot) -> None:
    reader = connect("hubspot", account, by_refresh_token(account), page_size=10, concurrency=1, objects=("deal",))
    switch = account.faults.on(Fault.TOKEN_EXPIRED, path="/objects/2026-09/deals", after=2)
    reader.extract()
    assert switch.struck == 1
    assert len(account.requests("/oauth/2026-03/token")) == 2
    assert reader.current("deal", COLUMNS) == truth(account)


def test_a_page_that_names_itself_as_the_next(connect: Connect, account: HubSpot) -> None:
    reader = reader_of(connect, account, page_size=10, concurrency=1)
    account.faults.on(Fault.REPEATED_CURSOR, path="/objects/2026-09/deals", times=1000)
    with pytest.raises(ScorecardError, match="names the same next page of crm/objects/2026-09/deals twice"):
        reader.extract()
    account.faults.off()
    reader.extract()
    assert reader.current("deal", COLUMNS) == truth(account)


def test_a_service_that_stays_down(connect: Connect, account: HubSpot) -> None:
    reader = reader_of(connect, account)
    reader.extract()
    before = reader.current("deal", COLUMNS)
    account.faults.on(Fault.SERVER_ERROR, path="/objects/2026-09/deals", times=1000)
    account.advance(hours=1)
    account.store.change("deals", "1", dealname="New")
    account.store.change("companies", "1", name="New")
    account.advance(hours=1)
    with pytest.raises(ScorecardError, match=r"POST /crm/objects/2026-09/deals/search to hubspot failed 7 times"):
        reader.extract()
    assert reader.current("deal", COLUMNS) == before
    assert ("New",) in reader.current("company", "name")
    account.faults.off()
    reader.extract()
    assert reader.current("deal", COLUMNS) == truth(account)


@pytest.mark.parametrize("changed", [False, True])
def test_the_daily_quota_stops_the_run_and_the_next_goes_on(connect: Connect, account: HubSpot, changed: bool) -> None:
    reader = reader_of(connect, account, page_size=10, concurrency=1, objects=("company",), reconcile_days=1000)
    for number in range(100, 150):
        account.store.put("companies", str(number), {"name": f"C{number}"})
    if changed:
        reader.extract()
        account.advance(days=1)
        for number in range(100, 150):
            account.store.change("companies", str(number), name="New")
        account.advance(hours=1)
    before = len(account.seen)
    switch = account.faults.on(Fault.QUOTA_GONE, path="/objects/2026-09/companies", after=3, times=1)
    with pytest.raises(QuotaExceeded, match=r"daily quota of \w+ is used up"):
        reader.extract()
    account.advance(minutes=1)
    reader.extract()
    assert switch.struck == 1
    truth = sorted((key, fields["name"]) for key, fields in account.store.state("companies").items())
    assert reader.current("company", "id, name") == truth
    path = "/objects/2026-09/companies/search" if changed else "/objects/2026-09/companies"
    pages = [
        request for request in account.seen[before:] if request.path.endswith(path) and "archived" not in request.query
    ]
    assert len(pages) <= 8, "what was read is not read again"


def test_an_owner_who_left_before_the_first_run_is_known(connect: Connect, account: HubSpot) -> None:
    account.store.put("owners", "77", {"firstName": "Gone", "lastName": "Before", "email": "gone@example.com"})
    account.advance(hours=1)
    account.store.delete("owners", "77")
    account.advance(hours=1)
    reader = reader_of(connect, account, objects=("owner",))
    reader.extract()
    owner = "select first_name, _deleted_reason from raw_hubspot.owner where id = '77' and _valid_to is null"
    assert reader.sql(owner) == [("Gone", "deleted")]
    account.advance(hours=1)
    assert reader.extract().loaded == (), "that is no news"
    account.store.put("owners", "77", {"firstName": "Back", "lastName": "Again", "email": "gone@example.com"})
    reader.extract()
    assert reader.sql(owner) == [("Back", None)]


def test_a_start_date_bounds_facts_of_a_day_and_nothing_they_refer_to(connect: Connect, account: HubSpot) -> None:
    for number in range(1, DEALS + 1):
        closed = {"hs_is_closed": "false" if number == 5 else "true"}
        account.store.put("deals", str(number), deal(number, **closed), at=BEGIN + timedelta(hours=number))
    reader = reader_of(connect, account, objects=(), start_date="2024-01-02")
    reader.extract()
    wanted = [5, *range(24, DEALS + 1)]
    assert sorted(int(deal_id) for (deal_id,) in reader.current("deal", "id")) == wanted, "an open one holds on"
    stages = reader.current("deal_stage_history", "deal_id")
    assert sorted({int(deal_id) for (deal_id,) in stages}) == wanted
    assert reader.current("line_item", "sum(quantity)") == [(2,)]
    assert len(reader.current("company", "id")) == 2
    assert len(reader.current("contact", "id")) == len(reader.current("owner", "id")) == 1
    account.advance(hours=1)
    account.store.change("deals", "5", hs_is_closed="true")
    account.advance(hours=1)
    reader.extract()
    account.advance(days=8)
    reader.extract()
    assert sorted(int(deal_id) for (deal_id,) in reader.current("deal", "id")) == wanted
    del reader.own["start_date"]
    reader.extract()
    assert reader.current("deal", COLUMNS) == truth(account), "an earlier start reads what lacks"


def test_paths_that_hubspot_retires_are_not_called(connect: Connect, account: HubSpot) -> None:
    reader = connect("hubspot", account, by_refresh_token(account))
    for days in (0, 1, 8):
        account.advance(days=days)
        account.store.change("deals", "3", amount=str(days))
        account.advance(hours=1)
        assert reader.extract().ending == (), "none ends soon by the service's own clock"
    assert [request.path for request in account.seen if re.search(r"/v[1-4]/", request.path)] == []


def test_a_run_warns_before_a_version_ends(connect: Connect, account: HubSpot) -> None:
    reader = reader_of(connect, account, objects=("owner",))
    account.store.now = utc("2027-05-04T00:00:00")
    (sentence,) = reader.extract().ending
    assert sentence.startswith("HubSpot's OAuth API 2026-03, which the connector of hubspot calls, is supported until")


def test_a_share_of_the_day_is_left_to_others(connect: Connect, account: HubSpot) -> None:
    account.per_day = 40
    for number in range(1000, 1200):
        account.store.put("companies", str(number), {"name": f"C{number}"})
    reader = reader_of(connect, account, page_size=5, objects=("company",), quota_reserve=0.5)
    with pytest.raises(QuotaExceeded, match="hubspot has less than 50% of its requests of the day left"):
        reader.extract()
    assert account.per_day - account._used_today() == 19
    account.per_day = 1000
    reader.extract()
    assert reader.current("company", "id, name") == sorted(
        (key, fields["name"]) for key, fields in account.store.state("companies").items()
    )


def test_a_renamed_property_stops_its_object_alone(connect: Connect, account: HubSpot) -> None:
    reader = reader_of(connect, account)
    reader.extract()
    account.advance(hours=1)
    account.store.change("companies", "1", name="New")
    account.schema["deals"] = {"amount": None, "value": "number"}
    account.advance(hours=1)
    with pytest.raises(ScorecardError) as error:
        reader.extract()
    assert error.value.problem == "deals has no field properties.amount any more."
    assert "config.meta.header of amount" in error.value.cure
    assert "staging model of deal" in error.value.cure
    assert ("New",) in reader.current("company", "name")


def test_a_retyped_property_stops_its_object(connect: Connect, account: HubSpot) -> None:
    account.schema["deals"] = {"closedate": "string"}
    with pytest.raises(ScorecardError, match="The property closedate of deals is a string in HubSpot, and a timestamp"):
        reader_of(connect, account).extract()


@pytest.mark.parametrize("kept", [True, False])
def test_a_new_property_is_kept_and_reported(connect: Connect, account: HubSpot, kept: bool) -> None:
    reader = reader_of(connect, account, keep_new_fields=kept)
    reader.extract()
    account.advance(hours=1)
    account.store.change("deals", "2", mood="sunny")
    account.advance(hours=1)
    result = reader.extract()
    warnings = [
        warning for warning in result.warnings if "hubspot.deal has fields its contract doesn't know" in warning
    ]
    assert [("mood" in warning) for warning in warnings] == ([True] if kept else [])
    if kept:
        assert ("2", "sunny") in reader.current("deal", "id, _undeclared->'properties'->>'mood'")


def test_a_record_that_breaks_the_contract_goes_to_quarantine(connect: Connect, account: HubSpot) -> None:
    reader = reader_of(connect, account)
    reader.extract()
    account.advance(hours=1)
    account.store.change("deals", "2", amount="NaN")
    account.advance(hours=1)
    reader.extract()
    ((record, reason, payload),) = reader.sql("select record_key, reason, payload from raw_hubspot._quarantine")
    assert (record, "amount" in reason, "Deal 2" in payload) == ("2", True, True)
    assert ("2",) in reader.current("deal", "id"), "its last good version stays"


def test_a_bad_record_in_the_overlap_is_kept_once(connect: Connect, account: HubSpot) -> None:
    reader = reader_of(connect, account, objects=("deal",), overlap_seconds=86_400)
    reader.extract()
    account.advance(hours=1)
    account.store.change("deals", "2", amount="NaN")
    account.advance(hours=1)
    assert [loaded.rows_quarantined for loaded in reader.extract().loaded] == [1]
    account.advance(hours=1)
    assert reader.extract().loaded == ()
    account.store.change("deals", "3", dealname="New")
    account.advance(hours=1)
    (deal,) = reader.extract().loaded
    assert (deal.rows_read, deal.rows_loaded, deal.rows_quarantined) == (2, 1, 0)
    assert reader.sql("select record_key from raw_hubspot._quarantine") == [("2",)]


@pytest.mark.parametrize("extra", [{}, {"refresh_token": "hunter3hunter3"}])
def test_a_wrong_secret_is_a_sentence_without_it(connect: Connect, account: HubSpot, extra: dict[str, str]) -> None:
    wrong = {"login": account.client_id, "password": "hunter2hunter2", "extra": extra}
    reader = connect("hubspot", account, wrong)
    problem = "BAD_CLIENT_SECRET" if extra else "refused GET .* with 401"
    with pytest.raises(ScorecardError, match=problem) as error:
        reader.extract()
    for text in (str(error.value), repr(reader.settings), *reader.progress):
        assert "hunter" not in text


def test_an_object_that_is_not_ours_to_read(connect: Connect, account: HubSpot) -> None:
    account.scopes.remove("crm.objects.quotes.read")
    reader = reader_of(connect, account, objects=())
    with pytest.raises(ScorecardError, match=r"does not let the connection scorecard_hubspot read quotes") as error:
        reader.extract()
    assert "crm.objects.quotes.read" in error.value.cure
    assert reader.current("deal", COLUMNS) == truth(account)
    reader.own["objects"] = ("deal",)
    account.advance(hours=1)
    assert reader.extract().unchanged == ("deal",)


def test_another_contract_reads_all_again(connect: Connect, account: HubSpot) -> None:
    reader = reader_of(connect, account, keep_new_fields=False)
    reader.extract()
    account.advance(days=1)
    account.store.delete("deals", "9")
    account.store.delete("deals", "8", merged_into="10")
    del account.store._versions["deals"]["7"]
    declared = yaml.safe_load(reader.declaration.read_text())
    table = next(entry for entry in declared["sources"][0]["tables"] if entry["name"] == "deal")
    header = {"config": {"meta": {"header": "properties.hs_object_id_", "optional": True}}}
    table["columns"].append({"name": "more", "data_type": "varchar", "description": "x", **header})
    reader.declaration.write_text(yaml.safe_dump(declared))
    result = reader.extract()
    assert rows_read(result, "deal") == DEALS - 3
    assert reader.current("deal", COLUMNS) == truth(account)
    assert reader.tombstones("deal") == {"9": "deleted", "8": "merged into 10", "7": "no longer in the service"}


def test_the_check_says_who_and_what(connect: Connect, account: HubSpot) -> None:
    from scorecard.extract import check, load_contracts

    reader = reader_of(connect, account, objects=())
    account.scopes.remove("crm.objects.quotes.read")
    (access,) = check(reader.settings, load_contracts(reader.settings))
    assert access.reached
    assert access.who == "a service key or private app of the account 4711"
    assert "deals" in access.reads
    assert "quotes" not in access.reads
    assert len(access.missing) == 1
