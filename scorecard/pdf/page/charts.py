"""Where the lines and columns of a chart stand.

This module knows coordinates and no words: the template draws what it returns.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from unicodedata import east_asian_width

_EDGE = 2.5
# The template writes the letters of a chart in this size.
_FONT_SIZE = 7
# A label above the highest value needs this room.
_ROOM_ABOVE = 9.0
# The names of the periods need this room below the chart, and labels below the values need more.
_ROOM_BELOW, _ROOM_BELOW_LABELS = 10.0, 18.5
# A label nearer to the chart's edge than this is aligned with the edge.
_EDGE_OF_LABELS = 16

Series = Sequence[Decimal | None]


@dataclass(frozen=True)
class Point:
    """One value of a chart, in the chart's own units from its top left corner."""

    x: str
    y: str


@dataclass(frozen=True)
class ColumnPath:
    """All columns of one kind as one path. The kind is actual, current (in the scorecard's period) or open."""

    path: str
    kind: str


@dataclass(frozen=True)
class ChartLabel:
    """A word or a number that a chart prints."""

    x: str
    y: str
    text: str
    anchor: str = "middle"


@dataclass(frozen=True)
class Chart:
    """A line chart or column chart of some periods."""

    width: int
    height: int
    title: str
    lines: tuple[str, ...] = ()
    dots: tuple[Point, ...] = ()
    end: Point | None = None
    columns: tuple[ColumnPath, ...] = ()
    targets: str | None = None
    axis_y: str | None = None
    labels: tuple[ChartLabel, ...] = ()
    axis: tuple[ChartLabel, ...] = ()


@dataclass(frozen=True)
class PeriodSeries:
    """What a chart of periods shows: of every period one entry in each field, the oldest first.

    ``values`` and ``targets`` have None where there is none. ``labels`` are printed beside the values.
    ``is_current`` says whether the period is part of the scorecard's period, ``is_complete`` whether it has ended.
    """

    values: Series
    targets: Series
    labels: Sequence[str | None]
    is_current: Sequence[bool]
    is_complete: Sequence[bool]


@dataclass(frozen=True)
class _Plot:
    """The area in which the values of a chart stand. ``step`` is the width of one period."""

    low: Decimal
    high: Decimal
    top: float
    height: float
    step: float
    has_columns: bool

    def x(self, position: int) -> float:
        return self.step * (position + 0.5)

    def y(self, value: Decimal | None) -> float | None:
        return _place(value, self.low, self.high, self.height, self.top)


def sparkline(values: Series, title: str, width: int = 78, height: int = 13) -> Chart:
    """Return a small line on a scale of its own. A missing value is a gap, never a zero."""
    known = [value for value in values if value is not None]
    if not known:
        return Chart(width, height, title)
    xs = _spread(len(values), width - 2 * _EDGE, _EDGE)
    ys = [_place(value, min(known), max(known), height - 2 * _EDGE, _EDGE) for value in values]
    return Chart(width, height, title, *_line(xs, ys))


def periods_chart(
    series: PeriodSeries, axis: tuple[str, str, str], title: str, *, columns: bool, width: int = 204, height: int = 64
) -> Chart:
    """Return a chart of some periods: columns from zero for what adds up, a line for what does not.

    Parameters
    ----------
    axis: the words below the first period, below the middle, and below the last period.
    columns: True draws columns, False draws a line.
    """
    plot = _plot(series, columns, width, height)
    if plot is None:
        return Chart(width, height, title)
    xs = [plot.x(position) for position in range(len(series.values))]
    lines, dots, end = ((), (), None) if columns else _line(xs, [plot.y(value) for value in series.values])
    zero = plot.y(Decimal(0)) if columns else None
    return Chart(
        width,
        height,
        title,
        lines,
        dots,
        end,
        columns=_columns(plot, series) if columns else (),
        targets=_target_marks(plot, series.targets),
        axis_y=None if zero is None else _n(zero),
        labels=tuple(_without_overlaps(_within_edges(_value_labels(plot, series), width))),
        axis=_axis_labels(axis, width, height),
    )


def _plot(series: PeriodSeries, columns: bool, width: int, height: int) -> _Plot | None:
    """Return the area for the values, with room for labels around it. None where nothing is known."""
    known = [value for value in (*series.values, *series.targets) if value is not None]
    if not known:
        return None
    bottom = height - (_ROOM_BELOW if columns and min(known) >= 0 else _ROOM_BELOW_LABELS)
    low, high = min(known), max(known)
    if columns:
        low, high = min(low, Decimal(0)), max(high, Decimal(0))
    step = width / max(1, len(series.values))
    return _Plot(low, high, _ROOM_ABOVE, bottom - _ROOM_ABOVE, step, columns)


def _value_labels(plot: _Plot, series: PeriodSeries) -> list[ChartLabel]:
    labels = []
    for position, text in enumerate(series.labels):
        y = plot.y(series.values[position])
        if y is not None and text is not None:
            is_below = _hangs(series.values, position, plot.has_columns)
            label_y = _label_y(y, plot.y(series.targets[position]), is_below)
            labels.append(ChartLabel(_n(plot.x(position)), _n(label_y), text))
    return labels


def _columns(plot: _Plot, series: PeriodSeries) -> tuple[ColumnPath, ...]:
    paths: dict[str, list[str]] = {}
    zero = plot.y(Decimal(0))
    for position, value in enumerate(series.values):
        y = plot.y(value)
        if y is not None and zero is not None:
            is_current, is_complete = series.is_current[position], series.is_complete[position]
            kind = "open" if not is_complete else "current" if is_current else "actual"
            left, width = plot.x(position) - plot.step * 0.31, plot.step * 0.62
            paths.setdefault(kind, []).append(rectangle(left, min(y, zero), width, max(0.4, abs(zero - y))))
    return tuple(ColumnPath(" ".join(rectangles), kind) for kind, rectangles in paths.items())


def _target_marks(plot: _Plot, targets: Series) -> str | None:
    """Return the marks of the targets as one path. None where there is no target."""
    width = plot.step * (0.84 if plot.has_columns else 0.5)
    marks = [
        rectangle(plot.x(position) - width / 2, y - 0.9, width, 1.8)
        for position, target in enumerate(targets)
        if (y := plot.y(target)) is not None
    ]
    return " ".join(marks) or None


def _axis_labels(axis: tuple[str, str, str], width: int, height: int) -> tuple[ChartLabel, ...]:
    y = _n(height - 1.5)
    first, middle, last = axis
    return (
        ChartLabel("0", y, first, "start"),
        ChartLabel(_n(width / 2), y, middle),
        ChartLabel(_n(width), y, last, "end"),
    )


def _label_y(y: float, goal: float | None, is_below: bool) -> float:
    """Return the height of a value's label: above or below the value, and clear of the target's mark."""
    if is_below:
        return y + 8.5 if goal is None or not y < goal < y + 10 else goal + 8.5
    return y - 3 if goal is None or not y - 10 < goal < y else goal - 3.2


def _hangs(values: Series, position: int, columns: bool) -> bool:
    """Whether a label stands below its value: at a negative column, and where the line beside it is higher."""
    value = values[position] or Decimal(0)
    if columns:
        return value < 0
    neighbours = (*values[max(position - 1, 0) : position], *values[position + 1 : position + 2])
    known = [neighbour for neighbour in neighbours if neighbour is not None]
    return sum(known, Decimal(0)) > value * len(known)


def _line(xs: Sequence[float], ys: Sequence[float | None]) -> tuple[tuple[str, ...], tuple[Point, ...], Point | None]:
    """Return the stretches between gaps, the points that stand alone, and the last point."""
    stretches: list[list[tuple[float, float]]] = [[]]
    for x, y in zip(xs, ys, strict=True):
        if y is None:
            stretches.append([])
        else:
            stretches[-1].append((x, y))
    lines = tuple(" ".join(f"{_n(x)},{_n(y)}" for x, y in part) for part in stretches if len(part) > 1)
    dots = tuple(Point(_n(part[0][0]), _n(part[0][1])) for part in stretches if len(part) == 1)
    last = ys[-1] if ys else None
    return lines, dots, None if last is None else Point(_n(xs[-1]), _n(last))


def _within_edges(labels: Sequence[ChartLabel], width: int) -> list[ChartLabel]:
    """Keep the first and the last label within the chart."""
    return [
        ChartLabel(_n(width), label.y, label.text, "end")
        if float(label.x) > width - _EDGE_OF_LABELS
        else ChartLabel("0", label.y, label.text, "start")
        if float(label.x) < _EDGE_OF_LABELS
        else label
        for label in labels
    ]


def _without_overlaps(labels: Sequence[ChartLabel]) -> list[ChartLabel]:
    """Leave out labels that would cover a later one: the later one matters more."""
    kept: list[ChartLabel] = []
    for label in reversed(labels):
        if not any(_overlap(label, other) for other in kept):
            kept.append(label)
    return kept[::-1]


def _overlap(label: ChartLabel, other: ChartLabel) -> bool:
    (left, right), (other_left, other_right) = _extent(label), _extent(other)
    is_beside = right <= other_left or other_right <= left
    return not is_beside and abs(float(label.y) - float(other.y)) < _FONT_SIZE


def _extent(label: ChartLabel) -> tuple[float, float]:
    """Return the left and right end of a label, with a little room on either side."""
    width = _FONT_SIZE * sum(1.0 if east_asian_width(letter) == "W" else 0.57 for letter in label.text) + 2
    x = float(label.x)
    left = x if label.anchor == "start" else x - width if label.anchor == "end" else x - width / 2
    return left, left + width


def rectangle(x: float, y: float, width: float, height: float) -> str:
    """Return a rectangle as part of a path."""
    return f"M{_n(x)} {_n(y)}h{_n(width)}v{_n(height)}h{_n(-width)}z"


def _spread(count: int, width: float, left: float) -> list[float]:
    return [left + width * position / max(1, count - 1) for position in range(count)]


def _place(value: Decimal | None, low: Decimal, high: Decimal, height: float, top: float) -> float | None:
    if value is None:
        return None
    if high == low:
        return top + height / 2
    return top + height * float((high - value) / (high - low))


def _n(number: float | Decimal) -> str:
    """Write a coordinate: short, and the same on every machine."""
    return f"{float(number):.2f}".rstrip("0").rstrip(".")
