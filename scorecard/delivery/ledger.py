"""The record of what was mailed to whom, written before it is done.

A row goes claimed → sending → sent, or ends as refused or unknown. ``claimed`` means that nothing was transmitted
yet, so it may be sent; ``sending`` is committed right before the letter's content goes out and means, when it is
found later, that the run ended in between: nobody knows whether the letter arrived.

A ledger that was lost must not come back empty, or everyone gets everything again. So a file beside it, the marker,
says that it was made; while it is there, a missing, empty or damaged ledger stops the mail.
"""
# ruff: noqa: S608 - the only text put into these queries is a list of columns

import hashlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from scorecard.shared.errors import ScorecardError, Temporary
from scorecard.shared.files import sync, write_whole
from scorecard.shared.moments import now_text
from scorecard.shared.settings import Settings

STATES = ("claimed", "sending", "sent", "refused", "unknown")
_SCHEMA = f"""
create table if not exists deliveries (
    scorecard text not null,
    period text not null,
    edition text not null,
    recipient text not null,
    language text not null,
    state text not null check (state in {STATES}),
    message_id text not null,
    detail text,
    claimed_at text not null,
    changed_at text not null,
    content_sha256 text,
    told_at text,
    unique (scorecard, period, edition, recipient)
)
"""
_COLUMNS = (
    "scorecard, period, edition, recipient, language, state, message_id, detail, claimed_at, changed_at, "
    "content_sha256, told_at"
)
# A ledger that was made before there were these columns gets them when it is opened.
_ADDED_COLUMNS = ("content_sha256", "told_at")
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_NO_PERMISSION = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH)
_IN_USE = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


@dataclass(frozen=True)
class Key:
    """What is delivered once. The edition is a close's number, or for a notice the hash of what it is about."""

    scorecard: str
    period: str
    edition: str
    recipient: str


@dataclass(frozen=True)
class Row:
    """One row of the ledger. Times are UTC, ISO 8601.

    ``content_sha256`` is the hash of what the mailed close says, null where it isn't known. ``told_at`` is when the
    owner was told of a refusal.
    """

    scorecard: str
    period: str
    edition: str
    recipient: str
    language: str
    state: str
    message_id: str
    detail: str | None
    claimed_at: str
    changed_at: str
    content_sha256: str | None = None
    told_at: str | None = None

    @property
    def key(self) -> Key:
        """What the row is about."""
        return Key(self.scorecard, self.period, self.edition, self.recipient)

    @property
    def close_id(self) -> str:
        """The close that was delivered; of a notice, what it is about."""
        edition = f"e{self.edition}" if self.is_letter else self.edition
        return f"{self.scorecard}-{self.period}-{edition}"

    @property
    def is_letter(self) -> bool:
        """Whether a scorecard was delivered, and not a notice to its owner."""
        return self.edition.isdecimal()


def message_id(key: Key, domain: str) -> str:
    """Return the Message-ID of a letter: always the same, so that a mail server can tell a repetition."""
    digest = hashlib.sha256("\n".join((key.scorecard, key.period, key.edition, key.recipient)).encode()).hexdigest()
    return f"<scorecard.{digest[:32]}@{domain}>"


def marker(path: Path) -> Path:
    """Return the file beside the ledger that says that the ledger was made once."""
    return path.with_name(f"{path.name}.made")


def unusable(path: Path, error: OSError | sqlite3.Error) -> ScorecardError:
    """Say why the ledger, or a file beside it, can't be used, and what to do about that very reason."""
    # The low byte is the reason, the rest says where in SQLite it was met.
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _DAMAGED:
        return _damaged(path, str(error))
    reason = error.strerror if isinstance(error, OSError) else str(error)
    if path.is_dir():
        reason, cure = "it is a folder", "Move that folder away"
    elif code in _NO_PERMISSION or isinstance(error, PermissionError):
        cure = f"Give the user who runs this the permission to write it and its folder {path.parent}"
    elif code in _IN_USE:
        cure = "Let the other process that has it open end"
    else:
        cure = "Free space or mend the disk"
    kind = Temporary if code in _IN_USE else ScorecardError
    return kind(
        f"The ledger of deliveries {path} can't be written: {reason}.",
        f"{cure}, then run again; no letter goes out that isn't in the ledger.",
    )


def _damaged(path: Path, reason: str) -> ScorecardError:
    return ScorecardError(
        f"The ledger of deliveries {path} is damaged: {reason}. Nobody is mailed while it is, since nobody "
        "knows who has had which scorecard.",
        "Restore it from a backup; or, if every letter may be sent once more, "
        f"delete it and {marker(path)}, then run again.",
    )


def _refuse_if_lost(path: Path) -> None:
    """Refuse to go on where the ledger was made once and nothing is left of it: SQLite would make it anew."""
    if path.exists() and path.stat().st_size:
        return
    raise ScorecardError(
        f"The ledger of deliveries {path} is {'empty' if path.exists() else 'missing'}, though it was made before. "
        "Nobody was mailed, since without it nobody knows who has had which scorecard.",
        "Restore it from a backup; or, if every letter may be sent once more, "
        f"delete the file {marker(path)}, then run again.",
    )


def _mark_made(path: Path) -> None:
    """Write the marker, and wait until it and the ledger's own name in the folder are on the disk."""
    made = f"{path.name} was made, {now_text('milliseconds')}. While this file is here, a run doesn't make it anew.\n"
    write_whole(marker(path), made.encode())
    sync(path.parent)


class Ledger:
    """The ledger's file. Every change is on the disk when the method returns."""

    def __init__(self, path: Path) -> None:
        """Open the file, or make it.

        Raises
        ------
        ScorecardError: it was made before and is lost or damaged, or it can't be written.
        """
        try:
            # Asked before the ledger is looked for: another process that is making both makes the marker last.
            made = marker(path).exists()
            if made:
                _refuse_if_lost(path)
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, isolation_level=None, timeout=30)
        except (OSError, sqlite3.Error) as error:
            raise unusable(path, error) from error
        try:
            self._prepare(path, made)
            if not made:
                _mark_made(path)
        except (OSError, sqlite3.Error) as error:
            self.close()
            raise unusable(path, error) from error
        except BaseException:
            self.close()
            raise

    def _prepare(self, path: Path, made: bool) -> None:
        run = self._connection.execute
        run("pragma journal_mode = wal")
        run("pragma synchronous = full")
        # What was cut off is found now, and not in the middle of the letters.
        (found,) = run("pragma quick_check(1)").fetchone()
        if found != "ok":
            raise _damaged(path, " ".join(found.split()))
        # Takes the lock for writing, so a file that can't be written is found now, too.
        run("begin immediate")
        columns = {column[1] for column in run("pragma table_info(deliveries)")}
        if made and not columns:
            raise _damaged(path, "it holds no table of deliveries")
        run(_SCHEMA)
        for name in _ADDED_COLUMNS:
            if columns and name not in columns:
                run(f"alter table deliveries add column {name} text")
        run("commit")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def claim(self, key: Key, language: str, message: str, content_sha256: str | None = None) -> Row:
        """Return the row of a key, made as claimed if there was none.

        A row that is still claimed takes the hash of the content that is now to be sent.
        """
        now = now_text("milliseconds")
        self._connection.execute(
            f"insert into deliveries ({_COLUMNS}) values (?, ?, ?, ?, ?, 'claimed', ?, null, ?, ?, ?, null) "
            "on conflict do update set content_sha256 = excluded.content_sha256 where state = 'claimed'",
            (*_values(key), language, message, now, now, content_sha256),
        )
        row = self.find(key)
        if row is None:
            raise RuntimeError("a row that was just written is not there")
        return row

    def find(self, key: Key) -> Row | None:
        """Return the row of a key, if there is one."""
        rows = self._rows("where (scorecard, period, edition, recipient) = (?, ?, ?, ?)", _values(key))
        return rows[0] if rows else None

    def set_state(self, key: Key, state: str, detail: str | None = None) -> None:
        """Write the state of a row, with what is to be known of it."""
        self._connection.execute(
            "update deliveries set state = ?, detail = ?, changed_at = ?, told_at = null "
            "where (scorecard, period, edition, recipient) = (?, ?, ?, ?)",
            (state, detail, now_text("milliseconds"), *_values(key)),
        )

    def set_told(self, key: Key) -> None:
        """Note that the owner has been told of a row's state."""
        self._connection.execute(
            "update deliveries set told_at = ? where (scorecard, period, edition, recipient) = (?, ?, ?, ?)",
            (now_text("milliseconds"), *_values(key)),
        )

    def sent_otherwise(self, key: Key, content_sha256: str) -> Row | None:
        """Return a row of the same edition, to whomever, whose content went out and was another than this."""
        rows = self._rows(
            "where (scorecard, period, edition) = (?, ?, ?) and state in ('sent', 'unknown') and content_sha256 <> ?",
            (key.scorecard, key.period, key.edition, content_sha256),
        )
        return rows[0] if rows else None

    def rows(self, state: str | None = None) -> list[Row]:
        """Return the rows, oldest first; all, or those in a state."""
        return self._rows("where state = ?", (state,)) if state else self._rows("", ())

    def _rows(self, where: str, values: tuple[str, ...]) -> list[Row]:
        found = self._connection.execute(
            f"select {_COLUMNS} from deliveries {where} order by claimed_at, rowid",
            values,
        )
        return [Row(*row) for row in found.fetchall()]


@contextmanager
def opened(settings: Settings) -> Iterator[Ledger]:
    """Open the ledger and close it again."""
    ledger = Ledger(settings.ledger)
    try:
        yield ledger
    except sqlite3.Error as error:
        raise unusable(settings.ledger, error) from error
    finally:
        ledger.close()


def deliveries(settings: Settings) -> list[Row]:
    """Return the whole ledger, oldest first."""
    if not settings.ledger.exists() and not marker(settings.ledger).exists():
        return []
    if settings.ledger.is_file() and not os.access(settings.ledger.parent, os.W_OK):
        return _read_only(settings.ledger)
    with opened(settings) as ledger:
        return ledger.rows()


def _read_only(path: Path) -> list[Row]:
    """Read a ledger that can't be written, as an auditor's copy. What is in the log beside it is not seen."""
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
            columns = [column[1] for column in connection.execute("pragma table_info(deliveries)")]
            known = [name for name in _COLUMNS.split(", ") if name in columns]
            found = connection.execute(f"select {', '.join(known)} from deliveries order by claimed_at, rowid")
            return [Row(**dict(zip(known, row, strict=True))) for row in found.fetchall()]
    except sqlite3.Error as error:
        raise unusable(path, error) from error


def resend(settings: Settings, close_id: str, recipient: str) -> Row:
    """Let the next run send a letter again whose outcome is unknown or that was refused: a person's decision.

    Raises
    ------
    ScorecardError: there is no such delivery, or it is known to have arrived.
    """
    return _decide(settings, close_id, recipient, "claimed", "a person asked to send it again")


def mark_sent(settings: Settings, close_id: str, recipient: str) -> Row:
    """Note that a letter whose outcome was unknown has arrived: a person looked.

    Raises
    ------
    ScorecardError: there is no such delivery, or its outcome is known.
    """
    return _decide(settings, close_id, recipient, "sent", "a person found that it had arrived")


def _decide(settings: Settings, close_id: str, recipient: str, state: str, detail: str) -> Row:
    with opened(settings) as ledger:
        rows = [row for row in ledger.rows() if (row.close_id, row.recipient) == (close_id, recipient)]
        if not rows:
            raise ScorecardError(
                f"There is no delivery of {close_id} to {recipient}.", "`scorecard deliveries` lists them."
            )
        # A row in `sending` has no running process: who delivers sorts those out before it ends.
        if rows[0].state not in ("unknown", "refused", "sending"):
            raise ScorecardError(
                f"The delivery of {close_id} to {recipient} is {rows[0].state}, so there is nothing to decide.",
                "Only one whose outcome is unknown, or that was refused, waits for a person.",
            )
        ledger.set_state(rows[0].key, state, detail)
        changed = ledger.find(rows[0].key)
        if changed is None:
            raise RuntimeError("a row that was just changed is not there")
        return changed


def _values(key: Key) -> tuple[str, str, str, str]:
    return key.scorecard, key.period, key.edition, key.recipient
