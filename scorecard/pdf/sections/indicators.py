"""The tables of indicators: the summary's rows, and the cards behind them."""

from dataclasses import dataclass, replace
from decimal import Decimal

from scorecard.pdf.page.charts import Chart
from scorecard.pdf.page.close_data import Metric, Value
from scorecard.pdf.page.comparisons import against_prior, against_target, against_year_ago
from scorecard.pdf.page.context import Cell, Desk, Notes, Status
from scorecard.pdf.page.formats import Scale
from scorecard.pdf.page.trend_charts import spark, trend_chart
from scorecard.pdf.sections.sentences import exception

GROUPS = ("outcomes", "effectiveness", "efficiency", "customer")
# The customer's way, in order; indicators of another stage come after these.
JOURNEY = ("awareness", "consideration", "purchase", "onboarding", "use", "support", "retention", "advocacy")
_UNREALISTIC = Decimal("0.95")


@dataclass(frozen=True)
class Row:
    """One indicator in a table. ``beside`` is what has to be read with it, as the share of the period elapsed."""

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
class Group:
    """Indicators of one class."""

    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Card:
    """An indicator with what it means, its chart, what to mind, and its variants."""

    row: Row
    definition: str
    formula: str
    remarks: tuple[str, ...]
    exception: str | None
    warnings: tuple[tuple[str, str], ...]
    variants: tuple[tuple[Row, str | None], ...]


@dataclass(frozen=True)
class CardGroup:
    """The cards of one class."""

    title: str
    cards: tuple[Card, ...]
    notes: Notes


def group_of(metric: Metric) -> str:
    """Return which group an indicator is printed in."""
    if metric.perspective == "customer":
        return "customer"
    if metric.level == "kgi" or metric.metric_class == "outcome":
        return "outcomes"
    return metric.metric_class


def summary_groups(desk: Desk) -> tuple[Group, ...]:
    """Return the indicators of the first page, by class, those of the customer by the stage of the journey."""
    return tuple(
        Group(title, tuple(_row(desk, metric, spark(desk, metric)) for metric in metrics))
        for title, metrics in _groups(desk)
    )


def cards(desk: Desk) -> tuple[CardGroup, ...]:
    """Return every indicator in full, grouped as on the first page."""
    return tuple(
        CardGroup(title, tuple(_card(desk, metric) for metric in metrics), desk.take_notes())
        for title, metrics in _groups(desk)
    )


def _groups(desk: Desk) -> list[tuple[str, list[Metric]]]:
    found: dict[tuple[int, int, str], list[Metric]] = {}
    for metric in desk.close.mains():
        name = group_of(metric)
        stage = (metric.journey_stage or "") if name == "customer" else ""
        rank = JOURNEY.index(stage) if stage in JOURNEY else len(JOURNEY)
        found.setdefault((GROUPS.index(name), rank, stage), []).append(metric)
    return [(_group_title(desk, GROUPS[at], stage), metrics) for (at, _, stage), metrics in sorted(found.items())]


def _group_title(desk: Desk, group: str, stage: str) -> str:
    title = desk.say(f"group.{group}")
    if not stage:
        return title
    named = desk.say(f"journey.{stage}") if desk.wording.has(f"journey.{stage}") else stage
    return desk.say("group.stage", group=title, stage=named)


def _row(desk: Desk, metric: Metric, chart: Chart | None, scale: Scale | None = None, prior: bool = False) -> Row:
    figure = desk.close.whole(metric.name)
    was = desk.close.whole(metric.name, desk.close.prior)
    scale = scale or desk.scale(metric, [figure])
    return Row(
        label=metric.label,
        beside=_elapsed(desk, metric, figure),
        checks=desk.check_marks(metric),
        value=desk.figure(metric, figure, scale),
        target=desk.target(metric, figure, scale),
        vs_target=against_target(desk, metric, figure, scale),
        prior=desk.figure(metric, was, scale) if prior and was else Cell("–", tone="na"),
        vs_prior=against_prior(desk, metric, figure, scale),
        vs_year_ago=against_year_ago(desk, metric, figure, scale),
        status=desk.status_of(figure),
        chart=chart,
    )


def _elapsed(desk: Desk, metric: Metric, figure: Value | None) -> str | None:
    """Say of an attainment, which is of the target of the whole period, how much of it has passed."""
    if not metric.is_attainment or figure is None or figure.elapsed_share is None:
        return None
    return desk.say("row.elapsed", share=desk.formats.share(figure.elapsed_share, 0))


def _card(desk: Desk, metric: Metric) -> Card:
    figure = desk.close.whole(metric.name)
    # An indicator and what is printed below it in the same unit are written alike.
    alike = [metric, *(each for each in desk.close.variants(metric) if each.unit == metric.unit)]
    scale = desk.scale(metric, [desk.close.whole(each.name) for each in alike])
    remarks = [*([metric.caveat] if metric.caveat else []), *_target_remarks(desk, metric, figure)]
    # Its cells before its chart, so that footnotes come in the order of reading.
    row = _row(desk, metric, None, scale, prior=True)
    return Card(
        row=replace(row, chart=trend_chart(desk, metric)),
        definition=metric.definition,
        formula=metric.formula,
        remarks=tuple(remarks),
        exception=exception(desk, metric, figure),
        warnings=tuple(
            (desk.check_mark(check), desk.say("check.found", check=check.name, finding=check.finding))
            for check in desk.close.warnings(metric)
            if check not in desk.close.general()
        ),
        variants=tuple(
            (
                _row(desk, other, None, scale if other in alike else None, prior=True),
                # What the indicator above it has said already is not said again.
                None if other.caveat == metric.caveat else other.caveat,
            )
            for other in desk.close.variants(metric)
        ),
    )


def _target_remarks(desk: Desk, metric: Metric, figure: Value | None) -> list[str]:
    """Say of a target that it asks for more than the metric has ever done."""
    if figure is None or figure.target is None:
        return []
    for target in desk.close.targets:
        key = (target["metric"], target["period"], target["dimension"], target["member"])
        if key == (figure.metric, figure.period, figure.dimension, figure.member):
            rank = target["achievable"]
            if rank is not None and rank > _UNREALISTIC:
                return [desk.say("target.unrealistic", rank=desk.formats.share(rank, 0))]
    return []
