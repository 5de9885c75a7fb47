"""Values of cells as the texts that people see."""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal


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
    # A number with more digits has lost some already, and must not look exact.
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
"""Excel's built-in formats of days and times, with those of Japan, China, Korea and Thailand."""


def kind_of_format(number: str, code: str) -> str:
    """Return what a number format shows: "date", "duration" or "" for all else.

    >>> [kind_of_format("164", code) for code in ('yyyy"年"m"月"', "[h]:mm", "#,##0.00 [Red]", '0 "days"', "0.00E+00")]
    ['date', 'duration', '', '', '']
    """
    if not code:
        return "duration" if number == "46" else "date" if number.isdigit() and int(number) in _DATES else ""
    bare = re.sub(r'"[^"]*"|\\.|_.|\*.', "", code)
    if re.search(r"\[(h+|m+|s+)\]", bare, re.IGNORECASE):
        return "duration"
    return "date" if re.search(r"[ymdhs]", re.sub(r"\[[^\]]*\]", "", bare), re.IGNORECASE) else ""
