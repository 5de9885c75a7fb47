"""Which member of a dimension moved a figure: parts that add up exactly to the change of the whole.

The parts are computed from the figures of the close, so that the list of figures proves them.
"""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from scorecard.pdf.page.close_data import WHOLE, Metric, Value
from scorecard.pdf.page.context import Desk

UNKNOWN = "unknown"
_SUMS, _RATES = ("sum", "last"), ("ratio", "average")


@dataclass(frozen=True)
class Part:
    """What one member added to the change of the whole, in the metric's unit.

    Of a rate, ``by_rate`` is what its own rate added and ``by_weight`` what its share of the whole added; of anything
    else both are None. ``own`` is the member's figure.
    """

    dimension: str
    member: str
    amount: Fraction
    by_rate: Fraction | None
    by_weight: Fraction | None
    own: Value | None

    @property
    def has_name(self) -> bool:
        """Whether a sentence may name the member: one that is known, with enough records to have a figure."""
        return self.member != UNKNOWN and self.own is not None and self.own.value is not None


@dataclass(frozen=True)
class Cause:
    """The member that added most to a change, and the one that added most against it."""

    total: Fraction
    most: Part
    against: Part | None


def cause_of(desk: Desk, metric: Metric, figure: Value | None) -> Cause | None:
    """Return which member explains the change of a whole figure against the period before.

    The largest part in the direction of the change explains it. A dimension whose largest part has no name explains
    nothing, for another member did not move the figure most. None where no dimension of the scorecard explains it.
    """
    total = _moved(desk, metric, figure)
    if figure is None or not total:
        return None
    sign = 1 if total > 0 else -1
    found = []
    for dimension in shown_dimensions(desk, metric):
        parts = parts_of(desk, metric, figure, dimension)
        if not parts:
            continue
        # Of parts that are equally large, always the same one.
        ordered = sorted(parts, key=lambda part: (-sign * part.amount, part.member))
        most, least = ordered[0], ordered[-1]
        if most.amount * sign > 0 and most.has_name:
            found.append(Cause(total, most, least if least.amount * sign < 0 and least.has_name else None))
    return max(found, key=lambda cause: cause.most.amount * sign, default=None)


def shown_dimensions(desk: Desk, metric: Metric) -> list[str]:
    """Return the dimensions that a reader can look a cause up in: the metric's own breakdowns, else the others'."""
    pairs = desk.close.breakdowns()
    own = [dimension for name, dimension in pairs if name == metric.name]
    return list(dict.fromkeys(own or [dimension for _, dimension in pairs]))


def parts_of(desk: Desk, metric: Metric, whole: Value, dimension: str) -> tuple[Part, ...]:
    """Return what each member of a dimension added to a change; none where the members don't make up the whole.

    A customer's products, for instance, don't: a customer of two products is in both.
    """
    close = desk.close
    before = close.whole(metric.name, close.prior)
    now = close.at(metric.name, close.period, dimension)
    was = close.at(metric.name, close.prior, dimension)
    if before is None or not (_make_up(now, whole) and _make_up(was, before)):
        return ()
    members = sorted({**now, **was})
    if metric.aggregate in _SUMS:
        return tuple(
            Part(dimension, each, _numerator(now.get(each)) - _numerator(was.get(each)), None, None, now.get(each))
            for each in members
        )
    if metric.aggregate in _RATES and whole.denominator and before.denominator:
        return tuple(_rate_part(dimension, each, now.get(each), was.get(each), whole, before) for each in members)
    return ()


def decimal(number: Fraction) -> Decimal:
    """Return a fraction as a decimal of 28 digits, to be printed."""
    return Decimal(number.numerator) / Decimal(number.denominator)


def _moved(desk: Desk, metric: Metric, figure: Value | None) -> Fraction | None:
    """Return the change to explain, exactly; None where there is none or isn't settled."""
    before = desk.close.whole(metric.name, desk.close.prior)
    if figure is None or figure.change is None or before is None:
        return None
    if figure.at_most is not None or before.at_most is not None:
        return None
    if metric.aggregate in _SUMS:
        return _numerator(figure) - _numerator(before)
    now, was = _rate(figure), _rate(before)
    return now - was if metric.aggregate in _RATES and now is not None and was is not None else None


def _rate_part(dimension: str, member: str, now: Value | None, was: Value | None, whole: Value, before: Value) -> Part:
    """Tell apart what a member's own rate moved and what its share of the whole moved."""
    overall = _numerator(before) / _denominator(before)
    weight = _denominator(now) / _denominator(whole)
    weight_before = _denominator(was) / _denominator(before)
    rate_before = _rate(was)
    compared = overall if rate_before is None else rate_before
    rate = _rate(now)
    by_rate = weight * ((compared if rate is None else rate) - compared)
    by_weight = (weight - weight_before) * (compared - overall)
    return Part(dimension, member, by_rate + by_weight, by_rate, by_weight, now)


def _make_up(members: dict[str, Value], whole: Value) -> bool:
    """Whether the members' records are those of the whole, each once."""
    figures = members.values()
    return (
        whole.dimension == WHOLE
        and sum(figure.observations for figure in figures) == whole.observations
        and sum(map(_numerator, figures), Fraction(0)) == _numerator(whole)
        and sum(map(_denominator, figures), Fraction(0)) == _denominator(whole)
    )


def _numerator(figure: Value | None) -> Fraction:
    return Fraction(figure.numerator or 0) if figure else Fraction(0)


def _denominator(figure: Value | None) -> Fraction:
    return Fraction(figure.denominator or 0) if figure else Fraction(0)


def _rate(figure: Value | None) -> Fraction | None:
    return _numerator(figure) / _denominator(figure) if figure is not None and figure.denominator else None
