"""What every page of a scorecard holds to: each footnote has its mark, each id its proof, page one is one page."""

import io
import json
import re
import shutil
from collections.abc import Callable
from decimal import Decimal
from html import unescape
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pypdf import PdfReader

from scorecard.pdf import html, mail_summary, render
from scorecard.pdf.document import read_context, write_document
from scorecard.shared.decimals import digits
from tests.unit.pdf.close_fixture import Row, build

pytestmark = pytest.mark.samples

Pdf = Callable[[str, str], bytes]
ALL = [(name, language) for name in ("sales", "customers") for language in ("en", "ja")]


def marks_without_note(page: str) -> set[tuple[int, str]]:
    """Return the marks of a page that have no footnote in their section, and the footnotes without a mark."""
    apart = set()
    for at, section in enumerate(page.split("<section")):
        notes = "".join(re.findall(r'<p class="notes">.*?</p>', section, re.DOTALL))
        body = re.sub(r'<p class="notes">.*?</p>', "", section, flags=re.DOTALL)
        printed, explained = (set(re.findall(r"<sup>([a-z]{1,2})</sup>", text)) for text in (body, notes))
        apart |= {(at, mark) for mark in printed ^ explained}
    return apart


@pytest.mark.parametrize(("name", "language"), ALL)
def test_every_footnote_has_its_mark_and_every_mark_its_footnote(
    request: pytest.FixtureRequest, reports: Path, name: str, language: str
) -> None:
    page = html(request.getfixturevalue(name), language, reports)
    assert "<sup>a</sup>" in page
    assert marks_without_note(page) == set()


@pytest.mark.parametrize(("name", "language"), ALL)
def test_a_mark_has_one_meaning_in_the_whole_document_and_its_note_stands_below_its_table(
    request: pytest.FixtureRequest, reports: Path, name: str, language: str
) -> None:
    page = html(request.getfixturevalue(name), language, reports)
    noted: dict[str, set[str]] = {}
    for block in page.partition('<section class="indicators-pages"')[2].split("<table")[1:]:
        table, _, below = block.partition("</table>")
        notes = dict(re.findall(r"<sup>([a-z]{1,2})</sup>&nbsp;(.*?)(?= <sup>| </p>)", below))
        assert set(re.findall(r"<sup>([a-z]{1,2})</sup>", table)) == notes.keys()
        for mark, text in notes.items():
            noted.setdefault(mark, set()).add(text)
    assert len(noted) > 2
    assert {len(texts) for texts in noted.values()} == {1}
    first = dict(re.findall(r"<sup>([a-z]{1,2})</sup>&nbsp;(.*?)(?= <sup>| </p>)", page.partition("</section>")[0]))
    assert all(noted[mark] == {text} for mark, text in first.items() if mark in noted)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_page_one_says_whose_figures_as_of_when_and_whom_to_ask(
    customers: Path, tmp_path: Path, reports: Path, language: str
) -> None:
    close = tmp_path / customers.name
    shutil.copytree(customers, close)
    definitions = json.loads((close / "definitions.json").read_text())
    definitions["horizons"] = {"mrr": {"first_day": "2023-01-01", "last_day": "2025-01-04"}}
    (close / "definitions.json").write_text(json.dumps(definitions))
    masthead = html(close, language, reports).partition("<h1>")[0]
    for words in {
        "en": ("RavenStack SaaS", "USD", "data through 4 Jan 2025", "Questions: customer-operations@example.com"),
        "ja": ("RavenStack SaaS", "USD", "データは2025年1月4日まで", "お問い合わせ：customer-operations@example.com"),
    }[language]:
        assert words in masthead


def test_a_headline_without_spaces_breaks_between_clauses(sales: Path, reports: Path) -> None:
    headline = write_document(read_context(sales, "ja", reports)).summary.finding
    assert len(headline) > 3
    assert "".join(headline) == mail_summary(sales, "ja", reports).headline
    assert all(part.endswith(("、", "。")) or following.startswith("（") for part, following in pairwise(headline))
    assert len(write_document(read_context(sales, "en", reports)).summary.finding) == 1


def test_a_span_of_time_is_written_alike_on_every_page(tmp_path: Path, reports: Path) -> None:
    def half_days(values: list[Row], checks: list[Row]) -> None:
        for row in values:
            if row["metric"] == "sales_cycle_length" and row["dimension"] == "rep":
                row |= {"value": Decimal("12.5")}

    context = read_context(build(tmp_path, "sales", "2017-Q4", half_days), "en", reports)
    doc, label = write_document(context), context.close.metrics["sales_cycle_length"].label
    (cycle,) = [row for group in doc.summary.groups for row in group.rows if row.label == label]
    reps = next(block for block in doc.breakdowns.tables if block.dimension == "Sales rep")
    assert reps.total is not None
    assert reps.total.value.text == cycle.value.text
    printed = [cycle.value.text, cycle.target.text, *(row.value.text for row in (*reps.top, *reps.bottom))]
    assert {text for text in printed if text != "n/a"} > {"13\u00a0days"}
    assert not [text for text in printed if "." in text]


def test_a_baseline_that_is_only_drawn_asks_for_no_digits(tmp_path: Path, reports: Path) -> None:
    def small_before(values: list[Row], checks: list[Row]) -> None:
        for row in values:
            if (row["metric"], row["dimension"]) == ("booked_revenue", "region") and row["prior_value"]:
                row |= {"prior_value": Decimal(4362)}

    doc = write_document(read_context(build(tmp_path, "sales", "2017-Q4", small_before), "en", reports))
    regions = next(block for block in doc.breakdowns.tables if block.dimension == "Region")
    assert regions.total is not None
    (revenue,) = [row for group in doc.summary.groups for row in group.rows if row.label == "Booked revenue"]
    assert regions.total.value.text == revenue.value.text


def test_a_chart_over_the_period_in_which_its_source_began_makes_no_footnote(tmp_path: Path, reports: Path) -> None:
    def began_late(values: list[Row], checks: list[Row]) -> None:
        for row in values:
            if row["period"] == "2017-03":
                row |= {"is_complete": False, "elapsed_share": Decimal(1)}

    page = html(build(tmp_path, "sales", "2017-Q4", began_late), "en", reports)
    assert marks_without_note(page) == set()
    assert "is not over" not in page


def test_a_period_that_lacks_its_first_days_is_not_called_unfinished(tmp_path: Path, reports: Path) -> None:
    def began_late(values: list[Row], checks: list[Row]) -> None:
        for row in values:
            if (row["metric"], row["period"]) == ("win_rate", "2017-Q4"):
                row |= {"is_complete": False, "elapsed_share": Decimal(1)}

    page = html(build(tmp_path, "sales", "2017-Q4", began_late), "en", reports)
    assert "Data begin within Q4 2017; the figure is of a part of it." in page
    assert "is not over" not in page


def test_a_movement_is_compared_by_difference_and_few_records_in_no_percentage(
    customers: Path, tmp_path: Path, reports: Path
) -> None:
    def churned(values: list[Row], checks: list[Row]) -> None:
        for row in values:
            if (row["metric"], row["member"], row["period"]) == ("mrr_movement", "contraction", "2024-Q4"):
                row |= {"value": Decimal(0), "numerator": Decimal(0), "prior_value": Decimal(-21000)}
                row |= {"change": Decimal(21000), "change_ratio": Decimal(1)}
            if (row["metric"], row["member"], row["period"]) == ("mrr", "Pro", "2024-Q3"):
                row |= {"observations": 4}

    doc = write_document(read_context(build(tmp_path, "customers", "2024-Q4", churned), "en", reports))
    kinds = next(block for block in doc.breakdowns.tables if block.dimension == "Kind")
    changes = {row.name: row.vs_prior.text.replace("\u00a0", " ") for row in (*kinds.top, *kinds.bottom)}
    assert changes["Contraction"] == "+0.02 M"
    assert not [text for text in changes.values() if "%" in text]
    products = next(block for block in doc.breakdowns.tables if block.dimension == "Product")
    (pro,) = [row for row in products.top if row.name == "Pro"]
    assert pro.vs_prior.text == "n/a"
    assert dict(products.notes)[pro.vs_prior.note or ""] == "Too few records in Q3 2024 for a percentage."


@pytest.mark.parametrize(("name", "language", "unit"), [("sales", "en", "M"), ("customers", "ja", "万")])
def test_members_and_their_whole_are_in_one_unit(
    request: pytest.FixtureRequest, reports: Path, name: str, language: str, unit: str
) -> None:
    doc = write_document(read_context(request.getfixturevalue(name), language, reports))
    amounts = 0
    for block in (doc.summary.breakdown, *doc.breakdowns.tables):
        assert block is not None
        rows = [*block.top, *block.bottom, *([block.total] if block.total else [])]
        units = {re.sub(r"[−+\d.,\s]", "", row.value.text) for row in rows if row.value.tone != "na"}
        assert len(units) == 1, (block.title, units)
        amounts += units == {unit}
    assert amounts >= 2


def test_what_is_not_known_is_neither_best_nor_worst(tmp_path: Path, reports: Path) -> None:
    def unknown(values: list[Row], checks: list[Row]) -> None:
        highest = max(
            (
                row
                for row in values
                if (row["metric"], row["dimension"], row["period"]) == ("win_rate", "team", "2017-Q4")
            ),
            key=lambda row: row["value"],
        )
        highest["member"] = "unknown"

    doc = write_document(read_context(build(tmp_path, "sales", "2017-Q4", unknown), "en", reports))
    teams = next(block for block in doc.breakdowns.tables if block.dimension == "Team")
    assert [row.name for row in (*teams.top, *teams.bottom)].index("Unknown") == len(teams.top) + len(teams.bottom) - 1


def test_charts_say_what_their_periods_are_and_an_attainment_what_has_passed(sales: Path, reports: Path) -> None:
    doc = write_document(read_context(sales, "en", reports))
    assert (doc.summary.chart_grain, doc.summary.chart_span) == ("by month", "Dec 2016 – Dec 2017")
    charts = [card.row.chart for group in doc.indicators.groups for card in group.cards if card.row.chart]
    assert {chart.axis[1].text for chart in charts} == {"by month"}
    (attainment,) = [row for group in doc.summary.groups for row in group.rows if row.label == "Target attainment"]
    assert attainment.beside == " · 100\u00a0% elapsed"
    assert attainment.beside in html(sales, "en", reports)


def test_the_first_page_is_one_page_however_much_was_decided(tmp_path: Path, reports: Path) -> None:
    close = build(tmp_path, "sales", "2017-Q4", shown=18)
    actions = pq.read_table(close / "actions.parquet")
    pq.write_table(pa.concat_tables([actions] * 4), close / "actions.parquet")
    pages = PdfReader(io.BytesIO(render(close, "en", reports))).pages
    assert "Decided at the last review" in pages[0].extract_text()
    assert "against the target for the period" in pages[0].extract_text(), "its foot"
    assert "How the indicators hang together" in pages[1].extract_text()


def ids_of(pdf: bytes) -> set[str]:
    """Return every figure id of a file: in its text, in links, and in the command that shows how one is proved."""
    ids = set()
    for page in PdfReader(io.BytesIO(pdf)).pages:
        text = page.extract_text()
        for annotation in page.get("/Annots") or ():
            text += f" {annotation.get_object()}"
        ids |= set(re.findall(r"(?<![A-Za-z0-9])F\d{3,}(?!\d)", text))
    return ids


def proved(pdf: bytes) -> dict[str, str | None]:
    """Return the ids in a file's provenance, with their exact values."""
    attached = PdfReader(io.BytesIO(pdf)).attachments
    (content,) = [files[0] for name, files in attached.items() if name.endswith("provenance.json")]
    return {figure["figure_id"].rpartition(".")[2]: figure["value"] for figure in json.loads(content)["figures"]}


@pytest.mark.parametrize(("name", "language"), ALL)
def test_every_id_of_a_page_is_proved(
    request: pytest.FixtureRequest, pdf: Pdf, reports: Path, name: str, language: str
) -> None:
    close: Path = request.getfixturevalue(name)
    printed, listed = ids_of(pdf(name, language)), proved(pdf(name, language))
    doc = write_document(read_context(close, language, reports))
    assert len(printed) > 40
    assert printed <= listed.keys()
    assert {proof.figure_id for proof in doc.proof.figures} == listed.keys()
    named = {figure_id for point in doc.summary.key_points for figure_id in point.figure_ids}
    assert named
    assert named <= listed.keys()
    assert mail_summary(close, language, reports).figure_id in listed


@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_id_of_a_restatement_and_of_an_action_is_proved(tmp_path: Path, reports: Path, language: str) -> None:
    close = build(tmp_path, "sales", "2017-Q4")
    values = pq.read_table(close / "values.parquet", columns=["figure_id", "metric", "period", "dimension", "member"])
    # Members of a month, which no page prints.
    rows = [row for row in values.to_pylist() if (row["period"], row["dimension"]) == ("2017-05", "rep")][:5]
    change = {
        "field": "value",
        "old": "1",
        "new": "2",
        "why": "correction",
        "reasons": ["correction"],
        "grain": "month",
    }
    (close / "restatements.json").write_text(json.dumps([{**row, **change, "printed": True} for row in rows]))
    content = render(close, language, reports)
    restated = {row["figure_id"] for row in rows}
    assert restated <= ids_of(content)
    assert ids_of(content) <= proved(content).keys()


@pytest.mark.parametrize(("name", "language"), ALL)
def test_what_the_list_of_figures_calls_printed_is_printed_so(
    request: pytest.FixtureRequest, reports: Path, name: str, language: str
) -> None:
    close: Path = request.getfixturevalue(name)
    pages = re.sub(r"<[^>]*>", " ", html(close, language, reports).partition('id="proof"')[0])
    flat = re.sub(r"\s", "", unescape(pages))
    for proof in write_document(read_context(close, language, reports)).proof.figures:
        assert re.sub(r"\s", "", proof.printed) in flat, proof


def test_an_exact_value_has_the_same_digits_everywhere(sales: Path, pdf: Pdf, reports: Path) -> None:
    context = read_context(sales, "en", reports)
    doc = write_document(context)
    by_id = context.close.by_id
    exact = {proof.figure_id: proof.exact.strip() for proof in doc.proof.figures if proof.exact.strip() != "–"}
    assert exact == {figure_id: value for figure_id, value in proved(pdf("sales", "en")).items() if value is not None}
    for figure_id, text in exact.items():
        assert text == digits(by_id[figure_id].value or Decimal(0))
        assert Decimal(text) == by_id[figure_id].value


@pytest.mark.parametrize(("name", "language"), ALL)
def test_the_list_of_figures_has_its_head_once_on_every_page(
    request: pytest.FixtureRequest, pdf: Pdf, reports: Path, name: str, language: str
) -> None:
    head = "".join(write_document(read_context(request.getfixturevalue(name), language, reports)).proof.head)
    pages = [page.extract_text() for page in PdfReader(io.BytesIO(pdf(name, language))).pages]
    counts = [re.sub(r"\s", "", page).count(re.sub(r"\s", "", head)) for page in pages]
    assert counts[-1] == 1
    assert max(counts) == 1


@pytest.mark.parametrize("language", ["en", "ja"])
def test_what_was_checked_begins_with_what_is_made_of_the_sources(sales: Path, reports: Path, language: str) -> None:
    table = re.search(r'<table class="sources">.*?</table>', html(sales, language, reports), re.DOTALL)
    assert table is not None
    names = re.findall(r'<th scope="row">(.*?)</th>', table[0])
    assert "maven_crm" not in names[0]
    assert [name for name in names if "maven_crm." in name] == sorted(names[1:])
