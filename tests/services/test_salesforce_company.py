"""A simulated company's Salesforce: of every object, each column in the warehouse has what the org has."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from sandbox.company import Plan, simulate
from sandbox.standins.record_store import Fields, Store
from sandbox.standins.salesforce import Salesforce
from scorecard.extract import load_contracts
from scorecard.extract.contracts.contract import Column, ObjectContract
from scorecard.extract.services import salesforce as connector

from .conftest import Connect, Reader
from .test_salesforce import reader_of

PLAN = Plan(seed=4, size=15, years=1, mistakes=0.2)


@pytest.fixture(scope="module")
def store() -> Store:
    return simulate(PLAN).salesforce


@pytest.fixture
def org(store: Store) -> Salesforce:
    """The org after nine months."""
    store.now = PLAN.ends - timedelta(days=90)
    return Salesforce(store)


def truth(store: Store, contract: ObjectContract) -> list[tuple[Any, ...]]:
    """The records of an object that are there, as the columns of its table."""
    return sorted(
        tuple(expected_value(store, contract.object, record_id, fields, column) for column in contract.columns)
        for record_id, fields in store.state(contract.object).items()
    )


def expected_value(store: Store, kind: str, record_id: str, fields: Fields, column: Column) -> Any:
    versions = store.versions(kind, record_id)
    system = {"Id": record_id, "CreatedDate": versions[0].at, "SystemModstamp": versions[-1].at}
    value = {**fields, **system}.get(column.header)
    if value is None:
        return None
    match column.data_type.partition("(")[0]:
        case "timestamptz":
            return (value if isinstance(value, datetime) else datetime.fromisoformat(value)).astimezone(UTC)
        case "date":
            return date.fromisoformat(value)
        case "decimal":
            return Decimal(str(value))
    return value


def compare(reader: Reader, store: Store) -> None:
    for contract in load_contracts(reader.settings)["salesforce"].objects:
        names = [column.name for column in contract.columns]
        assert names[0] == "id", "rows are compared in the order of their ids"
        current = reader.current(contract.name, ", ".join(names))
        assert current == truth(store, contract), contract.name
        assert current, f"{contract.name}: nothing is there to be compared"


@pytest.mark.parametrize("bulk_above", [50_000, 10])
def test_every_column_of_every_object(
    connect: Connect, org: Salesforce, monkeypatch: pytest.MonkeyPatch, bulk_above: int
) -> None:
    monkeypatch.setattr(connector.fixed, "POLL_SECONDS", 0.0)
    reader = reader_of(connect, org, objects=(), bulk_above=bulk_above)
    reader.extract()
    assert bool(org.requests("/results")) == (bulk_above == 10)
    compare(reader, org.store)
    org.store.now = PLAN.ends
    reader.extract()
    compare(reader, org.store)
    for table in ("contact", "lead", "quote", "task"):
        assert reader.tombstones(table), f"{table}: nothing has gone meanwhile"
