"""The record of what was mailed to whom, written before it is done.

A row goes claimed → sending → sent, or ends as refused or unknown. ``claimed`` means that nothing was transmitted
yet, so it may be sent; ``sending`` is committed right before the letter's content goes out and means, when it is
found later, that the run ended in between: nobody knows whether the letter arrived.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scorecard.delivery.ledger_file import damaged, mark_made, marker, refuse_if_lost, unusable
from scorecard.delivery.ledger_row import SMTP, Key, LedgerRow
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
    channel text not null default '{SMTP}',
    unique (scorecard, period, edition, recipient)
)
"""
COLUMNS = (
    "scorecard, period, edition, recipient, language, state, message_id, detail, claimed_at, changed_at, "
    "content_sha256, told_at, channel"
)
# A ledger that was made before there were these columns gets them when it is opened.
_ADDED_COLUMNS = {"content_sha256": "text", "told_at": "text", "channel": f"text not null default '{SMTP}'"}


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
        # What was cut off is found now, and not in the middle of the letters.
        (verdict,) = run("pragma quick_check(1)").fetchone()
        if verdict != "ok":
            raise damaged(path, " ".join(verdict.split()))
        # Takes the lock for writing, so a file that can't be written is found now, too.
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
        """Return the row of a key, made as claimed if there was none.

        A row that is still claimed takes the hash of the content that is now to be sent, and the channel it now takes.
        """
        now = now_text("milliseconds")
        self._connection.execute(
            f"insert into deliveries ({COLUMNS}) values (?, ?, ?, ?, ?, 'claimed', ?, null, ?, ?, ?, null, ?) "
            "on conflict do update set content_sha256 = excluded.content_sha256, channel = excluded.channel "
            "where state = 'claimed'",
            (*_values(key), language, message, now, now, content_sha256, channel),
        )
        row = self.find(key)
        if row is None:
            raise RuntimeError("a row that was just written is not there")
        return row

    def find(self, key: Key) -> LedgerRow | None:
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

    def sent_otherwise(self, key: Key, content_sha256: str) -> LedgerRow | None:
        """Return a row of the same edition, to whomever, whose content went out and was another than this."""
        rows = self._rows(
            "where (scorecard, period, edition) = (?, ?, ?) and state in ('sent', 'unknown') and content_sha256 <> ?",
            (key.scorecard, key.period, key.edition, content_sha256),
        )
        return rows[0] if rows else None

    def rows(self, state: str | None = None) -> list[LedgerRow]:
        """Return the rows, oldest first; all, or those in a state."""
        return self._rows("where state = ?", (state,)) if state else self._rows("", ())

    def _rows(self, where: str, values: tuple[str, ...]) -> list[LedgerRow]:
        cursor = self._connection.execute(
            f"select {COLUMNS} from deliveries {where} order by claimed_at, rowid",
            values,
        )
        return [LedgerRow(*row) for row in cursor.fetchall()]


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


def _values(key: Key) -> tuple[str, str, str, str]:
    return key.scorecard, key.period, key.edition, key.recipient
