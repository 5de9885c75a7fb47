"""What is said beside why and who: the other side of the goal, by what matters most to it."""

from decimal import Decimal
from pathlib import Path

import pytest

from scorecard.pdf import mail_summary
from tests.unit.pdf.changed_close import Change, OpenClose, changed_close

pytestmark = pytest.mark.samples

QUARTER = "2024-Q4"


def _judged(statuses: dict[str, tuple[str, str, str]], due: str = "1") -> Change:
    """Give some indicators of the customers' scorecard a value, a target and a status, and no other one any.

    Parameters
    ----------
    due: the part of each target that is due by now; of a period that is over, all of it.
    """

    def change(close: OpenClose) -> None:
        close.checks[:] = [check for check in close.checks if check["passed"]]
        for row in close.values:
            row |= {"at_most": None, "pending": None, "target": None, "expected": None, "status": "na"}
            if row["dimension"] == "business_unit" and row["period"] == QUARTER and row["metric"] in statuses:
                value, target, status = statuses[row["metric"]]
                row |= {"value": Decimal(value), "target": Decimal(target), "status": status}
                row |= {"expected": Decimal(target) * Decimal(due), "is_complete": due == "1"}

    return change


OTHERS = {
    "customer_churn_rate": ("0.005", "0.01", "ahead"),
    "customer_satisfaction": ("0.69", "0.7", "off_track"),
    "survey_response_rate": ("0.3", "0.65", "off_track"),
}


@pytest.mark.parametrize(
    ("goal", "third"),
    [
        ("ahead", "Customer satisfaction is 69.0 %, 1.0 pt worse than the target of 70.0 %"),
        ("off_track", "Customer churn rate is 0.5 %, 0.5 pt better than the target of 1.0 %"),
    ],
)
def test_beside_a_reached_goal_stands_what_went_worst_and_beside_a_missed_one_the_best(
    customers: Path, tmp_path: Path, reports: Path, goal: str, third: str
) -> None:
    target = "1" if goal == "ahead" else "99000000"
    close = changed_close(customers, tmp_path, _judged({**OTHERS, "mrr": ("10000000", target, goal)}))
    third_sentence = mail_summary(close, "en", reports).sentences[2].replace("\u00a0", " ")
    # A key success factor weighs less than a key performance indicator, though it is further from its target.
    assert third_sentence.startswith(third)


def test_a_target_that_is_due_in_part_is_named_with_one_article(customers: Path, tmp_path: Path, reports: Path) -> None:
    judged = {"customer_satisfaction": ("0.4", "0.8", "off_track")}
    close = changed_close(customers, tmp_path, _judged(judged, due="0.75"))
    sentences = mail_summary(close, "en", reports).sentences
    (on_satisfaction,) = [sentence for sentence in sentences if sentence.startswith("Customer satisfaction")]
    assert "20.0 pt worse than the target of 60.0 % due by now" in on_satisfaction.replace("\u00a0", " ")
    sentences = mail_summary(close, "ja", reports).sentences
    (on_satisfaction,) = [sentence for sentence in sentences if sentence.startswith("顧客満足度")]
    assert "経過分の目標60.0%より20.0pt悪い" in on_satisfaction
