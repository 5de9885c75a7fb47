"""Periods: their labels, their days, and what is none."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scorecard.errors import ScorecardError
from scorecard.periods import Grain, parse_period, period_of

DAYS = st.dates(date(1900, 1, 1), date(2199, 12, 31))


@given(DAYS, st.sampled_from(list(Grain)), st.integers(1, 12))
def test_a_day_is_in_its_period_and_the_label_leads_back(day: date, grain: Grain, year_start: int) -> None:
    period = period_of(day, grain, year_start)
    assert period.start <= day < period.end
    assert parse_period(period.label, year_start) == period
    assert period.shift(1, year_start).start == period.end
    assert period.shift(1, year_start).shift(-1, year_start) == period


@pytest.mark.parametrize(
    ("label", "year_start", "start", "end"),
    [
        ("2017-Q4", 1, date(2017, 10, 1), date(2018, 1, 1)),
        ("2017-Q1", 4, date(2016, 4, 1), date(2016, 7, 1)),
        ("2017", 4, date(2016, 4, 1), date(2017, 4, 1)),
        ("2024-02", 1, date(2024, 2, 1), date(2024, 3, 1)),
        ("2020-W53", 1, date(2020, 12, 28), date(2021, 1, 4)),
        ("2024-02-29", 1, date(2024, 2, 29), date(2024, 3, 1)),
    ],
)
def test_periods_are_half_open(label: str, year_start: int, start: date, end: date) -> None:
    period = parse_period(label, year_start)
    assert (period.start, period.end) == (start, end)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2017-Q5",
        "2017-13",
        "2017-W53",
        "2017-02-29",
        "20170101",
        "2017-Q4; drop table",
        "２０１７",
        "9999-12-31",
        "0000",
    ],
)
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(ScorecardError, match="is not a period"):
        parse_period(text)
