"""Elements of a workbook's XML, put together to rows and texts."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from scorecard.extract.files.excel_values import CellTexts, unescaped

LAST_ROW, LAST_COLUMN = 1_048_576, 16_384


Start = Callable[[str, dict[str, str]], None]


End = Callable[[str], None]


class Damaged(Exception):
    """The workbook violates its format; the message says how."""


@dataclass
class Budget:
    """Cells and other entries, and characters in them, that may still be read; `take` raises `TooLarge` beyond."""

    cells: int
    text: int

    def take(self, cells: int, text: int) -> None:
        """Count cells and characters before they are held."""
        self.cells -= cells
        self.text -= text
        if self.cells < 0 or self.text < 0:
            raise TooLarge("cells" if self.cells < 0 else "text")


class TooLarge(Exception):
    """Too many cells or too much text; the message names which."""


@dataclass
class SheetRow:
    """A row: its number as Excel shows it, texts by column from 1, and why it can't be read, "" if it can."""

    number: int
    texts: dict[int, str] = field(default_factory=dict)
    problem: str = ""


def local_name(name: str) -> str:
    """Return a name without its prefix."""
    return name.rpartition(":")[2]


class SharedStringsReader:
    """Collects the texts that cells share, without the phonetic readings of Japanese names."""

    def __init__(self, budget: Budget) -> None:
        self.budget, self.strings = budget, list[str]()
        self._parts: list[str] = []
        self._is_text, self._aloud = False, 0

    def start(self, name: str, _: dict[str, str]) -> None:
        """Handle the start of an element."""
        match local_name(name):
            case "t":
                self._is_text = not self._aloud
            case "rPh":
                self._aloud += 1

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
                self._aloud -= 1
            case "si":
                self.budget.take(1, 0)
                self.strings.append(unescaped("".join(self._parts)))
                self._parts.clear()


class SheetReader:
    """Puts the elements of a sheet's XML together to rows."""

    def __init__(self, texts: CellTexts, budget: Budget) -> None:
        self.texts, self.budget = texts, budget
        self.done: list[SheetRow] = []
        self.merged: list[tuple[int, int]] = []
        self._row: SheetRow | None = None
        self._last_row = self._last_column = self._column = self._aloud = 0
        self._cell: dict[str, str] | None = None
        self._parts: list[str] | None = None
        self._value: str | None = None
        self._has_formula = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Handle the start of an element."""
        match local_name(name):
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
                self.merged.append((place_of(first)[0], place_of(last or first)[0]))

    def data(self, text: str) -> None:
        """Handle text of an element."""
        if self._parts is not None:
            self.budget.take(0, len(text))
            self._parts.append(text)

    def end(self, name: str) -> None:
        """Handle the end of an element."""
        match local_name(name):
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
        self._row, self._last_row, self._last_column = SheetRow(number), number, 0

    def _begin_cell(self, attributes: dict[str, str]) -> None:
        self.budget.take(1, 0)
        row, column = self._last_row, self._last_column + 1
        if "r" in attributes:
            row, column = place_of(attributes["r"])
        if row != self._last_row or column > LAST_COLUMN or (self._row and column in self._row.texts):
            raise Damaged(
                f"its row {self._last_row} has the cell {cell_name(column, row)} twice, or one of another row"
            )
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
                text = self.texts.text_of(kind, cell.get("s", ""), value or "")
            except (ValueError, IndexError, OverflowError):
                text, problem = value or "", "holds no value of its type"
        if kind == "s":
            self.budget.take(0, len(text))
        row.texts[self._column] = text
        if problem and not row.problem:
            row.problem = f"the cell {cell_name(self._column, row.number)} {problem}"


def _whole(text: str) -> int:
    if not re.fullmatch(r"\d{1,9}", text, re.ASCII):
        raise Damaged(f"it numbers a row {text[:20]!r}")
    return int(text)


def place_of(text: str) -> tuple[int, int]:
    """Return row and column of a place like B7, from 1.

    >>> place_of("A1"), place_of("XFD1048576")
    ((1, 1), (1048576, 16384))
    """
    match = re.fullmatch(r"\$?([A-Za-z]{1,3})\$?(\d{1,9})", text, re.ASCII)
    if not match:
        raise Damaged(f"it has a cell at {text[:20]!r}")
    column = 0
    for letter in match[1].upper():
        column = column * 26 + ord(letter) - 64
    return int(match[2]), column


def cell_name(column: int, row: int) -> str:
    """Return a place as Excel names it.

    >>> cell_name(1, 1), cell_name(27, 3), cell_name(16384, 1048576)
    ('A1', 'AA3', 'XFD1048576')
    """
    letters = ""
    while column > 0:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return f"{letters}{row}"
