"""One CSV export, read record by record and judged against its contract.

Reading is Python's csv module, for it knows the physical line of each record; all judging is SQL over the staged
text in a scratch DuckDB, which works on whole columns and spills to disk what memory doesn't hold.
"""

# ruff: noqa: S608  names are checked by the contract, or quoted

import codecs
import csv
import hashlib
import io
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import IO, TYPE_CHECKING, Any

from scorecard.errors import ScorecardError
from scorecard.sources.contract import Column, ObjectContract
from scorecard.sources.judge import Staged, count, faults, has_key, key_text, page_row, typed
from scorecard.sources.text import literal, plain, quoted

if TYPE_CHECKING:
    import duckdb

BLOCK = 1 << 20
"""Bytes that are read at a time to find a wrong one."""

CHUNK = 2 << 20
"""Characters that are held as Python lines at a time, and the rest of the last line."""

MAX_HEADER = 1 << 20
"""Characters of the longest header; what is longer is no header but a file of another kind."""

MAX_LINE = 16 << 20
"""Bytes of the longest line. A file without line ends would have to be held whole."""


def snake_case(header: str) -> str:
    """Turn a header into a column name; "" where it isn't all ASCII or has no letter.

    >>> snake_case("Close Value (USD)"), snake_case("closeDate"), snake_case("顧客")
    ('close_value_usd', 'close_date', '')
    """
    if not header.isascii():
        return ""
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", header.strip())
    name = re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")
    return f"n{name}" if name[:1].isdigit() else name


def stage(
    db: "duckdb.DuckDBPyConnection",
    table: str,
    open_file: Callable[[], IO[bytes]],
    contract: ObjectContract,
    source_file: str,
) -> Staged:
    """Read an export into the scratch database and judge every record.

    Raises
    ------
    ScorecardError: the file as a whole can't be used: empty, not UTF-8, a column lacking or twice, broken quotes, a
        line without end.
    """
    with open_file() as raw:
        hashed = _Hashed(raw)
        text = io.TextIOWrapper(io.BufferedReader(hashed), encoding="utf-8-sig", newline="")
        try:
            records = _records(_header_lines(text, source_file), 1, contract.delimiter, source_file)
            _, last_line, header = next(records, (0, 0, []))
            columns = _columns(header, contract, source_file)
            rows_read = _stage_text(db, table, text, last_line + 1, len(header), contract.delimiter, source_file)
        except (UnicodeDecodeError, _ZeroByte) as error:
            raise _wrong_encoding(open_file, source_file) from error
        except _LongLine as error:
            raise _too_long(f"Line {_line_of(open_file, error.start)} of {source_file}", MAX_LINE) from error
    _judge(db, table, contract, header, columns)
    page_row(db, table, source_file, hashed.sha256.hexdigest(), hashed.size, rows_read)
    db.execute(f"drop table {table}")
    known = {column.name for column in contract.columns}
    unknown = tuple(column.name for column in columns if column.name not in known)
    return Staged(contract, table, columns, unknown, rows_read, count(db, f"{table}_bad"))


class _ZeroByte(Exception):
    """The file is no text."""


class _LongLine(Exception):
    """The file has a line that is too long; `start` is its offset."""

    def __init__(self, start: int) -> None:
        self.start = start


class _Hashed(io.RawIOBase):
    """Bytes on their way, hashed as they pass, so that hash and rows are of one file version.

    What is no text of lines is stopped here, before a reader looks for the end of its line in memory.
    """

    def __init__(self, raw: IO[bytes]) -> None:
        self.raw, self.sha256, self.size, self.line_start = raw, hashlib.sha256(), 0, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self.raw.read(len(buffer))
        buffer[: len(data)] = data
        self.sha256.update(data)
        self._refuse_what_is_no_text(data)
        self.size += len(data)
        return len(data)

    def _refuse_what_is_no_text(self, data: bytes) -> None:
        if b"\0" in data:
            raise _ZeroByte
        # All other lines that end in the data are shorter than it, which is no longer than a line may be.
        first_end = min((end for end in (data.find(b"\n"), data.find(b"\r")) if end >= 0), default=len(data))
        if self.size + first_end - self.line_start > MAX_LINE:
            raise _LongLine(self.line_start)
        if first_end < len(data):
            self.line_start = self.size + max(data.rfind(b"\n"), data.rfind(b"\r")) + 1


def _header_lines(text: IO[str], source_file: str) -> Iterator[str]:
    """Yield lines up to the length that a header may have."""
    left = MAX_HEADER
    while line := text.readline(left + 1):
        left -= len(line)
        if left < 0:
            raise _too_long(f"The header of {source_file}", MAX_HEADER)
        yield line


def _records(text: Iterable[str], line: int, delimiter: str, source_file: str) -> Iterator[tuple[int, int, list[str]]]:
    """Yield (first line, last line, fields) of each record of a text that begins on `line`; blank lines are none."""
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    start = line
    try:
        for fields in reader:
            end = line + reader.line_num - 1
            if fields:
                yield start, end, fields
            start = end + 1
    except csv.Error as error:
        raise ScorecardError(
            f"In {source_file}, the record that starts on line {start} cannot be read: {error}.",
            "Look for a quotation mark that is not closed or not doubled, and export the file again.",
        ) from error


def _stage_text(
    db: "duckdb.DuckDBPyConnection",
    table: str,
    text: IO[str],
    line: int,
    width: int,
    delimiter: str,
    source_file: str,
) -> int:
    """Fill `table` (_line, _c0, _c1 …; "" is null) and `<table>_odd` (other numbers of fields); count the records.

    Lines without a quotation mark are records as they stand, and DuckDB splits them ten times faster than Python can.
    """
    import pyarrow as pa

    db.execute(f"create table {table} (_line bigint, {', '.join(f'_c{i} varchar' for i in range(width))})")
    db.execute(f"create table {table}_odd (_line bigint, reason varchar, payload varchar)")
    cells = ", ".join(f"nullif(_f[{i + 1}], '')" for i in range(width))
    count = 0
    while lines := text.readlines(CHUNK):
        if '"' in "".join(lines):
            starts, records, line = _parse(lines, text, line, delimiter, source_file)
            batch = pa.table([pa.array(starts, pa.int64()), pa.array(records, pa.list_(pa.string()))], ["_line", "_f"])
            fields = "batch"
            read = len(records)
        else:
            whole = [each.rstrip("\r\n") for each in lines]
            numbers = pa.array(range(line, line + len(lines)), pa.int64())
            batch = pa.table([numbers, pa.array(whole, pa.string())], ["_line", "_text"])
            fields = f"(select _line, string_split(_text, {literal(delimiter)}) as _f from batch where _text <> '')"
            read = len(whole) - whole.count("")
            line += len(lines)
        db.register("batch", batch)
        query = f"insert into {table} select _line, {cells} from {fields} where len(_f) = {width}"
        (fit,) = db.execute(query).fetchone() or (0,)
        if fit < read:
            db.execute(f"""
                insert into {table}_odd
                select _line, 'has ' || len(_f) || ' fields where the header has {width}', to_json(_f)
                from {fields} where len(_f) <> {width}
            """)
        db.unregister("batch")
        count += read
    return count


def _parse(
    lines: list[str], rest: Iterator[str], line: int, delimiter: str, source_file: str
) -> tuple[list[int], list[list[str]], int]:
    """Parse lines and as many of the rest as their last record goes on for: first lines, fields, the line after."""
    starts, records = [], []
    last = line + len(lines) - 1
    after = last + 1
    for start, end, fields in _records(chain(lines, rest), line, delimiter, source_file):
        starts.append(start)
        records.append(fields)
        after = max(after, end + 1)
        if end >= last:
            break
    return starts, records, after


def _columns(header: list[str], contract: ObjectContract, source_file: str) -> tuple[Column, ...]:
    """Name the columns of the file in its order; those the contract doesn't know are varchar.

    Raises
    ------
    ScorecardError: the file is empty, lacks a column or has one twice.
    """
    if not any(field.strip() for field in header):
        raise ScorecardError(
            f"{source_file} is empty: it has not even a header.",
            "Export it again; the warehouse was left as it was.",
        )
    exact = {column.header: column for column in contract.columns}
    alike = {snake_case(column.header): column for column in contract.columns if snake_case(column.header)}
    columns = []
    for position, field in enumerate(header, start=1):
        name = snake_case(field)
        column = exact.get(field.strip()) or alike.get(name)
        columns.append(column or Column(name or f"column_{position}", "varchar", field, False))
    names = [column.name for column in columns]
    if lacking := [column for column in contract.columns if column.name not in names]:
        raise ScorecardError(
            f"{source_file} lacks the column {', '.join(column.header for column in lacking)};"
            f" it has {plain(', '.join(header))}.",
            "Export it with that column. If the column was renamed, write its new header as config.meta.header of"
            f" {', '.join(column.name for column in lacking)} in {contract.declared_in}; if it is gone for good, take"
            f" it out there and out of the staging model of {contract.name} beside it.",
        )
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise ScorecardError(
            f"{source_file} has the column {plain(', '.join(repeated))} more than once in its header:"
            f" {plain(', '.join(header))}.",
            "Export it with one column of that name.",
        )
    return tuple(columns)


def _judge(
    db: "duckdb.DuckDBPyConnection",
    table: str,
    contract: ObjectContract,
    header: list[str],
    columns: tuple[Column, ...],
) -> None:
    """Part the staged text into `<table>_good` and `<table>_bad`, and keep the keys that could be read."""
    is_header = " and ".join(f"_c{i} is not distinct from {literal(field)}" for i, field in enumerate(header) if field)
    names = ", ".join(quoted(column.name) for column in columns)
    db.execute(f"""
        create table {table}_judged as
        with typed as (select *, {typed(columns)} from {table})
        select 1 as _page, _line, {names},
            case when {is_header} then 'repeats the header' else {faults(columns)} end as _reason
        from typed
    """)
    _find_repeated_keys(db, table, contract, len(header))
    payload = ", ".join(f"{quoted(field or f'column {i + 1}')} := _c{i}" for i, field in enumerate(header))
    db.execute(f"""
        create table {table}_bad as
        with reasons as (
            select _line, _reason as reason from {table}_judged where _reason is not null
            union all select _line, reason from {table}_repeated
        ), faults as (
            select _line, string_agg(reason, '; ' order by reason) as reason from reasons group by _line
        )
        select 1 as _page, _line, reason, to_json(struct_pack({payload}))::varchar as payload,
            {key_text(contract)} as record_key
        from faults join {table} using (_line) join {table}_judged using (_line)
        union all select 1, _line, reason, payload, null from {table}_odd
    """)
    db.execute(f"create view {table}_good as from {table}_judged where _line not in (select _line from {table}_bad)")
    db.execute(f"create view {table}_keys as from {table}_judged where {has_key(contract)}")


def _find_repeated_keys(db: "duckdb.DuckDBPyConnection", table: str, contract: ObjectContract, width: int) -> None:
    """Make `<table>_repeated` (_line, reason): records whose key says two things, repeats but the first."""
    key = ", ".join(quoted(name) for name in contract.primary_key)
    record = ", ".join(f"_c{i}" for i in range(width))
    named = f"'the key {', '.join(contract.primary_key)} = ' || {key_text(contract)}"
    db.execute(f"""
        create table {table}_repeated as
        with repeated as (
            select {key} from {table}_judged where {has_key(contract)} group by {key} having count(*) > 1
        ), records as (
            select _line, {key}, row({record}) as _record
            from {table}_judged join repeated using ({key}) join {table} using (_line)
        ), groups as (
            select {key}, count(distinct _record) as _variants, min(_line) as _first,
                array_to_string(list(_line order by _line)[:5], ', ') as _lines
            from records group by {key}
        )
        select _line, case _variants when 1 then 'repeats line ' || _first
            else {named} || ' stands for records that differ, on lines ' || _lines end as reason
        from records join groups using ({key})
        where _variants > 1 or _line > _first
    """)


def _wrong_encoding(open_file: Callable[[], IO[bytes]], source_file: str) -> ScorecardError:
    """Say where the first byte is that is no UTF-8 text."""
    with open_file() as raw:
        found = _wrong_byte(raw)
    if found is None:
        return _not_utf8(source_file, "changed while it was read")
    offset, byte = found
    shown = f"the byte 0x{byte:02X}" if byte else "a zero byte"
    utf16 = ", as UTF-16 has" if not byte or (offset == 0 and byte in codecs.BOM_UTF16) else ""
    return _not_utf8(source_file, f"has {shown} on line {_line_of(open_file, offset)} (byte {offset + 1}){utf16}")


def _wrong_byte(raw: IO[bytes]) -> tuple[int, int] | None:
    """Find the first byte that is zero or not UTF-8: its offset and value."""
    offset, rest = 0, b""
    while block := raw.read(BLOCK):
        data = rest + block
        zero = data.find(b"\0")
        try:
            _, used = codecs.utf_8_decode(data if zero < 0 else data[:zero], "strict", zero >= 0)
        except UnicodeDecodeError as error:
            return offset + error.start, data[error.start]
        if zero >= 0:
            return offset + zero, 0
        offset, rest = offset + used, data[used:]
    return (offset, rest[0]) if rest else None


def _line_of(open_file: Callable[[], IO[bytes]], offset: int) -> int:
    """Count the lines up to an offset, whatever ends them."""
    line, before = 1, b""
    with open_file() as raw:
        while block := raw.read(min(BLOCK, offset)):
            line += block.count(b"\n") + block.count(b"\r") - (before + block).count(b"\r\n")
            offset, before = offset - len(block), block[-1:]
    return line


def _too_long(what: str, limit: int) -> ScorecardError:
    return ScorecardError(
        f"{what} is longer than {limit >> 20} MB.",
        "Look whether it is a CSV file at all, with an end to each line, and export it again; the warehouse was left"
        " as it was.",
    )


def _not_utf8(source_file: str, what: str) -> ScorecardError:
    return ScorecardError(
        f"{source_file} is not UTF-8: it {what}.",
        "Export it again as UTF-8 (in Excel: CSV UTF-8); the warehouse was left as it was.",
    )
