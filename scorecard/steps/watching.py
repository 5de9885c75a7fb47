"""Notify owners of silent failures: a missed deadline, a killed task, a notice that was not sent.

Deadlines before the first watch don't count: a new company has delivered nothing yet.
"""

import hashlib
import shutil
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from scorecard.catalogue import Catalogue, Scorecard, load_catalogue
from scorecard.shared.errors import ScorecardError
from scorecard.shared.files import write_whole
from scorecard.shared.periods import Period
from scorecard.shared.schedule import due_at, last_due
from scorecard.shared.settings import Settings
from scorecard.steps.due import holidays
from scorecard.steps.extracting import Progress
from scorecard.steps.holding import ScorecardHeld, hold_of

_KEPT_DAYS = 30


def watch(settings: Settings, progress: Progress = print) -> list[str]:
    """Send the waiting notices, and notify the owner of each scorecard that missed its deadline; return those.

    The owner of a held scorecard knows the reason already. It is returned, but not notified again.

    Raises
    ------
    ScorecardError: no safe connection to the mail server; the next run tries again.
    """
    from scorecard.delivery import notify

    notify.send_waiting(settings)
    late = []
    now = datetime.now(settings.zone)
    since = _watched_since(settings, now)
    catalogue = load_catalogue(settings)
    for entry in catalogue.scorecards.values():
        for cadence, when in entry.due.items():
            allowance = timedelta(hours=when.deadline_hours)
            period = last_due(cadence, when, holidays(settings), now - allowance, settings.fiscal)
            due = due_at(period, when, holidays(settings)).replace(tzinfo=settings.zone)
            if due + allowance < since or not (missing := _missing(settings, entry, period)):
                continue
            late.append(f"{entry.name} {period}: {missing}")
            progress(late[-1])
            if not _is_held_and_told(settings, catalogue, entry, period):
                notify.notify_late(settings, entry.name, period.label, entry.owner, f"{due:%Y-%m-%d %H:%M}", missing)
    return late


def _watched_since(settings: Settings, now: datetime) -> datetime:
    """Return the moment of the first watch, in company time. The first watch stores it."""
    path = settings.state / "watched_since"
    if not path.exists():
        write_whole(path, now.isoformat().encode())
    return datetime.fromisoformat(path.read_text(encoding="utf-8"))


def _is_held_and_told(settings: Settings, catalogue: Catalogue, entry: Scorecard, period: Period) -> bool:
    """Whether a scorecard is held now for a reason that its owner was told."""
    from scorecard.delivery import notify

    try:
        hold = hold_of(settings, catalogue, entry, period)
    except ScorecardError:
        return False  # without a readable warehouse the scorecard may be late for another reason
    return hold is not None and notify.was_mailed(settings, hold.notice)


def _missing(settings: Settings, entry: Scorecard, period: Period) -> str:
    """Return who has not received a scorecard, as half a sentence; "" if every recipient has it."""
    from scorecard.delivery.deliveries import read_deliveries

    rows = [
        row
        for row in read_deliveries(settings)
        if row.is_letter and (row.scorecard, row.period) == (entry.name, period.label)
    ]
    if not rows:
        return "nobody has received it"
    # The owner is told of refused and unknown letters elsewhere.
    without = {reader.email for reader in entry.recipients} - {row.recipient for row in rows if row.state != "claimed"}
    return f"{', '.join(sorted(without))} {'have' if len(without) > 1 else 'has'} not received it" if without else ""


def note_started(settings: Settings, run: str, task: str) -> None:
    """Note that a task of an Airflow run starts. The note that an earlier try was notified is deleted."""
    _notified(settings, run, task).unlink(missing_ok=True)


def notify_failure(settings: Settings, dag_id: str, run: str, task: str, error: object) -> None:
    """Mail the owner that a task failed for good. The owner of a held scorecard has a mail already."""
    from scorecard.delivery import notify

    if not isinstance(error, ScorecardHeld):
        problem, cure = (
            (error.problem, error.cure) if isinstance(error, ScorecardError) else (str(error), "See the task's log.")
        )
        notify.notify_failed(settings, dag_id, task, problem, cure)
    path = _notified(settings, run, task)
    _delete_old(path.parent.parent)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def notify_silent(settings: Settings, dag_id: str, run: str, tasks: Iterable[str]) -> None:
    """Mail the owner the tasks of a failed run that sent no mail themselves, since their process was killed."""
    from scorecard.delivery import notify

    for task in sorted(tasks):
        if not _notified(settings, run, task).exists():
            problem = f"In the run {run} it ended without an error: it was killed, or the machine ran out of memory."
            cure = f"See the logs of the task and of the system. Then clear the task {task}; finished work is kept."
            notify.notify_failed(settings, dag_id, task, problem, cure)


def _notified(settings: Settings, run: str, task: str) -> Path:
    """Return the file that notes that a task's failure was mailed. Its name is a hash: runs have names with slashes."""
    hashes = [hashlib.sha256(name.encode()).hexdigest()[:32] for name in (run, task)]
    return settings.state / "failures" / hashes[0] / hashes[1]


def _delete_old(folder: Path) -> None:
    oldest = (datetime.now().astimezone() - timedelta(days=_KEPT_DAYS)).timestamp()
    for run in folder.glob("*"):
        if run.stat().st_mtime < oldest:
            shutil.rmtree(run, ignore_errors=True)
