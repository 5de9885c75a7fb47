from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests

from sandbox.standins.faults import Fault
from sandbox.standins.record_store import Store, Version, utc
from sandbox.standins.zendesk.server import Zendesk

START = utc("2026-03-01T09:00:00")
UNIX = int(START.timestamp())


@pytest.fixture
def service() -> Iterator[Zendesk]:
    with Zendesk(Store(START)) as running:
        assert isinstance(running, Zendesk)
        yield running


def ask(service: Zendesk, path: str, **params: Any) -> requests.Response:
    url = path if path.startswith("http") else f"{service.url}/api/v2/{path}"
    return requests.get(url, params, auth=(f"{service.email}/token", service.api_token), timeout=5)


def get(service: Zendesk, path: str, **params: Any) -> Any:
    answer = ask(service, path, **params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_survey_responses_are_listed_by_their_creation_in_milliseconds(service: Zendesk) -> None:
    for number in (1, 2):
        fields = {"answers": [], "subject_zrns": [f"zen:ticket:{number}"]}
        service.store.put("survey_responses", str(number), fields, at=START + timedelta(hours=number))
    service.advance(days=1)
    since = {"filter[created_at_start]": str((UNIX + 5400) * 1000), "page[size]": "1"}
    (only,) = get(service, "guide/survey_responses", **since)["survey_responses"]
    assert (len(only["id"]), only["subject_zrns"]) == (26, ["zen:ticket:2"])
    assert len(get(service, "guide/survey_responses", **{"page[size]": "5"})["survey_responses"]) == 2


def pages(service: Zendesk, path: str, **params: Any) -> list[Any]:
    """Read an export until its end."""
    read = [get(service, path, **params)]
    while not read[-1]["end_of_stream"]:
        read.append(get(service, read[-1].get("after_url") or read[-1]["next_page"]))
    return read


def write(service: Zendesk, kind: str, count: int, a_second: int = 1) -> None:
    for number in range(1, count + 1):
        at = START + timedelta(seconds=(number - 1) // a_second)
        service.store.put(kind, str(number), {"name": f"Sim {number}"}, at)
    service.store.now = START + timedelta(hours=1)


def ids(page: Any, kind: str) -> list[int]:
    return [row["id"] for row in page[kind]]


def test_an_export_by_cursor_gives_everything_once(service: Zendesk) -> None:
    write(service, "tickets", 2_500, a_second=100)

    read = pages(service, "incremental/tickets/cursor.json", start_time=0)

    assert [len(page["tickets"]) for page in read] == [1000, 1000, 500]
    assert [ticket_id for page in read for ticket_id in ids(page, "tickets")] == list(range(1, 2_501))
    assert read[0]["after_url"].endswith(f"?cursor={read[0]['after_cursor'].replace('=', '%3D')}")


def test_a_cursor_goes_on_where_the_stream_ended(service: Zendesk) -> None:
    write(service, "users", 3)
    (end,) = pages(service, "incremental/users/cursor.json", start_time=0)
    nothing = get(service, "incremental/users/cursor.json", cursor=end["after_cursor"])
    service.store.change("users", "2", name="Sim changed")
    service.advance(minutes=1)

    again = get(service, "incremental/users/cursor.json", cursor=nothing["after_cursor"])

    assert (nothing["users"], nothing["end_of_stream"]) == ([], True)
    assert [(row["id"], row["name"]) for row in again["users"]] == [(2, "Sim changed")]


def test_an_export_of_nothing_has_no_cursor(service: Zendesk) -> None:
    empty = get(service, "incremental/tickets/cursor.json", start_time=0)

    assert (empty["tickets"], empty["after_cursor"], empty["after_url"]) == ([], None, None)


def test_the_last_minute_is_left_out(service: Zendesk) -> None:
    service.store.put("tickets", "1", {})
    service.advance(seconds=59)
    assert pages(service, "incremental/tickets/cursor.json", start_time=0)[0]["tickets"] == []
    service.advance(seconds=1)
    assert ids(get(service, "incremental/tickets/cursor.json", start_time=0), "tickets") == [1]


def test_a_start_time_must_be_a_minute_old(service: Zendesk) -> None:
    now = int(service.store.now.timestamp())

    refused = ask(service, "incremental/tickets/cursor.json", start_time=now - 59)

    assert refused.status_code == 422
    assert refused.json()["description"].startswith("Too recent start_time.")
    assert ask(service, "incremental/tickets/cursor.json", start_time=now - 60).status_code == 200


def test_an_export_compares_the_generated_timestamp(service: Zendesk) -> None:
    service.store.put("tickets", "1", {"status": "open"})
    service.advance(hours=1)
    service.store.change("tickets", "1", status="closed", updated_at="2026-03-01T09:00:00Z")
    service.advance(hours=1)

    (row,) = get(service, "incremental/tickets/cursor.json", start_time=UNIX + 3600)["tickets"]

    assert row["updated_at"] == row["created_at"] == "2026-03-01T09:00:00Z"
    assert row["generated_timestamp"] == UNIX + 3600
    assert row["url"] == f"{service.url}/api/v2/tickets/1.json"


def test_a_deleted_ticket_stays_and_is_scrubbed_after_thirty_days(service: Zendesk) -> None:
    service.store.put("tickets", "1", {"status": "solved", "subject": "Sim", "requester_id": 7})
    service.advance(hours=1)
    service.store.delete("tickets", "1")
    service.advance(hours=1)
    (deleted,) = pages(service, "incremental/tickets/cursor.json", start_time=0)

    service.advance(days=30)
    (scrubbed,) = get(service, "incremental/tickets/cursor.json", cursor=deleted["after_cursor"])["tickets"]

    (row,) = deleted["tickets"]
    assert (row["status"], row["subject"], row["generated_timestamp"]) == ("deleted", "Sim", UNIX + 3600)
    assert (scrubbed["status"], scrubbed["subject"], scrubbed["requester_id"]) == ("deleted", "SCRUBBED", 7)
    assert scrubbed["generated_timestamp"] == UNIX + 3600 + 30 * 86400


def test_deleted_users_and_organizations_stay_in_exports_but_not_in_lists(service: Zendesk) -> None:
    write(service, "users", 2)
    write(service, "organizations", 2)
    service.store.delete("users", "1")
    service.store.delete("organizations", "1")
    service.advance(hours=1)

    users = get(service, "incremental/users/cursor.json", start_time=UNIX + 60)["users"]
    organizations = get(service, "incremental/organizations.json", start_time=UNIX + 60)["organizations"]

    assert [(row["id"], row["active"]) for row in users] == [(1, False)]
    assert [(row["id"], row["deleted_at"]) for row in organizations] == [(1, "2026-03-01T10:00:00Z")]
    assert ids(get(service, "users.json", **{"page[size]": 100}), "users") == [2]


def test_an_export_by_time_repeats_the_rows_of_the_second_between_two_pages(service: Zendesk) -> None:
    write(service, "ticket_events", 2_100, a_second=300)

    read = pages(service, "incremental/ticket_events.json", start_time=0)

    rows = [event_id for page in read for event_id in ids(page, "ticket_events")]
    assert [page["count"] for page in read] == [1000, 1000, 300]
    assert set(rows) == set(range(1, 2_101))
    assert len(rows) == 2_300
    assert read[0]["end_time"] == UNIX + 3
    assert read[1]["ticket_events"][0]["id"] == 901
    assert read[0]["ticket_events"][-1]["timestamp"] == UNIX + 3


def test_an_export_by_time_stands_still_in_a_second_of_more_than_a_page(service: Zendesk) -> None:
    write(service, "organizations", 1_500, a_second=1_500)

    first = get(service, "incremental/organizations.json", start_time=UNIX)

    assert first["end_of_stream"] is False
    assert get(service, first["next_page"]) == first
    assert len(pages(service, "incremental/tickets/cursor.json", start_time=0)) == 1


def test_an_export_carries_metrics_if_asked_to(service: Zendesk) -> None:
    write(service, "tickets", 2)
    service.store.put("ticket_metrics", "10", {"ticket_id": 1, "reopens": 3})

    with_metrics = get(service, "incremental/tickets/cursor.json", start_time=0, include="metric_sets")["tickets"]

    assert with_metrics[0]["metric_set"]["reopens"] == 3
    assert with_metrics[1]["metric_set"] is None
    assert "metric_set" not in get(service, "incremental/tickets/cursor.json", start_time=0)["tickets"][0]


def test_a_list_is_read_by_its_links(service: Zendesk) -> None:
    write(service, "groups", 250, a_second=10)
    page = get(service, "groups.json", **{"page[size]": 100})
    rows = ids(page, "groups")
    service.store.delete("groups", "100")
    while page["meta"]["has_more"]:
        page = get(service, page["links"]["next"])
        rows += ids(page, "groups")

    assert rows == list(range(1, 251))
    assert page["links"]["next"] is None
    assert len(service.requests("groups")) == 3


def test_ticket_metrics_are_newest_first_and_lack_archived_tickets(service: Zendesk) -> None:
    for number, status in enumerate(("closed", "solved", "closed"), 1):
        service.store.put("tickets", str(number), {"status": status})
        service.store.put("ticket_metrics", str(number + 10), {"ticket_id": number})
        service.advance(days=1)

    def listed() -> list[int]:
        return ids(get(service, "ticket_metrics.json", **{"page[size]": 100}), "ticket_metrics")

    assert listed() == [13, 12, 11]
    first = get(service, "ticket_metrics.json", **{"page[size]": 2})
    assert ids(get(service, first["links"]["next"]), "ticket_metrics") == [11]
    service.advance(days=117)
    assert listed() == [13, 12]


def test_satisfaction_ratings_are_filtered_by_creation(service: Zendesk) -> None:
    write(service, "satisfaction_ratings", 10)
    service.store.change("satisfaction_ratings", "1", score="good")
    params = {"page[size]": 3, "start_time": UNIX + 4, "end_time": UNIX + 8}

    page = get(service, "satisfaction_ratings.json", **params)

    assert ids(page, "satisfaction_ratings") == [5, 6, 7]
    assert ids(get(service, page["links"]["next"]), "satisfaction_ratings") == [8, 9]


def test_who_asks_is_told_or_refused(service: Zendesk) -> None:
    me = f"{service.url}/api/v2/users/me.json"
    wrong = requests.get(me, auth=(f"{service.email}/token", "wrong"), timeout=5)
    bearer = {"Authorization": f"Bearer {service.access_token}"}

    assert get(service, "users/me.json")["user"]["email"] == service.email
    assert requests.get(me, headers=bearer, timeout=5).json()["user"]["id"] == 1
    assert requests.get(me, timeout=5).json()["user"]["id"] is None
    assert (wrong.status_code, wrong.json()) == (401, {"error": "Couldn't authenticate you"})
    assert requests.get(f"{service.url}/api/v2/groups.json", timeout=5).status_code == 401
    service.faults.on(Fault.TOKEN_EXPIRED)
    assert ask(service, "users/me.json").json()["error"] == "invalid_token"
    service.forbidden = {"tickets"}
    forbidden = ask(service, "incremental/tickets/cursor.json", start_time=0)
    assert (forbidden.status_code, forbidden.json()["error"]["title"]) == (403, "Forbidden")


def test_what_it_refuses(service: Zendesk) -> None:
    refused = {
        "incremental/groups/cursor.json?start_time=0": 404,
        "incremental/groups.json?start_time=0": 404,
        "leads.json?page[size]=1": 404,
        "incremental/tickets/cursor.json": 422,
        "incremental/tickets/cursor.json?start_time=today": 422,
        "incremental/tickets/cursor.json?cursor=x": 400,
        "incremental/tickets/cursor.json?start_time=0&per_page=1001": 400,
        "users.json": 400,
        "users.json?page[size]=101": 400,
        "users.json?page[size]=1&page[after]=x": 400,
    }

    assert {path: ask(service, path).status_code for path in refused} == refused


def test_ten_exports_a_minute_are_answered(service: Zendesk) -> None:
    service.limit_exports = True
    statuses = [ask(service, "incremental/tickets/cursor.json", start_time=0).status_code for _ in range(10)]

    limited = ask(service, "incremental/organizations.json", start_time=0)

    assert statuses == [200] * 10
    assert limited.status_code == 429
    assert 50 <= int(limited.headers["Retry-After"]) <= 60
    assert ask(service, "groups.json", **{"page[size]": 1}).status_code == 200
    service.export_window = 0.0
    assert ask(service, "incremental/organizations.json", start_time=0).status_code == 200


def test_a_repeated_cursor_asks_for_the_same_page_again(service: Zendesk) -> None:
    for kind in ("tickets", "organizations", "groups"):
        write(service, kind, 30)
    first = get(service, "incremental/tickets/cursor.json", start_time=0, per_page=10)
    listed = get(service, "groups.json", **{"page[size]": 10})
    service.faults.on(Fault.REPEATED_CURSOR, "cursor=")
    service.faults.on(Fault.REPEATED_CURSOR, "organizations")
    service.faults.on(Fault.REPEATED_CURSOR, "groups.*after")

    repeated = get(service, first["after_url"])
    by_time = get(service, "incremental/organizations.json", start_time=5)
    list_again = get(service, listed["links"]["next"])

    assert (repeated["after_cursor"], repeated["end_of_stream"]) == (first["after_cursor"], False)
    assert get(service, repeated["after_url"])["tickets"] == repeated["tickets"]
    assert by_time["next_page"].endswith("organizations.json?start_time=5")
    assert by_time["end_of_stream"] is False
    assert list_again["meta"] == {**listed["meta"], "has_more": True}


def test_faults_have_the_shape_of_the_service(service: Zendesk) -> None:
    service.faults.on(Fault.TOO_MANY_REQUESTS, retry_after=7)
    limited = ask(service, "groups.json")

    assert (limited.status_code, limited.headers["Retry-After"]) == (429, "7")
    assert limited.json()["error"] == "TooManyRequests"


def test_pages_of_a_large_export_do_not_scan_the_store_again(service: Zendesk, monkeypatch: pytest.MonkeyPatch) -> None:
    write(service, "tickets", 3_000)
    scans: list[str] = []
    newest = service.store.newest

    def counted(kind: str) -> Iterator[tuple[str, Version, Version]]:
        scans.append(kind)
        return newest(kind)

    monkeypatch.setattr(service.store, "newest", counted)
    assert len(pages(service, "incremental/tickets/cursor.json", start_time=0)) == 3
    assert scans == ["tickets"]
    service.advance(minutes=1)
    get(service, "incremental/tickets/cursor.json", start_time=0)
    assert scans == ["tickets", "tickets"]
