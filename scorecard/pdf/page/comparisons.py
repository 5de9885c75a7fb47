"""Compares a figure with its target and with other periods.

This module decides which difference a page prints, and where a difference has no meaning.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from scorecard.pdf.page.close_content import Figure, MetricDefinition
from scorecard.pdf.page.context import Cell, PageContext
from scorecard.pdf.page.formats import MINUS, Scale
from scorecard.shared.periods import Period

# A base of fewer records makes no percentage.
_SMALLEST_BASE = 5
# A sentence gives these differences as numbers instead of percentages: 61 deals, 4 days.
_BY_NUMBER = ("count", "units", "days", "minutes")


@dataclass(frozen=True)
class Comparison:
    """The change of a figure since another period, the base.

    ``ratio`` is None where the change is no percentage of the base. ``few`` says that the base has too few records for
    a percentage. ``unsettled`` is the figure that isn't settled; because of it there is no change.
    """

    base: Period
    change: Decimal | None
    ratio: Decimal | None
    few: bool = False
    unsettled: Figure | None = None


def from_prior(context: PageContext, metric: MetricDefinition, figure: Figure) -> Comparison:
    """Return the change since the period before."""
    return _compared(context, metric, figure, context.close.prior, figure.change, figure.change_ratio)


def from_year_ago(context: PageContext, metric: MetricDefinition, figure: Figure) -> Comparison:
    """Return the change since the same period of the year before."""
    return _compared(
        context, metric, figure, context.close.year_ago, figure.year_ago_change, figure.year_ago_change_ratio
    )


def between(
    context: PageContext, metric: MetricDefinition, now: Figure, base_figure: Figure, base: Period
) -> Comparison:
    """Return the change since any earlier period."""
    if now.value is None or base_figure.value is None:
        return Comparison(base, None, None)
    if unsettled := _unsettled(now, base_figure):
        return Comparison(base, None, None, unsettled=unsettled)
    return _comparison(metric, base, base_figure, *difference(now.value, base_figure.value))


def against_target(
    context: PageContext, metric: MetricDefinition, figure: Figure | None, scale: Scale | None = None
) -> Cell:
    """Print the difference from the target."""
    if figure is None or figure.value is None or figure.yardstick is None:
        return Cell("–", tone="na")
    if figure.at_most is not None:
        return _range(context, metric, figure.value - figure.yardstick, figure.at_most - figure.yardstick)
    change, ratio = difference(figure.value, figure.yardstick)
    return _difference_cell(
        context, metric, change, None if metric.is_signed else ratio, scale or context.scale(metric, [figure])
    )


def against_prior(
    context: PageContext, metric: MetricDefinition, figure: Figure | None, scale: Scale | None = None
) -> Cell:
    """Print the change since the period before."""
    return _since(context, metric, figure, from_prior, scale)


def against_year_ago(
    context: PageContext, metric: MetricDefinition, figure: Figure | None, scale: Scale | None = None
) -> Cell:
    """Print the change since the same period of the year before."""
    return _since(context, metric, figure, from_year_ago, scale)


def target_name(context: PageContext, figure: Figure) -> str:
    """Name what a figure is compared with: its target, or in an open period the part of the target due by now."""
    return context.say("goal.whole" if figure.yardstick == figure.target else "goal.due")


def gap_to_target(context: PageContext, metric: MetricDefinition, figure: Figure) -> str:
    """Write how far a figure is from its target, without sign: 4 days, 1.7 pt, 5.0 %.

    For an unsettled figure, this is the least distance.
    """
    target = figure.yardstick or Decimal(0)
    nearest = min(figure.ends or (Decimal(0),), key=lambda end: abs(end - target))
    change, ratio = difference(nearest, target)
    gap = _gap(context, metric, figure, change, None if metric.is_signed or metric.unit in _BY_NUMBER else ratio)
    return gap if figure.at_most is None else context.say("gap.at_least", gap=gap)


def side_of_target(figure: Figure) -> int | None:
    """Return 1 for a figure above its target, −1 below, 0 on the target, None where it may end on either side."""
    if figure.ends is None or figure.yardstick is None:
        return None
    low, high = figure.ends
    if low <= figure.yardstick <= high:
        return 0 if low == high else None
    return 1 if low > figure.yardstick else -1


def gap_to(context: PageContext, metric: MetricDefinition, figure: Figure, compared: Comparison) -> str:
    """Write how far a figure is from its value in another period, without sign."""
    by_number = compared.few or metric.unit in _BY_NUMBER
    return _gap(context, metric, figure, compared.change or Decimal(0), None if by_number else compared.ratio)


def difference(value: Decimal, base: Decimal) -> tuple[Decimal, Decimal | None]:
    """Return value − base, and the same as a share of the base. The share is None where the base is zero."""
    return value - base, (value - base) / abs(base) if base else None


def tone(metric: MetricDefinition, change: str) -> str:
    """Return good or bad for a printed change of the metric, "" where it prints as zero."""
    if not change.startswith(("+", MINUS)):
        return ""
    return "good" if change.startswith("+") == metric.higher_is_better else "bad"


def _compared(
    context: PageContext,
    metric: MetricDefinition,
    figure: Figure,
    base: Period,
    change: Decimal | None,
    ratio: Decimal | None,
) -> Comparison:
    base_figure = context.close.figure(figure.metric, base, figure.dimension, figure.member)
    if unsettled := _unsettled(figure, base_figure):
        return Comparison(base, None, None, unsettled=unsettled)
    if base_figure is None or change is None:
        return Comparison(base, change, ratio)
    return _comparison(metric, base, base_figure, change, ratio)


def _unsettled(*figures: Figure | None) -> Figure | None:
    """Return the first unsettled figure. Its change is not known yet."""
    return next((figure for figure in figures if figure is not None and figure.at_most is not None), None)


def _comparison(
    metric: MetricDefinition, base: Period, base_figure: Figure, change: Decimal, ratio: Decimal | None
) -> Comparison:
    """Decide whether a change is a percentage of its base: not for a flow with a sign, and not for few records."""
    if metric.is_signed or metric.unit == "percent":
        return Comparison(base, change, None)
    few = ratio is not None and base_figure.observations < _SMALLEST_BASE
    return Comparison(base, change, None if few else ratio, few)


def _since(
    context: PageContext,
    metric: MetricDefinition,
    figure: Figure | None,
    compare: Callable[[PageContext, MetricDefinition, Figure], Comparison],
    scale: Scale | None,
) -> Cell:
    if figure is None or figure.value is None:
        return Cell("–", tone="na")
    return change_cell(context, metric, figure, compare(context, metric, figure), scale)


def change_cell(
    context: PageContext, metric: MetricDefinition, figure: Figure, compared: Comparison, scale: Scale | None = None
) -> Cell:
    """Print a change. Where there is none, print n/a and a footnote with the reason."""
    if compared.unsettled is not None:
        return _since_unsettled(context, metric, figure, compared.base, compared.unsettled)
    if compared.change is None:
        return Cell(context.say("na"), None, "na", context.footnote(_no_base(context, metric, figure, compared.base)))
    if compared.few:
        period = context.formats.period(compared.base, context.close.fiscal)
        return Cell(context.say("na"), None, "na", context.footnote(context.say("na.small_base", period=period)))
    return _difference_cell(context, metric, compared.change, compared.ratio, scale or context.scale(metric, [figure]))


def _since_unsettled(
    context: PageContext, metric: MetricDefinition, figure: Figure, base: Period, unsettled: Figure
) -> Cell:
    """Print both ends of an unsettled figure's change. Where the base is unsettled, print n/a."""
    base_figure = context.close.figure(figure.metric, base, figure.dimension, figure.member)
    if figure.ends and base_figure and base_figure.value is not None and base_figure.at_most is None:
        low, high = figure.ends
        return _range(context, metric, low - base_figure.value, high - base_figure.value)
    return Cell(context.say("na"), None, "na", context.footnote(context.range_of(metric, unsettled)))


def _no_base(context: PageContext, metric: MetricDefinition, figure: Figure, base: Period) -> str:
    """Say why a figure has no base. For a metric that adds up, the member may have had nothing in that period."""
    period = context.formats.period(base, context.close.fiscal)
    base_figure = context.close.figure(figure.metric, base, figure.dimension, figure.member)
    whole = context.close.whole(figure.metric, base)
    if base_figure is None and metric.adds_up and whole is not None and whole.value is not None:
        return context.say("na.nothing", period=period)
    return context.reason((base_figure and base_figure.na_reason) or "no_history", period)


def _difference_cell(
    context: PageContext, metric: MetricDefinition, change: Decimal, ratio: Decimal | None, scale: Scale
) -> Cell:
    """Print a difference: of a percentage in points, else as a share of its base, else as it is."""
    if ratio is None and metric.unit != "percent":
        text = context.formats.value(change, scale, signed=True)
    else:
        # A difference is given, so there is always a text.
        text = context.formats.change(metric.unit, change, ratio) or ""
    return Cell(text, tone=tone(metric, text))


def _range(context: PageContext, metric: MetricDefinition, low: Decimal, high: Decimal) -> Cell:
    """Print both ends of a difference. The cell is good or bad where both ends are."""
    tones = {tone(metric, context.formats.change(metric.unit, end, None) or "") for end in (low, high)}
    common_tone = tones.pop() if len(tones) == 1 else ""
    # The style sheet prints a range on two lines.
    return Cell(context.formats.points(low, high), tone=f"{common_tone} range".strip())


def _gap(context: PageContext, metric: MetricDefinition, figure: Figure, change: Decimal, ratio: Decimal | None) -> str:
    if ratio is None and metric.unit != "percent":
        return context.formats.value(abs(change), context.scale(metric, [figure]))
    return context.formats.change(metric.unit, abs(change), None if ratio is None else abs(ratio), signed=False) or ""
