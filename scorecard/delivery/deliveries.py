"""List what was delivered, and write down what a person decides about a letter whose outcome is unknown."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from scorecard.delivery.ledger import COLUMNS, LedgerRow, opened
from scorecard.delivery.ledger_file import marker, unusable
from scorecard.shared.errors import ScorecardError
from scorecard.shared.settings import Settings

_CURES_OF_DECIDED = {
    "sent": "Do nothing: the letter was sent.",
    "claimed": "Wait: the next run sends the letter.",
}
"""What to do about a delivery that a person can't decide about, by its state."""


def read_deliveries(settings: Settings) -> list[LedgerRow]:
    """Return all rows of the ledger, oldest first.

    Raises
    ------
    ScorecardError: the ledger is lost, damaged or not readable.
    """
    if not settings.ledger.exists() and not marker(settings.ledger).exists():
        return []
    if settings.ledger.is_file() and not os.access(settings.ledger.parent, os.W_OK):
        return _read_only(settings.ledger)
    with opened(settings) as ledger:
        return ledger.rows()


def _read_only(path: Path) -> list[LedgerRow]:
    """Read a ledger that can't be written, such as an auditor's copy, without the write-ahead log beside it."""
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
            columns = [column[1] for column in connection.execute("pragma table_info(deliveries)")]
            known = [name for name in COLUMNS if name in columns]
            cursor = connection.execute(f"select {', '.join(known)} from deliveries order by claimed_at, rowid")
            return [LedgerRow(**dict(zip(known, row, strict=True))) for row in cursor.fetchall()]
    except sqlite3.Error as error:
        raise unusable(path, error) from error


def resend(settings: Settings, close_id: str, recipient: str) -> LedgerRow:
    """Let the next run send a letter again that was refused, or whose outcome is unknown.

    Raises
    ------
    ScorecardError: there is no such delivery, or it is neither refused nor unknown.
    """
    return _decide(settings, close_id, recipient, "claimed", "a person asked to send it again")


def mark_sent(settings: Settings, close_id: str, recipient: str) -> LedgerRow:
    """Note that a letter has arrived: a person found out.

    Raises
    ------
    ScorecardError: there is no such delivery, or it is neither refused nor unknown.
    """
    return _decide(settings, close_id, recipient, "sent", "a person found that it had arrived")


def _decide(settings: Settings, close_id: str, recipient: str, state: str, detail: str) -> LedgerRow:
    with opened(settings) as ledger:
        rows = [row for row in ledger.rows() if (row.close_id, row.recipient) == (close_id, recipient)]
        if not rows:
            raise ScorecardError(
                f"There is no delivery of {close_id} to {recipient}.", "`scorecard deliveries` lists them."
            )
        # A row in `sending` is of a run that was killed: a run that ends by itself leaves none.
        if rows[0].state not in ("unknown", "refused", "sending"):
            raise ScorecardError(
                f"The delivery of {close_id} to {recipient} is {rows[0].state}: there is nothing to decide.",
                _CURES_OF_DECIDED[rows[0].state],
            )
        ledger.set_state(rows[0].key, state, detail)
        changed = ledger.find(rows[0].key)
        if changed is None:
            raise RuntimeError("a row that was just changed is not there")
        return changed
