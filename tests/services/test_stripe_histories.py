"""Whatever happens at Stripe between extractions, and whatever goes wrong in them, the tables end as the account is."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from sandbox.standins.faults import Fault
from sandbox.standins.record_store import Store
from sandbox.standins.stripe.server import Stripe

from .conftest import Reader, reader_at
from .histories import HISTORIES, attempt, kill
from .stripe_account import (
    BEGIN,
    CUSTOMER,
    DISCOUNT,
    INVOICE,
    LINE,
    customer,
    discount,
    invoice,
    record,
    subscription,
    truth,
)

TABLES = {
    "customer": CUSTOMER,
    "invoice": INVOICE,
    "invoice_line": LINE,
    "price": "id, created",
    "subscription": "id, created",
    "discount": DISCOUNT,
}
KINDS = ("customer", "invoice", "price", "subscription")
FAULTS = (
    Fault.TOO_MANY_REQUESTS,
    Fault.SERVER_ERROR,
    Fault.CUT_IN_MID_PAGE,
    Fault.DROPPED,
    Fault.TRUNCATED_GZIP,
    Fault.HTML,
    Fault.REPEATED_CURSOR,
    Fault.TOKEN_EXPIRED,
)
PATHS = ("/v1/", "/events", "starting_after", "/customers", "/invoices/", "/lines", "expand")

Step = Callable[[Stripe, Reader], None]


def put(kind: str, number: int, size: int, late: bool) -> Step:
    discounts = [discount(f"subscription_{number}", position) for position in range(size % 3)]
    fields = {
        "customer": customer(size),
        "invoice": invoice(number, lines=size),
        "price": {**record("price"), "active": bool(size % 2)},
        "subscription": subscription(discounts=discounts),
    }[kind]

    def step(org: Stripe, reader: Reader) -> None:
        now = org.store.now
        org.store.put(kind, f"{kind}_{number}", fields, now, now + timedelta(minutes=2 * late))

    return step


def delete(kind: str, number: int) -> Step:
    def step(org: Stripe, reader: Reader) -> None:
        if f"{kind}_{number}" in org.store.state(kind):
            org.store.delete(kind, f"{kind}_{number}")

    return step


def advance(seconds: int) -> Step:
    def step(org: Stripe, reader: Reader) -> None:
        org.advance(seconds=seconds)

    return step


def extract(fault: Fault | None, path: str, times: int, after: int, retry_after: int) -> Step:
    def step(org: Stripe, reader: Reader) -> None:
        if fault:
            org.faults.on(fault, path, times, after, retry_after)
        attempt(reader)

    return step


def end(loaded: bool) -> Step:
    def step(org: Stripe, reader: Reader) -> None:
        kill(reader, loaded)

    return step


NUMBERS = st.integers(1, 8)
STEPS = st.one_of(
    st.builds(put, st.sampled_from(KINDS), NUMBERS, st.integers(0, 12), st.booleans()),
    st.builds(put, st.sampled_from(KINDS), NUMBERS, st.integers(0, 12), st.just(False)),
    st.builds(delete, st.sampled_from(KINDS), NUMBERS),
    st.builds(advance, st.sampled_from((1, 60, 3_600, 86_400, 29 * 86_400, 31 * 86_400))),
    st.builds(end, st.booleans()),
    st.builds(
        extract,
        st.one_of(st.none(), st.sampled_from(FAULTS)),
        st.sampled_from(PATHS),
        st.sampled_from((1, 6)),
        st.integers(0, 6),
        st.sampled_from((0, 3_600)),
    ),
)


@HISTORIES
@given(steps=st.lists(STEPS, min_size=4, max_size=12), repeat_events=st.sampled_from((0, 2)), api=st.booleans())
def test_any_history_ends_as_the_account_is(steps: list[Step], repeat_events: int, api: bool) -> None:
    org = Stripe(Store(BEGIN))
    org.repeat_events = repeat_events
    if api:
        org.event_api_version = "2024-06-20"
    for number in range(1, 5):
        for kind in KINDS:
            put(kind, number, number, False)(org, None)
    with TemporaryDirectory() as folder, org:
        own = {"page_size": 3, "objects": tuple(TABLES), "concurrency": 1}
        reader = reader_at(Path(folder), "stripe", org, {"password": org.secret_key}, **own)
        for step in steps:
            step(org, reader)
        org.advance(minutes=5)
        # The first may have to end a listing that was interrupted; what changed meanwhile is read by the second.
        reader.extract()
        reader.extract()
        for table, columns in TABLES.items():
            assert reader.current(table, columns) == truth(org, table), table
