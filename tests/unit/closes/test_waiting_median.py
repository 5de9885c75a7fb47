"""The median of waits equals Kaplan and Meier's in exact fractions, to the last decimal."""

import random
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path

import duckdb
import pytest

from scorecard.closes.recompute_sql import query_of

HALF = Fraction(1, 2)
Wait = tuple[int, bool]
"""The length of a wait in hundredths, and whether it is over."""


def median(waits: list[Wait]) -> tuple[Decimal | None, Decimal | None]:
    """Return the median or, if it is unknown, its lower bound: one of the two is None."""
    curve, reached = Fraction(1), None
    for amount in sorted({amount for amount, is_event in waits if is_event}):
        at_risk = sum(other >= amount for other, _ in waits)
        curve *= 1 - Fraction(sum(wait == (amount, True) for wait in waits), at_risk)
        if curve <= HALF and reached is None:
            reached = amount
        if curve < HALF and reached is not None:
            return written(reached, amount), None
    longest = max(amount for amount, _ in waits)
    return None, written(longest if reached is None else reached, longest)


def written(lower: int, upper: int) -> Decimal:
    return (Decimal(lower + upper) / 200).quantize(Decimal("1e-8"), ROUND_HALF_UP)


def computed(waits: list[Wait], folder: Path) -> tuple[Decimal | None, Decimal | None]:
    path = folder / "observations.parquet"
    rows = ", ".join(f"({amount} * 0.01::decimal(30, 8), 1, {is_event})" for amount, is_event in waits)
    with duckdb.connect() as db:
        db.execute(f"copy (from (values {rows}) as t(numerator, denominator, is_event)) to '{path}' (format parquet)")
        query = query_of(folder, "true", {"aggregate": "km_median", "minimum_observations": 1})
        computed = db.execute(f"select value, longer_than from ({query})").fetchall()
    return (computed[0][0], computed[0][1])


@pytest.mark.parametrize("seed", range(40))
def test_random_waits(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    events = chance.random()
    waits = [(chance.randrange(1, 30), chance.random() < events) for _ in range(chance.randrange(1, 40))]
    assert computed(waits, tmp_path) == median(waits)


def test_a_curve_of_thirds_that_comes_to_a_half(tmp_path: Path) -> None:
    """Two thirds × three quarters is exactly a half, though two thirds have no end as a decimal."""
    waits = [(100, True)] * 3 + [(200, False)] * 2 + [(300, True)] + [(500, True)] * 3
    assert computed(waits, tmp_path) == median(waits) == (Decimal(4), None)
