"""The contract of a source: its raw tables and columns, and how they are read. `declared_contracts.py` makes it.

The records of a service also have a shape: where they say what the extraction has to know.
"""

import fnmatch
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from scorecard.extract.contracts.known_through import KnownThrough
from scorecard.extract.contracts.value_formats import DEFAULT_FORMATS, ValueFormats

TYPES = ("varchar", "bigint", "integer", "boolean", "date", "timestamp", "timestamptz", "double")
DECIMAL = re.compile(r"decimal\((\d{1,2}),\s*(\d{1,2})\)")
DECIMALS = 8
"""Decimals that every number keeps, whatever a contract declares: sources send more than they document."""
READING_RULES = 2
"""Version of the rules by which values are read. A new version reads every export again."""
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
PARENT = "_parent."
"""Prefix of a header in a table of a list's entries: the column is a field of the record that has the list."""


@dataclass(frozen=True)
class Column:
    """A column of a raw table.

    `header`: its name in the export, or the path of its field in a service's record. `data_type`: a DuckDB type in
    lower case. `optional`: the export may lack it. `date_format`: how its days are written, "" if the table's format
    counts. `identifies`: it is part of a key or is the cursor, so its values must stay as they are. `measure`: it is a
    whole number and an amount, for example of cents.
    """

    name: str
    data_type: str
    header: str
    not_null: bool
    optional: bool = False
    date_format: str = ""
    identifies: bool = False
    measure: bool = False

    @property
    def stored(self) -> str:
        """The type of the raw column: that of the contract. A decimal has at least DECIMALS decimals."""
        if self.decimal is None or self.identifies:
            return self.data_type
        precision, scale = self.decimal
        kept = max(scale, DECIMALS)
        return f"decimal({min(precision - scale + kept, 38)},{kept})"

    @property
    def is_amount(self) -> bool:
        """Whether the column is an amount: it has decimals, or the contract says so (`measure`)."""
        return self.measure or (self.decimal is not None and not self.identifies)

    @property
    def decimal(self) -> tuple[int, int] | None:
        """Precision and scale, None if the type isn't decimal."""
        match = DECIMAL.fullmatch(self.data_type)
        return (int(match[1]), int(match[2])) if match else None


LINE_KEY = Column("_line_key", "varchar", "_line_key", True)
"""The key of records that have no id: a hash of their content, and a number among equal records."""

LINE_CONTENT = "line_content"
"""The primary_key of a table whose records have no id."""


@dataclass(frozen=True)
class ObjectContract:
    """A raw table and what it is read from.

    `file`: the path of the export below the folder of the source, or a pattern of several files that are one export;
    "" for a service. `sheet`: the sheet of a workbook, "" for the first. `full_export`: the export has every record, so
    a record that is missing was deleted. Any other export only adds and changes records. `known_through`: how the last
    complete day of an export is known; if it is None, the last record tells. `formats`: how values are written.

    `object`: the service's name for the table. `each`: the path of a list inside of the service's record; each row is
    then an entry of the list. `merge_key`: the key of what a load replaces as a whole: the record, and for entries the
    record that has the list. `cursor`: the column of a database's table that orders changes, "" if there is none.
    `dated`: the records are facts of a day, and `start_date` leaves older ones out. Other tables are read whole, since
    facts of any day refer to them.
    """

    name: str
    file: str
    primary_key: tuple[str, ...]
    full_export: bool
    delimiter: str
    columns: tuple[Column, ...]
    declared_in: Path
    object: str = ""
    each: str = ""
    merge_key: tuple[str, ...] = ()
    sheet: str = ""
    cursor: str = ""
    known_through: KnownThrough | None = None
    dated: bool = False
    formats: ValueFormats = DEFAULT_FORMATS

    @property
    def is_keyless(self) -> bool:
        """Whether the records have no id of their own."""
        return self.primary_key == (LINE_KEY.name,)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all parts of the contract that change what is read out of the same file."""
        shape = [
            READING_RULES,
            [
                [c.name, c.data_type, c.header, c.not_null, *([c.date_format] if c.date_format else [])]
                for c in self.columns
            ],
            self.primary_key,
            self.full_export,
            self.delimiter,
            *([self.object, self.each, self.merge_key] if self.object else []),
            *([self.sheet] if self.sheet else []),
            *([self.cursor] if self.cursor else []),
            *self.formats.shape,
        ]
        return hashlib.sha256(json.dumps(shape).encode()).hexdigest()


@dataclass(frozen=True)
class SourceContract:
    """A source: `name` is its folder below the data folder, `schema` its schema in the warehouse.

    `service`: the service it is read from, "" for exports. The business unit and currency of a service are settings.
    `folder`: the folder of files that people of the company write, None for exports. Such a file may be missing or
    empty, and may lose any number of rows.
    """

    name: str
    schema: str
    business_unit: str
    currency: str
    objects: tuple[ObjectContract, ...]
    declared_in: Path
    service: str = ""
    folder: Path | None = None


@dataclass(frozen=True)
class RecordShape:
    """JSON paths of the fields of a service's records that the extraction needs, "" if there is no such field.

    ``modified`` is the declared column that orders the versions of a record. A record is a tombstone if its field at
    ``deleted`` equals ``deleted_value`` (if that is "", if the field has a value). ``deleted_at`` is the time of the
    deletion, ``merged_into`` the record that it was merged into. ``ignored`` fields are neither kept nor reported.
    ``one_moment``: all pages of a run show the same moment, so no record comes twice; else each page has its own.
    """

    modified: str = ""
    deleted: str = ""
    deleted_value: str = "true"
    deleted_at: str = ""
    merged_into: str = ""
    ignored: tuple[str, ...] = ()
    one_moment: bool = False


def first_day(start: date | None, contracts: Sequence[ObjectContract]) -> date | None:
    """Return the first day whose records of an object are read, None if all are: one of its tables isn't dated."""
    return start if all(contract.dated for contract in contracts) else None


def is_pattern(file: str) -> bool:
    """Whether the file of a contract is a pattern, which stands for several files."""
    return "*" in file or "?" in file


def matching(names: list[str], pattern: str) -> list[str]:
    """Return the names that a pattern matches, without hidden files and the lock files of Excel."""
    folder = pattern.rpartition("/")[0]
    siblings = (name for name in names if name.rpartition("/")[0] == folder)
    exact = pattern.replace("[", "[[]")
    return sorted(
        name
        for name in siblings
        if fnmatch.fnmatchcase(name, exact) and not name.rpartition("/")[2].startswith((".", "~$"))
    )


def json_path(header: str) -> str:
    """Return the JSON path of a header. Dots separate the names, and `[0]` takes an entry of a list."""
    parts = re.findall(r"[^.\[\]]+|\[\d+\]", header)
    # In a JSON path a backslash escapes, as it doesn't in SQL.
    escaped = (re.sub(r'(["\\])', r"\\\1", part) for part in parts)
    return "$" + "".join(part if part.startswith("[") else '."' + part + '"' for part in escaped)


def top_of(header: str) -> str:
    """Return the first name of a header."""
    return re.split(r"[.\[]", header)[0]
