"""Whatever happens at the account or on the way, the warehouse ends with the account's own state."""

from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sandbox.standins.faults import Fault
from sandbox.standins.hubspot import HubSpot
from sandbox.standins.record_store import Store

from .conftest import Reader, reader_at
from .histories import HISTORIES, attempt, kill
from .test_hubspot import BEGIN, COLUMNS, deal, seed, truth

NUMBERS = st.integers(1, 6)
PASSING = [
    Fault.TOO_MANY_REQUESTS_BARE,
    Fault.SERVER_ERROR,
    Fault.CUT_IN_MID_PAGE,
    Fault.DROPPED,
    Fault.TRUNCATED_GZIP,
    Fault.HTML,
    Fault.QUOTA_GONE,
]
STEP = st.one_of(
    st.tuples(st.just("put"), NUMBERS, st.integers(0, 3)),
    st.tuples(st.just("delete"), NUMBERS, st.just(0)),
    st.tuples(st.just("merge"), NUMBERS, NUMBERS),
    st.tuples(st.just("late"), NUMBERS, st.integers(0, 3)),
    st.tuples(st.just("wait"), st.sampled_from([1, 60, 3600, 86_400, 9 * 86_400]), st.just(0)),
    st.tuples(st.just("fault"), st.sampled_from(range(len(PASSING))), st.integers(0, 4)),
    st.tuples(st.just("extract"), st.just(0), st.just(0)),
    st.tuples(st.just("kill"), st.integers(1, 2), st.just(0)),
)


def act(account: HubSpot, reader: Reader, step: tuple[str, int, int]) -> None:
    what, number, value = step
    store, record = account.store, str(number)
    live = store.state("deals")
    # What was merged into another never comes back.
    versions = store.versions("deals", record)
    lost = bool(versions) and versions[-1].merged_into is not None
    match what:
        case "put" if not lost:
            store.put("deals", record, deal(number, dealstage=f"S{value}", amount=str(value) if value else ""))
        case "delete" if record in live:
            store.delete("deals", record)
        case "merge" if record in live and str(value) in live and number != value:
            store.delete("deals", record, merged_into=str(value))
        case "late" if not store.versions("deals", str(number + 50)):
            # Committed now, stamped before: within the overlap that is read again.
            store.put("deals", str(number + 50), deal(number), at=store.now - timedelta(seconds=100 * value))
        case "wait":
            account.advance(seconds=number)
        case "fault":
            account.faults.on(PASSING[number], path="/crm/", after=value)
        case "extract":
            attempt(reader)
        case "kill":
            kill(reader, loaded=number == 2)


def stages(account: HubSpot) -> list[tuple[Any, ...]]:
    return sorted((key, fields["dealstage"]) for key, fields in account.store.state("deals").items())


@HISTORIES
@given(steps=st.lists(STEP, max_size=8))
def test_any_history_ends_in_the_accounts_own_state(steps: list[tuple[str, int, int]]) -> None:
    account = HubSpot(Store(BEGIN))
    seed(account.store)
    account.store.put("deals", "1", deal(1))
    # One that nothing happens to: the stand-in knows no property that no deal has.
    account.store.put("deals", "9", deal(9))
    with TemporaryDirectory() as folder, account:
        own = {"objects": ("deal", "deal_stage_history"), "concurrency": 1, "page_size": 2}
        reader = reader_at(Path(folder), "hubspot", account, {"password": account.access_token}, **own)
        for step in steps:
            act(account, reader, step)
        account.faults.off()
        # By then no record can hide: the search's lag, the overlap and the comparison of ids have passed over it.
        account.advance(days=8)
        reader.extract()
        assert reader.current("deal", COLUMNS) == truth(account)
        twice = "select id from raw_hubspot.deal where _valid_to is null group by id having count(*) > 1"
        assert reader.sql(twice) == []
        newest = reader.sql(
            "select d.id, d.stage from raw_hubspot.deal as d where _valid_to is null and _deleted_at is null and exists"
            " (select 1 from raw_hubspot.deal_stage_history as h where h._valid_to is null and h._deleted_at is null"
            " and h.deal_id = d.id and h.stage = d.stage) order by all"
        )
        assert newest == stages(account), "the stage that a deal is in is in its history"
