"""The record of what was mailed to whom, written before it is done.

A row goes claimed → sending → sent, or ends as refused or unknown. ``claimed`` means that nothing was transmitted
yet, so it may be sent; ``sending`` is committed right before the letter's content goes out and means, when it is
found later, that the run ended in between: nobody knows whether the letter arrived.
"""
# ruff: noqa: S608 - the only text put into these queries is a list of columns

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from scorecard.errors import ScorecardError
from scorecard.settings import Settings

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
    unique (scorecard, period, edition, recipient)
)
"""
_COLUMNS = "scorecard, period, edition, recipient, language, state, message_id, detail, claimed_at, changed_at"


@dataclass(frozen=True)
class Key:
    """What is delivered once. The edition is a close's number, or for a notice the hash of what it is about."""

    scorecard: str
    period: str
    edition: str
    recipient: str


@dataclass(frozen=True)
class Row:
    """One row of the ledger. Times are UTC, ISO 8601."""

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


class Ledger:
    """The ledger's file. Every change is on the disk when the method returns."""

    def __init__(self, path: Path) -> None:
        """Open the file, or make it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path, isolation_level=None, timeout=30)
        try:
            self._connection.execute("pragma journal_mode = wal")
            self._connection.execute("pragma synchronous = full")
            self._connection.execute(_SCHEMA)
        except sqlite3.DatabaseError as error:
            self._connection.close()
            raise ScorecardError(
                f"The ledger of deliveries {path} can't be used: {error}.",
                "Restore it from a backup. Without it nobody knows who has had which scorecard.",
            ) from error

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def claim(self, key: Key, language: str, message: str) -> Row:
        """Return the row of a key, made as claimed if there was none."""
        now = _now()
        self._connection.execute(
            f"insert into deliveries ({_COLUMNS}) values (?, ?, ?, ?, ?, 'claimed', ?, null, ?, ?) "
            "on conflict do nothing",
            (key.scorecard, key.period, key.edition, key.recipient, language, message, now, now),
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
            "update deliveries set state = ?, detail = ?, changed_at = ? "
            "where (scorecard, period, edition, recipient) = (?, ?, ?, ?)",
            (state, detail, _now(), *_values(key)),
        )

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
        raise ScorecardError(
            f"The ledger of deliveries {settings.ledger} can't be written: {error}.",
            "Free space or mend the permissions, then run again; no letter goes out that isn't in the ledger.",
        ) from error
    finally:
        ledger.close()


def deliveries(settings: Settings) -> list[Row]:
    """Return the whole ledger, oldest first."""
    if not settings.ledger.is_file():
        return []
    with opened(settings) as ledger:
        return ledger.rows()


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


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
