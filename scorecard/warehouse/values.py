"""The values of metrics as rows, for people and programs outside the report."""

from collections.abc import Collection, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from scorecard.shared.decimals import digits
from scorecard.shared.periods import Period
from scorecard.shared.settings import Settings
from scorecard.shared.snapshot import snapshot

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
    "longer_than",
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
    behind: Collection[str] = (),
) -> list[dict[str, Any]]:
    """Return one dict per metric, grain, period, scope, dimension and member of the published snapshot.

    Keys: metric, grain, period, scope (business unit, or all), dimension, member, numerator, denominator, value,
    at_most (the value if all that is not settled comes about, null where it is settled), longer_than (what a median of
    which too many records wait is known to be longer than, else null), status, target (decimals as
    strings, null where there is none), observations, na_reason (why there is no value), partial (why the figure isn't
    of all that belongs into it; null where it is), figure_id (null where no close holds the figure). ``behind`` are the
    units that have a source which is not up to date. Closes are of one business unit: a figure of the company has the
    id of the unit's where no other unit has the metric.
    """
    filters = {"metric": metric, "period": period.label if period else None, "dimension": dimension}
    given = {name: value for name, value in filters.items() if value is not None}
    where = " and ".join(f"{name} = ${name}" for name in given) or "true"
    columns = (*_COLUMNS, "na_reason", "is_complete", "observed_until", "period_end")
    query = f"select {', '.join(columns)} from scorecard.kpi_status where {where} "
    with snapshot(settings, settings.timezone) as connection:
        rows = connection.execute(
            query + "order by metric, period_start, grain, scope, dimension, member", given
        ).fetchall()
        alone = dict(
            connection.execute(
                "select metric, any_value(scope) from scorecard.kpi_status where dimension = 'business_unit' "
                "group by metric having count(distinct scope) = 1"
            ).fetchall()
        )
        observed = set(connection.execute("select metric, business_unit from scorecard.horizons").fetchall())
        bases = dict(connection.execute("select metric, base from scorecard.kpi_metrics").fetchall())
    known = {unit for _, unit in observed}
    values = []
    for row in rows:
        value = dict(zip(columns, row, strict=True))
        # Of a unit of which nothing was ever read, nobody knows whether it has the metric.
        lacking = [unit for unit in behind if unit not in known or (bases.get(value["metric"]), unit) in observed]
        lacking = [unit for unit in lacking if value["scope"] in (unit, "all")]
        partial = _partial(value.pop("is_complete"), value.pop("observed_until"), value.pop("period_end"), lacking)
        figure_id = figure_ids.get(_key(value, alone))
        plain = {name: _plain(item) for name, item in value.items()}
        values.append({**plain, "partial": partial, "figure_id": figure_id})
    return values


def _partial(is_complete: bool, observed_until: date, period_end: date, lacking: list[str]) -> str | None:
    reasons = [f"{unit} is not up to date" for unit in lacking]
    if observed_until < period_end:
        reasons.append(f"data through {observed_until - timedelta(days=1)}")
    elif not is_complete:
        reasons.append("the source begins in the period")
    return "; ".join(reasons) or None


def _key(value: dict[str, Any], alone: Mapping[str, str]) -> FigureKey:
    """Return under what a figure is frozen; one of the company as that of the only unit that has the metric."""
    metric = value["metric"]
    member = (value["scope"], value["dimension"], value["member"])
    if value["dimension"] == "company" and metric in alone:
        member = (alone[metric], "business_unit", alone[metric])
    return (metric, value["grain"], value["period"], *member)


def last_period(settings: Settings, business_unit: str, metrics: tuple[str, ...], newest: Period) -> str | None:
    """Return the label of the last complete period, ``newest`` or before, in which the unit has data; else none."""
    query = f"""
        select period from scorecard.kpi_status
        where dimension = 'business_unit' and member = $unit and grain = $grain
            and list_contains($metrics, metric) and is_complete and observations > 0 and metric in ({_HAPPENED})
            and period_start <= $newest
        order by period_start desc limit 1
    """
    with snapshot(settings, settings.timezone) as connection:
        row = connection.execute(
            query,
            {"unit": business_unit, "grain": str(newest.grain), "metrics": list(metrics), "newest": newest.start},
        ).fetchone()
    return row[0] if row else None


def known_through(settings: Settings, business_unit: str) -> date | None:
    """Return the last day of which it is known what happened in a unit; none where nothing of it was read yet."""
    with snapshot(settings, settings.timezone) as connection:
        row = connection.execute(
            "select last_on from core.core_horizon where business_unit = ?", [business_unit]
        ).fetchone()
    return row[0] if row else None


def sources_known_through(settings: Settings, business_unit: str) -> dict[str, date | None]:
    """Return the last day of which it is known what happened, by source of a unit; none where nothing was read yet."""
    with snapshot(settings, settings.timezone) as connection:
        rows = connection.execute(
            "select source_system, last_on from core.core_source_horizon where business_unit = ? order by 1",
            [business_unit],
        ).fetchall()
    return dict(rows)


def has_data(settings: Settings, business_unit: str, metrics: tuple[str, ...], period: str) -> bool:
    """Tell whether any of the metrics has an observation of the unit in the period."""
    query = f"""
        select 1 from scorecard.kpi_status
        where dimension = 'business_unit' and member = $unit and period = $period
            and list_contains($metrics, metric) and observations > 0 and metric in ({_HAPPENED})
        limit 1
    """
    with snapshot(settings, settings.timezone) as connection:
        given = {"unit": business_unit, "period": period, "metrics": list(metrics)}
        return connection.execute(query, given).fetchone() is not None


def _plain(item: object) -> object:
    return digits(item) if isinstance(item, Decimal) else item
