"""Rows per CPU second of extracting from each service, side by side: the product, DuckDB's read_json of the same
answers, dlt's default loader and a Singer tap (of Stripe and Zendesk, see tap.py) of a part of them; and the cost of a
run in which nothing has changed, and of one in which one record in a thousand has.

    python tests/benchmarks/extract.py [records [service …]]

A stand-in serves from a process of its own, whose CPU doesn't count.
"""

import json
import multiprocessing
import resource
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any

# Where bytecode isn't kept, each process would compile dlt anew: half the time of a small run.
sys.dont_write_bytecode = False
sys.path.insert(0, str(Path(__file__).parent))

import duckdb  # noqa: E402
from origins import BEGIN, ORIGINS  # noqa: E402
from tap import STREAMS, Tap, cpu_of, install  # noqa: E402

from scorecard.shared.settings import Settings  # noqa: E402

RECORDS = 500_000
PART = 20_000
"""Records that dlt's default loader and the tap get: one holds them all as text, the other takes minutes for more."""


def serve(pipe: Pipe, name: str, records: int) -> None:
    """Serve the records until told to change some, then until told to end."""
    origin = ORIGINS[name]
    service, login = origin.start(records)
    with service:
        pipe.send({"host": service.url, **login})
        pipe.recv()
        origin.change(service.store, records)
        pipe.send("changed")
        pipe.recv()


def extract(settings: Settings, name: str) -> None:
    """Extract as the product does."""
    from scorecard.extract import extract_source, load_contracts

    extract_source(settings, load_contracts(settings)[name])


def save(settings: Settings, name: str, folder: Path) -> None:
    """Extract once, and keep the answers that hold records."""
    from scorecard.extract.services.http import Http
    from scorecard.extract.services.response import ServiceResponse

    once, at = Http._once, f'"{ORIGINS[name].at}"'.encode()

    def kept(self: Http, *arguments: Any) -> ServiceResponse:
        answer = once(self, *arguments)
        if at in answer.body and len(answer.body) > 10_000 and "/events" not in answer.url:
            (folder / f"page-{self.requests_made:06}.json").write_bytes(answer.body)
        return answer

    Http._once = kept
    extract(settings, name)


def read_json(name: str, folder: Path) -> None:
    """Read the same answers, lying in files, with DuckDB alone."""
    with duckdb.connect(str(folder / "bare.duckdb")) as db:
        db.execute("set enable_progress_bar = false")
        db.execute(f"create table t as select unnest({ORIGINS[name].at}) from read_json('{folder}/page-*.json')")


def dlt_default(name: str, folder: Path) -> None:
    """Load a part of the answers with dlt as it comes: decoded records in, INSERT text to the warehouse."""
    import dlt

    def pages() -> Any:
        left = PART
        for path in sorted(folder.glob("page-*.json")):
            records = json.loads(path.read_bytes())[ORIGINS[name].at][:left]
            left -= len(records)
            yield records

    key = "Id" if name == "salesforce" else "id"
    pipeline = dlt.pipeline(
        "bench", pipelines_dir=str(folder / "dlt"), destination=dlt.destinations.duckdb(str(folder / "dlt.duckdb"))
    )
    pipeline.run(dlt.resource(pages, name="records", primary_key=key, write_disposition="merge"))


def measured(work: Callable[..., None], *arguments: Any) -> tuple[float, float]:
    """Run some work in a process of its own; return its CPU seconds and peak megabytes."""
    receiver, sender = multiprocessing.Pipe(duplex=False)

    def child() -> None:
        work(*arguments)
        used = resource.getrusage(resource.RUSAGE_SELF)
        sender.send((used.ru_utime + used.ru_stime, used.ru_maxrss / 1024))

    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(f"{work.__name__} failed")
    cpu, peak = receiver.recv()
    return float(cpu), float(peak)


def tell(name: str, what: str, rows: int, figures: tuple[float, float | None]) -> float:
    """Print a line, and return the CPU seconds of a row."""
    cpu, peak = figures
    memory = f"{peak:8.0f} MB" if peak else ""
    print(f"{name:11}{what:24}{rows:10,} rows {cpu:8.1f} CPU s {rows / cpu:12,.0f} rows/CPU s {memory}", flush=True)
    return cpu / max(rows, 1)


@contextmanager
def served(name: str, records: int) -> Iterator[tuple[Pipe, dict[str, str]]]:
    """Let a process serve records; yield the way to tell it to change some, and the connection."""
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs, name, records), daemon=True)
    server.start()
    yield ours, ours.recv()
    ours.send("end")
    server.join()


def tapped(name: str, records: int) -> tuple[float, None]:
    """Let the service's tap read some records; return its CPU seconds."""
    (stream,) = (candidate for candidate in STREAMS[name] if candidate.table == ORIGINS[name].table)
    with served(name, records) as (process, connection), tempfile.TemporaryDirectory() as folder:
        tap = Tap(name, connection, Path(folder), (stream,))
        cpu = cpu_of(tap.run, BEGIN + timedelta(minutes=records, days=1))
        tap.keep()
        process.send("change")
        process.recv()
    if tap.messages < records:
        raise SystemExit(f"The tap of {name} told {tap.messages} of {records} records.")
    return cpu, None


def compare(name: str, records: int) -> None:
    """Print the figures of one service."""
    with served(name, records) as (process, connection):
        measure(name, records, process, connection)


def measure(name: str, records: int, ours: Pipe, connection: dict[str, str]) -> None:
    """Print the figures of one service that is served."""
    folder = Path(tempfile.mkdtemp(prefix="extract-"))
    own = {"business_unit": "Simulated", "currency": "EUR", "objects": [ORIGINS[name].table], "bulk_above": 10**9}

    def settings(state: str) -> Settings:
        where = {"services": {name: own}, "connections": {name: connection}}
        return Settings(state=folder / state, **where)

    measured(save, settings("saved"), name, folder)
    bare = tell(name, "read_json", records, measured(read_json, name, folder))
    full = tell(name, "scorecard, all", records, measured(extract, settings("var"), name))
    tell(name, "scorecard, no change", 0, measured(extract, settings("var"), name))
    ours.send("change")
    ours.recv()
    changed = measured(extract, settings("var"), name)
    tell(name, "scorecard, 0.1 % changed", records // 1000, changed)
    part = min(PART, records)
    plain = tell(name, "dlt's default", part, measured(dlt_default, name, folder))
    if name in STREAMS:
        tap = tell(name, "a Singer tap", part, tapped(name, part))
        print(f"{name:11}the tap over scorecard: {tap / full:.1f} times the CPU")
    print(f"{name:11}scorecard over read_json: {full / bare:.1f} times the CPU")
    print(f"{name:11}dlt's default over scorecard: {plain / full:.1f} times the CPU")
    print(f"{name:11}0.1 % changed over all: 1/{full * records / changed[0]:.0f} of the CPU\n", flush=True)


if __name__ == "__main__":
    install()
    for origin in sys.argv[2:] or ORIGINS:
        compare(origin, int(sys.argv[1]) if len(sys.argv) > 1 else RECORDS)
