"""An independent extractor beside ours: Singer's taps of Stripe and Zendesk pull the same stand-ins, twice.

    python tests/benchmarks/tap.py [stripe|zendesk] [days between the two runs] [size of the simulated company]

Prints, by stream, whose records are those that the service holds, which fields differ, rows per CPU second. The taps
come from PyPI into an environment of their own (`var/taps`, half a minute), since they need older libraries than the
project. Their messages are kept as a target would keep them: the newest of each key. Ours also writes the warehouse.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tools")]

import duckdb  # noqa: E402

from sandbox.company import Plan  # noqa: E402
from sandbox.demo.running import RunningCompany, apart  # noqa: E402

TAPS = ROOT / "var" / "taps"
PACKAGES = ("tap-stripe==3.3.0", "tap-zendesk==2.8.2")
LAUNCHER = Path(__file__).with_name("tap_launcher.py")
FIRST = datetime(2025, 1, 1, 4, tzinfo=UTC)

Rows = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Stream:
    """A stream of a tap, the raw table that holds the same, the stand-in's kind, and the fields to compare."""

    name: str
    table: str
    kind: str
    fields: tuple[str, ...]


STREAMS = {
    "stripe": (
        Stream("customers", "customer", "customer", ("name", "email")),
        Stream("products", "product", "product", ("name", "active")),
        Stream("coupons", "coupon", "coupon", ("name", "percent_off")),
        Stream("subscriptions", "subscription", "subscription", ("customer", "status", "cancel_at_period_end")),
        Stream("subscription_items", "subscription_item", "", ("quantity",)),
        Stream("invoices", "invoice", "invoice", ("customer", "status", "total", "amount_paid")),
        Stream("invoice_line_items", "invoice_line", "", ("amount", "quantity")),
        Stream("charges", "charge", "charge", ("amount", "amount_refunded", "status")),
    ),
    "zendesk": (
        Stream("tickets", "ticket", "tickets", ("status", "priority", "assignee_id", "organization_id")),
        Stream("users", "user", "users", ("name", "email", "role")),
        Stream("organizations", "organization", "organizations", ("name", "external_id")),
        Stream("groups", "group", "groups", ("name",)),
        Stream("satisfaction_ratings", "satisfaction_rating", "satisfaction_ratings", ("score", "ticket_id")),
    ),
}
CONFIGS: dict[str, dict[str, Any]] = {
    "stripe": {"account_id": "acct_simulated"},
    "zendesk": {"subdomain": "simulated"},
}


@dataclass
class Tap:
    """A tap, its state, and what its target would hold."""

    service: str
    connection: dict[str, str]
    folder: Path
    streams: tuple[Stream, ...]
    kept: dict[str, Rows] = field(default_factory=dict)
    messages: int = 0

    def run(self, now: datetime) -> None:
        """Run it once, from where it was."""
        name = f"tap_{self.service}"
        secret = {"client_secret": self.connection["password"]}
        if self.service == "zendesk":
            secret = {"access_token": "simulated-oauth"}
        config = {"start_date": "2022-12-01T00:00:00Z", **CONFIGS[self.service], **secret}
        (self.folder / "config.json").write_text(json.dumps(config))
        streams = ",".join(stream.name for stream in self.streams)
        files = (str(self.folder / "config.json"), str(self.folder / "state.json"))
        command = [
            *(str(TAPS / "bin" / "python"), str(LAUNCHER), name, self.connection["host"]),
            *(str(int(now.timestamp())), *files, streams),
        ]
        with (self.folder / "messages").open("wb") as out, (self.folder / "log").open("wb") as log:
            done = subprocess.run(command, stdout=out, stderr=log)
        if done.returncode:
            print(f"tap-{self.service} ended with: {_last_line(self.folder / 'log')}")

    def count(self) -> int:
        """Return how many records it has told so far."""
        return self.messages

    def keep(self) -> None:
        """Take in the messages of the last run, as a target does."""
        for line in (self.folder / "messages").read_text().splitlines():
            message = json.loads(line)
            if message["type"] == "RECORD":
                self.messages += 1
                self.kept.setdefault(message["stream"], {})[str(message["record"]["id"])] = message["record"]
            if message["type"] == "STATE":
                (self.folder / "state.json").write_text(json.dumps(message["value"]))


@dataclass
class Ours:
    """The product, with a warehouse of its own."""

    service: str
    connection: dict[str, str]
    folder: Path

    def run(self, _: datetime) -> None:
        """Extract once, from where it was."""
        unit = {self.service: {"business_unit": "Simulated", "currency": "EUR"}}
        env = {name: value for name, value in os.environ.items() if not name.startswith("SCORECARD_")}
        env |= {
            "SCORECARD_STATE": str(self.folder),
            "SCORECARD_SERVICES": json.dumps(unit),
            "SCORECARD_CONNECTIONS": json.dumps({self.service: self.connection}),
        }
        command = [sys.executable, "-m", "scorecard.cli", "extract", self.service]
        subprocess.run(command, env=env, cwd=ROOT, check=True, capture_output=True)

    def rows(self, stream: Stream) -> Rows:
        """Return the records that are there, as staging takes them."""
        with duckdb.connect(self.folder / "warehouse.duckdb", read_only=True) as db:
            cursor = db.execute(
                f'select * from raw_{self.service}."{stream.table}" where _valid_to is null and _deleted_at is null'
            )
            names = [column[0] for column in cursor.description]
            return {str(row[names.index("id")]): dict(zip(names, row, strict=True)) for row in cursor.fetchall()}

    def count(self) -> int:
        """Return how many versions of records it holds."""
        if not (self.folder / "warehouse.duckdb").exists():
            return 0
        with duckdb.connect(self.folder / "warehouse.duckdb", read_only=True) as db:
            tables = [stream.table for stream in STREAMS[self.service]]
            counts = [db.execute(f'select count(*) from raw_{self.service}."{name}"').fetchone() for name in tables]
            return sum(count[0] for count in counts if count)


def install() -> None:
    """Make the taps' environment, unless it is there."""
    if not (TAPS / "ready").exists():
        print("Installing the taps")
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(TAPS)], check=True)
        subprocess.run([str(TAPS / "bin" / "pip"), "install", "--quiet", *PACKAGES], check=True)
        (TAPS / "ready").touch()


def cpu_of(work: Callable[[datetime], None], now: datetime) -> float:
    """Run something that works in a process of its own; return the CPU seconds of that."""

    def used() -> float:
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return children.ru_utime + children.ru_stime

    before = used()
    work(now)
    return used() - before


def compare(running: RunningCompany, stream: Stream, tap: Rows, ours: Rows, service: str) -> None:
    """Print how two sets of records differ, and whose are those that the service holds."""
    held = set(running.state(service, stream.kind)) if stream.kind else set(ours)
    gone = [tap[key] for key in set(tap) - held]
    print(
        f"  {stream.name:22}{len(held):8} held{len(tap):8} tap{len(ours):8} ours"
        f"   gone but kept: {len(gone)} tap ({sum(map(says_gone, gone))} say so), {len(set(ours) - held)} ours"
        f"   missing: {len(held - set(tap))} tap, {len(held - set(ours))} ours"
    )
    for name in stream.fields:
        other = [key for key in set(tap) & set(ours) if plain(tap[key].get(name)) != plain(ours[key][name])]
        if other:
            key = min(other)
            print(f"    {name} differs in {len(other)}: {key}: tap {tap[key].get(name)!r}, ours {ours[key][name]!r}")


def says_gone(record: dict[str, Any]) -> bool:
    """Whether a record of a tap says of itself, in some field, that it was deleted."""
    event = str(record.get("updated_by_event_type"))
    return record.get("status") == "deleted" or record.get("active") is False or event.endswith(".deleted")


def plain(value: Any) -> Any:
    """Return a number as one number, whatever its type is."""
    return value if value is None or isinstance(value, str | bool) else float(value)


def side_by_side(service: str, days: float = 14, size: int = 600) -> None:
    """Run both, let time pass, run both again, and print what came of it."""
    plan = Plan(seed=3, size=size, years=25 / 12, start=date(2023, 1, 1), mistakes=0.06)
    with apart(plan, FIRST) as running, tempfile.TemporaryDirectory() as folder:
        connection = running.connections()[service]
        tap = Tap(service, connection, Path(folder, "tap"), STREAMS[service])
        ours = Ours(service, connection, Path(folder, "ours"))
        tap.folder.mkdir()
        for moment in (FIRST, FIRST + timedelta(days=days)):
            running.move_to(moment)
            print(f"{service}, {moment:%Y-%m-%d %H:%M}")
            for one in (tap, ours):
                rows, requests = one.count(), running.requests()
                cpu = cpu_of(one.run, moment)
                if isinstance(one, Tap):
                    one.keep()
                rows, requests = one.count() - rows, running.requests() - requests
                name = type(one).__name__
                print(f"  {name:5}{rows:8} rows {cpu:6.1f} CPU s {rows / cpu:8,.0f} rows/CPU s {requests:6} requests")
            for stream in STREAMS[service]:
                compare(running, stream, tap.kept.get(stream.name, {}), ours.rows(stream), service)


def _last_line(log: Path) -> str:
    return (log.read_text().strip().splitlines() or ["nothing"])[-1]


if __name__ == "__main__":
    install()
    given = sys.argv[2:]
    for chosen in sys.argv[1:2] or STREAMS:
        side_by_side(chosen, *map(float, given[:1]), *map(int, given[1:2]))
