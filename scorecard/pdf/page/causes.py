"""Which member of a dimension moved a figure, and the sentence that says so.

Each member contributes to the change of the whole. The contributions add up exactly to the change. They come from the
figures of the close, so the list of printed figures proves them.
"""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from scorecard.pdf.page.close_content import WHOLE, Figure, MetricDefinition
from scorecard.pdf.page.comparisons import from_prior, gap_to
from scorecard.pdf.page.context import PageContext
from scorecard.pdf.page.formats import MINUS

UNKNOWN = "unknown"
_SUMS, _RATES = ("sum", "last"), ("ratio", "average")


@dataclass(frozen=True)
class Contribution:
    """What one member added to the change of the whole, in the metric's unit.

    For a rate, ``by_rate`` is what the member's own rate added, and ``by_weight`` what its share of the whole added.
    For any other metric both are None. ``figure`` is the member's figure.
    """

    dimension: str
    member: str
    amount: Fraction
    by_rate: Fraction | None
    by_weight: Fraction | None
    figure: Figure | None

    @property
    def has_name(self) -> bool:
        """Whether a sentence may name the member: it is known and has enough records for a figure."""
        return self.member != UNKNOWN and self.figure is not None and self.figure.value is not None


@dataclass(frozen=True)
class Cause:
    """The member that added most to a change, and the member that added most against it."""

    total: Fraction
    largest: Contribution
    opposite: Contribution | None


def cause_of(context: PageContext, metric: MetricDefinition, figure: Figure | None) -> Cause | None:
    """Return which member explains the change of a whole figure since the period before.

    The largest contribution in the direction of the change explains it. Where its member has no name, the dimension
    explains nothing, because no other member moved the figure most. Return None where no shown dimension explains it.
    """
    total = _change_of_whole(context, metric, figure)
    if figure is None or not total:
        return None
    sign = 1 if total > 0 else -1
    causes = []
    for dimension in shown_dimensions(context, metric):
        # The names order contributions of the same size.
        ordered = sorted(
            contributions(context, metric, figure, dimension), key=lambda part: (-sign * part.amount, part.member)
        )
        if not ordered:
            continue
        largest, smallest = ordered[0], ordered[-1]
        if largest.amount * sign > 0 and largest.has_name:
            is_opposite = smallest.amount * sign < 0 and smallest.has_name
            causes.append(Cause(total, largest, smallest if is_opposite else None))
    return max(causes, key=lambda cause: cause.largest.amount * sign, default=None)


def shown_dimensions(context: PageContext, metric: MetricDefinition) -> list[str]:
    """Return the dimensions in which a reader finds a cause: the metric's own breakdowns, else those of others."""
    pairs = context.close.breakdowns
    own_dimensions = [dimension for name, dimension in pairs if name == metric.name]
    return list(dict.fromkeys(own_dimensions or [dimension for _, dimension in pairs]))


def contributions(
    context: PageContext, metric: MetricDefinition, whole: Figure, dimension: str
) -> tuple[Contribution, ...]:
    """Return what each member of a dimension added to a change. Return none where the members don't make up the whole.

    A customer's products don't, for instance, because a customer of two products is in both.
    """
    close = context.close
    whole_before = close.whole(metric.name, close.prior)
    now = close.by_member(metric.name, close.period, dimension)
    before = close.by_member(metric.name, close.prior, dimension)
    if whole_before is None or not (_make_up(now, whole) and _make_up(before, whole_before)):
        return ()
    pairs = [(member, now.get(member), before.get(member)) for member in sorted({**now, **before})]
    if metric.aggregate in _SUMS:
        return tuple(
            Contribution(dimension, member, _numerator(figure) - _numerator(figure_before), None, None, figure)
            for member, figure, figure_before in pairs
        )
    if metric.aggregate in _RATES and whole.denominator and whole_before.denominator:
        return tuple(
            _rate_contribution((dimension, member), (figure, figure_before), (whole, whole_before))
            for member, figure, figure_before in pairs
        )
    return ()


def explain(
    context: PageContext, metric: MetricDefinition, figure: Figure, cause: Cause
) -> tuple[str, str, tuple[Figure, ...]]:
    """Say which member explains a change, with the whole change and the member's contribution.

    Returns
    -------
    The leading words, the rest without a full stop, and the figures that the sentence names.
    """
    rises = cause.total > 0
    largest, opposite = cause.largest, cause.opposite
    lead = context.say(
        "cause.rise" if rises else "cause.fall",
        member=context.member_in_sentence(largest.dimension, largest.member),
        metric=context.formats.inside(metric.label),
    )
    total = contribution_text(context, metric, figure, decimal(cause.total))
    rest = context.say("cause.whole", total=total, part=_contribution_words(context, metric, figure, largest))
    if opposite and _has_sign(contribution_text(context, metric, figure, decimal(opposite.amount))):
        rest += context.say(
            "cause.held_back" if rises else "cause.made_up",
            member=context.member_in_sentence(opposite.dimension, opposite.member),
            part=_contribution_words(context, metric, figure, opposite),
        )
    else:
        # A contribution that prints as zero explains nothing.
        opposite = None
    named = (largest.figure, opposite.figure if opposite else None)
    return lead, rest, tuple(member_figure for member_figure in named if member_figure)


def contribution_text(context: PageContext, metric: MetricDefinition, figure: Figure, amount: Decimal) -> str:
    """Write a contribution to a change: in points for a share, in the metric's unit for any other metric."""
    if metric.unit == "percent":
        return context.formats.change(metric.unit, amount, None) or ""
    return context.formats.value(amount, context.scale(metric, [figure]), signed=True)


def decimal(number: Fraction) -> Decimal:
    """Return a fraction as a decimal of 28 digits, to be printed."""
    return Decimal(number.numerator) / Decimal(number.denominator)


def _contribution_words(
    context: PageContext, metric: MetricDefinition, whole: Figure, contribution: Contribution
) -> str:
    """Say what a member added, and what its own figure did."""
    amount = contribution_text(context, metric, whole, decimal(contribution.amount))
    own = _member_change(context, metric, whole, contribution.figure) if contribution.figure else ""
    if contribution.by_rate is None or contribution.by_weight is None:
        return context.say("cause.part", amount=amount, own=own)
    rate = contribution_text(context, metric, whole, decimal(contribution.by_rate))
    weight = contribution_text(context, metric, whole, decimal(contribution.by_weight))
    if not (_has_sign(rate) and _has_sign(weight)):
        return context.say("cause.part", amount=amount, own=own)
    return context.say("cause.part_of_rate", amount=amount, rate=rate, weight=weight, own=own)


def _member_change(context: PageContext, metric: MetricDefinition, whole: Figure, figure: Figure) -> str:
    """Say what the figure of a member did since the period before."""
    value = context.value_text(figure, context.scale(metric, [whole]))
    context.cite(figure, value)
    prior = context.period_name(context.close.prior)
    compared = from_prior(context, metric, figure)
    if compared.change is None:
        return context.say("cause.own_new", value=value, prior=prior)
    if compared.change == 0:
        return context.say("cause.own_held", value=value)
    key = "cause.own_fell" if compared.change < 0 else "cause.own_rose"
    return context.say(key, change=gap_to(context, metric, figure, compared), prior=prior, value=value)


def _has_sign(change: str) -> bool:
    """Whether a printed change has a sign. A change that prints as zero has none."""
    return change.startswith(("+", MINUS))


def _change_of_whole(context: PageContext, metric: MetricDefinition, figure: Figure | None) -> Fraction | None:
    """Return the exact change of the whole figure. None where there is none, and for unsettled figures."""
    before = context.close.whole(metric.name, context.close.prior)
    if figure is None or figure.change is None or before is None:
        return None
    if figure.at_most is not None or before.at_most is not None:
        return None
    if metric.aggregate in _SUMS:
        return _numerator(figure) - _numerator(before)
    rate, rate_before = _rate(figure), _rate(before)
    is_rate = metric.aggregate in _RATES
    return rate - rate_before if is_rate and rate is not None and rate_before is not None else None


def _rate_contribution(
    place: tuple[str, str], figures: tuple[Figure | None, Figure | None], wholes: tuple[Figure, Figure]
) -> Contribution:
    """Split the contribution of a member into that of its own rate and that of its share of the whole.

    Parameters
    ----------
    place: dimension and member.
    figures, wholes: the figures of the member and of the whole, each now and in the period before.
    """
    now, before = figures
    whole, whole_before = wholes
    overall_rate = _numerator(whole_before) / _denominator(whole_before)
    weight = _denominator(now) / _denominator(whole)
    weight_before = _denominator(before) / _denominator(whole_before)
    rate, rate_before = _rate(now), _rate(before)
    base_rate = overall_rate if rate_before is None else rate_before
    by_rate = weight * ((base_rate if rate is None else rate) - base_rate)
    by_weight = (weight - weight_before) * (base_rate - overall_rate)
    return Contribution(*place, by_rate + by_weight, by_rate, by_weight, now)


def _make_up(members: dict[str, Figure], whole: Figure) -> bool:
    """Whether the members have exactly the records of the whole, each once."""
    figures = members.values()
    return (
        whole.dimension == WHOLE
        and sum(figure.observations for figure in figures) == whole.observations
        and sum(map(_numerator, figures), Fraction(0)) == _numerator(whole)
        and sum(map(_denominator, figures), Fraction(0)) == _denominator(whole)
    )


def _numerator(figure: Figure | None) -> Fraction:
    return Fraction(figure.numerator or 0) if figure else Fraction(0)


def _denominator(figure: Figure | None) -> Fraction:
    return Fraction(figure.denominator or 0) if figure else Fraction(0)


def _rate(figure: Figure | None) -> Fraction | None:
    return _numerator(figure) / _denominator(figure) if figure is not None and figure.denominator else None
