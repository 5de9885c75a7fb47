"""What every page of a scorecard holds to: each footnote has its mark, and page one is one page."""

import io
import re
from collections.abc import Callable
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

from pypdf import PdfReader

from scorecard.pdf import html, mail_summary, render
from scorecard.pdf.document import read_context, write_document
from tests.unit.pdf.changed_close import Change, OpenClose, changed_close
from tests.unit.pdf.printed import document, page

Pdf = Callable[[Path, str], bytes]


def marks_without_note(html_page: str) -> set[tuple[int, str]]:
    """Return the marks of a page that have no footnote in their section, and the footnotes without a mark."""
    apart = set()
    for at, section in enumerate(html_page.split("<section")):
        notes = "".join(re.findall(r'<p class="notes">.*?</p>', section, re.DOTALL))
        body = re.sub(r'<p class="notes">.*?</p>', "", section, flags=re.DOTALL)
        printed, explained = (set(re.findall(r"<sup>([a-z]{1,2})</sup>", text)) for text in (body, notes))
        apart |= {(at, mark) for mark in printed ^ explained}
    return apart


def test_every_footnote_has_its_mark_and_every_mark_its_footnote(close: Path, language: str) -> None:
    assert "<sup>a</sup>" in page(close, language)
    assert marks_without_note(page(close, language)) == set()


def test_a_mark_has_one_meaning_in_the_whole_document_and_its_note_stands_below_its_table(
    close: Path, language: str
) -> None:
    page_html = page(close, language)
    noted: dict[str, set[str]] = {}
    for block in page_html.partition('<section class="indicators-pages"')[2].split("<table")[1:]:
        table, _, below = block.partition("</table>")
        notes = dict(re.findall(r"<sup>([a-z]{1,2})</sup>&nbsp;(.*?)(?= <sup>| </p>)", below))
        assert set(re.findall(r"<sup>([a-z]{1,2})</sup>", table)) == notes.keys()
        for mark, text in notes.items():
            noted.setdefault(mark, set()).add(text)
    assert len(noted) > 2
    assert {len(texts) for texts in noted.values()} == {1}
    first = dict(
        re.findall(r"<sup>([a-z]{1,2})</sup>&nbsp;(.*?)(?= <sup>| </p>)", page_html.partition("</section>")[0])
    )
    assert all(noted[mark] == {text} for mark, text in first.items() if mark in noted)


def test_page_one_says_whose_figures_as_of_when_and_whom_to_ask(
    customers: Path, tmp_path: Path, reports: Path, language: str
) -> None:
    def through_january(close: OpenClose) -> None:
        close.definitions["horizons"]["mrr"]["last_day"] = "2025-01-04"

    close = changed_close(customers, tmp_path, through_january)
    masthead = html(close, language, reports).partition("<h1>")[0]
    for words in {
        "en": ("RavenStack SaaS", "USD", "data through 4 Jan 2025", "Questions: customer-operations@example.com"),
        "ja": ("RavenStack SaaS", "USD", "データは2025年1月4日まで", "お問い合わせ：customer-operations@example.com"),
    }[language]:
        assert words in masthead


def test_a_headline_without_spaces_breaks_between_clauses(sales: Path, reports: Path) -> None:
    headline = document(sales, "ja").summary.finding
    assert len(headline) > 3
    assert "".join(headline) == mail_summary(sales, "ja", reports).headline
    assert all(part.endswith(("、", "。")) or following.startswith("（") for part, following in pairwise(headline))
    assert len(document(sales, "en").summary.finding) == 1


def test_a_span_of_time_is_written_alike_on_every_page(sales: Path, tmp_path: Path, reports: Path) -> None:
    def half_days(close: OpenClose) -> None:
        for row in close.figures("sales_cycle_length", dimension="rep"):
            row |= {"value": Decimal("12.5")}

    context = read_context(changed_close(sales, tmp_path, half_days), "en", reports)
    doc, label = write_document(context), context.close.metrics["sales_cycle_length"].label
    (cycle,) = [row for group in doc.summary.groups for row in group.rows if row.label == label]
    reps = next(block for block in doc.breakdowns.tables if block.dimension == "Sales rep")
    assert reps.total is not None
    assert reps.total.value.text == cycle.value.text
    printed = [cycle.value.text, cycle.target.text, *(row.value.text for row in (*reps.top, *reps.bottom))]
    assert {text for text in printed if text != "n/a"} > {"13\u00a0days"}
    assert not [text for text in printed if "." in text]


def _begun_late(period: str, *metrics: str) -> Change:
    """Let the sources of some metrics, or of all, begin within a period."""

    def change(close: OpenClose) -> None:
        for row in close.values:
            if row["period"] == period and (not metrics or row["metric"] in metrics):
                row |= {"is_complete": False, "elapsed_share": Decimal(1)}

    return change


def test_a_chart_over_the_period_in_which_its_source_began_makes_no_footnote(
    sales: Path, tmp_path: Path, reports: Path
) -> None:
    page_html = html(changed_close(sales, tmp_path, _begun_late("2017-03")), "en", reports)
    assert marks_without_note(page_html) == set()
    assert "is not over" not in page_html


def test_a_period_that_lacks_its_first_days_is_not_called_unfinished(
    sales: Path, tmp_path: Path, reports: Path
) -> None:
    page_html = html(changed_close(sales, tmp_path, _begun_late("2017-Q4", "win_rate")), "en", reports)
    assert "Data begin within Q4 2017; the figure is of a part of it." in page_html
    assert "is not over" not in page_html


def test_charts_say_what_their_periods_are_and_an_attainment_what_has_passed(sales: Path) -> None:
    doc = document(sales, "en")
    assert (doc.summary.chart_grain, doc.summary.chart_span) == ("by month", "Dec 2016 – Dec 2017")
    charts = [card.row.chart for group in doc.indicators.groups for card in group.cards if card.row.chart]
    assert {chart.axis[1].text for chart in charts} == {"by month"}
    (attainment,) = [row for group in doc.summary.groups for row in group.rows if row.label == "Target attainment"]
    assert attainment.beside == " · 100\u00a0% elapsed"
    assert attainment.beside in page(sales, "en")


def test_a_target_beyond_what_was_ever_reached_is_called_unrealistic(
    sales: Path, tmp_path: Path, reports: Path
) -> None:
    def demanding(close: OpenClose) -> None:
        for row in close.targets:
            row["achievable"] = {"win_rate": Decimal("0.97"), "won_deals": Decimal("0.6")}.get(row["metric"])

    doc = write_document(read_context(changed_close(sales, tmp_path, demanding), "en", reports))
    remarks = {card.row.label: card.remarks for group in doc.indicators.groups for card in group.cards}
    assert [remark.replace("\u00a0", " ") for remark in remarks["Win rate"] if "unrealistic" in remark] == [
        "The target looks unrealistic: it asks for a larger change than 97 % of the indicator's own past changes."
    ]
    assert not [remark for remark in remarks["Won deals"] if "unrealistic" in remark]


def test_the_first_page_is_one_page_however_much_was_decided(sales: Path, tmp_path: Path, reports: Path) -> None:
    def many_decisions(close: OpenClose) -> None:
        close.actions[:] = (close.actions * 3)[:8]
        failed = [check for check in close.checks if not check["passed"]]
        close.checks[:] = [check for check in close.checks if check not in failed[2:]]
        shown = close.definitions["scorecard"]
        # A checkout may print a metric of its own first.
        metrics = shown["metrics"][-18:]
        assert len(metrics) == 18
        close.show(metrics, shown["breakdowns"][:1])

    close = changed_close(sales, tmp_path, many_decisions)
    first, second = PdfReader(io.BytesIO(render(close, "en", reports))).pages[:2]
    assert "Decided at the last review" in first.extract_text()
    assert "against the target for the period" in first.extract_text(), "its foot"
    assert "How the indicators hang together" in second.extract_text()
