"""Prove one figure: compute it again from the frozen records alone, and show where each record came from."""

import json
from collections.abc import Sequence
from datetime import UTC
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from scorecard.catalogue import COMPANY
from scorecard.closes import evidence, provenance, store
from scorecard.closes.recompute import Figure, Part, Recomputation, figure_of, recomputation
from scorecard.closes.verify import Mailed, open_close
from scorecard.shared.decimals import digits
from scorecard.shared.files import sha256_of
from scorecard.shared.settings import Settings
from scorecard.shared.sql import literal

# Reasons for n/a that follow from the figure's own records. Any other is a rule: no query over the records can find it.
_REASONS_IN_RECORDS = ("no_observations", "no_denominator", "too_few_observations", "missing_inputs", "longer_than")


def trace(settings: Settings, figure_id: str, mailed: Sequence[Mailed] = ()) -> dict[str, Any]:
    """Recompute a published figure from its close and list what it is made of.

    Parameters
    ----------
    mailed: the closes that people hold on paper; see `verify`.

    Returns
    -------
    figure_id, metric, grain, period, dimension, member, unit, value, recomputed (decimal text; null for n/a), at_most
    (the value if all that is not settled comes about, null where it is settled), longer_than (what a median of which
    too many records wait is known to be longer than, or null), equal (all three), reason (why it is n/a, or null),
    numerator, denominator (sums, decimal text), observations (list of source, object, record_id, file, line, url,
    occurred_at, numerator, denominator, is_event, settles_on, term, evidence: list of role, object, record_id, file,
    line), observations_count, missing_inputs (how many lack a number), terms (the values that a derived figure is
    computed from: term, metric, period, at, value; empty of any other), warnings (check_id, severity and message of
    each check that failed on the data it rests on, a record whose update can't be read among them), sql (what was
    executed; DuckDB runs it from anywhere on this machine), columns (source fields by column), loads, files (whether
    each source file is still the same on disk, and where a copy of the version that was loaded is, or null),
    provenance (records that a later build has in the place of others, with the same value; or null), close (close_id,
    edition, content_sha256, manifest_sha256, closed_at, verified).

    Raises
    ------
    ScorecardError: no such figure, or its close is broken.
    """
    close_id, local_id = store.split_figure_id(figure_id)
    folder = open_close(settings, close_id, mailed)
    manifest = store.read_manifest(folder)
    figure = figure_of(folder, figure_id, local_id)
    definitions = _read(folder / "definitions.json")
    definition = definitions["metrics"].get(figure["metric"]) or definitions["behind"][figure["metric"]]
    computed = recomputation(folder, definitions, figure)
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        numerator, denominator, count, missing, at_most, longer_than, value = connection.execute(
            computed.sql
        ).fetchall()[0]
        observations = [row for part in computed.parts for row in _observations(connection, folder, figure, part)]
        versions = _versions(connection, folder, computed.conditions)
        for part in computed.parts:
            if part.condition is None and (found := _row_of_target(connection, folder, figure, part)) and found[0]:
                versions.add((found[0], found[2]))
    condition = " or ".join(f"({condition})" for condition in computed.conditions)
    reason = figure["na_reason"]
    # n/a by rule (a partial period, no history, a gap of the source) is a decision, not a sum over the records.
    by_rule = reason is not None and reason not in _REASONS_IN_RECORDS
    recomputed = (None, None, None) if by_rule else (value, at_most, longer_than)
    return {
        "figure_id": figure_id,
        **{name: figure[name] for name in ("metric", "grain", "period", "scope", "dimension", "member")},
        "unit": definition["unit"],
        "value": _text(figure["value"]),
        "recomputed": _text(recomputed[0]),
        "at_most": _text(figure["at_most"]),
        "longer_than": _text(figure["longer_than"]),
        "equal": (figure["value"], figure["at_most"], figure["longer_than"]) == recomputed,
        "reason": reason,
        "numerator": _text(numerator),
        "denominator": _text(denominator),
        "observations_count": count,
        "missing_inputs": missing,
        "observations": observations,
        "sql": computed.sql,
        "warnings": _warnings(folder, figure["metric"]),
        "terms": _terms(close_id, folder, computed),
        "columns": _columns(folder, computed),
        "loads": _loads(folder, versions),
        "files": _files(settings, versions),
        "provenance": provenance.of_figure(settings, close_id, condition),
        "close": {
            **{name: manifest[name] for name in ("close_id", "edition", "content_sha256", "closed_at")},
            "manifest_sha256": sha256_of(folder / store.MANIFEST),
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


def _terms(close_id: str, folder: Path, computed: Recomputation) -> list[dict[str, Any]]:
    """Return the values that a derived figure is computed from."""
    if len(computed.parts) == 1:
        return []
    entries = []
    with duckdb.connect() as connection:
        for part in computed.parts:
            value = connection.execute(f"select value from ({part.sql})").fetchall()[0][0]
            entry = {"term": part.name, "metric": part.metric, "period": part.period, "at": part.at}
            entries.append({**entry, "value": _text(value)})
    return entries


def _columns(folder: Path, computed: Recomputation) -> dict[str, list[str]]:
    """Return the source fields behind each column of the observations."""
    lineage = _read(folder / "lineage.json")
    columns: dict[str, set[str]] = {}
    for base in {part.base for part in computed.parts if part.base}:
        for column, fields in lineage.get(base, {}).get("columns", {}).items():
            columns.setdefault(column, set()).update(fields)
    return {column: sorted(fields) for column, fields in columns.items()}


def _observations(
    connection: duckdb.DuckDBPyConnection, folder: Path, figure: Figure, part: Part
) -> list[dict[str, Any]]:
    if part.condition is None:
        return [_target(connection, folder, figure, part)]
    path = folder / "observations.parquet"
    has_evidence = "evidence" in store.columns(path)
    rows = connection.execute(
        "select source_system as source, source_object as object, record_id, source_file as file, source_line as line, "
        "occurred_at, numerator, denominator, "
        f"{store.optional(path, 'is_event', 'boolean')}, {store.optional(path, 'settles_on', 'date')}, "
        f"{'evidence' if has_evidence else 'null as evidence'} "
        f"from read_parquet({literal(path)}) "
        f"where {part.condition} order by occurred_at, record_id, observation_id, numerator"
    )
    names = [column[0] for column in rows.description or ()]
    observations = [_written(dict(zip(names, row, strict=True)), part) for row in rows.fetchall()]
    if not has_evidence:
        behind = evidence.of_metric(folder, part.base or "")
        for row in observations:
            row["evidence"] = behind.get((row["source"], row["object"], row["record_id"]), [])
    return observations


def _target(connection: duckdb.DuckDBPyConnection, folder: Path, figure: Figure, part: Part) -> dict[str, Any]:
    """Return a target as an observation: what a derived figure is measured against."""
    ((target,),) = connection.execute(part.sql).fetchall()
    key = (part.metric, figure["period"], figure["scope"], figure["dimension"], figure["member"])
    file, line, _ = _row_of_target(connection, folder, figure, part) or (None, None, None)
    row = {
        "source": "targets",
        "object": "targets",
        "record_id": "|".join(key),
        # Closes of before don't say where a target stood.
        "file": file or "dbt_project/seeds/targets.csv",
        "line": line,
        **dict.fromkeys(("occurred_at", "numerator", "is_event", "settles_on", "evidence")),
        "denominator": target,
    }
    return _written(row, part)


def _row_of_target(
    connection: duckdb.DuckDBPyConnection, folder: Path, figure: Figure, part: Part
) -> tuple[str | None, int | None, str | None] | None:
    """Return file, line and hash of the row that has a figure's target; null where they are not known."""
    path = folder / "targets.parquet"
    kinds = {"source_file": "varchar", "source_line": "bigint", "source_sha256": "varchar"}
    listed = ", ".join(store.optional(path, column, kind) for column, kind in kinds.items())
    names = ("grain", "period", "scope", "dimension", "member")
    same = " and ".join(f"{name} = ${name}" for name in ("metric", *names))
    row = connection.execute(
        f"select {listed} from read_parquet({literal(path)}) where {same}",
        {"metric": part.metric, **{name: figure[name] for name in names}},
    ).fetchone()
    return row and (row[0], row[1], row[2])


def _written(row: dict[str, Any], part: Part) -> dict[str, Any]:
    """Return an observation as text that JSON can hold."""
    moment, settles_on = row["occurred_at"], row["settles_on"]
    return {
        **row,
        "url": None,
        "term": part.name,
        "evidence": evidence.from_text(row["evidence"] or ()),
        "occurred_at": moment and moment.astimezone(UTC).isoformat(),
        "numerator": _text(row["numerator"]),
        "denominator": _text(row["denominator"]),
        "settles_on": settles_on and settles_on.isoformat(),
    }


def _versions(
    connection: duckdb.DuckDBPyConnection, folder: Path, conditions: Sequence[str]
) -> set[tuple[str, str | None]]:
    condition = " or ".join(f"({condition})" for condition in conditions)
    rows = connection.execute(
        "select distinct source_file, source_sha256 "
        f"from read_parquet({literal(folder / 'observations.parquet')}) "
        f"where ({condition}) and source_file is not null"
    ).fetchall()
    return {(file, digest) for file, digest in rows}


def _files(settings: Settings, versions: set[tuple[str, str | None]]) -> list[dict[str, Any]]:
    """Say of each source file whether it is still what the records came from. A later export is no error."""
    found = []
    for name, digest in sorted(versions, key=lambda version: (version[0], version[1] or "")):
        path = (settings.project if name.startswith(f"{COMPANY}/") else settings.data) / name
        if digest is None:
            state = "part of the project, at the revision that the close's manifest names"
        elif not path.is_file():
            state = "gone from the data folder; the frozen records stand"
        elif sha256_of(path) == digest:
            state = "unchanged"
        else:
            state = "changed since these records were loaded; the frozen records stand"
        found.append({"file": name, "source_sha256": digest, "state": state, "original": _original(settings, digest)})
    return found


def _original(settings: Settings, digest: str | None) -> str | None:
    """Return the path of the copy of a file version, None where there is none or it is not what was copied."""
    path = settings.original(digest) if digest else None
    return str(path) if path and path.is_file() and sha256_of(path) == digest else None


def _loads(folder: Path, versions: set[tuple[str, str | None]]) -> list[dict[str, Any]]:
    loads = json.loads((folder / "loads.json").read_bytes())
    return [load for load in loads if (load["source_file"], load["source_sha256"]) in versions]


def _read(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_bytes()))


def _text(value: Decimal | None) -> str | None:
    return None if value is None else digits(value)
