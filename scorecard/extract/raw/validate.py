"""Records held against their contract, as SQL over staged text: whole columns at a time, spilling to disk."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING

from scorecard.extract.contracts.contract import Column, ObjectContract
from scorecard.extract.contracts.value_formats import EPOCH, OFFSET, Formats, epoch_sql, moment_sql, number_sql
from scorecard.extract.raw.numbers import LARGEST, is_number, number, too_large
from scorecard.extract.raw.undeclared import UNDECLARED
from scorecard.shared.sql import key_sql, literal, quoted

if TYPE_CHECKING:
    import duckdb

EARLIEST, LATEST = "1900-01-01", "2200-01-01"
"""The days a record may name. One at 9999-12-31, which stands for "never", makes a calendar of 8000 years."""

# DuckDB's own casts let too much through for a ledger: 3.7 becomes 4, 1.005 becomes 1.01, 'infinity' a date.
_FORMS = {
    "boolean": r"(?i)true|false|t|f|yes|no|y|n|1|0",
    "date": r"\d{4}-\d{2}-\d{2}",
    "timestamp": r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?)?",
    "timestamptz": r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?" + OFFSET,
    "double": r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?",
}


@dataclass(frozen=True)
class Staged:
    """Judged records of one raw table in the scratch database.

    `<table>_good` has the columns of `columns`, `_page` and `_line`; `<table>_bad` has `_page`, `_line`, `_reason`,
    `_payload`, `_record_key`, `_amounts`; `<table>_mended` has the keys in quarantine that came rightly;
    `<table>_held` is as good but of records that only keep a version that is held already; `<table>_pages` has `_page`,
    `_source_file`, `_sha256`, `_size_bytes`, `_rows_read`, `_rows_bad`, `_rows_loaded`, `_ends_line`: a file, or an
    answer of a service. `columns` are those of the contract, and the extraction's own, whose names begin with an
    underscore as no other's does; `unknown` names the fields that the contract doesn't declare. `rows_loaded`: records
    that the raw table holds after the load, each once. `are_all_new`: the warehouse holds nothing of these records, so
    that no version of any ends. `spared`: records that the export lacks and that stay all the same.
    """

    contract: ObjectContract
    table: str
    columns: tuple[Column, ...]
    unknown: tuple[str, ...]
    rows_read: int
    rows_loaded: int
    rows_quarantined: int
    are_all_new: bool = False
    spared: int = 0


def typed(contract: ObjectContract) -> str:
    """SQL of the columns in their types, out of the cells `_c0`, `_c1` …; null where a cell isn't of its type."""
    return ", ".join(
        f"{_value(f'_c{i}', column, contract.formats)} as {quoted(column.name)}"
        for i, column in enumerate(contract.columns)
    )


def faults(contract: ObjectContract) -> str:
    """SQL of what is wrong with a record, null where nothing is; needs the columns of `typed` beside the cells."""
    said = (_fault(f"_c{i}", column, contract.formats) for i, column in enumerate(contract.columns))
    found = ", ".join(filter(None, said))
    return f"nullif(concat_ws('; ', {found or 'null'}), '')"


def row_version(columns: tuple[Column, ...]) -> str:
    """SQL of the hash that tells a version of a record from the next: of its fields and their types, by name.

    Sorted, so that the order of the columns is no change; a new type is one. A record without undeclared fields has the
    hash that it had before there was a column for them.
    """
    fields = sorted((column for column in columns if column != UNDECLARED), key=lambda column: column.name)
    kinds = sha256(repr([(column.name, column.data_type) for column in fields]).encode()).hexdigest()
    values = ", ".join(f"coalesce({written(column)}, '')" for column in fields)
    undeclared = f", {written(UNDECLARED)}" if UNDECLARED in columns else ""
    return f"sha256(concat_ws('|', '{kinds}', {values}{undeclared}))"


def written(column: Column) -> str:
    """SQL of a field as text, with a text's length before it, so that no two records can be written the same way."""
    name = quoted(column.name)
    if column.stored != column.data_type:
        # As the contract has it where that says all of it: more room in the table is no change of the record.
        declared = f"try_cast({name} as {column.data_type})"
        return f"case when {declared} = {name} then {declared}::varchar else {name}::varchar end"
    return f"length({name}) || ':' || {name}" if column.data_type == "varchar" else f"{name}::varchar"


def amounts_sent(columns: tuple[Column, ...], cells: Sequence[str]) -> str:
    """SQL of a record's amounts as JSON, by column: the number, or the text that was none."""
    said = [
        f"{literal(column.name)}, coalesce({quoted(column.name)}::varchar, left({cell}, 40))"
        for column, cell in zip(columns, cells, strict=True)
        if column.is_amount
    ]
    return f"json_object({', '.join(said)})::varchar" if said else "null::varchar"


def has_key(contract: ObjectContract) -> str:
    """SQL condition: the record says which it is."""
    return " and ".join(f"{quoted(name)} is not null" for name in contract.primary_key)


def key_text(contract: ObjectContract) -> str:
    """SQL of the record's key as one text."""
    return key_sql([quoted(name) for name in contract.primary_key])


def count(db: "duckdb.DuckDBPyConnection", table: str) -> int:
    """Count the rows of a scratch table."""
    (rows,) = db.execute(f"select count(*) from {table}").fetchone() or (0,)
    return int(rows)


def _value(cell: str, column: Column, formats: Formats) -> str:
    """SQL of the cell in the column's type, null where it isn't of it."""
    if column.data_type == "varchar":
        return cell
    text, date_format = f"trim({cell})", _date_format(column, formats)
    if date_format == EPOCH:
        return epoch_sql(_usual(text, replace(column, data_type="bigint")), column.data_type)
    if not date_format:
        return _usual(number_sql(text, formats) if is_number(column) or column.data_type == "double" else text, column)
    value = moment_sql(text, column.data_type, date_format, is_own=bool(column.date_format))
    # A day that is one in its file comes as 2024-12-31, which no format but such a one could be mistaken for.
    is_mistakable = date_format.startswith("%Y-")
    return f"coalesce({value}, {_usual(text, column)})" if formats.has_typed_cells and not is_mistakable else value


def _usual(text: str, column: Column) -> str:
    """SQL of a text in the column's type as it is written where a contract says nothing else; null where it isn't."""
    if is_number(column):
        return number(text, column)
    cast = f"try_cast({text} as {column.data_type})"
    value = f"case when regexp_full_match({text}, '{_FORMS[column.data_type]}') then {cast} end"
    return f"case when isfinite({cast}) then {value} end" if column.data_type == "double" else value


def _date_format(column: Column, formats: Formats) -> str:
    """How the days of a column are written, "" where as usual. That of a table is of no use where a zone is needed."""
    return column.date_format or (formats.date_format if column.data_type in ("date", "timestamp") else "")


def _fault(cell: str, column: Column, formats: Formats) -> str:
    """SQL of what is wrong with the cell, null where nothing is; "" where nothing can be."""
    cases = ""
    if column.data_type != "varchar":
        date_format = _date_format(column, formats).replace("'", "''")
        wanted = column.data_type + (f" ({date_format})" if date_format else "")
        said = f"""'{column.name}: "' || left({cell}, 80) || if(length({cell}) > 80, '…', '') || '" is"""
        if column.decimal and not column.identifies:
            text = number_sql(f"trim({cell})", formats)
            cases += f" when {too_large(text, column)} then {said} larger than {column.data_type} holds'"
        cases += f" when {cell} is not null and {quoted(column.name)} is null then {said} no {wanted}'"
        for condition, words in _limits(column):
            cases += f" when {condition} then {said} {words}'"
    if column.not_null:
        cases += f" when {cell} is null then '{column.name}: empty, but every record must have one'"
    return f"case{cases} end" if cases else ""


def _limits(column: Column) -> Iterator[tuple[str, str]]:
    """SQL of what the warehouse can't hold though it is of the column's type, and what is said of it."""
    name = quoted(column.name)
    if column.data_type in ("date", "timestamp", "timestamptz") or column.date_format == EPOCH:
        day = f"to_timestamp({name})" if column.data_type == "bigint" else name
        outside = f"{day}::date not between date '{EARLIEST}' and date '{LATEST}'"
        yield outside, f"outside of the days allowed, {EARLIEST} to {LATEST}"
    if column.decimal and not column.identifies:
        yield f"abs({name}) > {LARGEST}", f"larger than any that the warehouse reckons with, {LARGEST}"
