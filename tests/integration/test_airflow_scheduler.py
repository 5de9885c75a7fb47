"""A real scheduler, DAG processor and API server, as `make airflow` starts them, from a trigger to the mail.

The warehouse is a copy of the session's, so that extraction and build find nothing new; closes and deliveries are not.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

# One scheduler serves them all.
pytestmark = pytest.mark.xdist_group("airflow")

PROJECT = Path(__file__).resolve().parents[2]
# An idle machine needs a third of these seconds.
TO_START, TO_PUBLISH, TO_BACKFILL = 180, 300, 240
READERS = {
    "sales": {"sales-director@example.com", "eigyo-bucho@example.com"},
    "customers": {"customer-director@example.com", "kokyaku-bucho@example.com"},
}


class Mailbox:
    """What aiosmtpd calls for each letter."""

    def __init__(self) -> None:
        self.letters: list[tuple[list[str], Message]] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        self.letters.append((envelope.rcpt_tos, message_from_bytes(envelope.content)))
        return "250 OK"

    def sent(self) -> set[tuple[str, str]]:
        """(recipient, name of the PDF) of each letter."""
        return {(to, pdf) for tos, letter in self.letters for to in tos for pdf in pdfs_of(letter)}


def pdfs_of(letter: Message) -> list[str]:
    found = [part for part in letter.walk() if part.get_content_type() == "application/pdf"]
    assert all(bytes(part.get_payload(decode=True)).startswith(b"%PDF-") for part in found)  # type: ignore[arg-type]
    return [str(part.get_filename()) for part in found]


@dataclass
class Airflow:
    """The API of a running Airflow."""

    url: str
    token: str = ""

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                found: dict[str, Any] = json.loads(answer.read() or b"{}")
                return found
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.code} {error.read().decode()}") from error

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.call("GET", f"/api/v2/dags/{dag_id}/dagRuns")["dag_runs"]
        return found

    def finished(self, dag_id: str, run_type: str, count: int) -> Callable[[], bool]:
        """Return a condition: so many runs of a kind have succeeded. One that failed ends the test."""

        def holds() -> bool:
            runs = [run for run in self.runs(dag_id) if run["run_type"] == run_type]
            assert not [run["dag_run_id"] for run in runs if run["state"] == "failed"], f"a run of {dag_id} failed"
            return sum(run["state"] == "success" for run in runs) >= count

        return holds


def wait_until(holds: Callable[[], bool], seconds: float, what: str) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, f"{what}: not within {seconds} s"
        time.sleep(1)


def processes_in(folder: Path) -> list[str]:
    """Return the command lines of the processes whose working folder is this one: all that was started in it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink() == folder:
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


@pytest.fixture(scope="module")
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    box = Mailbox()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Controller(box, hostname="127.0.0.1", port=port)
    server.start()
    yield box, port
    server.stop()


@pytest.fixture(scope="module")
def airflow(built: Any, mailbox: tuple[Mailbox, int], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Airflow]:
    root = tmp_path_factory.mktemp("scheduler")
    shutil.copytree(
        built.settings.state, root / "var", ignore=shutil.ignore_patterns("closes", "deliveries*", "airflow")
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    connection = {"conn_type": "smtp", "host": "127.0.0.1", "port": mailbox[1], "extra": {"disable_tls": True}}
    env = {name: value for name, value in os.environ.items() if not name.startswith(("SCORECARD_", "AIRFLOW"))}
    env |= {
        "SCORECARD_STATE": str(root / "var"),
        "SCORECARD_OUT": str(root / "out"),
        "AIRFLOW_CONN_SCORECARD_SMTP": json.dumps(connection),
        "PORT": str(port),
    }
    said = root / "said"
    with said.open("w") as file:
        serve = subprocess.Popen(
            [sys.executable, str(PROJECT / "tools" / "serve.py")], env=env, stdout=file, stderr=file
        )
    try:
        door: re.Match[str] | None = None

        def open_to_people() -> bool:
            nonlocal door
            assert serve.poll() is None, said.read_text()
            door = re.search(r"Open (\S+) as (\w+), password (\S+)\. ", said.read_text())
            return door is not None

        wait_until(open_to_people, TO_START, "Airflow's pages")
        assert door
        api = Airflow(door[1])
        api.token = api.call("POST", "/auth/token", {"username": door[2], "password": door[3]})["access_token"]
        wait_until(lambda: api.call("GET", "/api/v2/dags")["total_entries"] == 7, TO_START, "the DAGs")
        yield api
    finally:
        serve.send_signal(signal.SIGINT)
        serve.wait(120)
    assert not processes_in(root), "a process was left behind"


def test_a_trigger_ends_in_mail(airflow: Airflow, mailbox: tuple[Mailbox, int]) -> None:
    for dag in airflow.call("GET", "/api/v2/dags")["dags"]:
        airflow.call("PATCH", f"/api/v2/dags/{dag['dag_id']}", {"is_paused": False})
    for source in ("maven_crm", "ravenstack"):
        airflow.call("POST", f"/api/v2/dags/extract_{source}/dagRuns", {"logical_date": None})
    wait_until(airflow.finished("build", "asset_triggered", 1), TO_PUBLISH, "the build that the extracts fire")
    wait_until(
        airflow.finished("publish_due", "asset_triggered", 1), TO_PUBLISH, "the publication that the build fires"
    )
    expected = {
        (reader, f"{close}-{'en' if 'director' in reader else 'ja'}.pdf")
        for close in ("sales-2017-Q4-e1", "sales-2017-12-e1", "customers-2024-Q4-e1")
        for reader in READERS[close.partition("-")[0]]
    }
    assert mailbox[0].sent() == expected
    assert len(mailbox[0].letters) == len(expected)


def test_three_past_months_are_backfilled(airflow: Airflow, mailbox: tuple[Mailbox, int]) -> None:
    before = len(mailbox[0].letters)
    months = {"from_date": "2017-08-01T00:00:00Z", "to_date": "2017-10-31T00:00:00Z"}
    airflow.call(
        "POST", "/api/v2/backfills", {"dag_id": "publish_month", "max_active_runs": 1, "dag_run_conf": {}, **months}
    )
    wait_until(airflow.finished("publish_month", "backfill", 3), TO_BACKFILL, "the backfill")
    keys = {run["partition_key"] for run in airflow.runs("publish_month") if run["run_type"] == "backfill"}
    assert keys == {"2017-08-01", "2017-09-01", "2017-10-01"}
    months_sent = {pdf for _, pdf in mailbox[0].sent()}
    assert {f"sales-2017-{month}-e1-en.pdf" for month in ("08", "09", "10")} <= months_sent
    assert len(mailbox[0].letters) == before + 6


def test_a_period_that_is_none_is_refused(airflow: Airflow) -> None:
    with pytest.raises(AssertionError, match=r"400|422"):
        airflow.call(
            "POST",
            "/api/v2/dags/publish_month/dagRuns",
            {"logical_date": None, "conf": {"period": "2017-12'; drop table x"}},
        )
