"""Put KPIs that read one fact by one day into one pass, as SQL."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from scorecard.catalogue import crossing_name, member_in_sql
from scorecard.warehouse.plan.kpi_sql import KpiShape, NoPass

QUANTILES = frozenset(("median", "percentile_90", "km_median"))
_AMOUNT = "decimal(30, 8)"


@dataclass(frozen=True)
class Kpi:
    """What the planner must know of a metric with SQL.

    ``aggregates`` are its own, then its variants'; ``cross`` the pairs of dimensions by which it has values.
    """

    name: str
    model: str
    kind: str
    aggregates: tuple[str, ...]
    cross: tuple[tuple[str, str], ...] = ()


@dataclass
class Pass:
    """One fact, read once for the metrics whose rows have the same days and members.

    The SQL has a row per row of the fact: occurred_on (ended_on of a stock; grain and period_start of rows that have
    their period), scope, the members, conditions ``k<i>`` and amounts ``x<i>``. A metric in ``metrics`` has its name,
    aggregates, and the numbers of its condition (k) and amounts; None stands for 1.
    """

    kind: str
    fact: str
    frame: Mapping[str, str]
    cross: tuple[tuple[str, str], ...] = ()
    joins: dict[str, tuple[str, str]] = field(default_factory=dict)
    conditions: list[str] = field(default_factory=list)
    amounts: list[tuple[int, str]] = field(default_factory=list)
    metrics: list[dict[str, Any]] = field(default_factory=list)

    @property
    def dimensions(self) -> list[str]:
        """The dimensions that its rows have members of, the company first."""
        declared = [name for name in self.frame if name not in _MOMENTS]
        return ["company", *declared, *(crossing_name(pair) for pair in self.cross)]

    def add(self, kpi: Kpi, shape: KpiShape) -> None:
        """Let a metric share the pass."""
        self.joins |= {alias: (relation, condition) for alias, relation, condition in shape.joins}
        condition = " AND ".join(f"({part})" for part in shape.conditions) or "TRUE"
        k = _place(self.conditions, condition)
        numerator, denominator = shape.columns["numerator"], shape.columns.get("denominator", "1")
        pending = None
        if settles_on := shape.columns.get("settles_on"):
            pending = f"CASE WHEN NOT ({settles_on}) IS NULL THEN ({denominator}) - ({numerator}) END"
        # A quantile is of amounts, even where each is 1.
        is_quantile = not QUANTILES.isdisjoint(kpi.aggregates)
        self.metrics.append(
            {
                "name": kpi.name,
                "aggregates": list(kpi.aggregates),
                "k": k,
                "numerator": self._amount(k, numerator, always=is_quantile),
                "denominator": self._amount(k, denominator),
                "pending": pending and self._amount(k, pending),
            }
        )

    def _amount(self, k: int, sql: str, *, always: bool = False) -> int | None:
        return None if sql == "1" and not always else _place(self.amounts, (k, sql))

    def sql(self) -> str:
        """Return the query of its rows."""
        frame = self.frame
        lines = [f"CAST({frame['occurred_on']} AS DATE) AS occurred_on"]
        others = [name for name in _MOMENTS if name in frame and name not in ("occurred_on", "in_total")]
        lines += [f"CAST({frame[name]} AS {_MOMENTS[name]}) AS {name}" for name in others]
        unit = frame["business_unit"]
        in_total = frame.get("in_total")
        lines += [f"{unit} AS scope"]
        lines += [f"CASE WHEN {in_total} THEN 'all' END AS company" if in_total else "'all' AS company"]
        lines += [f"CASE WHEN {in_total} THEN {unit} END AS business_unit" if in_total else f"{unit} AS business_unit"]
        lines += [f"{frame[name]} AS {name}" for name in frame if name not in (*_MOMENTS, "business_unit")]
        lines += [f"{member_in_sql(pair, frame)} AS {crossing_name(pair)}" for pair in self.cross]
        lines += [f"({condition}) AS k{place}" for place, condition in enumerate(self.conditions)]
        lines += [
            f"CASE WHEN {self.conditions[k]} THEN TRY_CAST(({sql}) AS {_AMOUNT}) END AS x{place}"
            for place, (k, sql) in enumerate(self.amounts)
        ]
        joins = "".join(
            f"\nLEFT JOIN {relation} AS {alias} ON {condition}" for alias, (relation, condition) in self.joins.items()
        )
        columns = ",\n    ".join(lines)
        return f"SELECT\n    {columns}\nFROM {self.fact} AS fact{joins}\nWHERE NOT {frame['occurred_on']} IS NULL"

    def entry(self) -> dict[str, Any]:
        """Return it as the macros of the roll-up take it."""
        return {
            "kind": self.kind,
            "dimensions": self.dimensions,
            "conditions": len(self.conditions),
            "amounts": [k for k, _ in self.amounts],
            "metrics": self.metrics,
            "sql": self.sql(),
            "has_spans": "period_until" in self.frame,
        }


# Of the columns that all metrics of a pass share, those that are no member, with their types.
_MOMENTS = {
    "occurred_on": "date",
    "ended_on": "date",
    "grain": "string",
    "period_start": "date",
    "period_until": "date",
    "in_total": "boolean",
}


def make_passes(shapes: Sequence[tuple[Kpi, KpiShape]], dimensions: Sequence[str]) -> list[Pass]:
    """Return the passes of KPIs, each KPI in one.

    Parameters
    ----------
    dimensions: all that are declared; the other columns of a KPI are its own, or shared by nothing.
    """
    shared = {*_MOMENTS, "business_unit", *dimensions}
    passes: dict[tuple[Any, ...], Pass] = {}
    for kpi, shape in shapes:
        order = [*_MOMENTS, "business_unit", *dimensions]
        frame = {name: shape.columns[name] for name in order if name in shape.columns and name in shared}
        key = (kpi.kind, shape.fact, tuple(frame.items()), kpi.cross)
        passes.setdefault(key, Pass(kpi.kind, shape.fact, frame, kpi.cross)).add(kpi, shape)
    return list(passes.values())


def refuse_unfit(kpi: Kpi, shape: KpiShape) -> None:
    """Refuse a KPI that lacks a column, or that a pass can't compute.

    Raises
    ------
    NoPass
    """
    needed = {"stock": ("ended_on",), "period": ("grain", "period_start")}.get(kpi.kind, ())
    crossed = (name for pair in kpi.cross for name in pair)
    for name in ("occurred_on", "business_unit", "numerator", *needed, *crossed):
        if name not in shape.columns:
            raise NoPass(f"has no column {name}")
    if "is_event" in shape.columns:
        raise NoPass("has observations that wait, which are counted one by one")


def _place(items: list[Any], item: Any) -> int:
    """Return the place of an item in a list, adding it where it is not in it."""
    if item not in items:
        items.append(item)
    return items.index(item)
