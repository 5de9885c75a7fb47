"""The ledger: one row for each letter and recipient, written before the letter is sent.

A row goes claimed → sending → sent, or ends as refused or unknown:

- ``claimed``: nothing was transmitted yet, so the letter may be sent.
- ``sending``: committed right before the content goes out. A run that finds such a row knows that an earlier run ended
  in between, so it is not known whether the letter arrived.
"""

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from scorecard.delivery.ledger_file import damaged, mark_made, marker, refuse_if_lost, unusable
from scorecard.shared.moments import now_text
from scorecard.shared.settings import Settings

STATES = ("claimed", "sending", "sent", "refused", "unknown")
SMTP = "smtp"
"""The channel of every letter of a ledger that keeps no channels yet."""


@dataclass(frozen=True)
class Key:
    """What is delivered once. The edition is a close's number, or for a notice the hash of what it is about."""

    scorecard: str
    period: str
    edition: str
    recipient: str


@dataclass(frozen=True)
class LedgerRow:
    """One row of the ledger. Times are UTC, ISO 8601.

    ``content_sha256`` is the hash of what the mailed close says, null where it isn't known. ``told_at`` is when the
    owner was told of a refusal. ``channel`` is the name of the channel that the letter takes.
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
    channel: str = SMTP

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


COLUMNS = tuple(field.name for field in fields(LedgerRow))
_LISTED_COLUMNS = ", ".join(COLUMNS)
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
    channel text not null default '{SMTP}',
    unique (scorecard, period, edition, recipient)
)
"""
# A ledger of an earlier release lacks these columns. It gets them when it is opened.
_ADDED_COLUMNS = {"content_sha256": "text", "told_at": "text", "channel": f"text not null default '{SMTP}'"}
_HAS_KEY = "(scorecard, period, edition, recipient) = (?, ?, ?, ?)"


def message_id(key: Key, domain: str) -> str:
    """Return the Message-ID of a letter. It depends on the key alone, so a mail server can recognise a repetition."""
    digest = hashlib.sha256("\n".join(astuple(key)).encode()).hexdigest()
    return f"<scorecard.{digest[:32]}@{domain}>"


class Ledger:
    """The ledger's database. Every change is on the disk when the method returns."""

    def __init__(self, path: Path) -> None:
        """Open the file, or make it.

        Raises
        ------
        ScorecardError: it was made before and is lost or damaged, or it can't be written.
        """
        try:
            # The marker is looked for first: another process that is making both makes the marker last.
            made = marker(path).exists()
            if made:
                refuse_if_lost(path)
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, isolation_level=None, timeout=30)
        except (OSError, sqlite3.Error) as error:
            raise unusable(path, error) from error
        try:
            self._prepare(path, made)
            if not made:
                mark_made(path)
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
        # A truncated file is noticed here, before the first letter, and not between two letters.
        (verdict,) = run("pragma quick_check(1)").fetchone()
        if verdict != "ok":
            raise damaged(path, " ".join(verdict.split()))
        # This takes the lock for writing, so a file that can't be written is noticed here, too.
        run("begin immediate")
        columns = {column[1] for column in run("pragma table_info(deliveries)")}
        if made and not columns:
            raise damaged(path, "it holds no table of deliveries")
        run(_SCHEMA)
        for name, definition in _ADDED_COLUMNS.items():
            if columns and name not in columns:
                run(f"alter table deliveries add column {name} {definition}")
        run("commit")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def claim(
        self, key: Key, language: str, message: str, content_sha256: str | None = None, channel: str = SMTP
    ) -> LedgerRow:
        """Return the row of a key, and insert it as claimed where there is none.

        A row that is still claimed gets the hash of the content that is now to be sent, and its channel.
        ``message`` is the Message-ID.
        """
        now = now_text("milliseconds")
        self._connection.execute(
            f"insert into deliveries ({_LISTED_COLUMNS}) values (?, ?, ?, ?, ?, 'claimed', ?, null, ?, ?, ?, null, ?) "
            "on conflict do update set content_sha256 = excluded.content_sha256, channel = excluded.channel "
            "where state = 'claimed'",
            (*astuple(key), language, message, now, now, content_sha256, channel),
        )
        row = self.find(key)
        if row is None:
            raise RuntimeError("a row that was just written is not there")
        return row

    def find(self, key: Key) -> LedgerRow | None:
        """Return the row of a key, if there is one."""
        rows = self._rows(f"where {_HAS_KEY}", astuple(key))
        return rows[0] if rows else None

    def set_state(self, key: Key, state: str, detail: str | None = None) -> None:
        """Write the state of a row, and the words that explain it."""
        self._connection.execute(
            f"update deliveries set state = ?, detail = ?, changed_at = ?, told_at = null where {_HAS_KEY}",
            (state, detail, now_text("milliseconds"), *astuple(key)),
        )

    def set_told(self, key: Key) -> None:
        """Note that the owner has been told of a row's state."""
        self._connection.execute(
            f"update deliveries set told_at = ? where {_HAS_KEY}", (now_text("milliseconds"), *astuple(key))
        )

    def sent_otherwise(self, key: Key, content_sha256: str) -> LedgerRow | None:
        """Return a row of the same edition, to any recipient, whose letter went out with other content."""
        rows = self._rows(
            "where (scorecard, period, edition) = (?, ?, ?) and state in ('sent', 'unknown') and content_sha256 <> ?",
            (key.scorecard, key.period, key.edition, content_sha256),
        )
        return rows[0] if rows else None

    def rows(self, state: str | None = None) -> list[LedgerRow]:
        """Return the rows in a state, or all, oldest first."""
        return self._rows("where state = ?", (state,)) if state else self._rows("", ())

    def _rows(self, where: str, values: tuple[str, ...]) -> list[LedgerRow]:
        cursor = self._connection.execute(
            f"select {_LISTED_COLUMNS} from deliveries {where} order by claimed_at, rowid",
            values,
        )
        return [LedgerRow(*row) for row in cursor.fetchall()]


@contextmanager
def opened(settings: Settings) -> Iterator[Ledger]:
    """Open the ledger, and close it at the end of the block.

    Raises
    ------
    ScorecardError: it is lost or damaged, or it can't be written.
    """
    ledger = Ledger(settings.ledger)
    try:
        yield ledger
    except sqlite3.Error as error:
        raise unusable(settings.ledger, error) from error
    finally:
        ledger.close()
