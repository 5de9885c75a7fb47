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
    """A metric with SQL, as the planner needs it.

    ``aggregates`` are its own, then those of its variants. It has values by the pairs of dimensions in ``cross``.
    """

    name: str
    model: str
    kind: str
    aggregates: tuple[str, ...]
    cross: tuple[tuple[str, str], ...] = ()


@dataclass
class Pass:
    """One fact, read once for the metrics whose rows have the same days and members.

    The SQL has a row per row of the fact, with occurred_on, scope, the members, conditions ``k<i>`` and amounts
    ``x<i>``. A stock also has ended_on, and rows that have their own period have grain and period_start.
    An entry of ``metrics`` has the metric's name, its aggregates, and the numbers of its condition (k) and of its
    amounts. The number None stands for the amount 1.
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
        """The dimensions in which its rows have members, the company first."""
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
        """Return the pass as the macros of the roll-up read it."""
        return {
            "kind": self.kind,
            "dimensions": self.dimensions,
            "conditions": len(self.conditions),
            "amounts": [k for k, _ in self.amounts],
            "metrics": self.metrics,
            "sql": self.sql(),
            "has_spans": "period_until" in self.frame,
        }


# The columns that all metrics of a pass share and that are not members, with their types.
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
    dimensions: all that are declared. KPIs of one pass agree in these columns and in the days.
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
    """Refuse a KPI that lacks a column, or whose observations a pass can't compute.

    Raises
    ------
    NoPass: it says why.
    """
    needed = {"stock": ("ended_on",), "period": ("grain", "period_start")}.get(kpi.kind, ())
    crossed = (name for pair in kpi.cross for name in pair)
    for name in ("occurred_on", "business_unit", "numerator", *needed, *crossed):
        if name not in shape.columns:
            raise NoPass(f"has no column {name}")
    if "is_event" in shape.columns:
        raise NoPass("has observations that wait, which are counted one by one")


def _place(items: list[Any], item: Any) -> int:
    """Return the place of an item in a list. An item that is not in the list is added."""
    if item not in items:
        items.append(item)
    return items.index(item)
