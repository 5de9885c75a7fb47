"""The tables of an indicator by the members of a dimension."""

from dataclasses import dataclass

from scorecard.pdf.page.analysis import drives
from scorecard.pdf.page.charts import Bar, bars
from scorecard.pdf.page.close_data import Metric, Value
from scorecard.pdf.page.comparisons import against_prior, against_target
from scorecard.pdf.page.context import Cell, Desk, Notes, Status
from scorecard.pdf.page.formats import Scale
from scorecard.pdf.page.value_causes import UNKNOWN

ROWS_WHOLE = 24
ROWS_CUT = (12, 8)
SUMMARY_ROWS_WHOLE = 7
SUMMARY_ROWS_CUT = (4, 3)
_COMPANIONS = 2


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
    """An indicator by the members of a dimension, best first. ``gap`` says how many rows are left out after ``top``.

    ``notes`` are the footnotes of its marks; on the first page they stand with those of the page.
    """

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
    notes: Notes = ()


def breakdown(desk: Desk, metric: Metric, dimension: str, brief: bool = False) -> Breakdown:
    """Return an indicator by the members of a dimension, on one scale.

    Parameters
    ----------
    brief: for the first page: fewer rows, and other indicators of the same members beside.
    """
    members = desk.close.members.get((metric.name, dimension), ())
    figures = [figure for member in members if (figure := _at(desk, metric, dimension, member))]
    # Best first; what has no value stands last; equal ones by name, so that the order is the same every time. What is
    # not known is neither best nor worst.
    sign = -1 if metric.higher_is_better else 1
    figures.sort(key=lambda figure: (figure.value is None, sign * (figure.value or 0), figure.member))
    unknown = [figure for figure in figures if figure.member == UNKNOWN]
    figures = [figure for figure in figures if figure.member != UNKNOWN]
    best, worst = _ends(figures, SUMMARY_ROWS_WHOLE if brief else ROWS_WHOLE, SUMMARY_ROWS_CUT if brief else ROWS_CUT)
    hidden = len(figures) - len(best) - len(worst)
    (worst if worst else best).extend(unknown)
    kept = [*best, *worst]
    # Members are read beside the whole, so all are written in one unit.
    scale = desk.scale(metric, [desk.close.whole(metric.name)], without_baseline=kept)
    beside = [
        (other, desk.scale(other, [], without_baseline=[_at(desk, other, dimension, each.member) for each in kept]))
        for other in (_companions(desk, metric, dimension) if brief else [])
    ]
    drawn = bars(
        [figure.value for figure in kept],
        [figure.prior_value for figure in kept],
        [figure.yardstick for figure in kept],
        [desk.member(dimension, figure.member) for figure in kept],
    )
    signed = dimension == "movement"
    judged = any(figure.yardstick is not None for figure in kept)
    name = desk.dimension(dimension)
    rows = tuple(
        Member(
            name=desk.member(dimension, figure.member),
            value=desk.figure(metric, figure, scale, signed),
            bar=bar,
            target=desk.target(metric, figure, scale),
            vs_target=against_target(desk, metric, figure, scale),
            vs_prior=against_prior(desk, metric, figure, scale),
            status=desk.status_of(figure),
            companions=tuple(_companion(desk, *other, dimension, figure.member) for other in beside),
        )
        for figure, bar in zip(kept, drawn, strict=True)
    )
    gap = desk.wording.count("breakdown.more", hidden, number=desk.formats.count(hidden)) if hidden else None
    return Breakdown(
        title=desk.say("breakdown.title", metric=metric.label, dimension=desk.formats.inside(name)),
        key=desk.say(
            "breakdown.key" if judged else "breakdown.key_no_target",
            period=desk.period(desk.close.period),
            prior=desk.period(desk.close.prior),
        ),
        dimension=name,
        top=rows[: len(best)],
        gap=gap,
        bottom=rows[len(best) :],
        total=None if brief else _total(desk, metric, scale, signed),
        companions=tuple(other.label for other, _ in beside),
        judged=judged,
        checks=desk.check_marks(metric),
        notes=() if brief else desk.take_notes(),
    )


def _ends(figures: list[Value], whole: int, cut: tuple[int, int]) -> tuple[list[Value], list[Value]]:
    """Return the figures to print, of too many the best and the worst. Worst is none that has no value."""
    if len(figures) <= whole:
        return list(figures), []
    known = [figure for figure in figures if figure.value is not None] or figures
    top, bottom = cut
    return (known, []) if len(known) <= whole else (known[:top], known[-bottom:])


def _total(desk: Desk, metric: Metric, scale: Scale, signed: bool) -> Member | None:
    figure = desk.close.whole(metric.name)
    if figure is None:
        return None
    return Member(
        desk.say("member.total"),
        desk.figure(metric, figure, scale, signed),
        None,
        desk.target(metric, figure, scale),
        against_target(desk, metric, figure, scale),
        against_prior(desk, metric, figure, scale),
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
        and not other.is_derived
        and other.level != "kfs"
        and drives(desk, other, metric)
        and any(
            (figure := _at(desk, other, dimension, member)) is not None and figure.value is not None
            for member in desk.close.members.get((other.name, dimension), ())
        )
    ][:_COMPANIONS]


def _companion(desk: Desk, metric: Metric, scale: Scale, dimension: str, member: str) -> tuple[Cell, Cell]:
    figure = _at(desk, metric, dimension, member)
    return desk.figure(metric, figure, scale), against_prior(desk, metric, figure, scale)


def _at(desk: Desk, metric: Metric, dimension: str, member: str) -> Value | None:
    return desk.close.value(metric.name, desk.close.period, dimension, member)
