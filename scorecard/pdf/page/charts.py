"""Where the lines and bars of a chart go. Coordinates only: the template draws them, and nothing here knows a word."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from unicodedata import east_asian_width

_EDGE = 2.5
# The size of the letters in a chart, as the template draws them.
_FONT = 7


@dataclass(frozen=True)
class Point:
    """One value of a chart, in the chart's own units from its top left corner."""

    x: str
    y: str


@dataclass(frozen=True)
class Columns:
    """The columns of a chart of one kind, as one path: actual, current (in the scorecard's period) or open."""

    path: str
    kind: str


@dataclass(frozen=True)
class Mark:
    """A word or number beside a chart's value."""

    x: str
    y: str
    text: str
    anchor: str = "middle"


@dataclass(frozen=True)
class Chart:
    """A line or column chart of some periods."""

    width: int
    height: int
    title: str
    lines: tuple[str, ...] = ()
    dots: tuple[Point, ...] = ()
    end: Point | None = None
    columns: tuple[Columns, ...] = ()
    targets: str | None = None
    axis_y: str | None = None
    marks: tuple[Mark, ...] = ()
    axis: tuple[Mark, ...] = ()


@dataclass(frozen=True)
class Bar:
    """The bars of one table row as paths, 100 wide and 10 high: the value, the period before, the target's mark."""

    title: str
    actual: str
    zero: str
    prior: str | None
    goal: str | None


Series = Sequence[Decimal | None]


def sparkline(values: Series, title: str, width: int = 78, height: int = 13) -> Chart:
    """Return a small line on a scale of its own. A missing value is a gap, never a zero."""
    known = [value for value in values if value is not None]
    if not known:
        return Chart(width, height, title)
    xs = _spread(len(values), width - 2 * _EDGE, _EDGE)
    ys = [_place(value, min(known), max(known), height - 2 * _EDGE, _EDGE) for value in values]
    return Chart(width, height, title, *_line(xs, ys))


def periods_chart(
    values: Series,
    targets: Series,
    columns: bool,
    current: Sequence[bool],
    complete: Sequence[bool],
    axis: tuple[str, str, str],
    labels: Sequence[str | None],
    title: str,
    width: int = 204,
    height: int = 64,
) -> Chart:
    """Return a chart of some periods: columns from zero for what adds up, a line for what does not.

    Parameters
    ----------
    values, targets: one a period; None is a gap.
    columns: columns, else a line.
    current, complete: whether the period is part of the scorecard's, and whether it has ended.
    axis: what is written below the first period, in the middle, and below the last one.
    labels: what is written beside a period's value; of those that would run into one another, the later one.
    """
    # Room for a label above the highest value, for names below, and on a line for a label below the lowest.
    known = [value for value in (*values, *targets) if value is not None]
    if not known:
        return Chart(width, height, title)
    top, step = 9.0, width / max(1, len(values))
    bottom = height - (10.0 if columns and min(known) >= 0 else 18.5)
    low, high = min(known), max(known)
    if columns:
        low, high = min(low, Decimal(0)), max(high, Decimal(0))
    xs = [step * (at + 0.5) for at in range(len(values))]
    ys = [_place(value, low, high, bottom - top, top) for value in values]
    zero = _place(Decimal(0), low, high, bottom - top, top) if columns else None
    goals = [_place(target, low, high, bottom - top, top) for target in targets]
    marks = [
        Mark(_n(x), _n(_beside(y, goals[at], _hangs(values, at, columns))), text)
        for at, (x, y, text) in enumerate(zip(xs, ys, labels, strict=True))
        if y is not None and text is not None
    ]
    drawn: dict[str, list[str]] = {}
    wanted: list[str] = []
    for at, (x, y) in enumerate(zip(xs, ys, strict=True)):
        if columns and y is not None and zero is not None:
            kind = "open" if not complete[at] else "current" if current[at] else "actual"
            column = _rectangle(x - step * 0.31, min(y, zero), step * 0.62, max(0.4, abs(zero - y)))
            drawn.setdefault(kind, []).append(column)
        goal = goals[at]
        if goal is not None:
            wide = step * (0.84 if columns else 0.5)
            wanted.append(_rectangle(x - wide / 2, goal - 0.9, wide, 1.8))
    below = _n(height - 1.5)
    names = (
        Mark("0", below, axis[0], "start"),
        Mark(_n(width / 2), below, axis[1]),
        Mark(_n(width), below, axis[2], "end"),
    )
    lines, dots, end = ((), (), None) if columns else _line(xs, ys)
    return Chart(
        width,
        height,
        title,
        lines,
        dots,
        end,
        tuple(Columns(" ".join(paths), kind) for kind, paths in drawn.items()),
        " ".join(wanted) or None,
        None if zero is None else _n(zero),
        tuple(_apart(_inside(marks, width))),
        names,
    )


def bars(values: Series, priors: Series, targets: Series, titles: Sequence[str]) -> list[Bar | None]:
    """Return the bars of a table's rows on one scale from zero, with a title each. A missing value has no bar."""
    known = [value for value in (*values, *priors, *targets) if value is not None]
    low, high = min([*known, Decimal(0)]), max([*known, Decimal(0)])
    span = (high - low) or Decimal(1)

    def share(value: Decimal) -> float:
        return float((value - low) / span * 98)

    zero = share(Decimal(0))

    def bar(value: Decimal, top: float, height: float) -> str:
        return _rectangle(min(zero, share(value)), top, abs(share(value) - zero), height)

    rows: list[Bar | None] = []
    for value, prior, target, title in zip(values, priors, targets, titles, strict=True):
        if value is None:
            rows.append(None)
            continue
        rows.append(
            Bar(
                title=title,
                actual=bar(value, 2.4, 5.2),
                zero=_rectangle(zero, 0, 0.3, 10),
                prior=None if prior is None else bar(prior, 0, 10),
                goal=None if target is None else _frame(share(target) - 0.8, 0, 1.6, 10),
            )
        )
    return rows


def _beside(y: float, goal: float | None, below: bool) -> float:
    """Return where a value's label stands: above or below the value, and clear of the target's mark."""
    if below:
        return y + 8.5 if goal is None or not y < goal < y + 10 else goal + 8.5
    return y - 3 if goal is None or not y - 10 < goal < y else goal - 3.2


def _hangs(values: Series, at: int, columns: bool) -> bool:
    """Whether a label stands below its value: of a negative column, and where a line comes or goes higher up."""
    value = values[at] or Decimal(0)
    if columns:
        return value < 0
    beside = [known for known in (*values[max(at - 1, 0) : at], *values[at + 1 : at + 2]) if known is not None]
    return sum(beside, Decimal(0)) > value * len(beside)


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


def _inside(marks: Sequence[Mark], width: int) -> list[Mark]:
    """Keep the first and last labels from being cut at the chart's edge."""
    room = 16
    return [
        Mark(_n(width), mark.y, mark.text, "end")
        if float(mark.x) > width - room
        else Mark("0", mark.y, mark.text, "start")
        if float(mark.x) < room
        else mark
        for mark in marks
    ]


def _apart(marks: Sequence[Mark]) -> list[Mark]:
    """Leave out labels that would be printed over a later one, which matters more."""
    kept: list[Mark] = []
    for mark in reversed(marks):
        left, right = _extent(mark)
        if all(
            right <= other_left or other_right <= left or abs(float(mark.y) - float(other.y)) >= _FONT
            for other, (other_left, other_right) in ((each, _extent(each)) for each in kept)
        ):
            kept.append(mark)
    return kept[::-1]


def _extent(mark: Mark) -> tuple[float, float]:
    """Return from where to where a label reaches, with a little room on either side."""
    width = _FONT * sum(1.0 if east_asian_width(each) == "W" else 0.57 for each in mark.text) + 2
    x = float(mark.x)
    left = x if mark.anchor == "start" else x - width if mark.anchor == "end" else x - width / 2
    return left, left + width


def _rectangle(x: float, y: float, width: float, height: float) -> str:
    """Return a rectangle as part of a path."""
    return f"M{_n(x)} {_n(y)}h{_n(width)}v{_n(height)}h{_n(-width)}z"


def _frame(x: float, y: float, width: float, height: float) -> str:
    """Return the outline of a rectangle; filled by the even-odd rule, what is inside stays open."""
    return _rectangle(x, y, width, height) + _rectangle(x + 0.5, y + 0.9, width - 1, height - 1.8)


def _spread(count: int, width: float, left: float) -> list[float]:
    return [left + width * at / max(1, count - 1) for at in range(count)]


def _place(value: Decimal | None, low: Decimal, high: Decimal, height: float, top: float) -> float | None:
    if value is None:
        return None
    if high == low:
        return top + height / 2
    return top + height * float((high - value) / (high - low))


def _n(number: float | Decimal) -> str:
    """Write a coordinate: short, and the same on every machine."""
    return f"{float(number):.2f}".rstrip("0").rstrip(".")
