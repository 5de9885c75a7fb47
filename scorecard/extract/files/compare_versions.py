"""A staged export held against the version before it: which records vanished, and whether it seems to be cut off."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from scorecard.extract.files.folder import Export
from scorecard.extract.raw.state import NewestLoad
from scorecard.extract.raw.suspect import Limits, ends_line, version_of
from scorecard.extract.raw.validate import Staged, count, key_text
from scorecard.shared.settings import Settings
from scorecard.shared.sql import literal, quoted

if TYPE_CHECKING:
    import duckdb

CURE = "Export it again in full."


def note_line_ends(
    settings: Settings,
    db: "duckdb.DuckDBPyConnection",
    staged: Staged,
    exports: Sequence[Export],
    before: NewestLoad | None,
) -> list[str]:
    """Note in `<table>_pages` whether each file ends its last line; return the names of those that are cut off.

    A file is cut off if its last line has no line end, though the version before had one; of a file that is new to an
    export of several, the others of the version before.
    """
    known = _line_ends(settings, before) if before else {}
    others = {each for each in known.values() if each is not None}
    cut = []
    for export in exports:
        ends = ends_line(export.path, export.name)
        db.execute(f"update {staged.table}_pages set _ends_line = ? where _source_file = ?", [ends, export.name])
        if ends is False and known.get(export.name, others == {True}):
            cut.append(export.name)
    return cut


def _line_ends(settings: Settings, before: NewestLoad) -> dict[str, bool | None]:
    """Return for each file of a version whether its last line had a line end.

    Loads of the first release don't say so; the copy of the version does, where it was copied since.
    """
    found = {}
    for (name, sha256), ends in zip(before.files, before.line_ends, strict=True):
        copy = settings.original(sha256)
        found[name] = ends_line(copy, name) if ends is None and copy.exists() else ends
    return found


def compare(
    limits: Limits,
    schema: str,
    staged: Staged,
    cut: Sequence[str],
    held_columns: set[str],
    db: "duckdb.DuckDBPyConnection",
) -> Staged:
    """Hold an export against the current rows of its raw table; return it with the number of records spared, see below.

    Makes `<table>_held` (_row_version): current rows whose record is in the file but in quarantine. They have
    not vanished, so their last good version stays. Where a row in quarantine doesn't say which record it is, it may be
    any that the file lacks: all of those are spared.

    Parameters
    ----------
    cut: the files of it that seem to be cut off; see `note_line_ends`.

    Raises
    ------
    Suspect: a file of it is cut off, or it is a full export that lost more records than is likely.
    """
    contract, table = staged.contract, staged.table
    db.execute(f"create table {table}_held (_row_version varchar)")
    problems = [f"ends within a line{_named(cut, staged)}, which the version before it did not"] if cut else []
    is_compared = contract.full_export and {*contract.primary_key, "_valid_to"} <= held_columns
    current = f"(from warehouse.{schema}.{quoted(contract.name)} where _valid_to is null)"
    same = " and ".join(f"r.{name}::varchar = k.{name}::varchar" for name in map(quoted, contract.primary_key))
    lacks = f"not exists (from {table}_keys as k where {same})"
    vanished = nameless = 0
    if is_compared:
        held, vanished, nameless = db.execute(f"""
            select count(*), count(*) filter ({lacks}), (
                select count(*) from {table}_bad anti join {table}_keys using (_page, _line)
                where _reason <> 'repeats the header'
            ) from {current} as r
        """).fetchone() or (0, 0, 0)
        # Where records have no id, one that was corrected has vanished, and another has come.
        lost = max(0, held - count(db, f"{table}_keys")) if contract.is_keyless else vanished
        if limits.is_too_much(lost, held):
            problems.append(_lacks(staged, lost, held, nameless))
    limits.refuse(contract.file, _version(db, table), problems, CURE)
    if not is_compared:
        return staged
    db.execute(f"""
        insert into {table}_held
        select _row_version from {current} as r
        where exists (
            from {table}_keys as k semi join {table}_bad using (_page, _line) where {same}
        ) and not exists (from {table}_good as k where {same})
    """)
    if not nameless:
        return staged
    db.execute(f"insert into {table}_held select _row_version from {current} as r where {lacks}")
    return replace(staged, spared=int(vanished))


def find_mended(schema: str, staged: Staged, tables: Collection[str], db: "duckdb.DuckDBPyConnection") -> None:
    """Make `<table>_mended` (record_key): records in quarantine that came rightly, of an export that only adds.

    What a full export has wrong is in its newest version; one that only adds may not name a bad record again.
    """
    table = staged.table
    db.execute(f"create table {table}_mended (record_key varchar)")
    if not staged.contract.full_export and "_quarantine" in tables:
        db.execute(f"""
            insert into {table}_mended
            select distinct record_key from warehouse.{schema}._quarantine
            where object = {literal(staged.contract.name)}
                and record_key in (select {key_text(staged.contract)} from {table}_good)
        """)


def _named(cut: Sequence[str], staged: Staged) -> str:
    """Name the files that are cut off, where the export has others."""
    names = [name.partition("/")[2] for name in cut]
    return "" if names == [staged.contract.file] else f" ({', '.join(names)})"


def _lacks(staged: Staged, vanished: int, held: int, nameless: int) -> str:
    if not staged.rows_read:
        return f"lacks all {held} records that it had before, for only its header is left"
    unread = f" ({nameless} of its rows can't be read)" if nameless else ""
    return f"lacks {vanished} of the {held} records that it had before{unread}"


def _version(db: "duckdb.DuckDBPyConnection", table: str) -> str:
    found = db.execute(f"select _source_file, _sha256 from {table}_pages order by _source_file").fetchall()
    return version_of(found)
