"""The three things to know, as sentences.

The structure of the figures decides which sentences are printed, never a metric's name. For example, a metric that is
the product of two others is split into both, and a metric by movement into its movements.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from scorecard.pdf.page import (
    Figure,
    MetricDefinition,
    PageContext,
    cause_of,
    contribution_text,
    decimal,
    explain,
    from_prior,
    gap_to,
    gap_to_target,
    side_of_target,
)
from scorecard.pdf.sections.summary import doubts
from scorecard.pdf.sections.summary.analysis import (
    Factor,
    Product,
    distance,
    metrics_with_target,
    others_with_target,
    product_of,
    rate_of_member,
    reached_targets,
    reaches_target,
    size,
)

# Without spaces, the last few characters stand for the last word.
_LONGEST_TAIL, _SHORT_TAIL = 12, 4
# A missed target matters more, the further it is missed and the more the metric means to the goal.
_SEVERITY = {"off_track": 3, "at_risk": 1}
_WEIGHT = {"kgi": 3, "kpi": 2, "kfs": 1}
_TALLIED = ("ahead", "on_track", "off_track", "at_risk")


@dataclass(frozen=True)
class KeyPoint:
    """One thing to know: the leading words, the rest, and the ids of the figures that it names."""

    lead: str
    space: str
    rest: str
    figure_ids: tuple[str, ...]

    @property
    def text(self) -> str:
        """The whole sentence."""
        return self.lead + self.space + self.rest

    @property
    def head(self) -> str:
        """The rest without its last word."""
        return self.rest[: len(self.rest) - len(self.tail)]

    @property
    def tail(self) -> str:
        """The last word. The ids of the figures stay beside it when the line breaks."""
        word = self.rest.rpartition(" ")[2]
        return word if len(word) <= _LONGEST_TAIL else self.rest[-_SHORT_TAIL:]


def key_points(context: PageContext) -> tuple[KeyPoint, ...]:
    """Return three things to know: why the lead metric changed, which member moved it, and the other side.

    For a missed goal, the other side is what went best; otherwise it is what went worst. Further points replace a
    missing one. Only two points remain where no metric has a value or a target.
    """
    metric, figure = context.close.lead_metric()
    is_missed = figure is not None and figure.yardstick is not None and not reaches_target(metric, figure)
    other_sides = (_best, _worst) if is_missed else (_worst, _best)
    candidates = [
        _by_factor(context, metric) or _by_movement(context),
        _by_member(context, metric, figure),
        *(other_side(context, metric) for other_side in other_sides),
        _tally(context),
        _data(context),
        _coverage(context),
    ]
    return tuple(point for point in candidates if point)[:3]


def _point(context: PageContext, lead: str, rest: str, figures: Sequence[Figure] = ()) -> KeyPoint:
    """Return a key point, with a remark on its doubtful figures."""
    space = " " if context.say("style.space_after_lead") == "yes" else ""
    figure_ids = tuple(dict.fromkeys(map(context.cite, figures)))
    return KeyPoint(lead, space, rest + doubts.as_sentence(context, figures), figure_ids)


def _by_factor(context: PageContext, metric: MetricDefinition) -> KeyPoint | None:
    """Say what each of the two factors of a metric added to its change."""
    product = product_of(context, metric)
    if product is None or not product.change:
        return None
    # Where both added the same, the amount stands first.
    ordered = sorted(product.factors, key=lambda factor: abs(factor.added), reverse=True)
    sentences = [_factor(context, product, factor, is_first=factor is ordered[0]) for factor in ordered if factor.added]
    if len(sentences) == 1:
        rest = sentences[0]
    else:
        rest = context.say("key_point.factor.both", first=sentences[0], second=sentences[1])
    figures = [product.figure, *(factor.figure for factor in ordered if factor.added)]
    return _point(
        context, _lead_of_factors(context, product, ordered), context.say("key_point.end", rest=rest), figures
    )


def _lead_of_factors(context: PageContext, product: Product, ordered: Sequence[Factor]) -> str:
    first, second = ordered
    if first.added * second.added < 0:
        return context.say("key_point.factor.opposed", metric=first.metric.label)
    key = "key_point.factor.fall" if product.change < 0 else "key_point.factor.rise"
    share = context.formats.share(decimal(first.added / product.change), 0)
    return context.say(key, share=share, metric=context.formats.inside(first.metric.label))


def _factor(context: PageContext, product: Product, factor: Factor, *, is_first: bool) -> str:
    """Say what a factor did. The leading words have named the first factor already."""
    compared = from_prior(context, factor.metric, factor.figure)
    way = "fell" if factor.added < 0 else "rose"
    product_metric = context.close.metrics[product.figure.metric]
    return context.say(
        f"key_point.factor.first_{way}" if is_first else f"key_point.factor.second_{way}",
        metric=context.formats.inside(factor.metric.label),
        change=gap_to(context, factor.metric, factor.figure, compared),
        value=context.value_text(factor.figure),
        effect=contribution_text(context, product_metric, product.figure, decimal(factor.added)),
    )


def _by_movement(context: PageContext) -> KeyPoint | None:
    """Say which movements make up the first metric by movement that has any."""
    for metric in context.close.main_metrics:
        members = context.close.members.get((metric.name, "movement"), ())
        total = context.close.whole(metric.name)
        figures = [context.close.figure(metric.name, context.close.period, "movement", member) for member in members]
        movements = [figure for figure in figures if figure is not None and figure.value]
        if movements and total is not None and total.value is not None:
            movements.sort(key=lambda figure: (-size(figure.value), figure.member))
            return _movements(context, metric, total, movements)
    return None


def _movements(context: PageContext, metric: MetricDefinition, total: Figure, movements: list[Figure]) -> KeyPoint:
    scale = context.formats.scale(metric.unit, [total.value, *(figure.value for figure in movements)])
    parts = []
    for figure in movements:
        value = context.value_text(figure, scale, signed=True)
        context.cite(figure, value)
        movement = context.formats.inside(context.member_name("movement", figure.member))
        parts.append(context.say("key_point.movement.part", movement=movement, value=value))
    total_text = "" if total.value is None else context.formats.value(total.value, scale, signed=True)
    lead = context.say("key_point.movement.lead", metric=metric.label, value=total_text)
    rest = context.say("key_point.movement.rest", parts=context.formats.listed(parts))
    return _point(context, lead, rest, (total, *movements))


def _by_member(context: PageContext, metric: MetricDefinition, figure: Figure | None) -> KeyPoint | None:
    """Say which member explains the change of the lead metric, and which share moved most in that member."""
    cause = cause_of(context, metric, figure)
    if figure is None or cause is None:
        return None
    lead, rest, figures = explain(context, metric, figure, cause)
    rate = rate_of_member(context, metric, cause.largest.dimension, cause.largest.member)
    if rate is None:
        return _point(context, lead, context.say("key_point.end", rest=rest), (figure, *figures))
    rate_metric, rate_figure = rate
    rest += context.say(
        "key_point.member.rate_fell" if (rate_figure.change or 0) < 0 else "key_point.member.rate_rose",
        member=context.member_in_sentence(cause.largest.dimension, cause.largest.member),
        metric=context.formats.inside(rate_metric.label),
        change=gap_to(context, rate_metric, rate_figure, from_prior(context, rate_metric, rate_figure)),
        value=context.value_text(rate_figure),
    )
    return _point(context, lead, context.say("key_point.end", rest=rest), (figure, *figures, rate_figure))


def _best(context: PageContext, lead: MetricDefinition) -> KeyPoint | None:
    """Say which other metric is best against its target."""
    good = [(metric, figure) for metric, figure in others_with_target(context, lead) if reaches_target(metric, figure)]
    if not good:
        return None
    metric, figure = max(good, key=lambda pair: (pair[1].status == "ahead", distance(pair[1])))
    return _against_target(context, metric, figure, "best")


def _worst(context: PageContext, lead: MetricDefinition) -> KeyPoint | None:
    """Say which other metric misses its target in the way that matters most."""
    bad = [(metric, figure) for metric, figure in others_with_target(context, lead) if figure.misses_target]
    if not bad:
        return None
    metric, figure = max(bad, key=lambda pair: (_SEVERITY[pair[1].status] * _WEIGHT[pair[0].level], distance(pair[1])))
    return _against_target(context, metric, figure, "worst")


def _against_target(
    context: PageContext, metric: MetricDefinition, figure: Figure, side_name: Literal["best", "worst"]
) -> KeyPoint | None:
    side = side_of_target(figure)
    if side is None or figure.yardstick is None:
        return None
    lead = context.say("key_point.against.lead", metric=metric.label, value=context.value_text(figure))
    target = context.say(
        "goal.of_whole" if figure.yardstick == figure.target else "goal.of_due",
        value=context.formats.value(figure.yardstick, context.scale(metric, [figure])),
    )
    if side == 0:
        rest = context.say("key_point.met", target=target)
    else:
        rest = context.say(f"key_point.{side_name}", gap=gap_to_target(context, metric, figure), target=target)
    compared = from_prior(context, metric, figure)
    if compared.change:
        is_better = (compared.change > 0) == metric.higher_is_better
        # "though" joins good with bad, "and" joins good with good.
        link = "and" if is_better == (side_name == "best") else "though"
        rest += context.say(
            f"key_point.{link}_{'better' if is_better else 'worse'}",
            gap=gap_to(context, metric, figure, compared),
            prior=context.period_name(context.close.prior),
        )
    return _point(context, lead, context.say("key_point.end", rest=rest), (figure,))


def _tally(context: PageContext) -> KeyPoint | None:
    """Say how many metrics reach their targets, and how many have each status."""
    figures = [figure for _, figure in metrics_with_target(context)]
    if not figures:
        return None
    reached, total = reached_targets(context)
    counts = [
        context.say(
            "key_point.tally.part", number=context.formats.count(number), status=context.say(f"status.{status}")
        )
        for status in _TALLIED
        if (number := sum(figure.status == status for figure in figures))
    ]
    numbers = {"reached": context.formats.count(reached), "total": context.formats.count(total)}
    lead = context.wording.count("key_point.tally.lead", total, **numbers)
    return _point(context, lead, context.say("key_point.tally.rest", parts=context.formats.listed(counts)), figures)


def _data(context: PageContext) -> KeyPoint:
    """Say how many checks passed and failed."""
    failed = len(context.close.failed_checks)
    total = context.formats.count(len(context.close.checks))
    if not failed:
        return _point(context, context.say("key_point.data.lead"), context.say("key_point.data.passed", total=total))
    rest = context.wording.count("key_point.data.failed", failed, failed=context.formats.count(failed), total=total)
    return _point(context, context.say("key_point.data.lead"), rest)


def _coverage(context: PageContext) -> KeyPoint:
    """Say how many metrics have a value."""
    figures = [context.close.whole(metric.name) for metric in context.close.main_metrics]
    known = sum(figure is not None and figure.value is not None for figure in figures)
    numbers = {"known": context.formats.count(known), "total": context.formats.count(len(figures))}
    rest = context.wording.count("key_point.coverage.rest", len(figures), **numbers)
    return _point(context, context.say("key_point.coverage.lead"), rest)
