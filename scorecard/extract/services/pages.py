"""A service's answers, page by page, judged against a contract in the scratch database.

A record stays the text that the service sent until DuckDB takes the fields of the contract out of it: Python decodes
no more of a page than where the next one is.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from scorecard.extract.contracts.contract import Column, ObjectContract
from scorecard.extract.contracts.record_shape import PARENT, RecordShape
from scorecard.extract.contracts.value_formats import cell_sql
from scorecard.extract.raw.raw_text import json_path, top_of
from scorecard.extract.raw.suspect import Limits
from scorecard.extract.raw.undeclared import UNDECLARED, Rest
from scorecard.extract.raw.validate import Staged, amounts_sent, count, faults, key_text, row_version, typed
from scorecard.extract.services.drift import refuse_lacking, refuse_retyped, stretches
from scorecard.extract.services.page import Page
from scorecard.extract.services.repeated import mark_repeated
from scorecard.shared.sql import key_sql, literal, quoted

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

DELETED = (
    Column("_deleted_at", "timestamptz", "_deleted_at", False),
    Column("_deleted_reason", "varchar", "_deleted_reason", False),
)
"""What a tombstone has beside the record's last fields."""

TOGETHER, BYTES_TOGETHER = 20_000, 16 * 2**20
"""Records, and bytes of them, that are written to the scratch database at once."""


# DuckDB reads a JSON number with a point as a binary one, which is exact up to 15 digits.
_LONG_NUMBER = r"[:\[,]\s*-?[0-9.]{17}"


@dataclass
class Pages:
    """The pages read of one raw table since they were last loaded."""

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
    _waiting: list["pa.Table"] = field(default_factory=list, init=False)
    bytes: int = field(default=0, init=False)
    _numbered: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._rest = Rest(self.contract, self.shape)
        self.db.execute(f"create or replace table {self.table}_ids (_page int, _key varchar)")
        self.clear()

    def clear(self) -> None:
        """Drop what has been loaded. The ids stay until their list is complete."""
        self.rows = self.pages = self.bytes = 0
        if self.complete_at:
            self.db.execute(f"delete from {self.table}_ids")
        self.db.execute(f"update {self.table}_ids set _page = 0")
        self.complete_at = None
        for suffix, columns in {
            "": "_page int, _line bigint, _record varchar, _row bigint, _undeclared varchar",
            "_gone": "_page int, _key varchar, _at timestamptz, _reason varchar",
            "_pages": "_page int, _source_file varchar, _sha256 varchar, _size_bytes bigint",
        }.items():
            self.db.execute(f"create or replace table {self.table}{suffix} ({columns})")

    def add(self, page: Page) -> None:
        """Keep a page as it came."""
        import pyarrow as pa

        self.pages += 1
        self._heads.append((self.pages, page.url, page.sha256, page.size_bytes))
        if page.records:
            lines = pa.array(range(1, len(page.records) + 1), pa.int64())
            number = pa.repeat(pa.scalar(self.pages, pa.int32()), len(page.records))
            self._waiting.append(pa.table([number, lines, _texts(page.records)], ["_page", "_line", "_record"]))
            self.bytes += sum(map(len, page.records))
            waiting = sum(each.nbytes for each in self._waiting)
            if sum(map(len, self._waiting)) >= TOGETHER or waiting >= BYTES_TOGETHER:
                self._store()
        gone = [each for each in page.gone if each.entries in ("", self.contract.each)]
        if gone:
            names = ("key", "at", "reason")
            batch = pa.table({name: [getattr(each, name) for each in gone] for name in names})
            self.db.register("batch", batch)
            self.db.execute(f"insert into {self.table}_gone select {self.pages}, * from batch")
            self.db.unregister("batch")
        if page.ids:
            batch = pa.table([pa.array(page.ids, pa.string())], ["_key"])
            self.db.register("batch", batch)
            self.db.execute(f"insert into {self.table}_ids select {self.pages}, _key from batch")
            self.db.unregister("batch")
        if page.complete_at:
            self.complete_at, self.complete_page = page.complete_at, self.pages
        self.rows += len(page.records) + len(gone)

    def is_idle(self, held_columns: set[str]) -> bool:
        """Whether nothing was read, and the warehouse has the table as the contract wants it."""
        columns = {column.name for column in (*self.contract.columns, *DELETED)}
        return not self.rows and not self.complete_at and columns <= held_columns

    def _store(self) -> None:
        """Write the pages that wait to the scratch database, several at once."""
        import pyarrow as pa

        if self._heads:
            columns = [pa.array(column) for column in zip(*self._heads, strict=True)]
            self.db.register("batch", pa.table(columns, ["_page", "_source_file", "_sha256", "_size_bytes"]))
            self.db.execute(f"insert into {self.table}_pages from batch")
            self.db.unregister("batch")
            self._heads.clear()
        if self._waiting:
            records = pa.concat_tables(self._waiting)
            self._waiting.clear()
            if self.contract.each:
                self.db.register("batch", records)
                records = self.db.sql(f"select _page, _line, _record from {self._entries()}").to_arrow_table()
                self.db.unregister("batch")
            self._insert(records)

    def _insert(self, records: "pa.Table") -> None:
        """Number records, put what nobody declared of each beside it, and insert them."""
        import pyarrow as pa

        numbers = pa.array(range(self._numbered, self._numbered + len(records)), pa.int64())
        rest = pa.nulls(len(records), pa.string())
        if self.keep_new_fields:
            rest = pa.array([self._rest.of(each) for each in records["_record"].to_pylist()], pa.string())
        self._numbered += len(records)
        self.db.register("numbered", records.append_column("_row", numbers).append_column("_undeclared", rest))
        self.db.execute(f"insert into {self.table} from numbered")
        self.db.unregister("numbered")

    def forget_after(self, page: int) -> None:
        """Drop the pages after one, from which the extraction could not go on."""
        self._store()
        for suffix in ("", "_gone", "_pages", "_ids"):
            self.db.execute(f"delete from {self.table}{suffix} where _page > {page}")

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
        # No more of the record than is asked for, and that taken out before the entries multiply it.
        fields = ", ".join(
            f"{literal(top)}, json_extract(_record, {literal(json_path(top))})"
            for top in sorted({*map(top_of, paths)} - {""})
        )
        path = literal(json_path(self.contract.each) + "[*]")
        return (
            f"(with cut as materialized (select _page, _line, json_extract(_record, {path}) as entries,"
            f" json_object({literal(PARENT[:-1])}, json_object({fields})) as parent from batch)"
            " select _page, _line, json_merge_patch(entry, parent)::varchar as _record"
            " from (select * exclude (entries), unnest(entries) as entry from cut))"
        )

    def _record_key(self, table: str = "") -> str:
        """SQL of the key, as one text, of the service's record that a row is, or is an entry of."""
        return key_sql([f"{table}.{quoted(name)}" if table else quoted(name) for name in self.contract.merge_key])

    def judge(self, schema: str, held_columns: set[str], limits: Limits, tables: Collection[str] = ()) -> Staged:
        """Part the records into good and bad, keep the newest of each, and add tombstones; see `Staged`.

        The warehouse is attached as ``warehouse`` and has some ``tables`` of this source.

        Raises
        ------
        Suspect: more records than is likely are not in its list of ids.
        ScorecardError: a field that the contract declares is gone from the service, or has another type there.
        """
        self._store()
        db, table, contract = self.db, self.table, self.contract
        refuse_lacking(db, table, contract)
        names = ", ".join(quoted(column.name) for column in (*contract.columns, UNDECLARED))
        self._make_judged(names)
        refuse_retyped(db, table, contract)
        mark_repeated(db, table, contract, self.shape, names)
        sent = [f"_record ->> {literal(json_path(column.header))}" for column in contract.columns]
        amounts = amounts_sent(contract.columns, sent)
        db.execute(f"""
            create or replace table {table}_bad as
            select judged._page, judged._line, _reason, _record as _payload, {key_text(contract)} as _record_key,
                {amounts} as _amounts
            from {table}_judged as judged join (select _row, _record from {table}) using (_row)
            where _reason is not null and _deleted_at is null
        """)
        # Whatever is wrong with a record that was deleted: it is gone.
        db.execute(f"""
            insert into {table}_gone select _page, {self._record_key()}, _deleted_at, _deleted_reason
            from {table}_judged where _reason is not null and _deleted_at is not null
        """)
        read = count(db, f"{table}_judged")
        db.execute(f"""
            create or replace table {table}_pages as
            select *, (select count(*) from {table}_judged as j where j._page = p._page) as _rows_read,
                (select count(*) from {table}_bad as b where b._page = p._page) as _rows_bad,
                0::bigint as _rows_loaded, null::boolean as _ends_line
            from {table}_pages as p
        """)
        if "_valid_to" in held_columns:
            self._find_vanished(schema, limits)
        self._make_good(schema, names, held_columns)
        all_columns = (*contract.columns, UNDECLARED, *DELETED)
        self._find_mended(schema, tables)
        new_bad = self._drop_known_bad(schema, tables)
        held = f"(from warehouse.{schema}.{quoted(contract.name)} where _valid_to is null)"
        are_all_new = "_valid_to" not in held_columns or not self._overlaps(held)
        if not are_all_new and {column.name for column in all_columns} <= held_columns:
            self._drop_unchanged(held, row_version(all_columns))
        db.execute(f"create or replace table {table}_held (_row_version varchar)")
        (loaded,) = db.execute(f"select coalesce(sum(_rows_loaded), 0)::bigint from {table}_pages").fetchone() or (0,)
        unknown = tuple(sorted(self._rest.names))
        return Staged(contract, table, all_columns, unknown, read, loaded, new_bad, are_all_new)

    def _make_judged(self, names: str) -> None:
        """Make `<table>_judged`: the columns in their types, `_row` of `<table>`, and `_reason`: what is wrong."""
        columns = self.contract.columns
        # One look into the text of a record for all that is wanted of it.
        deletes = self._deletes()
        headers = [*(column.header for column in columns), *filter(None, deletes)]
        paths = ", ".join(literal(json_path(header)) for header in headers)
        cells = ", ".join(f"{cell_sql(f'_f[{i + 1}]', self.contract.formats)} as _c{i}" for i in range(len(headers)))
        after = iter(range(len(columns), len(headers)))
        tombstone = self._tombstone([f"_c{next(after)}" if path else "null::varchar" for path in deletes])
        for number, stretch in enumerate(stretches(self.db, self.table)):
            into = f"insert into {self.table}_judged" if number else f"create or replace table {self.table}_judged as"
            self.db.execute(f"""
                {into}
                with found as (
                    select _page, _line, _row, _undeclared, json_extract_string(_record, [{paths}]) as _f
                    from {self.table} where {stretch}
                ), cells as (
                    select _page, _line, _row, _undeclared, {cells} from found
                ), typed as (
                    select *, {typed(self.contract)}, {tombstone} from cells
                )
                select _page, _line, _row, {names}, _deleted_at, _deleted_reason, {faults(self.contract)} as _reason
                from typed
            """)

    def _deletes(self) -> list[str]:
        """Where a record says that it is deleted, since when, and which record took it in; "" where it never does."""
        shape, prefix = self.shape, PARENT if self.contract.each else ""
        paths = (shape.deleted, shape.deleted_at, shape.merged_into) if shape.deleted else ()
        return [path and prefix + path for path in paths]

    def _tombstone(self, cells: Sequence[str]) -> str:
        """SQL of `_deleted_at` and `_deleted_reason`, out of the cells of `_deletes`; null where it is there."""
        if not cells:
            return "null::timestamptz as _deleted_at, null::varchar as _deleted_reason"
        on, at, into = cells
        value = self.shape.deleted_value
        deleted = f"{on} = {literal(value)}" if value else f"{on} is not null"
        return (
            f"case when {deleted} then coalesce(try_cast({at} as timestamptz),"
            f" to_timestamp(try_cast({at} as bigint))) end as _deleted_at,"
            f" case when {deleted} then coalesce('merged into ' || {into}, 'deleted') end as _deleted_reason"
        )

    def _make_good(self, schema: str, names: str, held_columns: set[str]) -> None:
        """Make `<table>_good`: the newest version of each record read, and tombstones of those that are gone."""
        table, contract = self.table, self.contract
        key = ", ".join(quoted(name) for name in contract.primary_key)
        merge_key = ", ".join(quoted(name) for name in contract.merge_key)
        newest = f"{quoted(self.shape.modified)} desc nulls last, " if self.shape.modified else ""
        order = newest + "_page desc, _row desc"
        # Of a record that was read twice, the entries that it had the first time are no more. All entries of one record
        # share its place in the answer.
        place = newest + "_page desc, _line desc"
        older = f" or rank() over (partition by {merge_key} order by {place}) > 1" if contract.each else ""
        # What was judged becomes what is good: a copy without the rest would cost as much as the judging.
        self.db.execute(f"drop table if exists {table}_good")
        self.db.execute(f"alter table {table}_judged rename to {table}_good")
        self.db.execute(f"delete from {table}_good where _reason is not null")
        self.db.execute(f"""
            delete from {table}_good where _row in (
                select _row from {table}_good
                qualify row_number() over (partition by {key} order by {order}) > 1{older}
            )
        """)
        self.db.execute(f"""
            update {table}_pages as page
            set _rows_loaded = (select count(*) from {table}_good as good where good._page = page._page)
        """)
        self.db.execute(f"""
            update {table}_good as good set _deleted_at = gone._at, _deleted_reason = gone._reason
            from {table}_gone as gone
            where gone._key = {self._record_key("good")} and gone._page > good._page and good._deleted_at is null
        """)
        if "_valid_to" not in held_columns:
            return
        held = f"warehouse.{schema}.{quoted(contract.name)}"
        same = " and ".join(f"h.{name} = g.{name}" for name in map(quoted, contract.primary_key))
        if self.shape.modified:
            # A list may lag behind what was read before: what is held and newer stays.
            newer = f"h.{quoted(self.shape.modified)} > g.{quoted(self.shape.modified)}"
            self.db.execute(
                f"delete from {table}_good as g using {held} as h where h._valid_to is null and {same} and {newer}"
            )
        kept = ", ".join(name for name in names.split(", ") if name.strip('"') in held_columns)
        self.db.execute(f"""
            insert into {table}_good by name
            select _page, null::bigint as _line, {kept}, _at as _deleted_at, gone._reason as _deleted_reason
            from {table}_gone as gone
            join (select *, {self._record_key()} as _key from {held} where _valid_to is null) as h using (_key)
            where h._deleted_at is null
                and not exists (select 1 from {table}_good as g where {same})
            qualify row_number() over (partition by {key} order by _page) = 1
        """)

    def _overlaps(self, held: str) -> bool:
        """Whether any of the records read is held."""
        key = ", ".join(quoted(name) for name in self.contract.merge_key)
        query = f"select 1 from {held} where ({key}) in (select ({key}) from {self.table}_good) limit 1"
        return self.db.execute(query).fetchone() is not None

    def _drop_unchanged(self, held: str, version: str) -> None:
        """Drop from `<table>_good` what the warehouse holds as it is: records with all the entries of their lists."""
        key = ", ".join(quoted(name) for name in self.contract.merge_key)
        good = f"{self.table}_good"
        self.db.execute(f"""
            delete from {good} where ({key}) in (
                select ({key})
                from (
                    select {key}, {version} as _version, true as _read
                    from {good} where ({key}) in (select ({key}) from {held})
                )
                full join (
                    select {key}, _row_version as _version, true as _is_held
                    from {held} where ({key}) in (select ({key}) from {good})
                ) using ({key}, _version)
                group by {key}
                having count(*) = count(_read) and count(*) = count(_is_held)
            )
        """)

    def _find_mended(self, schema: str, tables: Collection[str]) -> None:
        """Make `<table>_mended` (record_key): records in quarantine that were read rightly since, or are gone."""
        table = self.table
        self.db.execute(f"create or replace table {table}_mended (record_key varchar)")
        if "_quarantine" not in tables:
            return
        bad, still = f"warehouse.{schema}._quarantine", self._still_bad(schema, tables)
        gone = f" or record_key in (select _key from {table}_gone)" if not self.contract.each else ""
        if self.complete_at and not self.contract.each:
            gone += f" or record_key not in (select _key from {table}_ids)"
        self.db.execute(
            f"insert into {table}_mended select distinct record_key from {bad} as bad where {still}"
            f" and record_key not in (select _record_key from {table}_bad where _record_key is not null)"
            f" and (record_key in (select {key_text(self.contract)} from {table}_good){gone})"
        )

    def _drop_known_bad(self, schema: str, tables: Collection[str]) -> int:
        """Drop from `<table>_bad` what is in quarantine as it is; return how many are left.

        What a service is asked for overlaps with what it was asked for before, in each run anew. The counts of the
        pages keep these records: they are of what was read. A key in which anything is new keeps all its records, so
        that the newest load in quarantine has all that are bad by now.
        """
        bad = f"{self.table}_bad"
        if "_quarantine" in tables and count(self.db, bad):
            self.db.execute(f"""
                delete from {bad} where _record_key not in (
                    select _record_key from {bad}
                    where _record_key is not null and (_record_key, _reason, _payload) not in (
                        select (record_key, reason, payload) from warehouse.{schema}._quarantine as bad
                        where {self._still_bad(schema, tables)}
                    )
                )
            """)
        return count(self.db, bad)

    def _still_bad(self, schema: str, tables: Collection[str]) -> str:
        """SQL condition of a row of the quarantine, called `bad`, whose record was not mended since."""
        still = f"bad.object = {literal(self.contract.name)} and bad.record_key is not null"
        if "_mended" in tables:
            # By the loads' own times: their ids are of a clock that may have been set back.
            files = f"select max(loaded_at) from warehouse.{schema}._loaded_files as f"
            mended_at, bad_at = (f"({files} where f._dlt_load_id = {row}._dlt_load_id)" for row in ("m", "bad"))
            still += (
                f" and not exists (select 1 from warehouse.{schema}._mended as m where m.object = bad.object"
                f" and m.record_key = bad.record_key and {mended_at} > {bad_at})"
            )
        return still

    def _find_vanished(self, schema: str, limits: Limits) -> None:
        """Add to those that are gone what is held and not in the complete list of ids."""
        # Entries that are not replaced with their record stay when it goes: their keys are none of its ids.
        if not self.complete_at or (self.contract.each and self.contract.merge_key == self.contract.primary_key):
            return
        ids = f"{self.table}_ids"
        held = (
            f"(select distinct {self._record_key()} as _key from warehouse.{schema}.{quoted(self.contract.name)}"
            " where _valid_to is null and _deleted_at is null)"
        )
        vanished = f"from {held} where _key not in (select _key from {ids})"
        self._refuse_loss(held, vanished, limits)
        reason = "'no longer in the service'"
        self.db.execute(
            f"insert into {self.table}_gone select {self.complete_page}, _key, ?, {reason} {vanished}",
            [self.complete_at],
        )

    def _refuse_loss(self, held: str, vanished: str, limits: Limits) -> None:
        """Refuse a list of ids that lacks too many records; those that the service itself says are gone don't count.

        What names the version is the keys that it lacks: the rest of a table that is in use changes all the time.
        """
        told = (
            f"select _key from {self.table}_gone"
            f" union all select {self._record_key()} from {self.table}_judged where _deleted_at is not null"
        )
        lost = [key for (key,) in self.db.execute(f"select _key {vanished} and _key not in ({told})").fetchall()]
        alive = count(self.db, held)
        if limits.is_too_much(len(lost), alive):
            limits.refuse(
                self.contract.object,
                sha256("".join(f"{key}\n" for key in sorted(lost)).encode()).hexdigest(),
                [f"lacks {len(lost)} of the {alive} records that it had before"],
                "Look whether the user of the connection may still read them all.",
            )


def _texts(records: Sequence[bytes]) -> "pa.Array":
    """Return the records as texts; long numbers in them keep all their digits, what is no letter is shown as such."""
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        texts = pa.array([bytes(each) for each in records], pa.binary()).cast(pa.string())
    except pa.ArrowInvalid:
        texts = pa.array([bytes(each).decode(errors="replace") for each in records])
    long = pc.match_substring_regex(texts, _LONG_NUMBER)
    if not pc.any(long).as_py():
        return texts
    return pa.array(
        [exact(text) if it_is else text for text, it_is in zip(texts.to_pylist(), long.to_pylist(), strict=True)]
    )


def exact(record: str) -> str:
    """Write the numbers that have a point or many digits as texts, which keep all digits.

    >>> exact('{"a": 12345678901234.5678, "b": 1.5, "c": 12345678901234567890, "d": 7}')
    '{"a":"12345678901234.5678","b":"1.5","c":"12345678901234567890","d":7}'
    """
    read = json.loads(record, parse_float=str, parse_int=lambda digits: int(digits) if len(digits) < 18 else digits)
    return json.dumps(read, separators=(",", ":"), ensure_ascii=False)
