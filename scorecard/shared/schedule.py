"""When a scorecard's period is due: a setting of each scorecard and cadence, in the company's time zone.

``due: {month: {working_day: 3, hour: 9}}`` in a scorecard's YAML: at nine on the third working day after the month.
"""

import csv
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from pathlib import Path

from scorecard.shared.errors import ScorecardError
from scorecard.shared.periods import FiscalYear, Grain, Period, period_of

LATEST = {
    "day": {Grain.DAY: 1, Grain.WEEK: 7, Grain.MONTH: 28, Grain.QUARTER: 90, Grain.YEAR: 365},
    "working_day": {Grain.WEEK: 3, Grain.MONTH: 15, Grain.QUARTER: 60, Grain.YEAR: 240},
}
"""The latest day, and working day, on which a cadence may be due: before its next period ends, so that at any moment
one period of it is the newest that is over."""


@dataclass(frozen=True)
class When:
    """When a period is due after its end: its day (1 is the first), counted in all days or in working days, and hour.

    ``deadline_hours`` later its owner is told if it was not delivered.
    """

    hour: int = 7
    day: int = 1
    working_day: int | None = None
    deadline_hours: int = 12


class Holidays:
    """The company's holidays, from ``company/holidays.csv``. Read when the first working day is asked for.

    A row without a day is skipped; extraction puts it into quarantine. Without the file there is no holiday.
    """

    def __init__(self, path: Path) -> None:
        """Take the file's path."""
        self._path = path

    @cached_property
    def _days(self) -> Collection[date]:
        try:
            with self._path.open(newline="", encoding="utf-8-sig") as file:
                return frozenset(day for row in csv.DictReader(file) if (day := _day(row.get("holiday_on"))))
        except FileNotFoundError:
            return frozenset()
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise ScorecardError(
                f"The holidays in {self._path} cannot be read: {error}.",
                "Correct its permissions, or save it as CSV in UTF-8.",
            ) from error

    def is_working_day(self, day: date) -> bool:
        """Tell whether a day is from Monday to Friday and not a holiday.

        Raises
        ------
        ScorecardError: the table has no holiday in the day's year.
        """
        if not any(holiday.year == day.year for holiday in self._days):
            raise ScorecardError(
                f"A scorecard is due on a working day, and {self._path.name} has no holiday of {day.year}.",
                f"Add the holidays of {day.year} to {self._path}.",
            )
        return day.weekday() < 5 and day not in self._days


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat((text or "").strip())
    except ValueError:
        return None


def due_at(period: Period, when: When, holidays: Holidays) -> datetime:
    """Return when a period is due, in the company's local time, without a zone.

    Raises
    ------
    ScorecardError: it is due on a working day, and the year's holidays are not in the table.
    """
    day = period.end + timedelta(days=when.day - 1)
    if when.working_day is not None:
        day, left = period.end, when.working_day
        while True:
            left -= holidays.is_working_day(day)
            if not left:
                break
            day += timedelta(days=1)
    return datetime.combine(day, time(when.hour))


def last_due(cadence: Grain, when: When, holidays: Holidays, moment: datetime, fiscal: FiscalYear) -> Period:
    """Return the newest period of a cadence that is due at a moment of the company's local time.

    Raises
    ------
    ScorecardError: as ``due_at``.
    """
    period = period_of(moment.date(), cadence, fiscal).shift(-1, fiscal)
    # Late working days may lie beyond the end of a short period.
    while due_at(period, when, holidays) > moment.replace(tzinfo=None):
        period = period.shift(-1, fiscal)
    return period
