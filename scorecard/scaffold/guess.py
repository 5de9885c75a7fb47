"""Guesses about the columns of an export: their types, the formats of days and numbers, and the key.

No guess is silent: a note names each other reading that fits as well.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from scorecard.extract.contracts.contract import LINE_CONTENT, NAME
from scorecard.extract.files.cells import snake_case
from scorecard.scaffold.table import ExportTable
from scorecard.scaffold.writing import reserved_words

_NOTHING = ("n/a", "N/A", "NA", "null", "NULL", "NaN", "k. A.", "-", "—", "none", "None")
_DAYS = (
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%d.%m.%y",
    "%d/%m/%y",
    "%m/%d/%y",
    "%d %b %Y",
    "%d-%b-%Y",
    "%b %d, %Y",
    "%Y%m%d",
)
_SHAPES = {"Y": r"\d{4}", "y": r"\d{2}", "m": r"\d{1,2}", "d": r"\d{1,2}", "b": "[A-Za-z]{3}"}
_CLOCK = r"( \d{1,2}:\d{2}(:\d{2}(\.\d{1,6})?)?)?"
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(?P<zone>Z|[+-]\d{2}(:?\d{2})?)?")
_NUMBERS = ((".", ""), (".", ","), (",", "."), (",", ""), (",", " "), (".", " "), (".", "'"))
"""Decimal and thousands separators, the likeliest first."""
_ID = re.compile(r"(.*_)?(id|key|nr|no|number|code|uuid|ref)")
MONEY = re.compile(r"value|amount|price|revenue|cost|total|fee|betrag|wert|preis|umsatz")
"""What names of columns of money have in them."""
_WHOLE = re.compile(r"[+-]?(0|[1-9]\d{0,17})")
_MOST_SMALL = 2_000_000_000


@dataclass(frozen=True)
class GuessedColumn:
    """A column of an export, as a contract would declare it; ``values``: its texts that are values."""

    name: str
    header: str
    data_type: str
    date_format: str = ""
    is_complete: bool = False
    values: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Guess:
    """An export as a contract would declare it.

    ``formats``: keys of ``config.meta`` of its table. ``key``: the columns that tell records apart, or line_content.
    ``currency``: an ISO code, "" where the export doesn't say.
    """

    columns: tuple[GuessedColumn, ...]
    key: tuple[str, ...]
    formats: dict[str, object]
    currency: str
    notes: tuple[str, ...]


def guess(table: ExportTable) -> Guess:
    """Return the guesses about a table, by its texts."""
    columns = [table.column(place) for place in range(len(table.header))]
    nothing = [text for text in _NOTHING if any(_is_nothing(text, texts) for texts in columns)]
    texts = [[text for text in column if text and text not in nothing] for column in columns]
    numbers, number_notes = _number_format(texts)
    day = _usual([fit for column in texts if (fit := _day_format(column)[0])])
    typed = [
        _column(name, header, column, len(column) == len(table.rows) > 0, table.types.get(header, ""), numbers, day)
        for name, header, column in zip(_names(table.header), table.header, texts, strict=True)
    ]
    key, key_notes = _key(typed, table)
    has_days = any(column.data_type in ("date", "timestamp") for column in typed)
    formats: dict[str, object] = {
        "encoding": table.encoding,
        "delimiter": table.delimiter if table.delimiter != "," else "",
        "skip_rows": table.skip_rows,
        "date_format": day if day != "%Y-%m-%d" and has_days else "",
        "decimal_separator": numbers[0] if numbers[0] != "." else "",
        "thousands_separator": numbers[1],
        "null_values": nothing,
    }
    return Guess(
        columns=tuple(typed),
        key=key,
        formats={name: value for name, value in formats.items() if value},
        currency=_currency(table, typed),
        notes=(*table.notes, *number_notes, *key_notes),
    )


def _is_nothing(text: str, texts: Sequence[str]) -> bool:
    """Whether a text stands for no value in a column: all others are numbers or days, and there are some."""
    if text not in texts:
        return False
    others = [other for other in texts if other and other not in _NOTHING]
    return bool(others) and bool(_day_format(others)[0] or any(_all_numbers(others, form) for form in _NUMBERS))


def _names(header: Sequence[str]) -> list[str]:
    """Return a unique name for each column that a contract allows."""
    names: list[str] = []
    for place, text in enumerate(header, start=1):
        name = snake_case(text)
        name = name if NAME.fullmatch(name) else f"column_{place}"
        name = f"{name}_value" if name in reserved_words() else name
        while name in names:
            name = f"{name}_{place}"
        names.append(name)
    return names


def _column(
    name: str, header: str, texts: list[str], is_whole: bool, known: str, numbers: tuple[str, str], day: str
) -> GuessedColumn:
    kind, own, notes = (known, "", []) if known else _type(name, texts, numbers)
    if not known:
        is_usual = own in ("", day or "%Y-%m-%d")
        own = "" if is_usual else own + _clock(texts[0]) * (kind == "timestamp")
    return GuessedColumn(name, header, kind, own, is_whole, tuple(texts), tuple(notes))


def _type(name: str, texts: list[str], numbers: tuple[str, str]) -> tuple[str, str, list[str]]:
    """Return the type of a column, the format of its days, and notes on what is uncertain."""
    if not texts:
        return "varchar", "", ["It is empty in the file: its type is not known."]
    if all(text.lower() in ("true", "false") for text in texts):
        return "boolean", "", []
    moments = [_MOMENT.fullmatch(text) for text in texts]
    if all(moments):
        return ("timestamptz" if all(moment and moment["zone"] for moment in moments) else "timestamp"), "", []
    form, others, has_clock = _day_format(texts)
    if form and not (form == "%Y%m%d" and not re.search("date|day|_on$|_at$", name)):
        notes = [f"{form} and {' and '.join(others)} fit all its days."] if others else []
        return ("timestamp" if has_clock else "date"), form, notes
    if _all_numbers(texts, numbers):
        return _number_type(name, [_plain(text, numbers) for text in texts])
    if len(read := [text for text in texts if _all_numbers([text], numbers)]) >= max(10, len(texts) * 0.9):
        kind, _, notes = _number_type(name, [_plain(text, numbers) for text in read])
        other = next(text for text in texts if text not in read)
        return (
            kind,
            "",
            [*notes, f"{len(texts) - len(read)} are no numbers, as {other!r}: these records are set aside."],
        )
    if any(_all_numbers(texts, form) for form in _NUMBERS):
        return "varchar", "", ["Its numbers are written otherwise than those of other columns."]
    return "varchar", "", []


def _clock(text: str) -> str:
    return " %H:%M:%S" if text.count(":") > 1 else " %H:%M"


def _number_type(name: str, texts: list[str]) -> tuple[str, str, list[str]]:
    if any(re.match(r"[+-]?0\d", text) for text in texts):
        return "varchar", "", ["Zeros in front: it is a code rather than a number."]
    if all(_WHOLE.fullmatch(text) for text in texts) and not MONEY.search(name):
        return ("integer" if max(abs(int(text)) for text in texts) < _MOST_SMALL else "bigint"), "", []
    if any(len(text.lstrip("+-").partition(".")[0]) > 30 for text in texts):
        return "varchar", "", []
    scale = max(len(text.partition(".")[2]) for text in texts)
    return f"decimal(18,{min(max(scale, 2), 8)})", "", []


def _day_format(texts: Sequence[str]) -> tuple[str, list[str], bool]:
    """Return the format of days ("" if the texts are not days), the other formats that fit, and whether hours follow.

    A text that looks like a day but isn't one, as 31.02.2024, is a fault of its record. Half of the texts may be such.
    """
    fitting: list[tuple[int, str]] = []
    for form in _DAYS:
        parts = (_SHAPES[part[1]] if part[0] == "%" else re.escape(part) for part in re.findall("%.|[^%]", form))
        shape = re.compile("".join(parts) + _CLOCK)
        if texts and all(shape.fullmatch(text) for text in texts):
            parsed = sum(_is_day(re.sub(_CLOCK + "$", "", text, count=1), form) for text in texts)
            if parsed * 2 > len(texts) or parsed * 2 == len(texts) > 2:
                fitting.append((parsed, form))
    if not fitting:
        return "", [], False
    most = max(parsed for parsed, _ in fitting)
    best = [form for parsed, form in fitting if parsed == most]
    return best[0], best[1:], any(":" in text for text in texts)


def _is_day(text: str, form: str) -> bool:
    try:
        datetime.strptime(text, form)
    except ValueError:
        return False
    return True


def _usual(forms: Sequence[str]) -> str:
    """Return the format that most columns have; "" without columns of days."""
    return Counter(forms).most_common(1)[0][0] if forms else ""


def _number_format(columns: Sequence[Sequence[str]]) -> tuple[tuple[str, str], tuple[str, ...]]:
    """Return the separators that fit most columns of numbers, and a note where others would as well."""
    counts = {form: sum(_all_numbers(texts, form) for texts in columns) for form in _NUMBERS}
    most = max(counts.values())
    fitting = [form for form in _NUMBERS if counts[form] == most]
    chosen = fitting[0]
    for other in fitting[1:]:
        for texts in columns:
            if _all_numbers(texts, chosen) and [_plain(t, chosen) for t in texts] != [_plain(t, other) for t in texts]:
                example = next(text for text in texts if _plain(text, chosen) != _plain(text, other))
                reading = f"{example} is read as {_plain(example, chosen)}; with `{other[0]}` for decimals it would be"
                return chosen, (f"{reading} {_plain(example, other)}.",)
    return chosen, ()


def _all_numbers(texts: Sequence[str], form: tuple[str, str]) -> bool:
    point, mark = map(re.escape, form)
    whole = rf"(\d{{1,3}}({mark}\d{{3}})+|\d+)" if form[1] else r"\d+"
    shape = re.compile(rf"[+-]?{whole}({point}\d+)?([eE][+-]?\d+)?" if form[0] else whole)
    return bool(texts) and all(shape.fullmatch(text) for text in texts)


def _plain(text: str, form: tuple[str, str]) -> str:
    return (text.replace(form[1], "") if form[1] else text).replace(form[0], ".")


def _key(columns: Sequence[GuessedColumn], table: ExportTable) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the key columns, and a note on other possible keys."""
    unique = [
        column.name
        for column in columns
        if column.is_complete
        and len(set(column.values)) == len(column.values)
        and column.data_type in ("varchar", "integer", "bigint")
    ]
    if not unique:
        return (LINE_CONTENT,), ("No column tells all records apart: equal lines are told apart by their number.",)
    chosen = next((name for name in unique if _ID.fullmatch(name)), unique[0])
    others = [name for name in unique if name != chosen]
    notes = [f"{', '.join(others)} would tell the records apart as well."] if others else []
    if len(table.rows) < 2:
        notes.append("One record is too few to know what tells records apart.")
    return (chosen,), tuple(notes)


def _currency(table: ExportTable, columns: Sequence[GuessedColumn]) -> str:
    """Return the currency that the headers name, or a column has in every row."""
    from babel.numbers import list_currencies

    codes = list_currencies()
    named = {word for header in table.header for word in re.findall(r"\b[A-Z]{3}\b", header) if word in codes}
    for column in columns:
        values = set(column.values)
        if len(values) == 1 and values <= codes:
            named |= values
    return named.pop() if len(named) == 1 else ""
