"""A workbook: an archive of XML, read by a streaming parser, so that memory is small whatever its size.

A document type or an entity is refused: no workbook of Excel has one.
"""

import posixpath
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from xml.parsers import expat

from scorecard.extract.files.sheet_xml import (
    Budget,
    CellTexts,
    Damaged,
    SheetReader,
    SheetRow,
    TooLarge,
    local_name,
    unescaped,
)

BLOCK = 1 << 16
"""Bytes of XML that are parsed at a time."""

MAX_PART_BYTES = 4 << 30
"""Bytes of the largest part of a workbook once it is unpacked."""

_DATES = {*range(14, 23), *range(27, 37), 45, 47, *range(50, 59), *range(71, 82)}
"""Excel's built-in formats of days and times, with those of Japan, China, Korea and Thailand."""

Start = Callable[[str, dict[str, str]], None]
End = Callable[[str], None]


@dataclass(frozen=True)
class Sheet:
    """A sheet with cells: its name, the path of its XML in the archive, and whether it is visible."""

    name: str
    path: str
    is_visible: bool


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

    def rows(self, sheet: Sheet) -> Iterator[SheetRow]:
        """Yield the rows that aren't blank. After the last, `merged` has the first and last row of each merged range.

        Raises
        ------
        Damaged: two rows or cells have the same place, or the sheet violates the format.
        TooLarge: there are more cells or more text than the budget has.
        """
        shared, kinds = self._shared_strings(), self._kinds_of_styles()
        reader = SheetReader(CellTexts(shared, kinds, self.is_1904, self.point), self.budget)
        for _ in self._parse(sheet.path, reader.start, reader.end, reader.data):
            yield from reader.complete_rows
            reader.complete_rows.clear()
        self.merged = reader.merged

    def _links(self, folder: str, path: str) -> dict[str, tuple[str, str]]:
        """Return the kind and path of each part that a part links to, by id."""
        links: dict[str, tuple[str, str]] = {}

        def start(name: str, attributes: dict[str, str]) -> None:
            if local_name(name) == "Relationship" and attributes.get("TargetMode") != "External":
                target = attributes.get("Target", "")
                part_name = target[1:] if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))
                self.budget.take(1, 0)
                links[attributes.get("Id", "")] = attributes.get("Type", "").rpartition("/")[2], part_name

        self._parse_whole(path, start)
        return links

    def _read_sheets(self, path: str) -> None:
        def start(name: str, attributes: dict[str, str]) -> None:
            match local_name(name):
                case "workbookPr":
                    self.is_1904 = attributes.get("date1904") in ("1", "true")
                case "sheet":
                    ids = [value for key, value in attributes.items() if key.endswith(":id")]
                    kind, sheet_path = self._parts.get(ids[0] if ids else "", ("", ""))
                    if kind == "worksheet":
                        is_visible = attributes.get("state", "visible") == "visible"
                        self.sheets.append(Sheet(attributes.get("name", ""), sheet_path, is_visible))

        self._parse_whole(path, start)

    def _part(self, kind: str) -> str:
        """Return the path of the workbook's own part of a kind, "" if it has none."""
        paths = [path for part_kind, path in self._parts.values() if part_kind == kind]
        return paths[0] if paths else ""

    def _shared_strings(self) -> list[str]:
        path = self._part("sharedStrings")
        if not path:
            return []
        reader = _SharedStringsReader(self.budget)
        self._parse_whole(path, reader.start, reader.end, reader.data)
        return reader.strings

    def _kinds_of_styles(self) -> list[str]:
        """Return what the cells of each style hold: "date", "duration" or "" for all else."""
        codes: dict[str, str] = {}
        styles: list[str] = []
        inside = [""]

        def start(name: str, attributes: dict[str, str]) -> None:
            match local_name(name):
                case "numFmt":
                    self.budget.take(1, 0)
                    codes[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
                case "cellXfs" | "cellStyleXfs":
                    inside[0] = local_name(name)
                case "xf" if inside[0] == "cellXfs":
                    self.budget.take(1, 0)
                    styles.append(attributes.get("numFmtId", "0"))

        if path := self._part("styles"):
            self._parse_whole(path, start)
        return [_kind_of_format(number, codes.get(number, "")) for number in styles]

    def _parse_whole(self, path: str, start: Start, end: End | None = None, data: End | None = None) -> None:
        for _ in self._parse(path, start, end, data):
            pass

    def _parse(self, path: str, start: Start, end: End | None = None, data: End | None = None) -> Iterator[None]:
        """Parse a part of the archive, block by block."""
        if self.archive.getinfo(path).file_size > MAX_PART_BYTES:
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


class _SharedStringsReader:
    """Collects the texts that cells share, without the phonetic readings of Japanese words."""

    def __init__(self, budget: Budget) -> None:
        self.budget, self.strings = budget, list[str]()
        self._parts: list[str] = []
        self._is_text, self._phonetic_depth = False, 0

    def start(self, name: str, _: dict[str, str]) -> None:
        """Handle the start of an element."""
        match local_name(name):
            case "t":
                self._is_text = not self._phonetic_depth
            case "rPh":
                self._phonetic_depth += 1

    def data(self, text: str) -> None:
        """Handle text of an element."""
        if self._is_text:
            self.budget.take(0, len(text))
            self._parts.append(text)

    def end(self, name: str) -> None:
        """Handle the end of an element."""
        match local_name(name):
            case "t":
                self._is_text = False
            case "rPh":
                self._phonetic_depth -= 1
            case "si":
                self.budget.take(1, 0)
                self.strings.append(unescaped("".join(self._parts)))
                self._parts.clear()


def _kind_of_format(number: str, code: str) -> str:
    """Return what a number format shows: "date", "duration" or "" for all else.

    >>> [_kind_of_format("164", code) for code in ('yyyy"年"m"月"', "[h]:mm", "#,##0.00 [Red]", '0 "days"', "0.00E+00")]
    ['date', 'duration', '', '', '']
    """
    if not code:
        return "duration" if number == "46" else "date" if number.isdigit() and int(number) in _DATES else ""
    bare = re.sub(r'"[^"]*"|\\.|_.|\*.', "", code)
    if re.search(r"\[(h+|m+|s+)\]", bare, re.IGNORECASE):
        return "duration"
    return "date" if re.search(r"[ymdhs]", re.sub(r"\[[^\]]*\]", "", bare), re.IGNORECASE) else ""
