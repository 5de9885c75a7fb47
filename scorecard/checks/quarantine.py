"""The rows of an object that are in quarantine: how many, how much they weigh, and which records they put in doubt."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from scorecard.catalogue import DeclaredSource, DeclaredTable
from scorecard.shared.sql import key_sql, quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_DUPLICATE_REASONS = "^repeats |is kept once$"
"""The reasons of rows that only duplicate another row. Their record itself was loaded."""


@dataclass(frozen=True)
class QuarantinedRecord:
    """A record in quarantine: its key, what is wrong with it, and its amounts.

    `is_loaded`: an earlier version of the record is loaded and counts. `amounts`: by column, the text as sent and as
    loaded, each None if there is none.
    """

    key: str
    reason: str
    is_loaded: bool
    amounts: Mapping[str, tuple[str | None, str | None]]

    def weight(self, column: str) -> Decimal:
        """Return the larger of the two amounts of a column, without sign; 0 if neither is a number."""
        return max(map(size_of, self.amounts.get(column, ())), default=Decimal())


@dataclass(frozen=True)
class Quarantine:
    """The rows of an object that are in quarantine.

    `read`: how many rows the extraction read. `rows`: how many of them are in quarantine. `reasons`: up to three pairs
    of reason and number of rows, each with the place of the first. `heaviest`: the amount of which the rows in
    quarantine are the largest share, and that share. `in_doubt`: the records that count as before a quarantined update.
    """

    read: int
    rows: int
    reasons: tuple[tuple[str, int, str], ...]
    heaviest: tuple[str, float]
    in_doubt: tuple[QuarantinedRecord, ...]

    @property
    def share(self) -> float:
        """The share of the rows, or of the heaviest amount if that is larger."""
        return max(self.rows / self.read if self.read else float(self.rows > 0), self.heaviest[1])


class RawObject:
    """A raw table, with its quarantine and the list of its loaded files."""

    def __init__(self, con: "DuckDBPyConnection", source: DeclaredSource, table: DeclaredTable) -> None:
        self.con, self.name, self.schema = con, table.name, source.schema
        self.key = list(table.meta.primary_key)
        self.is_service = bool(source.service)
        # A full export replaces all rows. Otherwise a quarantined record stays so until a good version of it comes.
        is_full = table.meta.full_export
        self.is_incremental = self.is_service if is_full is None else not is_full
        self.columns: dict[str, set[str]] = {}
        rows = con.execute(
            "select table_name, column_name from duckdb_columns() "
            "where database_name = current_database() and schema_name = $schema",
            {"schema": self.schema},
        )
        for table_name, column in rows.fetchall():
            self.columns.setdefault(table_name, set()).add(column)

    def newest(self) -> str:
        """Return a query of the files of the object that count now.

        Of an export, these are the files of the last load: all its files are loaded together. Of a service, these are
        the newest load of each file under the newest contract: a new contract reads everything again.
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
        parameters = {"object": self.name}
        (read,) = self.con.execute(
            f"select coalesce(sum(rows_read), 0)::bigint from ({self.newest()})", parameters
        ).fetchall()[0]
        reasons = self.con.execute(
            f"select reason, count(*), min(source_file || ' line ' || source_line) from ({self._rows()}) "
            "group by reason order by 2 desc, 1",
            parameters,
        ).fetchall()
        records, totals = self._weighed() if reasons else ([], {})
        shares = {
            column: float(amount / (amount + rest))
            for column, rest in totals.items()
            if (amount := sum((record.weight(column) for record in records), Decimal()))
        }
        heaviest = max(shares.items(), key=lambda share: share[1], default=("", 0.0))
        in_doubt = sorted(
            (record for record in records if record.is_loaded),
            key=lambda record: (-record.weight(heaviest[0]), record.key),
        )
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
        if not self.is_incremental or "_mended" not in self.columns:
            return newest
        # A record that is sent again with the same fault isn't quarantined again. So its rows may be of any load.
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
        """Return the SQL of the moment of a row's load. The load's id isn't ordered: its clock may be set back."""
        files = f"{self.schema}._loaded_files"
        return f"(select max(loaded_at) from {files} as f where f._dlt_load_id = {row}._dlt_load_id)"

    def _weighed(self) -> tuple[list[QuarantinedRecord], dict[str, Decimal]]:
        """Return the quarantined records, duplicates aside, and the sum of all other loaded records, by amount."""
        loaded_columns = self.columns.get(self.name, set())
        bad = f"(select * from ({self._rows()}) where not regexp_matches(reason, '{_DUPLICATE_REASONS}'))"
        names = f"select distinct unnest(json_keys(amounts)) as name from {bad} where amounts is not null order by 1"
        columns = [name for (name,) in self.con.execute(names, {"object": self.name}).fetchall()]
        amounts = [name for name in columns if name in loaded_columns]
        if not {*self.key, "_valid_to"} <= loaded_columns or not self.key:
            return [], {}
        alive = " and _deleted_at is null" if "_deleted_at" in loaded_columns else ""
        key = key_sql([quoted(name) for name in self.key])
        loaded = f"""(
            select {key} as key{"".join(f", {quoted(name)}" for name in amounts)}
            from {self.schema}.{quoted(self.name)} where _valid_to is null{alive}
        )"""
        both = "".join(f", bad.amounts ->> '$.{quoted(n)}', loaded.{quoted(n)}::varchar" for n in amounts)
        rows = self.con.execute(
            f"select bad.key, bad.reason, loaded.key is not null{both} "
            f"from {bad} as bad left join {loaded} as loaded on bad.key = loaded.key",
            {"object": self.name},
        ).fetchall()
        records = [
            QuarantinedRecord(
                key or "",
                reason,
                is_loaded,
                dict(zip(amounts, zip(texts[::2], texts[1::2], strict=True), strict=True)),
            )
            for key, reason, is_loaded, *texts in rows
        ]
        if not amounts:
            return records, {}
        sums = ", ".join(f"coalesce(sum(abs({quoted(name)})), 0)::varchar" for name in amounts)
        (totals,) = self.con.execute(
            f"select {sums} from {loaded} where key not in (select key from {bad} where key is not null)",
            {"object": self.name},
        ).fetchall()
        return records, dict(zip(amounts, map(size_of, totals), strict=True))


def size_of(amount: str | None) -> Decimal:
    """Return an amount without its sign; 0 for a text that is no number."""
    try:
        number = Decimal(amount or 0)
    except InvalidOperation:
        return Decimal()
    return abs(number) if number.is_finite() else Decimal()
