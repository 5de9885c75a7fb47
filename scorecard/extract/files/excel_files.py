"""A sheet of an Excel workbook (.xlsx) as text cells.

Excel computes with 15 digits, so a number is written with 15, as in the cell. Moments have no time zone.
"""

import io
import json
import zipfile
import zlib
from collections.abc import Iterator
from itertools import dropwhile
from xml.parsers import expat

from scorecard.extract.files.cells import Cells, batch_of, empty_file, too_large
from scorecard.extract.files.originals import ExportFile
from scorecard.extract.files.sheet_xml import Budget, Damaged, SheetRow, TooLarge, cell_name
from scorecard.extract.files.workbook import Sheet, Workbook
from scorecard.shared.errors import ScorecardError
from scorecard.shared.sql import literal
from scorecard.shared.text import plain

BATCH_SIZE = 1_000_000
"""Cells and characters, together, that are written to the scratch database at once."""

# Raised by an archive that is cut off or changed, or has a password or another compression than Excel's.
UNREADABLE = (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, NotImplementedError)


def read_excel(cells: Cells, file: ExportFile) -> None:
    """Read a sheet into the cells: the one that the contract names, or the first visible one.

    The first row that isn't blank, after `skip_rows`, is the header. A record with a merged cell, an error or a formula
    without a result goes to quarantine, since its value is not in the file.

    Raises
    ------
    ScorecardError: the file is no workbook or too large, or the sheet is missing or can't be used.
    """
    with file.open() as stream:
        content = stream.read()
    if not content:
        raise empty_file(file.name)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            budget = Budget(cells.bounds.cells, cells.bounds.text)
            book = Workbook(archive, budget, cells.contract.formats.decimal_separator)
            read = _read(cells, book, _choose_sheet(book, cells.contract.sheet, file.name), file.name)
    except TooLarge as error:
        raise too_large(file.name, str(error), cells.bounds) from error
    except (*UNREADABLE, expat.ExpatError, Damaged, KeyError) as error:
        raise _unreadable_workbook(content, error, file.name) from error
    cells.end(file, len(content), read)


def _read(cells: Cells, book: Workbook, sheet: Sheet, source_file: str) -> int:
    """Read the rows of a sheet; return the number of records."""
    skip = cells.contract.formats.skip_rows
    rows = dropwhile(lambda row: row.number <= skip, book.rows(sheet))
    header = next(rows, SheetRow(0))
    width = max((column for column, text in header.texts.items() if text), default=0)
    cells.begin([header.texts.get(i + 1, "") for i in range(width)], source_file)
    read = 0
    for batch, faulty in _batches(rows, width, book.budget):
        read += len(batch) + len(faulty)
        for row in faulty:
            _add_faulty(cells, row)
        cells.db.register("batch", batch_of([row.number for row in batch], [_fields(row, width) for row in batch]))
        cells.add("batch")
        cells.db.unregister("batch")
    cells.quarantine_ranges(book.merged, "has merged cells, of which only the first holds the value")
    return read


def _batches(rows: Iterator[SheetRow], width: int, budget: Budget) -> Iterator[tuple[list[SheetRow], list[SheetRow]]]:
    """Yield the rows in batches, each as its readable rows and its rows for quarantine."""
    readable: list[SheetRow] = []
    faulty: list[SheetRow] = []
    size = 0
    for row in rows:
        if not row.problem and any(text for column, text in row.texts.items() if column > width):
            row.problem = f"has values right of the {width} columns of the header"
        # A row needs a cell for each column of the header, even if the file has fewer of its cells.
        budget.take(max(0, width - len(row.texts)), 0)
        (faulty if row.problem else readable).append(row)
        size += max(width, len(row.texts)) + sum(map(len, row.texts.values()))
        if size >= BATCH_SIZE:
            yield readable, faulty
            readable, faulty, size = [], [], 0
    yield readable, faulty


def _fields(row: SheetRow, width: int) -> list[str]:
    return [row.texts.get(i + 1, "") for i in range(width)]


def _add_faulty(cells: Cells, row: SheetRow) -> None:
    """Put a row into quarantine, with the names of its cells."""
    texts = {cell_name(column, row.number): text for column, text in sorted(row.texts.items()) if text}
    cells.db.register("batch", batch_of([row.number], [[json.dumps(texts, ensure_ascii=False)]]))
    cells.add_unreadable("batch", literal(row.problem), "_f[1]")
    cells.db.unregister("batch")


def _choose_sheet(book: Workbook, wanted: str, source_file: str) -> Sheet:
    """Return the sheet of a name. Without a name, return the first visible sheet, or the first if none is visible."""
    by_name = {sheet.name: sheet for sheet in book.sheets}
    if wanted and wanted not in by_name:
        raise ScorecardError(
            f"{source_file} has no sheet {wanted}; it has {plain(', '.join(by_name))}.",
            "Export it with that sheet or, if the sheet was renamed, correct config.meta.sheet.",
        )
    if not book.sheets:
        raise Damaged("it has no sheet with cells")
    return by_name[wanted] if wanted else next((sheet for sheet in book.sheets if sheet.is_visible), book.sheets[0])


def _unreadable_workbook(content: bytes, error: Exception, source_file: str) -> ScorecardError:
    """Return the error of a file that can't be read as an Excel workbook."""
    # An OLE file is a workbook with a password, or one in the format of Excel 97 (.xls).
    is_ole = content.startswith(b"\xd0\xcf\x11\xe0")
    reason = (
        "it has a password, or it is in the format of Excel 97 (.xls)"
        if is_ole
        else plain(str(error)) or type(error).__name__
    )
    return ScorecardError(
        f"{source_file} cannot be read as an Excel workbook: {reason}.",
        "Save it again as .xlsx without a password. If it was copied, check that the copy is complete; the warehouse"
        " was left as it was.",
    )
