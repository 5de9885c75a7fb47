"""Two editions are compared period by period, also if an observation counts in several periods."""

import duckdb
import pytest

from scorecard.closes.restatement_causes import _find_differences

MONTHS = [("2024-01-01", "2024-02-01"), ("2024-02-01", "2024-03-01"), ("2024-03-01", "2024-04-01")]
Run = tuple[str, str | None, int]
"""The first day of an observation, the first day after it, and its numerator."""


def differing(old: list[Run], new: list[Run]) -> list[tuple[str, int]]:
    """Return the month and numerator of each observation that differs."""
    with duckdb.connect() as db:
        for edition, runs in (("old", old), ("new", new)):
            db.execute(f"create table {edition}_values (grain varchar, period_start date, period_end date)")
            db.executemany(f"insert into {edition}_values values ('month', ?, ?)", MONTHS)
            db.execute(
                f"create table {edition}_observations (metric varchar, observation_id varchar, grain varchar, "
                "period_start date, period_until date, occurred_on date, ended_on date, numerator integer, "
                "denominator integer, product varchar)"
            )
            rows = [(f"crm|accounts|A|month|{start}|Pro", start, until, start, number) for start, until, number in runs]
            query = f"insert into {edition}_observations values ('churn', ?, 'month', ?, ?, ?, null, ?, 1, 'Pro')"
            db.executemany(query, rows)
        _find_differences(db, ["product"])
        differing = db.execute(
            "select strftime(period_start, '%Y-%m'), numerator from differing order by all"
        ).fetchall()
    return [(month, number) for month, number in differing]


def one_row_a_month(*numbers: int) -> list[Run]:
    return [(start, end, number) for (start, end), number in zip(MONTHS, numbers, strict=True)]


@pytest.mark.parametrize(
    "new", [[("2024-01-01", None, 0)], [("2023-06-01", "2024-04-01", 0)], one_row_a_month(0, 0, 0)]
)
def test_the_number_of_periods_of_a_row_is_no_difference(new: list[Run]) -> None:
    assert differing(one_row_a_month(0, 0, 0), new) == []


def test_a_difference_is_found_in_its_period() -> None:
    new: list[Run] = [("2023-06-01", "2024-02-01", 0), ("2024-02-01", "2024-03-01", 1), ("2024-03-01", None, 0)]
    assert differing([("2023-06-01", None, 0)], new) == [("2024-02", 0), ("2024-02", 1)]
    assert differing([("2023-06-01", None, 0)], [("2023-06-01", "2024-03-01", 0)]) == [("2024-03", 0)]
