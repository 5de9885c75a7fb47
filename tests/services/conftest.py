"""A company whose records are at a stand-in, and short ways to extract from it and to look at what came."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sandbox.standins.faults import Fault
from sandbox.standins.serving import Service
from scorecard.checks.from_extract import from_extract
from scorecard.checks.results import CheckResult
from scorecard.extract import ExtractResult, extract_source, load_contracts
from scorecard.extract.services import http
from scorecard.shared.settings import Settings
from tests.conftest import PROJECT, SETTINGS_FILE

from .postgres import Postgres


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits between tries are proved by one test; the others don't wait for them."""
    monkeypatch.setattr(http, "_wait", lambda state: 0.0)


PASSING = [
    Fault.TOO_MANY_REQUESTS,
    Fault.TOO_MANY_REQUESTS_BARE,
    Fault.SERVER_ERROR,
    Fault.CUT_IN_MID_PAGE,
    Fault.DROPPED,
    Fault.TIMEOUT,
    Fault.TRUNCATED_GZIP,
    Fault.HTML,
    Fault.TOKEN_EXPIRED,
    Fault.AT_ONCE,
]


@pytest.fixture(params=PASSING)
def passing(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Fault:
    """A fault that another try mends. The client gives up on an answer before a TIMEOUT of the stand-in is over."""
    fault: Fault = request.param
    if fault is Fault.TIMEOUT:
        monkeypatch.setattr(http, "TIMEOUT", (5, 0.7))
    return fault


@dataclass
class Reader:
    """The product's side: one source, extracted into a warehouse of its own."""

    root: Path
    name: str
    service: Service
    connection: dict[str, Any]
    own: dict[str, Any] = field(default_factory=dict)
    progress: list[str] = field(default_factory=list)
    suspect_lost_share: float = 1

    @property
    def settings(self) -> Settings:
        unit = {"business_unit": "Simulated", "currency": "EUR", **self.own}
        where = {"host": self.service.url, **self.connection}
        return Settings(
            project=self.root,
            state=self.root / "state",
            services={self.name: unit},
            connections={self.name: where},
            suspect_lost_share=self.suspect_lost_share,
            suspect_lost_share_of_any_size=self.suspect_lost_share,
        )

    @property
    def declaration(self) -> Path:
        return self.root / f"dbt_project/models/staging/{self.name}/_sources.yml"

    def extract(self) -> ExtractResult:
        return extract_source(self.settings, load_contracts(self.settings)[self.name], self.progress.append)

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(self.settings.warehouse, read_only=True) as db:
            db.execute("set TimeZone = 'UTC'")
            return db.execute(query).fetchall()

    def current(self, table: str, columns: str) -> list[tuple[Any, ...]]:
        """The records that are there, as staging takes them."""
        return self.sql(
            f"select {columns} from raw_{self.name}.{table}"
            " where _valid_to is null and _deleted_at is null order by all"
        )

    def tombstones(self, table: str) -> dict[str, str]:
        rows = self.sql(
            f"select id, _deleted_reason from raw_{self.name}.{table}"
            " where _valid_to is null and _deleted_at is not null"
        )
        return dict(rows)


@pytest.fixture(scope="session")
def server() -> Iterator[Postgres]:
    """One server for all tests: they share the xdist group `postgres`."""
    server = Postgres()
    yield server
    server.stop()


Connect = Callable[..., Reader]


def reader_at(root: Path, name: str, service: Service, connection: dict[str, Any], **own: Any) -> Reader:
    """The product's side of a service, in an empty folder."""
    target = root / f"dbt_project/models/staging/{name}"
    target.mkdir(parents=True)
    shutil.copy(SETTINGS_FILE, root)
    shutil.copy(PROJECT / f"dbt_project/models/staging/{name}/_sources.yml", target)
    return Reader(root, name, service, connection, own)


@pytest.fixture
def connect(tmp_path: Path) -> Iterator[Connect]:
    """Start a stand-in, and give the product's side of it."""
    running: list[Service] = []

    def connect(name: str, service: Service, connection: dict[str, Any], **own: Any) -> Reader:
        running.append(service.__enter__())
        return reader_at(tmp_path / name, name, service, connection, **own)

    yield connect
    for service in running:
        service.__exit__()


def quarantine_of(reader: Reader, table: str) -> CheckResult:
    """What the checks say of the records in quarantine."""
    name = f"extract.{reader.name}.{table}.no_row_in_quarantine"
    with duckdb.connect(reader.settings.warehouse, read_only=True) as db:
        results = from_extract(db, reader.settings, [reader.name], {})
    return next(result for result in results if result.check_id == name)


def in_quarantine(reader: Reader, table: str) -> int:
    """How many records the checks say are in quarantine."""
    return quarantine_of(reader, table).failures


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text + "+00:00")
