"""What a source promises: dbt's source YAML, read into dataclasses.

The same entry documents the raw table for dbt and tells the extraction what to read: no column is listed
twice.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from scorecard.catalogue import source_names
from scorecard.errors import ScorecardError
from scorecard.settings import SERVICES, Settings
from scorecard.settings_file import NAME
from scorecard.sources.declared import refuse_unread
from scorecard.sources.formats import USUAL, Formats, column_date_format, read_formats
from scorecard.sources.known_through import KnownThrough, parse
from scorecard.text import plain

TYPES = ("varchar", "bigint", "integer", "boolean", "date", "timestamp", "timestamptz", "double")
_DECIMAL = re.compile(r"decimal\((\d{1,2}),\s*(\d{1,2})\)")
DECIMALS = 8
"""Decimals that every number keeps, whatever a contract declares: sources send more than they document."""
READING = 2
"""Number of the rules by which values are read; a new number reads every export again."""
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


@dataclass(frozen=True)
class Column:
    """A column of a raw table.

    `header`: its name in the export, or the path of its field in a service's record. `data_type`: a DuckDB type in
    lower case. `optional`: a service may leave the field out. `date_format`: how its days are written, "" as the table
    says. `identifies`: it is part of a key or is the cursor, so that its text must stay as it is. `measure`: a whole
    number that is an amount, as of minor units.
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
        """The type of the raw column: that of the contract, a decimal with at least DECIMALS decimals."""
        if self.decimal is None or self.identifies:
            return self.data_type
        precision, scale = self.decimal
        kept = max(scale, DECIMALS)
        return f"decimal({min(precision - scale + kept, 38)},{kept})"

    @property
    def is_amount(self) -> bool:
        """Whether it says how much a record weighs: a number with decimals, or what the contract says is an amount."""
        return self.measure or (self.decimal is not None and not self.identifies)

    @property
    def decimal(self) -> tuple[int, int] | None:
        """Precision and scale, None where the type is no decimal."""
        match = _DECIMAL.fullmatch(self.data_type)
        return (int(match[1]), int(match[2])) if match else None


LINE_KEY = Column("_line_key", "varchar", "_line_key", True)
"""The key of records that have no id: their content, and which of equal ones each is."""

LINE_CONTENT = "line_content"
"""The primary_key of a table whose records have no id."""


@dataclass(frozen=True)
class ObjectContract:
    """A raw table and what it is read from.

    `file`: the export, a path below the folder of the source, or a pattern of several that are one export together; ""
    for a service. `sheet`: of a workbook; "" is the first. A `full_export` holds every record, so that one which left
    it is gone; any other only adds and changes.
    `object`: what the service calls it. `each`: the path of a list inside of the service's record, where a row is an
    entry of that list. `merge_key`: what a load replaces as a whole; the record, or for such entries their record.
    `cursor`: the column of a database's table that says what is new; "": none does. `known_through`: what tells the day
    through which an export is complete; None: its last record. `dated`: its records are facts of a day, of which
    `start_date` leaves older ones out; all others are read whole, for facts of any day refer to them. `formats`: how
    values are written.
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
    formats: Formats = USUAL

    @property
    def is_keyless(self) -> bool:
        """Whether the records have no id of their own."""
        return self.primary_key == (LINE_KEY.name,)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all that changes what is read out of one and the same file."""
        shape = [
            READING,
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

    `service`: the service it is read from, "" for a folder of exports. Of a service, the business unit and currency are
    settings.
    """

    name: str
    schema: str
    business_unit: str
    currency: str
    objects: tuple[ObjectContract, ...]
    declared_in: Path
    service: str = ""


def load_contracts(settings: Settings) -> dict[str, SourceContract]:
    """Read every source to extract that the dbt project declares, by name; services without settings are left out.

    Raises
    ------
    ScorecardError: a file is no YAML, or an entry lacks something or contradicts itself, or there are settings of a
        source that isn't declared.
    """
    contracts: dict[str, SourceContract] = {}
    for folder in source_names(settings):
        path = declaration(settings, folder)
        for contract in read_contracts(path):
            if contract.name in contracts:
                raise ScorecardError(
                    f"The source {contract.name} is declared in {contracts[contract.name].declared_in} and in {path}.",
                    "Give one of them another name.",
                )
            contracts[contract.name] = contract
    _refuse_undeclared(settings, contracts)
    return contracts


def _refuse_undeclared(settings: Settings, contracts: dict[str, SourceContract]) -> None:
    """Refuse settings of sources that nobody declared: a name that was misspelt would switch nothing on."""
    known = {*contracts, *(name for name in SERVICES if declaration(settings, name).exists())}
    for what in ("sources", "services", "connections"):
        if unknown := [plain(name) for name in sorted(getattr(settings, what)) if name not in known]:
            raise ScorecardError(
                f"`{what}` in the settings names {', '.join(unknown)}, which no source is called.",
                f"Correct the name in [{what}] of {settings.project / NAME} or in SCORECARD_{what.upper()} of the"
                f" environment; there is: {', '.join(sorted(known))}.",
            )


def declaration(settings: Settings, source: str) -> Path:
    """Return the file that declares a source."""
    return settings.dbt_project / "models" / "staging" / source / "_sources.yml"


def read_contracts(path: Path) -> list[SourceContract]:
    """Read the sources of one YAML file. Raises ScorecardError as `load_contracts` does."""
    try:
        document = yaml.load(path.read_text("utf-8"), yaml.CSafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ScorecardError(f"{path} cannot be read as YAML: {error}.", "Correct the file.") from error
    if not isinstance(document, dict) or not isinstance(document.get("sources"), list):
        raise ScorecardError(f"{path} declares no sources.", "Begin the list with `sources:`.")
    return [_source(entry, path) for entry in document["sources"]]


def _source(entry: dict[str, Any], path: Path) -> SourceContract:
    name = _required(entry, "name", "a source", path)
    where = f"the source {name}"
    refuse_unread(entry, "source", where, path)
    meta = _meta(entry)
    schema = entry.get("schema")
    if schema != f"raw_{name}":
        raise ScorecardError(
            f"In {path}, {where} has the schema {schema}.",
            f"Write `schema: raw_{name}`: the extraction loads there.",
        )
    tables = _required(entry, "tables", where, path)
    service = str(meta.get("service", ""))
    # Names with an underscore in front are the extraction's own tables; they have no export.
    objects = tuple(
        replace(contract, known_through=_known_through(_meta(table), contract))
        for table in tables
        if not str(table.get("name")).startswith("_")
        for contract in [_object(table, where, path, service)]
    )
    _refuse_repeats([o.name for o in objects], f"{where} lists the table", path)
    return SourceContract(
        name=name,
        schema=schema,
        business_unit="" if service else _required(meta, "business_unit", f"config.meta of {where}", path),
        currency="" if service else _required(meta, "currency", f"config.meta of {where}", path),
        objects=objects,
        declared_in=path,
        service=service,
    )


def _object(entry: dict[str, Any], source: str, path: Path, service: str) -> ObjectContract:
    name = _required(entry, "name", f"a table of {source}", path)
    where = f"the table {name} of {source}"
    refuse_unread(entry, "table", where, path)
    if not _NAME.fullmatch(name):
        raise ScorecardError(f"In {path}, {where} has no name that dlt keeps.", "Use lower case, digits and single _.")
    meta = _meta(entry)
    file = "" if service else _required(meta, "file", f"config.meta of {where}", path)
    key = _key(meta, where, path, service)
    columns = tuple(_column(column, key, where, path) for column in _required(entry, "columns", where, path))
    _refuse_repeats([c.name for c in columns], f"{where} lists the column", path)
    _refuse_repeats([c.header for c in columns], f"{where} reads twice the header", path)
    if unknown := sorted(set(key) - {c.name for c in columns} - {LINE_KEY.name}):
        raise ScorecardError(
            f"In {path}, the primary key of {where} names {', '.join(unknown)}, which is no column of it.",
            "Correct config.meta.primary_key or add the column.",
        )
    if Path(file).is_absolute() or ".." in Path(file).parts:
        raise ScorecardError(
            f"In {path}, {where} reads {file}, which is outside of its folder.",
            "Name a file below the source's folder.",
        )
    full_export = meta.get("full_export", not service)
    delimiter = meta.get("delimiter", ",")
    if not isinstance(full_export, bool) or not isinstance(delimiter, str) or len(delimiter) != 1:
        raise ScorecardError(
            f"In {path}, config.meta of {where} has full_export {full_export!r} and delimiter {delimiter!r}.",
            "full_export is true or false, delimiter one character.",
        )
    each = str(meta.get("each", ""))
    merge_key = tuple(meta.get("merge_key", key))
    of = str(meta.get("object", name)) if service else ""
    sheet, cursor = str(meta.get("sheet", "")), str(meta.get("cursor", ""))
    if cursor and cursor not in {c.name for c in columns}:
        raise ScorecardError(
            f"In {path}, the cursor of {where} is {cursor}, which is no column of it.",
            "Correct config.meta.cursor or add the column.",
        )
    identifiers = {*key, *merge_key, cursor}
    columns = tuple(replace(column, identifies=column.name in identifiers) for column in columns)
    dated = _flag(meta, "dated", where, path)
    formats = read_formats(meta, where, path, bool(service) or Path(file).suffix.lower() in (".xlsx", ".parquet"))
    return ObjectContract(
        name, file, key, full_export, delimiter, columns, path, of, each, merge_key, sheet, cursor, None, dated, formats
    )


def _flag(meta: dict[str, Any], name: str, where: str, path: Path) -> bool:
    value = meta.get(name, False)
    if not isinstance(value, bool):
        raise ScorecardError(f"In {path}, config.meta.{name} of {where} is {value!r}.", "Write true or false.")
    return value


def first_day(start: date | None, contracts: Sequence[ObjectContract]) -> date | None:
    """Return the day from which on an object's records are wanted; None, where a table of it isn't dated: all are."""
    return start if all(contract.dated for contract in contracts) else None


def _known_through(meta: dict[str, Any], contract: ObjectContract) -> KnownThrough | None:
    """Read how the day is told through which an export is known; None where it isn't."""
    if "known_through" not in meta:
        return None
    try:
        declared = parse(meta["known_through"])
        if not contract.file:
            raise ValueError("is of a service, which says itself what time it is")
        moments = {each.name for each in contract.columns if each.data_type in ("date", "timestamp", "timestamptz")}
        if declared.kind == "field" and declared.value not in moments:
            raise ValueError(f"names the field {declared.value}, which is no column of a date or timestamp")
    except ValueError as error:
        raise ScorecardError(
            f"In {contract.declared_in}, config.meta.known_through of the table {contract.name} {error}.",
            "Write one of `day_before_written`, `{field: <column>}` and `{file_name: <pattern with %Y, %m and %d>}`,"
            " or leave it out: the export is then known through its last record.",
        ) from error
    return declared


def _key(meta: dict[str, Any], where: str, path: Path, service: str) -> tuple[str, ...]:
    """Read what tells the records of a table apart."""
    key = _required(meta, "primary_key", f"config.meta of {where}", path)
    if key != LINE_CONTENT:
        return (key,) if isinstance(key, str) else tuple(key)
    if service:
        raise ScorecardError(
            f"In {path}, the primary key of {where} is {LINE_CONTENT}, which only the records of files can have.",
            "Name the columns that tell its rows apart.",
        )
    return (LINE_KEY.name,)


def _column(entry: dict[str, Any], key: tuple[str, ...], table: str, path: Path) -> Column:
    name = _required(entry, "name", f"a column of {table}", path)
    where = f"the column {name} of {table}"
    refuse_unread(entry, "column", where, path)
    if name.startswith("_"):
        raise ScorecardError(
            f"In {path}, {where} begins with an underscore, as the extraction's own columns do.",
            f"Take the underscore off, and write config.meta.header: {name} if the source calls it that.",
        )
    if not _NAME.fullmatch(name):
        raise ScorecardError(f"In {path}, {where} has no name that dlt keeps.", "Use lower case, digits and single _.")
    data_type = str(_required(entry, "data_type", where, path)).lower()
    _required(entry, "description", where, path)
    match = _DECIMAL.fullmatch(data_type)
    if not (int(match[2]) <= int(match[1]) <= 38 if match else data_type in TYPES):
        raise ScorecardError(
            f"In {path}, {where} has the data_type {data_type}, which is not supported.",
            f"Use {', '.join(TYPES)} or decimal(p,s) with p up to 38.",
        )
    meta = _meta(entry)
    constraints = entry.get("constraints") or []
    not_null = name in key or bool(meta.get("not_null")) or any(c.get("type") == "not_null" for c in constraints)
    date_format = column_date_format(meta, data_type, where, path)
    optional, measure = bool(meta.get("optional")), bool(meta.get("measure"))
    return Column(name, data_type, str(meta.get("header", name)), not_null, optional, date_format, measure=measure)


def _meta(entry: dict[str, Any]) -> dict[str, Any]:
    """The entry's config.meta, empty where there is none."""
    meta = (entry.get("config") or {}).get("meta")
    return meta if isinstance(meta, dict) else {}


def _required(entry: dict[str, Any], field: str, where: str, path: Path) -> Any:
    if not isinstance(entry, dict) or entry.get(field) in (None, "", []):
        raise ScorecardError(f"In {path}, {where} has no `{field}`.", f"Add `{field}:` to it.")
    return entry[field]


def _refuse_repeats(names: list[str], what: str, path: Path) -> None:
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise ScorecardError(f"In {path}, {what} {', '.join(repeated)} more than once.", "Keep one of them.")
