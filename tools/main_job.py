"""`make scorecard`: Airflow runs the project's DAGs in one process; the paths of the PDFs are printed.

The runs publish the bundled samples. Without samples, they publish what is due. Mail goes to a server that starts and
ends here, whatever mail server is configured: the recipients are samples.
"""

import os
import sys
import time
from pathlib import Path

import local_airflow
from dag_runs import Dags, PrintLine, RunFailed, leave, mail_server, terminal

from scorecard.catalogue import load_catalogue, source_names
from scorecard.delivery.deliveries import read_deliveries
from scorecard.shared import private
from scorecard.shared.errors import ScorecardError
from scorecard.shared.settings import Settings, load_settings

SAMPLES = [
    ("publish_quarter", "sales", "2017-Q4"),
    ("publish_quarter", "customers", "2024-Q4"),
    ("publish_month", "sales", "2017-10"),
    ("publish_month", "sales", "2017-11"),
    ("publish_month", "sales", "2017-12"),
]


def main() -> int:
    """Do the main job; return the exit code."""
    started = time.monotonic()
    try:
        settings = load_settings()
        private.keep_private(settings)
        # This Airflow is not that of `make airflow`: a run in this process forgets the states of earlier runs.
        home = local_airflow.configure(os.environ, settings.state, "airflow-job")
        lock = local_airflow.take(home)
        if lock is None:
            raise ScorecardError(
                "Airflow is already running on this state.", "End it, or wait for its end, and try again."
            )
        log = home / "main-job.log"
        sent_before = _sent(settings)
        with terminal(log) as print_line, mail_server(settings):
            paths, failures = _run_all(settings, print_line)
        print(f"Done in {time.monotonic() - started:.0f} s. {_mailed(settings, sent_before, paths)}")
        print("\n".join(os.path.relpath(path) for path in paths))
        if failures:
            raise ScorecardError("\n  ".join(failures) + "\n", f"The whole log is {os.path.relpath(log)}.")
    except ScorecardError as error:
        print(f"Stopped: {error}", file=sys.stderr)
        return 1
    return 0


def _run_all(settings: Settings, print_line: PrintLine) -> tuple[list[Path], list[str]]:
    """Run every DAG in turn; return the paths of PDFs, and the failures. A failed run does not stop the next one."""
    dags = Dags(print_line)
    paths: list[Path] = []
    failures: list[str] = []
    runs: list[tuple[str, dict[str, str]]] = [(f"extract_{source}", {}) for source in source_names(settings)]
    runs.append(("build", {}))
    scorecards = load_catalogue(settings).scorecards
    samples = [
        (dag_id, {"scorecard": name, "period": period}) for dag_id, name, period in SAMPLES if name in scorecards
    ]
    runs += samples or [("publish_due", {})]
    for dag_id, params in runs:
        try:
            paths += dags.run(dag_id, **params)
        except RunFailed as error:
            failures.append(str(error))
            if dag_id == "build":
                break  # without figures there is nothing to publish
    return paths, failures


def _sent(settings: Settings) -> set[tuple[str, str]]:
    """Return (close, recipient) of every letter that was sent."""
    return {(row.close_id, row.recipient) for row in read_deliveries(settings) if row.state == "sent"}


def _mailed(settings: Settings, before: set[tuple[str, str]], paths: list[Path]) -> str:
    closes = {path.stem.rpartition("-")[0] for path in paths}
    rows = [row for row in read_deliveries(settings) if row.close_id in closes]
    new = sum(row.state == "sent" and (row.close_id, row.recipient) not in before for row in rows)
    again = sum((row.close_id, row.recipient) in before for row in rows)
    open_ones = sum(row.state != "sent" for row in rows)
    waits = f" {open_ones} wait for a person: see `scorecard deliveries`." if open_ones else ""
    return f"Mailed {new}; nobody was mailed twice: {again} already sent.{waits}"


if __name__ == "__main__":
    leave(main())
