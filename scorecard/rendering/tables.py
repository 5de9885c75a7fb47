"""The tables of indicators: the summary's rows, the cards behind them, the tree, the breakdowns."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from scorecard.rendering.charts import Bar, Chart, bars, periods_chart, sparkline
from scorecard.rendering.close import COMPARISONS, Metric, Value
from scorecard.rendering.desk import Cell, Desk, Status
from scorecard.rendering.formats import Scale
from scorecard.rendering.sentences import exception

GROUPS = ("outcomes", "effectiveness", "efficiency", "customer")
# The customer's way, in order; indicators of another stage come after these.
JOURNEY = ("awareness", "consideration", "purchase", "onboarding", "use", "support", "retention", "advocacy")
ROWS_WHOLE = 24
ROWS_CUT = (12, 8)
SUMMARY_ROWS_WHOLE = 7
SUMMARY_ROWS_CUT = (4, 3)
_COMPANIONS = 2
_FAR = 3
_UNREALISTIC = Decimal("0.95")


@dataclass(frozen=True)
class Row:
    """One indicator in a table."""

    label: str
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


@dataclass(frozen=True)
class Node:
    """An indicator in the tree of goals: how deep it stands, and whether it is a KGI, KPI or KFS."""

    depth: int
    level: str
    label: str
    value: Cell
    vs_target: Cell
    vs_prior: Cell
    status: Status


@dataclass(frozen=True)
class Member:
    """A row of a breakdown."""

    name: str
    value: Cell
    bar: Bar | None
    target: Cell
    vs_target: Cell
    vs_prior: Cell
    status: Status
    companions: tuple[tuple[Cell, Cell], ...]
    total: bool = False


@dataclass(frozen=True)
class Breakdown:
    """An indicator by the members of a dimension, best first. ``gap`` says how many rows are left out after ``top``."""

    title: str
    key: str
    dimension: str
    top: tuple[Member, ...]
    gap: str | None
    bottom: tuple[Member, ...]
    total: Member | None
    companions: tuple[str, ...]
    judged: bool
    checks: tuple[str, ...]


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
        Group(title, tuple(_row(desk, metric, _spark(desk, metric)) for metric in metrics))
        for title, metrics in _groups(desk)
    )


def cards(desk: Desk) -> tuple[CardGroup, ...]:
    """Return every indicator in full, grouped as on the first page."""
    return tuple(CardGroup(title, tuple(_card(desk, metric) for metric in metrics)) for title, metrics in _groups(desk))


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


def tree(desk: Desk) -> tuple[Node, ...]:
    """Return the indicators under what they drive, each once."""
    mains = desk.close.mains()
    names = {metric.name for metric in mains}
    seen: set[str] = set()
    nodes: list[Node] = []

    def add(metric: Metric, depth: int) -> None:
        if metric.name in seen:
            return
        seen.add(metric.name)
        figure = desk.close.whole(metric.name)
        nodes.append(
            Node(
                depth,
                desk.say(f"level.{metric.level}"),
                metric.label,
                desk.figure(metric, figure),
                desk.against_target(metric, figure),
                desk.against_prior(metric, figure),
                desk.status_of(figure),
            )
        )
        for child in mains:
            if metric.name in child.drives:
                add(child, depth + 1)

    for metric in mains:
        if not names & set(metric.drives):
            add(metric, 0)
    return tuple(nodes)


def breakdown(desk: Desk, metric: Metric, dimension: str, brief: bool = False) -> Breakdown:
    """Return an indicator by the members of a dimension, on one scale.

    Parameters
    ----------
    brief: for the first page: fewer rows, and other indicators of the same members beside.
    """
    members = desk.close.members.get((metric.name, dimension), ())
    figures = [figure for member in members if (figure := _at(desk, metric, dimension, member))]
    # Best first; what has no value stands last; equal ones by name, so that the order is the same every time.
    sign = -1 if metric.higher_is_better else 1
    figures.sort(key=lambda figure: (figure.value is None, sign * (figure.value or 0), figure.member))
    whole, (top, bottom) = (SUMMARY_ROWS_WHOLE, SUMMARY_ROWS_CUT) if brief else (ROWS_WHOLE, ROWS_CUT)
    cut = len(figures) > whole
    kept = [*figures[:top], *figures[-bottom:]] if cut else figures
    # What does not add up is read beside the whole, so both are written alike; a sum may be far larger than its parts.
    scale = desk.scale(metric, [*kept, None if metric.adds_up else desk.close.whole(metric.name)])
    beside = _companions(desk, metric, dimension) if brief else []
    drawn = bars(
        [figure.value for figure in kept],
        [figure.prior_value for figure in kept],
        [figure.yardstick for figure in kept],
        [desk.member(dimension, figure.member) for figure in kept],
    )
    signed = dimension == "movement"
    judged = any(figure.yardstick is not None for figure in kept)
    name = desk.say(f"dimension.{dimension}")
    rows = tuple(
        Member(
            name=desk.member(dimension, figure.member),
            value=desk.figure(metric, figure, scale, signed),
            bar=bar,
            target=desk.target(metric, figure, scale),
            vs_target=desk.against_target(metric, figure),
            vs_prior=desk.against_prior(metric, figure),
            status=desk.status_of(figure),
            companions=tuple(_companion(desk, other, dimension, figure.member) for other in beside),
        )
        for figure, bar in zip(kept, drawn, strict=True)
    )
    hidden = len(figures) - len(kept)
    gap = desk.wording.count("breakdown.more", hidden, number=desk.formats.count(hidden)) if cut else None
    return Breakdown(
        title=desk.say("breakdown.title", metric=metric.label, dimension=desk.formats.inside(name)),
        key=desk.say(
            "breakdown.key" if judged else "breakdown.key_no_target",
            period=desk.period(desk.close.period),
            prior=desk.period(desk.close.prior),
        ),
        dimension=name,
        top=rows[:top] if cut else rows,
        gap=gap,
        bottom=rows[top:] if cut else (),
        total=None if brief else _total(desk, metric, scale, signed),
        companions=tuple(other.label for other in beside),
        judged=judged,
        checks=_check_marks(desk, metric),
    )


def _total(desk: Desk, metric: Metric, scale: Scale, signed: bool) -> Member | None:
    figure = desk.close.whole(metric.name)
    if figure is None:
        return None
    scale = desk.scale(metric, [figure]) if metric.adds_up else scale
    return Member(
        desk.say("member.total"),
        desk.figure(metric, figure, scale, signed),
        None,
        desk.target(metric, figure, scale),
        desk.against_target(metric, figure),
        desk.against_prior(metric, figure),
        desk.status_of(figure),
        (),
        total=True,
    )


def _companions(desk: Desk, metric: Metric, dimension: str) -> list[Metric]:
    """Choose other indicators to print beside a breakdown: shares and spans, which the amount doesn't tell."""
    return [
        other
        for other in desk.close.mains()
        if other.name != metric.name
        and not other.adds_up
        and other.aggregate not in COMPARISONS
        and other.level != "kfs"
        and (desk.close.steps_to(other, metric) or _FAR) < _FAR
        and any(
            (figure := _at(desk, other, dimension, member)) is not None and figure.value is not None
            for member in desk.close.members.get((other.name, dimension), ())
        )
    ][:_COMPANIONS]


def _companion(desk: Desk, metric: Metric, dimension: str, member: str) -> tuple[Cell, Cell]:
    figure = _at(desk, metric, dimension, member)
    return desk.figure(metric, figure), desk.against_prior(metric, figure)


def _at(desk: Desk, metric: Metric, dimension: str, member: str) -> Value | None:
    return desk.close.value(metric.name, desk.close.period, dimension, member)


def _check_marks(desk: Desk, metric: Metric) -> tuple[str, ...]:
    general = desk.close.general()
    return tuple(desk.check_mark(check) for check in desk.close.warnings(metric) if check not in general)


def _row(desk: Desk, metric: Metric, chart: Chart | None, prior: bool = False) -> Row:
    figure = desk.close.whole(metric.name)
    was = desk.close.whole(metric.name, desk.close.prior)
    scale = desk.scale(metric, [figure])
    return Row(
        label=metric.label,
        checks=_check_marks(desk, metric),
        value=desk.figure(metric, figure, scale),
        target=desk.target(metric, figure, scale),
        vs_target=desk.against_target(metric, figure),
        prior=desk.figure(metric, was, scale) if prior and was else Cell("–", tone="na"),
        vs_prior=desk.against_prior(metric, figure),
        vs_year_ago=desk.against_year_ago(metric, figure),
        status=desk.status_of(figure),
        chart=chart,
    )


def _card(desk: Desk, metric: Metric) -> Card:
    figure = desk.close.whole(metric.name)
    remarks = [*([metric.caveat] if metric.caveat else []), *_target_remarks(desk, metric, figure)]
    # Its cells before its chart, so that footnotes come in the order of reading.
    row = _row(desk, metric, None, prior=True)
    return Card(
        row=replace(row, chart=_chart(desk, metric)),
        definition=metric.definition,
        formula=metric.formula,
        remarks=tuple(remarks),
        exception=exception(desk, metric, figure),
        warnings=tuple(
            (desk.check_mark(check), check.name)
            for check in desk.close.warnings(metric)
            if check not in desk.close.general()
        ),
        variants=tuple(
            # What the indicator above it has said already is not said again.
            (_row(desk, other, None, prior=True), None if other.caveat == metric.caveat else other.caveat)
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


def _series(desk: Desk, metric: Metric) -> list[Value | None]:
    return [desk.close.whole(metric.name, period) for period in desk.close.spark]


def _numbers(figures: Sequence[Value | None]) -> list[Decimal | None]:
    return [figure.value if figure else None for figure in figures]


def _spark(desk: Desk, metric: Metric) -> Chart:
    return sparkline(_numbers(_series(desk, metric)), _chart_title(desk, metric))


def _chart_title(desk: Desk, metric: Metric) -> str:
    first, last = _ends(desk)
    return desk.say("chart.title", metric=metric.label, first=first, last=last)


def _ends(desk: Desk) -> tuple[str, str]:
    """Name the first and the last period of every chart."""
    first, last = desk.close.spark[0], desk.close.spark[-1]
    return desk.formats.period(first, desk.close.year_start), desk.formats.period(last, desk.close.year_start)


def _chart(desk: Desk, metric: Metric) -> Chart | None:
    figures = _series(desk, metric)
    values = _numbers(figures)
    if not any(value is not None for value in values):
        return None
    period = desk.close.period
    return periods_chart(
        values=values,
        targets=[figure.yardstick if figure else None for figure in figures],
        columns=metric.adds_up,
        current=[period.start <= each.start < period.end for each in desk.close.spark],
        complete=[figure.is_complete if figure else True for figure in figures],
        axis=_ends(desk),
        labels=_labels(desk, metric, figures),
        title=_chart_title(desk, metric),
    )


def _labels(desk: Desk, metric: Metric, figures: Sequence[Value | None]) -> list[str | None]:
    """Write the last value and the highest and lowest before it; more would run into one another."""
    known = [(at, figure) for at, figure in enumerate(figures) if figure is not None and figure.value is not None]
    if not known:
        return [None] * len(figures)
    last = known[-1][0]
    high = max(known, key=lambda pair: (pair[1].value or 0, pair[0]))[0]
    low = min(known, key=lambda pair: (pair[1].value or 0, -pair[0]))[0]
    chosen = {last, *(at for at in (high, low) if last - at > 1)}
    if abs(high - low) < 2:
        chosen.discard(low)
    scale = desk.formats.scale(metric.unit, [figure.value for _, figure in known])
    labels: list[str | None] = [None] * len(figures)
    for at, figure in known:
        if at in chosen:
            labels[at] = desk.figure(metric, figure, scale).text
    return labels
