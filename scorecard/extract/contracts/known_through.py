"""The last complete day of an export, if its contract declares how the day is known.

Without a declaration an export is complete through its last record, so a month without records never ends.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from scorecard.shared.errors import ScorecardError

Kind = Literal["field", "file_name", "day_before_written"]

_PARTS = {"%Y": r"(?P<year>\d{4})", "%m": r"(?P<month>\d{2})", "%d": r"(?P<day>\d{2})"}


@dataclass(frozen=True)
class KnownThrough:
    """How the day is known: by a column (`value` is its name), by the file's name (its pattern), or by its time."""

    kind: Kind
    value: str = ""


def parse(declared: Any) -> KnownThrough:
    """Read `config.meta.known_through` of a table.

    Raises
    ------
    ValueError: it is wrong; the message is the end of a sentence about it.
    """
    if declared == "day_before_written":
        return KnownThrough("day_before_written")
    if not isinstance(declared, dict) or len(declared) != 1:
        raise ValueError("is none of `day_before_written`, `{field: <column>}` and `{file_name: <pattern>}`")
    ((kind, value),) = declared.items()
    if kind == "field" and isinstance(value, str):
        return KnownThrough("field", value)
    if kind != "file_name" or not isinstance(value, str):
        raise ValueError("is none of `day_before_written`, `{field: <column>}` and `{file_name: <pattern>}`")
    if any(value.count(part) != 1 for part in _PARTS):
        raise ValueError(f"has the pattern {value!r}, which must have each of %Y, %m and %d once")
    return KnownThrough("file_name", value)


def day_in_name(pattern: str, file: str) -> date:
    """Return the day in a file's name.

    >>> day_in_name("deals_%Y-%m-%d.csv", "weekly/deals_2024-12-31.csv")
    datetime.date(2024, 12, 31)

    Raises
    ------
    ScorecardError: the name has no day.
    """
    expression = "".join(_PARTS.get(part, re.escape(part)) for part in re.split(r"(%[Ymd])", pattern))
    match = re.fullmatch(expression, file.rpartition("/")[2])
    try:
        if match:
            return date(int(match["year"]), int(match["month"]), int(match["day"]))
    except ValueError:
        pass
    raise ScorecardError(
        f"The name of {file} has no day in the place that its contract says, {pattern}.",
        "Give the file such a name, or correct config.meta.known_through in the contract.",
    )


def _last_full_day(moment: datetime, zone: ZoneInfo) -> date:
    """Return the last day that is over at a moment. A moment without a time zone is in the zone of the company."""
    local = moment.astimezone(zone) if moment.tzinfo else moment
    return local.date() - timedelta(days=1)


def known_day(
    declared: KnownThrough, written: Collection[tuple[str, datetime]], newest: date | datetime | None, zone: ZoneInfo
) -> date | None:
    """Return the last complete day of an export of one or several files, None if it isn't known.

    The day is never later than the day on which the newest file was written: later days in a file are plans.

    Parameters
    ----------
    written: the name of each file, and when it was written.
    newest: the newest value of the declared field among current records, None if another declaration counts.

    Raises
    ------
    ScorecardError: a file's name has no day.
    """
    if not written:
        return None
    # The clock of the machine that wrote the file may be ahead.
    last_written = min(max(moment for _, moment in written), datetime.now(UTC))
    if declared.kind == "day_before_written":
        return _last_full_day(last_written, zone)
    if declared.kind == "file_name":
        day = max(day_in_name(declared.value, name) for name, _ in written)
    elif newest is None:
        return None
    else:
        day = _last_full_day(newest, zone) if isinstance(newest, datetime) else newest
    return min(day, last_written.astimezone(zone).date())
