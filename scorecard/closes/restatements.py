"""What differs between two editions of a close, why, and whether a reader sees it.

`restatements` returns one entry for each difference, by ``field``:

- ``value``, ``at_most``, ``longer_than``, ``target``, ``status``, ``is_complete``, or ``records`` (the same value of
  other records): figure_id (null for a figure that is gone), metric, grain, period, dimension, member, old, new (as
  text, null for n/a), why (the first reason), reasons (all reasons, in the order of `RANK`)
- ``check``: check_id, name, old, new (passed or failed, null if it did not run)
- ``action``: metric, old, new (its words, null for no action)
- ``indicator``, ``breakdown``: metric, dimension, old, new (shown or null)

``seen`` says whether a reader sees the difference. A figure that only became final is seen in the next scorecard. A
figure outside the pages and the attached table is not seen.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from scorecard.closes import store
from scorecard.closes.compared_editions import Name, open_edition, with_pairs
from scorecard.closes.record_history import History
from scorecard.closes.restatement_causes import KEY, RANK, ComparedDefinitions, UnitFigureKey, reasons_in_records
from scorecard.closes.shown_differences import (
    Periods,
    Row,
    Shown,
    action_differences,
    check_differences,
    composition_differences,
    is_seen,
    shown_by,
    text_of,
)
from scorecard.shared.periods import FiscalYear, at_term, parse_period


def restatements(
    before: Path, now: Path, periods: Periods, history: History, names: Collection[Name] = ()
) -> list[Row]:
    """Compare two editions of a close. The module's docstring lists the keys of an entry.

    Parameters
    ----------
    before, now: folders with values, observations, checks, actions, definitions and lineage.
    history: the history of the raw tables since the earlier edition.
    names: the present names of renamed members. A figure of a renamed member is the same figure.
    """
    metrics = _metrics(before, now)
    definitions = ComparedDefinitions(metrics, _both(before, now, "lineage.json"))
    names = with_pairs(names, (before, now), [*metrics[0].values(), *metrics[1].values()])
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        open_edition(connection, "old", before, definitions.derived, names)
        open_edition(connection, "new", now, definitions.derived, ())
        reasons = reasons_in_records(connection, definitions, history)
        figures = _joined(connection)
    reasons |= _derived_reasons(figures, reasons, definitions, periods.fiscal)
    shown = [shown_by(folder, periods) for folder in (before, now)]
    return [
        *_figure_differences(figures, reasons, definitions, shown, periods),
        *composition_differences(*shown),
        *check_differences(before, now),
        *action_differences(before, now, names),
    ]


def makes_edition(differences: Sequence[Row]) -> bool:
    """Whether a reader sees any of the differences."""
    return any(difference["seen"] for difference in differences)


def _figure_differences(
    figures: Sequence[Row],
    reasons: Mapping[UnitFigureKey, list[str]],
    definitions: ComparedDefinitions,
    shown: Sequence[Shown],
    periods: Periods,
) -> Iterator[Row]:
    """Yield the differences of figures.

    Parameters
    ----------
    figures: those of either edition. reasons: why the records of a figure differ; of a derived figure, the reasons of
        its terms.
    """
    for figure in figures:
        # Every edition has the figures of `periods.labels`. Those of another period are frozen for an action only, so
        # it is no difference if one edition lacks them.
        if (figure["in_old"] and figure["in_new"]) or figure["period"] in periods.labels:
            for field, causes in _changed(figure, reasons.get(_key(figure), []), definitions):
                yield _entry(figure, field, causes, shown, periods)


def _metrics(before: Path, now: Path) -> tuple[Row, Row]:
    """Return the metrics of both editions, with those that derived metrics are computed from."""
    old, new = (_read(folder / "definitions.json") for folder in (before, now))
    return ({**old["metrics"], **old.get("behind", {})}, {**new["metrics"], **new.get("behind", {})})


def _joined(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """Return every figure of either edition, with the values of both."""
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
    """Yield the fields in which a figure differs, and why; nothing for a metric that only one edition has."""
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
    """Whether the new range of a provisional figure lies within its old range."""
    if row["old_at_most"] is None or row["old_value"] is None or row["new_value"] is None:
        return False
    upper = row["new_value"] if row["new_at_most"] is None else row["new_at_most"]
    return bool(row["old_value"] <= row["new_value"] and upper <= row["old_at_most"])


def _without_records(row: Row, definitions: ComparedDefinitions) -> list[str]:
    """Return why a figure with the same records differs: its period is over now, or its definition changed."""
    if row["new_is_complete"] and row["old_is_complete"] is False:
        return ["period over"]
    return ["definition" if definitions.changed(row["metric"]) else "changed"]


def _entry(row: Row, field: str, reasons: list[str], shown: Sequence[Shown], periods: Periods) -> Row:
    name = "value" if field == "records" else field
    return {
        **_named(row),
        "field": field,
        "old": text_of(row[f"old_{name}"]),
        "new": text_of(row[f"new_{name}"]),
        "why": reasons[0],
        "reasons": reasons,
        "seen": _matters(row, field, reasons, periods) and is_seen(row, shown, periods),
    }


def _matters(row: Row, field: str, reasons: list[str], periods: Periods) -> bool:
    """Whether a difference is more than other records of the same value, and more than a figure that became final."""
    if field == "is_complete":
        return bool(row["period"] == periods.own.label)
    return field != "records" and set(reasons) != {"window ended"}


def _named(row: Row) -> Row:
    return {name: row[name] for name in ("figure_id", "metric", "grain", "period", "dimension", "member")}


def _key(row: Row) -> UnitFigureKey:
    return (row["metric"], row["grain"], row["period"], row["dimension"], row["member"])


def _both(before: Path, now: Path, name: str) -> tuple[Row, Row]:
    return (_read(before / name), _read(now / name))


def _read(path: Path) -> Row:
    return dict(json.loads(path.read_bytes()))


def _derived_reasons(
    rows: Sequence[Row],
    reasons: Mapping[UnitFigureKey, list[str]],
    definitions: ComparedDefinitions,
    fiscal: FiscalYear,
) -> dict[UnitFigureKey, list[str]]:
    """Return the reasons of derived figures: those of their terms.

    Parameters
    ----------
    rows: every figure of either edition. reasons: of the figures with observations.
    """
    targets = {_key(row) for row in rows if row["old_target"] != row["new_target"]}
    # A term that only one edition froze is no difference of the derived figure.
    both = {_key(row) for row in rows if row["in_old"] and row["in_new"]}
    compared = {key: own for key, own in reasons.items() if key in both}
    derived: dict[UnitFigureKey, list[str]] = {}
    for row in rows:
        expression = definitions.metrics[1].get(row["metric"], {}).get("expression")
        if expression:
            key = _key(row)
            own = _term_reasons(key, expression["terms"], compared, targets, fiscal)
            if own:
                derived[key] = sorted(own, key=RANK.index)
    return derived


def _term_reasons(
    key: UnitFigureKey,
    terms: Sequence[Mapping[str, Any]],
    reasons: Mapping[UnitFigureKey, list[str]],
    targets: set[UnitFigureKey],
    fiscal: FiscalYear,
) -> set[str]:
    """Return the reasons of the terms of one derived figure."""
    _, grain, label, dimension, member = key
    period = parse_period(label, fiscal)
    own: set[str] = set()
    for term in terms:
        if term["at"] == "target":
            own |= {"target"} if (term["metric"], grain, label, dimension, member) in targets else set()
        else:
            then = at_term(period, term["at"], term["months"], fiscal).label
            own.update(reasons.get((term["metric"], grain, then, dimension, member), ()))
    return own


def newly_final(before: Path, now: Path, period: str) -> list[dict[str, Any]]:
    """Return the figures of the period before that are final in a new close and provisional in their own close.

    Parameters
    ----------
    before: the folder of the latest close of the period before. now: the folder of the new close.
    period: the label of the period before.

    Returns
    -------
    One entry for each figure: figure_id (in the new close), metric, grain, period, dimension, member, field (final),
    old and old_at_most (the printed ends), new (decimal text), seen (false: they make no edition).
    """
    old_values, new_values = before / "values.parquet", now / "values.parquet"
    was, has_become = (store.optional(path, "at_most", "decimal(38, 8)") for path in (old_values, new_values))
    with duckdb.connect() as connection:
        rows = connection.execute(
            f"with old as (select {KEY}, value, {was} from read_parquet($old) where period = $period), "
            f"new as (select figure_id, {KEY}, value, {has_become} from read_parquet($new) where period = $period) "
            f"select new.figure_id, {KEY}, old.value, old.at_most, new.value from old join new using ({KEY}) "
            "where old.at_most is not null and new.at_most is null and new.value is not null "
            "order by length(new.figure_id), new.figure_id",
            {"old": str(old_values), "new": str(new_values), "period": period},
        ).fetchall()
    names = ("figure_id", *KEY.split(", "))
    return [
        {
            **dict(zip(names, row[:6], strict=True)),
            "field": "final",
            "old": f"{row[6]:f}",
            "old_at_most": f"{row[7]:f}",
            "new": f"{row[8]:f}",
            "seen": False,
        }
        for row in rows
    ]
