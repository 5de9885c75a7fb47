"""An export compared with the version before it: which records vanished, and whether a file is cut off."""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from scorecard.extract.contracts.contract import SourceContract
from scorecard.extract.files.originals import ExportFile
from scorecard.extract.raw.raw_tables import NewestLoad, RawTables
from scorecard.extract.raw.suspect import limits_of
from scorecard.extract.raw.validate import ValidatedTable, count, key_text
from scorecard.shared.settings import Settings
from scorecard.shared.sql import literal, quoted

if TYPE_CHECKING:
    import duckdb

CURE = "Export it again in full."

TAIL = 4
"""Bytes at the end of a file that hold its last line end, in any encoding."""


class VersionComparison:
    """Compares exports with the current rows of their raw tables."""

    def __init__(
        self, settings: Settings, source: SourceContract, db: "duckdb.DuckDBPyConnection", raw: RawTables
    ) -> None:
        self.settings, self.source, self.db, self.raw = settings, source, db, raw
        self.limits = limits_of(settings, source)

    def compare(
        self, validated: ValidatedTable, files: Sequence[ExportFile], before: NewestLoad | None
    ) -> ValidatedTable:
        """Compare an export with its raw table; return it with `rows_kept`.

        Makes `<table>_unchanged` and `<table>_mended`; see `ValidatedTable`. A row in quarantine that doesn't say which
        record it is may be any record that the export lacks, so all of those are kept.

        Raises
        ------
        Suspect: a file is cut off, or a full export lost more records than is likely.
        """
        contract, table, db = validated.contract, validated.table, self.db
        db.execute(f"create table {table}_unchanged (_row_version varchar)")
        cut = self._cut_files(validated, files, before)
        problems = [f"ends within a line{_listed(cut, validated)}, which the version before it did not"] if cut else []
        is_compared = contract.full_export and {*contract.primary_key, "_valid_to"} <= self.raw.columns(contract).keys()
        vanished = unidentified = 0
        if is_compared:
            current, vanished, unidentified = self._count_losses(validated)
            # A record without an id that was corrected is a record that vanished and a new one.
            lost = max(0, current - count(db, f"{table}_keys")) if contract.is_keyless else vanished
            if self.limits.is_too_much(lost, current):
                problems.append(_loss(validated, lost, current, unidentified))
        self.limits.refuse(contract.file, _version(db, table), problems, CURE)
        self._find_mended(validated)
        if is_compared:
            self._keep_quarantined(validated)
        if not unidentified:
            return validated
        self._keep_all(validated)
        return replace(validated, rows_kept=vanished)

    def _cut_files(
        self, validated: ValidatedTable, files: Sequence[ExportFile], before: NewestLoad | None
    ) -> list[str]:
        """Note in `<table>_inputs` whether each file ends its last line; return the names of those that are cut off.

        A file is cut off if its last line has no line end and the version before it had one. A file that is new to an
        export of several is compared with all files of the version before. A file that people write is never cut off:
        it ends as their editor ends it.
        """
        ends_before = _line_ends(self.settings, before) if before else {}
        all_ended = {ends for ends in ends_before.values() if ends is not None} == {True}
        cut = []
        for file in files:
            if not file.is_present:
                continue
            ends = _ends_line(file.path, file.name)
            self.db.execute(
                f"update {validated.table}_inputs set _ends_line = ? where _source_file = ?", [ends, file.name]
            )
            if ends is False and ends_before.get(file.name, all_ended):
                cut.append(file.name)
        return [] if self.source.folder else cut

    def _count_losses(self, validated: ValidatedTable) -> tuple[int, int, int]:
        """Count the current records, those that the export lacks, and the rows that don't say which record they are."""
        table = validated.table
        current, vanished, unidentified = self.db.execute(f"""
            select count(*), count(*) filter ({_lacks_sql(validated)}), (
                select count(*) from {table}_bad anti join {table}_keys using (_input, _line)
                where _reason <> 'repeats the header'
            ) from {self.raw.current(validated.contract)} as r
        """).fetchone() or (0, 0, 0)
        return current, vanished, unidentified

    def _keep_quarantined(self, validated: ValidatedTable) -> None:
        """Keep the current version of records whose row of the export is in quarantine."""
        table, same = validated.table, _same_sql(validated)
        self.db.execute(f"""
            insert into {table}_unchanged
            select _row_version from {self.raw.current(validated.contract)} as r
            where exists (
                from {table}_keys as k semi join {table}_bad using (_input, _line) where {same}
            ) and not exists (from {table}_good as k where {same})
        """)

    def _keep_all(self, validated: ValidatedTable) -> None:
        """Keep the current version of all records that the export lacks."""
        self.db.execute(
            f"insert into {validated.table}_unchanged"
            f" select _row_version from {self.raw.current(validated.contract)} as r where {_lacks_sql(validated)}"
        )

    def _find_mended(self, validated: ValidatedTable) -> None:
        """Make `<table>_mended` (`record_key`): records in quarantine that are good by now.

        Only an export that adds has any. A full export names all its bad records again.
        """
        table, contract = validated.table, validated.contract
        self.db.execute(f"create table {table}_mended (record_key varchar)")
        if not contract.full_export and self.raw.has("_quarantine"):
            self.db.execute(f"""
                insert into {table}_mended
                select distinct record_key from {self.raw.named("_quarantine")}
                where object = {literal(contract.name)}
                    and record_key in (select {key_text(contract)} from {table}_good)
            """)


def _same_sql(validated: ValidatedTable) -> str:
    """SQL condition: `r`, a row of the raw table, and `k`, one of the export, have the same key."""
    return " and ".join(
        f"r.{name}::varchar = k.{name}::varchar" for name in map(quoted, validated.contract.primary_key)
    )


def _lacks_sql(validated: ValidatedTable) -> str:
    """SQL condition: the export lacks the record of `r`, a row of the raw table."""
    return f"not exists (from {validated.table}_keys as k where {_same_sql(validated)})"


def _ends_line(path: Path, name: str) -> bool | None:
    """Whether the last line of a file has a line end; None for a workbook or a Parquet file, which have no lines."""
    if name.lower().endswith((".xlsx", ".parquet")):
        return None
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL))
        return file.read().rstrip(b"\0")[-1:] in (b"\n", b"\r")


def _line_ends(settings: Settings, before: NewestLoad) -> dict[str, bool | None]:
    """Return for each file of a version whether its last line had a line end.

    Loads of the first release didn't note it, so it is read from the copy of the version, if there is one.
    """
    line_ends = {}
    for (name, version), ends in zip(before.files, before.line_ends, strict=True):
        copy = settings.original(version)
        line_ends[name] = _ends_line(copy, name) if ends is None and copy.exists() else ends
    return line_ends


def _listed(cut: Sequence[str], validated: ValidatedTable) -> str:
    """Return the names of the files that are cut off, in brackets; "" if the export is one file."""
    names = [name.partition("/")[2] for name in cut]
    return "" if names == [validated.contract.file] else f" ({', '.join(names)})"


def _loss(validated: ValidatedTable, vanished: int, current: int, unidentified: int) -> str:
    if not validated.rows_read:
        return f"lacks all {current} records that it had before, for only its header is left"
    unread = f" ({unidentified} of its rows can't be read)" if unidentified else ""
    return f"lacks {vanished} of the {current} records that it had before{unread}"


def _version(db: "duckdb.DuckDBPyConnection", table: str) -> str:
    return _version_of(db.execute(f"select _source_file, _sha256 from {table}_inputs order by _source_file").fetchall())


def _version_of(files: Sequence[tuple[str, str]]) -> str:
    r"""Return the SHA-256 that names a version of an export: of its file, or of the `sha256sum` listing of several.

    >>> _version_of([("shop/a.csv", "ab")]), _version_of([("shop/a.csv", "ab"), ("shop/b.csv", "cd")])[:8]
    ('ab', '9c053aa1')
    """
    if len(files) == 1:
        return files[0][1]
    printed = "".join(f"{version}  {name.partition('/')[2]}\n" for name, version in files)
    return sha256(printed.encode()).hexdigest()
