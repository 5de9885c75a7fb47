"""A figure beside its target and beside other periods: which difference is printed, and where none has a meaning."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from scorecard.pdf.page.close_data import Metric, Value
from scorecard.pdf.page.context import Cell, Desk
from scorecard.pdf.page.formats import MINUS, Scale
from scorecard.shared.periods import Period

# A percentage rests on a base of as many records as a rate does.
_SMALLEST_BASE = 5
# In a sentence, what people count and wait for is said by its number: 61 deals, 4 days.
_BY_NUMBER = ("count", "units", "days", "minutes")


@dataclass(frozen=True)
class Comparison:
    """The change of a figure from another period. ``ratio`` is None where the change is no percentage of the base.

    ``few`` says that the base rests on too few records for a percentage, ``unsettled`` which of the two figures has no
    change because it isn't settled.
    """

    base: Period
    change: Decimal | None
    ratio: Decimal | None
    few: bool = False
    unsettled: Value | None = None


def from_prior(desk: Desk, metric: Metric, figure: Value) -> Comparison:
    """Return the change from the period before."""
    return _compared(desk, metric, figure, desk.close.prior, figure.change, figure.change_ratio)


def from_year_ago(desk: Desk, metric: Metric, figure: Value) -> Comparison:
    """Return the change from the same period of the year before."""
    return _compared(desk, metric, figure, desk.close.year_ago, figure.year_ago_change, figure.year_ago_change_ratio)


def between(desk: Desk, metric: Metric, now: Value, was: Value, base: Period) -> Comparison:
    """Return the change from a figure of any earlier period."""
    if now.value is None or was.value is None:
        return Comparison(base, None, None)
    if unsettled := _unsettled(now, was):
        return Comparison(base, None, None, unsettled=unsettled)
    return _judged(metric, base, was, *difference(now.value, was.value))


def against_target(desk: Desk, metric: Metric, figure: Value | None, scale: Scale | None = None) -> Cell:
    """Print the difference from the target."""
    if figure is None or figure.value is None or figure.yardstick is None:
        return Cell("–", tone="na")
    if figure.at_most is not None:
        return _range(desk, metric, figure.value - figure.yardstick, figure.at_most - figure.yardstick)
    change, ratio = difference(figure.value, figure.yardstick)
    return _cell(desk, metric, change, None if metric.is_signed else ratio, scale or desk.scale(metric, [figure]))


def against_prior(desk: Desk, metric: Metric, figure: Value | None, scale: Scale | None = None) -> Cell:
    """Print the change from the period before."""
    return _since(desk, metric, figure, from_prior, scale)


def against_year_ago(desk: Desk, metric: Metric, figure: Value | None, scale: Scale | None = None) -> Cell:
    """Print the change from the same period of the year before."""
    return _since(desk, metric, figure, from_year_ago, scale)


def gap_to_target(desk: Desk, metric: Metric, figure: Value) -> str:
    """Write how far a figure is from what it is held against, without sign: 4 days, 1.7 pt, 5.0 %.

    Of one that isn't settled, how far it is at least.
    """
    target = figure.yardstick or Decimal(0)
    nearest = min(figure.ends or (Decimal(0),), key=lambda end: abs(end - target))
    change, ratio = difference(nearest, target)
    gap = _gap(desk, metric, figure, change, None if metric.is_signed or metric.unit in _BY_NUMBER else ratio)
    return gap if figure.at_most is None else desk.say("gap.at_least", gap=gap)


def side_of_target(figure: Value) -> int | None:
    """Return on which side of its target a figure is: 1 above, −1 below, 0 on it; None if it may end on either."""
    if figure.ends is None or figure.yardstick is None:
        return None
    low, high = figure.ends
    if low <= figure.yardstick <= high:
        return 0 if low == high else None
    return 1 if low > figure.yardstick else -1


def gap_to(desk: Desk, metric: Metric, figure: Value, compared: Comparison) -> str:
    """Write how far a figure is from that of another period, without sign."""
    by_number = compared.few or metric.unit in _BY_NUMBER
    return _gap(desk, metric, figure, compared.change or Decimal(0), None if by_number else compared.ratio)


def difference(value: Decimal, base: Decimal) -> tuple[Decimal, Decimal | None]:
    """Return value − base, and the same as a share of the base (None where the base is zero)."""
    return value - base, (value - base) / abs(base) if base else None


def tone(metric: Metric, change: str) -> str:
    """Return whether a change as printed is good or bad for the metric; neither where it prints as zero."""
    if not change.startswith(("+", MINUS)):
        return ""
    return "good" if change.startswith("+") == metric.higher_is_better else "bad"


def _compared(
    desk: Desk, metric: Metric, figure: Value, base: Period, change: Decimal | None, ratio: Decimal | None
) -> Comparison:
    was = desk.close.value(figure.metric, base, figure.dimension, figure.member)
    if unsettled := _unsettled(figure, was):
        return Comparison(base, None, None, unsettled=unsettled)
    if was is None or change is None:
        return Comparison(base, change, ratio)
    return _judged(metric, base, was, change, ratio)


def _unsettled(*figures: Value | None) -> Value | None:
    """Return the first figure of which only two ends are known: what it changed by is not known yet."""
    return next((figure for figure in figures if figure is not None and figure.at_most is not None), None)


def _judged(metric: Metric, base: Period, was: Value, change: Decimal, ratio: Decimal | None) -> Comparison:
    """Decide whether a change is a percentage of its base: not that of a flow with a sign, nor that of few records."""
    if metric.is_signed or metric.unit == "percent":
        return Comparison(base, change, None)
    few = ratio is not None and was.observations < _SMALLEST_BASE
    return Comparison(base, change, None if few else ratio, few)


def _since(
    desk: Desk,
    metric: Metric,
    figure: Value | None,
    comparing: Callable[[Desk, Metric, Value], Comparison],
    scale: Scale | None,
) -> Cell:
    if figure is None or figure.value is None:
        return Cell("–", tone="na")
    return printed(desk, metric, figure, comparing(desk, metric, figure), scale)


def printed(desk: Desk, metric: Metric, figure: Value, compared: Comparison, scale: Scale | None = None) -> Cell:
    """Print a change; where there is none to print, n/a and the footnote that says why."""
    if compared.unsettled is not None:
        return _since_unsettled(desk, metric, figure, compared.base, compared.unsettled)
    if compared.change is None:
        return Cell(desk.say("na"), None, "na", desk.note(_no_base(desk, metric, figure, compared.base)))
    if compared.few:
        period = desk.formats.period(compared.base, desk.close.fiscal)
        return Cell(desk.say("na"), None, "na", desk.note(desk.say("na.small_base", period=period)))
    return _cell(desk, metric, compared.change, compared.ratio, scale or desk.scale(metric, [figure]))


def _since_unsettled(desk: Desk, metric: Metric, figure: Value, base: Period, unsettled: Value) -> Cell:
    """Print both ends of the change of a figure that isn't settled; from a base that isn't, there is none to print."""
    was = desk.close.value(figure.metric, base, figure.dimension, figure.member)
    if figure.ends is not None and was is not None and was.value is not None and was.at_most is None:
        low, high = figure.ends
        return _range(desk, metric, low - was.value, high - was.value)
    return Cell(desk.say("na"), None, "na", desk.note(desk.range_of(metric, unsettled)))


def _no_base(desk: Desk, metric: Metric, figure: Value, base: Period) -> str:
    """Say why a figure is compared with nothing: of what adds up, a member may have had none of it."""
    period = desk.formats.period(base, desk.close.fiscal)
    was = desk.close.value(figure.metric, base, figure.dimension, figure.member)
    whole = desk.close.whole(figure.metric, base)
    if was is None and metric.adds_up and whole is not None and whole.value is not None:
        return desk.say("na.nothing", period=period)
    return desk.reason((was and was.na_reason) or "no_history", period)


def _cell(desk: Desk, metric: Metric, change: Decimal, ratio: Decimal | None, scale: Scale) -> Cell:
    if ratio is None and metric.unit != "percent":
        text = desk.formats.value(change, scale, signed=True)
    else:
        text = desk.formats.change(metric.unit, change, ratio) or ""
    return Cell(text, tone=tone(metric, text))


def _range(desk: Desk, metric: Metric, low: Decimal, high: Decimal) -> Cell:
    """Print both ends of the difference of a share that isn't settled; good or bad where both ends are."""
    tones = {tone(metric, desk.formats.change(metric.unit, end, None) or "") for end in (low, high)}
    judged = tones.pop() if len(tones) == 1 else ""
    # Two numbers need two lines.
    return Cell(desk.formats.points(low, high), tone=f"{judged} range".strip())


def _gap(desk: Desk, metric: Metric, figure: Value, change: Decimal, ratio: Decimal | None) -> str:
    if ratio is None and metric.unit != "percent":
        return desk.formats.value(abs(change), desk.scale(metric, [figure]))
    return desk.formats.change(metric.unit, abs(change), None if ratio is None else abs(ratio), signed=False) or ""
