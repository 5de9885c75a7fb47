"""A SQL database: rows by a cursor if a table has one, else all of them; deletes by comparing keys."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from scorecard.extract.contracts.contract import Column, ObjectContract, RecordShape, first_day
from scorecard.extract.services.drift import lacking, wrong_type
from scorecard.extract.services.service import ServicePage
from scorecard.extract.services.sql import settings as fixed
from scorecard.extract.services.sql.connection import Denied, connect, session
from scorecard.extract.services.sql.tables import (
    TableReading,
    before,
    cursor_between,
    cursor_text,
    has_declared_format,
    json_record,
    key_and_cursor,
    kind_of,
    no_later,
    now,
    reflect,
    repeated_keys,
    start_of,
    value_of,
)
from scorecard.shared.errors import ScorecardError
from scorecard.shared.settings import Connection, ServiceSettings
from scorecard.shared.sql import key_of


class Sql:
    """One database, as the extraction reads it.

    A cursor is ``{"since": newest value of the cursor's column, "reconciled_at": moment of the last comparison of
    keys}``. All of an object is read in one transaction, so no row is missed or doubled while others write. Rows that
    share a key are all read in each run, and validated together.
    """

    speaks_http = False

    def __init__(self, name: str, own: ServiceSettings, connection: Connection) -> None:
        self.name, self.own = name, own
        self.engine = connect(name, connection)
        self.page_size = own.page_size or fixed.PAGE
        self._tables: dict[str, sa.Table] = {}

    def who(self) -> str:
        """Return whose credentials these are."""
        with session(self.name, self.engine):
            url = self.engine.url
            return f"{url.username or 'nobody'} at {url.host or 'this machine'}, database {url.database}"

    def clock(self) -> datetime | None:
        """Return the time by the database's own clock."""
        with session(self.name, self.engine) as db:
            return now(db)

    def shape(self, name: str) -> RecordShape:
        """Return a shape without deletes: a row has only its columns. A table is read in one transaction."""
        return RecordShape(one_moment=True)

    def check(self, contract: ObjectContract) -> None:
        """Fail if the user can't read the table, or if a declared column is missing or has another type."""
        table = self._table(contract.object)
        if gone := [column for column in contract.columns if column.header not in table.c]:
            raise lacking(contract, gone)
        for column in contract.columns:
            self._check_type(contract, column, kind_of(table.c[column.header]))
        self._probe(table, [column.header for column in contract.columns])

    def pages(
        self, name: str, contracts: list[ObjectContract], cursor: dict[str, Any] | None, again: bool
    ) -> Iterator[ServicePage]:
        """Yield what is new since the cursor; from time to time, or where none is declared, all rows and their keys."""
        table = self._table(name)
        columns, keys, by = self._wanted(table, contracts), *key_and_cursor(name, contracts)
        first = cursor is None and not again
        with session(self.name, self.engine) as db:
            wanted_from, point = first_day(self.own.start_date, contracts), contracts[0].formats.decimal_separator
            reading = TableReading(table, columns, keys, by, now(db), wanted_from, point)
            reading = replace(reading, repeated=repeated_keys(db, table, reading.key))
            reached = dict(cursor or {})
            if first:
                reached["reconciled_at"] = reading.at.isoformat()
            if by is None or self._is_due(reached, reading.at):
                yield from self._all(db, reading, reached)
            else:
                yield from self._new(db, reading, by, reached)

    def _table(self, name: str) -> sa.Table:
        if name not in self._tables:
            with session(self.name, self.engine) as db:
                table = reflect(db, name)
            if table is None:
                raise ScorecardError(
                    f"The database of the connection scorecard_{self.name} has no table {name} that its user can see.",
                    "Correct config.meta.object (schema.table) of it in the contract, or grant the user usage on its"
                    " schema.",
                )
            self._tables[name] = table
        return self._tables[name]

    def _check_type(self, contract: ObjectContract, column: Column, kind: str) -> None:
        declared = column.data_type.partition("(")[0]
        key, cursor = column.name in contract.primary_key, column.name == contract.cursor
        fits = (
            declared == "varchar"
            or declared in fixed.TYPES.get(kind, ())
            or has_declared_format(contract, column, kind)
        )
        field = f"The field {column.header} of {contract.object}"
        if kind == "binary" or not fits:
            problem = f"{field} is a {kind} in the database, and a {column.data_type} in the contract."
        elif key and declared != "varchar" and declared not in fixed.KEYS.get(kind, ()):
            problem = f"{field} is a {kind}, whose keys can't be compared as {column.data_type}."
        elif cursor and declared not in fixed.CURSORS:
            problem = f"{field} is the cursor, and a {column.data_type} does not order what is new."
        else:
            return
        raise wrong_type(contract, column, problem)

    def _probe(self, table: sa.Table, columns: Sequence[str]) -> None:
        """Select no row, which fails if the user can't read the columns."""
        with session(self.name, self.engine) as db:
            db.execute(sa.select(*(table.c[name] for name in columns)).limit(0))

    def _wanted(self, table: sa.Table, contracts: list[ObjectContract]) -> list[str]:
        """Return the columns to read: those declared, and the rest where new ones are kept and may be read."""
        declared = list(dict.fromkeys(column.header for contract in contracts for column in contract.columns))
        more = [column.name for column in table.c if column.name not in declared and kind_of(column) != "binary"]
        if more and self.own.keep_new_fields:
            try:
                self._probe(table, [*declared, *more])
            except Denied:
                return declared
            return [*declared, *more]
        return declared

    def _is_due(self, reached: dict[str, Any], at: datetime) -> bool:
        last = value_of(reached.get("reconciled_at"), "timestamptz")
        return last is None or last + timedelta(days=self.own.reconcile_days) <= at

    def _new(
        self, db: sa.Connection, reading: TableReading, by: Column, reached: dict[str, Any]
    ) -> Iterator[ServicePage]:
        """Yield the rows from the cursor on, and those that have none; each page has the cursor of the next run."""
        since = value_of(reached.get("since"), by.data_type)
        start = start_of(reading) if since is None else before(since, self.own.overlap_seconds)
        column = reading.table.c[by.header]
        shared = [] if reading.repeated is None else [sa.tuple_(*reading.key).in_(reading.repeated)]
        where = [] if start is None else [sa.or_(column >= start, column.is_(None), *shared)]
        query = "" if start is None else f"{by.header}>={start}"
        url = ""
        for url, records, _, newest in self._read(db, reading, query, where, [column, *reading.key]):
            since = max((value for value in (since, newest) if value is not None), default=None)
            if since is not None:
                reached["since"] = cursor_text(since)
            yield _page(url, records, cursor=cursor_between(reading, reached))
        if reading.repeated is not None:
            yield _page(url, (), cursor=dict(reached))

    def _all(self, db: sa.Connection, reading: TableReading, reached: dict[str, Any]) -> Iterator[ServicePage]:
        """Yield all rows and their keys: a row that the warehouse has and the table lacks was deleted."""
        start = start_of(reading)
        where, older = [], []
        if reading.cursor and start is not None:
            column = reading.table.c[reading.cursor.header]
            where, older = [sa.or_(column >= start, column.is_(None))], [column < start]
        since = None
        url = ""
        for url, records, keys, newest in self._read(db, reading, "", where, []):
            since = max((value for value in (since, newest) if value is not None), default=None)
            yield _page(url, records, ids=keys, cursor=cursor_between(reading, reached))
        if older:
            # Older rows are left out, but they are not deleted.
            for url, _, keys, _ in self._read(db, reading, "", older, []):
                yield _page(url, (), ids=keys, cursor=cursor_between(reading, reached))
        done = {"reconciled_at": reading.at.isoformat(), **({"since": cursor_text(since)} if since is not None else {})}
        yield _page(url, (), complete_at=reading.at, cursor=done)

    def _read(
        self, db: sa.Connection, reading: TableReading, query: str, where: Sequence[Any], order: Sequence[Any]
    ) -> Iterator[tuple[str, list[bytes], list[str], Any]]:
        """Yield pages, at least one: URL, records, their keys, and the newest value of the cursor.

        The rows are streamed, so memory stays small for a table of any size.
        """
        url = self.engine.url
        port = f":{url.port}" if url.port else ""
        schema = f"{reading.table.schema}." if reading.table.schema else ""
        base = f"sql://{url.host or ''}{port}/{url.database}/{schema}{reading.table.name}?{query}{'&' if query else ''}"
        statement, is_text = self._statement(reading)
        streamed = db.execution_options(stream_results=True, yield_per=self.page_size)
        by = reading.cursor
        few = list(dict.fromkeys([*reading.keys, *([by.header] if by else [])]))
        decoder = _decoder(few)
        count = 0
        for rows in streamed.execute(statement.where(*where).order_by(*order)).partitions(self.page_size):
            records = [row[0].encode() if is_text else json_record(row, reading.point) for row in rows]
            decoded = [msgspec.structs.astuple(decoder.decode(record)) for record in records]
            keys = [key_of(values[: len(reading.keys)]) for values in decoded]
            newest = None
            if by:
                cursor_values = (value_of(values[few.index(by.header)], by.data_type) for values in decoded)
                newest = max(
                    (no_later(value, reading.at) for value in cursor_values if value is not None), default=None
                )
            yield f"{base}rows={count + 1}-{count + len(records)}", records, keys, newest
            count += len(records)
        if not count:
            yield f"{base}rows=0", [], [], None

    def _statement(self, reading: TableReading) -> tuple["sa.Select[Any]", bool]:
        """Return what to select, and whether the database writes the records itself, which PostgreSQL does exactly.

        Numbers with a point and JSON go as text, which keeps all digits.
        """
        as_text = ("numeric", "float")
        postgres = self.engine.dialect.name == "postgresql"
        chosen: list[Any] = []
        for name in reading.columns:
            column = reading.table.c[name]
            # Take values as they are: one of another type than its column would stop the whole table.
            value: Any = sa.type_coerce(column, sa.types.NullType())
            if postgres and (kind_of(column) in as_text or isinstance(column.type, sa.JSON)):
                value = sa.cast(column, sa.Text)
                if kind_of(column) in as_text and reading.point != ".":
                    value = sa.func.replace(value, ".", reading.point)
            chosen.append(value.label(name))
        if not postgres:
            return sa.select(*chosen), False
        record = sa.select(*chosen).correlate(reading.table).lateral("record")
        record_json = sa.cast(sa.func.to_json(record.table_valued()), sa.Text)
        return sa.select(record_json).select_from(reading.table.join(record, sa.true())), True


def _decoder(headers: Sequence[str]) -> "msgspec.json.Decoder[Any]":
    """Return a decoder that takes a few columns, as `c0`, `c1` …, out of a record."""
    names = {f"c{i}": header for i, header in enumerate(headers)}
    fields = [(name, str | int | bool | None) for name in names]
    return msgspec.json.Decoder(msgspec.defstruct("Few", fields, rename=names))


def _page(url: str, records: Sequence[bytes], **rest: Any) -> ServicePage:
    digest = hashlib.sha256()
    for record in records:
        digest.update(record + b"\n")
    return ServicePage(url, digest.hexdigest(), sum(map(len, records)), records, **rest)


CONNECTOR = Sql
