"""Whatever happens at the org or on the way, the warehouse ends with the org's own state."""

from datetime import timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.standins.faults import Fault
from sandbox.standins.record_store import Store
from sandbox.standins.salesforce import Field, Salesforce
from scorecard.extract.services import salesforce as connector

from .conftest import Reader, reader_at
from .histories import HISTORIES, attempt, kill
from .test_salesforce import BEGIN, COLUMNS, key, opportunity, truth

Step = tuple[str, int, Any]

NUMBERS = st.integers(1, 6)
ANYWHERE = [
    Fault.TOO_MANY_REQUESTS_BARE,
    Fault.SERVER_ERROR,
    Fault.CUT_IN_MID_PAGE,
    Fault.DROPPED,
    Fault.TRUNCATED_GZIP,
    Fault.HTML,
]
LOGGED_IN = [*ANYWHERE, Fault.TOKEN_EXPIRED, Fault.QUOTA_GONE]
QUERY, MADE, POLLED, PART = r"/query(All)?\?", "POST .*/jobs/query", r"jobs/query/\w+\?", "/results"
OF_PAGES = [
    *((fault, "token") for fault in ANYWHERE),
    *((fault, path) for path in ("describe", QUERY) for fault in LOGGED_IN),
    (Fault.REPEATED_CURSOR, QUERY),
]
OF_JOBS = [
    *((fault, path) for path in (MADE, POLLED, PART) for fault in LOGGED_IN),
    (Fault.REPEATED_CURSOR, PART),
    (Fault.JOB_ABORTED, POLLED),
]
"""What may go wrong with each request that an extraction makes, by pages and, besides, in bulk."""
STEP = st.one_of(
    st.tuples(st.just("put"), NUMBERS, st.integers(0, 3)),
    st.tuples(st.just("delete"), NUMBERS, st.sampled_from(["Opportunity", "Account"])),
    st.tuples(st.just("account"), NUMBERS, st.integers(0, 3)),
    st.tuples(st.just("merge"), NUMBERS, NUMBERS),
    st.tuples(st.just("late"), NUMBERS, st.sampled_from([0, 300, 86_400])),
    st.tuples(st.just("wait"), st.sampled_from([1, 60, 3600, 86_400, 20 * 86_400]), st.just(0)),
    st.tuples(st.just("extract"), st.integers(0, 3), st.sampled_from([0, 0, 0, 1])),
    st.tuples(st.just("extract"), st.integers(0, 3), st.sampled_from([0, 0, 0, 1])),
    st.tuples(st.just("kill"), st.integers(1, 2), st.just(0)),
)
PREFIX = {"Opportunity": "006", "Account": "001"}


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connector.fixed, "POLL_SECONDS", 0.0)
    monkeypatch.setattr(connector.fixed, "BULK_PAGE", 2)


def account(number: int, value: int = 0) -> dict[str, Any]:
    return {"Name": f"Sim {number}", "Industry": f"I{value}" if value else None, "BillingCountry": "DE"}


def act(org: Salesforce, reader: Reader, step: Step, chance: Random) -> None:
    what, number, value = step
    store = org.store
    accounts = store.state("Account")
    match what:
        case "put":
            store.put("Opportunity", key(number), opportunity(number, StageName=f"S{value}", Amount=value or None))
        case "delete" if (record := key(number, PREFIX[value])) in store.state(value):
            store.delete(value, record)
        case "account" if not merged_into(store, key(number, "001")):
            store.put("Account", key(number, "001"), account(number, value))
        case "merge" if number != value and {key(number, "001"), key(value, "001")} <= accounts.keys():
            store.delete("Account", key(number, "001"), merged_into=key(value, "001"))
        case "late" if not store.versions("Opportunity", key(number + 50)):
            # Committed now, stamped before: within the overlap that is read again, or found by its id.
            store.put("Opportunity", key(number + 50), opportunity(number), at=store.now - timedelta(seconds=value))
        case "wait":
            org.advance(seconds=number)
        case "extract":
            fault, path = chance.choice(OF_JOBS if reader.own["bulk_above"] == 1 and number else OF_PAGES)
            org.faults.on(fault, path=path, after=value)
            attempt(reader)
        case "kill":
            kill(reader, loaded=number == 2)


def merged_into(store: Store, record: str) -> str | None:
    """Return what a record was merged into, for good."""
    versions = store.versions("Account", record)
    return versions[-1].merged_into if versions else None


@HISTORIES
@given(steps=st.lists(STEP, min_size=2, max_size=6), bulk_above=st.sampled_from([1, 50_000]))
def test_any_history_ends_in_the_orgs_own_state(steps: list[Step], bulk_above: int) -> None:
    # Which fault an extraction meets follows from all the steps: what is drawn by itself is mostly the same few.
    chance = Random(repr(steps))
    org = Salesforce(Store(BEGIN), page_size=200)
    org.objects.schema["Opportunity"] = {"Amount": Field("double")}
    # To those of the number 9 nothing happens: the stand-in knows no field that no record has.
    # In a bulk job's result the newest come first here, so that a part which is missed is missed for good.
    for number in (9, 3, 2, 1):
        at = BEGIN - timedelta(days=20 - number)
        org.store.put("Opportunity", key(number), opportunity(number), at)
        org.store.put("Account", key(number, "001"), account(number), at)
    with TemporaryDirectory() as folder, org:
        login = {"login": org.login.client_id, "password": org.login.client_secret}
        own = {"objects": ("account", "opportunity"), "concurrency": 1, "bulk_above": bulk_above}
        reader = reader_at(Path(folder), "salesforce", org, login, **own)
        for step in steps:
            act(org, reader, step, chance)
        org.faults.off()
        # By then no id can hide: the overlap and the comparison of ids have both passed over it.
        org.advance(days=8)
        reader.extract()
        assert reader.current("opportunity", COLUMNS) == truth(org)
        current = reader.current("account", "id, name, industry")
        assert current == sorted(
            (account_id, f["Name"], f["Industry"]) for account_id, f in org.store.state("Account").items()
        )
        for record, reason in reader.tombstones("account").items():
            into = merged_into(org.store, record)
            assert reason in (f"merged into {into}", "no longer in the service" if into else "deleted"), record
        for table in ("account", "opportunity"):
            once = f"select id from raw_salesforce.{table} where _valid_to is null group by id having count(*) > 1"
            assert reader.sql(once) == []
