"""Days, ISO weeks, months, quarters and years of the company's calendar.

A period is half-open, [start, end). Quarters and years follow the fiscal calendar. A fiscal year is named after the
calendar year in which it ends or begins, as the company says; one that begins in January is the calendar year.
"""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, Literal

from scorecard.shared.errors import ScorecardError


@dataclass(frozen=True)
class FiscalYear:
    """The month in which a company's year begins, and which of its two calendar years names it."""

    first_month: int = 1
    named_after: Literal["start", "end"] = "end"

    @classmethod
    def of_close(cls, settings: dict[str, Any]) -> "FiscalYear":
        """Return the fiscal year of a close. The first release named years after their end and kept no setting."""
        return cls(int(settings["fiscal_year_start_month"]), settings.get("fiscal_year_named_after", "end"))

    @property
    def is_calendar_year(self) -> bool:
        """Whether it begins in January."""
        return self.first_month == 1

    @property
    def ahead(self) -> int:
        """How many years the name is ahead of the year in which the fiscal year begins: 0 or 1."""
        return int(self.named_after == "end" and not self.is_calendar_year)


CALENDAR_YEAR = FiscalYear()


class Grain(StrEnum):
    """Length of a period, shortest first."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


_MONTHS = {Grain.MONTH: 1, Grain.QUARTER: 3, Grain.YEAR: 12}
_PATTERNS = {
    Grain.DAY: r"(?P<y>\d{4})-(?P<m>\d{2})-(?P<d>\d{2})",
    Grain.WEEK: r"(?P<y>\d{4})-W(?P<w>\d{2})",
    Grain.MONTH: r"(?P<y>\d{4})-(?P<m>\d{2})",
    Grain.QUARTER: r"(?P<y>\d{4})-Q(?P<q>[1-4])",
    Grain.YEAR: r"(?P<y>\d{4})",
}

WRITTEN = {
    Grain.DAY: r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$",
    Grain.WEEK: r"^\d{4}-W(0[1-9]|[1-4]\d|5[0-3])$",
    Grain.MONTH: r"^\d{4}-(0[1-9]|1[0-2])$",
    Grain.QUARTER: r"^\d{4}-Q[1-4]$",
    Grain.YEAR: r"^\d{4}$",
}
"""How a period is written, for forms that check it before `parse_period` does."""


def add_months(first: date, months: int) -> date:
    """Move a first day of a month by whole months."""
    years, month = divmod(first.year * 12 + first.month - 1 + months, 12)
    return date(years, month + 1, 1)


@dataclass(frozen=True, order=True)
class Period:
    """One period: its grain, first day and the day after its last. Days are local to the company."""

    start: date
    end: date
    grain: Grain
    label: str

    def __str__(self) -> str:
        return self.label

    @property
    def last_day(self) -> date:
        """The last day that belongs to the period."""
        return self.end - timedelta(days=1)

    def shift(self, steps: int, fiscal: FiscalYear = CALENDAR_YEAR) -> "Period":
        """Return the period so many steps of its own grain later (earlier if negative)."""
        if self.grain in _MONTHS:
            return period_of(add_months(self.start, steps * _MONTHS[self.grain]), self.grain, fiscal)
        days = 7 if self.grain is Grain.WEEK else 1
        return period_of(self.start + timedelta(days=days * steps), self.grain, fiscal)

    def year_ago(self, fiscal: FiscalYear = CALENDAR_YEAR) -> "Period":
        """Return the same period of the year before; of a week, the one 52 weeks before."""
        if self.grain is Grain.WEEK:
            return self.shift(-52)
        if self.grain is Grain.DAY:
            leap = (self.start.month, self.start.day) == (2, 29)
            return period_of(
                self.start.replace(year=self.start.year - 1, day=28 if leap else self.start.day), Grain.DAY
            )
        return self.shift(-12 // _MONTHS[self.grain], fiscal)

    def months_before(self, months: int, fiscal: FiscalYear = CALENDAR_YEAR) -> "Period":
        """Return the period of the same grain that has the day so many months before this one begins."""
        return period_of(add_months(self.start, -months), self.grain, fiscal)

    def parts(self, grain: Grain, fiscal: FiscalYear = CALENDAR_YEAR) -> list["Period"]:
        """Return the periods of a shorter grain that begin inside this one, in order."""
        part = period_of(self.start, grain, fiscal)
        if part.start < self.start:
            part = part.shift(1, fiscal)
        parts = []
        while part.start < self.end:
            parts.append(part)
            part = part.shift(1, fiscal)
        return parts


def period_of(day: date, grain: Grain, fiscal: FiscalYear = CALENDAR_YEAR) -> Period:
    """Return the period of a grain that a local day falls in."""
    if grain is Grain.DAY:
        return Period(day, day + timedelta(days=1), grain, day.isoformat())
    if grain is Grain.WEEK:
        monday = day - timedelta(days=day.weekday())
        year, week, _ = day.isocalendar()
        return Period(monday, monday + timedelta(days=7), grain, f"{year}-W{week:02}")
    length = _MONTHS[grain]
    into = (day.month - (1 if grain is Grain.MONTH else fiscal.first_month)) % length
    start = add_months(day.replace(day=1), -into)
    end = add_months(start, length)
    if grain is Grain.MONTH:
        return Period(start, end, grain, f"{start.year}-{start.month:02}")
    months_in = (start.month - fiscal.first_month) % 12
    fiscal_year = add_months(start, -months_in).year + fiscal.ahead
    label = f"{fiscal_year}" if grain is Grain.YEAR else f"{fiscal_year}-Q{months_in // 3 + 1}"
    return Period(start, end, grain, label)


def at_term(period: Period, at: str, months: int, fiscal: FiscalYear = CALENDAR_YEAR) -> Period:
    """Return the period that a term of a derived metric looks at: now, prior, year_ago, or a lag of some months."""
    if at == "prior":
        return period.shift(-1, fiscal)
    if at == "year_ago":
        return period.year_ago(fiscal)
    return period.months_before(months, fiscal) if at == "lag" else period


def last_over(day: date, grain: Grain, fiscal: FiscalYear = CALENDAR_YEAR) -> Period:
    """Return the last period of a grain that is over when a day begins."""
    return period_of(day, grain, fiscal).shift(-1, fiscal)


def parse_period(text: str, fiscal: FiscalYear = CALENDAR_YEAR) -> Period:
    """Read 2017, 2017-Q4, 2017-12, 2017-W52 or 2017-12-31.

    Raises
    ------
    ScorecardError: the text has none of these forms.
    """
    for grain, pattern in _PATTERNS.items():
        match = re.fullmatch(pattern, text, re.ASCII)
        if not match:
            continue
        try:
            return _from_parts(grain, {key: int(value) for key, value in match.groupdict().items()}, fiscal)
        except (ValueError, OverflowError):
            break
    raise ScorecardError(
        f"{text!r} is not a period.",
        "Write a year as 2017, a quarter as 2017-Q4, a month as 2017-12, an ISO week as "
        "2017-W52 or a day as 2017-12-31.",
    )


def _from_parts(grain: Grain, parts: dict[str, int], fiscal: FiscalYear) -> Period:
    year = parts["y"]
    if grain is Grain.DAY:
        return period_of(date(year, parts["m"], parts["d"]), grain)
    if grain is Grain.WEEK:
        return period_of(date.fromisocalendar(year, parts["w"], 1), grain)
    if grain is Grain.MONTH:
        return period_of(date(year, parts["m"], 1), grain)
    first = date(year - fiscal.ahead, fiscal.first_month, 1)
    return period_of(add_months(first, 3 * (parts.get("q", 1) - 1)), grain, fiscal)
