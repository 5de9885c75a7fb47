"""Compare the validated records of a buffer with those in the warehouse.

It adds tombstones for deleted records, drops records that the warehouse has in the same or a newer version, and
deduplicates bad records with the quarantine.
"""

from hashlib import sha256

from scorecard.extract.raw.raw_tables import RawTables
from scorecard.extract.raw.suspect import LossLimits
from scorecard.extract.raw.validate import count, key_text
from scorecard.extract.services.table_buffer import TableBuffer, record_key
from scorecard.shared.sql import literal, quoted


class WarehouseComparison:
    """One buffer and its raw table. The methods read and change the scratch tables of the buffer."""

    def __init__(self, buffer: TableBuffer, raw: RawTables) -> None:
        self.buffer, self.raw = buffer, raw
        self.db, self.table, self.contract = buffer.db, buffer.table, buffer.contract

    def find_vanished(self, limits: LossLimits) -> None:
        """Add to `<table>_gone` the records that the warehouse has and the complete list of ids lacks.

        Raises
        ------
        Suspect: the list lacks more records than is likely.
        """
        # Entries that are not replaced with their record stay when it goes: their keys are none of its ids.
        if not self.buffer.complete_at or (self.contract.each and self.contract.merge_key == self.contract.primary_key):
            return
        ids = f"{self.table}_ids"
        alive = (
            f"(select distinct {record_key(self.contract)} as _key from {self.raw.named(self.contract.name)}"
            " where _valid_to is null and _deleted_at is null)"
        )
        vanished = f"from {alive} where _key not in (select _key from {ids})"
        self._refuse_loss(alive, vanished, limits)
        self.db.execute(
            f"insert into {self.table}_gone"
            f" select {self.buffer.complete_page}, _key, ?, {literal('no longer in the service')} {vanished}",
            [self.buffer.complete_at],
        )

    def _refuse_loss(self, alive: str, vanished: str, limits: LossLimits) -> None:
        """Refuse a list of ids that lacks too many records; those that the service names as deleted don't count.

        The keys that it lacks identify the version: the rest of a table that is in use changes all the time.
        """
        named_as_deleted = (
            f"select _key from {self.table}_gone"
            f" union all select {record_key(self.contract)} from {self.table}_typed where _deleted_at is not null"
        )
        lost = [
            key for (key,) in self.db.execute(f"select _key {vanished} and _key not in ({named_as_deleted})").fetchall()
        ]
        before = count(self.db, alive)
        if limits.is_too_much(len(lost), before):
            limits.refuse(
                self.contract.object,
                sha256("".join(f"{key}\n" for key in sorted(lost)).encode()).hexdigest(),
                [f"lacks {len(lost)} of the {before} records that it had before"],
                "Check whether the user of the connection may still read them all.",
            )

    def mark_deleted(self) -> None:
        """Mark the good records that a later page names as deleted."""
        self.db.execute(f"""
            update {self.table}_good as good set _deleted_at = gone._at, _deleted_reason = gone._reason
            from {self.table}_gone as gone
            where gone._key = {record_key(self.contract, "good")} and gone._input > good._input
                and good._deleted_at is null
        """)

    def add_tombstones(self, names: list[str]) -> None:
        """Add a tombstone for each deleted record that isn't among the good ones, with its fields in the warehouse."""
        table, columns = self.table, self.raw.columns(self.contract)
        key = ", ".join(quoted(name) for name in self.contract.primary_key)
        fields = ", ".join(quoted(name) for name in names if name in columns)
        self.db.execute(f"""
            insert into {table}_good by name
            select _input, null::bigint as _line, {fields}, _at as _deleted_at, gone._reason as _deleted_reason
            from {table}_gone as gone
            join (
                select *, {record_key(self.contract)} as _key from {self.raw.current(self.contract)}
            ) as known using (_key)
            where known._deleted_at is null
                and not exists (select 1 from {table}_good as good where {self._same_key()})
            qualify row_number() over (partition by {key} order by _input) = 1
        """)

    def drop_older(self, modified: str) -> None:
        """Drop records of which the warehouse has a newer version: a list may lag behind what was read before.

        ``modified`` is the column that orders the versions, "" if there is none.
        """
        if not modified:
            return
        column = quoted(modified)
        self.db.execute(
            f"delete from {self.table}_good as good using {self.raw.named(self.contract.name)} as known"
            f" where known._valid_to is null and {self._same_key()} and known.{column} > good.{column}"
        )

    def has_known_records(self) -> bool:
        """Whether the warehouse has any of the good records."""
        key = ", ".join(quoted(name) for name in self.contract.merge_key)
        query = (
            f"select 1 from {self.raw.current(self.contract)}"
            f" where ({key}) in (select ({key}) from {self.table}_good) limit 1"
        )
        return self.db.execute(query).fetchone() is not None

    def drop_unchanged(self, version: str) -> None:
        """Drop records that the warehouse has in the same version, with all the entries of their lists.

        ``version`` is SQL of the hash of a version.
        """
        key = ", ".join(quoted(name) for name in self.contract.merge_key)
        known, good = self.raw.current(self.contract), f"{self.table}_good"
        self.db.execute(f"""
            delete from {good} where ({key}) in (
                select ({key})
                from (
                    select {key}, {version} as _version, true as _is_read
                    from {good} where ({key}) in (select ({key}) from {known})
                )
                full join (
                    select {key}, _row_version as _version, true as _is_known
                    from {known} where ({key}) in (select ({key}) from {good})
                ) using ({key}, _version)
                group by {key}
                having count(*) = count(_is_read) and count(*) = count(_is_known)
            )
        """)

    def find_mended(self) -> None:
        """Make `<table>_mended` (record_key): records in quarantine that are good by now, or deleted."""
        table = self.table
        self.db.execute(f"create or replace table {table}_mended (record_key varchar)")
        if not self.raw.has("_quarantine"):
            return
        bad, is_still_bad = self.raw.named("_quarantine"), self._still_bad()
        gone = f" or record_key in (select _key from {table}_gone)" if not self.contract.each else ""
        if self.buffer.complete_at and not self.contract.each:
            gone += f" or record_key not in (select _key from {table}_ids)"
        self.db.execute(
            f"insert into {table}_mended select distinct record_key from {bad} as bad where {is_still_bad}"
            f" and record_key not in (select _record_key from {table}_bad where _record_key is not null)"
            f" and (record_key in (select {key_text(self.contract)} from {table}_good){gone})"
        )

    def drop_known_bad(self) -> int:
        """Deduplicate `<table>_bad` with the quarantine; return the number of new bad records.

        Each run reads some records again. The counts of the pages keep the dropped records: they are of what was read.
        A key with a new bad record keeps all its records, so that the newest load in quarantine has all that are bad by
        now.
        """
        bad = f"{self.table}_bad"
        if self.raw.has("_quarantine") and count(self.db, bad):
            self.db.execute(f"""
                delete from {bad} where _record_key not in (
                    select _record_key from {bad}
                    where _record_key is not null and (_record_key, _reason, _payload) not in (
                        select (record_key, reason, payload) from {self.raw.named("_quarantine")} as bad
                        where {self._still_bad()}
                    )
                )
            """)
        return count(self.db, bad)

    def _still_bad(self) -> str:
        """SQL condition of a row of the quarantine, called `bad`, whose record was not mended since."""
        condition = f"bad.object = {literal(self.contract.name)} and bad.record_key is not null"
        if self.raw.has("_mended"):
            # By the times of the loads: the clock that made their ids may have been set back.
            loads = f"select max(loaded_at) from {self.raw.named('_loaded_files')} as load"
            mended_at, bad_at = (f"({loads} where load._dlt_load_id = {row}._dlt_load_id)" for row in ("mended", "bad"))
            condition += (
                f" and not exists (select 1 from {self.raw.named('_mended')} as mended"
                f" where mended.object = bad.object and mended.record_key = bad.record_key and {mended_at} > {bad_at})"
            )
        return condition

    def _same_key(self) -> str:
        """SQL condition: the rows `known` and `good` have the same primary key."""
        return " and ".join(f"known.{name} = good.{name}" for name in map(quoted, self.contract.primary_key))
