"""The key of a record as one text, in Python and in SQL."""

from itertools import product

import duckdb
import pytest

from scorecard.shared.sql import key_of, key_sql

PARTS = ["a", "b", "a, b", "b, c", "c", "a,", ",", ", ", "", "\\", "a\\", "\\, b", ", \\", None]


def in_sql(parts: tuple[object, ...]) -> str:
    query = f"select {key_sql([f'${i + 1}' for i in range(len(parts))])}"
    ((key,),) = duckdb.execute(query, list(parts)).fetchall()
    return str(key)


@pytest.mark.parametrize("columns", [1, 2, 3])
def test_python_and_sql_write_a_key_the_same_way(columns: int) -> None:
    for parts in product(PARTS, repeat=columns):
        assert key_of(parts) == in_sql(parts)
    assert key_of([True, 7]) == in_sql((True, 7)) == "true, 7"


@pytest.mark.parametrize("columns", [2, 3])
def test_no_two_keys_are_written_the_same_way(columns: int) -> None:
    keys = list(product(PARTS[:-1], repeat=columns))
    assert len({key_of(parts) for parts in keys}) == len(keys)


def test_the_key_of_one_column_is_as_it_is() -> None:
    assert [key_of([text]) for text in ("a, b", "\\,", 7)] == ["a, b", "\\,", "7"]
