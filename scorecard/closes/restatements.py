"""What differs between two editions of a close, why, and whether a reader sees it."""

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from scorecard.closes import evidence, store
from scorecard.closes.derived_causes import of_derived
from scorecard.closes.record_history import History
from scorecard.closes.renamed import Name, with_pairs
from scorecard.closes.restatement_causes import KEY, Definitions, FigureKey, reasons_in_records
from scorecard.shared.languages import frozen_words
from scorecard.shared.periods import CALENDAR_YEAR, FiscalYear, Period, last_over
from scorecard.shared.sql import literal

_ACTION = ("metric", "who", "from_date", "due", "progress", "status", "dimension", "member")
_WORDS = ("what", "expected_effect")
Row = dict[str, Any]


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
        return frozenset(each.label for each in (self.own, *self.bases, *self.charted))


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
    definitions = Definitions(defined, _both(before, now, "lineage.json"))
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
        _entry(row, field, found, shown, periods)
        for row in rows
        # What only one edition froze, for an action to be compared with, the other did not print otherwise.
        if (row["in_old"] and row["in_new"]) or row["period"] in periods.labels
        for field, found in _changed(row, reasons.get(_key(row), []), definitions)
    ]
    return [*figures, *_composition(*shown), *_checks(before, now), *_actions(before, now, names)]


def makes_edition(differences: Sequence[Row]) -> bool:
    """Whether a reader sees any of the differences."""
    return any(each["seen"] for each in differences)


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
        connection.executemany("insert into names values (?, ?, ?)", [list(each) for each in names])
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
    told = ", ".join(
        f"{edition}.{name} as {edition}_{name}" if name in columns[edition] else f"null as {edition}_{name}"
        for edition in ("old", "new")
        for name in ("value", "at_most", "longer_than", "target", "status", "is_complete")
    )
    found = connection.execute(
        f"select new.figure_id, {KEY}, {told}, old.metric is not null as in_old, new.metric is not null as in_new "
        f"from old_values as old full join new_values as new using ({KEY}) "
        "order by new.figure_id is null, length(new.figure_id), new.figure_id, metric, grain, period, dimension, member"
    )
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _changed(row: Row, in_records: list[str], definitions: Definitions) -> Iterator[tuple[str, list[str]]]:
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


def _without_records(row: Row, definitions: Definitions) -> list[str]:
    """Return why a figure differs whose records are the same: its period was not over, or its definition changed."""
    if row["new_is_complete"] and row["old_is_complete"] is False:
        return ["period over"]
    return ["definition" if definitions.changed(row["metric"]) else "changed"]


def _entry(row: Row, field: str, reasons: list[str], shown: Sequence["_Shown"], periods: Periods) -> Row:
    name = "value" if field == "records" else field
    return {
        **_named(row),
        "field": field,
        "old": _text(row[f"old_{name}"]),
        "new": _text(row[f"new_{name}"]),
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
        (each["metric"], each["dimension"]) if isinstance(each, dict) else (each[0], each[1])
        for each in scorecard["breakdowns"]
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
    there = (row["in_old"], row["in_new"])
    if all(there) and row["period"] == periods.own.label:
        return True
    return any(is_there and _is_printed(row, each, periods) for each, is_there in zip(shown, there, strict=True))


def _is_printed(figure: Row, shown: _Shown, periods: Periods) -> bool:
    if (figure["metric"], figure["period"], *_member(figure)) in shown.compared:
        return True
    near = {each.label for each in (periods.own, *periods.bases)}
    charted = {each.label for each in periods.charted}
    if figure["dimension"] == "business_unit":
        return figure["metric"] in shown.metrics and figure["period"] in near | charted
    return (figure["metric"], figure["dimension"]) in shown.breakdowns and figure["period"] in near


def _checks(before: Path, now: Path) -> Iterator[Row]:
    """Yield the checks of which another outcome is printed; how many rows of all times break one is not the outcome."""
    old, new = (_outcomes(folder) for folder in (before, now))
    for check_id in sorted(old.keys() | new.keys()):
        outcomes = [edition.get(check_id) for edition in (old, new)]
        failed = [outcome for outcome in outcomes if outcome and not outcome["passed"]]
        if not failed or _outcome(outcomes[0]) == _outcome(outcomes[1]):
            continue
        yield {
            "field": "check",
            "metric": None,
            "check_id": check_id,
            "name": failed[-1]["name"],
            "old": _word(outcomes[0]),
            "new": _word(outcomes[1]),
            "seen": True,
        }


def _outcomes(folder: Path) -> dict[str, Row]:
    columns = ["check_id", "name", "severity", "passed", "metrics"]
    return {row["check_id"]: row for row in pq.read_table(folder / "checks.parquet", columns=columns).to_pylist()}


def _outcome(check: Row | None) -> tuple[object, ...] | None:
    """Return what a reader knows of a failed check; of one that passed or was not run, nothing is printed."""
    return None if check is None or check["passed"] else (check["severity"], tuple(sorted(check["metrics"] or ())))


def _word(check: Row | None) -> str | None:
    return None if check is None else "passed" if check["passed"] else "failed"


def _actions(before: Path, now: Path, names: Collection[Name] = ()) -> Iterator[Row]:
    """Yield the actions of which a reader sees something else, in pairs by metric, words and person."""
    both = [_action_rows(folder, names) for folder in (before, now)]
    # A language that only one of them has is no difference: its scorecard had it anew, or its words came later.
    languages = set.intersection(*({code for _, _, words in rows for code in words} for rows in both))
    old, new = (_listed_actions(rows, languages) for rows in both)
    for key in sorted(old.keys() | new.keys()):
        if old.get(key) != new.get(key):
            told = {"old": key[1] if key in old else None, "new": key[1] if key in new else None}
            yield {"field": "action", "metric": key[0], **told, "seen": True}


_ActionRow = tuple[Row, dict[str, str], dict[str, dict[str, str]]]
"""An action: its columns, its words in English, and by other languages."""


def _action_rows(folder: Path, names: Collection[Name]) -> list[_ActionRow]:
    called = {(field, spelling): name for field, spelling, name in names}
    rows = [
        {**row, "member": called.get((row["dimension"], row["member"]), row["member"])}
        for row in pq.read_table(folder / "actions.parquet").to_pylist()
    ]
    return [(row, *frozen_words(row, _WORDS)) for row in rows]


def _listed_actions(rows: Sequence[_ActionRow], languages: set[str]) -> dict[tuple[str, ...], list[str]]:
    found: dict[tuple[str, ...], list[str]] = {}
    for row, english, words in rows:
        key = (str(row["metric"]), english.get("what", ""), str(row["who"]))
        others = sorted((language, sorted(said.items())) for language, said in words.items() if language in languages)
        plain = [_plain(row.get(name)) for name in _ACTION]
        found.setdefault(key, []).append(repr([*plain, sorted(english.items()), others]))
    return {key: sorted(lines) for key, lines in found.items()}


def _plain(value: object) -> object:
    """Compare numbers by value, whatever digits their type keeps."""
    return _text(value.normalize()) if isinstance(value, Decimal) else value


def _both(before: Path, now: Path, name: str) -> tuple[Row, Row]:
    return (_read(before / name), _read(now / name))


def _text(value: object) -> str | None:
    return None if value is None else f"{value:f}" if isinstance(value, Decimal) else str(value)


def _read(path: Path) -> Row:
    return dict(json.loads(path.read_bytes()))
