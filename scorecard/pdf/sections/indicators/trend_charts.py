"""The charts of an indicator over some periods: the small one of the first page, and the one of its card."""

from collections.abc import Sequence
from decimal import Decimal

from scorecard.pdf.page import Figure, MetricDefinition, PageContext
from scorecard.pdf.page.charts import Chart, PeriodSeries, Series, periods_chart, sparkline


def small_chart(context: PageContext, metric: MetricDefinition) -> Chart:
    """Return the small chart of an indicator, for a row of a table."""
    return sparkline(_values(_figures(context, metric)), _title(context, metric))


def trend_chart(context: PageContext, metric: MetricDefinition) -> Chart | None:
    """Return the chart of an indicator with its targets. None where no period has a value."""
    figures = _figures(context, metric)
    values = _values(figures)
    if not any(value is not None for value in values):
        return None
    scorecard_period, periods = context.close.period, context.close.charted_periods
    series = PeriodSeries(
        values=values,
        targets=[figure.yardstick if figure else None for figure in figures],
        labels=_labels(context, metric, figures),
        is_current=[scorecard_period.start <= period.start < scorecard_period.end for period in periods],
        is_complete=[figure.is_complete and figure.at_most is None if figure else True for figure in figures],
    )
    first, last = _end_names(context)
    axis = (first, context.say(f"chart.by_{periods[0].grain}"), last)
    return periods_chart(series, axis, _title(context, metric), columns=metric.adds_up)


def labelled(values: Series) -> set[int]:
    """Return the positions of the values that have a label: the last, and before it the highest and the lowest.

    More labels would cover one another.
    """
    known = [(value, position) for position, value in enumerate(values) if value is not None]
    if not known:
        return set()
    last = known[-1][1]
    high = max(known)[1]
    low = min(known, key=lambda pair: (pair[0], -pair[1]))[1]
    chosen = {high} if abs(high - low) < 2 else {high, low}
    return {last, *(position for position in chosen if last - position > 1)}


def _figures(context: PageContext, metric: MetricDefinition) -> list[Figure | None]:
    return [context.close.whole(metric.name, period) for period in context.close.charted_periods]


def _values(figures: Sequence[Figure | None]) -> list[Decimal | None]:
    return [figure.value if figure else None for figure in figures]


def _title(context: PageContext, metric: MetricDefinition) -> str:
    first, last = _end_names(context)
    return context.say("chart.title", metric=metric.label, first=first, last=last)


def _end_names(context: PageContext) -> tuple[str, str]:
    """Name the first and the last period of every chart."""
    periods, fiscal = context.close.charted_periods, context.close.fiscal
    return context.formats.period(periods[0], fiscal), context.formats.period(periods[-1], fiscal)


def _labels(context: PageContext, metric: MetricDefinition, figures: Sequence[Figure | None]) -> list[str | None]:
    """Write the labels of the periods that have one."""
    chosen = labelled(_values(figures))
    known = [
        (position, figure) for position, figure in enumerate(figures) if figure is not None and figure.value is not None
    ]
    scale = context.scale(metric, [], without_baseline=[figure for _, figure in known])
    labels: list[str | None] = [None] * len(figures)
    for position, figure in known:
        if position in chosen:
            # A label has no room for the mark of a footnote. The outline of a column shows that its period is open.
            text = context.value_text(figure, scale)
            context.cite(figure, text)
            labels[position] = text
    return labels
