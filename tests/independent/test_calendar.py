"""The warehouse's periods against those of the engine, day for day."""

import duckdb

from scorecard.shared.periods import Grain, period_of
from scorecard.shared.settings import load_settings


def test_every_day_is_in_the_periods_that_the_engine_says(connection: duckdb.DuckDBPyConnection) -> None:
    fiscal = load_settings().fiscal
    rows = connection.execute(
        "select day, week_start, week_label, month_start, month_label, quarter_start, quarter_label, "
        "year_start, year_label from core.core_calendar order by day"
    ).fetchall()
    assert len(rows) > 3000
    assert rows[-1][0].toordinal() - rows[0][0].toordinal() == len(rows) - 1
    for day, *built in rows:
        for grain, (start, label) in zip(
            (Grain.WEEK, Grain.MONTH, Grain.QUARTER, Grain.YEAR), zip(built[::2], built[1::2], strict=True), strict=True
        ):
            period = period_of(day, grain, fiscal)
            assert (start, label) == (period.start, period.label), day


def test_every_period_looks_back_where_the_engine_does(connection: duckdb.DuckDBPyConnection) -> None:
    fiscal = load_settings().fiscal
    rows = connection.execute(
        "select grain, period, period_start, period_end, prior_start, year_ago_start from core.core_period"
    ).fetchall()
    for grain, label, start, end, prior, year_ago in rows:
        period = period_of(start, Grain(grain), fiscal)
        assert (period.label, period.start, period.end) == (label, start, end)
        assert period.shift(-1, fiscal).start == prior, label
        assert period.year_ago(fiscal).start == year_ago, label
