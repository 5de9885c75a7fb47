"""What an indicator did since an action began: the last period before it beside the latest one."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from scorecard.pdf.document import read_context, write_document
from scorecard.pdf.sections.summary.review_actions import ActionRow
from scorecard.shared.periods import Grain, last_over
from tests.unit.pdf.close_fixture import Row, build

pytestmark = pytest.mark.samples

EAST = ("win_rate", "region", "East")


def _begin(close: Path, begins: date | None) -> None:
    """Let every action of a close begin on a day."""
    path = close / "actions.parquet"
    table = pq.read_table(path)
    at = table.schema.get_field_index("from_date")
    column = pa.array([begins] * len(table), pa.date32())
    pq.write_table(table.set_column(at, "from_date", column), path)


def _action(close: Path, reports: Path, language: str = "en") -> ActionRow:
    return write_document(read_context(close, language, reports)).summary.actions[0]


def _value(close: Path, period: str) -> Decimal:
    table = pq.read_table(close / "values.parquet")
    rows = table.filter(
        (pc.field("metric") == EAST[0])
        & (pc.field("period") == period)
        & (pc.field("dimension") == EAST[1])
        & (pc.field("member") == EAST[2])
    )
    value: Decimal = rows["value"][0].as_py()
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


def test_since_an_action_began_is_not_since_the_period_before(tmp_path: Path, reports: Path) -> None:
    close = build(tmp_path, "sales", "2017-12")
    _begin(close, date(2017, 10, 2))
    row = _action(close, reports)
    september, november, december = (_value(close, period) for period in ("2017-09", "2017-11", "2017-12"))
    assert november < december < september, "better than in November, worse than before the action"
    assert row.since is not None
    assert row.since.now is not None
    assert [name for name, _ in (row.since.before, row.since.now)] == ["Sep", "Dec"]
    shown = [cell.text.replace("\u00a0", " ") for _, cell in (row.since.before, row.since.now)]
    assert shown == [f"{september:.1%}".replace("%", " %"), f"{december:.1%}".replace("%", " %")]
    gap = f"{abs(december - september) * 100:.1f} pt"
    assert (row.since.change.text.replace("\u00a0", " "), row.since.verdict) == (gap, "worse")
    assert all(cell.figure_id for _, cell in (row.since.before, row.since.now))
    japanese = _action(close, reports, "ja").since
    assert japanese is not None
    assert (japanese.before[0], japanese.verdict) == ("9月", "悪化")


def test_a_close_without_the_period_before_an_action_says_so(sales: Path, tmp_path: Path, reports: Path) -> None:
    close = build(tmp_path, "sales", "2017-Q4")
    _begin(close, date(2017, 9, 18))
    doc = write_document(read_context(close, "en", reports))
    since = doc.summary.actions[0].since
    assert since is not None
    assert (since.before[0], since.before[1].text, since.change.text) == ("Q2", "n/a", "")
    assert dict(doc.summary.notes)[since.before[1].note or ""] == "This close holds no figure of Q2."


def test_an_action_that_began_in_a_period_that_is_still_open_is_too_young(tmp_path: Path, reports: Path) -> None:
    def still_open(values: list[Row], checks: list[Row]) -> None:
        for row in values:
            if row["period"] == "2017-12":
                row |= {"is_complete": False, "elapsed_share": Decimal("0.4")}

    close = build(tmp_path, "sales", "2017-12", still_open)
    _begin(close, date(2017, 12, 4))
    since = _action(close, reports).since
    assert since is not None
    assert (since.before[0], since.now, since.change.text) == ("Nov", None, "no complete period since")
    _begin(close, date(2017, 10, 2))
    since = _action(close, reports).since
    assert since is not None
    assert since.now is not None
    assert (since.before[0], since.now[0]) == ("Sep", "Nov")


def test_an_action_without_a_day_on_which_it_began_is_compared_with_nothing(tmp_path: Path, reports: Path) -> None:
    close = build(tmp_path, "sales", "2017-12")
    _begin(close, None)
    assert _action(close, reports).since is None
