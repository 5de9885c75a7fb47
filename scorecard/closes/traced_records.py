"""The records of a traced figure, as JSON can hold them, and the versions of files that they come from."""

from collections.abc import Callable, Sequence
from datetime import UTC
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from scorecard.closes import evidence, store
from scorecard.closes.recompute import Figure
from scorecard.closes.recompute_sql import FigurePart
from scorecard.shared.decimals import digits
from scorecard.shared.sql import literal

RecordUrl = Callable[[str, str, str], str | None]
"""Returns the address of a record's page at its service, by source, object and record id; None where there is none."""

FileVersion = tuple[str, str | None]
"""The name of a source file and the hash of the version that was loaded."""


def no_url(_source: str, _table: str, _record_id: str) -> str | None:
    """Return no address: the pages of records aren't known."""
    return None


class TracedRecords:
    """The records of one figure, read from its close."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, folder: Path, figure: Figure, record_url: RecordUrl = no_url
    ) -> None:
        """Keep where to read; nothing is read yet. ``folder``: the close's."""
        self._connection, self._folder, self._figure, self._record_url = connection, folder, figure, record_url

    def of_part(self, part: FigurePart) -> list[dict[str, Any]]:
        """Return the observations of a part as JSON can hold them; the keys stand with `trace`."""
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
            behind = evidence.of_metric(self._folder, part.base or "")
            for observation in observations:
                record = (observation["source"], observation["object"], observation["record_id"])
                observation["evidence"] = behind.get(record, [])
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
                file, _, digest = self._row_of_target(part)
                versions |= {(file, digest)} if file else set()
        return versions

    def _target(self, part: FigurePart) -> dict[str, Any]:
        """Return a target as an observation: what a derived figure is measured against."""
        ((target,),) = self._connection.execute(part.sql).fetchall()
        figure = self._figure
        key = (part.metric, figure["period"], figure["scope"], figure["dimension"], figure["member"])
        file, line, _ = self._row_of_target(part)
        row = {
            "source": "targets",
            "object": "targets",
            "record_id": "|".join(key),
            # Earlier closes don't say where a target stood.
            "file": file or "dbt_project/seeds/targets.csv",
            "line": line,
            **dict.fromkeys(("occurred_at", "numerator", "is_event", "settles_on", "evidence")),
            "denominator": target,
        }
        return self._as_json(row, part)

    def _row_of_target(self, part: FigurePart) -> tuple[str | None, int | None, str | None]:
        """Return file, line and hash of the row that has a figure's target; None where they are not known."""
        path = self._folder / "targets.parquet"
        kinds = {"source_file": "varchar", "source_line": "bigint", "source_sha256": "varchar"}
        listed = ", ".join(store.optional(path, column, kind) for column, kind in kinds.items())
        names = ("grain", "period", "scope", "dimension", "member")
        same = " and ".join(f"{name} = ${name}" for name in ("metric", *names))
        row = self._connection.execute(
            f"select {listed} from read_parquet({literal(path)}) where {same}",
            {"metric": part.metric, **{name: self._figure[name] for name in names}},
        ).fetchone()
        return (row[0], row[1], row[2]) if row else (None, None, None)

    def _as_json(self, row: dict[str, Any], part: FigurePart) -> dict[str, Any]:
        """Return an observation as text that JSON can hold."""
        moment, settles_on = row["occurred_at"], row["settles_on"]
        return {
            **row,
            "url": self._record_url(row["source"], row["object"], row["record_id"]),
            "term": part.name,
            "evidence": evidence.from_text(row["evidence"] or ()),
            "occurred_at": moment and moment.astimezone(UTC).isoformat(),
            "numerator": decimal_text(row["numerator"]),
            "denominator": decimal_text(row["denominator"]),
            "settles_on": settles_on and settles_on.isoformat(),
        }


def decimal_text(value: Decimal | None) -> str | None:
    """Return a number as exact decimal text."""
    return None if value is None else digits(value)
