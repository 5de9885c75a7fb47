"""When a period is due: by the day, by the working day, and what is refused."""

from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from scorecard.shared.errors import ScorecardError
from scorecard.shared.periods import CALENDAR_YEAR, FiscalYear, Grain, parse_period
from scorecard.shared.schedule import Holidays, When, due_at, last_due


@pytest.fixture
def holidays(tmp_path: Path) -> Holidays:
    """Of 2024 and 2025 only: New Year's Day and the two days after Christmas."""
    path = tmp_path / "holidays.csv"
    path.write_text("holiday_on,name\n2024-12-26,x\n2025-01-01,New Year's Day\n2025-01-02,x\n")
    return Holidays(path)


@pytest.mark.parametrize(
    ("period", "rule", "due"),
    [
        ("2024-12", {}, datetime(2025, 1, 1, 7)),
        ("2024-12", {"hour": 0}, datetime(2025, 1, 1, 0)),
        ("2024-12", {"day": 5, "hour": 9}, datetime(2025, 1, 5, 9)),
        # The first and second of January are holidays, the third is a Friday, the weekend follows.
        ("2024-12", {"working_day": 1}, datetime(2025, 1, 3, 7)),
        ("2024-12", {"working_day": 2}, datetime(2025, 1, 6, 7)),
        ("2024-Q4", {"day": 20}, datetime(2025, 1, 20, 7)),
        ("2024", {"working_day": 3}, datetime(2025, 1, 7, 7)),
        ("2024-W52", {"working_day": 2}, datetime(2024, 12, 31, 7)),
        ("2024-12-24", {"hour": 6}, datetime(2024, 12, 25, 6)),
    ],
)
def test_every_cadence_is_due_after_its_period(period: str, rule: dict[str, Any], due: datetime, holidays: Any) -> None:
    over = parse_period(period)
    when = When(**rule)
    assert due_at(over, when, holidays) == due
    assert last_due(over.grain, when, holidays, due, CALENDAR_YEAR) == over


def test_before_it_is_due_the_period_before_is_the_newest(holidays: Holidays) -> None:
    when = When(day=5)
    assert last_due(Grain.MONTH, when, holidays, datetime(2025, 1, 5, 6, 59), CALENDAR_YEAR).label == "2024-11"
    assert last_due(Grain.MONTH, when, holidays, datetime(2025, 1, 5, 7), CALENDAR_YEAR).label == "2024-12"
    assert last_due(Grain.YEAR, when, holidays, datetime(2025, 4, 5, 7), FiscalYear(4)).label == "2025"


def test_a_year_without_holidays_is_refused_where_working_days_matter(holidays: Holidays, tmp_path: Path) -> None:
    with pytest.raises(ScorecardError, match=r"no holiday of 2026.*Add the holidays of 2026 to .*holidays\.csv"):
        due_at(parse_period("2025-12"), When(working_day=3), holidays)
    assert due_at(parse_period("2025-12"), When(day=3), holidays) == datetime(2026, 1, 3, 7)
    empty = tmp_path / "empty.csv"
    empty.write_text("holiday_on,name\n")
    assert due_at(parse_period("2025-12"), When(), Holidays(empty)) == datetime(2026, 1, 1, 7)
    with pytest.raises(ScorecardError, match="no holiday of 2026"):
        Holidays(empty).is_working_day(date(2026, 1, 2))
