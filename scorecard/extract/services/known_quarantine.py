"""Records of a service that are in quarantine already."""

from scorecard.extract.raw.raw_tables import RawTables
from scorecard.extract.raw.validate import count, key_text
from scorecard.extract.services.table_buffer import TableBuffer
from scorecard.shared.sql import literal


class KnownQuarantine:
    """The records of a raw table that are in quarantine."""

    def __init__(self, buffer: TableBuffer, raw: RawTables) -> None:
        self.buffer, self.raw = buffer, raw
        self.db, self.table, self.contract = buffer.db, buffer.table, buffer.contract

    def find_mended(self) -> None:
        """Make `<table>_mended` (record_key): records in quarantine that are good by now, or deleted."""
        table = self.table
        self.db.execute(f"create or replace table {table}_mended (record_key varchar)")
        if not self.raw.has("_quarantine"):
            return
        bad, still = self.raw.named("_quarantine"), self._still_bad()
        gone = f" or record_key in (select _key from {table}_gone)" if not self.contract.each else ""
        if self.buffer.complete_at and not self.contract.each:
            gone += f" or record_key not in (select _key from {table}_ids)"
        self.db.execute(
            f"insert into {table}_mended select distinct record_key from {bad} as bad where {still}"
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
        still = f"bad.object = {literal(self.contract.name)} and bad.record_key is not null"
        if self.raw.has("_mended"):
            # By the times of the loads: the clock that made their ids may have been set back.
            files = f"select max(loaded_at) from {self.raw.named('_loaded_files')} as f"
            mended_at, bad_at = (f"({files} where f._dlt_load_id = {row}._dlt_load_id)" for row in ("m", "bad"))
            still += (
                f" and not exists (select 1 from {self.raw.named('_mended')} as m where m.object = bad.object"
                f" and m.record_key = bad.record_key and {mended_at} > {bad_at})"
            )
        return still
