"""Moments as text: always in UTC, with the offset."""

from datetime import UTC, datetime


def moment_text(moment: datetime) -> str:
    """Return a moment in ISO 8601, in UTC, as 2024-03-01T09:00:00+00:00."""
    return moment.astimezone(UTC).isoformat()


def now_text(timespec: str = "seconds") -> str:
    """Return the present moment in ISO 8601, in UTC, cut to `timespec` as `datetime.isoformat` takes it."""
    return datetime.now(UTC).isoformat(timespec=timespec)
