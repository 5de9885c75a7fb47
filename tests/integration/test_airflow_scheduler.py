"""A real scheduler, DAG processor and API server, as `make airflow` starts them, from a trigger to the mail.

The warehouse is a copy of the session's, so that extraction and build find nothing new; closes and deliveries are not.
"""

import fcntl
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from scorecard.catalogue import schedules, source_names
from scorecard.shared.settings import load_settings
from tests.conftest import readable_by_others

# One scheduler serves them all.
pytestmark = pytest.mark.xdist_group("airflow")

PROJECT = Path(__file__).resolve().parents[2]
# An idle machine needs a fifth of these seconds.
TO_START, TO_PUBLISH, TO_BACKFILL, TO_PARSE = 300, 600, 480, 240
READERS = {
    "sales": {"sales-director@example.com", "eigyo-bucho@example.com"},
    "customers": {"customer-director@example.com", "kokyaku-bucho@example.com"},
}
DUE = {"customers 2024-Q4", "sales 2017-12", "sales 2017-Q4"}


class Mailbox:
    """What aiosmtpd calls for each letter."""

    def __init__(self) -> None:
        self.letters: list[tuple[list[str], Message]] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        self.letters.append((envelope.rcpt_tos, message_from_bytes(envelope.content)))
        return "250 OK"

    def scorecards(self) -> int:
        """How many letters there are, notices aside."""
        return sum(bool(pdfs_of(letter)) for _, letter in self.letters)

    def subjects_to(self, address: str) -> list[str]:
        """The subject of each letter to someone."""
        return [str(letter["Subject"]) for tos, letter in self.letters if address in tos]

    def sent(self) -> set[tuple[str, str]]:
        """(recipient, name of the PDF) of each letter."""
        return {(to, pdf) for tos, letter in self.letters for to in tos for pdf in pdfs_of(letter)}


def pdfs_of(letter: Message) -> list[str]:
    attachments = [part for part in letter.walk() if part.get_content_type() == "application/pdf"]
    assert all(bytes(part.get_payload(decode=True)).startswith(b"%PDF-") for part in attachments)
    return [str(part.get_filename()) for part in attachments]


@dataclass
class Airflow:
    """The API of a running Airflow."""

    url: str
    root: Path
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
                content: dict[str, Any] = json.loads(answer.read() or b"{}")
                return content
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.code} {error.read().decode()}") from error

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        runs: list[dict[str, Any]] = self.call("GET", f"/api/v2/dags/{dag_id}/dagRuns")["dag_runs"]
        return runs

    def state_of_last(self, dag_id: str) -> str:
        """Return the state of a DAG's newest run."""
        return str(max(self.runs(dag_id), key=lambda dag_run: dag_run["queued_at"] or "")["state"])

    def published(self, dag_id: str, run: str) -> dict[str, str]:
        """Return the state of each mapped task of a run, by its name on the pages."""
        tasks = self.call("GET", f"/api/v2/dags/{dag_id}/dagRuns/{run}/taskInstances")["task_instances"]
        mapped = [task for task in tasks if task["map_index"] >= 0]
        # Of a task whose process was killed, Airflow forgets what it calls its number.
        numbers = [task for task in mapped if task["rendered_map_index"] != task["task_display_name"]]
        assert [task["state"] for task in numbers] in ([], ["failed"])
        return {task["task_display_name"]: task["state"] for task in mapped}

    def finished(self, dag_id: str, run_type: str, count: int) -> Callable[[], bool]:
        """Return a condition: so many runs of a kind have succeeded. One that failed ends the test."""

        def holds() -> bool:
            runs = [run for run in self.runs(dag_id) if run["run_type"] == run_type]
            assert not [run["dag_run_id"] for run in runs if run["state"] == "failed"], f"a run of {dag_id} failed"
            return sum(run["state"] == "success" for run in runs) >= count

        return holds


def dags() -> int:
    """How many DAGs there are: an extraction per source, a publication per cadence, and three more."""
    settings = load_settings()
    cadences = {grain for due in schedules(settings).values() for grain in due}
    return len(source_names(settings)) + len(cadences) + len(("build", "publish_due", "watch"))


def extract_all(airflow: "Airflow") -> None:
    """Trigger the extraction of every source, as the morning does."""
    for source in source_names(load_settings()):
        airflow.call("POST", f"/api/v2/dags/extract_{source}/dagRuns", {"logical_date": None})


def wait_until(holds: Callable[[], bool], seconds: float, what: str) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, f"{what}: not within {seconds} s"
        time.sleep(1)


def processes_in(folder: Path) -> list[str]:
    """Return the command lines of the processes whose working folder is this one: all that was started in it."""
    command_lines = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink() == folder:
                command_lines.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return command_lines


def who_has_open(path: Path) -> list[int]:
    """Return the processes, this one aside, that have a file open."""
    process_ids = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            open_files = [descriptor.readlink() for descriptor in (process / "fd").iterdir()]
        except OSError:
            continue
        if path in open_files and int(process.name) != os.getpid():
            process_ids.append(int(process.name))
    return process_ids


def doors_to_the_world(root: Path) -> list[str]:
    """Return the ports, on more than the loopback interface, at which processes of this state listen."""
    ours = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"SCORECARD_STATE={root / 'var'}".encode() in (process / "environ").read_bytes().split(b"\0"):
                ours |= {str(descriptor.readlink()) for descriptor in (process / "fd").iterdir()}
        except OSError:
            continue
    addresses = []
    for table in ("tcp", "tcp6"):
        for line in Path("/proc/net", table).read_text().splitlines()[1:]:
            _, local, _, state, *_, inode = line.split()[:10]
            loopback = ("0100007F", "00000000000000000000000001000000")
            if state == "0A" and f"socket:[{inode}]" in ours and not local.startswith(loopback):
                addresses.append(local)
    return addresses


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
        built.settings.state,
        root / "var",
        ignore=shutil.ignore_patterns("closes*", "rendered", "deliveries*", "airflow"),
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    connection = {"conn_type": "smtp", "host": "127.0.0.1", "port": mailbox[1], "extra": {"disable_tls": True}}
    env = {name: value for name, value in os.environ.items() if not name.startswith(("SCORECARD_", "AIRFLOW"))}
    shutil.copytree(PROJECT / "data", root / "data")
    env |= {
        "SCORECARD_DATA": str(root / "data"),
        "SCORECARD_TASK_RETRIES": "0",
        "SCORECARD_STATE": str(root / "var"),
        "SCORECARD_OUT": str(root / "out"),
        "AIRFLOW_CONN_SCORECARD_SMTP": json.dumps(connection),
        "PORT": str(port),
    }
    output = root / "said"
    with output.open("w") as file:
        serve = subprocess.Popen(
            [sys.executable, str(PROJECT / "tools" / "serve.py")], env=env, stdout=file, stderr=file
        )
    try:
        door: re.Match[str] | None = None

        def open_to_people() -> bool:
            nonlocal door
            assert serve.poll() is None, output.read_text()
            door = re.search(r"Open (\S+) as (\w+), password (\S+)\. ", output.read_text())
            return door is not None

        wait_until(open_to_people, TO_START, "Airflow's pages")
        assert door
        api = Airflow(door[1], root)
        api.token = api.call("POST", "/auth/token", {"username": door[2], "password": door[3]})["access_token"]
        wait_until(lambda: api.call("GET", "/api/v2/dags")["total_entries"] == dags(), TO_START, "the DAGs")
        yield api
    finally:
        serve.send_signal(signal.SIGINT)
        serve.wait(120)
    assert not processes_in(root), "a process was left behind"
    assert not readable_by_others(root / "var", root / "out")


def test_a_trigger_ends_in_mail(airflow: Airflow, mailbox: tuple[Mailbox, int]) -> None:
    for dag in airflow.call("GET", "/api/v2/dags")["dags"]:
        airflow.call("PATCH", f"/api/v2/dags/{dag['dag_id']}", {"is_paused": False})
    extract_all(airflow)
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
    assert mailbox[0].scorecards() == len(expected)


def test_three_past_months_are_backfilled(airflow: Airflow, mailbox: tuple[Mailbox, int]) -> None:
    before = mailbox[0].scorecards()
    months = {"from_date": "2017-08-01T00:00:00Z", "to_date": "2017-10-31T00:00:00Z"}
    airflow.call(
        "POST", "/api/v2/backfills", {"dag_id": "publish_month", "max_active_runs": 1, "dag_run_conf": {}, **months}
    )
    wait_until(airflow.finished("publish_month", "backfill", 3), TO_BACKFILL, "the backfill")
    keys = {run["partition_key"] for run in airflow.runs("publish_month") if run["run_type"] == "backfill"}
    assert keys == {"2017-08", "2017-09", "2017-10"}
    months_sent = {pdf for _, pdf in mailbox[0].sent()}
    assert {f"sales-2017-{month}-e1-en.pdf" for month in ("08", "09", "10")} <= months_sent
    assert mailbox[0].scorecards() == before + 6
    # By the next reading of the DAGs, a run of the newest period would be there.
    read = airflow.call("GET", "/api/v2/dags/publish_month")["last_parsed_time"]
    wait_until(
        lambda: airflow.call("GET", "/api/v2/dags/publish_month")["last_parsed_time"] > read, TO_PARSE, "a reading"
    )
    time.sleep(5)
    assert {run["run_type"] for run in airflow.runs("publish_month")} == {"backfill"}
    next_run = airflow.call("GET", "/api/v2/dags/publish_month")["next_dagrun_run_after"]
    assert next_run > datetime.now(UTC).isoformat()


def test_a_misspelt_parameter_stops_the_run(airflow: Airflow) -> None:
    run = airflow.call(
        "POST", "/api/v2/dags/publish_month/dagRuns", {"logical_date": None, "conf": {"perod": "2017-10"}}
    )["dag_run_id"]
    path = f"/api/v2/dags/publish_month/dagRuns/{run}"
    wait_until(lambda: airflow.call("GET", path)["state"] == "failed", TO_PUBLISH, "the refusal")
    tasks = airflow.call("GET", f"{path}/taskInstances")["task_instances"]
    assert {(task["task_id"], task["state"], task["try_number"]) for task in tasks} == {
        ("due_sales", "failed", 1),
        ("sales", "upstream_failed", 0),
    }


def test_a_period_that_is_none_is_refused(airflow: Airflow) -> None:
    with pytest.raises(AssertionError, match=r"400|422"):
        airflow.call(
            "POST",
            "/api/v2/dags/publish_month/dagRuns",
            {"logical_date": None, "conf": {"period": "2017-12'; drop table x"}},
        )


def test_nothing_is_open_beyond_this_machine(airflow: Airflow) -> None:
    assert doors_to_the_world(airflow.root) == []


def test_a_source_that_fails_stops_no_other_unit(airflow: Airflow, mailbox: tuple[Mailbox, int]) -> None:
    before = [run for run in airflow.runs("build") if run["run_type"] == "asset_triggered"]
    (airflow.root / "data" / "ravenstack").rename(airflow.root / "elsewhere")
    extract_all(airflow)
    one_more = airflow.finished("build", "asset_triggered", len(before) + 1)
    wait_until(one_more, TO_PUBLISH, "the build without the source that failed")
    wait_until(lambda: airflow.state_of_last("publish_due") == "failed", TO_PUBLISH, "the publication")
    assert airflow.state_of_last("extract_ravenstack") == "failed"
    run = max(airflow.runs("publish_due"), key=lambda dag_run: dag_run["queued_at"])["dag_run_id"]
    assert airflow.published("publish_due", run) == {
        "customers 2024-Q4": "failed",
        "sales 2017-12": "success",
        "sales 2017-Q4": "success",
    }
    subjects = mailbox[0].subjects_to("customer-operations@example.com")
    assert subjects.count("Held back: customers 2024-Q4, a source is not up to date") == 1
    (airflow.root / "elsewhere").rename(airflow.root / "data" / "ravenstack")


def test_a_task_is_named_by_its_scorecard_and_period_in_every_state(
    airflow: Airflow, mailbox: tuple[Mailbox, int]
) -> None:
    """In a run by hand too, that names no period; and a task that is killed on its last try is told of by that name."""
    lock = airflow.root / "var" / "warehouse.lock"
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        run = airflow.call("POST", "/api/v2/dags/publish_due/dagRuns", {"logical_date": None})["dag_run_id"]

        def states() -> dict[str, str]:
            return airflow.published("publish_due", run)

        def one_at_work() -> bool:
            waits = sorted(map(str, states().values())) == ["running", "scheduled", "scheduled"]
            return waits and bool(who_has_open(lock))

        wait_until(one_at_work, TO_PUBLISH, "the task at work")
        assert set(states()) == DUE
        killed, skipped, last = sorted(DUE, key=lambda name: (states()[name] != "running", name))
        path = f"/api/v2/dags/publish_due/dagRuns/{run}/taskInstances"
        (of_skipped,) = (
            task for task in airflow.call("GET", path)["task_instances"] if task["task_display_name"] == skipped
        )
        address = f"{path}/{of_skipped['task_id']}/{of_skipped['map_index']}"
        airflow.call("PATCH", address, {"new_state": "skipped"})
        for process in who_has_open(lock):
            os.kill(process, signal.SIGKILL)
        wait_until(lambda: states().get(killed) == "failed", TO_PUBLISH, "the end of the task that was killed")
        assert states()[skipped] == "skipped"
    wait_until(lambda: states()[last] in ("success", "failed"), TO_PUBLISH, "the last task")
    notice = f"Failed: publish_due, {killed}"
    wait_until(lambda: notice in mailbox[0].subjects_to("data-team@example.com"), TO_PUBLISH, "the notice")
    assert airflow.state_of_last("publish_due") == "failed"


def test_what_a_paused_build_did_not_hear_is_made_up_for(airflow: Airflow) -> None:
    """Airflow drops the events; a start of Airflow leaves paused what a person paused."""
    wait_until(
        airflow.finished("build", "scheduled", 1), TO_PUBLISH, "the build of the half hour before the first start"
    )
    airflow.call("PATCH", "/api/v2/dags/build", {"is_paused": True})
    before = {run["dag_run_id"] for run in airflow.runs("build")}
    raw = [asset for asset in airflow.call("GET", "/api/v2/assets")["assets"] if asset["name"].startswith("raw_")]
    assert len(raw) == len(source_names(load_settings()))
    for asset in raw:
        airflow.call("POST", "/api/v2/assets/events", {"asset_id": asset["id"]})
    start = (
        "import os, pathlib, runpy, local_airflow as tool; tool.configure(os.environ, pathlib.Path('var').resolve());"
        "runpy.run_path(tool.__file__, run_name='__main__')"
    )
    subprocess.run(
        [sys.executable, "-c", start],
        cwd=airflow.root,
        env={**os.environ, "PYTHONPATH": str(PROJECT / "tools")},
        check=True,
    )
    assert airflow.call("GET", "/api/v2/dags/build")["is_paused"]
    airflow.call("PATCH", "/api/v2/dags/build", {"is_paused": False})

    def built() -> bool:
        new = [run for run in airflow.runs("build") if run["dag_run_id"] not in before]
        if not new:
            # As if the half hour had passed meanwhile; the DAG processor reckons it anew now and then.
            path = airflow.root / "var" / "airflow" / "airflow.db"
            with closing(sqlite3.connect(path, timeout=60)) as database, database:
                columns = ("", "_create_after", "_data_interval_start", "_data_interval_end")
                due = ", ".join(f"next_dagrun{column} = datetime('now', '-1 minute')" for column in columns)
                database.execute(f"update dag set {due} where dag_id = 'build'")
        assert {run["run_type"] for run in new} <= {"scheduled"}, "Airflow keeps the events after all"
        return "success" in {run["state"] for run in new}

    wait_until(built, TO_PUBLISH, "the build that makes up for the events")
