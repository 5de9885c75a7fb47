"""The rows of a sheet of an Excel workbook, read by a streaming XML parser, so that memory is small whatever the file.

A document type or an entity of its own stops the reading: no workbook has one. What a cell shows is returned as the
text that a CSV export would have.
"""

import posixpath
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from xml.parsers import expat

BLOCK = 1 << 16
"""Bytes of XML that are parsed at a time."""

MOST = 4 << 30
"""Bytes of the largest part of a workbook once it is unpacked."""

LAST_ROW, LAST_COLUMN = 1_048_576, 16_384

Start = Callable[[str, dict[str, str]], None]
End = Callable[[str], None]


class Damaged(Exception):
    """The workbook is not as its format says; the message says what is wrong."""


@dataclass
class Budget:
    """Cells and other entries, and characters in them, that may still be read; `take` raises `TooLarge` beyond."""

    cells: int
    text: int

    def take(self, cells: int, text: int) -> None:
        """Count what is about to be held."""
        self.cells -= cells
        self.text -= text
        if self.cells < 0 or self.text < 0:
            raise TooLarge("cells" if self.cells < 0 else "text")


class TooLarge(Exception):
    """More cells or more text than may be read; the message is which."""


@dataclass
class Row:
    """A row: its number as Excel shows it, texts by column from 1, and why it can't be read, "" where it can."""

    number: int
    texts: dict[int, str] = field(default_factory=dict)
    problem: str = ""


@dataclass(frozen=True)
class Sheet:
    """A sheet with cells: its name, where its XML is, and whether people see it."""

    name: str
    path: str
    is_seen: bool


class Workbook:
    """A workbook in an archive. Numbers are written with `point`."""

    def __init__(self, archive: zipfile.ZipFile, budget: Budget, point: str) -> None:
        self.archive, self.budget = archive, budget
        self.point = point
        self.is_1904 = False
        self.sheets: list[Sheet] = []
        self.merged: list[tuple[int, int]] = []
        links = self._links("", "_rels/.rels")
        path = next((path for kind, path in links.values() if kind == "officeDocument"), "xl/workbook.xml")
        folder, name = posixpath.split(path)
        self._parts = self._links(folder, f"{folder}/_rels/{name}.rels")
        self._read_sheets(path)

    def rows(self, sheet: Sheet) -> Iterator[Row]:
        """Yield the rows that aren't blank. After the last, `merged` has the first and last row of each merged range.

        Raises
        ------
        Damaged: two rows or cells have one place, or something isn't as the format says.
        TooLarge: there are more cells or more text than the budget has.
        """
        shared, kinds = self._shared_strings(), self._kinds_of_styles()
        reader = _SheetReader(_Texts(shared, kinds, self.is_1904, self.point), self.budget)
        for _ in self._parse(sheet.path, reader.start, reader.end, reader.data):
            yield from reader.done
            reader.done.clear()
        self.merged = reader.merged

    def _links(self, folder: str, path: str) -> dict[str, tuple[str, str]]:
        """Return the kind and path of each part that a part links to, by id."""
        links: dict[str, tuple[str, str]] = {}

        def start(name: str, attributes: dict[str, str]) -> None:
            if _local(name) == "Relationship" and attributes.get("TargetMode") != "External":
                target = attributes.get("Target", "")
                whole = target[1:] if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))
                self.budget.take(1, 0)
                links[attributes.get("Id", "")] = attributes.get("Type", "").rpartition("/")[2], whole

        self._read(path, start)
        return links

    def _read_sheets(self, path: str) -> None:
        def start(name: str, attributes: dict[str, str]) -> None:
            match _local(name):
                case "workbookPr":
                    self.is_1904 = attributes.get("date1904") in ("1", "true")
                case "sheet":
                    ids = [value for key, value in attributes.items() if key.endswith(":id")]
                    kind, where = self._parts.get(ids[0] if ids else "", ("", ""))
                    if kind == "worksheet":
                        is_seen = attributes.get("state", "visible") == "visible"
                        self.sheets.append(Sheet(attributes.get("name", ""), where, is_seen))

        self._read(path, start)

    def _part(self, kind: str) -> str:
        """Return the path of the workbook's own part of a kind, "" where it has none."""
        paths = [path for each, path in self._parts.values() if each == kind]
        return paths[0] if paths else ""

    def _shared_strings(self) -> list[str]:
        path = self._part("sharedStrings")
        if not path:
            return []
        reader = _StringsReader(self.budget)
        self._read(path, reader.start, reader.end, reader.data)
        return reader.strings

    def _kinds_of_styles(self) -> list[str]:
        """Return what the cells of each style hold: "date", "duration" or "" for all else."""
        codes: dict[str, str] = {}
        styles: list[str] = []
        inside = [""]

        def start(name: str, attributes: dict[str, str]) -> None:
            match _local(name):
                case "numFmt":
                    self.budget.take(1, 0)
                    codes[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
                case "cellXfs" | "cellStyleXfs":
                    inside[0] = _local(name)
                case "xf" if inside[0] == "cellXfs":
                    self.budget.take(1, 0)
                    styles.append(attributes.get("numFmtId", "0"))

        if path := self._part("styles"):
            self._read(path, start)
        return [kind_of_format(each, codes.get(each, "")) for each in styles]

    def _read(self, path: str, start: Start, end: End | None = None, data: End | None = None) -> None:
        for _ in self._parse(path, start, end, data):
            pass

    def _parse(self, path: str, start: Start, end: End | None = None, data: End | None = None) -> Iterator[None]:
        """Parse a part of the archive, block by block."""
        if self.archive.getinfo(path).file_size > MOST:
            raise TooLarge("bytes")
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, data
        parser.StartDoctypeDeclHandler = _refuse_doctype
        with self.archive.open(path) as file:
            while block := file.read(BLOCK):
                parser.Parse(block, False)
                yield
        parser.Parse(b"", True)
        yield


def _refuse_doctype(*_: object) -> None:
    raise Damaged("it declares a document type, which no workbook does")


def _local(name: str) -> str:
    """Return a name without its prefix."""
    return name.rpartition(":")[2]


class _StringsReader:
    """Collects the texts that cells share; how Japanese names are read aloud is no part of them."""

    def __init__(self, budget: Budget) -> None:
        self.budget, self.strings = budget, list[str]()
        self._parts: list[str] = []
        self._is_text, self._aloud = False, 0

    def start(self, name: str, _: dict[str, str]) -> None:
        match _local(name):
            case "t":
                self._is_text = not self._aloud
            case "rPh":
                self._aloud += 1

    def data(self, text: str) -> None:
        if self._is_text:
            self.budget.take(0, len(text))
            self._parts.append(text)

    def end(self, name: str) -> None:
        match _local(name):
            case "t":
                self._is_text = False
            case "rPh":
                self._aloud -= 1
            case "si":
                self.budget.take(1, 0)
                self.strings.append(unescaped("".join(self._parts)))
                self._parts.clear()


@dataclass(frozen=True)
class _Texts:
    """Says what a cell shows; see `Workbook`."""

    shared: list[str]
    kinds: list[str]
    is_1904: bool
    point: str

    def of(self, kind: str, style: str, value: str) -> str:
        """Return the text of a cell with its type, style and value as the XML has them.

        Raises
        ------
        ValueError, IndexError, OverflowError: the value is none of its type.
        """
        match kind:
            case "s":
                number = int(value)
                return self.shared[number] if number >= 0 else self.shared[len(self.shared)]
            case "str" | "inlineStr":
                return unescaped(value)
            case "b":
                return {"1": "true", "0": "false"}.get(value.strip(), value)
            case "d":
                return value.strip().replace("T", " ", 1).removesuffix(" 00:00:00")
            case "n" | "":
                return self._number(float(value), self.kinds[int(style)] if style and self.kinds else "")
            case _:
                return value

    def _number(self, value: float, kind: str) -> str:
        if kind == "date":
            return shown_date(value, self.is_1904)
        if kind == "duration":
            minutes, seconds = divmod(round(value * 86_400), 60)
            return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"
        return shown_number(value).replace(".", self.point)


class _SheetReader:
    """Puts the elements of a sheet's XML together to rows."""

    def __init__(self, texts: _Texts, budget: Budget) -> None:
        self.texts, self.budget = texts, budget
        self.done: list[Row] = []
        self.merged: list[tuple[int, int]] = []
        self._row: Row | None = None
        self._last_row = self._last_column = self._column = self._aloud = 0
        self._cell: dict[str, str] | None = None
        self._parts: list[str] | None = None
        self._value: str | None = None
        self._has_formula = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        match _local(name):
            case "c" if self._row:
                self._begin_cell(attributes)
            case "v" | "t" if self._cell is not None and not self._aloud:
                self._parts = []
            case "f" if self._cell is not None:
                self._has_formula = True
            case "rPh":
                self._aloud += 1
            case "row":
                self._begin_row(attributes)
            case "mergeCell":
                first, _, last = attributes.get("ref", "").partition(":")
                self.budget.take(1, 0)
                self.merged.append((_place(first)[0], _place(last or first)[0]))

    def data(self, text: str) -> None:
        if self._parts is not None:
            self.budget.take(0, len(text))
            self._parts.append(text)

    def end(self, name: str) -> None:
        match _local(name):
            case "v" | "t" if self._parts is not None:
                self._value = (self._value or "") + "".join(self._parts)
                self._parts = None
            case "c" if self._cell is not None:
                self._end_cell()
            case "rPh":
                self._aloud -= 1
            case "row" if self._row:
                if self._row.problem or any(self._row.texts.values()):
                    self.done.append(self._row)
                self._row = None

    def _begin_row(self, attributes: dict[str, str]) -> None:
        number = _whole(attributes.get("r", str(self._last_row + 1)))
        if number == self._last_row:
            raise Damaged(f"it has the row {number} twice")
        if not self._last_row < number <= LAST_ROW:
            raise Damaged(f"its row {number} comes after row {self._last_row}")
        self._row, self._last_row, self._last_column = Row(number), number, 0

    def _begin_cell(self, attributes: dict[str, str]) -> None:
        self.budget.take(1, 0)
        row, column = self._last_row, self._last_column + 1
        if "r" in attributes:
            row, column = _place(attributes["r"])
        if row != self._last_row or column > LAST_COLUMN or (self._row and column in self._row.texts):
            raise Damaged(f"its row {self._last_row} has the cell {name_of(column, row)} twice, or one of another row")
        self._cell, self._column, self._last_column = attributes, column, column
        self._value, self._has_formula = None, False

    def _end_cell(self) -> None:
        cell, row = self._cell, self._row
        if cell is None or row is None:
            raise Damaged(f"its row {self._last_row} ends within a cell")
        kind, value = cell.get("t", "n"), self._value
        self._cell = None
        text, problem = "", ""
        if kind == "e":
            text = value or "#N/A"
            problem = f"is an error ({text[:20]})"
        elif kind != "inlineStr" and kind != "str" and (value is None or not value.strip()):
            problem = "is a formula that was never calculated" if self._has_formula else ""
        else:
            try:
                text = self.texts.of(kind, cell.get("s", ""), value or "")
            except (ValueError, IndexError, OverflowError):
                text, problem = value or "", "holds no value of its type"
        if kind == "s":
            self.budget.take(0, len(text))
        row.texts[self._column] = text
        if problem and not row.problem:
            row.problem = f"the cell {name_of(self._column, row.number)} {problem}"


def _whole(text: str) -> int:
    if not re.fullmatch(r"\d{1,9}", text, re.ASCII):
        raise Damaged(f"it numbers a row {text[:20]!r}")
    return int(text)


def _place(text: str) -> tuple[int, int]:
    """Return row and column of a place like B7, from 1.

    >>> _place("A1"), _place("XFD1048576")
    ((1, 1), (1048576, 16384))
    """
    match = re.fullmatch(r"\$?([A-Za-z]{1,3})\$?(\d{1,9})", text, re.ASCII)
    if not match:
        raise Damaged(f"it has a cell at {text[:20]!r}")
    column = 0
    for letter in match[1].upper():
        column = column * 26 + ord(letter) - 64
    return int(match[2]), column


def name_of(column: int, row: int) -> str:
    """Return a place as Excel names it.

    >>> name_of(1, 1), name_of(27, 3), name_of(16384, 1048576)
    ('A1', 'AA3', 'XFD1048576')
    """
    letters = ""
    while column > 0:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return f"{letters}{row}"


def unescaped(text: str) -> str:
    """Return a text with the characters that XML can't hold, which Excel writes as `_x000D_`.

    >>> unescaped("a_x000D_b _x005F_x000D_ x")
    'a\\rb _x000D_ x'
    """
    return re.sub(r"_x([0-9A-Fa-f]{4})_", lambda match: chr(int(match[1], 16)), text) if "_x" in text else text


def shown_number(value: float) -> str:
    """Return a number with the 15 digits that Excel keeps.

    >>> [shown_number(each) for each in (3.0, 0.1 + 0.2, 1e-7, 12345678901234567.0)]
    ['3', '0.3', '0.0000001', '1.23456789012346e+16']
    """
    # A number with more digits has lost them already, and must not look as if it were whole.
    text = format(value, ".15g")
    return text if abs(value) >= 1e15 else format(Decimal(text), "f")


def shown_date(serial: float, is_1904: bool) -> str:
    """Return a day, a time or a moment out of the days since Excel's first; a number that is none as it is.

    Excel takes 1900 for a leap year: its day 60, 29 February 1900, never was.

    >>> [shown_date(each, False) for each in (0.4375, 1, 59, 60, 61)]
    ['10:30:00', '1900-01-01', '1900-02-28', '1900-02-29', '1900-03-01']
    >>> [shown_date(each, False) for each in (45351, 45361.5, -1, 3e6)], shown_date(0, True)
    (['2024-02-29', '2024-03-10 12:00:00', '-1', '3000000'], '1904-01-01')
    """
    milliseconds = round(serial * 86_400_000)
    days, rest = divmod(milliseconds, 86_400_000)
    clock = (datetime(2000, 1, 1) + timedelta(milliseconds=rest)).time()
    if days == 0 and (rest or not is_1904):
        return _clock(clock)
    if not 0 <= days < 2_958_466:
        return shown_number(serial)
    first = date(1904, 1, 1) if is_1904 else date(1899, 12, 31 if days < 60 else 30)
    day = "1900-02-29" if days == 60 and not is_1904 else (first + timedelta(days=days)).isoformat()
    return f"{day} {_clock(clock)}" if rest else day


def _clock(clock: time) -> str:
    return clock.isoformat()


_DATES = {*range(14, 23), *range(27, 37), 45, 47, *range(50, 59), *range(71, 82)}
"""Excel's own formats of days and times, those of Japan, China, Korea and Thailand among them."""


def kind_of_format(number: str, code: str) -> str:
    """Say what a number format shows: "date", "duration" or "" for all else.

    >>> [kind_of_format("164", code) for code in ('yyyy"年"m"月"', "[h]:mm", "#,##0.00 [Red]", '0 "days"', "0.00E+00")]
    ['date', 'duration', '', '', '']
    """
    if not code:
        return "duration" if number == "46" else "date" if number.isdigit() and int(number) in _DATES else ""
    bare = re.sub(r'"[^"]*"|\\.|_.|\*.', "", code)
    if re.search(r"\[(h+|m+|s+)\]", bare, re.IGNORECASE):
        return "duration"
    return "date" if re.search(r"[ymdhs]", re.sub(r"\[[^\]]*\]", "", bare), re.IGNORECASE) else ""
