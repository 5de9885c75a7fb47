"""Both ends of a provisional share are computed again from the frozen records."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scorecard.closes.recompute_sql import query_of

MONEY = pa.decimal128(18, 4)
CHURN = {"aggregate": "ratio", "minimum_observations": 5}


def _computed(folder: Path, numerators: list[int], in_grace: int, definition: dict[str, object]) -> tuple[object, ...]:
    settles_on = [date(2024, 7, 20)] * in_grace + [None] * (len(numerators) - in_grace)
    table = pa.table(
        {
            "numerator": pa.array([Decimal(numerator) for numerator in numerators], MONEY),
            "denominator": pa.array([Decimal(1)] * len(numerators), MONEY),
            "settles_on": pa.array(settles_on, pa.date32()),
        }
    )
    pq.write_table(table, folder / "observations.parquet")
    query = query_of(folder, "true", definition)
    (row,) = duckdb.sql(f"select at_most, value from ({query})").fetchall()
    return row


def test_customers_in_grace_make_the_upper_end(tmp_path: Path) -> None:
    assert _computed(tmp_path, [0] * 9 + [1], 1, CHURN) == (Decimal("0.2"), Decimal("0.1"))
    assert _computed(tmp_path, [0] * 3, 1, CHURN) == (None, None)
    assert _computed(tmp_path, [0] * 8 + [1] * 2, 0, CHURN) == (None, Decimal("0.2"))


@pytest.mark.parametrize("aggregate", ["sum", "average", "median", "last"])
def test_a_figure_that_is_no_share_has_no_upper_end(tmp_path: Path, aggregate: str) -> None:
    at_most, value = _computed(tmp_path, [1] * 6, 1, {**CHURN, "aggregate": aggregate})
    assert at_most is None
    assert value is not None


def test_a_close_of_the_first_release_has_one_end(tmp_path: Path) -> None:
    path = tmp_path / "observations.parquet"
    _computed(tmp_path, [0] * 9 + [1], 1, CHURN)
    pq.write_table(pq.read_table(path).drop_columns(["settles_on"]), path)
    (row,) = duckdb.sql(query_of(tmp_path, "true", CHURN)).fetchall()
    assert row[-2:] == (None, Decimal("0.1"))
