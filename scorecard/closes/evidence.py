"""The records behind an observation: which others decided its value, its members, or that it counts."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb

from scorecard.closes import store
from scorecard.shared.sql import literal

FILE = "evidence.parquet"

Record = tuple[str, str, str]
"""Source system, object and record id."""


def of_metric(folder: Path, metric: str) -> dict[Record, list[dict[str, Any]]]:
    """Return, by the record of an observation, its evidence: role, object, record_id, file and line of each record.

    Parameters
    ----------
    metric: the one whose observations they are. A close that froze no evidence has none.
    """
    path = folder / FILE
    behind: dict[Record, list[dict[str, Any]]] = {}
    if not path.is_file():
        return behind
    with duckdb.connect() as connection:
        rows = connection.execute(
            "select source_system, source_object, record_id, role, evidence_object, evidence_id, evidence_file, "
            "evidence_line from read_parquet($path) where metric = $metric order by all",
            {"path": str(path), "metric": metric},
        ).fetchall()
    for source, table, record_id, *record in rows:
        entry = dict(zip(("role", "object", "record_id", "file", "line"), record, strict=True))
        behind.setdefault((source, table, record_id), []).append(entry)
    return behind


def query(folder: Path) -> str:
    """Return the query of a close's evidence: metric, the record of the observation, evidence_object and evidence_id.

    Earlier closes have it as texts beside their observations.
    """
    columns = "metric, source_system, source_object, record_id"
    path, observations = folder / FILE, folder / "observations.parquet"
    if path.is_file():
        return f"select {columns}, evidence_object, evidence_id from read_parquet({literal(path)})"
    if "evidence" not in store.columns(observations):
        return f"select {columns}, '' as evidence_object, '' as evidence_id from read_parquet({literal(observations)}) limit 0"  # noqa: E501
    return (
        f"select {columns}, split_part(line, ' ', 1) as evidence_object, "
        "regexp_extract(line, '^[^ ]* (.*) [^ ]*$', 1) as evidence_id "
        f"from (select {columns}, unnest(evidence) as line from read_parquet({literal(observations)}))"
    )


def from_text(lines: Iterable[str]) -> list[dict[str, Any]]:
    """Read the evidence of an earlier close, where a record is a text ``object id file:line``."""
    entries = []
    for text in lines:
        table, _, rest = text.partition(" ")
        record_id, _, place = rest.rpartition(" ")
        file, _, line = place.rpartition(":")
        number = int(line) if line.isdecimal() else None
        entries.append({"role": "record", "object": table, "record_id": record_id, "file": file, "line": number})
    return entries
