"""Prove one figure: compute it again from the frozen records alone, and show where each record came from."""

# ruff: noqa: S608 - the person who proves a figure reads and runs this SQL, so its values stand in it, quoted
import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from scorecard.archive import provenance, store
from scorecard.archive.causes import base_of
from scorecard.archive.verify import Mailed, open_close
from scorecard.decimals import digits
from scorecard.errors import ScorecardError
from scorecard.settings import Settings

# Reasons for n/a that follow from the figure's own records. Any other is a rule: no query over the records can find it.
_REASONS_IN_RECORDS = ("no_observations", "no_denominator", "too_few_observations", "missing_inputs")
_QUANTILES = {"median": 5, "percentile_90": 9}
"""In tenths."""


def trace(settings: Settings, figure_id: str, mailed: Sequence[Mailed] = ()) -> dict[str, Any]:
    """Recompute a published figure from its close and list what it is made of.

    Parameters
    ----------
    mailed: the closes that people hold on paper; see `verify`.

    Returns
    -------
    figure_id, metric, grain, period, dimension, member, unit, value, recomputed (decimal text; null for n/a), at_most
    (the value if all that is not settled comes about, null where it is settled), equal (both ends), reason (why it is
    n/a, or null), numerator, denominator (sums, decimal text), observations (list of source, object, record_id, file,
    line, url, occurred_at, numerator, denominator, settles_on, evidence), observations_count, missing_inputs (how many
    lack a number), warnings (check_id, severity and message of each check that failed on the data it rests on, a record
    whose update can't be read among them), sql (what was executed; DuckDB runs it from anywhere on this machine),
    columns (source fields by column), loads, files (whether each source file is still the same on disk, and where a
    copy of the version that was loaded is, or null), provenance (records that a later build has in the place of others,
    with the same value; or null), close (close_id, edition, content_sha256, manifest_sha256, closed_at, verified).

    Raises
    ------
    ScorecardError: no such figure, or its close is broken.
    """
    close_id, local_id = store.split_figure_id(figure_id)
    folder = open_close(settings, close_id, mailed)
    manifest = store.read_manifest(folder)
    figure = _figure(folder, figure_id, local_id)
    definition = _read(folder / "definitions.json")["metrics"][figure["metric"]]
    base = base_of(definition)
    condition = _condition(folder, base, definition["aggregate"], figure)
    sql = _sql(folder, condition, definition)
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        numerator, denominator, count, missing, at_most, value = connection.execute(sql).fetchall()[0]
        observations = _observations(connection, folder, condition)
        versions = _versions(connection, folder, condition)
    lineage = _read(folder / "lineage.json").get(base, {})
    reason = figure["na_reason"]
    # n/a by rule (a partial period, no history, a gap of the source) is a decision, not a sum over the records.
    by_rule = reason is not None and reason not in _REASONS_IN_RECORDS
    recomputed, at_most = (None, None) if by_rule else (value, at_most)
    return {
        "figure_id": figure_id,
        **{name: figure[name] for name in ("metric", "grain", "period", "scope", "dimension", "member")},
        "unit": definition["unit"],
        "value": _text(figure["value"]),
        "recomputed": _text(recomputed),
        "at_most": _text(figure["at_most"]),
        "equal": figure["value"] == recomputed and figure["at_most"] == at_most,
        "reason": reason,
        "numerator": _text(numerator),
        "denominator": _text(denominator),
        "observations_count": count,
        "missing_inputs": missing,
        "observations": observations,
        "sql": sql,
        "warnings": _warnings(folder, figure["metric"]),
        "columns": lineage.get("columns", {}),
        "loads": _loads(folder, versions),
        "files": _files(settings, versions),
        "provenance": provenance.of_figure(settings, close_id, condition),
        "close": {
            **{name: manifest[name] for name in ("close_id", "edition", "content_sha256", "closed_at")},
            "manifest_sha256": store.sha256_of(folder / store.MANIFEST),
            "verified": True,
        },
    }


def _warnings(folder: Path, metric: str) -> list[dict[str, str]]:
    """Return the failed checks of the close that touch a metric."""
    with duckdb.connect() as connection:
        rows = connection.execute(
            "select check_id, severity, message from read_parquet($path) "
            "where not passed and list_contains(metrics, $metric) order by severity, check_id",
            {"path": str(folder / "checks.parquet"), "metric": metric},
        ).fetchall()
    return [{"check_id": check, "severity": severity, "message": message} for check, severity, message in rows]


def _figure(folder: Path, figure_id: str, local_id: str) -> dict[str, Any]:
    with duckdb.connect() as connection:
        found = connection.execute(
            "select metric, grain, period, period_start, period_end, observed_until, scope, dimension, member, value, "
            f"{store.optional(folder / 'values.parquet', 'at_most', 'decimal(38, 8)')}, na_reason "
            "from read_parquet($path) where figure_id = $id",
            {"path": str(folder / "values.parquet"), "id": local_id},
        )
        names = [column[0] for column in found.description or ()]
        rows = found.fetchall()
    if not rows:
        raise ScorecardError(
            f"The close {folder.name} has no figure {figure_id!r}.",
            "Figure ids stand on the scorecard's last page; `scorecard values --json` prints them too.",
        )
    return dict(zip(names, rows[0], strict=True))


def _condition(folder: Path, base: str, aggregate: str, figure: dict[str, Any]) -> str:
    """Return which frozen observations count in the figure, as SQL with its values written out."""
    first, end = (_day(figure[name]) for name in ("period_start", "period_end"))
    parts = [f"metric = {_literal(base)}", f"(grain is null or grain = {_literal(figure['grain'])})"]
    if aggregate == "last":
        until = _day(figure["observed_until"])
        parts += [f"occurred_on < date '{until}'", f"(ended_on is null or ended_on >= date '{until}')"]
    else:
        parts += [f"occurred_on >= date '{first}'", f"occurred_on < date '{end}'"]
    # A close has the dimensions that it was made with, whichever are declared now.
    if figure["dimension"] not in store.columns(folder / "observations.parquet"):
        raise ScorecardError(
            f"The observations of {folder.name} have no dimension {figure['dimension']!r}.",
            "Run `scorecard verify`, and restore the folder from a backup if it is broken.",
        )
    parts.append(f'"{figure["dimension"]}" = {_literal(figure["member"])}')
    return "\n      and ".join(parts)


def _sql(folder: Path, condition: str, definition: dict[str, Any]) -> str:
    """Return the query that computes the figure again: in whole numbers until the end, so nothing rounds twice."""
    observations = folder / "observations.parquet"
    minimum = int(definition["minimum_observations"])
    # Of a share, what isn't settled may still be counted in full.
    at_most = "null"
    if definition["aggregate"] == "ratio":
        at_most = f"""case
        when missing > 0 or p is null then null
        {_value("ratio", minimum, "(n + p)")}
    end"""
    ordered = "null"
    if definition["aggregate"] in _QUANTILES:
        ordered = "list(numerator order by numerator) filter (where numerator is not null)"
    return f"""with contributing as (
    select numerator, denominator, {store.optional(observations, "settles_on", "date")}
    from read_parquet({_literal(str(observations))})
    where {condition}
),
sums as (
    select
        sum(numerator) as numerator,
        sum(denominator) as denominator,
        count(*) as observations,
        count(*) filter (where numerator is null or denominator is null) as missing,
        {_units("numerator")} as n,
        {_units("denominator")} as d,
        {_units("(denominator - numerator)", "filter (where settles_on is not null)")} as p,
        {ordered} as ordered
    from contributing
)
select
    numerator,
    denominator,
    observations,
    missing,
    {at_most} as at_most,
    case
        when missing > 0 then null
        {_value(definition["aggregate"], minimum)}
    end as value
from sums"""


def _units(side: str, where: str = "") -> str:
    """Return a sum as a whole number of hundred-millionths; whole units and their fraction apart, so that it fits."""
    return f"sum(trunc({side})::hugeint) {where} * 100000000 + sum(({side} % 1 * 100000000)::hugeint) {where}"


def _share(n: str) -> str:
    """Return a quotient of sums without its sign, rounded half away from zero at the eighth decimal.

    Divided as by hand: the whole part, then four digits of what remains, then four more. At once, a large n would have
    more digits than any whole number holds.
    """
    rest = f"abs({n}) % abs(d) * 10000"
    return f"""(
            try_cast(abs({n}) // abs(d) as decimal(29, 0))
            + ({rest} // abs(d) * 10000 + ({rest} % abs(d) * 20000 + abs(d)) // (2 * abs(d)))::decimal(9, 0)
            * 0.00000001::decimal(9, 8)
        )::decimal(38, 8)"""


def _quantile(tenths: int) -> str:
    """Return the amount so many tenths of the way from the smallest to the largest, between its two neighbours."""
    place = f"{tenths} * (len(ordered) - 1)"
    lower, upper = f"ordered[{place} // 10 + 1]", f"ordered[least({place} // 10 + 2, len(ordered))]"
    return f"({lower} + ({upper} - {lower}) * (({place} % 10)::int * 0.1::decimal(2, 1)))::decimal(38, 8)"


def _value(aggregate: str, minimum: int, n: str = "n") -> str:
    """Return the branches of the value. A sum of nothing is 0; any other measure of nothing is n/a."""
    enough = f"when observations >= {minimum}"
    if aggregate in _QUANTILES:
        return f"{enough} then {_quantile(_QUANTILES[aggregate])}"
    if aggregate in ("sum", "last"):
        return f"when observations = 0 then 0::decimal(38, 8)\n        {enough} then numerator::decimal(38, 8)"
    if aggregate == "growth":
        return f"when d <> 0 then sign({n})::int * {_share(n)}"
    divided = f"then (sign({n}) * sign(d))::int * {_share(n)}"
    return f"when d <> 0 {divided}" if aggregate == "attainment" else f"{enough} and d <> 0 {divided}"


def _observations(connection: duckdb.DuckDBPyConnection, folder: Path, condition: str) -> list[dict[str, Any]]:
    path = folder / "observations.parquet"
    found = connection.execute(
        "select source_system as source, source_object as object, record_id, source_file as file, source_line as line, "
        f"occurred_at, numerator, denominator, {store.optional(path, 'settles_on', 'date')}, evidence "
        f"from read_parquet({_literal(str(path))}) "
        f"where {condition} order by occurred_at, record_id, observation_id, numerator"
    )
    names = [column[0] for column in found.description or ()]
    return [_written(dict(zip(names, row, strict=True))) for row in found.fetchall()]


def _written(row: dict[str, Any]) -> dict[str, Any]:
    """Return an observation as text that JSON can hold."""
    moment, settles_on = row["occurred_at"], row["settles_on"]
    return {
        **row,
        "url": None,
        "occurred_at": moment and moment.astimezone(UTC).isoformat(),
        "numerator": _text(row["numerator"]),
        "denominator": _text(row["denominator"]),
        "settles_on": settles_on and settles_on.isoformat(),
    }


def _versions(connection: duckdb.DuckDBPyConnection, folder: Path, condition: str) -> set[tuple[str, str | None]]:
    rows = connection.execute(
        "select distinct source_file, source_sha256 "
        f"from read_parquet({_literal(str(folder / 'observations.parquet'))}) "
        f"where {condition} and source_file is not null"
    ).fetchall()
    return {(file, digest) for file, digest in rows}


def _files(settings: Settings, versions: set[tuple[str, str | None]]) -> list[dict[str, Any]]:
    """Say of each source file whether it is still what the records came from. A later export is no error."""
    found = []
    for name, digest in sorted(versions, key=lambda version: (version[0], version[1] or "")):
        path = settings.data / name
        if digest is None:
            state = "part of the project, at the revision that the close's manifest names"
        elif not path.is_file():
            state = "gone from the data folder; the frozen records stand"
        elif store.sha256_of(path) == digest:
            state = "unchanged"
        else:
            state = "changed since these records were loaded; the frozen records stand"
        found.append({"file": name, "source_sha256": digest, "state": state, "original": _original(settings, digest)})
    return found


def _original(settings: Settings, digest: str | None) -> str | None:
    """Return the path of the copy of a file version, None where there is none or it is not what was copied."""
    path = settings.original(digest) if digest else None
    return str(path) if path and path.is_file() and store.sha256_of(path) == digest else None


def _loads(folder: Path, versions: set[tuple[str, str | None]]) -> list[dict[str, Any]]:
    loads = json.loads((folder / "loads.json").read_bytes())
    return [load for load in loads if (load["source_file"], load["source_sha256"]) in versions]


def _read(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_bytes()))


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _day(day: date | datetime) -> str:
    return day.date().isoformat() if isinstance(day, datetime) else day.isoformat()


def _text(value: Decimal | None) -> str | None:
    return None if value is None else digits(value)
