"""A sheet of an Excel workbook (.xlsx) as text cells.

Excel reckons with 15 digits, so a number comes as these: what a person sees in the cell. Its moments have no time zone.
"""

import io
import re
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from scorecard.errors import ScorecardError
from scorecard.sources.cells import Cells, Part, batch_of, empty, hash_of
from scorecard.sources.text import literal
from scorecard.text import plain

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook

MOST = 1 << 30
"""Bytes of the largest workbook once it is unpacked; it is read in memory."""

TOGETHER = 20_000
"""Rows that are written to the scratch database at once."""

_RELATIONS = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_PLACE = rb'\br="(?P<place>[A-Z]+[0-9]+)"'
# Both come as empty cells out of the library. A formula whose result is an empty text has t="str".
_ERROR = re.compile(rb"<(?:\w+:)?c\b(?=[^>]*\st=\"e\")[^>]*" + _PLACE)
_NOT_CALCULATED = re.compile(
    rb"<(?:\w+:)?c\b(?![^>]*\st=\"str\")[^>]*" + _PLACE + rb"[^>]*>"
    rb"<(?:\w+:)?f\b(?:[^>]*/>|[^>]*>[^<]*</(?:\w+:)?f>)(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v></(?:\w+:)?v>)?</(?:\w+:)?c>"
)


def read_excel(cells: Cells, part: Part) -> None:
    """Read a sheet into the cells: the one that the contract names, or the first that people see.

    The first row that isn't blank is the header. A record with a cell that is merged, an error or a formula without a
    result goes to quarantine, for what it says is not in the file.

    Raises
    ------
    ScorecardError: the file is no workbook or too large, or has no such sheet, or the sheet has no use.
    """
    with part.open() as file:
        content = file.read()
    sha256, size = hash_of(io.BytesIO(content))
    if not content:
        raise empty(part.name)
    sheet, xml = _sheet(content, cells.contract.sheet, part.name)
    rows = _rows(sheet)
    _, header = next(rows, (0, []))
    while header and not header[-1]:
        header.pop()
    cells.begin(header, part.name)
    unsaid, width, read = _unsaid(sheet, xml), len(header), 0
    fit: list[tuple[int, list[str]]] = []
    for line, row in rows:
        read += 1
        reason = unsaid.get(line) or (
            f"has values right of the {width} columns of the header" if any(row[width:]) else ""
        )
        if reason:
            _add_odd(cells, line, row, reason)
            continue
        fit.append((line, row[:width] + [""] * (width - len(row))))
        if len(fit) == TOGETHER:
            _add(cells, fit)
            fit.clear()
    _add(cells, fit)
    cells.end(part.name, sha256, size, read)


def _sheet(content: bytes, name: str, source_file: str) -> "tuple[CalamineSheet, bytes]":
    """Return the sheet, and its XML, which says more of some cells."""
    import python_calamine as calamine

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(each.file_size for each in archive.infolist()) > MOST:
                raise ScorecardError(
                    f"{source_file} is larger than {MOST >> 30} GB once it is unpacked.",
                    "Export it as CSV or Parquet; the warehouse was left as it was.",
                )
            with calamine.CalamineWorkbook.from_filelike(io.BytesIO(content)) as book:
                if name and name not in book.sheet_names:
                    raise ScorecardError(
                        f"{source_file} has no sheet {name}; it has {plain(', '.join(book.sheet_names))}.",
                        "Export it with that sheet or, if the sheet was renamed, correct config.meta.sheet.",
                    )
                name = name or _first_visible(book)
                sheet = book.get_sheet_by_name(name)
                return sheet, archive.read(_path(archive, name))
    except (zipfile.BadZipFile, calamine.CalamineError, ElementTree.ParseError, KeyError, IndexError, OSError) as error:
        encrypted = content.startswith(b"\xd0\xcf\x11\xe0")
        said = "it has a password, or is of Excel 97" if encrypted else plain(str(error)) or type(error).__name__
        raise ScorecardError(
            f"{source_file} cannot be read as an Excel workbook: {said}.",
            "Save it again as .xlsx without a password, and copy all of it; the warehouse was left as it was.",
        ) from error


def _first_visible(book: "CalamineWorkbook") -> str:
    """Return the name of the first sheet that people see and that has cells; else of the first."""
    import python_calamine as calamine

    seen = [
        each.name
        for each in book.sheets_metadata
        if each.visible == calamine.SheetVisibleEnum.Visible and each.typ == calamine.SheetTypeEnum.WorkSheet
    ]
    return [*seen, *book.sheet_names][0]


def _path(archive: zipfile.ZipFile, sheet: str) -> str:
    """Return where the XML of a sheet is in the workbook."""
    book = ElementTree.fromstring(archive.read("xl/workbook.xml"))  # noqa: S314 - expat stops at bombs
    links = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))  # noqa: S314
    (link,) = {each.get(f"{_RELATIONS}id") for each in book.iter() if each.get("name") == sheet and each.get("sheetId")}
    (target,) = {each.get("Target", "") for each in links if each.get("Id") == link}
    return target.removeprefix("/") if target.startswith("/") else f"xl/{target}"


def _rows(sheet: "CalamineSheet") -> Iterator[tuple[int, list[str]]]:
    """Yield the number, as Excel shows it, and the texts of each row that isn't blank."""
    # Without the empty area above, rows would be counted from the first that has anything.
    for line, row in enumerate(sheet.to_python(skip_empty_area=False), start=1):
        texts = [_text(cell) for cell in row]
        if any(texts):
            yield line, texts


def _text(cell: Any) -> str:
    """Return a cell as the text that a CSV export would have.

    >>> [_text(each) for each in (3.0, 0.1 + 0.2, 1e-7, 12345678901234567.0, True, date(2024, 1, 31), "007")]
    ['3', '0.3', '0.0000001', '1.23456789012346e+16', 'true', '2024-01-31', '007']
    """
    match cell:
        case str():
            return cell
        case bool():
            return str(cell).lower()
        case int() | float():
            # A number with more digits has lost them already, and must not look as if it were whole.
            said = format(cell, ".15g")
            return said if abs(cell) >= 1e15 else format(Decimal(said), "f")
        case datetime():
            return cell.isoformat(" ")
        case date() | time():
            return cell.isoformat()
        case timedelta():
            minutes, seconds = divmod(round(cell.total_seconds()), 60)
            return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"
    return str(cell)


def _unsaid(sheet: "CalamineSheet", xml: bytes) -> dict[int, str]:
    """Say of rows why they can't be read: by row, what is wrong with it."""
    found: dict[int, str] = {}
    for pattern, words in ((_ERROR, "is an error"), (_NOT_CALCULATED, "is a formula that was never calculated")):
        for match in pattern.finditer(xml):
            place = match["place"].decode()
            found.setdefault(int(place.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")), f"the cell {place} {words}")
    for (first, _), (last, _) in sheet.merged_cell_ranges or ():
        for row in range(first, last + 1):
            found.setdefault(row + 1, "has merged cells, of which only the first holds the value")
    return found


def _add(cells: Cells, records: list[tuple[int, list[str]]]) -> None:
    cells.db.register("batch", batch_of([line for line, _ in records], [row for _, row in records]))
    cells.add("batch")
    cells.db.unregister("batch")


def _add_odd(cells: Cells, line: int, row: list[str], reason: str) -> None:
    cells.db.register("batch", batch_of([line], [row]))
    cells.add_odd("batch", literal(reason), "to_json(_f)")
    cells.db.unregister("batch")
