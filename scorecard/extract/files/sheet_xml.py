"""A sheet's XML, put together to rows, with the texts of cells as people see them."""

import re
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal

LAST_ROW, LAST_COLUMN = 1_048_576, 16_384


class Damaged(Exception):
    """The workbook violates its format; the message says how."""


@dataclass
class Budget:
    """Cells and other entries, and characters in them, that may still be read; `take` raises `TooLarge` beyond."""

    cells: int
    text: int

    def take(self, cells: int, text: int) -> None:
        """Count cells and characters before they are kept in memory."""
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


@dataclass(frozen=True)
class CellTexts:
    """Turns the value of a cell into its text; see `Workbook`."""

    shared: list[str]
    kinds: list[str]
    is_1904: bool
    point: str

    def text_of(self, kind: str, style: str, value: str) -> str:
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


def unescaped(text: str) -> str:
    """Return a text with the characters that XML can't have, which Excel writes as `_x000D_`.

    >>> unescaped("a_x000D_b _x005F_x000D_ x")
    'a\\rb _x000D_ x'
    """
    return re.sub(r"_x([0-9A-Fa-f]{4})_", lambda match: chr(int(match[1], 16)), text) if "_x" in text else text


def shown_number(value: float) -> str:
    """Return a number with the 15 digits that Excel keeps.

    >>> [shown_number(number) for number in (3.0, 0.1 + 0.2, 1e-7, 12345678901234567.0)]
    ['3', '0.3', '0.0000001', '1.23456789012346e+16']
    """
    # A number with more digits has lost some already, and must not look exact.
    text = format(value, ".15g")
    return text if abs(value) >= 1e15 else format(Decimal(text), "f")


def shown_date(serial: float, is_1904: bool) -> str:
    """Return the day, time or moment that a number of days since Excel's first day stands for.

    A number outside of Excel's days is returned as a number. Excel has a day 60, 29 February 1900, which never was.

    >>> [shown_date(number, False) for number in (0.4375, 1, 59, 60, 61)]
    ['10:30:00', '1900-01-01', '1900-02-28', '1900-02-29', '1900-03-01']
    >>> [shown_date(number, False) for number in (45351, 45361.5, -1, 3e6)], shown_date(0, True)
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


class SheetReader:
    """Puts the elements of a sheet's XML together to rows."""

    def __init__(self, texts: CellTexts, budget: Budget) -> None:
        self.texts, self.budget = texts, budget
        self.complete_rows: list[SheetRow] = []
        self.merged: list[tuple[int, int]] = []
        self._row: SheetRow | None = None
        self._last_row = self._last_column = self._column = self._phonetic_depth = 0
        self._cell: dict[str, str] | None = None
        self._parts: list[str] | None = None
        self._value: str | None = None
        self._has_formula = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Handle the start of an element."""
        match local_name(name):
            case "c" if self._row:
                self._begin_cell(attributes)
            case "v" | "t" if self._cell is not None and not self._phonetic_depth:
                self._parts = []
            case "f" if self._cell is not None:
                self._has_formula = True
            case "rPh":
                self._phonetic_depth += 1
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
                self._phonetic_depth -= 1
            case "row" if self._row:
                if self._row.problem or any(self._row.texts.values()):
                    self.complete_rows.append(self._row)
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
                text, problem = value or "", "has a value that is not of its type"
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
