"""The Zendesk connector against the stand-in: what is read ends as the account's own state, whatever goes wrong."""

import json
import math
from datetime import date, timedelta
from typing import Any

import pytest
import yaml

from sandbox.standins.faults import Fault
from sandbox.standins.record_store import Store
from sandbox.standins.zendesk.server import Zendesk
from scorecard.extract.services import http
from scorecard.extract.services import zendesk as connector
from scorecard.extract.services.response import QuotaExceeded
from scorecard.shared.errors import ScorecardError

from .conftest import Connect, Reader, utc

BEGIN = utc("2024-01-01T00:00:00")
FIELDS = ("status", "priority", "requester_id", "organization_id", "group_id", "assignee_id")
COLUMNS = "id, " + ", ".join(FIELDS)
RETRY_WAIT = http._wait


def ticket(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "subject": f"Sim {number}",
        "status": "open",
        "priority": "normal",
        "type": "question",
        "via": {"channel": "web"},
        "tags": ["billing"],
        "requester_id": 1,
        "assignee_id": 2,
        "organization_id": 1,
        "group_id": 1,
        "satisfaction_rating": {"score": "unoffered"},
        **fields,
    }


def metric(ticket_id: int, **fields: Any) -> dict[str, Any]:
    minutes = {"calendar": 7, "business": 5}
    return {
        "ticket_id": ticket_id,
        "replies": 1,
        "reopens": 0,
        "solved_at": None,
        "reply_time_in_minutes": minutes,
        "first_resolution_time_in_minutes": minutes,
        "full_resolution_time_in_minutes": minutes,
        **fields,
    }


def rating(ticket_id: int, **fields: Any) -> dict[str, Any]:
    return {"ticket_id": ticket_id, "score": "good", "requester_id": 1, "assignee_id": 2, "group_id": 1, **fields}


def user(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "name": f"Sim {number}",
        "email": f"sim{number}@example.com",
        "role": "end-user",
        "organization_id": 1,
        **fields,
    }


def organization(number: int) -> dict[str, Any]:
    return {"name": f"Sim {number}", "external_id": f"A{number}"}


@pytest.fixture
def account() -> Zendesk:
    """An account with two records of every object or more, and forty tickets written an hour apart."""
    store = Store(BEGIN)
    for number in (1, 2, 3):
        store.put("groups", str(number), {"name": f"Sim {number}"})
        store.put("users", str(number), user(number))
        store.put("organizations", str(number), organization(number))
    for number in range(1, 41):
        at = BEGIN + timedelta(hours=number)
        store.put("tickets", str(number), ticket(number), at)
        store.put("ticket_metrics", str(number + 1000), metric(number), at)
    for number in (1, 2, 3):
        store.put("satisfaction_ratings", str(number), rating(number), BEGIN + timedelta(hours=number))
    store.now = BEGIN + timedelta(days=3)
    return Zendesk(store)


def reader_of(connect: Connect, account: Zendesk, **own: Any) -> Reader:
    return connect("zendesk", account, {"login": f"{account.email}/token", "password": account.api_token}, **own)


def truth(account: Zendesk) -> list[tuple[Any, ...]]:
    state = account.store.state("tickets")
    return sorted((int(ticket_id), *(fields[name] for name in FIELDS)) for ticket_id, fields in state.items())


def names(account: Zendesk, kind: str) -> list[tuple[Any, ...]]:
    return sorted((int(record_id), fields["name"]) for record_id, fields in account.store.state(kind).items())


def count_of(result: Any, name: str) -> tuple[int, int, int]:
    if name in result.unchanged:
        return 0, 0, 0
    (one,) = (loaded for loaded in result.loaded if loaded.name == name)
    return one.rows_read, one.rows_new, one.rows_retired


def test_all_then_what_changed(connect: Connect, account: Zendesk) -> None:
    reader = reader_of(connect, account)
    first = reader.extract()
    assert [count_of(first, name)[0] for name in ("ticket", "user", "organization", "group")] == [40, 3, 3, 3]
    assert reader.current("ticket", COLUMNS) == truth(account)
    assert reader.current('"group"', "id, name") == names(account, "groups")

    account.advance(days=1)
    account.store.change("tickets", "3", status="solved")
    account.store.put("tickets", "99", ticket(99))
    account.store.change("users", "2", name="Sim changed")
    account.store.change("organizations", "2", name="Sim changed")
    account.advance(minutes=2)
    second = reader.extract()
    assert count_of(second, "ticket") == (2, 2, 1), "a cursor repeats nothing"
    assert count_of(second, "user") == (1, 1, 1)
    assert count_of(second, "organization")[1:] == (1, 1)
    assert reader.current("ticket", COLUMNS) == truth(account)
    for kind in ("users", "organizations"):
        assert reader.current(kind[:-1], "id, name") == names(account, kind)
    assert count_of(reader.extract(), "ticket") == (0, 0, 0)


def test_a_row_names_the_request_that_brought_it(connect: Connect, account: Zendesk) -> None:
    reader = reader_of(connect, account, objects=("ticket",), page_size=10)
    result = reader.extract()
    ((url, place, sha256, load_id),) = reader.sql(
        "select _source_file, _source_line, _source_sha256, _dlt_load_id from raw_zendesk.ticket where id = 15"
    )
    assert url.startswith("/api/v2/incremental/tickets/cursor.json?cursor=")
    assert (place, len(sha256), load_id) == (5, 64, result.load_id)
    loaded = reader.sql(f"select object, rows_read from raw_zendesk._loaded_files where source_sha256 = '{sha256}'")
    assert loaded == [("ticket", 10)]


def test_a_ticket_has_its_metrics_even_when_archived(connect: Connect, account: Zendesk) -> None:
    account.store.change("tickets", "1", status="closed")
    account.store.put("tickets", "50", ticket(50))
    account.advance(days=200)
    reader = reader_of(connect, account, objects=("ticket",))
    reader.extract()
    row = "id, replies, reopens, first_reply_minutes, first_reply_business_minutes, full_resolution_minutes, channel"
    current = reader.current("ticket", row)
    assert current[0] == (1, 1, 0, 7, 5, 7, "web")
    assert current[-1] == (50, None, None, None, None, None, "web"), "not every ticket has metrics"


def test_the_minute_left_out_comes_with_the_next_run(connect: Connect, account: Zendesk) -> None:
    reader = reader_of(connect, account, objects=("ticket", "organization"), overlap_seconds=0)
    for seconds in (0, 30, 61):
        number = str(100 + seconds)
        account.store.put("tickets", number, ticket(int(number)))
        account.store.put("organizations", number, organization(int(number)))
        reader.extract()
        assert (int(number),) not in reader.current("ticket", "id")
        account.advance(seconds=seconds)
    account.advance(seconds=60)
    reader.extract()
    assert reader.current("ticket", COLUMNS) == truth(account)
    assert reader.current("organization", "id, name") == names(account, "organizations")


def test_an_account_without_tickets_gets_its_first(connect: Connect) -> None:
    account = Zendesk(Store(BEGIN))
    reader = reader_of(connect, account, objects=("ticket", "satisfaction_rating"))
    reader.extract()
    assert reader.current("ticket", "id") == []
    account.store.put("tickets", "1", ticket(1))
    account.store.put("satisfaction_ratings", "1", rating(1))
    account.advance(minutes=2)
    reader.extract()
    assert reader.current("ticket", COLUMNS) == truth(account)
    assert reader.current("satisfaction_rating", "id, score") == [(1, "good")]


def test_updated_at_may_go_back(connect: Connect, account: Zendesk) -> None:
    reader = reader_of(connect, account, objects=("ticket", "user"))
    reader.extract()
    account.store.change("tickets", "40", status="closed", updated_at="2024-01-01T00:00:00Z")
    account.store.change("users", "1", name="Sim changed", updated_at="2023-01-01T00:00:00Z")
    account.advance(hours=1)
    reader.extract()
    assert reader.current("ticket", COLUMNS) == truth(account)
    assert reader.current("user", "id, name") == names(account, "users")


def test_deletes_and_merges_become_tombstones(connect: Connect, account: Zendesk) -> None:
    reader = reader_of(connect, account, objects=("ticket", "user", "organization"))
    reader.extract()
    deleted_at = account.advance(hours=1)
    account.store.change("tickets", "7", priority="urgent")
    account.store.delete("tickets", "7")
    account.store.delete("users", "2", merged_into="1")
    account.store.delete("organizations", "2", merged_into="1")
    account.advance(hours=1)
    reader.extract()
    assert reader.tombstones("ticket") == {7: "deleted"}
    assert reader.tombstones("user") == {2: "deleted"}
    assert reader.tombstones("organization") == {2: "deleted"}
    subject = "json_extract_string(_undeclared, '$.subject')"
    query = f"select priority, {subject}, _deleted_at from raw_zendesk.ticket where id = 7 and _valid_to is null"
    ((priority, subject, since),) = reader.sql(query)
    assert (priority, subject) == ("urgent", "Sim 7"), "the last fields are kept"
    assert since.replace(tzinfo=None) == deleted_at.replace(tzinfo=None)
    assert reader.current("ticket", COLUMNS) == truth(account)
    assert reader.current("organization", "id, name") == names(account, "organizations")

    account.advance(days=31)
    reader.extract()
    assert reader.sql(query)[0][1:] == ("SCRUBBED", since), "deleted for good, and deleted as long"
    account.store.put("tickets", "7", ticket(7, status="open"))
    account.advance(minutes=2)
    reader.extract()
    assert reader.current("ticket", COLUMNS) == truth(account)


def test_what_leaves_without_a_word_is_found_by_its_id(connect: Connect, account: Zendesk) -> None:
    reader = reader_of(connect, account)
    reader.extract()
    account.advance(days=1)
    account.store.delete("groups", "3")
    account.store.delete("satisfaction_ratings", "2")
    for kind in ("users", "organizations"):
        del account.store._versions[kind]["3"]  # merged, and in no export either
        account.store.written += 1
    account.advance(minutes=2)
    reader.extract()
    assert reader.tombstones('"group"') == {3: "no longer in the service"}
    assert reader.tombstones("user") == {}
    account.advance(days=7)
    reader.extract()
    assert reader.tombstones("user") == {3: "no longer in the service"}
    assert reader.tombstones("organization") == {3: "no longer in the service"}
    assert reader.tombstones("satisfaction_rating") == {2: "no longer in the service"}
    account.advance(days=1)
    before = len(account.requests("/users.json"))
    reader.extract()
    assert len(account.requests("/users.json")) == before, "ids are compared now and then"


def test_a_rating_that_is_changed_late(connect: Connect, account: Zendesk) -> None:
    reader = reader_of(connect, account, objects=("satisfaction_rating",), reconcile_days=60)
    reader.extract()
    account.advance(days=20)
    account.store.change("satisfaction_ratings", "1", score="bad")
    account.store.put("satisfaction_ratings", "4", rating(4, created_at="2024-01-01T05:00:00Z"))
    reader.extract()
    assert reader.current("satisfaction_rating", "id, score") == [(1, "bad"), (2, "good"), (3, "good"), (4, "good")]
    account.advance(days=30)
    account.store.put("satisfaction_ratings", "5", rating(5))
    reader.extract()
    account.store.change("satisfaction_ratings", "2", score="bad")
    reader.extract()
    assert any("satisfaction_ratings: read, 1 records" in line for line in reader.progress), "not the old ones again"
    account.advance(days=20)
    reader.extract()
    assert reader.current("satisfaction_rating", "score")[:2] == [("bad",), ("bad",)]


def test_a_second_that_pages_share_is_not_lost_nor_doubled(connect: Connect, account: Zendesk) -> None:
    for number in range(10, 40):
        account.store.put("organizations", str(number), organization(number), BEGIN + timedelta(seconds=number // 3))
        account.store.put("tickets", str(number + 100), ticket(number), BEGIN + timedelta(days=2))
    reader = reader_of(connect, account, objects=("ticket", "organization"), page_size=4)
    reader.extract()
    assert reader.current("organization", "id, name") == names(account, "organizations")
    assert reader.current("ticket", COLUMNS) == truth(account)


def test_a_second_of_more_than_a_page(connect: Connect, account: Zendesk, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(10, 20):
        account.store.put("organizations", str(number), organization(number), BEGIN + timedelta(days=1))
    reader = reader_of(connect, account, objects=("organization",), page_size=4)
    reader.extract()
    assert reader.current("organization", "id, name") == names(account, "organizations"), "larger pages are asked for"

    monkeypatch.setattr(connector.fixed, "EXPORT_PAGE", 4)
    second = int((BEGIN + timedelta(days=1)).timestamp())
    with pytest.raises(ScorecardError, match=rf"names the start_time {second} of organizations twice"):
        reader.extract()


@pytest.mark.parametrize(
    ("path", "kind"),
    [("tickets.*cursor=", "tickets"), ("users.*cursor=", "users"), ("groups.*after", "groups")],
)
def test_a_repeated_cursor_ends_in_an_error(connect: Connect, account: Zendesk, path: str, kind: str) -> None:
    for number in range(4, 30):
        account.store.put("users", str(number), user(number), BEGIN)
        account.store.put("groups", str(number), {"name": f"Sim {number}"}, BEGIN)
    reader = reader_of(connect, account, page_size=10)
    switch = account.faults.on(Fault.REPEATED_CURSOR, path=path, after=1, times=50)
    with pytest.raises(ScorecardError, match=rf"zendesk names the same next page of {kind} twice: \S+="):
        reader.extract()
    assert switch.struck == 1
    assert reader.current("satisfaction_rating", "id") == [(1,), (2,), (3,)]
    account.faults.off()
    reader.extract()
    assert reader.current("ticket", COLUMNS) == truth(account)
    assert reader.current("user", "id, name") == names(account, "users")
    assert reader.current('"group"', "id, name") == names(account, "groups")


def test_a_used_up_minute_of_exports_is_waited_for(
    connect: Connect, account: Zendesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []

    def wait(state: Any) -> float:
        waits.append(RETRY_WAIT(state))
        account.export_window = 0.0
        return 0.0

    monkeypatch.setattr(http, "_wait", wait)
    account.limit_exports = True
    reader = reader_of(connect, account, objects=("ticket", "user"), page_size=5, concurrency=1)
    reader.extract()
    assert reader.current("ticket", COLUMNS) == truth(account)
    assert waits, "14 exports are more than 10"
    assert min(waits) >= 1.0, "as long as Retry-After says, or longer"


@pytest.mark.parametrize("seconds", [60, 93, 3600])
def test_how_long_is_waited(connect: Connect, account: Zendesk, monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    waits: list[float] = []
    monkeypatch.setattr(http, "_wait", lambda state: waits.append(RETRY_WAIT(state)) or 0.0)
    reader = reader_of(connect, account, objects=("ticket",), page_size=10, concurrency=1)
    # The check asks for one ticket, so it is the second page.
    account.faults.on(Fault.TOO_MANY_REQUESTS, path="incremental/tickets", after=2, retry_after=seconds)
    if seconds < 3600:
        reader.extract()
        assert waits == [seconds]
    else:
        with pytest.raises(QuotaExceeded, match="asks to wait 3600 seconds"):
            reader.extract()
        assert len(reader.current("ticket", "id")) == 10, "what was read is kept"
        before = len(account.seen)
        reader.extract()
        pages = [
            request for request in account.seen[before:] if "per_page=10" in request.query and "tickets" in request.path
        ]
        assert len(pages) == math.ceil(30 / 10), "what was read is not read again"
    assert reader.current("ticket", COLUMNS) == truth(account)


def test_a_list_of_ratings_that_is_cut_off_goes_on(connect: Connect, account: Zendesk) -> None:
    for number in range(4, 30):
        account.store.put("satisfaction_ratings", str(number), rating(number), BEGIN + timedelta(days=1))
    reader = reader_of(connect, account, objects=("satisfaction_rating",), page_size=10)
    account.faults.on(Fault.TOO_MANY_REQUESTS, path=r"ratings.*after.*", after=1, retry_after=3600)
    with pytest.raises(QuotaExceeded):
        reader.extract()
    before = len(account.seen)
    reader.extract()
    queries = [request.query for request in account.seen[before:] if "ratings" in request.path]
    assert len(queries) == 2, "the check, and the page that was missing"
    assert len(reader.current("satisfaction_rating", "id")) == 29


def test_a_passing_fault_changes_nothing(connect: Connect, account: Zendesk, passing: Fault) -> None:
    reader = reader_of(connect, account, objects=("ticket", "group"), page_size=10, concurrency=1)
    times = 1 if passing in (Fault.TOKEN_EXPIRED, Fault.TIMEOUT) else 2
    switch = account.faults.on(passing, path=r"/incremental|/groups", times=times, after=4)
    reader.extract()
    assert switch.struck == times
    assert reader.current("ticket", COLUMNS) == truth(account)
    assert reader.current('"group"', "id, name") == names(account, "groups")


def test_a_service_that_stays_down(connect: Connect, account: Zendesk) -> None:
    reader = reader_of(connect, account, objects=("ticket", "group"))
    reader.extract()
    before = reader.current("ticket", COLUMNS)
    account.advance(hours=1)
    account.store.change("tickets", "1", status="closed")
    account.store.change("groups", "1", name="New")
    account.advance(minutes=2)
    account.faults.on(Fault.SERVER_ERROR, path="tickets/cursor.json.cursor", times=1000)
    with pytest.raises(ScorecardError, match=r"GET /api/v2/incremental/tickets/cursor.json to zendesk failed 7 times"):
        reader.extract()
    assert reader.current("ticket", COLUMNS) == before
    assert reader.current('"group"', "name")[0] == ("New",)
    account.faults.off()
    reader.extract()
    assert reader.current("ticket", COLUMNS) == truth(account)


@pytest.mark.parametrize("begins", ["2024-01-04", "2024-02-01"])
def test_a_start_in_the_minute_left_out_or_later(connect: Connect, account: Zendesk, begins: str) -> None:
    reader = reader_of(connect, account, objects=("ticket",), start_date=date.fromisoformat(begins))
    assert account.store.now == utc("2024-01-04T00:00:00"), "where Zendesk refuses it with 422"
    reader.extract()
    assert reader.current("ticket", "id") == []
    account.store.now = utc(f"{begins}T00:00:10")
    account.store.put("tickets", "99", ticket(99))
    reader.extract()
    account.advance(seconds=120)
    reader.extract()
    assert reader.current("ticket", "id") == [(99,)]


def test_a_start_date_bounds_facts_of_a_day_and_nothing_they_refer_to(connect: Connect, account: Zendesk) -> None:
    account.store.put("satisfaction_ratings", "9", rating(9))
    reader = reader_of(connect, account, objects=(), start_date=date(2024, 1, 2))
    reader.extract()
    assert len(reader.current("user", "id")) == len(reader.current("organization", "id")) == 3
    account.advance(days=8)
    account.store.put("satisfaction_ratings", "10", rating(10))
    reader.extract()
    assert reader.current("ticket", "min(id), count(*)") == [(24, 17)]
    assert reader.current("satisfaction_rating", "id") == [(9,), (10,)]
    assert reader.current('"group"', "id") == [(1,), (2,), (3,)]
    assert len(reader.current("user", "id")) == len(reader.current("organization", "id")) == 3, "and compared"


def response(ticket_id: int, at: str, **rating: Any) -> dict[str, Any]:
    scale = {"id": "Q1", "type": "rating_scale_numeric", "sub_type": "customer_satisfaction"}
    moments = {"created_at": at, "updated_at": at}
    comment = {"question": {"id": "Q2", "type": "open_ended"}, "type": "open_ended", "value": f"Sim {at}", **moments}
    return {
        "answers": [{"question": scale, "type": "rating_scale", **rating, **moments}, comment],
        "expires_at": "2024-02-01T00:00:00.000Z",
        "responder_id": 1,
        "subject_zrns": [f"zen:ticket:{ticket_id}"],
        "subjects": [{"id": str(ticket_id), "type": "ticket", "zrn": f"zen:ticket:{ticket_id}"}],
        "survey": {"id": "S1", "state": "enabled", "version": 3},
    }


SATISFACTION = ("satisfaction_rating", "survey_response", "survey_answer")


def ratings_of(reader: Reader) -> list[tuple[Any, ...]]:
    answers = "raw_zendesk.survey_answer where _valid_to is null and _deleted_at is null and rating is not null"
    return reader.sql(f"select subject_zrns, rating, rating_category from {answers} order by all")


def test_the_current_survey_is_read_where_the_classic_list_is_empty(connect: Connect, account: Zendesk) -> None:
    for number in (1, 2, 3):
        account.store.delete("satisfaction_ratings", str(number))
    given = {1: (5, "good"), 2: (1, "bad"), 3: (3, "neutral")}
    for number, (rating, category) in given.items():
        fields = response(number, f"2024-01-0{number}T10:00:00.000Z", rating=rating, rating_category=category)
        account.store.put("survey_responses", str(number), fields, BEGIN + timedelta(hours=number))
    reader = reader_of(connect, account, objects=SATISFACTION, page_size=2)
    assert reader.extract().warnings == ()
    assert ratings_of(reader) == [(f'["zen:ticket:{number}"]', *answer) for number, answer in given.items()]
    assert reader.current("survey_answer", "count(*) filter (comment is not null)") == [(3,)]
    assert reader.current("satisfaction_rating", "id") == []

    account.advance(days=2)
    changed = response(2, "2024-01-05T10:00:00.000Z", rating=4, rating_category="good")
    account.store.put("survey_responses", "2", changed)
    before = len(account.seen)
    reader.extract()
    assert ('["zen:ticket:2"]', 4, "good") in ratings_of(reader), "an answer may be changed"
    queries = [
        request.query
        for request in account.seen[before:]
        if "survey" in request.path and "created_at_start" in request.query
    ]
    since = int((utc("2024-01-03T10:00:00") - timedelta(days=28)).timestamp() * 1000)
    assert f"={since}" in queries[0], "in milliseconds, from the newest answer on less what may be changed"
    account.advance(days=8)
    account.store.delete("survey_responses", "3")
    reader.extract()
    assert len(ratings_of(reader)) == 2
    assert len(reader.tombstones("survey_response")) == 1


@pytest.mark.parametrize("lacks", ["survey_responses", "satisfaction_ratings"])
def test_an_account_has_one_generation_of_the_survey(connect: Connect, account: Zendesk, lacks: str) -> None:
    fields = response(1, "2024-01-01T10:00:00.000Z", rating=5, rating_category="good")
    account.store.put("survey_responses", "1", fields, BEGIN)
    account.forbidden = {lacks}
    reader = reader_of(connect, account, objects=SATISFACTION)
    reader.extract()
    counts = len(reader.current("satisfaction_rating", "id")), len(ratings_of(reader))
    assert counts == ((3, 0) if lacks == "survey_responses" else (0, 1))
    account.forbidden = {"survey_responses", "satisfaction_ratings"}
    with pytest.raises(
        ScorecardError, match=r"Zendesk has no s.* that the user of the connection scorecard_zendesk may read"
    ):
        reader.extract()


def test_a_start_date_leaves_out_older_answers(connect: Connect, account: Zendesk) -> None:
    for number, day in ((1, "2024-01-01"), (2, "2024-01-03")):
        fields = response(number, f"{day}T10:00:00.000Z", rating=5, rating_category="good")
        account.store.put("survey_responses", str(number), fields, utc(f"{day}T09:00:00"))
    reader = reader_of(connect, account, objects=SATISFACTION, start_date=date(2024, 1, 2))
    reader.extract()
    account.advance(days=8)
    reader.extract()
    assert ratings_of(reader) == [('["zen:ticket:2"]', 5, "good")]


def test_a_renamed_field_stops_its_object_alone(connect: Connect, account: Zendesk) -> None:
    reader = reader_of(connect, account, objects=("ticket", "organization"))
    reader.extract()
    account.advance(hours=1)
    account.store.change("organizations", "1", name="New")
    fields = ticket(1)
    fields["prio"] = fields.pop("priority")
    account.store.put("tickets", "1", fields)
    account.advance(minutes=2)
    with pytest.raises(ScorecardError) as error:
        reader.extract()
    assert error.value.problem == "tickets has no field priority any more."
    assert "config.meta.header of priority" in error.value.cure
    assert "staging model of ticket" in error.value.cure
    assert reader.current("organization", "name")[0] == ("New",)


def test_a_renamed_metric_stops_tickets_alone(connect: Connect, account: Zendesk) -> None:
    fields = metric(41)
    fields["reopened"] = fields.pop("reopens")
    account.store.put("ticket_metrics", "1041", fields)
    reader = reader_of(connect, account, objects=("ticket", "user"))
    with pytest.raises(ScorecardError, match=r"tickets has no field metric_set.reopens any more"):
        reader.extract()
    assert reader.current("user", "id, name") == names(account, "users")


def test_a_change_without_metrics_is_no_change_of_the_api(connect: Connect, account: Zendesk) -> None:
    reader = reader_of(connect, account, objects=("ticket",))
    reader.extract()
    account.store.delete("tickets", "5")
    account.store.delete("ticket_metrics", "1005")
    account.advance(hours=1)
    reader.extract()
    assert reader.tombstones("ticket") == {5: "deleted"}


def test_a_retyped_field_stops_its_object(connect: Connect, account: Zendesk) -> None:
    for number in range(1, 41):
        account.store.change("tickets", str(number), requester_id=f"u-{number}")
    account.advance(hours=1)
    with pytest.raises(ScorecardError, match="The field requester_id of tickets holds no bigint any more"):
        reader_of(connect, account, objects=("ticket",)).extract()


def test_a_new_field_is_kept_and_reported(connect: Connect, account: Zendesk) -> None:
    reader = reader_of(connect, account, objects=("ticket",))
    reader.extract()
    account.store.change("tickets", "2", mood="sunny", **{'it\'s "so" \\ odd': "yes", "with.a.dot": "no"})
    account.advance(hours=1)
    result = reader.extract()
    (warning,) = result.warnings
    assert "zendesk.ticket has fields its contract doesn't know" in warning
    assert "reply_time_in_minutes" not in warning, "the contract goes into it"
    assert (
        json.loads(reader.current("ticket", "id, _undeclared")[1][1]).items()
        >= {
            "mood": "sunny",
            'it\'s "so" \\ odd': "yes",
            "with.a.dot": "no",
        }.items()
    )


def test_a_record_that_breaks_the_contract_goes_to_quarantine(connect: Connect, account: Zendesk) -> None:
    reader = reader_of(connect, account, objects=("ticket",))
    reader.extract()
    account.store.change("tickets", "2", group_id="none")
    account.advance(hours=1)
    reader.extract()
    ((record, reason, payload),) = reader.sql("select record_key, reason, payload from raw_zendesk._quarantine")
    assert (record, "group_id" in reason, "Sim 2" in payload) == ("2", True, True)
    assert (2, 1) in reader.current("ticket", "id, group_id"), "its last good version stays"


def test_a_wrong_secret_is_a_sentence_without_it(connect: Connect, account: Zendesk) -> None:
    reader = connect("zendesk", account, {"login": account.email, "password": "hunter2hunter2"})
    with pytest.raises(
        ScorecardError, match="not let the connection scorecard_zendesk in: Couldn't authenticate you"
    ) as error:
        reader.extract()
    assert "hunter2" not in str(error.value)
    assert "hunter2" not in repr(reader.settings)
    reader.connection = {"login": account.email}
    with pytest.raises(ScorecardError, match="lacks its host, its login or its token"):
        reader.extract()


def test_an_oauth_token_lets_us_in(connect: Connect, account: Zendesk) -> None:
    reader = connect("zendesk", account, {"extra": {"access_token": account.access_token}}, objects=("group",))
    reader.extract()
    assert reader.current('"group"', "id, name") == names(account, "groups")
    service = connector.Zendesk("zendesk", reader.settings.services["zendesk"], reader.settings.connections["zendesk"])
    assert account.access_token not in repr(service.http)


def test_an_object_that_is_not_ours_to_read(connect: Connect, account: Zendesk) -> None:
    account.forbidden.add("organizations")
    reader = reader_of(connect, account)
    with pytest.raises(ScorecardError, match="no organizations that the user"):
        reader.extract()
    assert reader.current("ticket", COLUMNS) == truth(account)
    reader.own["objects"] = ("ticket",)
    assert reader.extract().unchanged == ("ticket",)


def test_another_contract_reads_all_again(connect: Connect, account: Zendesk) -> None:
    reader = reader_of(connect, account, reconcile_days=999)
    reader.extract()
    account.advance(days=1)
    account.store.delete("tickets", "9")
    account.store.delete("satisfaction_ratings", "2")
    del account.store._versions["users"]["3"]
    account.store.written += 1
    account.advance(days=20)
    declared = yaml.safe_load(reader.declaration.read_text())
    for table in declared["sources"][0]["tables"]:
        table["columns"].append({"name": "url", "data_type": "varchar", "description": "x"})
    reader.declaration.write_text(yaml.safe_dump(declared))
    assert count_of(reader.extract(), "ticket")[0] == 40
    assert all(url for (url,) in reader.current("ticket", "url"))
    assert reader.current("ticket", COLUMNS) == truth(account)
    assert reader.tombstones("ticket") == {9: "deleted"}
    assert reader.tombstones("user") == {3: "no longer in the service"}
    assert reader.tombstones("satisfaction_rating") == {2: "no longer in the service"}


def test_the_check_says_who_and_what(connect: Connect, account: Zendesk) -> None:
    from scorecard.extract import check, load_contracts

    reader = reader_of(connect, account)
    account.forbidden.add("organizations")
    declared = yaml.safe_load(reader.declaration.read_text())
    declared["sources"][0]["tables"][3]["config"]["meta"]["object"] = "moods"
    reader.declaration.write_text(yaml.safe_dump(declared))
    (access,) = check(reader.settings, load_contracts(reader.settings))
    assert access.reached
    assert access.who == "Sim Reader (simulated) <data@example.com>, admin"
    assert access.reads == ("tickets", "users", "satisfaction_ratings", "survey_responses")
    assert [problem.partition(".")[0] for problem in access.missing] == [
        "Zendesk has no organizations that the user of the connection scorecard_zendesk may read",
        "The connector of Zendesk reads no moods",
    ]
