"""What happened to records in the raw tables since an earlier edition: late, corrected, deleted or merged."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import duckdb

from scorecard.catalogue import declaration_path, read_sources
from scorecard.shared.settings import Settings
from scorecard.shared.sql import literal, quoted


class RecordKey(NamedTuple):
    """A record of a source: the names of the source and of the raw table, and the record's id in the table."""

    source: str
    table: str
    record_id: str


@dataclass(frozen=True)
class RecordChange:
    """What happened to a record: late record, correction, deletion or merged. A correction has its changed fields."""

    kind: str
    fields: frozenset[str] = frozenset()


@dataclass
class History:
    """The changes in the raw tables of the published warehouse since an earlier edition.

    ``since``: by schema, the newest load that the earlier edition knew. ``closed_at``: the moment for other schemas.
    """

    connection: duckdb.DuckDBPyConnection
    settings: Settings
    since: Mapping[str, datetime]
    closed_at: datetime
    _columns: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    _keys: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    _changed: dict[tuple[str, str], bool] = field(default_factory=dict)

    def changes(self, records: Iterable[RecordKey]) -> dict[RecordKey, RecordChange]:
        """Return what happened to records. Unchanged records, and records of no raw table, are left out."""
        by_table: dict[tuple[str, str], list[str]] = {}
        for source, table, record_id in records:
            by_table.setdefault((source, table), []).append(record_id)
        return {
            RecordKey(source, table, record_id): change
            for (source, table), ids in by_table.items()
            for record_id, change in self._changes_in(source, table, ids)
        }

    def has_changed(self, schema: str, table: str) -> bool:
        """Whether any version of a raw table's records began or ended since. The answer is cached."""
        if (schema, table) not in self._changed:
            self._changed[schema, table] = self._has_changed(schema, table)
        return self._changed[schema, table]

    def _has_changed(self, schema: str, table: str) -> bool:
        if "_valid_to" not in self._columns_of(schema, table):
            return False
        moment = self._moment(schema)
        query = (
            f"select 1 from {quoted(schema)}.{quoted(table)} where _valid_from > $moment or _valid_to > $moment limit 1"
        )
        return bool(self.connection.execute(query, {"moment": moment}).fetchall())

    def _changes_in(self, source: str, table: str, ids: list[str]) -> Iterable[tuple[str, RecordChange]]:
        schema = f"raw_{source}"
        columns = self._columns_of(schema, table)
        key = self._primary_key(source, table)
        if "_valid_to" not in columns or not key or not set(key) <= set(columns):
            return
        record_id = "concat_ws('|', " + ", ".join(f"{quoted(name)}::varchar" for name in key) + ")"
        exists = "_deleted_at is null" if "_deleted_at" in columns else "true"
        merged = "starts_with(_deleted_reason, 'merged into ')" if "_deleted_reason" in columns else "false"
        own = [name for name in columns if not name.startswith("_")]
        differing = ", ".join(
            f"case when old.{quoted(name)} is distinct from new.{quoted(name)} then {literal(name)} end" for name in own
        )
        rows = self.connection.execute(
            f"with wanted as (select distinct unnest($ids::varchar[]) as id), "
            f"version as (select {record_id} as _id, * from {quoted(schema)}.{quoted(table)} "
            "where _id in (select id from wanted)), "
            f"old as (select * from version where _valid_from <= $moment and {exists} "
            "and (_valid_to is null or _valid_to > $moment)), "
            f"new as (select * from version where _valid_to is null and {exists}), "
            f"merger as (select distinct _id from version where _valid_to is null and {merged}) "
            "select wanted.id, old._id is not null, new._id is not null, merger._id is not null, "
            f"list_filter([{differing}], lambda name: name is not null) "
            "from wanted left join old on old._id = wanted.id left join new on new._id = wanted.id "
            "left join merger on merger._id = wanted.id",
            {"ids": ids, "moment": self._moment(schema)},
        ).fetchall()
        for record_key, was, is_now, is_merged, fields in rows:
            change = _change(was, is_now, is_merged, fields)
            if change:
                yield record_key, change

    def _moment(self, schema: str) -> datetime:
        return self.since.get(schema, self.closed_at)

    def _columns_of(self, schema: str, table: str) -> list[str]:
        if (schema, table) not in self._columns:
            rows = self.connection.execute(
                "select column_name from duckdb_columns() where schema_name = $schema and table_name = $table "
                "and database_name = current_database() order by column_index",
                {"schema": schema, "table": table},
            ).fetchall()
            self._columns[schema, table] = [name for (name,) in rows]
        return self._columns[schema, table]

    def _primary_key(self, source: str, table: str) -> list[str]:
        """Return the primary key that the contract gives a source's table; empty if no contract declares the table."""
        if source not in self._keys:
            path = declaration_path(self.settings, source)
            sources = read_sources(path) if path.is_file() else ()
            declared = [entry for source_entry in sources for entry in source_entry.tables]
            self._keys[source] = {entry.name: list(entry.meta.primary_key) for entry in declared}
        return self._keys[source].get(table, [])


def newest_loads(connection: duckdb.DuckDBPyConnection) -> dict[str, datetime]:
    """Return the moment of the newest load of each raw schema in the published warehouse."""
    schemas = connection.execute(
        "select schema_name from duckdb_tables() where table_name = '_loaded_files' "
        "and starts_with(schema_name, 'raw_') and database_name = current_database() order by 1"
    ).fetchall()
    loads = {}
    for (schema,) in schemas:
        ((newest,),) = connection.execute(f"select max(loaded_at) from {quoted(schema)}._loaded_files").fetchall()
        if newest:
            loads[schema] = newest
    return loads


def _change(was: bool, is_now: bool, is_merged: bool, fields: list[str]) -> RecordChange | None:
    if was and is_now:
        return RecordChange("correction", frozenset(fields)) if fields else None
    if was:
        return RecordChange("merged" if is_merged else "deletion")
    return RecordChange("late record") if is_now else None
