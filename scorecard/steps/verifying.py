"""Prove that the archive is what it was when it was made, and holds what was mailed."""

from typing import Any

from scorecard.errors import ScorecardError
from scorecard.settings import Settings


def verify(settings: Settings) -> dict[str, Any]:
    """Check every hash of every close, their chain, and that the archive holds what was mailed; see `Mailed`."""
    from scorecard.archive.verify import Mailed
    from scorecard.archive.verify import verify as check
    from scorecard.delivery.ledger import deliveries

    try:
        rows = [row for row in deliveries(settings) if row.is_letter and row.state in ("sent", "unknown")]
    except ScorecardError as error:
        found = check(settings)
        return {**found, "ok": False, "broken": [*found["broken"], {"close_id": None, "problem": error.problem}]}
    return check(settings, [Mailed(row.close_id, row.content_sha256) for row in rows])
