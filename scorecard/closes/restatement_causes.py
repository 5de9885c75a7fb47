"""Find why the figures of two editions differ, in the history of their records and in their definitions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa

from scorecard.catalogue import metric_of
from scorecard.closes.contribution import contributes, counts_in, is_stock
from scorecard.closes.record_history import History, RecordChange, RecordKey
from scorecard.shared.sql import literal, quoted

RANK = (
    *("late record", "correction", "deletion", "merged", "target", "window ended"),
    *("definition", "period over", "changed"),
)
KEY = "metric, grain, period, dimension, member"
_COMPARED = ("numerator", "denominator", "occurred_on", "ended_on")
# The words of a metric change no figure.
_WORDS = frozenset(
    (
        *("name", "label", "definition", "formula", "caveat", "owner"),
        *("level", "perspective", "metric_class", "journey_stage", "drives"),
    )
)

UnitFigureKey = tuple[str, ...]
"""Metric, grain, period, dimension and member of a figure of one business unit."""
Related = Mapping[tuple[str, RecordKey], list[RecordKey]]
"""The records behind an observation, by its metric and record."""


class Difference(NamedTuple):
    """An observation that differs between two editions, or that only one of them has.

    was_provisional: whether it was settling in the old edition; false if that lacks it.
    """

    number: int
    metric: str
    source_system: str
    source_object: str
    record_id: str
    changed: list[str]
    was_provisional: bool


@dataclass(frozen=True)
class ComparedDefinitions:
    """The metrics in two editions: entries of definitions.json and of lineage.json, each old and new."""

    metrics: tuple[dict[str, Any], dict[str, Any]]
    lineage: tuple[dict[str, Any], dict[str, Any]]
    _fields: dict[tuple[str, frozenset[str] | None], dict[tuple[str, str], set[str]]] = field(default_factory=dict)
    _changed: dict[str, bool] = field(default_factory=dict)

    @property
    def derived(self) -> frozenset[str]:
        """The derived metrics of the newer edition."""
        return frozenset(name for name, entry in self.metrics[1].items() if entry.get("expression"))

    def changed(self, metric: str) -> bool:
        """Whether a metric's parameters or the SQL of its models changed. Its words don't count."""
        if metric not in self._changed:
            self._changed[metric] = self._has_changed(metric)
        return self._changed[metric]

    def _has_changed(self, metric: str) -> bool:
        old, new = (entries.get(metric, {}) for entries in self.metrics)
        compared = (old.keys() & new.keys()) - _WORDS
        expression = (new or old).get("expression") or {}
        if any(self.changed(term["metric"]) for term in expression.get("terms", ())):
            return True
        base = base_of(new or old) if new or old else metric
        return any(old[name] != new[name] for name in compared) or self._sql_changed(base)

    def _sql_changed(self, base: str) -> bool:
        old, new = (lineage.get(base, {}) for lineage in self.lineage)
        # A close of the first release has only the SQL of the metric's own model.
        if "upstream" in old and "upstream" in new:
            return bool(old["upstream"] != new["upstream"])
        return bool(old.get("sql") != new.get("sql"))

    def fields(self, base: str, columns: Iterable[str] | None = None) -> dict[tuple[str, str], set[str]]:
        """Return the source fields behind some columns of a metric, or behind all, by schema and table."""
        key = (base, None if columns is None else frozenset(columns))
        if key not in self._fields:
            self._fields[key] = self._read_fields(*key)
        return self._fields[key]

    def _read_fields(self, base: str, wanted: frozenset[str] | None) -> dict[tuple[str, str], set[str]]:
        fields: dict[tuple[str, str], set[str]] = {}
        for lineage in self.lineage:
            for column, names in lineage.get(base, {}).get("columns", {}).items():
                if wanted is not None and column not in wanted:
                    continue
                for name in names:
                    schema, _, rest = name.partition(".")
                    table, _, source_field = rest.partition(".")
                    fields.setdefault((schema, table), set()).add(source_field)
        return fields


def base_of(entry: Mapping[str, Any]) -> str:
    """Return the metric of the observations of an entry of definitions.json; its own name for a derived metric."""
    return metric_of(str(entry["model"])) or str(entry["name"])


def reasons_in_records(
    connection: duckdb.DuckDBPyConnection, definitions: ComparedDefinitions, history: History
) -> dict[UnitFigureKey, list[str]]:
    """Return why the observations of each figure differ, by (metric, grain, period, dimension, member).

    Parameters
    ----------
    connection: has the views old_values, new_values, old_observations, new_observations, old_evidence and new_evidence.
    """
    old, new = definitions.metrics
    connection.execute("create temp table metrics (metric varchar, base varchar, stock boolean)")
    entries = {**old, **new}
    connection.executemany(
        "insert into metrics values (?, ?, ?)",
        [(name, base_of(entry), is_stock(entry)) for name, entry in entries.items()],
    )
    dimensions = _dimensions(connection)
    _find_differences(connection, dimensions)
    differences = _differences(connection)
    related = _related(connection)
    records = {record for difference in differences for record in _records(difference, related)}
    changes = history.changes(records)
    reasons = [
        (difference.number, reason)
        for difference in differences
        for reason in _reasons(difference, related, changes, definitions, history)
    ]
    return _reasons_by_figure(connection, reasons, dimensions)


def _reasons_by_figure(
    connection: duckdb.DuckDBPyConnection, reasons: Sequence[tuple[int, str]], dimensions: Sequence[str]
) -> dict[UnitFigureKey, list[str]]:
    """Return the reasons of each figure, from pairs of the number of a differing observation and a reason."""
    numbers = pa.array([number for number, _ in reasons], pa.int64())
    table = pa.table({"number": numbers, "reason": pa.array([reason for _, reason in reasons], pa.string())})
    connection.register("observation_reasons", table)
    rows = connection.execute(
        "with figures as (select metric, grain, period, dimension, member, "
        "coalesce(new.period_start, old.period_start) as period_start, "
        "coalesce(new.period_end, old.period_end) as period_end, "
        "coalesce(new.observed_until, old.observed_until) as observed_until, metrics.base, metrics.stock "
        f"from old_values as old full join new_values as new using ({KEY}) join metrics using (metric)) "
        "select f.metric, f.grain, f.period, f.dimension, f.member, list(distinct r.reason) "
        f"from figures as f join differing as d on {contributes('d', 'f', dimensions)} "
        "join observation_reasons as r on r.number = d.number group by all"
    ).fetchall()
    return {tuple(key): sorted(unordered, key=RANK.index) for *key, unordered in rows}


def _dimensions(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Return the dimensions of the figures of either edition. Each is a column of its observations."""
    rows = connection.execute("select dimension from old_values union select dimension from new_values order by 1")
    return [str(dimension) for (dimension,) in rows.fetchall()]


def _find_differences(connection: duckdb.DuckDBPyConnection, dimensions: Sequence[str]) -> None:
    """Make the table of differing observations. A changed one has both versions, since it may have moved."""
    # A dimension that only one edition has is no difference of the records.
    compared = [*_COMPARED, *dimensions]
    # A metric may have the same observation id in several periods.
    for edition in ("old", "new"):
        columns = {row[0] for row in connection.execute(f"describe {edition}_observations").fetchall()}
        compared = [name for name in compared if name in columns]
        settles = "settles_on is not null" if "settles_on" in columns else "false"
        connection.execute(
            f"create temp table {edition}_numbered as select *, {settles} as provisional, row_number() over "
            "(partition by metric, grain, period_start, observation_id order by occurred_on, numerator, denominator) "
            f"as copy from ({_by_period(edition)})"
        )
    differs = {column: f"old.{quoted(column)} is distinct from new.{quoted(column)}" for column in compared}
    changed = ", ".join(f"case when {condition} then {literal(column)} end" for column, condition in differs.items())
    same = (
        "old.metric = new.metric and old.grain is not distinct from new.grain "
        "and old.period_start is not distinct from new.period_start "
        "and old.observation_id = new.observation_id and old.copy = new.copy"
    )
    connection.execute(
        "create temp table differing as with changed as ("
        f"select old, new, list_filter([{changed}], lambda name: name is not null) as changed, "
        "old.provisional as was_provisional from old_numbered as old "
        f"join new_numbered as new on {same} where {' or '.join(differs.values())}), both_editions as ("
        "select unnest(old), changed, was_provisional from changed union all by name "
        "select unnest(new), changed, was_provisional from changed union all by name "
        "select new.*, null::varchar[] as changed, false as was_provisional "
        f"from new_numbered as new anti join old_numbered as old on {same} union all by name "
        "select old.*, null::varchar[] as changed, old.provisional as was_provisional "
        f"from old_numbered as old anti join new_numbered as new on {same}) "
        "select row_number() over () as number, * from both_editions"
    )


def _by_period(edition: str) -> str:
    """Return the query of an edition's observations. One with a span of periods is repeated for each frozen period.

    So the number of periods in which a row counts is no difference of the records.
    """
    periods = " union ".join(f"select grain, period_start, period_end from {name}_values" for name in ("old", "new"))
    new_id = "replace(o.observation_id, '|' || o.period_start::varchar, '|' || p.period_start::varchar)"
    return (
        f"select o.* replace ({new_id} as observation_id, p.period_start as period_start, "
        f"p.period_end as period_until, p.period_end - 1 as occurred_on) from {edition}_observations as o "
        f"join ({periods}) as p on {counts_in('period', 'o', 'p')} "
        f"union all select * from {edition}_observations where period_start is null"
    )


def _differences(connection: duckdb.DuckDBPyConnection) -> list[Difference]:
    rows = connection.execute(
        "select number, metric, source_system, source_object, record_id, changed, was_provisional from differing"
    ).fetchall()
    return [
        Difference(number, metric, source, table, record_id, changed or [], was_provisional)
        for number, metric, source, table, record_id, changed, was_provisional in rows
    ]


def _related(connection: duckdb.DuckDBPyConnection) -> Related:
    """Return the records behind the differing observations in either edition, by metric and record."""
    rows = connection.execute(
        "select distinct metric, source_system, source_object, record_id, evidence_object, evidence_id "
        "from (from old_evidence union all from new_evidence) "
        "semi join differing using (metric, source_system, source_object, record_id) order by all"
    ).fetchall()
    related: dict[tuple[str, RecordKey], list[RecordKey]] = {}
    for metric, source, table, record_id, behind_table, behind_id in rows:
        key = (metric, RecordKey(source, table, record_id))
        related.setdefault(key, []).append(RecordKey(source, behind_table, behind_id))
    return related


def _records(difference: Difference, related: Related) -> list[RecordKey]:
    """Return the record of an observation and the records behind it."""
    record = RecordKey(difference.source_system, difference.source_object, difference.record_id)
    return [record, *related.get((difference.metric, record), ())]


def _reasons(
    difference: Difference,
    related: Related,
    changes: Mapping[RecordKey, RecordChange],
    definitions: ComparedDefinitions,
    history: History,
) -> list[str]:
    fields = definitions.fields(difference.metric)
    kinds = {
        change.kind
        for record in _records(difference, related)
        if (change := changes.get(record)) and _matters(change, fields.get((f"raw_{record.source}", record.table)))
    }
    if kinds:
        return sorted(kinds, key=RANK.index)
    if difference.was_provisional:
        return ["window ended"]
    possible = ["definition"] if definitions.changed(difference.metric) else []
    if _related_changed(difference, definitions, history):
        possible.append("correction")
    # With two possible causes, neither is certain.
    return possible if len(possible) == 1 else ["changed"]


def _matters(change: RecordChange, used: set[str] | None) -> bool:
    """Whether a change touches the fields that a metric uses. Every change does if the fields are unknown."""
    return change.kind != "correction" or not used or bool(change.fields & used)


def _related_changed(difference: Difference, definitions: ComparedDefinitions, history: History) -> bool:
    """Whether another table than the record's own, behind the differing columns, changed since."""
    columns = [*difference.changed, "rows"] if difference.changed else None
    own = (f"raw_{difference.source_system}", difference.source_object)
    tables = definitions.fields(difference.metric, columns).keys() - {own}
    return any(history.has_changed(schema, table) for schema, table in tables)
