"""Tell what nobody was told: a scorecard missed its deadline, a task was killed, a notice could not go out.

A deadline that passed before anybody watched was not missed: a company that has just begun has delivered nothing yet.
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
    """Send the notices that wait, and tell the owner of each scorecard that missed its deadline; return which did.

    One that is held, and whose owner has been told why, is returned but not told of again.

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
            patience = timedelta(hours=when.deadline_hours)
            period = last_due(cadence, when, holidays(settings), now - patience, settings.fiscal)
            due = due_at(period, when, holidays(settings)).replace(tzinfo=settings.zone)
            if due + patience < since or not (missing := _missing(settings, entry, period)):
                continue
            late.append(f"{entry.name} {period}: {missing}")
            progress(late[-1])
            if not _is_held_and_told(settings, catalogue, entry, period):
                notify.notify_late(settings, entry.name, period.label, entry.owner, f"{due:%Y-%m-%d %H:%M}", missing)
    return late


def _watched_since(settings: Settings, now: datetime) -> datetime:
    """Return the moment of the first watch, company time; this one where there was none before."""
    path = settings.state / "watched_since"
    if not path.exists():
        write_whole(path, now.isoformat().encode())
    return datetime.fromisoformat(path.read_text(encoding="utf-8"))


def _is_held_and_told(settings: Settings, catalogue: Catalogue, entry: Scorecard, period: Period) -> bool:
    """Tell whether the owner knows already why a scorecard is not delivered, and that is still so."""
    from scorecard.delivery import notify

    try:
        hold = hold_of(settings, catalogue, entry, period)
    except ScorecardError:
        return False  # nothing is built, or it can't be read: so nothing says that it is still held
    return hold is not None and notify.was_mailed(settings, hold.notice)


def _missing(settings: Settings, entry: Scorecard, period: Period) -> str:
    """Say what of a scorecard was not delivered; "" where every reader has it."""
    from scorecard.delivery.deliveries import read_deliveries

    rows = [
        row
        for row in read_deliveries(settings)
        if row.is_letter and (row.scorecard, row.period) == (entry.name, period.label)
    ]
    if not rows:
        return "nobody has received it"
    # Of the others the owner has been told: their outcome is known, or waits for a person.
    without = {reader.email for reader in entry.recipients} - {row.recipient for row in rows if row.state != "claimed"}
    return f"{', '.join(sorted(without))} {'have' if len(without) > 1 else 'has'} not received it" if without else ""


def note_started(settings: Settings, run: str, task: str) -> None:
    """Note that a task of a run of Airflow has begun: what an earlier try said of its failure holds no longer."""
    _said(settings, run, task).unlink(missing_ok=True)


def notify_failure(settings: Settings, dag_id: str, run: str, task: str, error: object) -> None:
    """Tell the owner by mail that a task failed for good; a scorecard that is held back has been told already."""
    from scorecard.delivery import notify

    if not isinstance(error, ScorecardHeld):
        problem, cure = (
            (error.problem, error.cure) if isinstance(error, ScorecardError) else (str(error), "See the task's log.")
        )
        notify.notify_failed(settings, dag_id, task, problem, cure)
    path = _said(settings, run, task)
    _forget_old(path.parent.parent)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def notify_silent(settings: Settings, dag_id: str, run: str, tasks: Iterable[str]) -> None:
    """Tell the owner by mail of the tasks of a failed run that told nobody: the process was killed, and could not."""
    from scorecard.delivery import notify

    for task in sorted(tasks):
        if not _said(settings, run, task).exists():
            problem = f"In the run {run} it ended without a word: it was killed, or the machine ran out of memory."
            cure = f"See the task's log and the system's; then clear the task {task}: what is done stays done."
            notify.notify_failed(settings, dag_id, task, problem, cure)


def _said(settings: Settings, run: str, task: str) -> Path:
    """Return the file that says that a task's failure was told. A run's name may hold what no file's name may."""
    names = [hashlib.sha256(text.encode()).hexdigest()[:32] for text in (run, task)]
    return settings.state / "failures" / names[0] / names[1]


def _forget_old(folder: Path) -> None:
    oldest = (datetime.now().astimezone() - timedelta(days=_KEPT_DAYS)).timestamp()
    for run in folder.glob("*"):
        if run.stat().st_mtime < oldest:
            shutil.rmtree(run, ignore_errors=True)
