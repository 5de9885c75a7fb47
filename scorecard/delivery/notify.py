"""Notices to the owner: a scorecard is held back, a letter was refused, or a letter's outcome is unknown."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from scorecard.delivery.headers import check_subject, message_with_headers
from scorecard.delivery.ledger import Key, LedgerRow, opened
from scorecard.delivery.post import Outcome, Prepared, cure_of, post
from scorecard.shared.errors import ScorecardError
from scorecard.shared.files import write_whole
from scorecard.shared.redaction import redact
from scorecard.shared.settings import Settings
from scorecard.shared.templates import fill


@dataclass(frozen=True)
class Finding:
    """Why a scorecard is held back: the name of the check or of the file, what is wrong, and what to do."""

    name: str
    message: str
    cure: str


@dataclass(frozen=True)
class Notice:
    """What an owner is told once: its key in the ledger, its subject, the template of its text and what that prints."""

    key: Key
    subject: str
    template: str
    content: dict[str, Any]


def failed_checks_notice(scorecard: str, period: str, owner: str, failed: Sequence[Finding]) -> Notice:
    """Return the notice that failed checks hold a scorecard back. A set of checks is mailed once for a period."""
    ordered = sorted(failed, key=lambda check: (check.name, check.message))
    failures = "\n".join(f"{check.name}\t{check.message}" for check in ordered)
    key = Key(scorecard, period, f"held-{_short(failures)}", owner)
    subject = f"Held back: {scorecard} {period}, {len(ordered)} failed check{'s' if len(ordered) != 1 else ''}"
    content = {"scorecard": scorecard, "period": period, "checks": ordered}
    return Notice(key, subject, "notice_held.txt.j2", content)


def source_trouble_notice(scorecard: str, period: str, owner: str, findings: Sequence[Finding]) -> Notice:
    """Return the notice that sources are not up to date. A set of findings is mailed once for a period."""
    ordered = sorted(findings, key=lambda finding: (finding.name, finding.message))
    # The text of the dataclass is part of the key: with another name of the class, owners are told once more.
    key = Key(scorecard, period, f"troubled-{_short(repr(ordered))}", owner)
    content = {"scorecard": scorecard, "period": period, "findings": ordered}
    subject = f"Held back: {scorecard} {period}, a source is not up to date"
    return Notice(key, subject, "notice_troubled.txt.j2", content)


def incomplete_data_notice(
    scorecard: str, period: str, owner: str, sources: Sequence[tuple[str, str]], cure: str
) -> Notice:
    """Return the notice that not all days of a period are known. It is mailed once for each period.

    ``sources``: each source, and through which day it is known.
    """
    key = Key(scorecard, period, "incomplete", owner)
    content = {"scorecard": scorecard, "period": period, "sources": sources, "cure": cure}
    subject = f"Held back: {scorecard} {period}, its data is not complete"
    return Notice(key, subject, "notice_incomplete.txt.j2", content)


def mail_notice(settings: Settings, notice: Notice) -> Outcome:
    """Mail a notice, unless it was mailed before. The state folder keeps it until the mail server has answered.

    Raises
    ------
    ScorecardError: no safe connection to the mail server; the next run tries again.
    """
    key, text = notice.key, _text(settings, notice)
    path = _folder(settings) / f"{_short(repr(key))}.json"
    kept = {"key": astuple(key), "subject": notice.subject, "text": text}
    write_whole(path, json.dumps(kept, ensure_ascii=False).encode())
    return _post_kept(settings, _prepared(settings, key, notice.subject, text), path)


def was_mailed(settings: Settings, notice: Notice) -> bool:
    """Tell whether a notice was mailed, or waits for the mail server."""
    with opened(settings) as ledger:
        return ledger.find(notice.key) is not None


def notify_ending(settings: Settings, source: str, sentence: str) -> Outcome:
    """Mail the owner that a version of a service's API ends soon. Each sentence is mailed once.

    Raises
    ------
    ScorecardError: no safe connection to the mail server; the next run tries again.
    """
    key = Key(source, "api", f"ending-{_short(sentence)}", settings.owner_email)
    subject = f"Before it ends: the API that the source {source} calls"
    return mail_notice(settings, Notice(key, subject, "notice_ending.txt.j2", {"source": source, "sentence": sentence}))


def notify_late(settings: Settings, scorecard: str, period: str, owner: str, due: str, missing: str) -> Outcome:
    """Mail the owner that a scorecard missed its deadline. It is mailed once for each period.

    ``due``: when it was due, company time. ``missing``: who has not received it.

    Raises
    ------
    ScorecardError: no safe connection to the mail server; the next run tries again.
    """
    content = {"scorecard": scorecard, "period": period, "due": due, "missing": missing}
    key = Key(scorecard, period, "late", owner)
    return mail_notice(settings, Notice(key, f"Late: {scorecard} {period}", "notice_late.txt.j2", content))


def notify_failed(settings: Settings, dag: str, task: str, problem: str, cure: str) -> Outcome:
    """Mail the owner that a task failed for good. A problem of a task is mailed once a day.

    Raises
    ------
    ScorecardError: no safe connection to the mail server; the next run tries again.
    """
    today = datetime.now(settings.zone).date().isoformat()
    key = Key(dag, today, f"failed-{_short(task + problem)}", settings.owner_email)
    content = {"dag": dag, "task": task, "problem": problem, "cure": cure}
    return mail_notice(settings, Notice(key, f"Failed: {dag}, {task}", "notice_failed.txt.j2", content))


def send_waiting(settings: Settings) -> None:
    """Send the notices that the state folder keeps.

    Raises
    ------
    ScorecardError: no safe connection to the mail server, or a notice in the state folder can't be read.
    """
    for path in sorted(_folder(settings).glob("*.json")):
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            prepared = _prepared(settings, Key(*kept["key"]), kept["subject"], kept["text"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ScorecardError(f"The notice {path} can't be read: {error}.", "Delete it.") from error
        _post_kept(settings, prepared, path)


def _post_kept(settings: Settings, prepared: Prepared, path: Path) -> Outcome:
    """Post a notice, and remove the file that keeps it when the mail server has answered."""
    outcome = post(settings, [prepared])[0]
    if outcome.state != "claimed":
        path.unlink(missing_ok=True)
    return outcome


def _folder(settings: Settings) -> Path:
    return settings.state / "notices"


def tell_owner(settings: Settings) -> None:
    """Mail the owner about letters that were refused and letters whose outcome is unknown, once about each.

    Raises
    ------
    ScorecardError: no safe connection to the mail server; the next run tries again.
    """
    with opened(settings) as ledger:
        unknown = [row for row in ledger.rows("unknown") if row.is_letter]
        refused = [row for row in ledger.rows("refused") if row.is_letter and row.told_at is None]
    if not unknown and not refused:
        return
    refusals = _refused_notices(settings, refused)
    outcomes = post(settings, [*_unknown_notices(settings, unknown), *(notice for notice, _ in refusals)])
    mailed = {outcome.key for outcome in outcomes if outcome.state in ("sent", "unknown")}
    with opened(settings) as ledger:
        for row in [row for notice, rows in refusals if notice.key in mailed for row in rows]:
            ledger.set_told(row.key)


def _refused_notices(settings: Settings, rows: Sequence[LedgerRow]) -> list[tuple[Prepared, list[LedgerRow]]]:
    """Return a notice for each close, with the refused letters that it names.

    Its key comes from these letters. So a run that ends before it notes who was named sends no second notice.
    """
    closes: dict[str, list[LedgerRow]] = {}
    for row in rows:
        closes.setdefault(row.close_id, []).append(row)
    return [(_refused_notice(settings, close_id, named), named) for close_id, named in closes.items()]


def _refused_notice(settings: Settings, close_id: str, rows: Sequence[LedgerRow]) -> Prepared:
    letters_refused = "\n".join(sorted(row.message_id + row.changed_at for row in rows))
    key = Key(rows[0].scorecard, rows[0].period, f"refused-{_short(letters_refused)}", settings.owner_email)
    letters = [{"recipient": row.recipient, "answer": row.detail, "cure": cure_of(row)} for row in rows]
    recipients = rows[0].recipient if len(rows) == 1 else f"{len(rows)} recipients"
    content = {"close_id": close_id, "letters": letters}
    subject = f"Refused: {close_id} to {recipients}"
    return _prepared_notice(settings, Notice(key, subject, "notice_refused.txt.j2", content))


def _unknown_notices(settings: Settings, rows: Sequence[LedgerRow]) -> list[Prepared]:
    """Return a notice for each letter whose outcome is unknown. The ledger keeps it from going out twice."""
    notices = []
    for row in rows:
        edition = f"unknown-{_short(row.message_id + row.changed_at)}"
        key = Key(row.scorecard, row.period, edition, settings.owner_email)
        subject = f"Did it arrive? {row.close_id} to {row.recipient}"
        content = {"row": row, "cure": cure_of(row)}
        notices.append(_prepared_notice(settings, Notice(key, subject, "notice_unknown.txt.j2", content)))
    return notices


def _prepared_notice(settings: Settings, notice: Notice) -> Prepared:
    return _prepared(settings, notice.key, notice.subject, _text(settings, notice))


def _text(settings: Settings, notice: Notice) -> str:
    content = {**notice.content, "company": settings.company}
    return redact(fill(settings.project / "reports", notice.template, content))


def _prepared(settings: Settings, key: Key, subject: str, text: str) -> Prepared:
    check_subject(subject)

    def build(message_id: str) -> bytes:
        message = message_with_headers(settings.mail_from, key.recipient, subject, message_id)
        message.set_content(text, cte="quoted-printable")
        return message.as_bytes()

    return Prepared(key, "en", build)


def _short(text: str) -> str:
    """Return the beginning of a text's hash, for keys and names of files."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]
