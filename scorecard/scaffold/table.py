"""An export as rows of text, read without a contract: encoding, delimiter and header are guessed."""

import csv
import io
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any
from xml.parsers import expat

from scorecard.shared.errors import ScorecardError

ROWS = 20_000
"""Rows that are looked at."""

_BYTES = 16 << 20
_DELIMITERS = ",;\t|"
_CELLS, _CHARACTERS = 5_000_000, 200_000_000


@dataclass(frozen=True)
class ExportTable:
    """The first rows of an export: its header, its rows as text, and how it is written.

    ``types``: of a Parquet file, the type of each column as a contract names it. ``notes``: what is uncertain.
    """

    header: list[str]
    rows: list[list[str]]
    encoding: str = ""
    delimiter: str = ","
    skip_rows: int = 0
    types: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def column(self, place: int) -> list[str]:
        """Return the texts of a column, without spaces around them."""
        return [row[place].strip() if place < len(row) else "" for row in self.rows]


def read_table(path: Path) -> ExportTable:
    """Read the first rows of a CSV file, an Excel workbook (its first sheet) or a Parquet file.

    Raises
    ------
    ScorecardError: the file is missing, can't be read as the kind that its name says, or has no header.
    """
    if not path.is_file():
        problem = f"{path} is a folder." if path.is_dir() else f"There is no file {path}."
        raise ScorecardError(problem, "Give the path of an export file.")
    readers = {".xlsx": _read_excel, ".parquet": _read_parquet}
    table = readers.get(path.suffix.lower(), _read_csv)(path)
    if not any(table.header):
        raise ScorecardError(f"{path} has no header.", "Export it with the names of its columns in the first row.")
    return table


def _read_csv(path: Path) -> ExportTable:
    with path.open("rb") as file:
        content = file.read(_BYTES + 1)
    text, encoding, notes = _decoded(content, path)
    if len(content) > _BYTES:
        text = text[: text.rfind("\n") + 1]
    lines = text.splitlines()
    delimiter = _delimiter(lines)
    records = list(islice(_records(text, delimiter, path), ROWS + 50))
    skip = _lines_above_header(records)
    body = [record for record in records[skip + 1 :] if any(record)]
    header = records[skip] if len(records) > skip else []
    return ExportTable(header, body[:ROWS], encoding, delimiter, skip, notes=notes)


def _decoded(content: bytes, path: Path) -> tuple[str, str, tuple[str, ...]]:
    """Return the text, its encoding as a contract names it ("" is UTF-8), and a note where it is a guess."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace"), "utf-16", ()
    try:
        # Text that is cut within a letter is still UTF-8.
        return content[: len(content) if len(content) <= _BYTES else _BYTES - 4].decode("utf-8-sig"), "", ()
    except UnicodeDecodeError:
        pass
    if b"\0" in content:
        raise ScorecardError(f"{path} is not text.", "Name a CSV file, or one that ends in .xlsx or .parquet.")
    for encoding, python in (("shift_jis", "cp932"), ("windows-1252", "cp1252")):
        try:
            text = content.decode(python)
        except UnicodeDecodeError:
            continue
        # Half-width katakana and lone symbols are what Western letters look like in Japanese.
        if encoding != "shift_jis" or _is_japanese(text):
            return text, encoding, (f"The encoding {encoding} is likely, not sure: look at names with accents.",)
    return content.decode("cp1252", "replace"), "windows-1252", ("The encoding is not known.",)


def _is_japanese(text: str) -> bool:
    """Whether the letters outside ASCII are mostly kana and common kanji, and none is a half-width kana."""
    letters = [letter for letter in text if not letter.isascii()]
    wide = [letter for letter in letters if "\u3000" <= letter <= "\u9fff"]
    return len(wide) > len(letters) * 0.9


def _delimiter(lines: list[str]) -> str:
    """Return the delimiter that most of the lines have equally often."""
    best, score = ",", 0.0
    for delimiter in _DELIMITERS:
        counts = Counter(line.count(delimiter) for line in lines[:200] if line)
        count, times = max(counts.items(), key=lambda pair: (bool(pair[0]), pair[1]), default=(0, 0))
        if count and times * (1 + count / 100) > score:
            best, score = delimiter, times * (1 + count / 100)
    return best


def _records(text: str, delimiter: str, path: Path) -> Iterator[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        yield from reader
    except csv.Error as error:
        raise ScorecardError(
            f"{path} cannot be read as CSV at line {reader.line_num}: {error}.",
            "Look at that line and at those above it. Close each quotation mark, and double those within a text.",
        ) from error


def _lines_above_header(records: list[list[str]]) -> int:
    """Return how many records there are above the first that is at least as wide as most."""
    widths = Counter(len(record) for record in records if record)
    usual = widths.most_common(1)[0][0] if widths else 0
    return next((place for place, record in enumerate(records[:50]) if len(record) >= usual), 0)


def _read_excel(path: Path) -> ExportTable:
    """Read the first rows of the first visible sheet."""
    from scorecard.extract.files.excel_files import UNREADABLE
    from scorecard.extract.files.sheet_xml import Budget, Damaged, TooLarge
    from scorecard.extract.files.workbook import Workbook

    try:
        with zipfile.ZipFile(path) as archive:
            decimal_separator = "."
            book = Workbook(archive, Budget(_CELLS, _CHARACTERS), decimal_separator)
            sheet = next((sheet for sheet in book.sheets if sheet.is_visible), book.sheets[0])
            read_rows = list(islice(book.rows(sheet), ROWS))
    except TooLarge as error:
        raise ScorecardError(f"{path} is too large to guess from.", "Give an export with fewer rows.") from error
    except IndexError as error:
        raise ScorecardError(f"{path} has no sheet.", "Export it again with a sheet of rows.") from error
    except (*UNREADABLE, expat.ExpatError, Damaged, KeyError) as error:
        raise ScorecardError(f"{path} cannot be read as a workbook: {error}.", "Save it again as .xlsx.") from error
    rows = [[row.texts.get(column + 1, "") for column in range(max(row.texts, default=0))] for row in read_rows]
    header_row = _lines_above_header(rows)
    # An extraction skips blank rows above the header by itself.
    skip = read_rows[header_row].number - 1 if header_row else 0
    return ExportTable(rows[header_row] if rows else [], rows[header_row + 1 :], skip_rows=skip)


def _read_parquet(path: Path) -> ExportTable:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
        schema = file.schema_arrow
        rows = [
            ["" if value is None else str(value) for value in record.values()]
            for batch in islice(file.iter_batches(ROWS), 1)
            for record in batch.to_pylist()
        ]
    except (pa.ArrowException, OSError) as error:
        raise ScorecardError(f"{path} cannot be read as Parquet: {error}.", "Export it again.") from error
    return ExportTable(schema.names, rows, types={field.name: _type_of(field.type) for field in schema})


def _type_of(kind: Any) -> str:
    """Return the type of a Parquet column as a contract names it."""
    import pyarrow.types as of

    if of.is_timestamp(kind):
        return "timestamptz" if kind.tz else "timestamp"
    if of.is_decimal(kind):
        return f"decimal({min(kind.precision, 38)},{kind.scale})"
    kinds = {
        "date": of.is_date,
        "boolean": of.is_boolean,
        "integer": lambda arrow_type: of.is_int8(arrow_type) or of.is_int16(arrow_type) or of.is_int32(arrow_type),
        "bigint": of.is_integer,
        "double": of.is_floating,
    }
    return next((name for name, test in kinds.items() if test(kind)), "varchar")
