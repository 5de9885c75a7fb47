"""Validation of records against their contract, as SQL over the text in scratch tables."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING

from scorecard.extract.contracts.contract import Column, ObjectContract
from scorecard.extract.contracts.value_formats import EPOCH, OFFSET, ValueFormats, epoch_sql, moment_sql, number_sql
from scorecard.extract.raw.undeclared import UNDECLARED
from scorecard.shared.sql import key_sql, literal, quoted

if TYPE_CHECKING:
    import duckdb

EARLIEST, LATEST = "1900-01-01", "2200-01-01"
"""The allowed days. One record at 9999-12-31, meant as "never", would make a calendar of 8000 years."""

LARGEST = 10**15
"""The largest amount: at any rate of decimal(14,8), products of it stay within the 38 digits that engines hold."""

_NUMBER = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,9})?"
_NUMBER_PARTS = r"([+-]?)(\d*)\.?(\d*)[eE]([+-]?\d+)"
_WHOLE = r"[+-]?\d+(\.0*)?"

# DuckDB's own casts allow too much: 3.7 becomes 4, 1.005 becomes 1.01, 'infinity' a date.
_FORMS = {
    "boolean": r"(?i)true|false|t|f|yes|no|y|n|1|0",
    "date": r"\d{4}-\d{2}-\d{2}",
    "timestamp": r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?)?",
    "timestamptz": r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?" + OFFSET,
    "double": r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?",
}


@dataclass(frozen=True)
class ValidatedTable:
    """The validated records of one raw table, in scratch tables named after `table`.

    `_good`: the records to load, with the columns `columns`, `_input` and `_line`. `_bad`: the records for quarantine,
    with `_input`, `_line`, `_reason`, `_payload`, `_record_key` and `_amounts`. `_mended`: keys in quarantine whose
    records are good now. `_unchanged`: the `_row_version` of current versions that stay. `_inputs`: the files or
    responses that were read, with `_input` (their number), `_source_file`, `_sha256`, `_size_bytes`, `_rows_read`,
    `_rows_bad`, `_rows_loaded` and `_ends_line`.

    `columns` are those of the contract and the extraction's own; only names of the latter begin with an underscore.
    `unknown`: names of undeclared fields. `rows_loaded`: records that the raw table has after the load. `are_all_new`:
    the warehouse has no version of these records, so the load ends none. `rows_kept`: records that the export lacks
    and that stay current because rows in quarantine may be theirs.
    """

    contract: ObjectContract
    table: str
    columns: tuple[Column, ...]
    unknown: tuple[str, ...]
    rows_read: int
    rows_loaded: int
    rows_quarantined: int
    are_all_new: bool = False
    rows_kept: int = 0


def typed(contract: ObjectContract) -> str:
    """SQL of the columns in their types, out of the cells `_c0`, `_c1` …; null if a cell isn't of its type."""
    return ", ".join(
        f"{_value(f'_c{i}', column, contract.formats)} as {quoted(column.name)}"
        for i, column in enumerate(contract.columns)
    )


def faults(contract: ObjectContract) -> str:
    """SQL of what is wrong with a record, null if nothing is; it uses the columns of `typed` and the cells."""
    cell_faults = (_fault(f"_c{i}", column, contract.formats) for i, column in enumerate(contract.columns))
    texts = ", ".join(filter(None, cell_faults))
    return f"nullif(concat_ws('; ', {texts or 'null'}), '')"


def row_version(columns: tuple[Column, ...]) -> str:
    """SQL of the hash of a version of a record: of its fields and their types, sorted by name.

    So a new type is a change, and a new order of the columns is none. A record without undeclared fields has the hash
    that it had before the column `_undeclared` was introduced.
    """
    fields = sorted((column for column in columns if column != UNDECLARED), key=lambda column: column.name)
    types = sha256(repr([(column.name, column.data_type) for column in fields]).encode()).hexdigest()
    values = ", ".join(f"coalesce({_field_text(column)}, '')" for column in fields)
    undeclared = f", {_field_text(UNDECLARED)}" if UNDECLARED in columns else ""
    return f"sha256(concat_ws('|', {literal(types)}, {values}{undeclared}))"


def _field_text(column: Column) -> str:
    """SQL of a field as text. A text has its length before it, so that different records give different texts."""
    name = quoted(column.name)
    if column.stored != column.data_type:
        # A wider type of the raw column is no change of the record, so the declared type is written if it is exact.
        declared = f"try_cast({name} as {column.data_type})"
        return f"case when {declared} = {name} then {declared}::varchar else {name}::varchar end"
    return f"length({name}) || ':' || {name}" if column.data_type == "varchar" else f"{name}::varchar"


def amounts_sent(columns: tuple[Column, ...], cells: Sequence[str]) -> str:
    """SQL of a record's amounts as JSON, by column: the number, or the text if it is no number."""
    fields = [
        f"{literal(column.name)}, coalesce({quoted(column.name)}::varchar, left({cell}, 40))"
        for column, cell in zip(columns, cells, strict=True)
        if column.is_amount
    ]
    return f"json_object({', '.join(fields)})::varchar" if fields else "null::varchar"


def has_key(contract: ObjectContract) -> str:
    """SQL condition: the record has a key."""
    return " and ".join(f"{quoted(name)} is not null" for name in contract.primary_key)


def key_text(contract: ObjectContract) -> str:
    """SQL of the record's key as one text."""
    return key_sql([quoted(name) for name in contract.primary_key])


def count(db: "duckdb.DuckDBPyConnection", table: str) -> int:
    """Count the rows of a scratch table."""
    (rows,) = db.execute(f"select count(*) from {table}").fetchone() or (0,)
    return int(rows)


def _value(cell: str, column: Column, formats: ValueFormats) -> str:
    """SQL of the cell in the column's type, null if it isn't of that type."""
    if column.data_type == "varchar":
        return cell
    text, date_format = f"trim({cell})", _date_format(column, formats)
    if date_format == EPOCH:
        return epoch_sql(_default_value(text, replace(column, data_type="bigint")), column.data_type)
    if not date_format:
        is_numeric = _is_number(column) or column.data_type == "double"
        return _default_value(number_sql(text, formats) if is_numeric else text, column)
    value = moment_sql(text, column.data_type, date_format, is_own=bool(column.date_format))
    # A typed day of a file comes as 2024-12-31, which only a format that begins with the year could misread.
    is_mistakable = date_format.startswith("%Y-")
    if formats.has_typed_cells and not is_mistakable:
        return f"coalesce({value}, {_default_value(text, column)})"
    return value


def _default_value(text: str, column: Column) -> str:
    """SQL of a text in the column's type, in the default format; null if it isn't of that type."""
    if _is_number(column):
        return _number(text, column)
    cast = f"try_cast({text} as {column.data_type})"
    value = f"case when regexp_full_match({text}, {literal(_FORMS[column.data_type])}) then {cast} end"
    return f"case when isfinite({cast}) then {value} end" if column.data_type == "double" else value


def _date_format(column: Column, formats: ValueFormats) -> str:
    """Return the date format of a column, "" for the default. A table's has no zone, so timestamptz ignores it."""
    return column.date_format or (formats.date_format if column.data_type in ("date", "timestamp") else "")


def _fault(cell: str, column: Column, formats: ValueFormats) -> str:
    """SQL of what is wrong with the cell, null if nothing is; "" if nothing can be."""
    start = literal(f'{column.name}: "')
    shown = f"{start} || left({cell}, 80) || if(length({cell}) > 80, '…', '')"
    cases = []
    for condition, problem in _wrong_values(cell, column, formats):
        end = literal(f'" is {problem}')
        cases.append(f"when {condition} then {shown} || {end}")
    if column.not_null:
        problem = literal(f"{column.name}: empty, but every record must have one")
        cases.append(f"when {cell} is null then {problem}")
    return f"case {' '.join(cases)} end" if cases else ""


def _wrong_values(cell: str, column: Column, formats: ValueFormats) -> Iterator[tuple[str, str]]:
    """Yield SQL conditions of values that the column can't have, each with what is wrong with the value."""
    if column.data_type == "varchar":
        return
    name, date_format = quoted(column.name), _date_format(column, formats)
    if column.decimal and not column.identifies:
        text = number_sql(f"trim({cell})", formats)
        yield f"{name} is null and {_is_number_sql(text)}", f"larger than {column.data_type} holds"
    wanted = f"{column.data_type} ({date_format})" if date_format else column.data_type
    yield f"{cell} is not null and {name} is null", f"no {wanted}"
    if column.data_type in ("date", "timestamp", "timestamptz") or column.date_format == EPOCH:
        day = f"to_timestamp({name})" if column.data_type == "bigint" else name
        outside = f"{day}::date not between date {literal(EARLIEST)} and date {literal(LATEST)}"
        yield outside, f"outside of the days allowed, {EARLIEST} to {LATEST}"
    if column.decimal and not column.identifies:
        yield f"abs({name}) > {LARGEST}", f"larger than any that the warehouse reckons with, {LARGEST}"


def _is_number(column: Column) -> bool:
    """Whether the column holds decimals or whole numbers."""
    return column.decimal is not None or column.data_type in ("bigint", "integer")


def _is_number_sql(text: str) -> str:
    """SQL condition: the text is a number in any spelling."""
    return f"regexp_full_match({text}, {literal(_NUMBER)})"


def _number(text: str, column: Column) -> str:
    """SQL of a text in the type of its raw column, null where it is no number or doesn't fit.

    A number is read exactly, never through binary floating point. A decimal keeps the decimals of its raw column and is
    rounded half to even behind them, as IEEE 754 and most databases do. A whole number must be whole.
    """
    scale = int(column.stored.rpartition(",")[2].rstrip(")")) if column.decimal else 0
    plain = _WHOLE
    if scale:
        plain = rf"[+-]?(\d+(\.\d{{0,{scale}}}0*)?|\.\d{{1,{scale}}}0*)"
    written_out = _without_exponent(text)
    if column.decimal is None or column.identifies:
        # A key or a whole number is taken exactly or not at all. One with an exponent and more than 15 digits was a
        # binary number before, and has lost digits.
        short = plain.replace(r"\d+", r"0*\d{1,15}", 1)
        other = f"nullif(regexp_extract({written_out}, {literal(f'^({short})$')}), '')"
    else:
        other = _half_to_even(written_out, scale)
    return (
        f"case when regexp_full_match({text}, {literal(plain)}) then try_cast({text} as {column.stored})"
        f" when {_is_number_sql(text)} then try_cast({other} as {column.stored}) end"
    )


def _without_exponent(text: str) -> str:
    """SQL of a number without its exponent: '1.39E8' is '139000000'."""
    parts = f"[regexp_extract({text}, {literal(f'^{_NUMBER_PARTS}$')}, ['sign', 'whole', 'part', 'exponent'])]"
    # `place` is the number of digits before the point, bounded: beyond the digits it makes no difference.
    exponent = "greatest(-50 - length(n.whole || n.part), least(50 + length(n.whole || n.part), n.exponent::bigint))"
    placed = f"{{sign: n.sign, digits: n.whole || n.part, place: length(n.whole) + {exponent}}}"
    digits = (
        "case when n.place <= 0 then '0.' || repeat('0', -n.place) || n.digits"
        " when n.place >= length(n.digits) then n.digits || repeat('0', n.place - length(n.digits))"
        " else n.digits[:n.place] || '.' || n.digits[n.place + 1:] end"
    )
    number = f"list_transform(list_transform({parts}, lambda n: {placed}), lambda n: n.sign || {digits})[1]"
    return f"case when regexp_matches({text}, '[eE]') then {number} else {text} end"


def _half_to_even(text: str, scale: int) -> str:
    """SQL of a number without the half behind an even last decimal; DuckDB rounds every other half away from zero."""
    before = rf"\.\d{{{scale - 1}}}[02468]" if scale else r"[02468]\."
    return rf"regexp_replace({text}, {literal(f'^(.*{before})50*$')}, '\1')"
