"""The values of metrics as rows, for people and programs outside the report."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from scorecard.periods import Grain, Period
from scorecard.settings import Settings
from scorecard.warehouse.snapshot import reader

FigureKey = tuple[str, str, str, str, str]
_COLUMNS = (
    "metric",
    "grain",
    "period",
    "dimension",
    "member",
    "numerator",
    "denominator",
    "value",
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
    """Return one dict per metric, grain, period, dimension and member of the published snapshot.

    Keys: metric, grain, period, dimension, member, numerator, denominator, value, status, target (decimals as
    strings, null where there is none), observations, na_reason, figure_id (null where no close holds the figure).
    """
    asked = {"metric": metric, "period": period.label if period else None, "dimension": dimension}
    given = {name: value for name, value in asked.items() if value is not None}
    where = " and ".join(f"{name} = ${name}" for name in given) or "true"
    columns = (*_COLUMNS, "na_reason")
    query = f"select {', '.join(columns)} from scorecard.kpi_status where {where} "  # noqa: S608
    with reader(settings) as connection:
        rows = connection.execute(query + "order by metric, period_start, grain, dimension, member", given).fetchall()
    found = []
    for row in rows:
        value = dict(zip(columns, row, strict=True))
        key = (value["metric"], value["grain"], value["period"], value["dimension"], value["member"])
        found.append({**{name: _plain(item) for name, item in value.items()}, "figure_id": figure_ids.get(key)})
    return found


def last_period(settings: Settings, business_unit: str, metrics: tuple[str, ...], cadence: Grain) -> str | None:
    """Return the label of the last complete period of a cadence in which the unit has data; none if there is none."""
    query = """
        select period from scorecard.kpi_status
        where dimension = 'business_unit' and member = $unit and grain = $grain
            and list_contains($metrics, metric) and is_complete and observations > 0
        order by period_start desc limit 1
    """
    with reader(settings) as connection:
        row = connection.execute(
            query, {"unit": business_unit, "grain": str(cadence), "metrics": list(metrics)}
        ).fetchone()
    return row[0] if row else None


def has_data(settings: Settings, business_unit: str, metrics: tuple[str, ...], period: str) -> bool:
    """Tell whether any of the metrics has an observation of the unit in the period."""
    query = """
        select 1 from scorecard.kpi_status
        where dimension = 'business_unit' and member = $unit and period = $period
            and list_contains($metrics, metric) and observations > 0
        limit 1
    """
    with reader(settings) as connection:
        given = {"unit": business_unit, "period": period, "metrics": list(metrics)}
        return connection.execute(query, given).fetchone() is not None


def _plain(item: object) -> object:
    """Write a decimal without exponent and without zeros that say nothing."""
    if not isinstance(item, Decimal):
        return item
    text = f"{item:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
