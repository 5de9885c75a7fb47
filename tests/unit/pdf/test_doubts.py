"""What is not final, and what carries a warning, says so wherever it is printed or named, in both languages."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from scorecard.pdf import mail_summary
from scorecard.pdf.document import read_context, write_document
from tests.unit.pdf.changed_close import Change, OpenClose, changed_close

CHURN = "Customer churn rate"


def _in_grace(value: str, at_most: str, pending: int, status: str, target: str | None = "0.02") -> Change:
    """Let some customers be in grace at the end of the last quarter, and nothing else have a target."""

    def change(close: OpenClose) -> None:
        close.checks[:] = [check for check in close.checks if check["passed"]]
        for row in close.values:
            row |= {"at_most": None, "pending": None, "target": None, "expected": None, "status": "na"}
            if (row["metric"], row["dimension"], row["period"]) == ("customer_churn_rate", "business_unit", "2024-Q4"):
                row |= {"value": Decimal(value), "at_most": Decimal(at_most), "pending": Decimal(pending)}
                row |= {"status": status, "target": target and Decimal(target), "expected": target and Decimal(target)}

    return change


def _churn(close: Path, language: str, reports: Path) -> tuple[Any, dict[str, str], Any]:
    doc = write_document(read_context(close, language, reports))
    label = {"en": CHURN, "ja": "顧客解約率"}[language]
    (row,) = [row for group in doc.summary.groups for row in group.rows if row.label == label]
    return row, dict(doc.summary.notes), doc


def test_churn_that_is_not_settled_prints_its_range_and_when_it_is_final(
    customers: Path, tmp_path: Path, reports: Path
) -> None:
    close = changed_close(customers, tmp_path, _in_grace("0.019", "0.026", 11, "na"))
    row, notes, doc = _churn(close, "en", reports)
    assert row.value.text == "1.9–2.6\u00a0%"
    remark = "1.9 % so far, 2.6 % if the 11 in grace don't renew; final on 30 Jan 2025."
    assert notes[row.value.note or ""].replace("\u00a0", " ") == remark
    assert [line.replace("\u00a0", " ") for line in doc.data_quality.provisional] == [f"{CHURN}: {remark}"]
    assert row.status.word == "unsettled"
    assert (row.vs_target.text, row.vs_target.tone) == ("−0.1 to +0.6\u00a0pt", "range")
    row, notes, _ = _churn(close, "ja", reports)
    assert row.value.text == "1.9～2.6%"
    assert notes[row.value.note or ""] == (
        "現時点で1.9%、猶予期間中の11社が更新しない場合は2.6%。2025年1月30日に確定。"
    )
    assert row.status.word == "未確定"


def test_churn_of_nobody_so_far_is_no_bare_0(customers: Path, tmp_path: Path, reports: Path) -> None:
    row, notes, _ = _churn(changed_close(customers, tmp_path, _in_grace("0", "0.266", 1, "na")), "en", reports)
    assert row.value.text == "0.0–26.6\u00a0%"
    assert "0.0 % so far, 26.6 % if the one in grace doesn't renew" in notes[row.value.note or ""].replace(
        "\u00a0", " "
    )


def test_a_settled_figure_carries_no_note_though_the_metric_knows_grace(customers: Path, reports: Path) -> None:
    assert OpenClose(customers).definitions["metrics"]["customer_churn_rate"]["parameters"] == {"grace_days": 30}
    row, _, doc = _churn(customers, "en", reports)
    assert row.value.note is None
    assert doc.data_quality.provisional == ()


@pytest.mark.parametrize(("value", "at_most", "reached"), [("0.005", "0.01", True), ("0.019", "0.026", False)])
def test_a_target_is_reached_only_if_both_ends_reach_it(
    customers: Path, tmp_path: Path, reports: Path, value: str, at_most: str, reached: bool
) -> None:
    status = "ahead" if reached else "na"
    close = changed_close(customers, tmp_path, _in_grace(value, at_most, 3, status))
    sentences = " ".join(mail_summary(close, "en", reports).sentences)
    assert ("Customer churn rate is" in sentences) == reached


def test_a_provisional_figure_that_is_praised_says_so_in_the_mail(
    customers: Path, tmp_path: Path, reports: Path
) -> None:
    close = changed_close(customers, tmp_path, _in_grace("0.005", "0.01", 3, "ahead"))
    (praised,) = [sentence for sentence in mail_summary(close, "en", reports).sentences if sentence.startswith(CHURN)]
    assert praised.replace("\u00a0", " ").endswith(" Provisional, 1.0 % if the 3 in grace don't renew.")
    (praised,) = [
        sentence for sentence in mail_summary(close, "ja", reports).sentences if sentence.startswith("顧客解約率")
    ]
    assert praised.endswith("暫定値、猶予期間中の3社が更新しない場合は1.0%。")


def test_the_next_scorecard_says_what_a_provisional_figure_has_become(
    customers: Path, tmp_path: Path, reports: Path
) -> None:
    entry = {"figure_id": "F099", "metric": "customer_churn_rate", "grain": "quarter", "period": "2024-Q3"}
    entry |= {"dimension": "business_unit", "member": "RavenStack SaaS", "field": "final", "seen": "false"}
    entry |= {"old": "0.01900000", "old_at_most": "0.02600000", "new": "0.02600000"}
    close = changed_close(customers, tmp_path, lambda close: close.restatements.append(entry))
    doc = write_document(read_context(close, "en", reports))
    assert [line.replace("\u00a0", " ") for line in doc.edition_changes.finals] == [
        f"{CHURN}, Q3, final: 2.6 % (was 1.9–2.6 %)"
    ]
    assert (doc.edition_changes.summary, doc.edition_changes.restated) == (None, ())
    assert write_document(read_context(close, "ja", reports)).edition_changes.finals == (
        "顧客解約率（第3四半期）確定：2.6%（前回1.9～2.6%）",
    )


def test_a_figure_of_a_running_period_is_named_provisional(sales: Path, tmp_path: Path, reports: Path) -> None:
    def running(close: OpenClose) -> None:
        close.checks[:] = [check for check in close.checks if check["passed"]]
        for row in close.values:
            if row["period"] == "2017-Q4":
                row |= {"is_complete": False, "elapsed_share": Decimal("0.5")}

    close = changed_close(sales, tmp_path, running)
    summary = mail_summary(close, "en", reports)
    assert summary.headline.endswith("(provisional).")
    assert all(sentence.endswith("Provisional.") for sentence in summary.sentences[:2])
    assert mail_summary(close, "ja", reports).headline.endswith("（暫定値）。")


def test_a_warning_stands_beside_the_figure_that_a_sentence_names(
    sales: Path, customers: Path, tmp_path: Path, reports: Path
) -> None:
    assert mail_summary(sales, "en", reports).headline.endswith(" (warnings W1, W4, W6, and W7)."), "all have the same"

    def two_warnings(close: OpenClose) -> None:
        touched = {
            "deals have an account": ["pipeline_age", "win_rate", "zombie_deals"],
            "product is in the catalogue": ["booked_revenue", "sales_volume"],
        }
        close.checks[:] = [check for check in close.checks if check["passed"] or check["name"] in touched]
        for check in close.checks:
            check["metrics"] = touched.get(check["name"], check["metrics"])

    close = changed_close(sales, tmp_path, two_warnings)
    summary = mail_summary(close, "en", reports)
    assert summary.headline.endswith("(booked revenue: warning W2).")
    assert any(line.startswith("W2: ") for line in summary.warnings)
    marked = [sentence for sentence in (summary.headline, *summary.sentences) if "W1" in sentence]
    assert bool(marked) == any(line.startswith("W1: ") for line in summary.warnings)
    assert "データ警告W2" in mail_summary(close, "ja", reports).headline
    assert all(line.startswith("W") for line in mail_summary(customers, "ja", reports).warnings)
