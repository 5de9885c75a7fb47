"""A CSV file as text cells.

Python's csv module reads records with quotation marks, since it knows their physical lines. DuckDB splits all other
lines.
"""

import codecs
import csv
import io
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import IO, Any

from scorecard.extract.files.cells import Cells, batch_of
from scorecard.extract.files.originals import ExportFile
from scorecard.shared.errors import ScorecardError
from scorecard.shared.sql import literal

CHARACTERS_READ = 2 << 20
"""Characters of lines that are read at a time; the last line is read to its end."""

BYTES_READ = 1 << 20
"""Bytes of a file that are read at a time."""

MAX_HEADER = 1 << 20
"""Maximum characters of a header; a file with a longer one is of another kind."""

MAX_LINE = 16 << 20
"""Maximum bytes of a line, and characters of a field: a file without line ends would fill the memory."""


def read_csv(cells: Cells, file: ExportFile) -> None:
    """Read a CSV file into the cells.

    Raises
    ------
    ScorecardError: the file as a whole can't be used: it is empty, in another encoding, lacks a column or has it twice,
        has broken quotes, or a line that is too long.
    """
    formats, delimiter = cells.contract.formats, cells.contract.delimiter
    with file.open() as raw:
        checked = _CheckedBytes(raw, formats.encoding)
        text = io.TextIOWrapper(io.BufferedReader(checked), encoding=formats.encoding, newline="")
        try:
            lines = _header_lines(text, file.name)
            for _ in islice(lines, formats.skip_rows):
                pass
            records = _records(lines, formats.skip_rows + 1, delimiter, file.name)
            _, last_line, header = next(records, (0, 0, []))
            cells.begin(header, file.name)
            rows_read = _read_records(cells, text, last_line + 1, len(header), delimiter, file.name)
        except (UnicodeError, _ZeroByte, _OtherEncoding) as error:
            raise _wrong_encoding(file, formats.encoding) from error
        except _LongLine as error:
            raise _too_long(f"Line {_line_of(file, error.start)} of {file.name}", MAX_LINE) from error
    cells.end(file, checked.size, rows_read)


class _ZeroByte(Exception):
    """The file has a zero byte, which no text has."""


class _OtherEncoding(Exception):
    """The file begins with the mark of UTF-8, and the contract declares another encoding."""


class _LongLine(Exception):
    """The file has a line that is too long; `start` is its offset."""

    def __init__(self, start: int) -> None:
        self.start = start


class _CheckedBytes(io.RawIOBase):
    """The bytes of a file. They are counted, and checked before a reader has a whole line of them in memory."""

    def __init__(self, raw: IO[bytes], encoding: str) -> None:
        self.encoding = encoding
        self.raw, self.size, self.line_start = raw, 0, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self.raw.read(len(buffer))
        buffer[: len(data)] = data
        self._refuse_wrong_bytes(data)
        self.size += len(data)
        return len(data)

    def _refuse_wrong_bytes(self, data: bytes) -> None:
        if b"\0" in data and not self.encoding.startswith(("utf-16", "utf-32")):
            raise _ZeroByte
        if self.size == 0 and data.startswith(codecs.BOM_UTF8) and self.encoding != "utf-8-sig":
            raise _OtherEncoding
        # All other lines that end in the data are shorter than the data, and the data is shorter than MAX_LINE.
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
    """Yield (first line, last line, fields) of each record of a text that begins on `line`, without blank lines."""
    csv.field_size_limit(MAX_LINE)
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


def _read_records(cells: Cells, text: IO[str], line: int, width: int, delimiter: str, source_file: str) -> int:
    """Read the records from a line on, and count them.

    A line without a quotation mark is a record, and DuckDB splits it ten times faster than Python.
    """
    import pyarrow as pa

    count = 0
    while lines := text.readlines(CHARACTERS_READ):
        if '"' in "".join(lines):
            starts, records, line = _parse(lines, text, line, delimiter, source_file)
            batch = batch_of(starts, records)
            fields = "batch"
            read = len(records)
        else:
            stripped_lines = [line_text.rstrip("\r\n") for line_text in lines]
            numbers = pa.array(range(line, line + len(lines)), pa.int64())
            batch = pa.table([numbers, pa.array(stripped_lines, pa.string())], ["_line", "_text"])
            fields = f"(select _line, string_split(_text, {literal(delimiter)}) as _f from batch where _text <> '')"
            read = len(stripped_lines) - stripped_lines.count("")
            line += len(lines)
        cells.db.register("batch", batch)
        if cells.add(f"{fields} where len(_f) = {width}") < read:
            reason = f"'has ' || len(_f) || ' fields where the header has {width}'"
            cells.add_unreadable(f"{fields} where len(_f) <> {width}", reason, "to_json(_f)")
        cells.db.unregister("batch")
        count += read
    return count


def _parse(
    lines: list[str], rest: Iterator[str], line: int, delimiter: str, source_file: str
) -> tuple[list[int], list[list[str]], int]:
    """Parse lines, and further ones to the end of the last record: first lines, fields, the line after."""
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


def _too_long(what: str, limit: int) -> ScorecardError:
    return ScorecardError(
        f"{what} is longer than {limit >> 20} MB.",
        "Look whether it is a CSV file at all, with an end to each line, and export it again; the warehouse was left"
        " as it was.",
    )


def _wrong_encoding(file: ExportFile, encoding: str) -> ScorecardError:
    """Return the error of a file that isn't in an encoding; it names the line and the first wrong byte."""
    with file.open() as raw:
        is_utf8 = raw.read(3) == codecs.BOM_UTF8 and encoding != "utf-8-sig"
    if is_utf8:
        return _not_in(encoding, file.name, "begins as a file in UTF-8 does")
    with file.open() as raw:
        wrong = _wrong_byte(raw, encoding)
    if wrong is None:
        return _not_in(encoding, file.name, "changed while it was read")
    offset, byte = wrong
    shown = f"the byte 0x{byte:02X}" if byte else "a zero byte"
    utf16 = ", as UTF-16 has" if not byte or (offset == 0 and byte in codecs.BOM_UTF16) else ""
    line = _line_of(file, offset)
    return _not_in(encoding, file.name, f"has {shown} on line {line} (byte {offset + 1}){utf16}")


def _wrong_byte(raw: IO[bytes], encoding: str) -> tuple[int, int] | None:
    """Find the first byte that is zero or no text in the encoding: its offset and value."""
    may_have_zeros = encoding.startswith(("utf-16", "utf-32"))
    decoder = codecs.getincrementaldecoder("utf-8" if encoding == "utf-8-sig" else encoding)()
    offset, waiting = 0, b""
    while block := raw.read(BYTES_READ):
        zero = -1 if may_have_zeros else block.find(b"\0")
        text = block if zero < 0 else block[:zero]
        try:
            decoder.decode(text, zero >= 0)
        except UnicodeError as error:
            start = error.start if isinstance(error, UnicodeDecodeError) else 0
            return offset - len(waiting) + start, (waiting + text)[start]
        if zero >= 0:
            return offset + zero, 0
        offset, waiting = offset + len(block), bytes(decoder.getstate()[0])
    return (offset - len(waiting), waiting[0]) if waiting else None


def _line_of(file: ExportFile, offset: int) -> int:
    """Count the lines up to an offset, whatever ends them."""
    line, before = 1, b""
    with file.open() as raw:
        while block := raw.read(min(BYTES_READ, offset)):
            line += block.count(b"\n") + block.count(b"\r") - (before + block).count(b"\r\n")
            offset, before = offset - len(block), block[-1:]
    return line


def _not_in(encoding: str, source_file: str, what: str) -> ScorecardError:
    name = {"utf-8-sig": "UTF-8"}.get(encoding, encoding)
    return ScorecardError(
        f"{source_file} is not {name}: it {what}.",
        "Export it again as UTF-8 (in Excel: CSV UTF-8), or write the encoding that it has as config.meta.encoding of"
        " its table in the contract; the warehouse was left as it was.",
    )
