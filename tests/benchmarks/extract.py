"""Rows per CPU second of extracting from Salesforce, side by side: the product, DuckDB's read_json of the same payload,
dlt's default loader; and the cost of a run in which one record in a thousand has changed.

    python tests/benchmarks/extract.py [records]

The stand-in serves from a process of its own, whose CPU doesn't count.
"""

import json
import multiprocessing
import resource
import sys
import tempfile
from collections.abc import Callable
from datetime import timedelta
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tools")]

import duckdb  # noqa: E402
import requests  # noqa: E402

from scorecard.settings import Settings  # noqa: E402

RECORDS = 500_000
FRACTION = 10
"""dlt's default loader gets a part of the records: it holds them all as text."""


def serve(pipe: Pipe, records: int) -> None:
    """Serve the opportunities until told to change some, then until told to end."""
    from sandbox.services.salesforce import Field, Salesforce
    from sandbox.services.store import Store, utc

    store = Store(utc("2023-01-01"))
    for number in range(records):
        deal = {
            "Name": f"Simulated deal {number}",
            "AccountId": f"001{number % 5000:012d}AAA",
            "OwnerId": f"005{number % 50:012d}AAA",
            "StageName": "Closed Won" if number % 3 else "Closed Lost",
            "IsWon": number % 3 > 0,
            "IsClosed": True,
            "Amount": number % 9000 + 0.5,
            "CloseDate": "2024-03-31",
        }
        store.put("Opportunity", f"006{number:012d}AAA", deal, at=utc("2023-01-01") + timedelta(seconds=60 * number))
    store.now = utc("2023-01-01") + timedelta(seconds=60 * records, days=1)
    org = Salesforce(store, daily_limit=10**9)
    org.objects.schema["Opportunity"] = {"Amount": Field("currency"), "CloseDate": Field("date")}
    with org:
        pipe.send((org.url, org.login.client_id, org.login.client_secret))
        pipe.recv()
        for number in range(0, records, 1000):
            store.change("Opportunity", f"006{number:012d}AAA", Amount=1.0)
        pipe.send("changed")
        pipe.recv()


def extract(settings: Settings) -> None:
    """Extract as the product does."""
    from scorecard.sources import extract, load_contracts

    extract(settings, load_contracts(settings)["salesforce"])


def read_json(folder: Path) -> None:
    """Read the same payload, lying in files, with DuckDB alone."""
    with duckdb.connect(str(folder / "bare.duckdb")) as db:
        db.execute("set enable_progress_bar = false")
        db.execute(f"create table opportunity as select unnest(records) from read_json('{folder}/page-*.json')")


def dlt_default(folder: Path) -> None:
    """Load a part of the payload with dlt as it comes: decoded records in, INSERT text to the warehouse."""
    import dlt

    def pages() -> Any:
        for path in sorted(folder.glob("page-*.json"))[::FRACTION]:
            yield json.loads(path.read_bytes())["records"]

    pipeline = dlt.pipeline(
        "bench", pipelines_dir=str(folder / "dlt"), destination=dlt.destinations.duckdb(str(folder / "dlt.duckdb"))
    )
    pipeline.run(dlt.resource(pages, name="opportunity", primary_key="Id", write_disposition="merge"))


def save_pages(url: str, key: str, secret: str, folder: Path) -> None:
    """Keep the answers that the product gets."""
    grant = {"grant_type": "client_credentials", "client_id": key, "client_secret": secret}
    token = requests.post(f"{url}/services/oauth2/token", data=grant, timeout=60).json()["access_token"]
    fields = "Id,Name,AccountId,OwnerId,StageName,IsWon,IsClosed,Amount,CloseDate,CreatedDate,SystemModstamp,IsDeleted"
    path = f"/services/data/v62.0/queryAll?q=SELECT+{fields}+FROM+Opportunity"
    number = 0
    while path:
        answer = requests.get(url + path, headers={"Authorization": f"Bearer {token}"}, timeout=600)
        (folder / f"page-{number:05d}.json").write_bytes(answer.content)
        path, number = answer.json().get("nextRecordsUrl"), number + 1


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


def main(records: int) -> None:
    """Print the figures."""
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs, records), daemon=True)
    server.start()
    url, key, secret = ours.recv()
    folder = Path(tempfile.mkdtemp(prefix="extract-"))
    service = {"business_unit": "Simulated", "currency": "EUR", "objects": ["opportunity"], "bulk_above": 10**9}
    settings = Settings(  # type: ignore[call-arg]
        state=folder / "var",
        services={"salesforce": service},
        connections={"salesforce": {"host": url, "login": key, "password": secret}},
    )
    save_pages(url, key, secret, folder)

    def tell(name: str, rows: int, figures: tuple[float, float]) -> float:
        cpu, peak = figures
        print(f"{name:24}{rows:10,} rows {cpu:8.1f} CPU s {rows / cpu:12,.0f} rows/CPU s {peak:8.0f} MB")
        return cpu / rows

    bare = tell("read_json", records, measured(read_json, folder))
    full = tell("scorecard, all", records, measured(extract, settings))
    ours.send("change")
    ours.recv()
    changed = measured(extract, settings)
    tell("scorecard, 0.1 % changed", records // 1000, changed)
    plain = tell("dlt's default", records // FRACTION, measured(dlt_default, folder))
    ours.send("end")
    print(f"scorecard over read_json: {full / bare:.1f} times the CPU")
    print(f"dlt's default over scorecard: {plain / full:.1f} times the CPU")
    print(f"0.1 % changed over all: 1/{full * records / changed[0]:.0f} of the CPU")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else RECORDS)
