"""`make sandbox`: the DAGs extract and build a simulated company's Salesforce, HubSpot, Stripe and Zendesk twice.

Between the two runs a month passes at the services, with its changes, deletes and merges. The last lines show what
changed. All files are in `var/sandbox` and `out/sandbox`, which each run makes anew: the samples stay untouched.
"""

import json
import os
import resource
import shutil
import sys
import time
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

import local_airflow
from dag_runs import Dags, PrintLine, RunFailed, leave, mail_server, terminal

from sandbox.company import Plan
from sandbox.demo.changes import changes, figures, last_load
from sandbox.demo.project import make_project, put_settings
from sandbox.demo.report import RunCost, change_lines, cost_lines, figure_lines
from sandbox.demo.running import UNITS, RunningCompany, apart
from scorecard.catalogue import load_catalogue, source_names
from scorecard.shared import private
from scorecard.shared.errors import ScorecardError
from scorecard.shared.settings import Settings, read_settings

PLAN = Plan(seed=3, size=150, years=25 / 12, start=date(2023, 1, 1), mistakes=0.06)
OLD, NEW = "2024-12", "2025-01"
"""The last month before the first run, and the month between the two runs."""
DAYS = (date(2025, 1, 1), date(2025, 2, 1))
"""The days of the two runs, by the clocks of the services."""
HOUR = timedelta(hours=5)

STATE, OUT = (local_airflow.PROJECT / folder / "sandbox" for folder in ("var", "out"))


def main() -> int:
    """Run the sandbox; return the exit code."""
    started = time.monotonic()
    try:
        settings = read_sandbox_settings(os.environ)
        private.keep_private(settings)
        home = local_airflow.configure(os.environ, STATE)
        lock = local_airflow.take(home)
        if lock is None:
            raise ScorecardError("The sandbox is already running.", "End it, or wait for its end, and try again.")
        _make_anew(home)
        log = home / "sandbox.log"
        with terminal(log) as print_line, mail_server(settings):
            print_line("SIMULATED: two years of a company that does not exist, and one more month")
            try:
                runs = _twice(settings, print_line)
            except RunFailed as error:
                raise ScorecardError(str(error), f"The whole log is {os.path.relpath(log)}.") from error
        # The project was copied with the modes that it has here.
        private.keep_private(settings)
        print(f"\nDone in {time.monotonic() - started:.0f} s. SIMULATED, all of it:")
        made = (settings.warehouse, settings.snapshot, STATE / "files", *runs.pdfs)
        print("\n".join(os.path.relpath(path) for path in made))
        if runs.failures:
            raise ScorecardError("\n  ".join(runs.failures), f"The whole log is {os.path.relpath(log)}.")
    except ScorecardError as error:
        print(f"Stopped: {error}", file=sys.stderr)
        return 1
    return 0


def read_sandbox_settings(environ: MutableMapping[str, str]) -> Settings:
    """Return the settings of a run, whose project is not made yet."""
    set_environment(environ)
    put_settings(local_airflow.PROJECT, STATE / "project")
    return read_settings()


def set_environment(environ: MutableMapping[str, str]) -> None:
    """Set what the product reads from the environment, and take away what this machine has set for the real company."""
    for name in [name for name in environ if name.startswith(("SCORECARD_", "AIRFLOW_CONN_SCORECARD_"))]:
        del environ[name]
    units = {service: {"business_unit": unit, "currency": "EUR"} for service, unit in UNITS.items()}
    environ.update(
        SCORECARD_COMPANY="Simulated Group (simulated)",
        SCORECARD_CURRENCY="EUR",
        SCORECARD_TIMEZONE=PLAN.timezone,
        SCORECARD_PROJECT=str(STATE / "project"),
        SCORECARD_DATA=str(local_airflow.PROJECT / "data"),
        SCORECARD_STATE=str(STATE),
        SCORECARD_OUT=str(OUT),
        SCORECARD_SERVICES=json.dumps(units),
    )


def connect(environ: MutableMapping[str, str], running: RunningCompany) -> None:
    """Set the connections by which the DAGs find the services."""
    for service, fields in running.connections().items():
        environ[f"AIRFLOW_CONN_SCORECARD_{service.upper()}"] = json.dumps({"conn_type": "http", **fields})


def _make_anew(home: Path) -> None:
    """Remove the files of an earlier run, except Airflow's own database, which takes long to make."""
    shutil.rmtree(OUT, ignore_errors=True)
    for path in STATE.iterdir():
        if path.is_dir() and path != home:
            shutil.rmtree(path)
        elif path != home:
            path.unlink()


def _twice(settings: Settings, print_line: PrintLine) -> "_Runs":
    """Run, let a month pass, run again, and print what has changed; return what was made."""
    first, second = (PLAN.midnight(day) + HOUR for day in DAYS)
    with apart(PLAN, first) as running:
        make_project(local_airflow.PROJECT, settings.project, running.rates())
        connect(os.environ, running)
        for service, fields in running.connections().items():
            print_line(f"  {service:<12}{UNITS[service]:<24}{fields['host']}")
        runs = _Runs(settings, Dags(print_line), running, print_line)
        at_first = runs.run("First run", first, OLD)
        known, since = figures(settings, UNITS.values()), last_load(settings, UNITS)
        running.move_to(second)
        now = runs.run("Second run", second, OLD, NEW)
        running.write_files(STATE / "files", DAYS[1] - timedelta(days=1))
    print_line("\nWhat the month changed in the raw tables (SIMULATED)")
    for line in change_lines(changes(settings, UNITS, since)):
        print_line(line)
    print_line("\nFigures of the simulated units (SIMULATED)")
    for line in figure_lines(
        load_catalogue(settings), sorted(set(UNITS.values())), (OLD, NEW), known, figures(settings, UNITS.values())
    ):
        print_line(line)
    print_line("\nCost of the runs")
    for line in cost_lines([("First run", at_first), ("Second run", now)]):
        print_line(line)
    return runs


@dataclass
class _Runs:
    """What both runs need, and what they made."""

    settings: Settings
    dags: Dags
    running: RunningCompany
    print_line: PrintLine
    pdfs: list[Path] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def run(self, name: str, at: datetime, *months: str) -> RunCost:
        """Extract, build and publish, by the DAGs; return what it cost."""
        self.print_line(f"{name}: the services' clocks show {at.astimezone(PLAN.zone):%Y-%m-%d %H:%M}")
        started, cpu, requests = time.monotonic(), _cpu(), self.running.requests()
        for source in source_names(self.settings):
            # Skip the services that the project's own settings name: they are those of the real company.
            if source in UNITS or source not in self.settings.services:
                self.dags.run(f"extract_{source}")
        self.dags.run("build")
        for month in months:
            for card in self._due(month):
                self._publish(card, month)
        seconds, cpu, requests = time.monotonic() - started, _cpu() - cpu, self.running.requests() - requests
        return RunCost(seconds, cpu, requests)

    def _due(self, month: str) -> list[str]:
        """Return the scorecards of the simulated units that have data in a month."""
        from scorecard.warehouse.values import has_data

        cards = load_catalogue(self.settings).scorecards.values()
        units = set(UNITS.values())
        return [
            card.name
            for card in cards
            if card.business_unit in units and has_data(self.settings, card.business_unit, card.metrics, month)
        ]

    def _publish(self, card: str, month: str) -> None:
        """Publish one scorecard. If it is held back or fails, the others are published all the same."""
        try:
            pdfs = self.dags.run("publish_month", scorecard=card, period=month)
        except RunFailed as error:
            self.failures.append(str(error))
        else:
            self.pdfs += [pdf for pdf in pdfs if pdf not in self.pdfs]


def _cpu() -> float:
    """Return the CPU seconds of this process and of its children that have ended."""
    used = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


if __name__ == "__main__":
    leave(main())
