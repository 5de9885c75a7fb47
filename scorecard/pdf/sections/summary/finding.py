"""The finding: one sentence that says what the lead metric did, and why."""

import re

from scorecard.pdf.page import (
    Figure,
    MetricDefinition,
    PageContext,
    from_prior,
    gap_to,
    gap_to_target,
    side_of_target,
    target_name,
)
from scorecard.pdf.sections.summary import doubts
from scorecard.pdf.sections.summary.analysis import product_of, reached_targets

# A finding without spaces may break after a clause and before a bracket, never within a word.
_CLAUSE = re.compile(r"(?<=[、。])|(?=（)")


def finding(context: PageContext) -> str:
    """Return the finding as a sentence."""
    metric, figure = context.close.lead_metric()
    if figure is None or figure.value is None:
        period = context.period_name(context.close.period)
        what = context.say("headline.missing", metric=metric.label, reason=context.reason(None, period))
        return context.say("headline", finding=what, target="", why="", doubt="")
    return context.say(
        "headline",
        finding=_change(context, metric, figure),
        target=_target(context, metric, figure),
        why=_why(context, metric),
        doubt=doubts.in_brackets(context, finding_figures(context)),
    )


def clauses(sentence: str) -> tuple[str, ...]:
    """Return the parts of a sentence that stay on one line. A sentence with spaces is one part."""
    return tuple(filter(None, _CLAUSE.split(sentence)))


def finding_figures(context: PageContext) -> list[Figure | None]:
    """Return the figures that the finding names: that of the lead metric, and those of its two factors."""
    metric, figure = context.close.lead_metric()
    product = product_of(context, metric)
    return [figure, *(factor.figure for factor in product.factors)] if product else [figure]


def _change(context: PageContext, metric: MetricDefinition, figure: Figure) -> str:
    """Say what a metric did since the period before."""
    value = context.value_text(figure)
    compared = from_prior(context, metric, figure)
    if compared.change is None:
        return context.say("headline.is", metric=metric.label, value=value)
    if compared.change == 0:
        return context.say("headline.unchanged", metric=metric.label, value=value)
    gap = gap_to(context, metric, figure, compared)
    key = "headline.fell" if compared.change < 0 else "headline.rose"
    return context.say(key, metric=metric.label, change=gap, value=value)


def _target(context: PageContext, metric: MetricDefinition, figure: Figure) -> str:
    """Say how far a figure is from its target."""
    side = side_of_target(figure)
    if side is None:
        return ""
    target = target_name(context, figure)
    if side == 0:
        return context.say("headline.met", target=target)
    key = "headline.short" if side < 0 else "headline.above"
    return context.say(key, gap=gap_to_target(context, metric, figure), target=target)


def _why(context: PageContext, metric: MetricDefinition) -> str:
    """Say what the two factors of a metric did. For a metric without factors, say how many targets are reached."""
    product = product_of(context, metric)
    if product is None:
        reached, total = reached_targets(context)
        if not total:
            return ""
        numbers = {"reached": context.formats.count(reached), "total": context.formats.count(total)}
        return context.wording.count("headline.tally", total, **numbers)
    first, second = product.factors
    if not (first.added and second.added):
        return ""
    way, second_way = ("fell" if factor.added < 0 else "rose" for factor in product.factors)
    return context.say(
        f"headline.both_{way}" if way == second_way else f"headline.first_{way}",
        first=context.formats.inside(first.metric.label),
        second=context.formats.inside(second.metric.label),
    )
