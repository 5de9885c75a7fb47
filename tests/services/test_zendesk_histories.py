"""Whatever happens at the account or on the way, the warehouse ends with the account's own state."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sandbox.standins.faults import Fault
from sandbox.standins.record_store import Store
from sandbox.standins.zendesk.server import Zendesk

from .conftest import Reader, reader_at
from .histories import HISTORIES, attempt, kill
from .test_zendesk import BEGIN, FIELDS, metric, names, organization, rating, ticket, truth, user

KINDS = ("tickets", "users", "organizations", "groups", "satisfaction_ratings")
FAULTS = [
    Fault.TOO_MANY_REQUESTS,
    Fault.SERVER_ERROR,
    Fault.CUT_IN_MID_PAGE,
    Fault.DROPPED,
    Fault.HTML,
    Fault.TOKEN_EXPIRED,
    Fault.REPEATED_CURSOR,
]
KIND, NUMBER = st.sampled_from(KINDS), st.integers(1, 4)
STEP = st.one_of(
    st.tuples(st.just("put"), KIND, NUMBER, st.integers(0, 3)),
    st.tuples(st.just("put"), KIND, NUMBER, st.integers(0, 3)),
    st.tuples(st.just("delete"), KIND, NUMBER, NUMBER),
    st.tuples(st.just("wait"), st.just(""), st.sampled_from([1, 30, 60, 3600, 86_400, 31 * 86_400]), st.just(0)),
    st.tuples(st.just("fault"), KIND, st.sampled_from(range(len(FAULTS))), st.integers(0, 4)),
    st.tuples(st.just("gone"), KIND, st.integers(1, 3), st.just(0)),
    st.tuples(st.just("extract"), st.just(""), st.just(0), st.just(0)),
    st.tuples(st.just("kill"), st.just(""), st.integers(1, 2), st.just(0)),
)


def record(kind: str, number: int, value: int) -> dict[str, Any]:
    match kind:
        case "tickets":
            return ticket(number, status=f"s{value}", group_id=value or None)
        case "satisfaction_ratings":
            return rating(number, score=("good", "bad")[value % 2])
        case "users":
            return user(number, name=f"Sim {value}")
        case "organizations":
            return {**organization(number), "name": f"Sim {value}"}
    return {"name": f"Sim {value}"}


def put(store: Store, kind: str, number: int, value: int) -> None:
    store.put(kind, str(number), record(kind, number, value))
    if kind == "tickets":
        store.put("ticket_metrics", str(1000 + number), metric(number, reopens=value))


def act(account: Zendesk, reader: Reader, step: tuple[str, str, int, int]) -> None:
    what, kind, number, value = step
    store = account.store
    match what:
        case "put":
            put(store, kind, number, value)
        case "delete" if str(number) in store.state(kind):
            store.delete(kind, str(number), merged_into=str(value) if value != number else None)
        case "wait":
            account.advance(seconds=number)
        case "fault":
            account.faults.on(FAULTS[number], path=kind, times=2, after=value, retry_after=1)
        case "gone":
            account.faults.on(Fault.TOO_MANY_REQUESTS, path=kind, after=number, retry_after=3600)
        case "extract":
            attempt(reader)
        case "kill":
            kill(reader, loaded=number == 2)


def compare(reader: Reader, account: Zendesk) -> None:
    """Hold what is current against the account, object by object."""
    reopens = {metrics["ticket_id"]: metrics["reopens"] for metrics in account.store.state("ticket_metrics").values()}
    columns = ", ".join(FIELDS)
    assert reader.current("ticket", f"id, {columns}") == truth(account)
    assert dict(reader.current("ticket", "id, reopens")) == {
        int(ticket_id): reopens[int(ticket_id)] for ticket_id in account.store.state("tickets")
    }
    for kind in ("users", "organizations", "groups"):
        assert reader.current(f'"{kind[:-1]}"', "id, name") == names(account, kind)
    ratings = account.store.state("satisfaction_ratings")
    assert reader.current("satisfaction_rating", "id, score") == sorted(
        (int(rating_id), fields["score"]) for rating_id, fields in ratings.items()
    )


@HISTORIES
@given(steps=st.lists(STEP, min_size=4, max_size=14))
def test_any_history_ends_in_the_accounts_own_state(steps: list[tuple[str, str, int, int]]) -> None:
    account = Zendesk(Store(BEGIN))
    for kind in KINDS:
        put(account.store, kind, 1, 0)
        put(account.store, kind, 2, 1)
    account.advance(minutes=2)
    with TemporaryDirectory() as folder, account:
        login = {"login": f"{account.email}/token", "password": account.api_token}
        reader = reader_at(Path(folder), "zendesk", account, login, page_size=2)
        for step in steps:
            act(account, reader, step)
        account.faults.off()
        # By then no id can hide: the minute left out and the comparison of ids have both passed over it.
        account.advance(days=8)
        reader.extract()
        compare(reader, account)
        for table in ("ticket", '"user"', "organization", '"group"', "satisfaction_rating"):
            twice = f"select id from raw_zendesk.{table} where _valid_to is null group by id having count(*) > 1"
            assert reader.sql(twice) == []
