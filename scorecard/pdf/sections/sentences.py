"""The finding in one sentence, and of an indicator that misses its target why."""

import re
from decimal import Decimal

from scorecard.pdf.page import doubts
from scorecard.pdf.page.analysis import BAD, factors_of, lead_metric, reached_targets
from scorecard.pdf.page.close_data import Metric, Value
from scorecard.pdf.page.comparisons import from_prior, gap_to, gap_to_target, side_of_target
from scorecard.pdf.page.context import Desk
from scorecard.pdf.page.formats import MINUS
from scorecard.pdf.page.value_causes import Cause, Part, cause_of, decimal

# Where a headline without spaces may break: after a clause and before a bracket, not within a word.
_CLAUSE = re.compile(r"(?<=[、。])|(?=（)")


def headline(desk: Desk) -> str:
    """Return the finding as a sentence."""
    metric, figure = lead_metric(desk)
    if figure is None or figure.value is None:
        period = desk.period(desk.close.period)
        finding = desk.say("headline.missing", metric=metric.label, reason=desk.reason(None, period))
        return desk.say("headline", finding=finding, target="", why="", doubt="")
    value = desk.text(figure)
    compared = from_prior(desk, metric, figure)
    if compared.change is None:
        finding = desk.say("headline.is", metric=metric.label, value=value)
    elif compared.change == 0:
        finding = desk.say("headline.held", metric=metric.label, value=value)
    else:
        gap = gap_to(desk, metric, figure, compared)
        key = "headline.fell" if compared.change < 0 else "headline.rose"
        finding = desk.say(key, metric=metric.label, change=gap, value=value)
    return desk.say(
        "headline",
        finding=finding,
        target=_target(desk, metric, figure),
        why=_why(desk, metric, figure),
        doubt=doubts.beside(desk, headline_figures(desk)),
    )


def clauses(sentence: str) -> tuple[str, ...]:
    """Return a sentence in the parts that are kept on one line each; one with spaces is one part."""
    return tuple(filter(None, _CLAUSE.split(sentence)))


def headline_figures(desk: Desk) -> list[Value | None]:
    """Return the figures that the finding names: the leading one, and the two that it is the product of."""
    metric, figure = lead_metric(desk)
    factors = factors_of(desk, metric)
    return [figure, *(part for _, part, _ in factors.parts)] if factors else [figure]


def exception(desk: Desk, metric: Metric, figure: Value | None) -> str | None:
    """Say of a metric that misses its target by how much, and which member explains its change."""
    if figure is None or figure.value is None or figure.yardstick is None or figure.status not in BAD:
        return None
    side = side_of_target(figure)
    if not side:
        return None
    key = "exception.short" if side < 0 else "exception.over"
    sentence = desk.say(key, gap=gap_to_target(desk, metric, figure), target=goal(desk, figure))
    if cause := cause_of(desk, metric, figure):
        lead, rest, _ = explained(desk, metric, figure, cause)
        sentence += desk.say("exception.cause", lead=lead, rest=rest)
    return sentence


def explained(desk: Desk, metric: Metric, figure: Value, cause: Cause) -> tuple[str, str, tuple[Value, ...]]:
    """Say which member explains a change, beside the whole change and the member's own.

    Returns
    -------
    The words that lead, the rest without a full stop, and the figures named.
    """
    rises = cause.total > 0
    most = cause.most
    lead = desk.say(
        "cause.rise" if rises else "cause.fall",
        member=desk.alone(most.dimension, most.member),
        metric=desk.formats.inside(metric.label),
    )
    total = contributed(desk, metric, figure, decimal(cause.total))
    rest = desk.say("cause.whole", total=total, part=_part(desk, metric, figure, most))
    against = cause.against
    # What prints as zero held nothing back.
    if against is None or not _sign(contributed(desk, metric, figure, decimal(against.amount))):
        return lead, rest, tuple(each for each in (most.own,) if each)
    rest += desk.say(
        "cause.held_back" if rises else "cause.made_up",
        member=desk.alone(against.dimension, against.member),
        part=_part(desk, metric, figure, against),
    )
    return lead, rest, tuple(each for each in (most.own, against.own) if each)


def _part(desk: Desk, metric: Metric, figure: Value, part: Part) -> str:
    """Write what a member added, and what its own figure did."""
    amount = contributed(desk, metric, figure, decimal(part.amount))
    own = _own(desk, metric, figure, part.own) if part.own else ""
    if part.by_rate is None or part.by_weight is None:
        return desk.say("cause.part", amount=amount, own=own)
    rate, weight = (contributed(desk, metric, figure, decimal(each)) for each in (part.by_rate, part.by_weight))
    if not (_sign(rate) and _sign(weight)):
        return desk.say("cause.part", amount=amount, own=own)
    return desk.say("cause.part_of_rate", amount=amount, rate=rate, weight=weight, own=own)


def _own(desk: Desk, metric: Metric, whole: Value, own: Value) -> str:
    value = desk.text(own, desk.scale(metric, [whole]))
    desk.cite(own, value)
    prior = desk.period(desk.close.prior)
    compared = from_prior(desk, metric, own)
    if compared.change is None:
        return desk.say("cause.own_new", value=value, prior=prior)
    if compared.change == 0:
        return desk.say("cause.own_held", value=value)
    key = "cause.own_fell" if compared.change < 0 else "cause.own_rose"
    return desk.say(key, change=gap_to(desk, metric, own, compared), prior=prior, value=value)


def _sign(text: str) -> bool:
    """Whether a change as printed has a sign; what is nearly nothing prints as zero and has none."""
    return text.startswith(("+", MINUS))


def contributed(desk: Desk, metric: Metric, figure: Value, amount: Decimal) -> str:
    """Write what was added to a change: to that of a share in points, to anything else in its own unit."""
    if metric.unit == "percent":
        return desk.formats.change(metric.unit, amount, None) or ""
    return desk.formats.value(amount, desk.scale(metric, [figure]), signed=True)


def goal(desk: Desk, figure: Value) -> str:
    """Name what a figure is held against: its target, or of an open period the part of it that is due by now."""
    return desk.say("goal.whole" if figure.yardstick == figure.target else "goal.due")


def _target(desk: Desk, metric: Metric, figure: Value) -> str:
    side = side_of_target(figure)
    if side is None:
        return ""
    target = goal(desk, figure)
    if side == 0:
        return desk.say("headline.met", target=target)
    key = "headline.short" if side < 0 else "headline.above"
    return desk.say(key, gap=gap_to_target(desk, metric, figure), target=target)


def _why(desk: Desk, metric: Metric, figure: Value) -> str:
    factors = factors_of(desk, metric)
    if factors is None:
        reached, total = reached_targets(desk)
        if not total:
            return ""
        return desk.wording.count(
            "headline.tally", total, reached=desk.formats.count(reached), total=desk.formats.count(total)
        )
    (first, _, _), (second, _, _) = factors.parts
    ways = ["fell" if effect < 0 else "rose" if effect > 0 else "held" for _, _, effect in factors.parts]
    names = {"first": desk.formats.inside(first.label), "second": desk.formats.inside(second.label)}
    if "held" in ways:
        return ""
    return desk.say(f"headline.both_{ways[0]}" if ways[0] == ways[1] else f"headline.first_{ways[0]}", **names)
