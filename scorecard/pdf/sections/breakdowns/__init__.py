"""The tables of an indicator by the members of a dimension."""

from collections.abc import Sequence
from dataclasses import dataclass

from scorecard.pdf.page import (
    UNKNOWN,
    Cell,
    Figure,
    MetricDefinition,
    Notes,
    PageContext,
    Scale,
    Status,
    against_prior,
    against_target,
)
from scorecard.pdf.sections.breakdowns.bars import Bar, bars

_COMPANIONS = 2


@dataclass(frozen=True)
class RowLimit:
    """How many rows a table prints: up to ``whole`` all of them, of more the ``best`` and the ``worst``."""

    whole: int
    best: int
    worst: int


FULL, BRIEF = RowLimit(24, 12, 8), RowLimit(7, 4, 3)


@dataclass(frozen=True)
class MemberRow:
    """A row of a breakdown. ``companions`` are the values and changes of other indicators of the same member."""

    name: str
    value: Cell
    bar: Bar | None
    target: Cell
    vs_target: Cell
    vs_prior: Cell
    status: Status
    companions: tuple[tuple[Cell, Cell], ...] = ()
    total: bool = False


@dataclass(frozen=True)
class BreakdownTable:
    """An indicator by the members of a dimension, best first. ``gap`` says how many rows are left out after ``top``.

    ``notes`` are the footnotes of the table. They are empty on the first page, which prints its footnotes together.
    """

    title: str
    key: str
    dimension: str
    top: tuple[MemberRow, ...]
    gap: str | None
    bottom: tuple[MemberRow, ...]
    total: MemberRow | None
    companions: tuple[str, ...]
    has_targets: bool
    checks: tuple[str, ...]
    notes: Notes


@dataclass(frozen=True)
class BreakdownsSection:
    """All breakdowns of the scorecard."""

    tables: tuple[BreakdownTable, ...]


@dataclass(frozen=True)
class _Companion:
    """Another indicator beside a breakdown, with the scale of its column."""

    metric: MetricDefinition
    scale: Scale


def breakdowns_section(context: PageContext) -> BreakdownsSection:
    """Build the full table of every breakdown."""
    metrics = context.close.metrics
    tables = (
        breakdown_table(context, metrics[metric], dimension, brief=False)
        for metric, dimension in context.close.breakdowns
    )
    return BreakdownsSection(tuple(tables))


def breakdown_table(context: PageContext, metric: MetricDefinition, dimension: str, *, brief: bool) -> BreakdownTable:
    """Return an indicator by the members of a dimension, on one scale.

    Parameters
    ----------
    brief: for the first page. The table has fewer rows, no total, and other indicators of the same members.
    """
    top, bottom, hidden = _chosen(context, metric, dimension, BRIEF if brief else FULL)
    figures = [*top, *bottom]
    # Members and the whole stand in one column, so all have one unit.
    scale = context.scale(metric, [context.close.whole(metric.name)], without_baseline=figures)
    companions = _companions(context, metric, dimension, figures) if brief else []
    rows = _rows(context, metric, figures, scale, companions)
    has_targets = any(figure.yardstick is not None for figure in figures)
    dimension_name = context.dimension_name(dimension)
    return BreakdownTable(
        title=context.say("breakdown.title", metric=metric.label, dimension=context.formats.inside(dimension_name)),
        key=context.say(
            "breakdown.key" if has_targets else "breakdown.key_no_target",
            period=context.period_name(context.close.period),
            prior=context.period_name(context.close.prior),
        ),
        dimension=dimension_name,
        top=rows[: len(top)],
        gap=context.wording.count("breakdown.more", hidden, number=context.formats.count(hidden)) if hidden else None,
        bottom=rows[len(top) :],
        total=None if brief else _total(context, metric, scale, _is_signed(dimension)),
        companions=tuple(companion.metric.label for companion in companions),
        has_targets=has_targets,
        checks=context.check_marks(metric),
        notes=() if brief else context.take_footnotes(),
    )


def _chosen(
    context: PageContext, metric: MetricDefinition, dimension: str, limit: RowLimit
) -> tuple[list[Figure], list[Figure], int]:
    """Return the figures to print above and below the gap, best first, and how many the gap hides."""
    members = context.close.members.get((metric.name, dimension), ())
    figures = [figure for member in members if (figure := _figure(context, metric, dimension, member))]
    # Figures without a value stand last. Names order equal figures, so that the order is always the same.
    sign = -1 if metric.higher_is_better else 1
    figures.sort(key=lambda figure: (figure.value is None, sign * (figure.value or 0), figure.member))
    # An unknown member is neither best nor worst. It stands last.
    unknown = [figure for figure in figures if figure.member == UNKNOWN]
    known = [figure for figure in figures if figure.member != UNKNOWN]
    top, bottom = _ends(known, limit)
    hidden = len(known) - len(top) - len(bottom)
    return (top, [*bottom, *unknown], hidden) if bottom else ([*top, *unknown], [], hidden)


def _ends(figures: list[Figure], limit: RowLimit) -> tuple[list[Figure], list[Figure]]:
    """Return all figures, or the best and the worst of too many. The worst all have a value."""
    if len(figures) <= limit.whole:
        return figures, []
    with_value = [figure for figure in figures if figure.value is not None] or figures
    if len(with_value) <= limit.whole:
        return with_value, []
    return with_value[: limit.best], with_value[-limit.worst :]


def _rows(
    context: PageContext,
    metric: MetricDefinition,
    figures: Sequence[Figure],
    scale: Scale,
    companions: Sequence[_Companion],
) -> tuple[MemberRow, ...]:
    names = [context.member_name(figure.dimension, figure.member) for figure in figures]
    drawn = bars(
        [figure.value for figure in figures],
        [figure.prior_value for figure in figures],
        [figure.yardstick for figure in figures],
        names,
    )
    return tuple(
        MemberRow(
            name=name,
            value=context.figure_cell(metric, figure, scale, _is_signed(figure.dimension)),
            bar=bar,
            target=context.target_cell(metric, figure, scale),
            vs_target=against_target(context, metric, figure, scale),
            vs_prior=against_prior(context, metric, figure, scale),
            status=context.status_of(figure),
            companions=tuple(
                _companion_cells(context, companion, figure.dimension, figure.member) for companion in companions
            ),
        )
        for figure, bar, name in zip(figures, drawn, names, strict=True)
    )


def _total(context: PageContext, metric: MetricDefinition, scale: Scale, signed: bool) -> MemberRow | None:
    figure = context.close.whole(metric.name)
    if figure is None:
        return None
    return MemberRow(
        name=context.say("member.total"),
        value=context.figure_cell(metric, figure, scale, signed),
        bar=None,
        target=context.target_cell(metric, figure, scale),
        vs_target=against_target(context, metric, figure, scale),
        vs_prior=against_prior(context, metric, figure, scale),
        status=context.status_of(figure),
        total=True,
    )


def _companions(
    context: PageContext, metric: MetricDefinition, dimension: str, figures: Sequence[Figure]
) -> list[_Companion]:
    """Choose other indicators to print beside a breakdown: shares and spans, which add to what the amount says."""
    others = [
        other
        for other in context.close.main_metrics
        if other.name != metric.name
        and not other.adds_up
        and not other.is_derived
        and other.level != "kfs"
        and context.close.drives(other, metric)
        and _has_values(context, other, dimension)
    ]
    return [
        _Companion(other, context.scale(other, [], without_baseline=_same_members(context, other, figures)))
        for other in others[:_COMPANIONS]
    ]


def _has_values(context: PageContext, metric: MetricDefinition, dimension: str) -> bool:
    figures = context.close.by_member(metric.name, context.close.period, dimension).values()
    return any(figure.value is not None for figure in figures)


def _same_members(context: PageContext, metric: MetricDefinition, figures: Sequence[Figure]) -> list[Figure | None]:
    return [_figure(context, metric, figure.dimension, figure.member) for figure in figures]


def _companion_cells(context: PageContext, companion: _Companion, dimension: str, member: str) -> tuple[Cell, Cell]:
    figure = _figure(context, companion.metric, dimension, member)
    value = context.figure_cell(companion.metric, figure, companion.scale)
    return value, against_prior(context, companion.metric, figure, companion.scale)


def _figure(context: PageContext, metric: MetricDefinition, dimension: str, member: str) -> Figure | None:
    return context.close.figure(metric.name, context.close.period, dimension, member)


def _is_signed(dimension: str) -> bool:
    """Whether the values of a dimension's members have a sign: movements add or take away."""
    return dimension == "movement"
