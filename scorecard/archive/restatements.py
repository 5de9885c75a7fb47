"""What changed between two editions of a close, and why."""

# ruff: noqa: S608 - the only names in these queries are columns
import json
from pathlib import Path
from typing import Any

import duckdb

from scorecard.archive.contribution import contributes
from scorecard.archive.snapshot import frozen_periods
from scorecard.catalogue import DIMENSIONS
from scorecard.periods import FiscalYear, parse_period

# What changes a figure when its observations don't change.
_MEANING = ("formula", "aggregate", "minimum_observations", "parameters", "unit", "direction", "of", "model")
_KEY = "metric, grain, period, dimension, member"
_COMPARED = ("numerator", "denominator", "occurred_on", "ended_on", *DIMENSIONS)


def restatements(before: Path, now: Path, manifest: dict[str, Any], code: dict[str, Any]) -> list[dict[str, Any]]:
    """Compare two editions of a close.

    Parameters
    ----------
    before, now: folders with values, observations, definitions and lineage.
    manifest: the earlier edition's; code: the new edition's.

    Returns
    -------
    One entry per figure whose value or target changed: figure_id (null where the figure is gone), metric, grain,
    period, dimension, member, field (value or target), old, new (decimal text, null for n/a), why (definition,
    code, late record, deletion, correction, period over or target: the first that holds), reasons (all that hold).
    """
    definitions = [_read(folder / "definitions.json")["metrics"] for folder in (before, now)]
    lineage = [_read(folder / "lineage.json") for folder in (before, now)]
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        for name, folder in (("old", before), ("new", now)):
            for table in ("values", "observations"):
                path = str(folder / f"{table}.parquet").replace("'", "''")
                connection.execute(f"create view {name}_{table} as select * from read_parquet('{path}')")
        reasons = _reasons_in_data(connection, {**definitions[0], **definitions[1]})
        changed = connection.execute(
            f"select new.figure_id, {_KEY}, old.value, new.value, old.target, new.target, "
            "not old.is_complete and new.is_complete, old.figure_id is null or new.figure_id is null "
            f"from old_values as old full join new_values as new using ({_KEY}) "
            "where old.value is distinct from new.value or old.target is distinct from new.target "
            "order by new.figure_id is null, length(new.figure_id), new.figure_id, metric, grain, period, "
            "dimension, member"
        ).fetchall()
    always = _periods_of_all_editions(manifest, _read(now / "definitions.json")["settings"])
    found = []
    for (
        figure_id,
        metric,
        grain,
        period,
        dimension,
        member,
        old,
        new,
        old_target,
        new_target,
        is_over,
        alone,
    ) in changed:
        # What only one edition froze, for an action, was not printed otherwise by the other.
        if alone and (grain, period) not in always:
            continue
        figure = {
            **{"figure_id": figure_id, "metric": metric, "grain": grain, "period": period},
            **{"dimension": dimension, "member": member},
        }
        if old != new:
            entries = [each.get(metric) for each in definitions]
            base = str((entries[1] or entries[0] or {}).get("model")).removeprefix("kpi_")
            sql_changed = lineage[0].get(base, {}).get("sql") != lineage[1].get(base, {}).get("sql")
            in_data = reasons.get((metric, grain, period, dimension, member), [])
            why = ["definition"] if meaning(entries[0]) != meaning(entries[1]) else []
            if sql_changed or ("code" in in_data and manifest["code"] != code):
                why.append("code")
            elif "code" in in_data:
                # The record is the same and so is the code: another record that it refers to was corrected.
                in_data = [*in_data, "correction"]
            why += [reason for reason in in_data if reason != "code"]
            # With the same records: a figure that an unfinished period, or its base, could not have.
            why = list(dict.fromkeys(why)) or ["period over" if is_over else "code"]
            found.append(
                {
                    **figure,
                    "field": "value",
                    "old": _text(old),
                    "new": _text(new),
                    "why": why[0],
                    "reasons": why,
                }
            )
        if old_target != new_target:
            target = {"field": "target", "old": _text(old_target), "new": _text(new_target)}
            found.append({**figure, **target, "why": "target", "reasons": ["target"]})
    return found


def _periods_of_all_editions(manifest: dict[str, Any], settings: dict[str, Any]) -> set[tuple[str, str]]:
    """Return the periods that every edition of a close holds, as grain and label."""
    fiscal = FiscalYear.of_close(settings)
    periods = frozen_periods(parse_period(manifest["period"], fiscal), fiscal)
    return {(each.grain.value, each.label) for each in periods}


def _reasons_in_data(
    connection: duckdb.DuckDBPyConnection, metrics: dict[str, dict[str, Any]]
) -> dict[tuple[str, ...], list[str]]:
    """Return, by figure, in what way its observations differ between the editions.

    ``code`` marks an observation that differs though its source record is the same.
    """
    connection.execute("create temp table metrics (metric varchar, base varchar, stock boolean)")
    connection.executemany(
        "insert into metrics values (?, ?, ?)",
        [(name, entry["model"].removeprefix("kpi_"), entry["aggregate"] == "last") for name, entry in metrics.items()],
    )
    # An observation id may stand in several periods of one metric.
    for edition in ("old", "new"):
        connection.execute(
            f"create temp table {edition}_numbered as select *, row_number() over (partition by metric, grain, "
            "observation_id order by occurred_on, numerator, denominator) as copy "
            f"from {edition}_observations"
        )
    differs = " or ".join(f'old."{column}" is distinct from new."{column}"' for column in _COMPARED)
    same = (
        "old.metric = new.metric and old.grain is not distinct from new.grain "
        "and old.observation_id = new.observation_id and old.copy = new.copy"
    )
    connection.execute(
        "create temp table differing as "
        # Both versions of a changed record, since it may have left one figure for another.
        "with changed as (select old, new, case when old.source_sha256 is not distinct from new.source_sha256 "
        f"then 'code' else 'correction' end as reason from old_numbered as old join new_numbered as new on {same} "
        f"where {differs}) "
        "select unnest(old), reason from changed union all by name "
        "select unnest(new), reason from changed union all by name "
        "select new.*, case when (new.source_file, new.source_sha256) in "
        "(select (source_file, source_sha256) from old_observations) then 'code' else 'late record' end as reason "
        f"from new_numbered as new anti join old_numbered as old on {same} union all by name "
        "select old.*, 'deletion' as reason "
        f"from old_numbered as old anti join new_numbered as new on {same}"
    )
    rows = connection.execute(
        "with figures as (select metric, grain, period, dimension, member, "
        "coalesce(new.period_start, old.period_start) as period_start, "
        "coalesce(new.period_end, old.period_end) as period_end, "
        "coalesce(new.observed_until, old.observed_until) as observed_until, metrics.base, metrics.stock "
        f"from old_values as old full join new_values as new using ({_KEY}) "
        "join metrics using (metric) where old.value is distinct from new.value) "
        "select f.metric, f.grain, f.period, f.dimension, f.member, list(distinct d.reason) "
        f"from figures as f join differing as d on {contributes('d', 'f')} group by all"
    ).fetchall()
    rank = ("code", "late record", "deletion", "correction")
    return {tuple(key): sorted(reasons, key=rank.index) for *key, reasons in rows}


def meaning(entry: dict[str, Any] | None) -> list[Any]:
    """Return what of a metric's definition changes its figures."""
    return [(entry or {}).get(name) for name in _MEANING]


def _text(value: object) -> str | None:
    return None if value is None else f"{value:f}"


def _read(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_bytes()))
