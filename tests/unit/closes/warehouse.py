"""Tables as the product publishes them: the columns and types are those that its models declare."""

from collections.abc import Sequence
from typing import Any

import duckdb
import pyarrow as pa
import yaml

from scorecard.catalogue import load_dimensions
from scorecard.shared.settings import PROJECT, Settings

Row = dict[str, Any]

DIMENSIONS = tuple(load_dimensions(Settings()))
# The model of observations declares no types, because it has a column for each dimension.
_TYPES_OF_OBSERVATIONS = {
    "source_line": "bigint",
    "occurred_at": "timestamptz",
    **dict.fromkeys(("occurred_on", "ended_on", "period_start", "period_until", "settles_on"), "date"),
    **dict.fromkeys(("numerator", "denominator"), "decimal(30,8)"),
    "is_event": "boolean",
}


def create_table(connection: duckdb.DuckDBPyConnection, model: str, rows: Sequence[Row]) -> None:
    """Create a table of a model of the schema scorecard, and insert rows."""
    text = (PROJECT / "dbt_project" / "models" / "scorecard" / f"{model}.yml").read_text(encoding="utf-8")
    (declared,) = yaml.safe_load(text)["models"]
    types = {column["name"]: column.get("data_type") for column in declared["columns"]}
    if model == "kpi_observations":
        names = dict.fromkeys([*types, *DIMENSIONS], "varchar")
        types = names | _TYPES_OF_OBSERVATIONS
    columns = ", ".join(f"{name} {kind}" for name, kind in types.items())
    connection.execute(f"create table scorecard.{model} ({columns})")
    insert(connection, f"scorecard.{model}", rows)


def insert(connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Row]) -> None:
    """Insert rows through a table of texts, many times faster than a statement for each. A missing value is null."""
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {name: [None if row.get(name) is None else str(row[name]) for row in rows] for name in names}
    texts = pa.table({name: pa.array(column, pa.string()) for name, column in columns.items()})
    connection.register("texts", texts)
    connection.execute(f"insert into {table} by name select * from texts")
    connection.unregister("texts")
