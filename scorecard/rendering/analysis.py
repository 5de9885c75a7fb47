"""What the figures of a close show, before it is put into words.

All follows from the structure of the figures, never from a metric's name.
"""

from dataclasses import dataclass
from decimal import Decimal

from scorecard.rendering.close import COMPARISONS, Metric, Value
from scorecard.rendering.desk import Desk, difference

# A share that moved less than this is not worth a sentence.
_WORTH_SAYING = Decimal("0.01")
# Over more steps than two, that one metric drives another is no longer plain.
GOOD, BAD = ("ahead", "on_track"), ("off_track", "at_risk")


@dataclass(frozen=True)
class Driver:
    """The member that moved a figure most, and by how much."""

    dimension: str
    member: str
    contribution: Decimal
    own: Value | None


@dataclass(frozen=True)
class Factors:
    """A metric that is the product of two others, and what each did to it since the period before."""

    total: Value
    parts: tuple[tuple[Metric, Value, Decimal], ...]


def lead_metric(desk: Desk) -> tuple[Metric, Value | None]:
    """Return the metric that the scorecard is about: its first outcome that is not itself a comparison."""
    mains = desk.close.mains()
    outcomes = [metric for metric in mains if metric.level == "kgi" and metric.aggregate not in COMPARISONS]
    for metric in [*outcomes, *mains]:
        figure = desk.close.whole(metric.name)
        if figure is not None and figure.value is not None:
            return metric, figure
    return (outcomes or mains)[0], None


def factors_of(desk: Desk, metric: Metric) -> Factors | None:
    """Find two metrics whose product this one is: total = amount × rate, where rate = total / amount."""
    total = desk.close.whole(metric.name)
    if total is None or total.numerator is None or total.change is None or total.prior_value is None:
        return None
    figures = [(other, desk.close.whole(other.name)) for other in desk.close.mains() if metric.name in other.drives]
    for rate, rated in figures:
        for amount, counted in figures:
            if rated is None or counted is None or rate.aggregate not in {"ratio", "average"} or not amount.adds_up:
                continue
            if rated.numerator != total.numerator or rated.denominator != counted.numerator or not counted.numerator:
                continue
            if rated.prior_value is None or rated.value is None or counted.change is None or counted.value is None:
                continue
            by_amount = counted.change * rated.prior_value
            by_rate = (rated.value - rated.prior_value) * counted.value
            return Factors(total, ((amount, counted, by_amount), (rate, rated, by_rate)))
    return None


def drives(desk: Desk, metric: Metric, goal: Metric) -> bool:
    """Whether a metric drives a goal, directly or over one other."""
    return desk.close.steps_to(metric, goal) in (1, 2)


def driver_of(desk: Desk, figure: Value) -> Driver | None:
    """Return the member that moved a figure most; none that has too few records to say anything of it."""
    dimension, member, contribution = figure.driver_dimension, figure.driver_member, figure.driver_contribution
    if not (dimension and member and contribution):
        return None
    own = desk.close.value(figure.metric, desk.close.period, dimension, member)
    if own is not None and own.na_reason == "too_few_observations":
        return None
    return Driver(dimension, member, contribution, own)


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
        and size(figure.change) >= _WORTH_SAYING
    ]
    return max(found, key=lambda pair: size(pair[1].change), default=None)


def judged_metrics(desk: Desk) -> list[tuple[Metric, Value]]:
    """Return the metrics that have a target, with their figures."""
    found = [(metric, desk.close.whole(metric.name)) for metric in desk.close.mains()]
    return [(metric, figure) for metric, figure in found if figure is not None and figure.yardstick is not None]


def other_judged(desk: Desk, lead: Metric) -> list[tuple[Metric, Value]]:
    """Return the judged metrics but the one the headline is about, and but those that only compare it."""
    return [pair for pair in judged_metrics(desk) if pair[0].name != lead.name and pair[0].aggregate not in COMPARISONS]


def reached_targets(desk: Desk) -> tuple[int, int]:
    """Return how many metrics reach their targets, and how many have one. On track may still be a little short."""
    judged = judged_metrics(desk)
    return sum(reaches(metric, figure) for metric, figure in judged), len(judged)


def reaches(metric: Metric, figure: Value) -> bool:
    """Whether a figure is at its target or on the better side of it."""
    if figure.value is None or figure.yardstick is None:
        return False
    gap = figure.value - figure.yardstick
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


def absolute(number: Decimal | None) -> Decimal | None:
    """Return a number without its sign, None where there is none."""
    return None if number is None else abs(number)
