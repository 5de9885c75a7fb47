"""The charts of an indicator over the periods: the summary's spark, and the chart of its card."""

from collections.abc import Sequence
from decimal import Decimal

from scorecard.pdf.page.charts import Chart, Series, periods_chart, sparkline
from scorecard.pdf.page.close_data import Metric, Value
from scorecard.pdf.page.context import Desk


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


def labelled(values: Series) -> set[int]:
    """Return which values have a label: the last, and the highest and lowest before it; more would run together."""
    known = [(value, at) for at, value in enumerate(values) if value is not None]
    if not known:
        return set()
    last = known[-1][1]
    high = max(known)[1]
    low = min(known, key=lambda pair: (pair[0], -pair[1]))[1]
    chosen = {high} if abs(high - low) < 2 else {high, low}
    return {last, *(at for at in chosen if last - at > 1)}


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
    """Write the labels of the periods that have one."""
    chosen = labelled(_numbers(figures))
    known = [(at, figure) for at, figure in enumerate(figures) if figure is not None and figure.value is not None]
    scale = desk.scale(metric, [], without_baseline=[figure for _, figure in known])
    labels: list[str | None] = [None] * len(figures)
    for at, figure in known:
        if at in chosen:
            # A label has no room for a mark, so it makes no footnote; a column shows by its outline that it is open.
            text = desk.text(figure, scale)
            desk.cite(figure, text)
            labels[at] = text
    return labels
