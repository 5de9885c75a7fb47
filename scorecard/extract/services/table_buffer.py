"""The records of one raw table, buffered in the scratch database until they are loaded.

A record stays JSON as the service sent it until DuckDB extracts the fields of the contract. Python decodes only what it
needs to read the next page, and the undeclared fields if they are kept.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from scorecard.extract.contracts.contract import PARENT, ObjectContract, RecordShape, json_path, top_of
from scorecard.extract.raw.undeclared import UndeclaredFields
from scorecard.extract.services.service import ServicePage
from scorecard.shared.sql import key_sql, literal, quoted

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

BATCH_RECORDS, BATCH_BYTES = 20_000, 16 * 2**20
"""Records, and bytes of them, that are written to the scratch database at once."""

# DuckDB reads a JSON number with a point as a binary one, which is exact up to 15 digits.
_LONG_NUMBER = r"[:\[,]\s*-?[0-9.]{17}"


@dataclass
class TableBuffer:
    """The pages of one raw table that were read since its last load.

    ``complete_at`` is when a list of all ids ended, and ``complete_page`` the page it ended on. In the scratch tables,
    `_input` is the number of a page.
    """

    db: "duckdb.DuckDBPyConnection"
    table: str
    contract: ObjectContract
    shape: RecordShape
    keep_new_fields: bool = True
    rows: int = field(default=0, init=False)
    pages: int = field(default=0, init=False)
    complete_at: datetime | None = field(default=None, init=False)
    complete_page: int = field(default=0, init=False)
    _heads: list[tuple[int, str, str, int]] = field(default_factory=list, init=False)
    _batch: list["pa.Table"] = field(default_factory=list, init=False)
    size_bytes: int = field(default=0, init=False)
    _numbered: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._undeclared = UndeclaredFields(self.contract, self.shape)
        self.db.execute(f"create or replace table {self.table}_ids (_input int, _key varchar)")
        self.clear()

    def clear(self) -> None:
        """Empty the buffer after a load. The ids stay until their list is complete."""
        self.rows = self.pages = self.size_bytes = 0
        if self.complete_at:
            self.db.execute(f"delete from {self.table}_ids")
        self.db.execute(f"update {self.table}_ids set _input = 0")
        self.complete_at = None
        for suffix, columns in {
            "": "_input int, _line bigint, _record varchar, _row bigint, _undeclared varchar",
            "_gone": "_input int, _key varchar, _at timestamptz, _reason varchar",
            "_inputs": "_input int, _source_file varchar, _sha256 varchar, _size_bytes bigint",
        }.items():
            self.db.execute(f"create or replace table {self.table}{suffix} ({columns})")

    @property
    def undeclared(self) -> tuple[str, ...]:
        """The names of the fields that the contract doesn't declare."""
        return tuple(sorted(self._undeclared.names))

    def add(self, page: ServicePage) -> None:
        """Add a page as it came."""
        self.pages += 1
        self._heads.append((self.pages, page.url, page.sha256, page.size_bytes))
        if page.records:
            self._add_records(page.records)
        gone = [deletion for deletion in page.gone if deletion.entries in ("", self.contract.each)]
        if gone:
            columns = {name: [getattr(deletion, name) for deletion in gone] for name in ("key", "at", "reason")}
            self._insert_batch("_gone", columns)
        if page.ids:
            self._insert_batch("_ids", {"key": list(page.ids)})
        if page.complete_at:
            self.complete_at, self.complete_page = page.complete_at, self.pages
        self.rows += len(page.records) + len(gone)

    def _add_records(self, records: Sequence[bytes]) -> None:
        import pyarrow as pa

        lines = pa.array(range(1, len(records) + 1), pa.int64())
        number = pa.repeat(pa.scalar(self.pages, pa.int32()), len(records))
        self._batch.append(pa.table([number, lines, _strings(records)], ["_input", "_line", "_record"]))
        self.size_bytes += sum(map(len, records))
        size = sum(table.nbytes for table in self._batch)
        if sum(map(len, self._batch)) >= BATCH_RECORDS or size >= BATCH_BYTES:
            self.flush()

    def _insert_batch(self, suffix: str, columns: Mapping[str, Sequence[object]]) -> None:
        """Insert rows of the newest page into one of the tables beside the records."""
        import pyarrow as pa

        self.db.register("batch", pa.table(dict(columns)))
        self.db.execute(f"insert into {self.table}{suffix} select {self.pages}, * from batch")
        self.db.unregister("batch")

    def flush(self) -> None:
        """Write the batch of pages to the scratch database."""
        import pyarrow as pa

        if self._heads:
            columns = [pa.array(column) for column in zip(*self._heads, strict=True)]
            self.db.register("batch", pa.table(columns, ["_input", "_source_file", "_sha256", "_size_bytes"]))
            self.db.execute(f"insert into {self.table}_inputs from batch")
            self.db.unregister("batch")
            self._heads.clear()
        if self._batch:
            records = pa.concat_tables(self._batch)
            self._batch.clear()
            if self.contract.each:
                self.db.register("batch", records)
                records = self.db.sql(f"select _input, _line, _record from {self._entries()}").to_arrow_table()
                self.db.unregister("batch")
            self._insert(records)

    def _insert(self, records: "pa.Table") -> None:
        """Number records, put the undeclared fields of each beside it, and insert them."""
        import pyarrow as pa

        numbers = pa.array(range(self._numbered, self._numbered + len(records)), pa.int64())
        undeclared = pa.nulls(len(records), pa.string())
        if self.keep_new_fields:
            undeclared = pa.array(
                [self._undeclared.take_from(record) for record in records["_record"].to_pylist()], pa.string()
            )
        self._numbered += len(records)
        self.db.register("numbered", records.append_column("_row", numbers).append_column("_undeclared", undeclared))
        self.db.execute(f"insert into {self.table} from numbered")
        self.db.unregister("numbered")

    def drop_after(self, page: int) -> None:
        """Drop the pages after a checkpoint."""
        self.flush()
        for suffix in ("", "_gone", "_inputs", "_ids"):
            self.db.execute(f"delete from {self.table}{suffix} where _input > {page}")

    def _entries(self) -> str:
        """SQL of the entries of the list inside of each record of the batch, with the record as `_parent`."""
        shape = self.shape
        headers = [column.header for column in self.contract.columns if column.header.startswith(PARENT)]
        paths = [
            *(header.removeprefix(PARENT) for header in headers),
            shape.deleted,
            shape.deleted_at,
            shape.merged_into,
        ]
        # Only the fields that are needed, taken out before the entries multiply the record.
        fields = ", ".join(
            f"{literal(top)}, json_extract(_record, {literal(json_path(top))})"
            for top in sorted({*map(top_of, paths)} - {""})
        )
        path = literal(json_path(self.contract.each) + "[*]")
        return (
            f"(with cut as materialized (select _input, _line, json_extract(_record, {path}) as entries,"
            f" json_object({literal(PARENT[:-1])}, json_object({fields})) as parent from batch)"
            " select _input, _line, json_merge_patch(entry, parent)::varchar as _record"
            " from (select * exclude (entries), unnest(entries) as entry from cut))"
        )


def _strings(records: Sequence[bytes]) -> "pa.Array":
    """Return the records as strings: long numbers keep all their digits, bytes that are no letter become U+FFFD."""
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        strings = pa.array([bytes(record) for record in records], pa.binary()).cast(pa.string())
    except pa.ArrowInvalid:
        strings = pa.array([bytes(record).decode(errors="replace") for record in records])
    has_long = pc.match_substring_regex(strings, _LONG_NUMBER)
    if not pc.any(has_long).as_py():
        return strings
    pairs = zip(strings.to_pylist(), has_long.to_pylist(), strict=True)
    return pa.array([exact(record) if is_long else record for record, is_long in pairs])


def exact(record: str) -> str:
    """Write the numbers that have a point or many digits as texts, which keep all digits.

    >>> exact('{"a": 12345678901234.5678, "b": 1.5, "c": 12345678901234567890, "d": 7}')
    '{"a":"12345678901234.5678","b":"1.5","c":"12345678901234567890","d":7}'
    """
    fields = json.loads(record, parse_float=str, parse_int=lambda digits: int(digits) if len(digits) < 18 else digits)
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False)


def record_key(contract: ObjectContract, alias: str = "") -> str:
    """SQL of the key, as one text, of the record that a row is, or whose list has the row."""
    return key_sql([f"{alias}.{quoted(name)}" if alias else quoted(name) for name in contract.merge_key])
