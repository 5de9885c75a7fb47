"""What of an object is in quarantine, how much it weighs, and which records count as they were before a bad update."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from scorecard.catalogue import DeclaredSource, DeclaredTable
from scorecard.shared.sql import key_sql, quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_REPEATS = "^repeats |is kept once$"
"""Reasons of rows that only repeat another one: the record itself was read."""


@dataclass(frozen=True)
class Bad:
    """A record in quarantine: its key, what is wrong, and by column the amount that was sent and the one that is held.

    `is_held`: an earlier version of the record is held and counts. Amounts are text as sent and held, None for none.
    """

    key: str
    reason: str
    is_held: bool
    amounts: Mapping[str, tuple[str | None, str | None]]

    def weight(self, column: str) -> Decimal:
        """Return the larger of the amounts, without sign; 0 where none is a number."""
        return max(map(size_of, self.amounts.get(column, ())), default=Decimal())


@dataclass(frozen=True)
class Quarantine:
    """The rows of an object that are in quarantine, of `read`.

    `reasons`: why, how many rows, and the first of them. `heaviest`: the amount of which the bad rows are the largest
    share, and that share.
    """

    read: int
    rows: int
    reasons: tuple[tuple[str, int, str], ...]
    heaviest: tuple[str, float]
    in_doubt: tuple[Bad, ...]

    @property
    def share(self) -> float:
        """The share of the rows, or of the value where that is larger."""
        return max(self.rows / self.read if self.read else float(self.rows > 0), self.heaviest[1])


class Object:
    """A raw table and what extraction keeps beside it."""

    def __init__(self, con: "DuckDBPyConnection", source: DeclaredSource, table: DeclaredTable) -> None:
        self.con, self.name, self.schema = con, table.name, source.schema
        self.key = list(table.meta.primary_key)
        self.is_service = bool(source.service)
        # A full export says all anew; of any other, what was wrong stays wrong until the record comes rightly.
        whole = table.meta.full_export
        self.adds = self.is_service if whole is None else not whole
        self.columns: dict[str, set[str]] = {}
        rows = con.execute(
            "select table_name, column_name from duckdb_columns() "
            "where database_name = current_database() and schema_name = $schema",
            {"schema": self.schema},
        )
        for of_table, column in rows.fetchall():
            self.columns.setdefault(of_table, set()).add(column)

    def newest(self) -> str:
        """Return a query of the newest version of the object's files: what an older one had wrong is mended.

        All files of an export are loaded together, so one that the last load lacks is gone; a service's answers add up,
        but for those by an older contract: with a new one all is read again.
        """
        by = "source_file" if self.is_service else "object"
        files = f"{self.schema}._loaded_files"
        return f"""
            select source_file, source_sha256, rows_read, rows_quarantined, unknown_columns, _dlt_load_id
            from {files} where object = $object and contract_sha256 = (
                select arg_max(contract_sha256, loaded_at) from {files} where object = $object
            )
            qualify rank() over (partition by {by} order by loaded_at desc) = 1
        """

    def quarantine(self) -> Quarantine:
        """Return what is in quarantine now."""
        about = {"object": self.name}
        (read,) = self.con.execute(
            f"select coalesce(sum(rows_read), 0)::bigint from ({self.newest()})", about
        ).fetchall()[0]
        reasons = self.con.execute(
            f"select reason, count(*), min(source_file || ' line ' || source_line) from ({self._rows()}) "
            "group by reason order by 2 desc, 1",
            about,
        ).fetchall()
        bad, totals = self._weighed() if reasons else ([], {})
        shares = {
            column: float(amount / (amount + rest))
            for column, rest in totals.items()
            if (amount := sum((row.weight(column) for row in bad), Decimal()))
        }
        heaviest = max(shares.items(), key=lambda share: share[1], default=("", 0.0))
        in_doubt = sorted((row for row in bad if row.is_held), key=lambda row: (-row.weight(heaviest[0]), row.key))
        rows = sum(count for _, count, _ in reasons)
        return Quarantine(read, rows, tuple(reasons[:3]), heaviest, tuple(in_doubt))

    def _rows(self) -> str:
        """Return a query of the rows that are in quarantine now."""
        columns = self.columns["_quarantine"]
        key = "nullif(record_key, '')" if "record_key" in columns else "null::varchar"
        amounts = "amounts" if "amounts" in columns else "null::varchar"
        chosen = f"select reason, source_file, source_line, {key} as key, {amounts} as amounts"
        newest = f"""
            {chosen} from {self.schema}._quarantine semi join ({self.newest()})
            using (source_file, source_sha256, _dlt_load_id) where object = $object
        """
        if not self.adds or "_mended" not in self.columns:
            return newest
        # What is sent again as bad as before isn't kept again: a record's rows may be of any load.
        return f"""
            {chosen} from {self.schema}._quarantine as bad
            where object = $object and {key} is not null and not exists (
                select 1 from {self.schema}._mended as mended
                where mended.object = bad.object and mended.record_key = bad.record_key
                    and {self._loaded_at("mended")} > {self._loaded_at("bad")}
            )
            qualify rank() over (partition by {key} order by _dlt_load_id desc) = 1
            union all {newest} and {key} is null
        """

    def _loaded_at(self, row: str) -> str:
        """SQL of when a row was loaded, by the load itself: its id is of a clock that may have been set back."""
        files = f"{self.schema}._loaded_files"
        return f"(select max(loaded_at) from {files} as f where f._dlt_load_id = {row}._dlt_load_id)"

    def _weighed(self) -> tuple[list[Bad], dict[str, Decimal]]:
        """Return the bad records beside their versions that are held, and what all others add up to, by amount.

        A row that only repeats another takes nothing away.
        """
        held_columns = self.columns.get(self.name, set())
        bad = f"(select * from ({self._rows()}) where not regexp_matches(reason, '{_REPEATS}'))"
        names = f"select distinct unnest(json_keys(amounts)) as name from {bad} where amounts is not null order by 1"
        columns = [name for (name,) in self.con.execute(names, {"object": self.name}).fetchall()]
        amounts = [name for name in columns if name in held_columns]
        if not {*self.key, "_valid_to"} <= held_columns or not self.key:
            return [], {}
        alive = " and _deleted_at is null" if "_deleted_at" in held_columns else ""
        key = key_sql([quoted(name) for name in self.key])
        held = f"""(
            select {key} as key{"".join(f", {quoted(name)}" for name in amounts)}
            from {self.schema}.{quoted(self.name)} where _valid_to is null{alive}
        )"""
        sent = "".join(f", bad.amounts ->> '$.{quoted(n)}', held.{quoted(n)}::varchar" for n in amounts)
        rows = self.con.execute(
            f"select bad.key, bad.reason, held.key is not null{sent} "
            f"from {bad} as bad left join {held} as held on bad.key = held.key",
            {"object": self.name},
        ).fetchall()
        records = [
            Bad(key or "", reason, is_held, dict(zip(amounts, zip(texts[::2], texts[1::2], strict=True), strict=True)))
            for key, reason, is_held, *texts in rows
        ]
        if not amounts:
            return records, {}
        sums = ", ".join(f"coalesce(sum(abs({quoted(name)})), 0)::varchar" for name in amounts)
        (totals,) = self.con.execute(
            f"select {sums} from {held} where key not in (select key from {bad} where key is not null)",
            {"object": self.name},
        ).fetchall()
        return records, dict(zip(amounts, map(size_of, totals), strict=True))


def size_of(amount: str | None) -> Decimal:
    """Return an amount without its sign, 0 where it is no number."""
    try:
        number = Decimal(amount or 0)
    except InvalidOperation:
        return Decimal()
    return abs(number) if number.is_finite() else Decimal()
