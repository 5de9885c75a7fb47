"""All fields of a record, and nothing else, tell one version of it from the next."""

import duckdb
import pytest

from scorecard.extract.contracts.contract import Column
from scorecard.extract.raw.validate import row_version

COLUMNS = tuple(Column(name, "varchar", name, False) for name in ("a", "b"))
RECORDS = [
    ("x", "y"),
    ("x", None),
    (None, "x"),
    (None, None),
    ("", None),
    (None, ""),
    ("", ""),
    ("x|1:y", None),
    ("x", "1:y"),
    ("1:x", "y"),
    ("x|", "y"),
    ("x", "|y"),
    ("|", ""),
    ("", "|"),
    ("ä", "b"),
    ("äb", ""),
]


def version(columns: tuple[Column, ...], record: tuple[str | None, ...]) -> str:
    fields = ", ".join(f"?::{column.data_type} as {column.name}" for column in columns)
    ((version,),) = duckdb.execute(f"select {row_version(columns)} from (select {fields})", record).fetchall()
    return str(version)


def test_records_that_differ_have_versions_that_differ() -> None:
    assert len({version(COLUMNS, record) for record in RECORDS}) == len(RECORDS)


def test_the_order_of_columns_is_no_change() -> None:
    assert version(COLUMNS, ("x", "y")) == version(COLUMNS[::-1], ("y", "x"))


@pytest.mark.parametrize("data_type", ["bigint", "decimal(18,2)", "double"])
def test_another_type_is_a_change(data_type: str) -> None:
    other = (Column("a", data_type, "a", False), COLUMNS[1])
    assert version(other, ("1", "y")) != version(COLUMNS, ("1", "y"))
