"""Runs of the project's DAGs in this process, one after the other: Airflow's tasks, assets aside, without a scheduler.

The terminal shows a line for each run; the output of Airflow and its tools goes to a log file. Mail goes to a server
that starts and ends here, whatever mail server is configured.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import local_airflow

from scorecard.delivery import local_smtp
from scorecard.shared.errors import ScorecardError
from scorecard.shared.settings import Settings

PrintLine = Callable[[str], None]


class RunFailed(Exception):
    """A run that failed, or that published nothing although it had to publish."""


class Dags:
    """The DAGs, ready to be run. Airflow must be configured."""

    def __init__(self, print_line: PrintLine) -> None:
        self._print_line = print_line
        self._errors: list[str] = []
        print_line("Starting Airflow")
        self._dags = self._load()

    def run(self, dag_id: str, **params: str) -> list[Path]:
        """Run one DAG and print its duration; return the paths of its PDFs. A run with parameters must have some.

        Raises
        ------
        RunFailed: the run failed, or it has parameters and published no PDF.
        """
        title = " ".join([dag_id, *params.values()])
        started = time.monotonic()
        # Without a logical date, as a run that an asset starts: the period is the parameter's.
        run = self._dags[dag_id].test(logical_date=None, run_conf=params)
        pdfs = _pdfs(run)
        if run.state == "success" and (pdfs or not params):
            self._print_line(f"  {title:<35}{time.monotonic() - started:6.1f} s")
            return pdfs
        self._print_line(f"  {title:<35}  failed")
        raise RunFailed(f"{title} failed: {self._errors.pop() if self._errors else 'it published nothing.'}")

    def _load(self) -> dict[str, Any]:
        from airflow.dag_processing.dagbag import BundleDagBag

        local_airflow.prepare()
        folder = local_airflow.PROJECT / "dags"
        sys.path.append(str(folder))
        import failures
        import policy

        # There are no retries here, and the terminal shows each error too.
        policy.EVERY_DAG["default_args"] |= {
            "retries": 0,
            "on_failure_callback": [
                failures.tell_owner,
                lambda context: self._errors.append(str(context.get("exception"))),
            ],
        }
        bag = BundleDagBag(dag_folder=str(folder), bundle_path=folder, bundle_name="dags-folder")
        if bag.import_errors:
            raise ScorecardError(f"A DAG file can't be read: {bag.import_errors}", "Correct the file.")
        dags: dict[str, Any] = bag.dags
        return dags


@contextmanager
def terminal(log: Path) -> Iterator[PrintLine]:
    """Send what this process and its children print to the log; yield what still writes to the terminal."""
    kept = os.dup(1), os.dup(2)

    def print_line(line: str) -> None:
        os.write(kept[0], f"{line}\n".encode())

    sys.stdout.flush()
    with log.open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    try:
        yield print_line
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for number, original in enumerate(kept, start=1):
            os.dup2(original, number)
            os.close(original)


@contextmanager
def mail_server(settings: Settings) -> Iterator[None]:
    """Run the local mail server, and set the connection by which the DAGs find it."""
    with local_smtp.running(settings.out / "mail") as port:
        server = {"conn_type": "smtp", "host": local_smtp.HOST, "port": port, "extra": {"disable_tls": True}}
        os.environ["AIRFLOW_CONN_SCORECARD_SMTP"] = json.dumps(server)
        yield


def leave(code: int) -> None:
    """End the process at once: everything is closed and on the disk.

    Taking the interpreter down after a build, with the native libraries of Airflow, DuckDB, Arrow and Pango in one
    process, takes three seconds and has ended in a segmentation fault.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _pdfs(run: Any) -> list[Path]:
    """Return the paths of PDFs that the publishing tasks of a run returned: these are mapped, one for each period."""
    tasks = [task for task in run.get_task_instances() if task.state == "success" and task.map_index >= 0]
    handed_on = [task.xcom_pull(task_ids=task.task_id, map_indexes=task.map_index) for task in tasks]
    return [Path(path) for paths in handed_on for path in paths or ()]
