"""Which periods a run publishes. With a warehouse: see the tests with a scheduler."""

from datetime import datetime
from pathlib import Path

import pytest

from scorecard import steps
from scorecard.shared.errors import ScorecardError
from scorecard.shared.settings import Settings


@pytest.mark.samples
def test_the_calendar_names_a_period_on_the_day_it_is_due_and_on_no_other(tmp_path: Path) -> None:
    settings, progress = Settings(state=tmp_path), list[str]()
    first, second = (datetime(2018, 1, day, 12, tzinfo=settings.zone) for day in (1, 2))
    assert steps.due_periods(settings, "sales", ["month"], second, calendar=True, progress=progress.append) == []
    assert progress == ["No month of sales is due."]
    with pytest.raises(ScorecardError, match="There is no built warehouse yet"):
        steps.due_periods(settings, "sales", ["month"], first, calendar=True)


@pytest.mark.samples
def test_a_period_of_another_cadence_is_refused(tmp_path: Path) -> None:
    settings = Settings(state=tmp_path)
    with pytest.raises(ScorecardError, match="2017-Q4 is a quarter, not a month"):
        steps.due_periods(settings, "sales", ["month"], datetime.now(settings.zone), named="2017-Q4")
