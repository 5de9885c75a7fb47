"""Prove one figure: compute it again from the frozen records alone, and show where each record came from."""

# ruff: noqa: S608 - the person who proves a figure reads and runs this SQL, so its values stand in it, quoted
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from scorecard.archive import store
from scorecard.archive.verify import refuse_broken
from scorecard.catalogue import DIMENSIONS
from scorecard.decimals import digits
from scorecard.errors import ScorecardError
from scorecard.settings import Settings

# Reasons for n/a that don't follow from the figure's own records, so that no query over them can find them.
_POLICY_REASONS = ("partial_period", "no_history")
_QUANTILES = {"median": "0.5", "percentile_90": "0.9"}


def trace(settings: Settings, figure_id: str) -> dict[str, Any]:
    """Recompute a published figure from its close and list what it is made of.

    Returns
    -------
    figure_id, metric, grain, period, dimension, member, unit, value, recomputed (decimal text; null for n/a),
    equal, reason (why it is n/a, or null), numerator, denominator (sums, decimal text), observations (list of
    source, object, record_id, file, line, url, occurred_at, numerator, denominator, evidence), observations_count,
    missing_inputs (how many lack a number), sql (what was executed; DuckDB runs it from anywhere on this machine),
    columns (source fields by column), loads, files (whether each source file is still the same on disk, and where
    a copy of the version that was loaded is, or null), close
    (close_id, edition, content_sha256, manifest_sha256, closed_at, verified).

    Raises
    ------
    ScorecardError: no such figure, or its close is broken.
    """
    close_id, local_id = store.split_figure_id(figure_id)
    folder = store.find_close(settings, close_id)
    refuse_broken(settings, folder)
    manifest = store.read_manifest(folder)
    figure = _figure(folder, figure_id, local_id)
    definition = _read(folder / "definitions.json")["metrics"][figure["metric"]]
    base = definition["model"].removeprefix("kpi_")
    condition = _condition(base, definition["aggregate"], figure)
    sql = _sql(folder, condition, definition)
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        numerator, denominator, count, missing, value = connection.execute(sql).fetchall()[0]
        observations = _observations(connection, folder, condition)
        versions = _versions(connection, folder, condition)
    lineage = _read(folder / "lineage.json").get(base, {})
    reason = figure["na_reason"]
    # n/a by rule (a partial period, no history) is a decision about the figure, not a sum over its records.
    recomputed = None if reason in _POLICY_REASONS else value
    return {
        "figure_id": figure_id,
        **{name: figure[name] for name in ("metric", "grain", "period", "scope", "dimension", "member")},
        "unit": definition["unit"],
        "value": _text(figure["value"]),
        "recomputed": _text(recomputed),
        "equal": figure["value"] == recomputed,
        "reason": reason,
        "numerator": _text(numerator),
        "denominator": _text(denominator),
        "observations_count": count,
        "missing_inputs": missing,
        "observations": observations,
        "sql": sql,
        "columns": lineage.get("columns", {}),
        "loads": _loads(folder, versions),
        "files": _files(settings, versions),
        "close": {
            **{name: manifest[name] for name in ("close_id", "edition", "content_sha256", "closed_at")},
            "manifest_sha256": store.sha256_of(folder / store.MANIFEST),
            "verified": True,
        },
    }


def _figure(folder: Path, figure_id: str, local_id: str) -> dict[str, Any]:
    with duckdb.connect() as connection:
        found = connection.execute(
            "select metric, grain, period, period_start, period_end, observed_until, scope, dimension, member, value, "
            "na_reason "
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


def _condition(base: str, aggregate: str, figure: dict[str, Any]) -> str:
    """Return which frozen observations count in the figure, as SQL with its values written out."""
    first, end = (_day(figure[name]) for name in ("period_start", "period_end"))
    parts = [f"metric = {_literal(base)}", f"(grain is null or grain = {_literal(figure['grain'])})"]
    if aggregate == "last":
        until = _day(figure["observed_until"])
        parts += [f"occurred_on < date '{until}'", f"(ended_on is null or ended_on >= date '{until}')"]
    else:
        parts += [f"occurred_on >= date '{first}'", f"occurred_on < date '{end}'"]
    if figure["dimension"] not in DIMENSIONS:
        raise ScorecardError(
            f"The dimension {figure['dimension']!r} is unknown.", "Use the release that made the close."
        )
    parts.append(f'"{figure["dimension"]}" = {_literal(figure["member"])}')
    return "\n      and ".join(parts)


def _sql(folder: Path, condition: str, definition: dict[str, Any]) -> str:
    """Return the query that computes the figure again: in whole numbers until the end, so nothing rounds twice."""
    return f"""with contributing as (
    select * from read_parquet({_literal(str(folder / "observations.parquet"))})
    where {condition}
),
sums as (
    select
        sum(numerator) as numerator,
        sum(denominator) as denominator,
        count(*) as observations,
        count(*) filter (where numerator is null or denominator is null) as missing,
        sum((numerator * 10000)::hugeint) as n,
        sum((denominator * 10000)::hugeint) as d,
        {_quantile(definition["aggregate"])} as quantile
    from contributing
)
select
    numerator,
    denominator,
    observations,
    missing,
    case
        when missing > 0 then null
        {_value(definition["aggregate"], int(definition["minimum_observations"]))}
    end as value
from sums"""


def _quantile(aggregate: str) -> str:
    if aggregate not in _QUANTILES:
        return "null"
    # Of decimals, DuckDB interpolates in doubles and cuts the rest off; rounded to 5 decimals a double is exact here.
    return f"quantile_cont(numerator::double, {_QUANTILES[aggregate]})::decimal(28, 5)::decimal(38, 8)"


def _value(aggregate: str, minimum: int) -> str:
    """Return the branches of the value. A sum of nothing is 0; any other measure of nothing is n/a."""
    # Rounded half away from zero at the eighth decimal.
    share = "((2 * abs(n) * 100000000 + abs(d)) // (2 * abs(d)))::decimal(38, 0) * 0.00000001::decimal(9, 8)"
    enough = f"when observations >= {minimum}"
    if aggregate in _QUANTILES:
        return f"{enough} then quantile::decimal(38, 8)"
    if aggregate in ("sum", "last"):
        return f"when observations = 0 then 0::decimal(38, 8)\n        {enough} then numerator::decimal(38, 8)"
    if aggregate == "growth":
        return f"when d <> 0 then sign(n) * {share}"
    divided = f"then sign(n) * sign(d) * {share}"
    return f"when d <> 0 {divided}" if aggregate == "attainment" else f"{enough} and d <> 0 {divided}"


def _observations(connection: duckdb.DuckDBPyConnection, folder: Path, condition: str) -> list[dict[str, Any]]:
    rows = connection.execute(
        "select source_system, source_object, record_id, source_file, source_line, occurred_at, numerator, "
        f"denominator, evidence from read_parquet({_literal(str(folder / 'observations.parquet'))}) "
        f"where {condition} order by occurred_at, record_id, observation_id, numerator"
    ).fetchall()
    return [
        {
            "source": system,
            "object": source_object,
            "record_id": record_id,
            "file": file,
            "line": line,
            "url": None,
            "occurred_at": occurred_at and occurred_at.astimezone(UTC).isoformat(),
            "numerator": _text(numerator),
            "denominator": _text(denominator),
            "evidence": evidence,
        }
        for system, source_object, record_id, file, line, occurred_at, numerator, denominator, evidence in rows
    ]


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
