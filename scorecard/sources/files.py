"""One export, read from its files and judged against its contract.

A file is read by its kind, as texts; all judging is SQL over them in a scratch DuckDB, which works on whole columns and
spills to disk what memory doesn't hold.
"""

# ruff: noqa: S608  names are checked by the contract, or quoted

from collections.abc import Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING

from scorecard.errors import ScorecardError
from scorecard.sources.cells import Cells, Part
from scorecard.sources.contract import Column, ObjectContract
from scorecard.sources.csv_files import read_csv
from scorecard.sources.judge import Staged, count, faults, has_key, key_text, typed
from scorecard.sources.text import quoted

if TYPE_CHECKING:
    import duckdb

ENOUGH = 20
"""Values of a column; when that many were read and none of them fits, the export has another type there now."""


def stage(db: "duckdb.DuckDBPyConnection", table: str, contract: ObjectContract, parts: Sequence[Part]) -> Staged:
    """Read the files of an export into the scratch database and judge every record.

    Raises
    ------
    ScorecardError: a file as a whole can't be used, or a column holds values of another type.
    """
    cells = Cells(db, table, contract)
    for part in parts:
        _read(cells, part)
    columns = tuple(cells.columns)
    _judge(cells, columns)
    _refuse_retyped(cells)
    db.execute(f"""
        create or replace table {table}_pages as
        select *, rows_read - rows_bad as rows_loaded, null::boolean as ends_line
        from (
            select *, (select count(*) from {table}_bad as bad where bad._page = pages._page) as rows_bad
            from {table}_pages as pages
        )
    """)
    db.execute(f"drop table {table}")
    known = {column.name for column in contract.columns}
    unknown = tuple(column.name for column in columns if column.name not in known)
    bad = count(db, f"{table}_bad")
    return Staged(contract, table, columns, unknown, cells.rows, cells.rows - bad, bad)


def _read(cells: Cells, part: Part) -> None:
    match PurePath(part.name).suffix.lower():
        case ".xlsx":
            from scorecard.sources.excel_files import read_excel

            read_excel(cells, part)
        case ".parquet":
            from scorecard.sources.parquet_files import read_parquet

            read_parquet(cells, part)
        case _:
            read_csv(cells, part)


def _judge(cells: Cells, columns: tuple[Column, ...]) -> None:
    """Part the staged text into `<table>_good` and `<table>_bad`, and keep the keys that could be read."""
    db, table, contract = cells.db, cells.table, cells.contract
    is_header = " or ".join(
        f"(_page in ({', '.join(map(str, pages))}) and {same})" for same, pages in cells.headers.items()
    )
    names = ", ".join(quoted(column.name) for column in columns)
    db.execute(f"""
        create table {table}_judged as
        with typed as (select *, {typed(columns)} from {table})
        select _page, _line, {names},
            case when {is_header} then 'repeats the header' else {faults(columns)} end as _reason
        from typed
    """)
    _find_repeated_keys(cells)
    payload = ", ".join(f"{quoted(name or f'column {i + 1}')} := _c{i}" for i, name in enumerate(cells.fields))
    db.execute(f"""
        create table {table}_bad as
        with reasons as (
            select _page, _line, _reason as reason from {table}_judged where _reason is not null
            union all select _page, _line, reason from {table}_repeated
        ), faults as (
            select _page, _line, string_agg(reason, '; ' order by reason) as reason from reasons group by all
        )
        select _page, _line, reason, to_json(struct_pack({payload}))::varchar as payload,
            {key_text(contract)} as record_key
        from faults join {table} using (_page, _line) join {table}_judged using (_page, _line)
        union all select _page, _line, reason, payload, null from {table}_odd
    """)
    db.execute(f"create view {table}_good as from {table}_judged anti join {table}_bad using (_page, _line)")
    db.execute(f"create view {table}_keys as from {table}_judged where {has_key(contract)}")


def _find_repeated_keys(cells: Cells) -> None:
    """Make `<table>_repeated` (_page, _line, reason): records whose key says two things, repeats but the first."""
    table, contract = cells.table, cells.contract
    key = ", ".join(quoted(name) for name in contract.primary_key)
    record = ", ".join(f"_c{i}" for i in range(len(cells.columns)))
    named = f"'the key {', '.join(contract.primary_key)} = ' || {key_text(contract)}"
    place = "_line::varchar"
    if len(cells.headers) > 1 or any(len(pages) > 1 for pages in cells.headers.values()):
        place = "_line || ' of ' || source_file"
    cells.db.execute(f"""
        create table {table}_repeated as
        with repeated as (
            select {key} from {table}_judged where {has_key(contract)} group by {key} having count(*) > 1
        ), records as (
            select _page, _line, {key}, row({record}) as _record, {place} as _place
            from {table}_judged join repeated using ({key}) join {table} using (_page, _line)
            join {table}_pages using (_page)
        ), groups as (
            select {key}, count(distinct _record) as _variants, min((_page, _line)) as _first,
                arg_min(_place, (_page, _line)) as _first_place,
                array_to_string(list(_place order by _page, _line)[:5], ', ') as _places
            from records group by {key}
        )
        select _page, _line, case _variants when 1 then 'repeats line ' || _first_place
            else {named} || ' stands for records that differ, on lines ' || _places end as reason
        from records join groups using ({key})
        where _variants > 1 or (_page, _line) > _first
    """)


def _refuse_retyped(cells: Cells) -> None:
    """Refuse a column of which many values were read and none fits its type.

    Raises
    ------
    ScorecardError: names the column and the staging model.
    """
    table, contract = cells.table, cells.contract
    columns = [(i, each) for i, each in enumerate(cells.columns) if each.data_type != "varchar"]
    counts = ", ".join(f"count(_c{i}), count({quoted(each.name)})" for i, each in columns) or "null"
    found = cells.db.execute(
        f"select {counts} from {table} join {table}_judged using (_page, _line)"
        " where _reason is distinct from 'repeats the header'"
    ).fetchone()
    for number, (_, column) in enumerate(columns):
        said, fit = (found or ())[2 * number : 2 * number + 2]
        if said >= ENOUGH and not fit:
            raise ScorecardError(
                f"The column {column.header} of {contract.name} holds no {column.data_type} any more: none of {said}"
                " values fits.",
                f"If its type was changed for good, correct the data_type of {column.name} in {contract.declared_in}"
                f" and the staging model of {contract.name} beside it; else export it as before.",
            )
