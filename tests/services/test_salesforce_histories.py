"""Whatever happens at the org, and whatever goes wrong between it and us: what is held ends as the org's own state."""

from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st
from sandbox.services.faults import Fault
from sandbox.services.salesforce import Field, Salesforce
from sandbox.services.store import Store

from .conftest import Reader, reader_at
from .histories import HISTORIES, attempt, kill
from .test_salesforce import BEGIN, COLUMNS, key, opportunity, truth

NUMBERS = st.integers(1, 6)
PASSING = [
    Fault.TOO_MANY_REQUESTS_BARE,
    Fault.SERVER_ERROR,
    Fault.CUT_IN_MID_PAGE,
    Fault.DROPPED,
    Fault.TRUNCATED_GZIP,
    Fault.HTML,
    Fault.TOKEN_EXPIRED,
    Fault.QUOTA_GONE,
]
STEP = st.one_of(
    st.tuples(st.just("put"), NUMBERS, st.integers(0, 3)),
    st.tuples(st.just("delete"), NUMBERS, st.just(0)),
    st.tuples(st.just("late"), NUMBERS, st.integers(0, 3)),
    st.tuples(st.just("wait"), st.sampled_from([1, 60, 3600, 86_400, 20 * 86_400]), st.just(0)),
    st.tuples(st.just("fault"), st.sampled_from(range(len(PASSING))), st.integers(0, 4)),
    st.tuples(st.just("extract"), st.just(0), st.just(0)),
    st.tuples(st.just("kill"), st.integers(1, 2), st.just(0)),
)


def act(org: Salesforce, reader: Reader, step: tuple[str, int, int]) -> None:
    what, number, value = step
    store, record = org.store, key(number)
    match what:
        case "put":
            store.put("Opportunity", record, opportunity(number, StageName=f"S{value}", Amount=value or None))
        case "delete" if record in store.state("Opportunity"):
            store.delete("Opportunity", record)
        case "late" if not store.versions("Opportunity", key(number + 50)):
            # Committed now, stamped before: within the overlap that is read again.
            store.put(
                "Opportunity", key(number + 50), opportunity(number), at=store.now - timedelta(seconds=100 * value)
            )
        case "wait":
            org.advance(seconds=number)
        case "fault":
            org.faults.on(PASSING[number], path="query", after=value)
        case "extract":
            attempt(reader)
        case "kill":
            kill(reader, loaded=number == 2)


@HISTORIES
@given(steps=st.lists(STEP, max_size=8))
def test_any_history_ends_in_the_orgs_own_state(steps: list[tuple[str, int, int]]) -> None:
    org = Salesforce(Store(BEGIN), page_size=200)
    org.objects.schema["Opportunity"] = {"Amount": Field("double")}
    org.store.put("Opportunity", key(1), opportunity(1))
    with TemporaryDirectory() as folder, org:
        login = {"login": org.login.client_id, "password": org.login.client_secret}
        reader = reader_at(Path(folder), "salesforce", org, login, objects=("opportunity",), concurrency=1)
        for step in steps:
            act(org, reader, step)
        org.faults.off()
        # By then no id can hide: the overlap and the comparison of ids have both passed over it.
        org.advance(days=8)
        reader.extract()
        assert reader.current("opportunity", COLUMNS) == truth(org)
        assert (
            reader.sql(
                "select id from raw_salesforce.opportunity where _valid_to is null group by id having count(*) > 1"
            )
            == []
        )
