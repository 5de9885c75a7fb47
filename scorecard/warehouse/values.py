"""The values of metrics as rows, for people and programs outside the report."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any

from scorecard.shared.decimals import digits
from scorecard.shared.periods import Period
from scorecard.shared.settings import Settings
from scorecard.shared.snapshot import snapshot

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

FigureKey = tuple[str, str, str, str, str, str]
# A stock has a value in a month in which nothing happened. So a period has data if a flow has; stocks count only where
# none of the metrics is a flow.
_DECISIVE_METRICS = """
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

    Parameters
    ----------
    figure_ids: the ids of the figures that closes hold.
    metric, period, dimension: leave out all others.
    behind: the units that have a source which is not up to date.

    Returns
    -------
    metric, grain, period, scope (business unit, or all), dimension, member, numerator, denominator, value, at_most (the
    value if everything that is not settled comes about; null where all is settled), longer_than (what a median is known
    to be longer than while too many records wait, else null), status and target. Decimals are strings, and null where
    there is no value. Also observations, na_reason (why there is no value), partial (why the figure is not of
    everything that belongs into it; null where it is) and figure_id (null where no close holds the figure).
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
        units = _read_units(connection)
    values = [dict(zip(columns, row, strict=True)) for row in rows]
    return [_with_marks(value, units, behind, figure_ids) for value in values]


@dataclass(frozen=True)
class _Units:
    """Which business units have which metrics.

    ``only`` has by metric the unit that alone has it, ``observed`` the base metrics and units that have observations,
    as pairs, and ``bases`` the base of each metric.
    """

    only: Mapping[str, str]
    observed: Collection[tuple[str, str]]
    bases: Mapping[str, str]

    @cached_property
    def _read(self) -> set[str]:
        """The units of which something was read."""
        return {unit for _, unit in self.observed}

    def may_have(self, metric: str, unit: str) -> bool:
        """Tell whether a unit may have a metric. A unit of which nothing was read yet may have any."""
        return unit not in self._read or (self.bases.get(metric), unit) in self.observed

    def key(self, value: Mapping[str, Any]) -> FigureKey:
        """Return the key of the frozen figure of a value.

        Closes are of one business unit. A value of the company has the key of a unit's figure if that unit alone has
        the metric.
        """
        metric = value["metric"]
        member = (value["scope"], value["dimension"], value["member"])
        if value["dimension"] == "company" and metric in self.only:
            member = (self.only[metric], "business_unit", self.only[metric])
        return (metric, value["grain"], value["period"], *member)


def _read_units(connection: "DuckDBPyConnection") -> _Units:
    only = connection.execute(
        "select metric, any_value(scope) from scorecard.kpi_status where dimension = 'business_unit' "
        "group by metric having count(distinct scope) = 1"
    ).fetchall()
    observed = connection.execute("select metric, business_unit from scorecard.horizons").fetchall()
    bases = connection.execute("select metric, base from scorecard.kpi_metrics").fetchall()
    return _Units(dict(only), set(observed), dict(bases))


def _with_marks(
    value: dict[str, Any], units: _Units, behind: Collection[str], figure_ids: Mapping[FigureKey, str]
) -> dict[str, Any]:
    """Return a value as people read it: with plain decimals, why it is partial, and the id of its figure."""
    units_behind = [
        unit for unit in behind if value["scope"] in (unit, "all") and units.may_have(value["metric"], unit)
    ]
    partial = _why_partial(value.pop("is_complete"), value.pop("observed_until"), value.pop("period_end"), units_behind)
    plain = {name: _plain(item) for name, item in value.items()}
    return {**plain, "partial": partial, "figure_id": figure_ids.get(units.key(value))}


def _why_partial(is_complete: bool, observed_until: date, period_end: date, units_behind: list[str]) -> str | None:
    """Return why a value lacks records of its period; None where it lacks none.

    Parameters
    ----------
    observed_until, period_end: the days after the last one.
    """
    reasons = [f"{unit} is not up to date" for unit in units_behind]
    if observed_until < period_end:
        reasons.append(f"data through {observed_until - timedelta(days=1)}")
    elif not is_complete:
        reasons.append("the source begins in the period")
    return "; ".join(reasons) or None


def last_period(settings: Settings, business_unit: str, metrics: tuple[str, ...], newest: Period) -> str | None:
    """Return the label of the last complete period, ``newest`` or earlier, in which the unit has data, if any."""
    query = f"""
        select period from scorecard.kpi_status
        where dimension = 'business_unit' and member = $unit and grain = $grain
            and list_contains($metrics, metric) and is_complete and observations > 0 and metric in ({_DECISIVE_METRICS})
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
    """Return the day through which a unit is known; None where nothing of it was read yet."""
    with snapshot(settings, settings.timezone) as connection:
        row = connection.execute(
            "select last_on from core.core_horizon where business_unit = ?", [business_unit]
        ).fetchone()
    return row[0] if row else None


def sources_known_through(settings: Settings, business_unit: str) -> dict[str, date | None]:
    """Return, by source of a unit, the day through which it is known; None where nothing of it was read yet."""
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
            and list_contains($metrics, metric) and observations > 0 and metric in ({_DECISIVE_METRICS})
        limit 1
    """
    with snapshot(settings, settings.timezone) as connection:
        given = {"unit": business_unit, "period": period, "metrics": list(metrics)}
        return connection.execute(query, given).fetchone() is not None


def _plain(item: object) -> object:
    return digits(item) if isinstance(item, Decimal) else item
