"""The values of metrics as rows, for people and programs outside the report."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from scorecard.decimals import digits
from scorecard.periods import Grain, Period
from scorecard.settings import Settings
from scorecard.warehouse.snapshot import reader

FigureKey = tuple[str, str, str, str, str, str]
# A stock is there in a month in which nothing happened: it alone makes no period worth a scorecard.
_HAPPENED = """
    select metric from scorecard.kpi_metrics
    where is_flow or not exists (from scorecard.kpi_metrics where is_flow and list_contains($metrics, metric))
"""
_COLUMNS = (
    "metric",
    "grain",
    "period",
    "scope",
    "dimension",
    "member",
    "numerator",
    "denominator",
    "value",
    "at_most",
    "status",
    "target",
    "observations",
)


def read_values(
    settings: Settings,
    figure_ids: Mapping[FigureKey, str],
    metric: str | None = None,
    period: Period | None = None,
    dimension: str | None = None,
) -> list[dict[str, Any]]:
    """Return one dict per metric, grain, period, scope, dimension and member of the published snapshot.

    Keys: metric, grain, period, scope (business unit, or all), dimension, member, numerator, denominator, value,
    at_most (the value if all that is not settled comes about, null where it is settled), status, target (decimals as
    strings, null where there is none), observations, na_reason (why there is no value), figure_id (null where no close
    holds the figure). Closes are of one business unit: a figure of the company has the id of the unit's where no
    other unit has the metric.
    """
    asked = {"metric": metric, "period": period.label if period else None, "dimension": dimension}
    given = {name: value for name, value in asked.items() if value is not None}
    where = " and ".join(f"{name} = ${name}" for name in given) or "true"
    columns = (*_COLUMNS, "na_reason")
    query = f"select {', '.join(columns)} from scorecard.kpi_status where {where} "  # noqa: S608
    with reader(settings) as connection:
        rows = connection.execute(
            query + "order by metric, period_start, grain, scope, dimension, member", given
        ).fetchall()
        alone = dict(
            connection.execute(
                "select metric, any_value(scope) from scorecard.kpi_status where dimension = 'business_unit' "
                "group by metric having count(distinct scope) = 1"
            ).fetchall()
        )
    found = []
    for row in rows:
        value = dict(zip(columns, row, strict=True))
        figure_id = figure_ids.get(_key(value, alone))
        found.append({**{name: _plain(item) for name, item in value.items()}, "figure_id": figure_id})
    return found


def _key(value: dict[str, Any], alone: Mapping[str, str]) -> FigureKey:
    """Return under what a figure is frozen; one of the company as that of the only unit that has the metric."""
    metric = value["metric"]
    of = (value["scope"], value["dimension"], value["member"])
    if value["dimension"] == "company" and metric in alone:
        of = (alone[metric], "business_unit", alone[metric])
    return (metric, value["grain"], value["period"], *of)


def last_period(settings: Settings, business_unit: str, metrics: tuple[str, ...], cadence: Grain) -> str | None:
    """Return the label of the last complete period of a cadence in which the unit has data; none if there is none."""
    query = f"""
        select period from scorecard.kpi_status
        where dimension = 'business_unit' and member = $unit and grain = $grain
            and list_contains($metrics, metric) and is_complete and observations > 0 and metric in ({_HAPPENED})
        order by period_start desc limit 1
    """  # noqa: S608
    with reader(settings) as connection:
        row = connection.execute(
            query, {"unit": business_unit, "grain": str(cadence), "metrics": list(metrics)}
        ).fetchone()
    return row[0] if row else None


def has_data(settings: Settings, business_unit: str, metrics: tuple[str, ...], period: str) -> bool:
    """Tell whether any of the metrics has an observation of the unit in the period."""
    query = f"""
        select 1 from scorecard.kpi_status
        where dimension = 'business_unit' and member = $unit and period = $period
            and list_contains($metrics, metric) and observations > 0 and metric in ({_HAPPENED})
        limit 1
    """  # noqa: S608
    with reader(settings) as connection:
        given = {"unit": business_unit, "period": period, "metrics": list(metrics)}
        return connection.execute(query, given).fetchone() is not None


def _plain(item: object) -> object:
    return digits(item) if isinstance(item, Decimal) else item
