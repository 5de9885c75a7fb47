"""What is said beside why and who: the other side of the goal, by what matters most to it."""

import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from scorecard.pdf import mail_summary
from scorecard.pdf.document import read_context
from scorecard.pdf.sections.summary.analysis import reached_targets
from scorecard.pdf.sections.summary.key_points import key_points
from scorecard.shared.mail_summary import MailSummary
from tests.unit.pdf.changed_close import Change, OpenClose, changed_close
from tests.unit.pdf.printed import texts

Pdf = Callable[[Path, str], bytes]
QUARTER = "2024-Q4"
OTHERS = {
    "customer_churn_rate": ("0.005", "0.01", "ahead"),
    "customer_satisfaction": ("0.69", "0.7", "off_track"),
    "survey_response_rate": ("0.3", "0.65", "off_track"),
}


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


def test_the_summary_says_what_the_first_page_says(sales: Path, customers: Path, pdf: Pdf, reports: Path) -> None:
    summary = mail_summary(sales, "en", reports)
    assert isinstance(summary, MailSummary)
    assert summary.title == "Sales scorecard"
    assert summary.period_label == "Q4 2017 (1 Oct – 31 Dec)"
    assert summary.headline.replace("\u00a0", " ") == (
        "Booked revenue fell 6.0 % to 2.80 M, 5.0 % short of target; won deals and average deal size both fell "
        "(warnings W1, W4, W6, and W7)."
    )
    assert "61 to 1,196 (−0.14\u00a0M)" in summary.sentences[0]
    flat = re.sub(r"\s", "", "".join(texts(pdf(sales, "en"))))
    for sentence in (summary.headline, *summary.sentences):
        assert re.sub(r"\s", "", sentence) in flat
    assert mail_summary(sales, "ja", reports).headline.startswith("受注額は6.0%減の280万、目標を5.0%下回る。")
    for language in ("en", "ja"):
        assert len(set(mail_summary(customers, language, reports).sentences)) == 3


def test_what_is_a_little_short_of_its_target_is_not_said_to_be_better(
    customers: Path, tmp_path: Path, reports: Path
) -> None:
    def a_little_short(close: OpenClose) -> None:
        for row in close.values:
            if row["dimension"] == "business_unit" and row["target"] and row["metric"] != "mrr":
                is_higher_better = close.definitions["metrics"][row["metric"]]["direction"] == "higher"
                worse = Decimal("0.995") if is_higher_better else Decimal("1.005")
                row |= {"value": row["target"] * worse, "status": "on_track"}

    context = read_context(changed_close(customers, tmp_path, a_little_short), "en", reports)
    reached, total = reached_targets(context)
    assert total > 3
    assert reached <= 1
    assert not [point.text for point in key_points(context) if "better than the target" in point.text]
