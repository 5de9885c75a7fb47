"""How an export writes dates, numbers, empty cells and its text, as its contract declares.

A value in another format goes to quarantine, so no staging model has to parse it.
"""

import codecs
import re
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

from scorecard.shared.errors import ScorecardError
from scorecard.shared.sql import literal

EPOCH = "epoch"
"""The date_format of a column that counts seconds since 1970."""

OFFSET = r"(Z|[+-](0\d|1[0-3])(:?[0-5]\d)?|[+-]14(:?00)?)"
"""Regular expression of an offset from UTC, 14 hours at most."""

_PARTS = {
    "d": r"\d{1,2}",
    "m": r"\d{1,2}",
    "H": r"\d{1,2}",
    "I": r"\d{1,2}",
    "M": r"\d{1,2}",
    "S": r"\d{1,2}",
    "Y": r"\d{4}",
    "y": r"\d{2}",
    "j": r"\d{3}",
    "f": r"\d{1,6}",
    "b": r"[A-Za-z]{3}",
    "B": "[A-Za-z]{3,9}",
    "p": "(?i:[ap]m)",
    "z": OFFSET,
}

_TIMES = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f")
"""What may follow a table's date_format in a column of moments."""

# Excel and older systems name these encodings, and write larger encodings of Windows that include them.
_WRITTEN_AS = {"shift_jis": "cp932", "iso8859-1": "cp1252", "ascii": "cp1252", "utf-8": "utf-8-sig"}

# A separator that is a space is often a no-break space, and an apostrophe is often typographic.
_LOOKALIKES = {" ": "[ \\x{A0}\\x{202F}]", "'": "['’]"}


@dataclass(frozen=True)
class ValueFormats:
    """How the export of one table is written.

    `encoding`: Python's name of it. `skip_rows`: the number of lines above the header. `null_values`: texts that mean
    "no value". `has_typed_cells`: a value may come as a date instead of a text (Excel, Parquet, databases). It is then
    read as a date, whatever the date_format.
    """

    encoding: str = "utf-8-sig"
    skip_rows: int = 0
    date_format: str = ""
    decimal_separator: str = "."
    thousands_separator: str = ""
    null_values: tuple[str, ...] = ()
    has_typed_cells: bool = False

    @property
    def shape(self) -> list[Any]:
        """The formats that differ from the default, and change what is read out of the same file."""
        return [
            [setting.name, getattr(self, setting.name)]
            for setting in fields(self)
            if setting.name != "has_typed_cells" and getattr(self, setting.name) != setting.default
        ]


DEFAULT_FORMATS = ValueFormats()
"""The formats of a contract that declares none."""


def read_formats(meta: dict[str, Any], where: str, at: str, has_typed_cells: bool) -> ValueFormats:
    """Read how a table's export is written. `meta` is its config.meta, and `at` the file and line of it.

    Raises
    ------
    ScorecardError: a format can't be used; names it.
    """
    defaults = {"decimal_separator": ".", "thousands_separator": ""}
    separators = {name: meta.get(name, default) for name, default in defaults.items()}
    skip_rows, nulls = meta.get("skip_rows", 0), meta.get("null_values", ())
    nulls = (nulls,) if isinstance(nulls, str) else nulls
    problems = {
        "date_format": _date_problem(meta.get("date_format", "")),
        "decimal_separator": "" if separators["decimal_separator"] in (".", ",") else "it is neither . nor ,",
        "thousands_separator": _thousands_problem(separators),
        "skip_rows": "" if type(skip_rows) is int and 0 <= skip_rows <= 1000 else "it is no number from 0 to 1000",
        "null_values": ""
        if isinstance(nulls, list | tuple) and all(isinstance(null, str) for null in nulls)
        else "it is no list of texts; put each in quotation marks",
        "encoding": _encoding_problem(meta.get("encoding", "utf-8")),
    }
    for name, problem in problems.items():
        if problem:
            raise ScorecardError(
                f"In {at}, config.meta of {where} has the {name} {meta.get(name)!r}: {problem}.", f"Correct {name}."
            )
    encoding = codecs.lookup(meta.get("encoding", "utf-8")).name
    return ValueFormats(
        encoding=_WRITTEN_AS.get(encoding, encoding),
        skip_rows=skip_rows,
        date_format=meta.get("date_format", ""),
        null_values=tuple(null.strip() for null in nulls),
        has_typed_cells=has_typed_cells,
        **separators,
    )


def column_date_format(declared: Any, data_type: str, where: str, at: str) -> str:
    """Read the date_format of one column.

    Raises
    ------
    ScorecardError: it can't be used, or not for a column of this type.
    """
    problem = "" if declared == EPOCH else _date_problem(declared)
    if declared and not problem:
        has_zone = declared.endswith("%z") or declared == EPOCH
        wanted = (
            ("timestamptz", "bigint") if declared == EPOCH else ("timestamptz",) if has_zone else ("date", "timestamp")
        )
        if data_type not in wanted:
            problem = f"a column that is written so is a {' or a '.join(wanted)}, and this is a {data_type}"
    if problem:
        raise ScorecardError(
            f"In {at}, config.meta of {where} has the date_format {declared!r}: {problem}.", "Correct date_format."
        )
    return str(declared)


def _date_problem(date_format: Any) -> str:
    """Return what is wrong with a date_format, "" if nothing is."""
    if date_format == "":
        return ""
    if not isinstance(date_format, str) or set(re.findall("%(.?)", date_format)) - {*_PARTS, "%"}:
        return f"it may have %{', %'.join(_PARTS)} and the characters between them"
    if "%z" in date_format and not date_format.endswith("%z"):
        return "%z, the distance from UTC, stands at the end"
    moment = datetime(2001, 12, 31, tzinfo=UTC if "%z" in date_format else None)
    try:
        if datetime.strptime(moment.strftime(date_format), date_format) == moment:
            return ""
    except ValueError:
        pass
    return "it doesn't tell one day from another; 31.12.2024 is written %d.%m.%Y"


def _thousands_problem(separators: dict[str, Any]) -> str:
    separator = separators["thousands_separator"]
    if separator not in ("", ".", ",", " ", "'"):
        return "it is none of . , ' and a space"
    return "it is the decimal_separator, too" if separator and separator == separators["decimal_separator"] else ""


def _encoding_problem(encoding: Any) -> str:
    try:
        "a".encode(codecs.lookup(encoding).name)
    except (LookupError, TypeError, ValueError):
        return "no encoding of texts is called so; Excel's are windows-1252 (Western Europe), shift_jis (Japan), utf-8"
    return ""


def cell_sql(text: str, formats: ValueFormats) -> str:
    """SQL of a cell, null if its text means "no value"."""
    if not formats.null_values:
        return text
    nulls = ", ".join(map(literal, formats.null_values))
    return f"case when trim({text}) not in ({nulls}) then {text} end"


def number_sql(text: str, formats: ValueFormats) -> str:
    """SQL of a number's text with a point and without separators of thousands; null if it isn't written as declared.

    The last three digits are a group. The groups before them have three digits, or two as in India.
    """
    if formats.decimal_separator == "." and not formats.thousands_separator:
        return text
    point = re.escape(formats.decimal_separator)
    whole = r"\d*"
    plain = text
    if formats.thousands_separator:
        mark = _LOOKALIKES.get(formats.thousands_separator, re.escape(formats.thousands_separator))
        whole = rf"(\d{{1,3}}({mark}\d{{2,3}})*{mark}\d{{3}}|\d*)"
        plain = f"regexp_replace({text}, {literal(mark)}, '', 'g')"
    form = literal(rf"[+-]?{whole}({point}\d*)?([eE][+-]?\d+)?")
    separator = literal(formats.decimal_separator)
    return f"case when regexp_full_match({text}, {form}) then replace({plain}, {separator}, '.') end"


def moment_sql(text: str, data_type: str, date_format: str, is_own: bool) -> str:
    """SQL of a day or moment, null if it isn't written so. `is_own`: the format is the column's, not its table's."""
    formats = [date_format]
    if data_type == "timestamp" and not is_own:
        formats = [f"{date_format}{time}" for time in _TIMES]
    form = "|".join(map(_form, formats))
    written = f"regexp_replace({text}, 'Z$', '+00:00')" if date_format.endswith("%z") else text
    value = f"try_strptime({written}, [{', '.join(map(literal, formats))}])"
    if data_type == "date":
        # A value with hours is no day, as a number with a fraction is no whole number.
        value = f"case when {value} = date_trunc('day', {value}) then {value}::date end"
    return f"case when regexp_full_match({text}, {literal(form)}) then {value} end"


def epoch_sql(seconds: str, data_type: str) -> str:
    """SQL of a moment, or of its number, out of seconds since 1970; null beyond 10,000,000,000 seconds."""
    value = f"to_timestamp({seconds})" if data_type == "timestamptz" else seconds
    return f"case when {seconds} between -10000000000 and 10000000000 then {value} end"


def _form(date_format: str) -> str:
    """Return the regular expression of texts in a format: DuckDB alone reads `infinity` as a day, 2024123 as %Y%m%d.

    >>> _form("%d.%m.%Y"), _form("%Y%m%d")
    ('\\\\d{1,2}\\\\.\\\\d{1,2}\\\\.\\\\d{4}', '\\\\d{4}\\\\d{2}\\\\d{2}')
    """
    parts = re.findall(r"%.|[^%]", date_format)
    is_tight = re.search(r"%[^%]%[^z%]", date_format)
    forms = (_PARTS[part[1]] if part[0] == "%" and part != "%%" else re.escape(part[-1]) for part in parts)
    return "".join(form.replace("{1,2}", "{2}") if is_tight else form for form in forms)
