"""Verify the archive against its hashes and against what was mailed, open its closes, and trace its figures."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scorecard.shared.errors import ScorecardError
from scorecard.shared.settings import Settings

if TYPE_CHECKING:
    from scorecard.closes.verify import Mailed


def verify(settings: Settings) -> dict[str, Any]:
    """Check the hashes of every close, the chain, and that the archive has what was mailed; see `Mailed`."""
    from scorecard.closes.verify import verify as check

    try:
        mailed = mailed_closes(settings)
    except ScorecardError as error:
        result = check(settings)
        return {**result, "ok": False, "broken": [*result["broken"], {"close_id": None, "problem": error.problem}]}
    return check(settings, mailed)


def open_close(settings: Settings, close_id: str) -> Path:
    """Return the folder of a close that `verify` finds intact.

    Raises
    ------
    ScorecardError: the id is unknown; `verify` finds the close, or the archive as a whole, broken; or the ledger can't
        be read.
    """
    from scorecard.closes.verify import open_close as open_verified

    return open_verified(settings, close_id, mailed_closes(settings))


def trace(settings: Settings, figure_id: str) -> dict[str, Any]:
    """Prove a figure of an intact close; see `scorecard.closes.trace.trace`."""
    from scorecard.closes.trace import trace as prove
    from scorecard.extract import record_url

    return prove(settings, figure_id, mailed_closes(settings), partial(record_url, settings))


def mailed_closes(settings: Settings) -> "list[Mailed]":
    """Return the closes that recipients may have received. Raises ScorecardError if the ledger can't be read."""
    from scorecard.closes.verify import Mailed
    from scorecard.delivery.deliveries import read_deliveries

    rows = [row for row in read_deliveries(settings) if row.is_letter and row.state in ("sent", "unknown")]
    return [Mailed(row.close_id, row.content_sha256) for row in rows]
