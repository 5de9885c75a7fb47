"""What an indicator did since an action began: the last period before it beside the latest one."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from scorecard.pdf.document import read_context, write_document
from scorecard.pdf.sections.summary.review_actions import ActionRow, ChangeSinceBegin
from scorecard.shared.periods import Grain, last_over
from tests.unit.pdf.changed_close import Change, OpenClose, changed_close


def _begin(begins: date | None) -> Change:
    """Let every action of a close begin on a day. The first one is about the win rate in the East."""

    def change(close: OpenClose) -> None:
        for row in close.actions:
            row["from_date"] = begins

    return change


def _action(close: Path, reports: Path, language: str = "en") -> ActionRow:
    return write_document(read_context(close, language, reports)).summary.actions[0]


def _value(close: Path, period: str) -> Decimal:
    (row,) = [row for row in OpenClose(close).figures("win_rate", period, "region") if row["member"] == "East"]
    value: Decimal = row["value"]
    return value


@pytest.mark.parametrize(
    ("begins", "grain", "before"),
    [
        (date(2017, 10, 2), Grain.MONTH, "2017-09"),
        (date(2017, 10, 1), Grain.MONTH, "2017-09"),
        (date(2017, 9, 30), Grain.MONTH, "2017-08"),
        (date(2017, 9, 18), Grain.QUARTER, "2017-Q2"),
        (date(2017, 10, 2), Grain.WEEK, "2017-W39"),
        (date(2017, 1, 1), Grain.YEAR, "2016"),
    ],
)
def test_the_period_before_an_action_is_the_last_that_is_over_when_it_begins(
    begins: date, grain: Grain, before: str
) -> None:
    assert last_over(begins, grain).label == before


def test_since_an_action_began_is_not_since_the_period_before(december: Path, reports: Path) -> None:
    row = _action(december, reports)
    before, prior, now = (_value(december, period) for period in ("2017-09", "2017-11", "2017-12"))
    assert prior < now < before, "better than in November, worse than before the action"
    assert row.since is not None
    assert row.since.now is not None
    assert [name for name, _ in (row.since.before, row.since.now)] == ["Sep", "Dec"]
    shown = [cell.text.replace("\u00a0", " ") for _, cell in (row.since.before, row.since.now)]
    assert shown == [f"{value:.1%}".replace("%", " %") for value in (before, now)]
    gap = f"{abs(now - before) * 100:.1f} pt"
    assert (row.since.change.text.replace("\u00a0", " "), row.since.verdict) == (gap, "worse")
    assert all(cell.figure_id for _, cell in (row.since.before, row.since.now))
    japanese = _action(december, reports, "ja").since
    assert japanese is not None
    assert (japanese.before[0], japanese.verdict) == ("9月", "悪化")


def test_a_close_without_the_period_before_an_action_says_so(sales: Path, tmp_path: Path, reports: Path) -> None:
    close = changed_close(sales, tmp_path, _begin(date(2017, 9, 18)))
    doc = write_document(read_context(close, "en", reports))
    since = doc.summary.actions[0].since
    assert since is not None
    assert (since.before[0], since.before[1].text, since.change.text) == ("Q2", "n/a", "")
    assert dict(doc.summary.notes)[since.before[1].note or ""] == "This close holds no figure of Q2."


def test_an_action_that_began_in_a_period_that_is_still_open_is_too_young(
    december: Path, tmp_path: Path, reports: Path
) -> None:
    def since(begins: date) -> ChangeSinceBegin:
        def still_open(close: OpenClose) -> None:
            _begin(begins)(close)
            for row in close.values:
                if row["period"] == "2017-12":
                    row |= {"is_complete": False, "elapsed_share": Decimal("0.4")}

        row = _action(changed_close(december, tmp_path / str(begins), still_open), reports)
        assert row.since is not None
        return row.since

    young = since(date(2017, 12, 4))
    assert (young.before[0], young.now, young.change.text) == ("Nov", None, "no complete period since")
    old = since(date(2017, 10, 2))
    assert old.now is not None
    assert (old.before[0], old.now[0]) == ("Sep", "Nov")


def test_an_action_without_a_day_on_which_it_began_is_compared_with_nothing(
    december: Path, tmp_path: Path, reports: Path
) -> None:
    assert _action(changed_close(december, tmp_path, _begin(None)), reports).since is None


def test_progress_is_a_share_a_count_or_words(december: Path, tmp_path: Path, reports: Path) -> None:
    def progress(close: OpenClose) -> None:
        for row, text in zip(close.actions, ("3 of 5", "0.4", "half way"), strict=True):
            row |= {"progress": text, "status": "open"}

    close = changed_close(december, tmp_path, progress)
    rows = write_document(read_context(close, "en", reports)).summary.actions
    assert [row.progress.replace("\u00a0", " ") for row in rows] == ["3 of 5", "40 %", "half way"]
    done = write_document(read_context(december, "en", reports)).summary.actions[1]
    assert done.progress == "done"
