"""The records of a traced figure as JSON values: with their evidence, their loads and the files that they come from."""

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from scorecard.catalogue import COMPANY
from scorecard.closes import store
from scorecard.closes.recompute import Figure
from scorecard.closes.recompute_sql import FigurePart
from scorecard.shared.decimals import digits
from scorecard.shared.files import sha256_of
from scorecard.shared.settings import Settings
from scorecard.shared.sql import literal

RecordUrl = Callable[[str, str, str], str | None]
"""Returns the address of a record's page at its service, by source, object and record id; None if it has no page."""

FileVersion = tuple[str, str | None]
"""The name of a source file and the hash of its loaded version."""
Record = tuple[str, str, str]
"""Source system, object and record id."""


def no_url(_source: str, _table: str, _record_id: str) -> str | None:
    """Return None: the pages of records are unknown."""
    return None


class TracedRecords:
    """The records of one figure, read from its close."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, folder: Path, figure: Figure, record_url: RecordUrl = no_url
    ) -> None:
        """Take the close's folder and one of its figures. Nothing is read yet."""
        self._connection, self._folder, self._figure, self._record_url = connection, folder, figure, record_url

    def of_part(self, part: FigurePart) -> list[dict[str, Any]]:
        """Return the observations of a part as JSON values; `scorecard.closes.trace` lists their keys."""
        if part.condition is None:
            return [self._target(part)]
        path = self._folder / "observations.parquet"
        has_evidence = "evidence" in store.columns(path)
        cursor = self._connection.execute(
            "select source_system as source, source_object as object, record_id, source_file as file, "
            "source_line as line, occurred_at, numerator, denominator, "
            f"{store.optional(path, 'is_event', 'boolean')}, {store.optional(path, 'settles_on', 'date')}, "
            f"{'evidence' if has_evidence else 'null as evidence'} "
            f"from read_parquet({literal(path)}) "
            f"where {part.condition} order by occurred_at, record_id, observation_id, numerator"
        )
        names = [column[0] for column in cursor.description or ()]
        observations = [self._as_json(dict(zip(names, row, strict=True)), part) for row in cursor.fetchall()]
        if not has_evidence:
            evidence = _evidence(self._folder, part.base or "")
            for observation in observations:
                record = (observation["source"], observation["object"], observation["record_id"])
                observation["evidence"] = evidence.get(record, [])
        return observations

    def versions(self, parts: Sequence[FigurePart]) -> set[FileVersion]:
        """Return the versions of files that the records and targets of the parts come from."""
        condition = " or ".join(f"({part.condition})" for part in parts if part.condition)
        rows = self._connection.execute(
            "select distinct source_file, source_sha256 "
            f"from read_parquet({literal(self._folder / 'observations.parquet')}) "
            f"where ({condition}) and source_file is not null"
        ).fetchall()
        versions = {(file, digest) for file, digest in rows}
        for part in parts:
            if part.condition is None:
                file, _, digest = self._place_of_target(part)
                versions |= {(file, digest)} if file else set()
        return versions

    def _target(self, part: FigurePart) -> dict[str, Any]:
        """Return the target of a derived figure in the shape of an observation."""
        ((target,),) = self._connection.execute(part.sql).fetchall()
        figure = self._figure
        key = (part.metric, figure["period"], figure["scope"], figure["dimension"], figure["member"])
        file, line, _ = self._place_of_target(part)
        row = {
            "source": "targets",
            "object": "targets",
            "record_id": "|".join(key),
            # Closes of earlier releases lack the place of a target.
            "file": file or "dbt_project/seeds/targets.csv",
            "line": line,
            **dict.fromkeys(("occurred_at", "numerator", "is_event", "settles_on", "evidence")),
            "denominator": target,
        }
        return self._as_json(row, part)

    def _place_of_target(self, part: FigurePart) -> tuple[str | None, int | None, str | None]:
        """Return the file and the line of a target, and the file's hash; each is None if it is unknown."""
        path = self._folder / "targets.parquet"
        sql_types = {"source_file": "varchar", "source_line": "bigint", "source_sha256": "varchar"}
        columns = ", ".join(store.optional(path, column, sql_type) for column, sql_type in sql_types.items())
        names = ("grain", "period", "scope", "dimension", "member")
        condition = " and ".join(f"{name} = ${name}" for name in ("metric", *names))
        row = self._connection.execute(
            f"select {columns} from read_parquet({literal(path)}) where {condition}",
            {"metric": part.metric, **{name: self._figure[name] for name in names}},
        ).fetchone()
        return (row[0], row[1], row[2]) if row else (None, None, None)

    def _as_json(self, row: dict[str, Any], part: FigurePart) -> dict[str, Any]:
        """Return an observation as JSON values."""
        moment, settles_on = row["occurred_at"], row["settles_on"]
        return {
            **row,
            "url": self._record_url(row["source"], row["object"], row["record_id"]),
            "term": part.name,
            "evidence": _evidence_from_texts(row["evidence"] or ()),
            "occurred_at": moment and moment.astimezone(UTC).isoformat(),
            "numerator": decimal_text(row["numerator"]),
            "denominator": decimal_text(row["denominator"]),
            "settles_on": settles_on and settles_on.isoformat(),
        }


def decimal_text(value: Decimal | None) -> str | None:
    """Return a number as exact decimal text."""
    return None if value is None else digits(value)


def _evidence(folder: Path, metric: str) -> dict[Record, list[dict[str, Any]]]:
    """Return the evidence of a metric's observations by record: role, object, record_id, file and line of each record.

    A close without evidence gives an empty dict.
    """
    path = folder / "evidence.parquet"
    evidence: dict[Record, list[dict[str, Any]]] = {}
    if not path.is_file():
        return evidence
    with duckdb.connect() as connection:
        rows = connection.execute(
            "select source_system, source_object, record_id, role, evidence_object, evidence_id, evidence_file, "
            "evidence_line from read_parquet($path) where metric = $metric order by all",
            {"path": str(path), "metric": metric},
        ).fetchall()
    for source, table, record_id, *record in rows:
        entry = dict(zip(("role", "object", "record_id", "file", "line"), record, strict=True))
        evidence.setdefault((source, table, record_id), []).append(entry)
    return evidence


def _evidence_from_texts(texts: Iterable[str]) -> list[dict[str, Any]]:
    """Parse the evidence of closes of earlier releases, where a record is a text ``object id file:line``."""
    entries = []
    for text in texts:
        table, _, rest = text.partition(" ")
        record_id, _, place = rest.rpartition(" ")
        file, _, line = place.rpartition(":")
        number = int(line) if line.isdecimal() else None
        entries.append({"role": "record", "object": table, "record_id": record_id, "file": file, "line": number})
    return entries


def loads_of(folder: Path, versions: set[FileVersion]) -> list[dict[str, Any]]:
    """Return the loads of a close that loaded some file versions."""
    loads = json.loads((folder / "loads.json").read_bytes())
    return [load for load in loads if (load["source_file"], load["source_sha256"]) in versions]


def files_on_disk(settings: Settings, versions: set[FileVersion]) -> list[dict[str, Any]]:
    """Return whether each source file on disk is still the loaded version. A later export is no error."""
    files = []
    for name, digest in sorted(versions, key=lambda version: (version[0], version[1] or "")):
        path = (settings.project if name.startswith(f"{COMPANY}/") else settings.data) / name
        if digest is None:
            state = "part of the project, at the revision that the close's manifest names"
        elif not path.is_file():
            state = "gone from the data folder; the frozen records are kept"
        elif sha256_of(path) == digest:
            state = "unchanged"
        else:
            state = "changed since these records were loaded; the frozen records are kept"
        files.append({"file": name, "source_sha256": digest, "state": state, "original": _original(settings, digest)})
    return files


def _original(settings: Settings, digest: str | None) -> str | None:
    """Return the path of the copy of a file version; None if it is missing or was changed."""
    path = settings.original(digest) if digest else None
    return str(path) if path and path.is_file() and sha256_of(path) == digest else None
