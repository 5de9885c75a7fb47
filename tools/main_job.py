"""`make scorecard`: Airflow runs the project's DAGs over the bundled data in one process and names the PDFs.

The terminal gets a line for each DAG run; all that Airflow and the tools under it say goes to a log file.
Mail goes to a server that starts and ends here, whatever mail server is configured: the recipients are samples.
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

from scorecard.catalogue import source_names
from scorecard.delivery import ledger, local_smtp
from scorecard.errors import ScorecardError
from scorecard.settings import Settings, load_settings

PUBLISHED = [
    ("publish_quarter", "sales", "2017-Q4"),
    ("publish_quarter", "customers", "2024-Q4"),
    ("publish_month", "sales", "2017-10"),
    ("publish_month", "sales", "2017-11"),
    ("publish_month", "sales", "2017-12"),
]
Say = Callable[[str], None]


def main() -> int:
    """Do the main job; return the exit code."""
    started = time.monotonic()
    try:
        settings = load_settings()
        home = local_airflow.configure(os.environ, settings.state)
        lock = local_airflow.take(home)
        if lock is None:
            raise ScorecardError("Airflow is at work here already.", "End that, or wait, and try again.")
        log = home / "main-job.log"
        sent_before = _sent(settings)
        with _terminal(log) as say, _mail_server(settings):
            paths = _run_all(settings, say, log)
        print(f"Done in {time.monotonic() - started:.0f} s. {_mailed(settings, sent_before, paths)}")
        print("\n".join(os.path.relpath(path) for path in paths))
    except ScorecardError as error:
        print(f"Stopped: {error}", file=sys.stderr)
        return 1
    return 0


@contextmanager
def _terminal(log: Path) -> Iterator[Say]:
    """Send what this process and its children print to the log; yield what still writes to the terminal."""
    kept = os.dup(1), os.dup(2)

    def say(line: str) -> None:
        os.write(kept[0], f"{line}\n".encode())

    sys.stdout.flush()
    with log.open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    try:
        yield say
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for number, original in enumerate(kept, start=1):
            os.dup2(original, number)
            os.close(original)


@contextmanager
def _mail_server(settings: Settings) -> Iterator[None]:
    """Run the local mail server, and give it to the DAGs as the connection that they look for."""
    with local_smtp.running(settings.out / "mail") as port:
        server = {"conn_type": "smtp", "host": local_smtp.HOST, "port": port, "extra": {"disable_tls": True}}
        os.environ["AIRFLOW_CONN_SCORECARD_SMTP"] = json.dumps(server)
        yield


def _run_all(settings: Settings, say: Say, log: Path) -> list[Path]:
    """Run every DAG in turn; return the PDFs' paths."""
    say("Starting Airflow")
    dags, errors = _load_dags()
    paths: list[Path] = []
    failures: list[str] = []
    todo: list[tuple[str, dict[str, str]]] = [(f"extract_{source}", {}) for source in source_names(settings)]
    todo.append(("build", {}))
    todo += [(dag_id, {"scorecard": name, "period": period}) for dag_id, name, period in PUBLISHED]
    for dag_id, params in todo:
        title = " ".join([dag_id, *params.values()])
        started = time.monotonic()
        # Without a logical date, as a run that an asset starts: the period is the parameter's.
        run = dags[dag_id].test(logical_date=None, run_conf=params)
        pdfs = _pdfs(run)
        if run.state == "success" and (pdfs or not params):
            say(f"  {title:<35}{time.monotonic() - started:6.1f} s")
        else:
            failures.append(f"{title} failed: {errors.pop() if errors else 'it published nothing.'}")
            say(f"  {title:<35}  failed")
        if failures and not params:
            break  # without data there is nothing to publish; but one scorecard doesn't stop another
        paths += pdfs
    if failures:
        raise ScorecardError("\n  ".join(failures) + "\n", f"The whole log is {os.path.relpath(log)}.")
    return paths


def _load_dags() -> tuple[dict[str, Any], list[str]]:
    """Prepare Airflow and read the DAGs; return them, and the list that failures add to."""
    from airflow.dag_processing.dagbag import BundleDagBag

    local_airflow.prepare()
    folder = local_airflow.PROJECT / "dags"
    sys.path.append(str(folder))
    import policy

    errors: list[str] = []
    # Nobody waits for a retry here; and what went wrong is to be said on the terminal too.
    policy.EVERY_DAG["default_args"] |= {
        "retries": 0,
        "on_failure_callback": [
            policy.tell_owner,
            lambda context: errors.append(str(context.get("exception"))),
        ],
    }
    bag = BundleDagBag(dag_folder=str(folder), bundle_path=folder, bundle_name="dags-folder")
    if bag.import_errors:
        raise ScorecardError(f"A DAG file can't be read: {bag.import_errors}", "Correct the file.")
    return bag.dags, errors


def _pdfs(run: Any) -> list[Path]:
    """Return the paths that the `publish` tasks of a run handed on."""
    tasks = [task for task in run.get_task_instances() if task.task_id == "publish" and task.state == "success"]
    found = [task.xcom_pull(task_ids="publish", map_indexes=task.map_index) for task in tasks]
    return [Path(path) for paths in found for path in paths]


def _sent(settings: Settings) -> set[tuple[str, str]]:
    """Return (close, recipient) of every letter that was sent."""
    return {(row.close_id, row.recipient) for row in ledger.deliveries(settings) if row.state == "sent"}


def _mailed(settings: Settings, before: set[tuple[str, str]], paths: list[Path]) -> str:
    closes = {path.stem.rpartition("-")[0] for path in paths}
    rows = [row for row in ledger.deliveries(settings) if row.close_id in closes]
    new = sum(row.state == "sent" and (row.close_id, row.recipient) not in before for row in rows)
    again = sum((row.close_id, row.recipient) in before for row in rows)
    open_ones = sum(row.state != "sent" for row in rows)
    waits = f" {open_ones} wait for a person: see `scorecard deliveries`." if open_ones else ""
    return f"Mailed {new}; nobody was mailed twice: {again} already sent.{waits}"


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Everything is closed and on the disk. Taking the interpreter down after a build, with the native libraries of
    # Airflow, DuckDB, Arrow and Pango in one process, takes three seconds and has ended in a segmentation fault.
    os._exit(code)
