"""A CSV file as text cells.

Reading is Python's csv module, for it knows the physical line of each record; DuckDB splits the lines that have no
quotation mark.
"""

import codecs
import csv
import hashlib
import io
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import IO, Any

from scorecard.extract.files.cells import BLOCK, Cells, Part, batch_of
from scorecard.shared.errors import ScorecardError
from scorecard.shared.sql import literal

CHUNK = 2 << 20
"""Characters that are held as Python lines at a time, and the rest of the last line."""

MAX_HEADER = 1 << 20
"""Characters of the longest header; what is longer is no header but a file of another kind."""

MAX_LINE = 16 << 20
"""Bytes of the longest line, characters of the longest field. A file without line ends would have to be held whole."""


def read_csv(cells: Cells, part: Part) -> None:
    """Read a CSV file into the cells.

    Raises
    ------
    ScorecardError: the file as a whole can't be used: empty, in another encoding, a column lacking or twice, broken
        quotes, a line without end.
    """
    formats, delimiter = cells.contract.formats, cells.contract.delimiter
    with part.open() as raw:
        hashed = _Hashed(raw, formats.encoding)
        text = io.TextIOWrapper(io.BufferedReader(hashed), encoding=formats.encoding, newline="")
        try:
            lines = _header_lines(text, part.name)
            for _ in islice(lines, formats.skip_rows):
                pass
            records = _records(lines, formats.skip_rows + 1, delimiter, part.name)
            _, last_line, header = next(records, (0, 0, []))
            cells.begin(header, part.name)
            rows_read = _read_records(cells, text, last_line + 1, len(header), delimiter, part.name)
        except (UnicodeError, _ZeroByte, _OtherEncoding) as error:
            raise _wrong_encoding(part.open, part.name, formats.encoding) from error
        except _LongLine as error:
            raise _too_long(f"Line {_line_of(part.open, error.start)} of {part.name}", MAX_LINE) from error
    cells.end(part.name, hashed.sha256.hexdigest(), hashed.size, rows_read)


class _ZeroByte(Exception):
    """The file is no text."""


class _OtherEncoding(Exception):
    """The file says itself that it is UTF-8, and the contract something else."""


class _LongLine(Exception):
    """The file has a line that is too long; `start` is its offset."""

    def __init__(self, start: int) -> None:
        self.start = start


class _Hashed(io.RawIOBase):
    """Bytes on their way, hashed as they pass, so that hash and rows are of one file version.

    What is no text of lines is stopped here, before a reader looks for the end of its line in memory.
    """

    def __init__(self, raw: IO[bytes], encoding: str) -> None:
        self.encoding = encoding
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
        if b"\0" in data and not self.encoding.startswith(("utf-16", "utf-32")):
            raise _ZeroByte
        if self.size == 0 and data.startswith(codecs.BOM_UTF8) and self.encoding != "utf-8-sig":
            raise _OtherEncoding
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

    Lines without a quotation mark are records as they stand, and DuckDB splits them ten times faster than Python can.
    """
    import pyarrow as pa

    count = 0
    while lines := text.readlines(CHUNK):
        if '"' in "".join(lines):
            starts, records, line = _parse(lines, text, line, delimiter, source_file)
            batch = batch_of(starts, records)
            fields = "batch"
            read = len(records)
        else:
            whole = [each.rstrip("\r\n") for each in lines]
            numbers = pa.array(range(line, line + len(lines)), pa.int64())
            batch = pa.table([numbers, pa.array(whole, pa.string())], ["_line", "_text"])
            fields = f"(select _line, string_split(_text, {literal(delimiter)}) as _f from batch where _text <> '')"
            read = len(whole) - whole.count("")
            line += len(lines)
        cells.db.register("batch", batch)
        if cells.add(f"{fields} where len(_f) = {width}") < read:
            reason = f"'has ' || len(_f) || ' fields where the header has {width}'"
            cells.add_odd(f"{fields} where len(_f) <> {width}", reason, "to_json(_f)")
        cells.db.unregister("batch")
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


def _wrong_encoding(open_file: Callable[[], IO[bytes]], source_file: str, encoding: str) -> ScorecardError:
    """Say where the first byte is that is no text in the encoding."""
    with open_file() as raw:
        is_utf8 = raw.read(3) == codecs.BOM_UTF8 and encoding != "utf-8-sig"
    if is_utf8:
        return _not_in(encoding, source_file, "begins as a file in UTF-8 does")
    with open_file() as raw:
        found = _wrong_byte(raw, encoding)
    if found is None:
        return _not_in(encoding, source_file, "changed while it was read")
    offset, byte = found
    shown = f"the byte 0x{byte:02X}" if byte else "a zero byte"
    utf16 = ", as UTF-16 has" if not byte or (offset == 0 and byte in codecs.BOM_UTF16) else ""
    line = _line_of(open_file, offset)
    return _not_in(encoding, source_file, f"has {shown} on line {line} (byte {offset + 1}){utf16}")


def _wrong_byte(raw: IO[bytes], encoding: str) -> tuple[int, int] | None:
    """Find the first byte that is zero or no text in the encoding: its offset and value."""
    may_have_zeros = encoding.startswith(("utf-16", "utf-32"))
    decoder = codecs.getincrementaldecoder("utf-8" if encoding == "utf-8-sig" else encoding)()
    offset, waiting = 0, b""
    while block := raw.read(BLOCK):
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


def _not_in(encoding: str, source_file: str, what: str) -> ScorecardError:
    name = {"utf-8-sig": "UTF-8"}.get(encoding, encoding)
    return ScorecardError(
        f"{source_file} is not {name}: it {what}.",
        "Export it again as UTF-8 (in Excel: CSV UTF-8), or write the encoding that it has as config.meta.encoding of"
        " its table in the contract; the warehouse was left as it was.",
    )
