"""Which values of a chart have a label."""

from decimal import Decimal

import pytest

from scorecard.pdf.sections.indicators.trend_charts import labelled


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], set()),
        ([None, None], set()),
        ([5], {0}),
        ([5, 5, 5], {2}),
        ([1, 2, 3, 9, 4, 3, 5], {0, 3, 6}),
        ([3, 4, 5, 9, 1], {4}),
        ([5, 1, 2, 3, 9], {4, 1}),
        ([5, 9, 1, 6, 7], {4, 1}),
        ([2, None, 9, None, None, 1, None], {2, 5}),
    ],
    ids=["none", "gaps", "one", "flat", "high and low", "low is last", "high is last", "side by side", "among gaps"],
)
def test_the_last_value_has_a_label_and_so_do_the_ends_that_are_apart(
    values: list[int | None], expected: set[int]
) -> None:
    assert labelled([None if value is None else Decimal(value) for value in values]) == expected
