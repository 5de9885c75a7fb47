"""What a scorecard says about its data: failed checks, missing values, and what may still change."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from scorecard.pdf import html, mail_summary
from scorecard.pdf.document import read_context, write_document
from scorecard.pdf.page.close_content import Check
from tests.unit.pdf.changed_close import OpenClose, changed_close
from tests.unit.pdf.printed import document, page, texts

Pdf = Callable[[Path, str], bytes]


def test_no_value_is_printed_as_such_with_the_reason_and_never_as_zero(sales: Path, pdf: Pdf) -> None:
    text = " ".join(" ".join(texts(pdf(sales, "en"))).split())
    assert "Win rate by value – The source does not hold what the indicator needs." in text
    assert "No data for Q4 2016 to compare with." in text
    row = next(
        row for group in document(sales, "en").summary.groups for row in group.rows if row.label == "Win rate by value"
    )
    assert (row.value.text, row.vs_target.text, row.status.word) == ("n/a", "–", "n/a")


def test_warnings_stand_beside_the_figures_they_touch(sales: Path) -> None:
    doc = document(sales, "en")
    marks = {row.label: row.checks for group in doc.summary.groups for row in group.rows}
    assert marks["Win rate by value"] == ("W5",)
    assert marks["Zombie deals"] == ("W2", "W3")
    assert marks["Won deals"] == ()
    assert doc.general_checks == ("W1", "W4", "W6", "W7"), "what touches every figure stands beside none"
    assert doc.data_quality.failed_counts == "7 warnings"
    assert [check.failures for check in doc.data_quality.failed] == [
        *("12 of 85", "1,425 of 8,800", "500 of 8,800", "–", "2,473 of 8,800", "1,480 of 8,800", "5 of 35"),
    ]


@pytest.mark.parametrize(
    ("language", "note", "finding"),
    [
        ("en", "Churn flag agrees with churn events (312 of 500)", "9 ever ran out of paid subscriptions"),
        ("ja", "（500件中312件）", "有料契約が途切れた顧客は9件である"),
    ],
)
def test_a_warning_says_beside_the_figure_in_how_many_rows(
    customers: Path, language: str, note: str, finding: str
) -> None:
    doc = document(customers, language)
    assert note in dict(doc.summary.check_notes)["W1"]
    cards = [card for group in doc.indicators.groups for card in group.cards]
    (warning,) = {text for card in cards for mark, text in card.warnings if mark == "W1"}
    assert warning.endswith(finding)


@pytest.mark.parametrize(
    ("message", "finding"),
    [
        ("61 end early; before it was 4.9 a day. For example A. They count.", "61 end early; before it was 4.9 a day"),
        ("顧客500件のうち312件で矛盾する。例：A。", "顧客500件のうち312件で矛盾する"),
        ("No score is below 3", "No score is below 3"),
    ],
)
def test_a_finding_is_the_first_sentence_of_what_a_check_says(message: str, finding: str) -> None:
    check = Check("c", "dbt", "c", "s", "t", "warning", False, 1, 1, message, "", ())
    assert check.finding == finding


def test_what_was_checked_begins_with_what_is_made_of_the_sources(sales: Path, language: str) -> None:
    table = re.search(r'<table class="sources">.*?</table>', page(sales, language), re.DOTALL)
    assert table is not None
    names = re.findall(r'<th scope="row">(.*?)</th>', table[0])
    assert "." not in "".join(names[:2]), "models and figures"
    assert "maven_crm.sales_pipeline" in names
    assert names[2:] == sorted(names[2:])


def _of_first_release(close: OpenClose) -> None:
    """Take away what closes of the first release lack: ranges, and the days from when until when there is data."""
    for row in close.values:
        for name in ("at_most", "pending", "longer_than"):
            del row[name]
    del close.definitions["horizons"]


def test_a_figure_that_settles_later_says_until_when(
    customers: Path, sales: Path, reports: Path, tmp_path: Path
) -> None:
    older = changed_close(customers, tmp_path, _of_first_release)
    doc = write_document(read_context(older, "en", reports))
    assert doc.data_quality.provisional == (
        "Customer churn rate: what the days until 30 Jan 2025 bring may still change it.",
    )
    (churn,) = [row for group in doc.summary.groups for row in group.rows if row.label == "Customer churn rate"]
    assert dict(doc.summary.notes)[churn.value.note or ""] == "What happens until 30 Jan 2025 may still change it."
    assert doc.data_through is None
    older = changed_close(sales, tmp_path, _of_first_release)
    assert write_document(read_context(older, "en", reports)).data_quality.provisional == ()


@pytest.mark.parametrize(
    ("language", "says", "is_over"),
    [
        ("en", "provisional: data through 10 Dec", "data through 31 Dec"),
        ("ja", "暫定版：データは12月10日まで", "データは12月31日まで"),
    ],
)
def test_a_period_that_was_not_over_is_called_provisional_on_page_one_and_in_the_subject(
    sales: Path, tmp_path: Path, reports: Path, language: str, says: str, is_over: str
) -> None:
    def not_over(close: OpenClose) -> None:
        for horizon in close.definitions["horizons"].values():
            horizon["last_day"] = "2017-12-10"

    close = changed_close(sales, tmp_path, not_over)
    assert f"<b>{says}</b>" in html(close, language, reports)
    assert says in mail_summary(close, language, reports).period_label
    assert says.partition(" ")[0] not in mail_summary(sales, language, reports).period_label
    assert document(sales, language).data_through == is_over
    assert f"<b>{is_over}</b>" not in page(sales, language)
