"""Sources as they are declared: ``dbt_project/models/staging/<source>/_sources.yml``, dbt's own file of sources.

Below ``config.meta`` stands what dbt doesn't know: what the extraction reads, and whose records they are.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StrictBool, WithJsonSchema, field_validator

from scorecard.catalogue.checking import Entry, NotEmpty, Text, check, wrong
from scorecard.catalogue.mistakes import Mistakes, WrongDeclarations
from scorecard.catalogue.reading import Document, read_document
from scorecard.catalogue.sources import declaration, source_names
from scorecard.settings import ServiceSettings, Settings

Role = Literal["crm", "billing", "support"]


def _as_list(given: Any) -> Any:
    return [given] if isinstance(given, str) else given


_NAME = {"type": "string", "minLength": 1}
Names = Annotated[
    tuple[Text, ...],
    BeforeValidator(_as_list),
    WithJsonSchema({"anyOf": [_NAME, {"type": "array", "items": _NAME}]}),
]
"""A name, or a list of them."""


class _OfDbt(Entry):
    """Keys that any entry of dbt's may have, and that are not read here."""

    tags: Any = None
    tests: Any = None
    data_tests: Any = None
    meta: Any = None

    @field_validator("meta", mode="before")
    @classmethod
    def _stands_in_config(cls, _given: Any) -> Any:
        raise wrong("`meta` stands beside `config`, where nothing reads it.", "Write it as config.meta.")


class _Loaded(_OfDbt):
    """Keys of dbt's that a source and a table may have."""

    database: Any = None
    loader: Any = None
    loaded_at_field: Any = None
    loaded_at_query: Any = None
    freshness: Any = None
    quoting: Any = None


class _Config(Entry):
    """Keys of dbt's below ``config``."""

    enabled: Any = None
    event_time: Any = None
    freshness: Any = None
    loaded_at_field: Any = None
    loaded_at_query: Any = None
    tags: Any = None


class ColumnMeta(Entry):
    """What ``config.meta`` of a column may say."""

    header: Text | None = Field(default=None, description="Its name in the export, or its path in the record.")
    date_format: Any = Field(default="", description="How its days are written.")
    not_null: StrictBool = Field(default=False, description="Whether a row without it goes to quarantine.")
    optional: StrictBool = Field(default=False, description="Whether a service may leave the field out.")
    measure: StrictBool = Field(default=False, description="Whether a whole number is an amount.")


class _ColumnConfig(_Config):
    meta: ColumnMeta = ColumnMeta()


class ColumnEntry(_OfDbt):
    """A column of a raw table."""

    name: Text
    data_type: Text
    description: Text
    config: _ColumnConfig = _ColumnConfig()
    constraints: tuple[dict[str, Any], ...] = ()
    quote: Any = None


class TableMeta(Entry):
    """What ``config.meta`` of a table may say. How values are written is checked with the formats."""

    file: Text | None = Field(default=None, description="The export, or a pattern of several that are one.")
    sheet: Text | None = Field(default=None, description="Of a workbook; the first if it isn't said.")
    object: Text | None = Field(default=None, description="What the service calls it.")
    each: Text | None = Field(default=None, description="The path of a list in the record, of which a row is an entry.")
    primary_key: Names = Field(default=(), description="What tells records apart; line_content where nothing does.")
    merge_key: Names = Field(default=(), description="What a load replaces as a whole.")
    cursor: Text | None = Field(default=None, description="The column of a database's table that says what is new.")
    full_export: StrictBool | None = Field(default=None, description="Whether what is no longer in it is gone.")
    dated: StrictBool = Field(default=False, description="Whether its records are facts of a day.")
    known_through: Any = Field(default=None, description="What tells the day through which an export is known.")
    delimiter: Any = ","
    encoding: Any = None
    skip_rows: Any = None
    date_format: Any = None
    decimal_separator: Any = None
    thousands_separator: Any = None
    null_values: Any = None


class _TableConfig(_Config):
    meta: TableMeta = TableMeta()


class TableEntry(_Loaded):
    """A raw table."""

    name: Text
    description: Any = None
    config: _TableConfig = _TableConfig()
    identifier: Any = None
    external: Any = None
    columns: tuple[ColumnEntry, ...] = ()


class SourceMeta(Entry):
    """What ``config.meta`` of a source may say."""

    business_unit: Text | None = Field(default=None, description="Whose records they are; of a service, a setting.")
    currency: Text | None = Field(default=None, description="Of records that name none; of a service, a setting.")
    role: Role | None = Field(default=None, description="What the source is to the company.")
    service: Text | None = Field(default=None, description="The connector that reads it; none: exports.")


class _SourceConfig(_Config):
    meta: SourceMeta = SourceMeta()


class SourceEntry(_Loaded):
    """A source."""

    name: Text
    description: Any = None
    schema_: Text = Field(alias="schema")
    config: _SourceConfig = _SourceConfig()
    tables: Annotated[tuple[TableEntry, ...], NotEmpty]


class SourceFile(Entry):
    """The file of a source."""

    version: Any = None
    sources: Annotated[tuple[SourceEntry, ...], NotEmpty]


@dataclass(frozen=True)
class DeclaredTable:
    """A raw table: its entry, and the formats of its values as they stand in the file. ``at`` is ``file:line``."""

    entry: TableEntry
    formats: dict[str, Any]
    path: Path
    at: str
    column_at: tuple[str, ...]

    @property
    def name(self) -> str:
        """The name of the raw table."""
        return self.entry.name

    @property
    def meta(self) -> TableMeta:
        """What is declared of it beyond dbt."""
        return self.entry.config.meta


@dataclass(frozen=True)
class DeclaredSource:
    """A source. Of an account of a service, business unit and currency are those of the settings.

    ``tables``: those that are extracted; names with an underscore in front are the extraction's own. ``at`` is
    ``file:line``.
    """

    name: str
    schema: str
    business_unit: str
    currency: str
    role: str
    service: str
    tables: tuple[DeclaredTable, ...]
    path: Path
    at: str

    def table(self, name: str) -> DeclaredTable | None:
        """Return a table by its name, None where there is none."""
        return next((table for table in self.tables if table.name == name), None)


def declared_sources(settings: Settings) -> dict[str, DeclaredSource]:
    """Return by name every source that is extracted.

    Raises
    ------
    WrongDeclarations: what is wrong in any of the files, all of it.
    """
    mistakes = Mistakes()
    sources: dict[str, DeclaredSource] = {}
    for name in source_names(settings):
        own = settings.services.get(name)
        try:
            for source in read_sources(declaration(settings, name)):
                source = _account(source, name, own) if own and source.service else source
                if other := sources.get(source.name):
                    line = int(source.at.rpartition(":")[2])
                    mistakes.note(
                        source.path,
                        line,
                        f"The source {source.name} is declared in {other.path} as well.",
                        "Give one of them another name.",
                    )
                sources[source.name] = source
        except WrongDeclarations as error:
            mistakes.extend(error)
    mistakes.raise_any()
    return sources


def _account(source: DeclaredSource, name: str, own: ServiceSettings) -> DeclaredSource:
    """Return a service's source as one of its accounts."""
    schema = f"raw_{name}" if source.schema == f"raw_{source.name}" else source.schema
    return replace(source, name=name, schema=schema, business_unit=own.business_unit, currency=own.currency)


def read_sources(path: Path) -> tuple[DeclaredSource, ...]:
    """Return the sources that a file declares.

    Raises
    ------
    WrongDeclarations: all that is wrong with it, each with its line: no YAML, a key that is there twice, is missing or
        means nothing, or a value of the wrong kind.
    """
    document = read_document(path)
    mistakes = Mistakes()
    file = check(document, SourceFile, mistakes)
    mistakes.raise_any()
    return tuple(_source(document, entry, number) for number, entry in enumerate(file.sources)) if file else ()


def _source(document: Document, entry: SourceEntry, number: int) -> DeclaredSource:
    meta = entry.config.meta
    tables = tuple(
        _table(document, table, number, row) for row, table in enumerate(entry.tables) if not table.name.startswith("_")
    )
    return DeclaredSource(
        name=entry.name,
        schema=entry.schema_,
        business_unit=meta.business_unit or "",
        currency=meta.currency or "",
        role=meta.role or "",
        service=meta.service or "",
        tables=tables,
        path=document.path,
        at=f"{document.path}:{document.line('sources', number)}",
    )


def _table(document: Document, entry: TableEntry, source: int, number: int) -> DeclaredTable:
    place = ("sources", source, "tables", number)
    given = document.content["sources"][source]["tables"][number]
    return DeclaredTable(
        entry=entry,
        formats=(given.get("config") or {}).get("meta") or {},
        path=document.path,
        at=f"{document.path}:{document.line(*place)}",
        column_at=tuple(
            f"{document.path}:{document.line(*place, 'columns', row)}" for row in range(len(entry.columns))
        ),
    )
