"""What the figures of a close show, before the summary puts it into words.

All results follow from the structure of the figures, never from a metric's name.
"""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from scorecard.pdf.page import Figure, MetricDefinition, PageContext, difference, from_prior
from scorecard.shared.periods import Period

# A smaller change of a share is not worth a sentence.
_SMALLEST_CHANGE = Decimal("0.01")


@dataclass(frozen=True)
class Factor:
    """One of the two metrics whose product is another, and what it added to the change of the product."""

    metric: MetricDefinition
    figure: Figure
    added: Fraction


@dataclass(frozen=True)
class Product:
    """A metric that is the product of two others. What the two factors added is exactly its change."""

    figure: Figure
    change: Fraction
    factors: tuple[Factor, Factor]


def product_of(context: PageContext, metric: MetricDefinition) -> Product | None:
    """Find two metrics whose product a metric is: total = amount × rate, where rate = total / amount."""
    total = context.close.whole(metric.name)
    if total is None or total.change is None:
        return None
    candidates = [other for other in context.close.main_metrics if metric.name in other.drives]
    for rate in candidates:
        for amount in candidates:
            if rate.aggregate in {"ratio", "average"} and amount.adds_up:
                product = _product(context, metric, amount, rate)
                if product is not None:
                    return product
    return None


def _product(
    context: PageContext, metric: MetricDefinition, amount: MetricDefinition, rate: MetricDefinition
) -> Product | None:
    """Return the product of the amount and the rate, if it is the metric now and in the period before."""
    figures = _figures_of_product(context, context.close.period, metric, amount, rate)
    figures_before = _figures_of_product(context, context.close.prior, metric, amount, rate)
    if figures is None or figures_before is None:
        return None
    total, count = (Fraction(figure.numerator or 0) for figure in figures[:2])
    total_before, count_before = (Fraction(figure.numerator or 0) for figure in figures_before[:2])
    by_amount = (count - count_before) * total_before / count_before
    by_rate = total - total_before * count / count_before
    factors = Factor(amount, figures[1], by_amount), Factor(rate, figures[2], by_rate)
    return Product(figures[0], total - total_before, factors)


def _figures_of_product(
    context: PageContext, period: Period, metric: MetricDefinition, amount: MetricDefinition, rate: MetricDefinition
) -> tuple[Figure, Figure, Figure] | None:
    """Return the figures of the metric, the amount and the rate, if the first is the product of the others."""
    total, counted, rated = (context.close.whole(factor.name, period) for factor in (metric, amount, rate))
    if total is None or counted is None or rated is None or not counted.numerator or rated.value is None:
        return None
    is_product = rated.numerator == total.numerator and rated.denominator == counted.numerator
    return (total, counted, rated) if is_product else None


def rate_of_member(
    context: PageContext, metric: MetricDefinition, dimension: str, member: str
) -> tuple[MetricDefinition, Figure] | None:
    """Find the share that moved most in a member, to say beside its amount."""
    rates = [
        (other, figure)
        for other in context.close.main_metrics
        if other.unit == "percent"
        and other.aggregate == "ratio"
        and other.level != "kfs"
        and context.close.drives(other, metric)
        and (figure := context.close.figure(other.name, context.close.period, dimension, member))
        and figure.value is not None
        and from_prior(context, other, figure).change is not None
        and size(figure.change) >= _SMALLEST_CHANGE
    ]
    return max(rates, key=lambda pair: size(pair[1].change), default=None)


def metrics_with_target(context: PageContext) -> list[tuple[MetricDefinition, Figure]]:
    """Return the metrics that have a target, with their figures."""
    pairs = [(metric, context.close.whole(metric.name)) for metric in context.close.main_metrics]
    return [(metric, figure) for metric, figure in pairs if figure is not None and figure.yardstick is not None]


def others_with_target(context: PageContext, lead: MetricDefinition) -> list[tuple[MetricDefinition, Figure]]:
    """Return the metrics with a target, without the lead metric and without those that only compare another metric."""
    return [pair for pair in metrics_with_target(context) if pair[0].name != lead.name and not pair[0].is_derived]


def reached_targets(context: PageContext) -> tuple[int, int]:
    """Return how many metrics reach their targets, and how many have one. A metric on track may fall a little short."""
    pairs = metrics_with_target(context)
    return sum(reaches_target(metric, figure) for metric, figure in pairs), len(pairs)


def reaches_target(metric: MetricDefinition, figure: Figure) -> bool:
    """Whether a figure is at its target or better. An unsettled figure must be so at both ends."""
    if figure.ends is None or figure.yardstick is None:
        return False
    gap = figure.ends[0 if metric.higher_is_better else 1] - figure.yardstick
    return gap == 0 or (gap > 0) == metric.higher_is_better


def distance(figure: Figure) -> Decimal:
    """Return how far a figure is from its target, as a share of the target."""
    if figure.value is None or figure.yardstick is None:
        return Decimal(0)
    change, ratio = difference(figure.value, figure.yardstick)
    return abs(change if ratio is None else ratio)


def size(number: Decimal | None) -> Decimal:
    """Return a number without its sign, 0 where there is none."""
    return abs(number) if number is not None else Decimal(0)
