"""Validate the buffered records of a service against a contract, and prepare their load."""

from collections.abc import Sequence

from scorecard.extract.contracts.contract import PARENT, Column, json_path
from scorecard.extract.contracts.value_formats import cell_sql
from scorecard.extract.raw.raw_tables import RawTables
from scorecard.extract.raw.suspect import LossLimits
from scorecard.extract.raw.undeclared import UNDECLARED
from scorecard.extract.raw.validate import (
    ValidatedTable,
    amounts_sent,
    count,
    faults,
    has_key,
    key_text,
    row_version,
    typed,
)
from scorecard.extract.services.compare_records import WarehouseComparison
from scorecard.extract.services.drift import refuse_lacking, refuse_retyped, stretches
from scorecard.extract.services.table_buffer import TableBuffer, record_key
from scorecard.shared.sql import literal, quoted

DELETED = (
    Column("_deleted_at", "timestamptz", "_deleted_at", False),
    Column("_deleted_reason", "varchar", "_deleted_reason", False),
)
"""What a tombstone has beside the record's last fields."""

ONCE = " times with equal records, and is kept once"


def is_idle(buffer: TableBuffer, raw: RawTables) -> bool:
    """Whether the buffer is empty, and the raw table has the columns of the contract."""
    columns = {column.name for column in (*buffer.contract.columns, *DELETED)}
    return not buffer.rows and not buffer.complete_at and columns <= raw.columns(buffer.contract).keys()


def validate_records(buffer: TableBuffer, raw: RawTables, limits: LossLimits) -> ValidatedTable:
    """Separate good records of a buffer from bad ones, keep the newest of each key, and add tombstones.

    See `ValidatedTable` for the scratch tables that this makes.

    Raises
    ------
    Suspect: more records than is likely are not in the service's list of ids.
    ScorecardError: a field that the contract declares is gone from the service, or has another type there.
    """
    buffer.flush()
    return _RecordValidation(buffer, raw, limits).run()


class _RecordValidation:
    """One validation of a buffer. A load gets only new versions, deletions and bad records."""

    def __init__(self, buffer: TableBuffer, raw: RawTables, limits: LossLimits) -> None:
        self.buffer, self.raw, self.limits = buffer, raw, limits
        self.db, self.table, self.contract, self.shape = buffer.db, buffer.table, buffer.contract, buffer.shape
        self.names = [column.name for column in (*self.contract.columns, UNDECLARED)]
        self.has_versions = raw.has_versions(self.contract)

    def run(self) -> ValidatedTable:
        """Make the scratch tables; see `validate_records`."""
        db, table, contract = self.db, self.table, self.contract
        refuse_lacking(db, table, contract)
        self._make_typed()
        refuse_retyped(db, table, contract)
        self._mark_repeated()
        self._make_bad()
        read = count(db, f"{table}_typed")
        self._count_pages()
        warehouse = WarehouseComparison(self.buffer, self.raw)
        if self.has_versions:
            warehouse.find_vanished(self.limits)
        self._make_good()
        warehouse.mark_deleted()
        if self.has_versions:
            warehouse.drop_older(self.shape.modified)
            warehouse.add_tombstones(self.names)
        warehouse.find_mended()
        new_bad = warehouse.drop_known_bad()
        are_all_new = not self.has_versions or not warehouse.has_known_records()
        columns = (*contract.columns, UNDECLARED, *DELETED)
        if not are_all_new and {column.name for column in columns} <= self.raw.columns(contract).keys():
            warehouse.drop_unchanged(row_version(columns))
        db.execute(f"create or replace table {table}_unchanged (_row_version varchar)")
        (loaded,) = db.execute(f"select coalesce(sum(_rows_loaded), 0)::bigint from {table}_inputs").fetchone() or (0,)
        return ValidatedTable(contract, table, columns, self.buffer.undeclared, read, loaded, new_bad, are_all_new)

    @property
    def _sql_names(self) -> str:
        return ", ".join(map(quoted, self.names))

    def _mark_repeated(self) -> None:
        """Write into `_reason` of `<table>_typed` which records go to quarantine because their key repeats.

        If records with one key differ at one moment, all of them do; if they are equal, all but the first. A key that
        comes again in another response, or with another time of change, is another version of the record.
        """
        contract, shape, typed_table = self.contract, self.shape, f"{self.table}_typed"
        moment = [] if shape.one_moment else ["_input", *([quoted(shape.modified)] if shape.modified else [])]
        group = ", ".join([*map(quoted, contract.primary_key), *moment])
        candidates = f"from {typed_table} where {has_key(contract)} and _deleted_at is null"
        if not self.db.execute(f"select 1 {candidates} group by {group} having count(*) > 1 limit 1").fetchone():
            return
        key = literal(f"the key {', '.join(contract.primary_key)} = ")
        # Equal records within a response are no error: one of them is kept.
        equal = f"when _number > 1 then {key} || _key || ' comes ' || _times || {literal(ONCE)}"
        self.db.execute(f"""
            update {typed_table} as typed set _reason = concat_ws('; ', typed._reason, repeated._reason)
            from (
                select _row, case
                    when _variants > 1 then {key} || _key || ' stands for ' || _times || ' records that differ'
                    {equal if shape.one_moment else ""} end as _reason
                from (
                    select _row, {key_text(contract)} as _key, count(*) over same as _times,
                        count(distinct row({self._sql_names})) over same as _variants,
                        row_number() over (partition by {group} order by _row) as _number
                    {candidates} window same as (partition by {group})
                )
                where _times > 1
            ) as repeated
            where typed._row = repeated._row and repeated._reason is not null
        """)

    def _make_bad(self) -> None:
        """Make `<table>_bad`: the records for quarantine. A bad record that was deleted goes to `<table>_gone`."""
        table, contract = self.table, self.contract
        amount_texts = [f"_record ->> {literal(json_path(column.header))}" for column in contract.columns]
        self.db.execute(f"""
            create or replace table {table}_bad as
            select typed._input, typed._line, _reason, _record as _payload, {key_text(contract)} as _record_key,
                {amounts_sent(contract.columns, amount_texts)} as _amounts
            from {table}_typed as typed join (select _row, _record from {table}) using (_row)
            where _reason is not null and _deleted_at is null
        """)
        self.db.execute(f"""
            insert into {table}_gone select _input, {record_key(contract)}, _deleted_at, _deleted_reason
            from {table}_typed where _reason is not null and _deleted_at is not null
        """)

    def _count_pages(self) -> None:
        """Count the records of each page: those that were read, and the bad ones."""
        table = self.table
        self.db.execute(f"""
            create or replace table {table}_inputs as
            select *,
                (select count(*) from {table}_typed as typed where typed._input = input._input) as _rows_read,
                (select count(*) from {table}_bad as bad where bad._input = input._input) as _rows_bad,
                0::bigint as _rows_loaded, null::boolean as _ends_line
            from {table}_inputs as input
        """)

    def _make_typed(self) -> None:
        """Make `<table>_typed`: the columns in their types, `_row` of `<table>`, and `_reason`: what is wrong."""
        columns = self.contract.columns
        # All fields are extracted from a record at once.
        deletes = self._deletes()
        headers = [*(column.header for column in columns), *filter(None, deletes)]
        paths = ", ".join(literal(json_path(header)) for header in headers)
        cells = ", ".join(f"{cell_sql(f'_f[{i + 1}]', self.contract.formats)} as _c{i}" for i in range(len(headers)))
        after = iter(range(len(columns), len(headers)))
        tombstone = self._tombstone([f"_c{next(after)}" if path else "null::varchar" for path in deletes])
        for number, stretch in enumerate(stretches(self.db, self.table)):
            into = f"insert into {self.table}_typed" if number else f"create or replace table {self.table}_typed as"
            self.db.execute(f"""
                {into}
                with fields as (
                    select _input, _line, _row, _undeclared, json_extract_string(_record, [{paths}]) as _f
                    from {self.table} where {stretch}
                ), cells as (
                    select _input, _line, _row, _undeclared, {cells} from fields
                ), typed as (
                    select *, {typed(self.contract)}, {tombstone} from cells
                )
                select _input, _line, _row, {self._sql_names}, _deleted_at, _deleted_reason,
                    {faults(self.contract)} as _reason
                from typed
            """)

    def _deletes(self) -> list[str]:
        """Return the paths of a record's deletion, its time and the record it was merged into, "" for a missing one."""
        shape, prefix = self.shape, PARENT if self.contract.each else ""
        paths = (shape.deleted, shape.deleted_at, shape.merged_into) if shape.deleted else ()
        return [path and prefix + path for path in paths]

    def _tombstone(self, cells: Sequence[str]) -> str:
        """SQL of `_deleted_at` and `_deleted_reason`, out of the cells of `_deletes`; null if it is not deleted."""
        if not cells:
            return "null::timestamptz as _deleted_at, null::varchar as _deleted_reason"
        on, at, into = cells
        value = self.shape.deleted_value
        deleted = f"{on} = {literal(value)}" if value else f"{on} is not null"
        return (
            f"case when {deleted} then coalesce(try_cast({at} as timestamptz),"
            f" to_timestamp(try_cast({at} as bigint))) end as _deleted_at,"
            f" case when {deleted} then coalesce('merged into ' || {into}, 'deleted') end as _deleted_reason"
        )

    def _make_good(self) -> None:
        """Make `<table>_good`: the newest version of each record that was read, without bad ones."""
        table, contract = self.table, self.contract
        key = ", ".join(quoted(name) for name in contract.primary_key)
        merge_key = ", ".join(quoted(name) for name in contract.merge_key)
        newest = f"{quoted(self.shape.modified)} desc nulls last, " if self.shape.modified else ""
        order = newest + "_input desc, _row desc"
        # If a record was read twice, only the entries of its later version count. All entries of one record share its
        # place in the response.
        place = newest + "_input desc, _line desc"
        older = f" or rank() over (partition by {merge_key} order by {place}) > 1" if contract.each else ""
        # The typed records become the good ones: a copy without the bad ones would cost as much as the typing.
        self.db.execute(f"drop table if exists {table}_good")
        self.db.execute(f"alter table {table}_typed rename to {table}_good")
        self.db.execute(f"delete from {table}_good where _reason is not null")
        self.db.execute(f"""
            delete from {table}_good where _row in (
                select _row from {table}_good
                qualify row_number() over (partition by {key} order by {order}) > 1{older}
            )
        """)
        self.db.execute(f"""
            update {table}_inputs as input
            set _rows_loaded = (select count(*) from {table}_good as good where good._input = input._input)
        """)
