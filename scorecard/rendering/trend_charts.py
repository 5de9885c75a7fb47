"""The charts of an indicator over the periods: the summary's spark, and the chart of its card."""

from collections.abc import Sequence
from decimal import Decimal

from scorecard.rendering.charts import Chart, periods_chart, sparkline
from scorecard.rendering.close import Metric, Value
from scorecard.rendering.desk import Desk


def spark(desk: Desk, metric: Metric) -> Chart:
    """Return the small chart of an indicator, for a row of a table."""
    return sparkline(_numbers(_series(desk, metric)), _chart_title(desk, metric))


def trend_chart(desk: Desk, metric: Metric) -> Chart | None:
    """Return the chart of an indicator with its targets; None where no period has a value."""
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
        complete=[figure.is_complete and figure.at_most is None if figure else True for figure in figures],
        axis=(_ends(desk)[0], desk.say(f"chart.by_{desk.close.spark[0].grain}"), _ends(desk)[1]),
        labels=_labels(desk, metric, figures),
        title=_chart_title(desk, metric),
    )


def _series(desk: Desk, metric: Metric) -> list[Value | None]:
    return [desk.close.whole(metric.name, period) for period in desk.close.spark]


def _numbers(figures: Sequence[Value | None]) -> list[Decimal | None]:
    return [figure.value if figure else None for figure in figures]


def _chart_title(desk: Desk, metric: Metric) -> str:
    first, last = _ends(desk)
    return desk.say("chart.title", metric=metric.label, first=first, last=last)


def _ends(desk: Desk) -> tuple[str, str]:
    """Name the first and the last period of every chart."""
    first, last = desk.close.spark[0], desk.close.spark[-1]
    return desk.formats.period(first, desk.close.fiscal), desk.formats.period(last, desk.close.fiscal)


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
    scale = desk.scale(metric, [], without_baseline=[figure for _, figure in known])
    labels: list[str | None] = [None] * len(figures)
    for at, figure in known:
        if at in chosen:
            # A label has no room for a mark, so it makes no footnote; a column shows by its outline that it is open.
            text = desk.text(figure, scale)
            desk.cite(figure, text)
            labels[at] = text
    return labels
