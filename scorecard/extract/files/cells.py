"""The text of an export's files in the scratch database, with the columns in the order of the contract."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scorecard.extract.contracts.contract import Column, ObjectContract
from scorecard.extract.contracts.value_formats import cell_sql
from scorecard.extract.files.originals import ExportFile
from scorecard.extract.raw.undeclared import as_json, names_in
from scorecard.shared.errors import ScorecardError
from scorecard.shared.sql import literal
from scorecard.shared.text import plain

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa


@dataclass(frozen=True)
class Bounds:
    """The maximum number of cells, and of characters in them, of a packed file once it is unpacked."""

    cells: int = 50_000_000
    text: int = 500_000_000


DEFAULT_BOUNDS = Bounds()


@dataclass
class Cells:
    """The texts of one export, in scratch tables.

    `<table>` has `_input`, `_line`, `_undeclared`, `_c0`, `_c1` …; an empty cell is null. `_c0`, `_c1` … are the
    columns of the contract, `_undeclared` is all others as JSON. `<table>_unreadable` (`_input`, `_line`, `_reason`,
    `_payload`) has the records that can't be split into columns. `<table>_inputs` lists the files; `_input` is the
    number of a file.

    `field_names`: what the first file calls the columns of the contract. `undeclared`: the names of the other columns.
    `header_tests`: SQL conditions that a record repeats its file's header, each with the numbers of its files.
    """

    db: "duckdb.DuckDBPyConnection"
    table: str
    contract: ObjectContract
    bounds: Bounds
    field_names: list[str] = field(default_factory=list)
    undeclared: dict[str, None] = field(default_factory=dict)
    header_tests: dict[str, list[int]] = field(default_factory=dict)
    rows: int = 0
    _input: int = 0
    _positions: list[int] = field(default_factory=list)
    _undeclared_positions: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        texts = "".join(f", _c{i} varchar" for i in range(len(self.contract.columns)))
        for suffix, columns in {
            "": f"_input int, _line bigint, _undeclared varchar{texts}",
            "_unreadable": "_input int, _line bigint, _reason varchar, _payload varchar",
            "_inputs": "_input int, _source_file varchar, _sha256 varchar, _size_bytes bigint, _rows_read bigint",
        }.items():
            self.db.execute(f"create table {self.table}{suffix} ({columns})")

    def begin(self, header: Sequence[str], source_file: str) -> None:
        """Begin the next file: find the position of each column in its header.

        Raises
        ------
        ScorecardError: the file is empty, lacks a column or has one twice.
        """
        self._input += 1
        columns = columns_of(header, self.contract, source_file)
        self._positions = [columns.index(column) + 1 if column in columns else 0 for column in self.contract.columns]
        undeclared = names_in(header, columns)
        self._undeclared_positions = dict(sorted(undeclared.items()))
        self.undeclared |= dict.fromkeys(undeclared)
        names = [header[position - 1] if position else "" for position in self._positions]
        self.field_names = self.field_names or [
            name or column.header for name, column in zip(names, self.contract.columns, strict=True)
        ]
        repeats_header = " and ".join(
            f"_c{i} is not distinct from {literal(name)}" for i, name in enumerate(names) if self._positions[i]
        )
        self.header_tests.setdefault(repeats_header, []).append(self._input)

    def add(self, rows: str, texts: Sequence[str] = ()) -> int:
        """Insert the rows of a table or subquery with `_line`; return their number.

        `texts` is SQL of the texts in the order of the header. Without it, the texts are the entries of the list `_f`.
        """
        declared = [(texts[i - 1] if texts else f"_f[{i}]") if i else "null::varchar" for i in self._positions]
        positions = list(self._undeclared_positions.values())
        undeclared = f"list_select(_f, {positions})"
        if texts:
            undeclared = f"[{', '.join(texts[i - 1] for i in positions)}]"
        formats = self.contract.formats
        null_texts = ", ".join(map(literal, ("", *formats.null_values)))
        cells = [cell_sql(f"nullif({text}, '')", formats) for text in declared]
        query = (
            f"insert into {self.table} select {self._input}, _line,"
            f" {as_json(list(self._undeclared_positions), undeclared, null_texts)}, {', '.join(cells)} from {rows}"
        )
        (count,) = self.db.execute(query).fetchone() or (0,)
        return int(count)

    def add_unreadable(self, rows: str, reason: str, payload: str) -> None:
        """Put rows that can't be split into columns into quarantine; `reason` and `payload` are SQL."""
        self.db.execute(
            f"insert into {self.table}_unreadable select {self._input}, _line, {reason}, {payload} from {rows}"
        )

    def quarantine_ranges(self, ranges: Sequence[tuple[int, int]], reason: str) -> None:
        """Move ranges of rows of the file, each a first and a last line, into quarantine."""
        import pyarrow as pa

        disjoint: list[tuple[int, int]] = []
        for first, last in sorted(ranges):
            if disjoint and first <= disjoint[-1][1] + 1:
                first, last = disjoint[-1][0], max(last, disjoint.pop()[1])
            disjoint.append((first, last))
        if not disjoint:
            return
        firsts, lasts = zip(*disjoint, strict=True)
        self.db.register("ranges", pa.table([pa.array(firsts), pa.array(lasts)], ["_first", "_last"]))
        self.db.execute(f"""
            create or replace temp table _lines_in_ranges as
            select _line from {self.table} asof join ranges on _line >= _first
            where _input = {self._input} and _line <= _last
        """)
        self.db.unregister("ranges")
        rows = f"(from {self.table} where _input = {self._input} and _line in (from _lines_in_ranges))"
        self.add_unreadable(rows, literal(reason), self.payload)
        self.db.execute(f"delete from {self.table} where _input = {self._input} and _line in (from _lines_in_ranges)")

    @property
    def payload(self) -> str:
        """SQL of a record as JSON, by the names that the file gives its columns."""
        declared = ", ".join(f"{literal(name)}, _c{i}" for i, name in enumerate(self.field_names))
        return f"json_merge_patch(json_object({declared}), coalesce(_undeclared, '{{}}')::json)::varchar"

    def note_absent(self, file: ExportFile) -> None:
        """Note a file that is missing or blank."""
        self.end(file, 0, 0)

    def end(self, file: ExportFile, size: int, rows: int) -> None:
        """End a file: note its size in bytes and the number of its records."""
        self.rows += rows
        self.db.execute(
            f"insert into {self.table}_inputs values (?, ?, ?, ?, ?)", [self._input, file.name, file.sha256, size, rows]
        )


def batch_of(lines: Sequence[int], records: Sequence[Sequence[str | None]]) -> "pa.Table":
    """Return records as an Arrow table of `_line` and `_f`, the list of their fields."""
    import pyarrow as pa

    return pa.table([pa.array(lines, pa.int64()), pa.array(records, pa.list_(pa.string()))], ["_line", "_f"])


def empty_file(source_file: str) -> ScorecardError:
    """Return the error of a file without a header."""
    return ScorecardError(
        f"{source_file} is empty: it has not even a header.",
        "Export it again; the warehouse was left as it was.",
    )


def too_large(source_file: str, what: str, bounds: Bounds) -> ScorecardError:
    """Return the error of a packed file with too many "cells", or too much "text" or "bytes"."""
    if what == "bytes":
        problem, setting = f"{source_file} has a part, such as a sheet, that is far too large once it is unpacked.", ""
    else:
        limit, noun, name = (
            (bounds.cells, "cells", "max_cells") if what == "cells" else (bounds.text, "characters", "max_text")
        )
        problem = f"{source_file} holds more than {limit:,} {noun} once it is unpacked."
        setting = f", or raise {name} in scorecard.toml (SCORECARD_{name.upper()})"
    return ScorecardError(
        problem,
        f"Check that it is the right file. If it is, export fewer records at once, export CSV{setting}; the warehouse"
        " was left as it was.",
    )


def snake_case(header: str) -> str:
    """Turn a header into a column name; "" if it isn't all ASCII or has no letter.

    >>> snake_case("Close Value (USD)"), snake_case("closeDate"), snake_case("顧客")
    ('close_value_usd', 'close_date', '')
    """
    if not header.isascii():
        return ""
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", header.strip())
    name = re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")
    return f"n{name}" if name[:1].isdigit() else name


def columns_of(header: Sequence[str], contract: ObjectContract, source_file: str) -> list[Column | None]:
    """Return, for each column of a header, the column of the contract that it matches; None for an undeclared one.

    Raises
    ------
    ScorecardError: the file is empty, lacks a required column, or has a column twice.
    """
    if not any(name.strip() for name in header):
        raise empty_file(source_file)
    by_header = {column.header: column for column in contract.columns}
    by_snake_case = {snake_case(column.header): column for column in contract.columns if snake_case(column.header)}
    columns = [by_header.get(text.strip()) or by_snake_case.get(snake_case(text)) for text in header]
    if missing := [column for column in contract.columns if column not in columns and not column.optional]:
        columns_lacking = "the column" if len(missing) == 1 else "the columns"
        raise ScorecardError(
            f"{source_file} lacks {columns_lacking} {', '.join(column.header for column in missing)};"
            f" it has {plain(', '.join(header))}.",
            "Export it with that column. If the column has a new name, write the name as config.meta.header of"
            f" {', '.join(column.name for column in missing)} in {contract.declared_in}. If the column is gone for"
            f" good, delete it from that file and from the staging model of {contract.name} in the same folder.",
        )
    if repeated := sorted({column.name for column in columns if column and columns.count(column) > 1}):
        raise ScorecardError(
            f"{source_file} has the column {plain(', '.join(repeated))} more than once in its header:"
            f" {plain(', '.join(header))}.",
            "Export it with one column of that name.",
        )
    return columns
