"""Periods: their labels, their days, and what is none."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scorecard.shared.errors import ScorecardError
from scorecard.shared.periods import FiscalYear, Grain, parse_period, period_of

DAYS = st.dates(date(1900, 1, 1), date(2199, 12, 31))


FISCAL_YEARS = st.builds(FiscalYear, st.integers(1, 12), st.sampled_from(["start", "end"]))


@given(DAYS, st.sampled_from(list(Grain)), FISCAL_YEARS)
def test_a_day_is_in_its_period_and_the_label_leads_back(day: date, grain: Grain, fiscal: FiscalYear) -> None:
    period = period_of(day, grain, fiscal)
    assert period.start <= day < period.end
    assert parse_period(period.label, fiscal) == period
    assert period.shift(1, fiscal).start == period.end
    assert period.shift(1, fiscal).shift(-1, fiscal) == period


@pytest.mark.parametrize(
    ("label", "fiscal", "start", "end"),
    [
        ("2017-Q4", FiscalYear(1), date(2017, 10, 1), date(2018, 1, 1)),
        ("2017-Q1", FiscalYear(4), date(2016, 4, 1), date(2016, 7, 1)),
        ("2017", FiscalYear(4), date(2016, 4, 1), date(2017, 4, 1)),
        # FY2018 begins in 2018 or ends in it; a year that begins in January does both.
        ("2018", FiscalYear(4, "start"), date(2018, 4, 1), date(2019, 4, 1)),
        ("2018-Q4", FiscalYear(4, "start"), date(2019, 1, 1), date(2019, 4, 1)),
        ("2018", FiscalYear(4, "end"), date(2017, 4, 1), date(2018, 4, 1)),
        ("2018", FiscalYear(1, "start"), date(2018, 1, 1), date(2019, 1, 1)),
        ("2018", FiscalYear(1, "end"), date(2018, 1, 1), date(2019, 1, 1)),
        ("2024-02", FiscalYear(1), date(2024, 2, 1), date(2024, 3, 1)),
        ("2020-W53", FiscalYear(1), date(2020, 12, 28), date(2021, 1, 4)),
        ("2024-02-29", FiscalYear(1), date(2024, 2, 29), date(2024, 3, 1)),
    ],
)
def test_periods_are_half_open(label: str, fiscal: FiscalYear, start: date, end: date) -> None:
    period = parse_period(label, fiscal)
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
