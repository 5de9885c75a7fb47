"""One export, read from its files and validated against its contract.

Each file, whatever its format, is read as texts into a scratch DuckDB, which spills to disk. Validation is SQL over
these texts. A table without declared columns is joined as a subquery, whose `rowid` can't collide with a declared
column.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from scorecard.extract.contracts.contract import LINE_KEY, ObjectContract
from scorecard.extract.files.cells import DEFAULT_BOUNDS, Bounds, Cells
from scorecard.extract.files.csv_files import read_csv
from scorecard.extract.files.originals import ExportFile
from scorecard.extract.raw.undeclared import UNDECLARED
from scorecard.extract.raw.validate import ValidatedTable, amounts_sent, count, faults, has_key, key_text, typed
from scorecard.shared.errors import ScorecardError
from scorecard.shared.sql import literal, quoted

if TYPE_CHECKING:
    import duckdb

MIN_VALUES = 20
"""If a column has so many values and none fits its type, the export is refused."""


def read_export(
    db: "duckdb.DuckDBPyConnection",
    table: str,
    contract: ObjectContract,
    files: Sequence[ExportFile],
    bounds: Bounds = DEFAULT_BOUNDS,
) -> ValidatedTable:
    """Read the files of an export into the scratch database and validate every record.

    ``bounds``: how much a packed file, a workbook or Parquet, may have.

    Raises
    ------
    ScorecardError: a file as a whole can't be used, or a column holds values of another type.
    """
    cells = Cells(db, table, contract, bounds)
    for file in files:
        _read_file(cells, file)
    _validate(cells)
    _refuse_retyped(cells)
    _count_rows(cells)
    db.execute(f"drop table {table}")
    columns = (*contract.columns, *([LINE_KEY] if contract.is_keyless else []), UNDECLARED)
    bad = count(db, f"{table}_bad")
    return ValidatedTable(contract, table, columns, tuple(cells.undeclared), cells.rows, cells.rows - bad, bad)


def _read_file(cells: Cells, file: ExportFile) -> None:
    """Read a file into the cells in the way of its format."""
    if not file.is_present:
        cells.note_absent(file)
    elif file.name.lower().endswith(".xlsx"):
        from scorecard.extract.files.excel_files import read_excel

        read_excel(cells, file)
    elif file.name.lower().endswith(".parquet"):
        from scorecard.extract.files.parquet_files import read_parquet

        read_parquet(cells, file)
    else:
        read_csv(cells, file)


def _validate(cells: Cells) -> None:
    """Split the records into `<table>_good` and `<table>_bad`; make `<table>_keys`, the keys that could be read."""
    db, table, contract = cells.db, cells.table, cells.contract
    names = ", ".join(quoted(column.name) for column in contract.columns)
    db.execute(f"""
        create table {table}_typed as
        with typed as (
            select *, {typed(contract)} from {table}
        ), validated as (
            select *, case when {_is_header(cells)} then 'repeats the header' else {faults(contract)} end as _reason
            from typed
        )
        select _input, _line, {names}, _undeclared, _reason{_line_key(contract)} from validated
    """)
    _find_repeated_keys(cells)
    _make_bad(cells)
    db.execute(f"create view {table}_good as from {table}_typed anti join {table}_bad using (_input, _line)")
    db.execute(f"create view {table}_keys as from {table}_typed where {has_key(contract)}")


def _is_header(cells: Cells) -> str:
    """SQL condition: the record repeats the header of its file."""
    conditions = [
        f"(_input in ({', '.join(map(str, inputs))}) and {is_same})" for is_same, inputs in cells.header_tests.items()
    ]
    return " or ".join(conditions) or "false"


def _make_bad(cells: Cells) -> None:
    """Make `<table>_bad`: the records for quarantine, each with all its reasons, its texts and its amounts."""
    table, columns = cells.table, cells.contract.columns
    amounts = amounts_sent(columns, [f"_c{i}" for i in range(len(columns))])
    amount_texts = "".join(f", _c{i}" for i, column in enumerate(columns) if column.is_amount)
    cells.db.execute(f"""
        create table {table}_bad as
        with reasons as (
            select _input, _line, _reason from {table}_typed where _reason is not null
            union all select _input, _line, _reason from {table}_repeated
        ), faults as (
            select _input, _line, string_agg(_reason, '; ' order by _reason) as _faults from reasons group by all
        )
        select _input, _line, _faults as _reason, _payload, {key_text(cells.contract)} as _record_key,
            {amounts} as _amounts
        from faults join (
            select _input, _line, {cells.payload} as _payload{amount_texts}
            from {table} semi join faults using (_input, _line)
        ) using (_input, _line) join {table}_typed using (_input, _line)
        union all select _input, _line, _reason, _payload, null, null from {table}_unreadable
    """)


def _count_rows(cells: Cells) -> None:
    """Count in `<table>_inputs` the bad records of each file and those to load."""
    table = cells.table
    cells.db.execute(f"""
        create or replace table {table}_inputs as
        select *, _rows_read - _rows_bad as _rows_loaded, null::boolean as _ends_line
        from (
            select *, (select count(*) from {table}_bad as bad where bad._input = inputs._input) as _rows_bad
            from {table}_inputs as inputs
        )
    """)


def _line_key(contract: ObjectContract) -> str:
    """SQL of the key of a record without an id: a hash of its texts, and its number among equal records.

    The key of a bad record is null: the record may be any that the export had before.
    """
    if not contract.is_keyless:
        return ""
    texts = ", ".join(f"coalesce(length(_c{i}) || ':' || _c{i}, '')" for i in range(len(contract.columns)))
    content = f"left(sha256(concat_ws('|', {texts})), 32)"
    number = f"row_number() over (partition by {content}, _reason is null order by _undeclared, _input, _line)"
    return f", case when _reason is null then {content} || '-' || {number} end as {LINE_KEY.name}"


def _find_repeated_keys(cells: Cells) -> None:
    """Make `<table>_repeated` (`_input`, `_line`, `_reason`): the records that go to quarantine for their key.

    If the records with one key differ, all of them do; if they are equal, all but the first.
    """
    table, contract = cells.table, cells.contract
    key = ", ".join(quoted(name) for name in contract.primary_key)
    record = ", ".join(f"_c{i}" for i in range(len(contract.columns)))
    key_names = literal(f"the key {', '.join(contract.primary_key)} = ")
    named_key = f"{key_names} || {key_text(contract)}"
    place = "_line::varchar"
    if len(cells.header_tests) > 1 or any(len(inputs) > 1 for inputs in cells.header_tests.values()):
        place = "_line || ' of ' || _source_file"
    cells.db.execute(f"""
        create table {table}_repeated as
        with repeated as (
            select {key} from {table}_typed where {has_key(contract)} group by {key} having count(*) > 1
        ), records as (
            select _input, _line, {key}, row({record}, text._undeclared) as _record, {place} as _place
            from {table}_typed join repeated using ({key}) join (from {table}) as text using (_input, _line)
            join (from {table}_inputs) using (_input)
        ), groups as (
            select {key}, count(distinct _record) as _variants, min((_input, _line)) as _first,
                arg_min(_place, (_input, _line)) as _first_place,
                array_to_string(list(_place order by _input, _line)[:5], ', ') as _places
            from records group by {key}
        )
        select _input, _line, case _variants when 1 then 'repeats line ' || _first_place
            else {named_key} || ' stands for records that differ, on lines ' || _places end as _reason
        from records join groups using ({key})
        where _variants > 1 or (_input, _line) > _first
    """)


def _refuse_retyped(cells: Cells) -> None:
    """Refuse an export with a column of at least MIN_VALUES values of which none fits the type.

    Raises
    ------
    ScorecardError: names the column and the staging model.
    """
    table, contract = cells.table, cells.contract
    columns = [(i, column) for i, column in enumerate(contract.columns) if column.data_type != "varchar"]
    counts = ", ".join(f"count(_c{i}), count({quoted(column.name)})" for i, column in columns) or "null"
    row = cells.db.execute(
        f"select {counts} from (from {table}) join {table}_typed using (_input, _line)"
        " where _reason is distinct from 'repeats the header'"
    ).fetchone()
    for number, (_, column) in enumerate(columns):
        values, fit = (row or ())[2 * number : 2 * number + 2]
        if values >= MIN_VALUES and not fit:
            raise ScorecardError(
                f"The column {column.header} of {contract.name} holds no {column.data_type} any more: none of {values}"
                " values fits.",
                f"If its type was changed for good, correct the data_type of {column.name} in {contract.declared_in}"
                f" and the staging model of {contract.name} beside it; else export it as before.",
            )
