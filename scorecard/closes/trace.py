"""Prove one figure: compute it again from the frozen records alone, and list the origin of each record.

`trace` returns a dict of JSON values:

- ``figure_id``, ``metric``, ``grain``, ``period``, ``scope``, ``dimension``, ``member``, ``unit``
- ``value``, ``recomputed``: decimal text; null for n/a
- ``at_most``: the upper end of a provisional value; null for a final one
- ``longer_than``: the lower bound of a median that is unknown, since too many records still wait; or null
- ``equal``: whether value, at_most and longer_than equal the recomputed ones; ``reason``: why it is n/a, or null
- ``numerator``, ``denominator``: sums, decimal text; ``observations_count``; ``missing_inputs``: how many lack a number
- ``observations``: source, object, record_id, file, line, url (the record's page at its service, or null), occurred_at,
  numerator, denominator, is_event, settles_on, term, evidence (role, object, record_id, file, line of each record)
- ``sql``: the executed query; DuckDB runs it from any folder of this machine
- ``warnings``: check_id, severity and message of each failed check of the data that the figure rests on
- ``terms``: the values that a derived figure is computed from (term, metric, period, at, value); else empty
- ``columns``: source fields by column; ``loads``; ``files``: whether each source file is unchanged on disk, and the
  path of a copy of the loaded version, or null
- ``provenance``: the records that replace others in a later build with the same value; or null
- ``close``: close_id, edition, content_sha256, closed_at, manifest_sha256, verified
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from scorecard.closes import provenance, store
from scorecard.closes.recompute import Figure, Recomputation, figure_of, recomputation
from scorecard.closes.traced_records import (
    FileVersion,
    RecordUrl,
    TracedRecords,
    decimal_text,
    files_on_disk,
    loads_of,
    no_url,
)
from scorecard.closes.verify import Mailed, open_close
from scorecard.shared.files import sha256_of
from scorecard.shared.settings import Settings

# The reasons for n/a that follow from the figure's own records. All others come from rules, not from records.
_REASONS_IN_RECORDS = ("no_observations", "no_denominator", "too_few_observations", "missing_inputs", "longer_than")


def trace(
    settings: Settings, figure_id: str, mailed: Sequence[Mailed] = (), record_url: RecordUrl = no_url
) -> dict[str, Any]:
    """Recompute a published figure from its close, and list its records. The module's docstring lists the keys.

    Parameters
    ----------
    mailed: the closes that the archive must have; see `verify`.
    record_url: returns the address of a record's page.

    Raises
    ------
    ScorecardError: the figure id is unknown, or the close is broken.
    """
    close_id, local_id = store.split_figure_id(figure_id)
    folder = open_close(settings, close_id, mailed)
    figure = figure_of(folder, figure_id, local_id)
    definitions = _read_json(folder / "definitions.json")
    definition = definitions["metrics"].get(figure["metric"]) or definitions["behind"][figure["metric"]]
    computed = recomputation(folder, definitions, figure)
    result, observations, versions = _computed_again(folder, figure, computed, record_url)
    condition = " or ".join(f"({condition})" for condition in computed.conditions)
    return {
        "figure_id": figure_id,
        **{name: figure[name] for name in ("metric", "grain", "period", "scope", "dimension", "member")},
        "unit": definition["unit"],
        **_comparison(figure, result),
        "observations": observations,
        "sql": computed.sql,
        "warnings": _warnings(folder, figure["metric"]),
        "terms": _terms(folder, computed),
        "columns": _columns(folder, computed),
        "loads": loads_of(folder, versions),
        "files": files_on_disk(settings, versions),
        "provenance": provenance.of_figure(settings, close_id, condition),
        "close": _close(folder),
    }


def _computed_again(
    folder: Path, figure: Figure, computed: Recomputation, record_url: RecordUrl
) -> tuple[tuple[Any, ...], list[dict[str, Any]], set[FileVersion]]:
    """Execute a recomputation; return its row, its observations, and the versions of the files that they come from."""
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        result = connection.execute(computed.sql).fetchall()[0]
        records = TracedRecords(connection, folder, figure, record_url)
        observations = [row for part in computed.parts for row in records.of_part(part)]
        versions = records.versions(computed.parts)
    return result, observations, versions


def _comparison(figure: Figure, result: tuple[Any, ...]) -> dict[str, Any]:
    """Compare a figure with the one row of its recomputation."""
    numerator, denominator, count, missing, at_most, longer_than, value = result
    reason = figure["na_reason"]
    # n/a by rule (a partial period, no history, a gap of the source) does not follow from the records.
    is_by_rule = reason is not None and reason not in _REASONS_IN_RECORDS
    recomputed = (None, None, None) if is_by_rule else (value, at_most, longer_than)
    return {
        "value": decimal_text(figure["value"]),
        "recomputed": decimal_text(recomputed[0]),
        "at_most": decimal_text(figure["at_most"]),
        "longer_than": decimal_text(figure["longer_than"]),
        "equal": (figure["value"], figure["at_most"], figure["longer_than"]) == recomputed,
        "reason": reason,
        "numerator": decimal_text(numerator),
        "denominator": decimal_text(denominator),
        "observations_count": count,
        "missing_inputs": missing,
    }


def _close(folder: Path) -> dict[str, Any]:
    """Return what identifies the close. `open_close` has verified it."""
    manifest = store.read_manifest(folder)
    return {
        **{name: manifest[name] for name in ("close_id", "edition", "content_sha256", "closed_at")},
        "manifest_sha256": sha256_of(folder / store.MANIFEST),
        "verified": True,
    }


def _warnings(folder: Path, metric: str) -> list[dict[str, str]]:
    """Return the failed checks of a close that touch a metric."""
    with duckdb.connect() as connection:
        rows = connection.execute(
            "select check_id, severity, message from read_parquet($path) "
            "where not passed and list_contains(metrics, $metric) order by severity, check_id",
            {"path": str(folder / "checks.parquet"), "metric": metric},
        ).fetchall()
    return [{"check_id": check, "severity": severity, "message": message} for check, severity, message in rows]


def _terms(folder: Path, computed: Recomputation) -> list[dict[str, Any]]:
    """Return the values that a derived figure is computed from."""
    if len(computed.parts) == 1:
        return []
    entries = []
    with duckdb.connect() as connection:
        for part in computed.parts:
            value = connection.execute(f"select value from ({part.sql})").fetchall()[0][0]
            entry = {"term": part.name, "metric": part.metric, "period": part.period, "at": part.at}
            entries.append({**entry, "value": decimal_text(value)})
    return entries


def _columns(folder: Path, computed: Recomputation) -> dict[str, list[str]]:
    """Return the source fields behind each column of the observations."""
    lineage = _read_json(folder / "lineage.json")
    columns: dict[str, set[str]] = {}
    for base in {part.base for part in computed.parts if part.base}:
        for column, fields in lineage.get(base, {}).get("columns", {}).items():
            columns.setdefault(column, set()).update(fields)
    return {column: sorted(fields) for column, fields in columns.items()}


def _read_json(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_bytes()))
