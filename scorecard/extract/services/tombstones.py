"""Tombstones: the last version of records that are deleted at a service."""

from hashlib import sha256

from scorecard.extract.raw.raw_tables import RawTables
from scorecard.extract.raw.suspect import LossLimits
from scorecard.extract.raw.validate import count
from scorecard.extract.services.table_buffer import TableBuffer, record_key
from scorecard.shared.sql import quoted


class Tombstones:
    """The deletions in `<table>_gone` of a buffer, and what a complete list of ids adds to them."""

    def __init__(self, buffer: TableBuffer, raw: RawTables) -> None:
        self.buffer, self.raw = buffer, raw
        self.db, self.table, self.contract = buffer.db, buffer.table, buffer.contract

    def find_vanished(self, limits: LossLimits) -> None:
        """Add to `<table>_gone` the records that the warehouse holds and the complete list of ids lacks."""
        # Entries that are not replaced with their record stay when it goes: their keys are none of its ids.
        if not self.buffer.complete_at or (self.contract.each and self.contract.merge_key == self.contract.primary_key):
            return
        ids = f"{self.table}_ids"
        held = (
            f"(select distinct {record_key(self.contract)} as _key from {self.raw.named(self.contract.name)}"
            " where _valid_to is null and _deleted_at is null)"
        )
        vanished = f"from {held} where _key not in (select _key from {ids})"
        self._refuse_loss(held, vanished, limits)
        reason = "'no longer in the service'"
        self.db.execute(
            f"insert into {self.table}_gone select {self.buffer.complete_page}, _key, ?, {reason} {vanished}",
            [self.buffer.complete_at],
        )

    def _refuse_loss(self, held: str, vanished: str, limits: LossLimits) -> None:
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
        alive = count(self.db, held)
        if limits.is_too_much(len(lost), alive):
            limits.refuse(
                self.contract.object,
                sha256("".join(f"{key}\n" for key in sorted(lost)).encode()).hexdigest(),
                [f"lacks {len(lost)} of the {alive} records that it had before"],
                "Look whether the user of the connection may still read them all.",
            )

    def mark_deleted(self) -> None:
        """Mark the good records that a later page names as deleted."""
        self.db.execute(f"""
            update {self.table}_good as good set _deleted_at = gone._at, _deleted_reason = gone._reason
            from {self.table}_gone as gone
            where gone._key = {record_key(self.contract, "good")} and gone._page > good._page
                and good._deleted_at is null
        """)

    def add(self, names: list[str]) -> None:
        """Add a tombstone of each deleted record that isn't among the good ones, with the fields that are held."""
        table, columns = self.table, self.raw.columns(self.contract)
        key = ", ".join(quoted(name) for name in self.contract.primary_key)
        same = " and ".join(f"h.{name} = g.{name}" for name in map(quoted, self.contract.primary_key))
        fields = ", ".join(quoted(name) for name in names if name in columns)
        self.db.execute(f"""
            insert into {table}_good by name
            select _page, null::bigint as _line, {fields}, _at as _deleted_at, gone._reason as _deleted_reason
            from {table}_gone as gone
            join (
                select *, {record_key(self.contract)} as _key from {self.raw.current(self.contract)}
            ) as h using (_key)
            where h._deleted_at is null
                and not exists (select 1 from {table}_good as g where {same})
            qualify row_number() over (partition by {key} order by _page) = 1
        """)
