"""What the figures of a close show, before it is put into words.

All follows from the structure of the figures, never from a metric's name.
"""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from scorecard.pdf.page.close_data import Metric, Value
from scorecard.pdf.page.comparisons import difference, from_prior
from scorecard.pdf.page.context import Desk
from scorecard.shared.periods import Period

# A share that moved less than this is not worth a sentence.
_WORTH_SAYING = Decimal("0.01")
# Over more steps than two, that one metric drives another is no longer plain.
GOOD, BAD = ("ahead", "on_track"), ("off_track", "at_risk")


@dataclass(frozen=True)
class Factors:
    """A metric that is the product of two others, and what each added to its change since the period before.

    What the two added is exactly the change.
    """

    total: Value
    change: Fraction
    parts: tuple[tuple[Metric, Value, Fraction], ...]


def lead_metric(desk: Desk) -> tuple[Metric, Value | None]:
    """Return the metric that the scorecard is about: its first outcome that is not itself a comparison."""
    mains = desk.close.mains()
    outcomes = [metric for metric in mains if metric.level == "kgi" and not metric.is_derived]
    for metric in [*outcomes, *mains]:
        figure = desk.close.whole(metric.name)
        if figure is not None and figure.value is not None:
            return metric, figure
    return (outcomes or mains)[0], None


def factors_of(desk: Desk, metric: Metric) -> Factors | None:
    """Find two metrics whose product this one is: total = amount × rate, where rate = total / amount."""
    total = desk.close.whole(metric.name)
    if total is None or total.change is None:
        return None
    candidates = [other for other in desk.close.mains() if metric.name in other.drives]
    for rate in candidates:
        for amount in candidates:
            if rate.aggregate in {"ratio", "average"} and amount.adds_up:
                factors = _product(desk, metric, amount, rate)
                if factors is not None:
                    return factors
    return None


def _product(desk: Desk, metric: Metric, amount: Metric, rate: Metric) -> Factors | None:
    """Return what the amount and the rate added, if their product is the metric now and in the period before."""
    now = _three(desk, desk.close.period, metric, amount, rate)
    was = _three(desk, desk.close.prior, metric, amount, rate)
    if now is None or was is None:
        return None
    total, count = (Fraction(each.numerator or 0) for each in now[:2])
    total_before, count_before = (Fraction(each.numerator or 0) for each in was[:2])
    by_amount = (count - count_before) * total_before / count_before
    by_rate = total - total_before * count / count_before
    return Factors(now[0], total - total_before, ((amount, now[1], by_amount), (rate, now[2], by_rate)))


def _three(
    desk: Desk, period: Period, metric: Metric, amount: Metric, rate: Metric
) -> tuple[Value, Value, Value] | None:
    """Return the figures of a period in which the metric is the amount times the rate."""
    total, counted, rated = (desk.close.whole(each.name, period) for each in (metric, amount, rate))
    if total is None or counted is None or rated is None or not counted.numerator or rated.value is None:
        return None
    is_product = rated.numerator == total.numerator and rated.denominator == counted.numerator
    return (total, counted, rated) if is_product else None


def drives(desk: Desk, metric: Metric, goal: Metric) -> bool:
    """Whether a metric drives a goal, directly or over one other."""
    return desk.close.steps_to(metric, goal) in (1, 2)


def members_rate(desk: Desk, metric: Metric, dimension: str, member: str) -> tuple[Metric, Value] | None:
    """Find the share that moved most in a member, to say beside its amount."""
    found = [
        (other, figure)
        for other in desk.close.mains()
        if other.unit == "percent"
        and other.aggregate == "ratio"
        and other.level != "kfs"
        and drives(desk, other, metric)
        and (figure := desk.close.value(other.name, desk.close.period, dimension, member))
        and figure.value is not None
        and from_prior(desk, other, figure).change is not None
        and size(figure.change) >= _WORTH_SAYING
    ]
    return max(found, key=lambda pair: size(pair[1].change), default=None)


def judged_metrics(desk: Desk) -> list[tuple[Metric, Value]]:
    """Return the metrics that have a target, with their figures."""
    found = [(metric, desk.close.whole(metric.name)) for metric in desk.close.mains()]
    return [(metric, figure) for metric, figure in found if figure is not None and figure.yardstick is not None]


def other_judged(desk: Desk, lead: Metric) -> list[tuple[Metric, Value]]:
    """Return the judged metrics but the one the headline is about, and but those that only compare it."""
    return [pair for pair in judged_metrics(desk) if pair[0].name != lead.name and not pair[0].is_derived]


def reached_targets(desk: Desk) -> tuple[int, int]:
    """Return how many metrics reach their targets, and how many have one. On track may still be a little short."""
    judged = judged_metrics(desk)
    return sum(reaches(metric, figure) for metric, figure in judged), len(judged)


def reaches(metric: Metric, figure: Value) -> bool:
    """Whether a figure is at its target or on the better side of it, with all that may still come."""
    if figure.ends is None or figure.yardstick is None:
        return False
    gap = figure.ends[0 if metric.higher_is_better else 1] - figure.yardstick
    return gap == 0 or (gap > 0) == metric.higher_is_better


def distance(figure: Value) -> Decimal:
    """Return how far a figure is from its target, as a share of the target."""
    if figure.value is None or figure.yardstick is None:
        return Decimal(0)
    change, ratio = difference(figure.value, figure.yardstick)
    return abs(change if ratio is None else ratio)


def size(number: Decimal | None) -> Decimal:
    """Return a number without its sign, 0 where there is none."""
    return abs(number) if number is not None else Decimal(0)
