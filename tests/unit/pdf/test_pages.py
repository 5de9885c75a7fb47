"""What every page of a scorecard holds to: each footnote has its mark, each id its proof, page one is one page."""

import io
import json
import re
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from html import unescape
from itertools import pairwise
from pathlib import Path

import pytest
from pypdf import PdfReader

from scorecard.pdf import html, mail_summary, render
from scorecard.pdf.document import read_context, write_document
from scorecard.shared.decimals import digits
from tests.unit.pdf.changed_close import Change, OpenClose, Row, changed_close
from tests.unit.pdf.printed import document, page, texts, written

pytestmark = pytest.mark.samples

Pdf = Callable[[Path, str], bytes]


@pytest.fixture(params=["sales", "customers"])
def close(request: pytest.FixtureRequest) -> Path:
    """Return each close in turn."""
    close: Path = request.getfixturevalue(request.param)
    return close


@pytest.fixture(params=["en", "ja"])
def language(request: pytest.FixtureRequest) -> str:
    """Return each language in turn."""
    return str(request.param)


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
    whole = page(close, language)
    noted: dict[str, set[str]] = {}
    for block in whole.partition('<section class="indicators-pages"')[2].split("<table")[1:]:
        table, _, below = block.partition("</table>")
        notes = dict(re.findall(r"<sup>([a-z]{1,2})</sup>&nbsp;(.*?)(?= <sup>| </p>)", below))
        assert set(re.findall(r"<sup>([a-z]{1,2})</sup>", table)) == notes.keys()
        for mark, text in notes.items():
            noted.setdefault(mark, set()).add(text)
    assert len(noted) > 2
    assert {len(texts) for texts in noted.values()} == {1}
    first = dict(re.findall(r"<sup>([a-z]{1,2})</sup>&nbsp;(.*?)(?= <sup>| </p>)", whole.partition("</section>")[0]))
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


def test_a_baseline_that_is_only_drawn_asks_for_no_digits(sales: Path, tmp_path: Path, reports: Path) -> None:
    def small_before(close: OpenClose) -> None:
        for row in close.figures("booked_revenue", dimension="region"):
            if row["prior_value"]:
                row |= {"prior_value": Decimal(4362)}

    doc = write_document(read_context(changed_close(sales, tmp_path, small_before), "en", reports))
    regions = next(block for block in doc.breakdowns.tables if block.dimension == "Region")
    assert regions.total is not None
    (revenue,) = [row for group in doc.summary.groups for row in group.rows if row.label == "Booked revenue"]
    assert regions.total.value.text == revenue.value.text


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
    whole = html(changed_close(sales, tmp_path, _begun_late("2017-03")), "en", reports)
    assert marks_without_note(whole) == set()
    assert "is not over" not in whole


def test_a_period_that_lacks_its_first_days_is_not_called_unfinished(
    sales: Path, tmp_path: Path, reports: Path
) -> None:
    whole = html(changed_close(sales, tmp_path, _begun_late("2017-Q4", "win_rate")), "en", reports)
    assert "Data begin within Q4 2017; the figure is of a part of it." in whole
    assert "is not over" not in whole


def test_a_movement_is_compared_by_difference_and_few_records_in_no_percentage(
    customers: Path, tmp_path: Path, reports: Path
) -> None:
    def churned(close: OpenClose) -> None:
        for row in close.figures("mrr_movement", "2024-Q4", "movement"):
            if row["member"] == "contraction":
                row |= {"value": Decimal(0), "numerator": Decimal(0), "prior_value": Decimal(-21000)}
                row |= {"change": Decimal(21000), "change_ratio": Decimal(1)}
        for row in close.figures("mrr", "2024-Q3", "product"):
            if row["member"] == "Pro":
                row |= {"observations": 4}

    doc = write_document(read_context(changed_close(customers, tmp_path, churned), "en", reports))
    kinds = next(block for block in doc.breakdowns.tables if block.dimension == "Kind")
    changes = {row.name: row.vs_prior.text.replace("\u00a0", " ") for row in (*kinds.top, *kinds.bottom)}
    assert changes["Contraction"] == "+0.02 M"
    assert not [text for text in changes.values() if "%" in text]
    products = next(block for block in doc.breakdowns.tables if block.dimension == "Product")
    (pro,) = [row for row in products.top if row.name == "Pro"]
    assert pro.vs_prior.text == "n/a"
    assert dict(products.notes)[pro.vs_prior.note or ""] == "Too few records in Q3 2024 for a percentage."


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


@pytest.mark.parametrize(("name", "language", "unit"), [("sales", "en", "M"), ("customers", "ja", "万")])
def test_members_and_their_whole_are_in_one_unit(
    request: pytest.FixtureRequest, name: str, language: str, unit: str
) -> None:
    doc = document(request.getfixturevalue(name), language)
    amounts = 0
    for block in (doc.summary.breakdown, *doc.breakdowns.tables):
        assert block is not None
        rows = [*block.top, *block.bottom, *([block.total] if block.total else [])]
        units = {re.sub(r"[−+\d.,\s]", "", row.value.text) for row in rows if row.value.tone != "na"}
        assert len(units) == 1, (block.title, units)
        amounts += units == {unit}
    assert amounts >= 2


def test_what_is_not_known_is_neither_best_nor_worst(sales: Path, tmp_path: Path, reports: Path) -> None:
    def unknown(close: OpenClose) -> None:
        highest = max(close.figures("win_rate", "2017-Q4", "team"), key=lambda row: row["value"])
        highest["member"] = "unknown"

    doc = write_document(read_context(changed_close(sales, tmp_path, unknown), "en", reports))
    teams = next(block for block in doc.breakdowns.tables if block.dimension == "Team")
    assert [row.name for row in (*teams.top, *teams.bottom)].index("Unknown") == len(teams.top) + len(teams.bottom) - 1


def test_charts_say_what_their_periods_are_and_an_attainment_what_has_passed(sales: Path) -> None:
    doc = document(sales, "en")
    assert (doc.summary.chart_grain, doc.summary.chart_span) == ("by month", "Dec 2016 – Dec 2017")
    charts = [card.row.chart for group in doc.indicators.groups for card in group.cards if card.row.chart]
    assert {chart.axis[1].text for chart in charts} == {"by month"}
    (attainment,) = [row for group in doc.summary.groups for row in group.rows if row.label == "Target attainment"]
    assert attainment.beside == " · 100\u00a0% elapsed"
    assert attainment.beside in page(sales, "en")


def test_the_first_page_is_one_page_however_much_was_decided(sales: Path, tmp_path: Path, reports: Path) -> None:
    def many_decisions(close: OpenClose) -> None:
        close.actions[:] = (close.actions * 3)[:8]
        failed = [check for check in close.checks if not check["passed"]]
        close.checks[:] = [check for check in close.checks if check not in failed[2:]]
        shown = close.definitions["scorecard"]
        assert len(shown["metrics"]) == 18
        close.show(shown["metrics"], shown["breakdowns"][:1])

    close = changed_close(sales, tmp_path, many_decisions)
    first, second = PdfReader(io.BytesIO(render(close, "en", reports))).pages[:2]
    assert "Decided at the last review" in first.extract_text()
    assert "against the target for the period" in first.extract_text(), "its foot"
    assert "How the indicators hang together" in second.extract_text()


@cache
def ids_of(content: bytes) -> set[str]:
    """Return every figure id of a file: in its text, in links, and in the command that shows how one is proved."""
    annotations = [
        str(annotation.get_object())
        for leaf in PdfReader(io.BytesIO(content)).pages
        for annotation in leaf.get("/Annots") or ()
    ]
    return set(re.findall(r"(?<![A-Za-z0-9])F\d{3,}(?!\d)", " ".join((*texts(content), *annotations))))


def proved(content: bytes) -> dict[str, str | None]:
    """Return the ids in a file's provenance, with their exact values."""
    attached = PdfReader(io.BytesIO(content)).attachments
    (provenance,) = [files[0] for name, files in attached.items() if name.endswith("provenance.json")]
    return {figure["figure_id"].rpartition(".")[2]: figure["value"] for figure in json.loads(provenance)["figures"]}


def test_every_id_of_a_page_is_proved(close: Path, pdf: Pdf, reports: Path, language: str) -> None:
    printed, listed = ids_of(pdf(close, language)), proved(pdf(close, language))
    doc = document(close, language)
    assert len(printed) > 40
    assert printed <= listed.keys()
    assert {proof.figure_id for proof in doc.proof.figures} == listed.keys()
    named = {figure_id for point in doc.summary.key_points for figure_id in point.figure_ids}
    assert named
    assert named <= listed.keys()
    assert mail_summary(close, language, reports).figure_id in listed


def test_every_id_of_a_restatement_and_of_an_action_is_proved(
    sales: Path, tmp_path: Path, reports: Path, language: str
) -> None:
    change = {"field": "value", "old": "1", "new": "2", "why": "correction", "reasons": ["correction"]}
    place = ("figure_id", "metric", "grain", "period", "dimension", "member")
    restated: list[Row] = []

    def restate(close: OpenClose) -> None:
        # Members of a month, which no page prints.
        rows = [row for row in close.values if (row["period"], row["dimension"]) == ("2017-05", "rep")][:5]
        restated.extend({**{name: row[name] for name in place}, **change, "printed": True} for row in rows)
        close.restatements.extend(restated)
        close.show(["booked_revenue", "win_rate", "zombie_deals"], [("booked_revenue", "region")])

    content = render(changed_close(sales, tmp_path, restate), language, reports)
    assert len(restated) == 5
    assert {row["figure_id"] for row in restated} <= ids_of(content)
    assert ids_of(content) <= proved(content).keys()


def test_what_the_list_of_figures_calls_printed_is_printed_so(close: Path, language: str) -> None:
    pages = re.sub(r"<[^>]*>", " ", page(close, language).partition('id="proof"')[0])
    flat = re.sub(r"\s", "", unescape(pages))
    for proof in document(close, language).proof.figures:
        assert re.sub(r"\s", "", proof.printed) in flat, proof


def test_an_exact_value_has_the_same_digits_everywhere(sales: Path, pdf: Pdf) -> None:
    context, doc = written(sales, "en")
    by_id = context.close.by_id
    exact = {proof.figure_id: proof.exact.strip() for proof in doc.proof.figures if proof.exact.strip() != "–"}
    assert exact == {figure_id: value for figure_id, value in proved(pdf(sales, "en")).items() if value is not None}
    for figure_id, text in exact.items():
        assert text == digits(by_id[figure_id].value or Decimal(0))
        assert Decimal(text) == by_id[figure_id].value


def test_the_list_of_figures_has_its_head_once_on_every_page(close: Path, pdf: Pdf, language: str) -> None:
    head = re.sub(r"\s", "", "".join(document(close, language).proof.head))
    counts = [re.sub(r"\s", "", text).count(head) for text in texts(pdf(close, language))]
    assert counts[-1] == 1
    assert max(counts) == 1


def test_what_was_checked_begins_with_what_is_made_of_the_sources(sales: Path, language: str) -> None:
    table = re.search(r'<table class="sources">.*?</table>', page(sales, language), re.DOTALL)
    assert table is not None
    names = re.findall(r'<th scope="row">(.*?)</th>', table[0])
    assert "." not in "".join(names[:2]), "models and figures"
    assert "maven_crm.sales_pipeline" in names
    assert names[2:] == sorted(names[2:])
