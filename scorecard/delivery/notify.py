"""Tell the owner what needs a person: a scorecard held back, a letter refused, or one whose outcome nobody knows."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, localtime
from pathlib import Path
from typing import Any

from scorecard.delivery.headers import check_header
from scorecard.delivery.ledger import opened
from scorecard.delivery.ledger_row import Key, LedgerRow
from scorecard.delivery.post import Outcome, Prepared, cure_of, post
from scorecard.shared.errors import ScorecardError
from scorecard.shared.files import write_whole
from scorecard.shared.redaction import redact
from scorecard.shared.settings import Settings
from scorecard.shared.templates import fill


@dataclass(frozen=True)
class Finding:
    """What holds a scorecard back: the name of the check or of the file, what was found, and what to do."""

    name: str
    message: str
    cure: str


@dataclass(frozen=True)
class Notice:
    """What an owner is told once: its key in the ledger, its subject, the template of its text, what that prints."""

    key: Key
    subject: str
    template: str
    content: dict[str, Any]


def held(settings: Settings, scorecard: str, period: str, owner: str, failed: Sequence[Finding]) -> Notice:
    """Return the notice that a scorecard is held back by failed checks. The same ones are told once for each period."""
    ordered = sorted(failed, key=lambda check: (check.name, check.message))
    failures = "\n".join(f"{check.name}\t{check.message}" for check in ordered)
    key = Key(scorecard, period, f"held-{_short(failures)}", owner)
    content = {"scorecard": scorecard, "period": period, "checks": ordered, "company": settings.company}
    subject = f"Held back: {scorecard} {period}, {len(ordered)} failed check{'s' if len(ordered) != 1 else ''}"
    return Notice(key, subject, "notice_held.txt.j2", content)


def troubled(settings: Settings, scorecard: str, period: str, owner: str, findings: Sequence[Finding]) -> Notice:
    """Return the notice that sources of a unit are not up to date. The same ones are told once for each period."""
    ordered = sorted(findings, key=lambda finding: (finding.name, finding.message))
    key = Key(scorecard, period, f"troubled-{_short(repr(ordered))}", owner)
    content = {"scorecard": scorecard, "period": period, "found": ordered, "company": settings.company}
    subject = f"Held back: {scorecard} {period}, a source is not up to date"
    return Notice(key, subject, "notice_troubled.txt.j2", content)


def incomplete(
    settings: Settings, scorecard: str, period: str, owner: str, sources: Sequence[tuple[str, str]], cure: str
) -> Notice:
    """Return the notice that a period is not over by the data: ``sources`` are each source and what is known of it.

    It is told once for each period.
    """
    key = Key(scorecard, period, "incomplete", owner)
    content = {"scorecard": scorecard, "period": period, "sources": sources, "cure": cure, "company": settings.company}
    subject = f"Held back: {scorecard} {period}, its data is not complete"
    return Notice(key, subject, "notice_incomplete.txt.j2", content)


def tell(settings: Settings, notice: Notice) -> Outcome:
    """Mail a notice, unless it was mailed before.

    Raises
    ------
    ScorecardError: no safe connection to the mail server; the next run tries again.
    """
    return _tell(settings, notice.key, notice.subject, notice.template, notice.content)


def was_told(settings: Settings, notice: Notice) -> bool:
    """Tell whether a notice was mailed, or waits for the mail server."""
    with opened(settings) as ledger:
        return ledger.find(notice.key) is not None


def notify_ending(settings: Settings, source: str, sentence: str) -> Outcome:
    """Mail the owner that a version of a service's API ends soon; each sentence is told once.

    Raises
    ------
    ScorecardError: no safe connection to the mail server; the next run tries again.
    """
    key = Key(source, "api", f"ending-{_short(sentence)}", settings.owner_email)
    content = {"source": source, "sentence": sentence, "company": settings.company}
    subject = f"Before it ends: the API that the source {source} calls"
    return _tell(settings, key, subject, "notice_ending.txt.j2", content)


def notify_late(settings: Settings, scorecard: str, period: str, owner: str, due: str, missing: str) -> Outcome:
    """Mail the owner that a scorecard was not delivered by its deadline. It is told once for each period.

    ``due``: when it was due, company time. ``missing``: who has not received it.

    Raises
    ------
    ScorecardError: no safe connection to the mail server; the next run tries again.
    """
    key = Key(scorecard, period, "late", owner)
    content = {
        **{"scorecard": scorecard, "period": period, "due": due, "missing": missing},
        "company": settings.company,
    }
    return _tell(settings, key, f"Late: {scorecard} {period}", "notice_late.txt.j2", content)


def notify_failed(settings: Settings, dag: str, task: str, problem: str, cure: str) -> Outcome:
    """Mail the owner that a task failed for good. The same problem of a task is told once a day.

    Raises
    ------
    ScorecardError: no safe connection to the mail server.
    """
    today = datetime.now(settings.zone).date().isoformat()
    key = Key(dag, today, f"failed-{_short(task + problem)}", settings.owner_email)
    content = {"dag": dag, "task": task, "problem": problem, "cure": cure, "company": settings.company}
    return _tell(settings, key, f"Failed: {dag}, {task}", "notice_failed.txt.j2", content)


def send_waiting(settings: Settings) -> None:
    """Send the notices that could not go out when they were written.

    Raises
    ------
    ScorecardError: no safe connection to the mail server, or a notice in the state folder can't be read.
    """
    for path in sorted(_folder(settings).glob("*.json")):
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            notice = _prepared(settings, Key(*kept["key"]), kept["subject"], kept["text"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ScorecardError(f"The notice {path} can't be read: {error}.", "Delete it.") from error
        _post(settings, notice, path)


def _tell(settings: Settings, key: Key, subject: str, template: str, content: dict[str, Any]) -> Outcome:
    """Post a notice; until the mail server has answered, the state folder keeps it."""
    text = redact(fill(settings.project / "reports", template, content))
    path = _folder(settings) / f"{_short(repr(key))}.json"
    kept = {"key": astuple(key), "subject": subject, "text": text}
    write_whole(path, json.dumps(kept, ensure_ascii=False).encode())
    return _post(settings, _prepared(settings, key, subject, text), path)


def _post(settings: Settings, notice: Prepared, path: Path) -> Outcome:
    outcome = post(settings, [notice])[0]
    if outcome.state != "claimed":
        path.unlink(missing_ok=True)
    return outcome


def _folder(settings: Settings) -> Path:
    return settings.state / "notices"


def tell_owner(settings: Settings) -> None:
    """Mail the owner about the letters that were refused and those whose outcome is unknown, about each once.

    Raises
    ------
    ScorecardError: no safe connection to the mail server; the next run tries again.
    """
    with opened(settings) as ledger:
        unknown = [row for row in ledger.rows("unknown") if row.is_letter]
        refused = [row for row in ledger.rows("refused") if row.is_letter and row.told_at is None]
    if not unknown and not refused:
        return
    refusals = refused_notices(settings, refused)
    outcomes = post(settings, [*unknown_notices(settings, unknown), *(notice for notice, _ in refusals)])
    mailed = {outcome.key for outcome in outcomes if outcome.state in ("sent", "unknown")}
    with opened(settings) as ledger:
        for row in [row for notice, rows in refusals if notice.key in mailed for row in rows]:
            ledger.set_told(row.key)


def refused_notices(settings: Settings, rows: Sequence[LedgerRow]) -> list[tuple[Prepared, list[LedgerRow]]]:
    """Return one notice to the owner for each close, and the refused letters that it names.

    Its key comes from what it names: a run that ends before it notes who was named doesn't send it again.
    """
    closes: dict[str, list[LedgerRow]] = {}
    for row in rows:
        closes.setdefault(row.close_id, []).append(row)
    return [(_refused_notice(settings, close_id, named), named) for close_id, named in closes.items()]


def _refused_notice(settings: Settings, close_id: str, rows: Sequence[LedgerRow]) -> Prepared:
    letters_refused = "\n".join(sorted(row.message_id + row.changed_at for row in rows))
    key = Key(rows[0].scorecard, rows[0].period, f"refused-{_short(letters_refused)}", settings.owner_email)
    letters = [{"recipient": row.recipient, "answer": row.detail, "cure": cure_of(row)} for row in rows]
    content = {"close_id": close_id, "letters": letters, "company": settings.company}
    to = rows[0].recipient if len(rows) == 1 else f"{len(rows)} recipients"
    return _notice(settings, key, f"Refused: {close_id} to {to}", "notice_refused.txt.j2", content)


def unknown_notices(settings: Settings, rows: Sequence[LedgerRow]) -> list[Prepared]:
    """Return one notice to the owner for each letter whose outcome is unknown; the ledger lets each go once."""
    notices = []
    for row in rows:
        key = Key(
            row.scorecard,
            row.period,
            f"unknown-{_short(row.message_id + row.changed_at)}",
            settings.owner_email,
        )
        content = {"row": row, "cure": cure_of(row), "company": settings.company}
        subject = f"Did it arrive? {row.close_id} to {row.recipient}"
        notices.append(_notice(settings, key, subject, "notice_unknown.txt.j2", content))
    return notices


def _notice(settings: Settings, key: Key, subject: str, template: str, content: dict[str, Any]) -> Prepared:
    return _prepared(settings, key, subject, redact(fill(settings.project / "reports", template, content)))


def _prepared(settings: Settings, key: Key, subject: str, text: str) -> Prepared:
    check_header(subject, "subject")

    def build(message_id: str) -> bytes:
        message = EmailMessage(policy=SMTP)
        message["From"] = settings.mail_from
        message["To"] = key.recipient
        message["Subject"] = subject
        message["Date"] = format_datetime(localtime())
        message["Message-ID"] = message_id
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text, cte="quoted-printable")
        return message.as_bytes()

    return Prepared(key, "en", build)


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
