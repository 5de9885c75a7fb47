"""Prove one figure: compute it again from the frozen records alone, and show where each record came from.

`trace` returns a dict that JSON can hold:

- ``figure_id``, ``metric``, ``grain``, ``period``, ``scope``, ``dimension``, ``member``, ``unit``
- ``value``, ``recomputed``: decimal text; null for n/a
- ``at_most``: the value if all that is not settled comes about; null where it is settled
- ``longer_than``: what a median of which too many records wait is known to be longer than, or null
- ``equal``: whether value, at_most and longer_than are what was computed again; ``reason``: why it is n/a, or null
- ``numerator``, ``denominator``: sums, decimal text; ``observations_count``; ``missing_inputs``: how many lack a number
- ``observations``: source, object, record_id, file, line, url (the record's page at its service, or null), occurred_at,
  numerator, denominator, is_event, settles_on, term, evidence (role, object, record_id, file, line of each record)
- ``sql``: what was executed; DuckDB runs it from anywhere on this machine
- ``warnings``: check_id, severity and message of each check that failed on the data it rests on, a record whose update
  can't be read among them
- ``terms``: the values that a derived figure is computed from (term, metric, period, at, value); empty of any other
- ``columns``: source fields by column; ``loads``; ``files``: whether each source file is still the same on disk, and
  where a copy of the version that was loaded is, or null
- ``provenance``: records that a later build has in the place of others, with the same value; or null
- ``close``: close_id, edition, content_sha256, closed_at, manifest_sha256, verified
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from scorecard.closes import provenance, store
from scorecard.closes.recompute import Figure, Recomputation, figure_of, recomputation
from scorecard.closes.traced_files import files_on_disk, loads_of
from scorecard.closes.traced_records import RecordUrl, TracedRecords, decimal_text, no_url
from scorecard.closes.verify import Mailed, open_close
from scorecard.shared.files import sha256_of
from scorecard.shared.settings import Settings

# Reasons for n/a that follow from the figure's own records. Any other is a rule: no query over the records can find it.
_REASONS_IN_RECORDS = ("no_observations", "no_denominator", "too_few_observations", "missing_inputs", "longer_than")


def trace(
    settings: Settings, figure_id: str, mailed: Sequence[Mailed] = (), record_url: RecordUrl = no_url
) -> dict[str, Any]:
    """Recompute a published figure from its close and list what it is made of; see the module for the keys.

    Parameters
    ----------
    mailed: the closes that people hold on paper; see `verify`.
    record_url: says where the page of a record is.

    Raises
    ------
    ScorecardError: no such figure, or its close is broken.
    """
    close_id, local_id = store.split_figure_id(figure_id)
    folder = open_close(settings, close_id, mailed)
    figure = figure_of(folder, figure_id, local_id)
    definitions = _read_json(folder / "definitions.json")
    definition = definitions["metrics"].get(figure["metric"]) or definitions["behind"][figure["metric"]]
    computed = recomputation(folder, definitions, figure)
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        result = connection.execute(computed.sql).fetchall()[0]
        records = TracedRecords(connection, folder, figure, record_url)
        observations = [row for part in computed.parts for row in records.of_part(part)]
        versions = records.versions(computed.parts)
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


def _comparison(figure: Figure, result: tuple[Any, ...]) -> dict[str, Any]:
    """Compare a figure with the one row of its recomputation."""
    numerator, denominator, count, missing, at_most, longer_than, value = result
    reason = figure["na_reason"]
    # n/a by rule (a partial period, no history, a gap of the source) is a decision, not a sum over the records.
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
    """Return what identifies the close, which `open_close` has verified."""
    manifest = store.read_manifest(folder)
    return {
        **{name: manifest[name] for name in ("close_id", "edition", "content_sha256", "closed_at")},
        "manifest_sha256": sha256_of(folder / store.MANIFEST),
        "verified": True,
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
