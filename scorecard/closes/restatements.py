"""What differs between two editions of a close, why, and whether a reader sees it."""

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from scorecard.closes import evidence, store
from scorecard.closes.derived_causes import of_derived
from scorecard.closes.record_history import History
from scorecard.closes.renamed import Name, with_pairs
from scorecard.closes.restated_lists import Row, action_differences, check_differences, text_of
from scorecard.closes.restatement_causes import KEY, ComparedDefinitions, FigureKey, reasons_in_records
from scorecard.shared.periods import CALENDAR_YEAR, FiscalYear, Period, last_over
from scorecard.shared.sql import literal


@dataclass(frozen=True)
class Periods:
    """The periods of a close: its own, those it is compared with, and those of its charts."""

    own: Period
    bases: Sequence[Period]
    charted: Sequence[Period]
    fiscal: FiscalYear = CALENDAR_YEAR

    @property
    def labels(self) -> frozenset[str]:
        """The periods that every edition has; a figure of another one is there for an action."""
        return frozenset(period.label for period in (self.own, *self.bases, *self.charted))


def restatements(
    before: Path, now: Path, periods: Periods, history: History, names: Collection[Name] = ()
) -> list[Row]:
    """Compare two editions of a close.

    Parameters
    ----------
    before, now: folders with values, observations, checks, actions, definitions and lineage.
    history: the raw tables' since the earlier edition.
    names: what members are called now; a figure of one that was renamed is the same figure.

    Returns
    -------
    One entry per difference. Of a figure: figure_id (null where the figure is gone), metric, grain, period,
    dimension, member, field (value, at_most, longer_than, target, status, is_complete, or records: the same value of
    other records), old, new (as text, null for n/a), why (the first of the reasons), reasons (all of `RANK` that hold).
    Of a check: field (check), check_id, name, old, new (passed or failed, null where it did not run). Of an action:
    field (action), metric, old, new (its words, null where there was none). Of what the pages show: field (indicator or
    breakdown), metric, dimension, old, new (shown or null). ``seen`` says whether a reader sees the difference: what
    only matured is seen in the next scorecard, and what neither the pages nor the attached table hold is not seen.
    """
    defined = _metrics(before, now)
    definitions = ComparedDefinitions(defined, _both(before, now, "lineage.json"))
    names = with_pairs(names, (before, now), [*defined[0].values(), *defined[1].values()])
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        for name, folder in (("old", before), ("new", now)):
            _open(connection, name, folder, definitions.derived, names if folder == before else ())
        reasons = reasons_in_records(connection, definitions, history)
        rows = _joined(connection)
    reasons |= of_derived(rows, reasons, definitions, periods.fiscal)
    shown = [_shown(folder, periods) for folder in (before, now)]
    figures = [
        _entry(row, field, causes, shown, periods)
        for row in rows
        # What only one edition froze, for an action to be compared with, the other did not print otherwise.
        if (row["in_old"] and row["in_new"]) or row["period"] in periods.labels
        for field, causes in _changed(row, reasons.get(_key(row), []), definitions)
    ]
    return [*figures, *_composition(*shown), *check_differences(before, now), *action_differences(before, now, names)]


def makes_edition(differences: Sequence[Row]) -> bool:
    """Whether a reader sees any of the differences."""
    return any(difference["seen"] for difference in differences)


def _open(
    connection: duckdb.DuckDBPyConnection, name: str, folder: Path, derived: Collection[str], names: Collection[Name]
) -> None:
    """Make views of what an edition has: `<name>_values`, `<name>_observations` and `<name>_evidence`.

    Derived metrics have no observations; those of earlier closes, where they had, are left out.
    """
    observations = folder / "observations.parquet"
    later = ", ".join(store.optional(observations, column, "date") for column in ("period_start", "period_until"))
    kept = (
        "select * exclude (period_start, period_until)" if "period_start" in store.columns(observations) else "select *"
    )
    without = ", ".join(map(literal, derived)) or "''"
    values = f"select * from read_parquet({literal(folder / 'values.parquet')})"
    observed = f"{kept}, {later} from read_parquet({literal(observations)}) where metric not in ({without})"
    if names:
        connection.execute("create temp table names (field varchar, spelling varchar, name varchar)")
        connection.executemany("insert into names values (?, ?, ?)", [list(name) for name in names])
        values = f"select * replace ({_now('dimension', 'member')}) from ({values})"
        columns = sorted({field for field, _, _ in names} & set(store.columns(observations)))
        renamed = ", ".join(_now(literal(column), column) for column in columns)
        observed = f"select * replace ({renamed}) from ({observed})" if renamed else observed
    for table, query in (
        ("values", values),
        ("observations", observed),
        ("evidence", evidence.query(folder)),
    ):
        connection.execute(f"create view {name}_{table} as {query}")


def _now(field: str, column: str) -> str:
    """Return the SQL of a member's name now; ``field`` is SQL of its dimension."""
    new_name = f"select names.name from names where names.field = {field} and names.spelling = {column}"
    return f"coalesce(({new_name}), {column}) as {column}"


def _metrics(before: Path, now: Path) -> tuple[Row, Row]:
    """Return the metrics of both editions, with those that derived ones are computed from."""
    old, new = (_read(folder / "definitions.json") for folder in (before, now))
    return ({**old["metrics"], **old.get("behind", {})}, {**new["metrics"], **new.get("behind", {})})


def _joined(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """Return every figure of either edition, with what both say of it."""
    columns = {
        edition: {row[0] for row in connection.execute(f"describe {edition}_values").fetchall()}
        for edition in ("old", "new")
    }
    compared = ", ".join(
        f"{edition}.{name} as {edition}_{name}" if name in columns[edition] else f"null as {edition}_{name}"
        for edition in ("old", "new")
        for name in ("value", "at_most", "longer_than", "target", "status", "is_complete")
    )
    cursor = connection.execute(
        f"select new.figure_id, {KEY}, {compared}, old.metric is not null as in_old, new.metric is not null as in_new "
        f"from old_values as old full join new_values as new using ({KEY}) "
        "order by new.figure_id is null, length(new.figure_id), new.figure_id, metric, grain, period, dimension, member"
    )
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _changed(row: Row, in_records: list[str], definitions: ComparedDefinitions) -> Iterator[tuple[str, list[str]]]:
    """Yield in which fields a figure differs, and why; nothing of a metric that only one of the editions has."""
    if any(row["metric"] not in entries for entries in definitions.metrics):
        return
    names = ("value", "at_most", "longer_than", "target", "status", "is_complete")
    changed = {name: row[f"old_{name}"] != row[f"new_{name}"] for name in names}
    ended = ["window ended"] if _narrowed(row) else []
    if changed["value"]:
        yield "value", in_records or _without_records(row, definitions)
    elif in_records:
        yield "records", in_records
    for field in ("at_most", "longer_than"):
        if changed[field] and not changed["value"]:
            yield field, ended or in_records or _without_records(row, definitions)
    if changed["target"]:
        yield "target", ["target"]
    if row["in_old"] and row["in_new"] and not (changed["value"] or changed["target"]):
        for field in ("status", "is_complete"):
            if changed[field]:
                yield field, ended or _without_records(row, definitions)


def _narrowed(row: Row) -> bool:
    """Whether a figure that was not settled lies within the range that it had."""
    if row["old_at_most"] is None or row["old_value"] is None or row["new_value"] is None:
        return False
    upper = row["new_value"] if row["new_at_most"] is None else row["new_at_most"]
    return bool(row["old_value"] <= row["new_value"] and upper <= row["old_at_most"])


def _without_records(row: Row, definitions: ComparedDefinitions) -> list[str]:
    """Return why a figure differs whose records are the same: its period was not over, or its definition changed."""
    if row["new_is_complete"] and row["old_is_complete"] is False:
        return ["period over"]
    return ["definition" if definitions.changed(row["metric"]) else "changed"]


def _entry(row: Row, field: str, reasons: list[str], shown: Sequence["_Shown"], periods: Periods) -> Row:
    name = "value" if field == "records" else field
    return {
        **_named(row),
        "field": field,
        "old": text_of(row[f"old_{name}"]),
        "new": text_of(row[f"new_{name}"]),
        "why": reasons[0],
        "reasons": reasons,
        "seen": _matters(row, field, reasons, periods) and _is_seen(row, shown, periods),
    }


def _matters(row: Row, field: str, reasons: list[str], periods: Periods) -> bool:
    """Whether a difference is more than other records of the same value, or a figure that only matured."""
    if field == "is_complete":
        return bool(row["period"] == periods.own.label)
    return field != "records" and set(reasons) != {"window ended"}


def _named(row: Row) -> Row:
    return {name: row[name] for name in ("figure_id", "metric", "grain", "period", "dimension", "member")}


def _key(row: Row) -> FigureKey:
    return (row["metric"], row["grain"], row["period"], row["dimension"], row["member"])


@dataclass(frozen=True)
class _Shown:
    """What an edition's pages may print: metrics of the whole unit, the pairs of its breakdowns, and with what its
    actions are compared, as (metric, period, dimension, member).
    """

    metrics: frozenset[str]
    breakdowns: frozenset[tuple[str, str]]
    compared: frozenset[tuple[str, str, str, str]]


def _shown(folder: Path, periods: Periods) -> _Shown:
    scorecard = _read(folder / "definitions.json")["scorecard"]
    pairs = [
        (pair["metric"], pair["dimension"]) if isinstance(pair, dict) else (pair[0], pair[1])
        for pair in scorecard["breakdowns"]
    ]
    actions = pq.read_table(folder / "actions.parquet", columns=["metric", "dimension", "member", "from_date"])
    compared = [
        (row["metric"], last_over(row["from_date"], periods.own.grain, periods.fiscal).label, *_member(row))
        for row in actions.to_pylist()
        if row["from_date"]
    ]
    return _Shown(frozenset(scorecard["metrics"]), frozenset(pairs), frozenset(compared))


def _member(row: Row) -> tuple[str, str]:
    return (row["dimension"], row["member"])


def _composition(old: _Shown, new: _Shown) -> Iterator[Row]:
    """Yield what only one of the editions shows: an indicator, or a breakdown of one."""
    for metric in sorted(old.metrics ^ new.metrics):
        yield _one_sided("indicator", metric, None, metric in new.metrics)
    for metric, dimension in sorted(old.breakdowns ^ new.breakdowns):
        yield _one_sided("breakdown", metric, dimension, (metric, dimension) in new.breakdowns)


def _one_sided(field: str, metric: str, dimension: str | None, is_new: bool) -> Row:
    old, new = (None, "shown") if is_new else ("shown", None)
    return {"field": field, "metric": metric, "dimension": dimension, "old": old, "new": new, "seen": True}


def _is_seen(row: Row, shown: Sequence[_Shown], periods: Periods) -> bool:
    """Whether a reader sees a figure in either edition.

    The pages print the whole unit's figures of all periods, and the breakdowns' of the period and its bases. The
    attached table holds every figure of the period, and an action is compared with the figure before it began.
    """
    editions = (row["in_old"], row["in_new"])
    if all(editions) and row["period"] == periods.own.label:
        return True
    return any(has and _is_printed(row, pages, periods) for pages, has in zip(shown, editions, strict=True))


def _is_printed(figure: Row, shown: _Shown, periods: Periods) -> bool:
    if (figure["metric"], figure["period"], *_member(figure)) in shown.compared:
        return True
    near = {period.label for period in (periods.own, *periods.bases)}
    charted = {period.label for period in periods.charted}
    if figure["dimension"] == "business_unit":
        return figure["metric"] in shown.metrics and figure["period"] in near | charted
    return (figure["metric"], figure["dimension"]) in shown.breakdowns and figure["period"] in near


def _both(before: Path, now: Path, name: str) -> tuple[Row, Row]:
    return (_read(before / name), _read(now / name))


def _read(path: Path) -> Row:
    return dict(json.loads(path.read_bytes()))
