"""Numbers, changes, dates and names of periods as one language writes them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property

from scorecard.pdf.page.wording import Wording
from scorecard.shared.periods import CALENDAR_YEAR, FiscalYear, Grain, Period

MINUS = "\u2212"
_COMPACT_FROM = Decimal(1_000_000)
# A smaller unit suits smaller numbers beside it. It gives the largest number at most this many units.
_MAX_UNITS = Decimal(10**6)
_MAX_DECIMALS = 3
# Spans of time have no decimals from ten on: 4.1 days, 51 days.
SPANS = ("days", "minutes")
_SPAN_WHOLE_FROM = 10
_HALF = Decimal("0.5")


@dataclass(frozen=True)
class Scale:
    """How a page shortens the numbers of one row or column: all by one divisor and to one number of decimals."""

    unit: str
    divisor: Decimal
    decimals: int
    suffix: str


def _decimals_to_show(number: Decimal) -> int:
    """Return the least number of decimals, up to three, with which a number does not print as zero."""
    enough = (decimals for decimals in range(_MAX_DECIMALS) if number.scaleb(decimals) >= _HALF)
    return next(enough, _MAX_DECIMALS)


class LocaleFormats:
    """Writes numbers, changes, dates and periods in one language."""

    def __init__(self, wording: Wording) -> None:
        from babel import Locale

        self.wording = wording
        self.locale = Locale.parse(wording.language)

    def scale(self, unit: str, values: Iterable[Decimal | None]) -> Scale:
        """Choose one scale for values of one unit that stand beside one another."""
        known = [abs(value) for value in values if value is not None]
        top = max(known, default=Decimal(0))
        if unit == "percent":
            return Scale(unit, Decimal("0.01"), 1, "")
        if unit in SPANS:
            all_whole = all(number == number.to_integral_value() for number in known)
            return Scale(unit, Decimal(1), 0 if all_whole or top >= _SPAN_WHOLE_FROM else 1, "")
        if unit == "points":
            return Scale(unit, Decimal(1), 1, "")
        if unit == "ratio":
            return Scale(unit, Decimal(1), 2, "")
        if top >= _COMPACT_FROM:
            smallest = min(value for value in known if value)
            divisor, suffix = self._compact(top, smallest)
            # Every language writes to ten thousand: 2.80 M, 280万. Three leading digits cost one decimal, four cost
            # two. The smallest number may need more decimals, so that it does not print as zero.
            decimals = min(2, max(0, divisor.adjusted() - 4)) - (top / divisor >= 100) - (top / divisor >= 1000)
            return Scale(unit, divisor, max(0, decimals, _decimals_to_show(smallest / divisor)), suffix)
        return Scale(unit, Decimal(1), 2 if unit == "currency" and 0 < top < 100 else 0, "")

    def number(self, value: Decimal, scale: Scale, signed: bool = False) -> str:
        """Write a value without its unit: 2.80 M, 60.3, 1,196."""
        text = self._decimal(value / scale.divisor, scale.decimals, signed)
        return self.wording.say("format.compact", number=text, suffix=scale.suffix) if scale.suffix else text

    def value(self, value: Decimal, scale: Scale, signed: bool = False) -> str:
        """Write a value with its unit: 2.80 M, 60.3 %, 51 days."""
        number = self.number(value, scale, signed)
        if scale.unit in {"percent", "points"}:
            return self.wording.say(f"format.{scale.unit}", number=number)
        if scale.unit in SPANS:
            return self.wording.count(f"format.{scale.unit}", 1 if abs(value) == 1 else 2, number=number)
        return number

    def range(self, low: Decimal, high: Decimal, scale: Scale) -> str:
        """Write the two ends of an unsettled value, with its unit once: 1.9–2.6 %."""
        if self.number(low, scale) == self.number(high, scale):
            return self.value(low, scale)
        return self.value(high, scale).replace(
            self.number(high, scale),
            self.wording.say("format.range", low=self.number(low, scale), high=self.number(high, scale)),
            1,
        )

    def single(self, value: Decimal, unit: str, signed: bool = False) -> str:
        """Write a value on a scale of its own."""
        return self.value(value, self.scale(unit, [value]), signed)

    def exact(self, value: Decimal, unit: str) -> str:
        """Write a value with many digits, to tell it from another that prints alike."""
        return self.value(value, replace(self.scale(unit, []), decimals=4 if unit in {"percent", "ratio"} else 2))

    def share(self, ratio: Decimal, decimals: int = 1, signed: bool = False) -> str:
        """Write 0.603 as 60.3 %."""
        return self.wording.say("format.percent", number=self._decimal(ratio * 100, decimals, signed))

    def change(self, unit: str, change: Decimal | None, ratio: Decimal | None, signed: bool = True) -> str | None:
        """Write a difference: points for a percentage, per cent of the base for any other unit.

        Without a ratio, write the difference itself. Return None where there is no difference.
        """
        if change is None:
            return None
        if unit == "percent":
            return self.wording.say("format.points", number=self._decimal(change * 100, 1, signed))
        if ratio is None:
            return self.single(change if signed else abs(change), unit, signed)
        return self.share(ratio, 0 if abs(ratio) >= 1 else 1, signed)

    def points(self, low: Decimal, high: Decimal) -> str:
        """Write both ends of a difference of percentages: −0.1 to +0.6 pt."""
        ends = [self._decimal(end * 100, 1, True) for end in (low, high)]
        number = ends[0] if ends[0] == ends[1] else self.wording.say("format.range_signed", low=ends[0], high=ends[1])
        return self.wording.say("format.points", number=number)

    def gap(self, unit: str, change: Decimal, ratio: Decimal | None) -> str:
        """Write a difference inside a sentence, without sign: 4 days, 1.7 pt, 5.0 %."""
        if unit in {"days", "minutes", "count", "units"}:
            return self.single(abs(change), unit)
        return self.change(unit, abs(change), None if ratio is None else abs(ratio), signed=False) or ""

    def count(self, number: int) -> str:
        """Write a whole number."""
        return self._decimal(Decimal(number), 0, signed=False)

    def day(self, day: date) -> str:
        """Write a day with its year."""
        return self._date(day, "format.date")

    def day_short(self, day: date) -> str:
        """Write a day without its year."""
        return self._date(day, "format.day_month")

    def period(self, period: Period, fiscal: FiscalYear = CALENDAR_YEAR) -> str:
        """Name a period: Q4 2017, Dec 2017, W52 2017, 2017."""
        if period.grain is Grain.DAY:
            return self.day(period.start)
        if period.grain is Grain.MONTH:
            return self._date(period.start, "format.month")
        year, _, rest = period.label.partition("-")
        kind = "_fiscal" if not fiscal.is_calendar_year and period.grain is not Grain.WEEK else ""
        return self.wording.say(f"period.{period.grain}{kind}", year=year, number=int(rest[1:]) if rest else "")

    def period_full(self, period: Period, fiscal: FiscalYear = CALENDAR_YEAR) -> str:
        """Name a period with its days: Q4 2017 (1 Oct – 31 Dec).

        A fiscal quarter may lie in another year than its name says, so its days have a year: Q1 FY2018 (1 Oct – 31 Dec
        2017).
        """
        name = self.period(period, fiscal)
        if period.grain in {Grain.DAY, Grain.MONTH}:
            return name
        first, last = self.day(period.start), self.day(period.last_day)
        if period.start.year == period.last_day.year:
            # The year stands once at most, where the language puts it in a span of days.
            year = (
                "none" if fiscal.is_calendar_year or period.grain is Grain.WEEK else self.wording.say("style.span_year")
            )
            first = first if year == "first" else self.day_short(period.start)
            last = last if year == "last" else self.day_short(period.last_day)
        return self.wording.say("period.full", period=name, first=first, last=last)

    def period_beside(self, period: Period, beside: Period, fiscal: FiscalYear = CALENDAR_YEAR) -> str:
        """Name a period beside another one, without the year where both have the same year."""
        if period.label[:4] != beside.label[:4] or period.grain in {Grain.YEAR, Grain.DAY}:
            return self.period(period, fiscal)
        if period.grain is Grain.MONTH:
            return self._date(period.start, "format.month_alone")
        return self.wording.say(f"period.{period.grain}_alone", number=int(period.label[6:]))

    def listed(self, words: list[str]) -> str:
        """Join words as the language joins a list."""
        from babel.lists import format_list

        return format_list(words, style="standard", locale=self.locale) if words else ""

    def inside(self, label: str) -> str:
        """Return a label for the middle of a sentence: MRR stays, Booked revenue loses its capital."""
        lower = self.wording.say("style.label_inside_sentence") == "lower"
        return label[0].lower() + label[1:] if lower and re.match(r"[A-Z][a-z ]", label) else label

    def _date(self, day: date, key: str) -> str:
        from babel.dates import format_date

        return format_date(day, self.wording.say(key), locale=self.locale)

    def _decimal(self, value: Decimal, decimals: int, signed: bool) -> str:
        from babel.numbers import format_decimal

        rounded = value.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
        places = f".{'0' * decimals}" if decimals else ""
        text = format_decimal(abs(rounded), f"#,##0{places}", locale=self.locale)
        sign = MINUS if rounded < 0 else "+" if signed and rounded > 0 else ""
        return sign + text

    def _compact(self, top: Decimal, smallest: Decimal) -> tuple[Decimal, str]:
        """Return the unit for numbers of these sizes as its divisor and its word: M, 万.

        Where the smallest number is below the largest unit, take a smaller unit: 5,083万 beside 12,000万 instead of
        0.51億 beside 1.20億.
        """
        units = [unit for unit in self._units if unit[0] <= top]
        while len(units) > 1 and smallest < units[-1][0] and top / units[-2][0] < _MAX_UNITS:
            units.pop()
        return units[-1]

    @cached_property
    def _units(self) -> list[tuple[Decimal, str]]:
        """The language's units for numbers from a million on, smallest first."""
        patterns = self.locale.compact_decimal_formats["short"]["other"]
        units = {}
        for magnitude, pattern in patterns.items():
            size = Decimal(magnitude)
            if size >= _COMPACT_FROM:
                suffix = pattern.suffix[0].replace("'", "").strip()
                units[size.scaleb(1 - pattern.pattern.count("0"))] = suffix
        return sorted(units.items())
