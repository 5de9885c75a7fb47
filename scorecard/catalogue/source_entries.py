"""What ``_sources.yml`` may say: dbt's own keys, and below ``config.meta`` those that are read here."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StrictBool, WithJsonSchema, field_validator

from scorecard.catalogue.declared_words import DeclaredText
from scorecard.catalogue.validation import Entry, NotEmpty, Text, wrong

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
    """Keys of dbt's own that any entry may have; the product doesn't read them."""

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
    optional: StrictBool = Field(default=False, description="Whether a service or a file may leave it out.")
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
    kept_for: Literal["company", "units"] | None = Field(
        default=None, description="Of the company's own files: whether it is one of all units, or one of each."
    )
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
    caveats: dict[str, DeclaredText] = Field(
        default={}, description="By metric, what a reader has to mind where it is made from this source."
    )


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
