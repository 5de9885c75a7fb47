"""The indicators: their tree of goals, their rows on the first page, and a card with details for each."""

from dataclasses import dataclass, replace
from decimal import Decimal

from scorecard.pdf.page import (
    Cell,
    Figure,
    MetricDefinition,
    Notes,
    PageContext,
    Scale,
    Status,
    against_prior,
    against_target,
    against_year_ago,
    cause_of,
    explain,
    gap_to_target,
    side_of_target,
    target_name,
)
from scorecard.pdf.page.charts import Chart
from scorecard.pdf.sections.indicators.goal_tree import GoalNode, goal_tree
from scorecard.pdf.sections.indicators.trend_charts import small_chart, trend_chart

GROUPS = ("outcomes", "effectiveness", "efficiency", "customer")
# The stages of a customer's journey, in order. Indicators of any other stage follow them.
JOURNEY = ("awareness", "consideration", "purchase", "onboarding", "use", "support", "retention", "advocacy")
_UNREALISTIC = Decimal("0.95")


@dataclass(frozen=True)
class IndicatorRow:
    """One indicator in a table. ``beside`` is a remark beside its name, for example the elapsed share of the period."""

    label: str
    beside: str | None
    checks: tuple[str, ...]
    value: Cell
    target: Cell
    vs_target: Cell
    prior: Cell
    vs_prior: Cell
    vs_year_ago: Cell
    status: Status
    chart: Chart | None


@dataclass(frozen=True)
class IndicatorGroup:
    """The rows of one class of indicators."""

    title: str
    rows: tuple[IndicatorRow, ...]


@dataclass(frozen=True)
class IndicatorCard:
    """An indicator with its definition, its chart, remarks, and its variants.

    ``exception`` says by how much it misses its target. ``warnings`` are failed checks as mark and text. ``variants``
    are pairs of a row and a caveat.
    """

    row: IndicatorRow
    definition: str
    formula: str
    remarks: tuple[str, ...]
    exception: str | None
    warnings: tuple[tuple[str, str], ...]
    variants: tuple[tuple[IndicatorRow, str | None], ...]


@dataclass(frozen=True)
class CardGroup:
    """The cards of one class of indicators, with the footnotes of their table."""

    title: str
    cards: tuple[IndicatorCard, ...]
    notes: Notes


@dataclass(frozen=True)
class IndicatorsSection:
    """The pages of indicators."""

    tree: tuple[GoalNode, ...]
    tree_notes: Notes
    groups: tuple[CardGroup, ...]


def indicators_section(context: PageContext) -> IndicatorsSection:
    """Build the tree of goals, then the cards, grouped as on the first page."""
    tree, tree_notes = goal_tree(context), context.take_footnotes()
    groups = tuple(
        CardGroup(title, tuple(_card(context, metric) for metric in metrics), context.take_footnotes())
        for title, metrics in _grouped_metrics(context)
    )
    return IndicatorsSection(tree, tree_notes, groups)


def indicator_groups(context: PageContext) -> tuple[IndicatorGroup, ...]:
    """Return the indicators for the first page, by class. Those of the customer are split by stage of the journey."""
    return tuple(
        IndicatorGroup(title, tuple(_row(context, metric, small_chart(context, metric)) for metric in metrics))
        for title, metrics in _grouped_metrics(context)
    )


def _grouped_metrics(context: PageContext) -> list[tuple[str, list[MetricDefinition]]]:
    """Return the titles of the groups with their metrics, in the order of printing."""
    groups: dict[tuple[int, int, str], list[MetricDefinition]] = {}
    for metric in context.close.main_metrics:
        group = _group_of(metric)
        stage = (metric.journey_stage or "") if group == "customer" else ""
        stage_rank = JOURNEY.index(stage) if stage in JOURNEY else len(JOURNEY)
        groups.setdefault((GROUPS.index(group), stage_rank, stage), []).append(metric)
    return [
        (_group_title(context, GROUPS[group_rank], stage), metrics)
        for (group_rank, _, stage), metrics in sorted(groups.items())
    ]


def _group_of(metric: MetricDefinition) -> str:
    if metric.perspective == "customer":
        return "customer"
    if metric.level == "kgi" or metric.metric_class == "outcome":
        return "outcomes"
    return metric.metric_class


def _group_title(context: PageContext, group: str, stage: str) -> str:
    title = context.say(f"group.{group}")
    if not stage:
        return title
    stage_name = context.say(f"journey.{stage}") if context.wording.has(f"journey.{stage}") else stage
    return context.say("group.stage", group=title, stage=stage_name)


def _row(
    context: PageContext,
    metric: MetricDefinition,
    chart: Chart | None,
    scale: Scale | None = None,
    with_prior: bool = False,
) -> IndicatorRow:
    figure = context.close.whole(metric.name)
    before = context.close.whole(metric.name, context.close.prior)
    scale = scale or context.scale(metric, [figure])
    return IndicatorRow(
        label=metric.label,
        beside=_elapsed(context, metric, figure),
        checks=context.check_marks(metric),
        value=context.figure_cell(metric, figure, scale),
        target=context.target_cell(metric, figure, scale),
        vs_target=against_target(context, metric, figure, scale),
        prior=context.figure_cell(metric, before, scale) if with_prior and before else Cell("–", tone="na"),
        vs_prior=against_prior(context, metric, figure, scale),
        vs_year_ago=against_year_ago(context, metric, figure, scale),
        status=context.status_of(figure),
        chart=chart,
    )


def _elapsed(context: PageContext, metric: MetricDefinition, figure: Figure | None) -> str | None:
    """Say beside an attainment, whose target is that of the whole period, which share of the period has elapsed."""
    if not metric.is_attainment or figure is None or figure.elapsed_share is None:
        return None
    return context.say("row.elapsed", share=context.formats.share(figure.elapsed_share, 0))


def _card(context: PageContext, metric: MetricDefinition) -> IndicatorCard:
    close = context.close
    figure = close.whole(metric.name)
    variants = close.variants(metric)
    # An indicator and its variants of the same unit share one scale.
    on_scale = [metric, *(variant for variant in variants if variant.unit == metric.unit)]
    scale = context.scale(metric, [close.whole(member.name) for member in on_scale])
    remarks = [*([metric.caveat] if metric.caveat else []), *_target_remarks(context, figure)]
    # The cells come before the chart, so that footnotes follow the order of reading.
    row = _row(context, metric, None, scale, with_prior=True)
    return IndicatorCard(
        row=replace(row, chart=trend_chart(context, metric)),
        definition=metric.definition,
        formula=metric.formula,
        remarks=tuple(remarks),
        exception=_exception(context, metric, figure),
        warnings=tuple(
            (context.check_mark(check), context.say("check.found", check=check.name, finding=check.finding))
            for check in close.failed_checks_of(metric)
            if check not in close.general_checks
        ),
        variants=tuple(
            (
                _row(context, variant, None, scale if variant in on_scale else None, with_prior=True),
                # The card prints a shared caveat once.
                None if variant.caveat == metric.caveat else variant.caveat,
            )
            for variant in variants
        ),
    )


def _exception(context: PageContext, metric: MetricDefinition, figure: Figure | None) -> str | None:
    """Say by how much a metric misses its target, and which member explains its change."""
    if figure is None or figure.value is None or figure.yardstick is None or not figure.misses_target:
        return None
    side = side_of_target(figure)
    if not side:
        return None
    gap = gap_to_target(context, metric, figure)
    key = "exception.short" if side < 0 else "exception.over"
    sentence = context.say(key, gap=gap, target=target_name(context, figure))
    if cause := cause_of(context, metric, figure):
        lead, rest, _ = explain(context, metric, figure, cause)
        sentence += context.say("exception.cause", lead=lead, rest=rest)
    return sentence


def _target_remarks(context: PageContext, figure: Figure | None) -> list[str]:
    """Say of a target that the metric has hardly ever reached it before."""
    if figure is None or figure.target is None:
        return []
    for target in context.close.targets:
        key = (target["metric"], target["period"], target["dimension"], target["member"])
        if key == (figure.metric, figure.period, figure.dimension, figure.member):
            rank = target["achievable"]
            if rank is not None and rank > _UNREALISTIC:
                return [context.say("target.unrealistic", rank=context.formats.share(rank, 0))]
    return []
