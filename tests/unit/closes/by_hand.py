"""Every figure of a small warehouse, computed from its observations in plain Python, without the product's SQL."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from scorecard.catalogue import Metric
from scorecard.shared.periods import Grain, Period, add_months, parse_period, period_of
from tests.unit.closes.warehouse import DIMENSIONS, Row

Targets = dict[tuple[str, str], Decimal]
"""Targets of the whole unit's won value by grain and period."""
_MONTHS = [period_of(add_months(date(2016, 9, 1), number), Grain.MONTH) for number in range(16)]
PERIODS = sorted({*_MONTHS, *(period_of(month.start, Grain.QUARTER) for month in _MONTHS)})


@dataclass(frozen=True)
class Figures:
    """Computes figures.

    Parameters
    ----------
    unit: the business unit. It has figures in every period, also without observations.
    last_day: the last day that the data covers.
    minimum: the number of observations below which a metric with a minimum has no value.
    """

    unit: str
    last_day: date
    minimum: int
    targets: Targets

    def of_all(self, metrics: Iterable[Metric], observations: list[Row]) -> list[Row]:
        """Return the figures of all metrics, periods, dimensions and members."""
        figures = [
            self._figure(metric, period, place, group)
            for metric in metrics
            if not metric.expression
            for period in PERIODS
            for place, group in self._groups(metric, period, observations).items()
        ]
        won = {(row["period"], *_place(row)): row for row in figures if row["metric"] == "won_value"}
        for row in won.values():
            before = parse_period(row["period"]).shift(-1)
            figures.append(_growth(row, won.get((before.label, *_place(row))), has_before=before in PERIODS))
            target = self.targets.get((row["grain"], row["period"]))
            if target is not None and row["dimension"] == "business_unit":
                figures.append(_attainment(row, target))
        return figures

    def _until(self, period: Period) -> date:
        """Return the first day after the data of a period."""
        return min(period.end, self.last_day + timedelta(days=1))

    def _groups(self, metric: Metric, period: Period, observations: list[Row]) -> dict[tuple[str, str, str], list[Row]]:
        """Return the observations of a metric that count in a period, by scope, dimension and member."""
        groups: dict[tuple[str, str, str], list[Row]] = {
            ("all", "company", "all"): [],
            (self.unit, "business_unit", self.unit): [],
        }
        for row in observations:
            if row["metric"] == metric.base and row.get("grain") in (None, period.grain.value):
                for dimension in DIMENSIONS if self._counts(metric, period, row) else ():
                    if row.get(dimension) is not None:
                        scope = "all" if dimension == "company" else row["scope"]
                        groups.setdefault((scope, dimension, row[dimension]), []).append(row)
        return groups

    def _counts(self, metric: Metric, period: Period, row: Row) -> bool:
        if metric.aggregate != "last":
            return bool(period.start <= row["occurred_on"] < period.end)
        end = self._until(period)
        return bool(row["occurred_on"] < end and (row.get("ended_on") or date.max) >= end)

    def _figure(self, metric: Metric, period: Period, place: tuple[str, str, str], group: list[Row]) -> Row:
        minimum = self.minimum if metric.minimum_observations > 1 else 1
        value, reason = _value(metric, group, minimum)
        target = self.targets.get((period.grain.value, period.label)) if metric.name == "won_value" else None
        status = "na" if value is None or target is None else "ahead" if value >= target else "off_track"
        until = self._until(period)
        return {
            "metric": metric.name,
            "grain": period.grain.value,
            "period": period.label,
            "period_start": period.start,
            "period_end": period.end,
            "observed_until": until,
            "is_complete": until >= period.end,
            **dict(zip(("scope", "dimension", "member"), place, strict=True)),
            "numerator": _sum(row["numerator"] for row in group) if group else None,
            "denominator": _sum(row["denominator"] for row in group) if group else None,
            "value": value,
            "observations": len(group),
            "na_reason": reason,
            "target": target,
            "status": status,
        }


def _place(row: Row) -> tuple[Any, ...]:
    return (row["scope"], row["dimension"], row["member"])


def _sum(numbers: Iterable[Decimal | None]) -> Decimal:
    return sum((number for number in numbers if number is not None), Decimal(0))


def _value(metric: Metric, group: list[Row], minimum: int) -> tuple[Decimal | None, str | None]:
    """Return the value of some observations, or why there is none."""
    is_sum = metric.aggregate in ("sum", "last")
    numbers, denominator = [row["numerator"] for row in group], _sum(row["denominator"] for row in group)
    if None in numbers:
        return None, "missing_inputs"
    if not group:
        return (Decimal(0), None) if is_sum else (None, "no_observations")
    if len(group) < minimum:
        return None, "too_few_observations"
    if is_sum:
        return _rounded(_sum(numbers)), None
    if metric.aggregate in ("median", "percentile_90"):
        return _rounded(_quantile(numbers, Decimal("0.5") if metric.aggregate == "median" else Decimal("0.9"))), None
    return (None, "no_denominator") if denominator == 0 else (_rounded(_sum(numbers) / denominator), None)


def _growth(now: Row, before: Row | None, has_before: bool) -> Row:
    """Compute the growth of a figure from the one before it. December 2017 counts as a partial period."""
    base, count = (before["numerator"] or Decimal(0), before["observations"]) if before else (Decimal(0), 0)
    if not has_before:
        reason = "no_history"
    elif now["period"] == "2017-12" or not now["is_complete"]:
        reason = "partial_period"
    else:
        reason = now["na_reason"] or (before and before["na_reason"]) or (None if base else "no_denominator")
    return _compared(now, "growth", (now["numerator"] or Decimal(0)) - base, abs(base), count, reason)


def _attainment(now: Row, target: Decimal) -> Row:
    return _compared(now, "attainment", now["numerator"], target, 1, now["na_reason"])


def _compared(now: Row, name: str, numerator: Decimal, denominator: Decimal, more: int, reason: str | None) -> Row:
    """Return a figure that compares another one with a base. ``more`` is the base's number of observations."""
    value = None if reason else _rounded(numerator / denominator)
    amounts = {"numerator": numerator, "denominator": denominator, "value": value, "na_reason": reason}
    return {
        **now,
        "metric": name,
        **amounts,
        "observations": now["observations"] + more,
        "target": None,
        "status": "na",
    }


def _rounded(number: Decimal) -> Decimal:
    return number.quantize(Decimal("1e-8"), ROUND_HALF_UP)


def _quantile(numbers: Iterable[Decimal], share: Decimal) -> Decimal:
    ordered = sorted(numbers)
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)
