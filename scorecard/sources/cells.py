"""The text of an export's files on its way into the scratch database, a column in one place whatever file it is of."""

# ruff: noqa: S608  names are checked by the contract, or quoted

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

from scorecard.errors import ScorecardError
from scorecard.sources.contract import Column, ObjectContract
from scorecard.sources.text import literal
from scorecard.text import plain

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

BLOCK = 1 << 20
"""Bytes of a file that are read at a time."""


@dataclass(frozen=True)
class Part:
    """A file of an export: `name`, as rows name it (`<source>/<file>`), and how to open it."""

    name: str
    open: Callable[[], IO[bytes]]


@dataclass
class Cells:
    """The texts of one export: `<table>` (_page, _line, _c0, _c1 …; "" is null) and `<table>_odd`.

    In `<table>_odd` (_page, _line, reason, payload) are records that can't be told apart into columns. A page is a
    file. `fields` are the columns as the files call them.
    """

    db: "duckdb.DuckDBPyConnection"
    table: str
    contract: ObjectContract
    columns: list[Column] = field(default_factory=list)
    fields: list[str] = field(default_factory=list)
    headers: dict[str, list[int]] = field(default_factory=dict)
    rows: int = 0
    _page: int = 0
    _places: str = ""
    _place_of: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.db.execute(f"create table {self.table}_odd (_page int, _line bigint, reason varchar, payload varchar)")
        self.db.execute(
            f"create table {self.table}_pages"
            " (_page int, source_file varchar, sha256 varchar, size_bytes bigint, rows_read bigint)"
        )

    def begin(self, header: Sequence[str], source_file: str) -> None:
        """Find the place of each of the columns that the next file has.

        Raises
        ------
        ScorecardError: the file is empty, lacks a column or has one twice.
        """
        self._page += 1
        found = columns_of(header, self.contract, source_file)
        new = [(column, name) for column, name in zip(found, header, strict=True) if column.name not in self._place_of]
        for column, name in new:
            self._place_of[column.name] = f"_c{len(self.columns)}"
            self.columns.append(column)
            self.fields.append(name)
        self._widen([self._place_of[column.name] for column, _ in new])
        places = [self._place_of[column.name] for column in found]
        self._places = ", ".join(places)
        repeated = " and ".join(
            f"{place} is not distinct from {literal(name)}" for place, name in zip(places, header, strict=True) if name
        )
        self.headers.setdefault(repeated, []).append(self._page)

    def _widen(self, places: list[str]) -> None:
        """Make the table of the first file's columns; those of a later one are rare, and added one by one."""
        if self._page == 1:
            columns = "".join(f", {place} varchar" for place in places)
            self.db.execute(f"create table {self.table} (_page int, _line bigint{columns})")
            return
        for place in places:
            self.db.execute(f"alter table {self.table} add column {place} varchar")

    def add(self, rows: str, cells: Sequence[str]) -> int:
        """Insert rows that a query selects, with `_line`; `cells` is SQL of the header's columns in its order."""
        texts = ", ".join(f"nullif({cell}, '')" for cell in cells)
        query = (
            f"insert into {self.table} (_page, _line, {self._places}) select {self._page}, _line, {texts} from {rows}"
        )
        (count,) = self.db.execute(query).fetchone() or (0,)
        return int(count)

    def add_odd(self, rows: str, reason: str, payload: str) -> None:
        """Insert rows that are to go to quarantine as they are; `reason` and `payload` are SQL."""
        self.db.execute(f"insert into {self.table}_odd select {self._page}, _line, {reason}, {payload} from {rows}")

    def end(self, source_file: str, sha256: str, size: int, rows: int) -> None:
        """Note what was read of the file."""
        self.rows += rows
        self.db.execute(
            f"insert into {self.table}_pages values (?, ?, ?, ?, ?)", [self._page, source_file, sha256, size, rows]
        )


def batch_of(lines: Sequence[int], records: Sequence[Sequence[str | None]]) -> "pa.Table":
    """Return records as a table of `_line` and `_f`, the list of their fields."""
    import pyarrow as pa

    return pa.table([pa.array(lines, pa.int64()), pa.array(records, pa.list_(pa.string()))], ["_line", "_f"])


def hash_of(file: IO[bytes]) -> tuple[str, int]:
    """Return the SHA-256 and the size of a file."""
    digest, size = hashlib.sha256(), 0
    while block := file.read(BLOCK):
        digest.update(block)
        size += len(block)
    return digest.hexdigest(), size


def empty(source_file: str) -> ScorecardError:
    """Say that there is nothing in a file."""
    return ScorecardError(
        f"{source_file} is empty: it has not even a header.",
        "Export it again; the warehouse was left as it was.",
    )


def snake_case(header: str) -> str:
    """Turn a header into a column name; "" where it isn't all ASCII or has no letter.

    >>> snake_case("Close Value (USD)"), snake_case("closeDate"), snake_case("顧客")
    ('close_value_usd', 'close_date', '')
    """
    if not header.isascii():
        return ""
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", header.strip())
    name = re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")
    return f"n{name}" if name[:1].isdigit() else name


def columns_of(header: Sequence[str], contract: ObjectContract, source_file: str) -> tuple[Column, ...]:
    """Name the columns of the file in its order; those the contract doesn't know are varchar.

    Raises
    ------
    ScorecardError: the file is empty, lacks a column or has one twice.
    """
    if not any(name.strip() for name in header):
        raise empty(source_file)
    exact = {column.header: column for column in contract.columns}
    alike = {snake_case(column.header): column for column in contract.columns if snake_case(column.header)}
    columns = []
    for position, said in enumerate(header, start=1):
        name = snake_case(said)
        column = exact.get(said.strip()) or alike.get(name)
        columns.append(column or Column(name or f"column_{position}", "varchar", said, False))
    names = [column.name for column in columns]
    if lacking := [column for column in contract.columns if column.name not in names]:
        raise ScorecardError(
            f"{source_file} lacks the column {', '.join(column.header for column in lacking)};"
            f" it has {plain(', '.join(header))}.",
            "Export it with that column. If the column was renamed, write its new header as config.meta.header of"
            f" {', '.join(column.name for column in lacking)} in {contract.declared_in}; if it is gone for good, take"
            f" it out there and out of the staging model of {contract.name} beside it.",
        )
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise ScorecardError(
            f"{source_file} has the column {plain(', '.join(repeated))} more than once in its header:"
            f" {plain(', '.join(header))}.",
            "Export it with one column of that name.",
        )
    return tuple(columns)
