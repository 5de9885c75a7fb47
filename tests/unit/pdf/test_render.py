"""A close as PDF: the same bytes each time, every figure to be proved, nothing fetched, nothing hidden."""

import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pypdf import PdfReader

from scorecard.catalogue import load_catalogue
from scorecard.pdf import html, mail_summary, render
from scorecard.pdf.attachments import figures_csv
from scorecard.pdf.document import read_context, write_document
from scorecard.pdf.page.close_content import Check
from scorecard.pdf.rendering import _fetcher
from scorecard.pdf.sections.summary.analysis import reached_targets
from scorecard.pdf.sections.summary.key_points import key_points
from scorecard.shared.errors import ScorecardError
from scorecard.shared.mail_summary import MailSummary
from scorecard.shared.settings import Settings
from tests.unit.pdf.close_fixture import PROJECT, Row, build

pytestmark = pytest.mark.samples

Pdf = Callable[[str, str], bytes]
BOTH = [("sales", "en"), ("customers", "ja")]
CASES = Path(__file__).parents[2] / "cases"
HOSTILE = (
    "<script>alert(1)</script>",
    "{{ 7 * 7 }} {% raw %}",
    '<img src="file:///etc/passwd">',
    '<link rel="attachment" href="http://127.0.0.1:9/">',
    "שלום עולם",
    "\U0001fae8 \u202egnirts",
    "=cmd|' /C calc'!A0",
    "../../../etc/passwd",
    "W" * 200,
)


@cache
def _text(pdf: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)


def _attached(pdf: bytes, name: str) -> bytes:
    attachments = PdfReader(io.BytesIO(pdf)).attachments
    return next(content for key, contents in attachments.items() for content in contents if key.endswith(name))


def _rename(names: tuple[str, ...]) -> Callable[[list[Row], list[Row]], None]:
    """Give the reps other names, and leave out those there is no name for."""

    def change(values: list[Row], checks: list[Row]) -> None:
        reps = sorted({row["member"] for row in values if row["dimension"] == "rep"})
        renamed = dict(zip(reps, names, strict=False))
        values[:] = [row for row in values if row["dimension"] != "rep" or row["member"] in renamed]
        for row in values:
            if row["dimension"] == "rep":
                row["member"] = renamed[row["member"]]
        checks[-1]["message"] = names[0] + names[2]

    return change


def test_the_same_close_gives_the_same_bytes_in_another_folder_and_process(
    customers: Path, pdf: Pdf, tmp_path: Path
) -> None:
    close, reports = tmp_path / "elsewhere" / customers.name, tmp_path / "reports"
    shutil.copytree(customers, close)
    for name in ("templates", "styles", "locales"):
        shutil.copytree(PROJECT / "reports" / name, reports / name)
    manifest = json.loads((close / "manifest.json").read_text())
    (close / "manifest.json").write_text(json.dumps({**manifest, "closed_at": "2031-01-01T00:00:00Z"}))
    code = (
        "import sys, pathlib; from scorecard.pdf import render; c, r, o = map(pathlib.Path, sys.argv[1:]); "
        "o.write_bytes(render(c, 'ja', r))"
    )
    out = tmp_path / "out.pdf"
    env = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "LC_ALL": "C", "SOURCE_DATE_EPOCH": "1"}
    subprocess.run([sys.executable, "-c", code, close, reports, out], check=True, env=env, cwd=tmp_path)
    assert out.read_bytes() == pdf("customers", "ja")


def test_a_second_render_in_the_same_process_gives_the_same_bytes(customers: Path, pdf: Pdf, reports: Path) -> None:
    assert render(customers, "ja", reports) == pdf("customers", "ja")


@pytest.mark.parametrize(("name", "language"), BOTH)
def test_the_file_is_tagged_titled_and_has_no_clock(pdf: Pdf, name: str, language: str) -> None:
    reader = PdfReader(io.BytesIO(pdf(name, language)))
    root: Any = reader.trailer["/Root"]
    assert len(reader.pages) >= 4
    assert root["/Lang"] == language
    assert root["/MarkInfo"]["/Marked"] is True or str(root["/MarkInfo"]["/Marked"]).lower() == "true"
    assert reader.metadata is not None
    assert reader.metadata.title
    assert "/CreationDate" not in reader.metadata
    assert b"pdfuaid" in root["/Metadata"].get_data()


@pytest.mark.parametrize(("name", "language"), BOTH)
def test_every_figure_printed_is_in_the_close_and_rounds_to_what_is_printed(
    request: pytest.FixtureRequest, pdf: Pdf, name: str, language: str
) -> None:
    close: Path = request.getfixturevalue(name)
    rows = {row["figure_id"]: row for row in pq.read_table(close / "values.parquet").to_pylist()}
    text = _text(pdf(name, language))
    ids = set(re.findall(r"(?<![A-Za-z0-9.])F\d{3,}", text))
    proof = json.loads(_attached(pdf(name, language), "provenance.json"))
    listed = {figure["figure_id"].rpartition(".")[2]: figure for figure in proof["figures"]}
    assert len(ids) > 40
    assert ids <= rows.keys()
    assert ids - listed.keys() <= {"FY"}
    flat = re.sub(r"\s", "", text)
    for figure_id, figure in listed.items():
        value = rows[figure_id]["value"]
        assert (figure["value"] is None) == (value is None)
        assert re.sub(r"\s", "", figure["printed"]) in flat
        if value is None:
            assert figure["printed"] == {"en": "n/a", "ja": "算出不可"}[language]
        else:
            assert Decimal(figure["value"]) == value
            _assert_rounds(figure["printed"], value)


def _assert_rounds(printed: str, value: Decimal) -> None:
    parts = re.match(r"([−+]?)([\d,]+)(?:\.(\d+))?\s*(\D*)$", printed)
    assert parts, printed
    sign, whole, decimals, unit = parts.groups()
    number = Decimal(f"{whole.replace(',', '')}.{decimals or '0'}") * (-1 if sign == "−" else 1)
    factor = {"M": Decimal(10**6), "万": Decimal(10**4), "億": Decimal(10**8), "%": Decimal("0.01")}.get(
        unit, Decimal(1)
    )
    half = Decimal(1).scaleb(-len(decimals or "")) * factor / 2
    assert abs(number * factor - value) <= half, (printed, value)


def test_the_summary_says_what_the_first_page_says(sales: Path, customers: Path, pdf: Pdf, reports: Path) -> None:
    summary = mail_summary(sales, "en", reports)
    assert isinstance(summary, MailSummary)
    assert summary.title == "Sales scorecard"
    assert summary.period_label == "Q4 2017 (1 Oct – 31 Dec)"
    assert summary.headline.replace("\u00a0", " ") == (
        "Booked revenue fell 6.0 % to 2.80 M, 5.0 % short of target; won deals and average deal size both fell "
        "(booked revenue: warning W2)."
    )
    assert "61 to 1,196 (−0.14\u00a0M)" in summary.sentences[0]
    flat = re.sub(r"\s", "", _text(pdf("sales", "en")))
    for sentence in (summary.headline, *summary.sentences):
        assert re.sub(r"\s", "", sentence) in flat
    assert mail_summary(sales, "ja", reports).headline.startswith("受注額は6.0%減の280万、目標を5.0%下回る。")
    for language in ("en", "ja"):
        assert len(set(mail_summary(customers, language, reports).sentences)) == 3


def test_no_value_is_printed_as_such_with_the_reason_and_never_as_zero(sales: Path, pdf: Pdf, reports: Path) -> None:
    text = " ".join(_text(pdf("sales", "en")).split())
    assert "Win rate by value – The source does not hold what the indicator needs." in text
    assert "No data for Q4 2016 to compare with." in text
    row = next(
        row
        for group in write_document(read_context(sales, "en", reports)).summary.groups
        for row in group.rows
        if row.label == "Win rate by value"
    )
    assert (row.value.text, row.vs_target.text, row.status.word) == ("n/a", "–", "n/a")


def test_warnings_stand_beside_the_figures_they_touch(sales: Path, reports: Path) -> None:
    doc = write_document(read_context(sales, "en", reports))
    marks = {row.label: row.checks for group in doc.summary.groups for row in group.rows}
    assert marks["Booked revenue"] == ("W2",)
    assert marks["Win rate"] == ("W1",)
    assert marks["Won deals"] == ()
    assert doc.data_quality.failed_counts == "2 warnings"
    assert [check.failures for check in doc.data_quality.failed] == ["1,425 of 8,800", "1,480 of 8,800"]


def test_hostile_names_are_text(tmp_path: Path, reports: Path) -> None:
    close = build(tmp_path, "sales", "2017-12", _rename(HOSTILE))
    text = re.sub(r"\s", "", _text(render(close, "en", reports)))
    assert "<script>alert(1)</script>" in text
    assert "{{7*7}}{%raw%}" in text
    assert '<imgsrc="file:///etc/passwd">' in text
    assert "[U+1FAE8][U+202E]gnirts" in text
    assert "W" * 47 + "…" in text
    assert "root:" not in text
    rows = list(csv.reader(io.StringIO(figures_csv(read_context(close, "en", reports)).decode("utf-8-sig"))))
    cells = {cell for row in rows for cell in row[:7]}
    assert "'=cmd|' /C calc'!A0" in cells
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in cells)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_names_in_any_script_are_readable(tmp_path: Path, reports: Path, language: str) -> None:
    with (CASES / "deals_names.csv").open(encoding="utf-8", newline="") as file:
        names = sorted({deal["owner"] for deal in csv.DictReader(file)})
    close = build(tmp_path, "sales", "2017-12", _rename(tuple(names)))
    text = _text(render(close, language, reports))
    assert "[U+" not in text
    for name in names:
        # Scripts from right to left are extracted in another order, and some letters as one sign with their marks.
        assert set(name.replace(" ", "")) <= set(text), name
    for name in ("Łukasz Żak", "Dvořák Šťastný", "İbrahim Şahin", "Ελένη Παπαδοπούλου", "Їжак Олексій", "김민수"):
        assert name in text


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9/x.css",
        "file:///etc/passwd",
        "data:text/css,",
        "file://host/share",
        "{reports}/../pyproject.toml",
    ],
)
def test_nothing_outside_reports_is_fetched(reports: Path, url: str) -> None:
    from weasyprint.urls import FatalURLFetchingError

    with pytest.raises(FatalURLFetchingError, match="not part of reports"):
        _fetcher(reports).fetch(url.format(reports=reports.as_uri()))


def test_ten_thousand_members_are_cut_on_the_page_and_whole_in_the_csv(tmp_path: Path, reports: Path) -> None:
    def change(values: list[Row], checks: list[Row]) -> None:
        model = next(r for r in values if (r["metric"], r["dimension"]) == ("sales_cycle_length", "rep"))
        values += [{**model, "period": "2017-12", "member": f"Rep {number:05}"} for number in range(10_000)]

    context = read_context(build(tmp_path, "sales", "2017-12", change), "en", reports)
    reps = next(block for block in write_document(context).breakdowns.tables if block.dimension == "Sales rep")
    assert (len(reps.top), len(reps.bottom)) == (12, 8)
    assert reps.gap is not None
    assert re.search(r"10,0\d\d more", reps.gap) or re.search(r"9,9\d\d more|10,0\d\d", reps.gap)
    assert figures_csv(context).count(b"Rep 0") == 10_000


def test_a_restated_figure_is_printed_with_old_new_and_why(sales: Path, reports: Path, tmp_path: Path) -> None:
    close = tmp_path / sales.name
    shutil.copytree(sales, close)
    entry = {
        **{
            "metric": "booked_revenue",
            "grain": "quarter",
            "period": "2017-Q4",
            "dimension": "company",
            "member": "all",
        },
        **{"field": "value", "old": "2700000", "new": "2802496", "why": "late record", "reasons": ["late record"]},
    }
    entries = [
        *({"figure_id": f"F{n:03}", "printed": True, **entry} for n in range(1, 42)),
        *({"figure_id": f"F9{n:03}", "printed": False, **entry} for n in range(40)),
        {"figure_id": "F002", **entry, "field": "records", "old": "2802496"},
    ]
    (close / "restatements.json").write_text(json.dumps(entries))
    doc = write_document(read_context(close, "ja", reports))
    assert (
        doc.edition_changes.restated[0].old,
        doc.edition_changes.restated[0].new,
        doc.edition_changes.restated[0].why,
    ) == (
        "270万",
        "280万",
        "記録の遅延到着",
    )
    assert len(doc.edition_changes.restated) == 41, "all that were printed before"
    assert doc.edition_changes.notes == (
        "ほかに、前版に印字されていない数値40件が変わった。添付の provenance.json に一覧がある。",
        "1件の数値は、元の記録が入れ替わったが、差し引き0で値は変わらない。",
    )


def test_old_and_new_of_a_restatement_are_in_one_unit_and_of_a_named_period(
    sales: Path, reports: Path, tmp_path: Path
) -> None:
    rows = [
        _restated("booked_revenue", "business_unit", "999000", "1250000"),
        _restated("sales_cycle_length", "business_unit", "49.5", "51"),
    ]
    close = _edition_two(sales, tmp_path, rows)
    shown = write_document(read_context(close, "en", reports)).edition_changes.restated
    assert [(row.old.replace("\u00a0", " "), row.new.replace("\u00a0", " ")) for row in shown] == [
        ("1.00 M", "1.25 M"),
        ("50 days", "51 days"),
    ]
    assert {row.period for row in shown} == {"Q4 2017"}
    assert write_document(read_context(close, "ja", reports)).edition_changes.restated[0].period == "2017年第4四半期"
    assert write_document(read_context(close, "ja", reports)).proof.figures[0].what.endswith("2017年第4四半期")


METRICS = load_catalogue(Settings()).metrics


def test_what_is_a_little_short_of_its_target_is_not_said_to_be_better(tmp_path: Path, reports: Path) -> None:
    def change(values: list[Row], checks: list[Row]) -> None:
        for row in values:
            if row["dimension"] == "business_unit" and row["target"] and row["metric"] != "mrr":
                worse = Decimal("0.995") if METRICS[row["metric"]].direction == "higher" else Decimal("1.005")
                row |= {"value": row["target"] * worse, "status": "on_track"}

    context = read_context(build(tmp_path, "customers", "2024-Q4", change), "en", reports)
    reached, total = reached_targets(context)
    assert total > 3
    assert reached <= 1
    assert not [point.text for point in key_points(context) if "better than the target" in point.text]


def _few(metric: str, dimension: str, period: str, number: int) -> Callable[[list[Row], list[Row]], None]:
    """Let the first members of a dimension have too few records."""

    def change(values: list[Row], checks: list[Row]) -> None:
        rows = [
            row for row in values if (row["metric"], row["dimension"], row["period"]) == (metric, dimension, period)
        ]
        for row in sorted(rows, key=lambda row: -(row["value"] or 0))[:number]:
            row |= {"value": None, "na_reason": "too_few_observations", "status": "na"}

    return change


def test_a_member_of_too_few_records_stands_last_and_is_not_named_as_a_cause(tmp_path: Path, reports: Path) -> None:
    def few(values: list[Row], checks: list[Row]) -> None:
        _few("customer_satisfaction", "country", "2024-Q4", 99)(values, checks)
        for row in values:
            if (row["metric"], row["dimension"], row["period"]) == (
                "customer_satisfaction",
                "business_unit",
                "2024-Q4",
            ):
                row |= {"status": "off_track", "target": Decimal("0.7"), "expected": Decimal("0.7")}

    doc = write_document(read_context(build(tmp_path, "customers", "2024-Q4", few), "en", reports))
    block = next(block for block in doc.breakdowns.tables if block.dimension == "Country")
    assert {row.value.text for row in block.top} == {"n/a"}
    assert dict(block.notes)[block.top[-1].value.note or ""] == "Too few records in Q4 2024 to be meaningful."
    card = next(
        card for group in doc.indicators.groups for card in group.cards if card.row.label == "Customer satisfaction"
    )
    assert card.exception is not None
    assert "contributed most" not in card.exception


def test_the_worst_of_many_members_have_a_value(tmp_path: Path, reports: Path) -> None:
    few = _few("sales_cycle_length", "rep", "2017-12", 3)
    doc = write_document(read_context(build(tmp_path, "sales", "2017-12", few), "en", reports))
    reps = next(block for block in doc.breakdowns.tables if block.dimension == "Sales rep")
    assert reps.gap is not None
    assert "n/a" not in [row.value.text for row in (*reps.top, *reps.bottom)]


def test_a_warning_says_beside_the_figure_in_how_many_rows(customers: Path, reports: Path) -> None:
    for language, rows in (("en", "Churn flags agree with churn events (312 of 8,800)"), ("ja", "（8,800件中312件）")):
        doc = write_document(read_context(customers, language, reports))
        assert rows in dict(doc.summary.check_notes)["W1"]
        (warning,) = {text for group in doc.indicators.groups for card in group.cards for _, text in card.warnings}
        assert warning.endswith("312 of 500 accounts contradicts their churn events; periods are the truth")


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


def test_what_a_member_had_none_of_before_is_not_called_missing(customers: Path, reports: Path, tmp_path: Path) -> None:
    def change(values: list[Row], checks: list[Row]) -> None:
        key = ("mrr_movement", "reactivation")
        before = [row for row in values if (row["metric"], row["member"], row["period"]) == (*key, "2024-Q3")]
        values[:] = [row for row in values if row not in before]
        for row in values:
            if (row["metric"], row["member"], row["period"]) == (*key, "2024-Q4"):
                row |= {"prior_value": None, "change": None, "change_ratio": None}

    doc = write_document(read_context(build(tmp_path, "customers", "2024-Q4", change), "en", reports))
    block = next(block for block in doc.breakdowns.tables if block.dimension == "Kind")
    (row,) = [row for row in block.top if row.name == "Reactivation"]
    assert row.vs_prior.text == "n/a"
    assert dict(block.notes)[row.vs_prior.note or ""] == "Nothing in Q3 2024 to compare with."


def test_the_list_of_figures_goes_on_under_its_head_in_steady_columns(sales: Path, pdf: Pdf, reports: Path) -> None:
    last = PdfReader(io.BytesIO(pdf("sales", "en"))).pages[-1].extract_text()
    assert "Exact value" in last
    assert "Printed figures" not in last
    for proof in write_document(read_context(sales, "ja", reports)).proof.figures:
        for text in (proof.printed, proof.exact, proof.observations):
            width = sum({".": 278, ",": 278, " ": 224, "万": 1000, "日": 1000}.get(letter, 555) for letter in text)
            assert abs(width - 13 * 555) <= 112 or "算" in text


def test_a_figure_that_settles_later_says_until_when(customers: Path, sales: Path, reports: Path) -> None:
    assert write_document(read_context(customers, "en", reports)).data_quality.provisional == (
        "Customer churn rate: what the days until 30 Jan 2025 bring may still change it.",
    )
    assert write_document(read_context(sales, "en", reports)).data_quality.provisional == ()


def test_a_figure_that_settles_later_carries_a_note_and_keeps_no_period_open(customers: Path, reports: Path) -> None:
    doc = write_document(read_context(customers, "en", reports))
    (churn,) = [row for group in doc.summary.groups for row in group.rows if row.label == "Customer churn rate"]
    assert dict(doc.summary.notes)[churn.value.note or ""] == "What happens until 30 Jan 2025 may still change it."
    assert doc.data_through is None


@pytest.mark.parametrize(
    ("language", "says"), [("en", "provisional: data through 10 Dec"), ("ja", "暫定版：データは12月10日まで")]
)
def test_a_period_that_was_not_over_is_called_provisional_on_page_one_and_in_the_subject(
    sales: Path, tmp_path: Path, reports: Path, language: str, says: str
) -> None:
    close = tmp_path / sales.name
    shutil.copytree(sales, close)
    definitions = json.loads((close / "definitions.json").read_text())
    definitions["horizons"] = {"booked_revenue": {"first_day": "2016-10-20", "last_day": "2017-12-10"}}
    (close / "definitions.json").write_text(json.dumps(definitions))
    assert f"<b>{says}</b>" in html(close, language, reports)
    assert says in mail_summary(close, language, reports).period_label
    definitions["horizons"]["booked_revenue"]["last_day"] = "2017-12-31"
    (close / "definitions.json").write_text(json.dumps(definitions))
    assert says.partition(" ")[0] not in mail_summary(close, language, reports).period_label
    doc = write_document(read_context(close, language, reports))
    assert doc.data_through == {"en": "data through 31 Dec", "ja": "データは12月31日まで"}[language]
    assert f"<b>{doc.data_through}</b>" not in html(close, language, reports)


def _edition_two(sales: Path, tmp_path: Path, entries: list[dict[str, Any]]) -> Path:
    close = tmp_path / sales.name
    shutil.copytree(sales, close)
    (close / "restatements.json").write_text(json.dumps(entries))
    manifest = json.loads((close / "manifest.json").read_text())
    (close / "manifest.json").write_text(json.dumps({**manifest, "edition": 2}))
    return close


def _restated(metric: str, dimension: str, old: str, new: str) -> dict[str, Any]:
    place = {"grain": "quarter", "period": "2017-Q4", "dimension": dimension, "member": "all", "figure_id": "F001"}
    change = {"field": "value", "why": "record changed", "reasons": ["record changed"]}
    return {"metric": metric, **place, **change, "old": old, "new": new}


def test_a_second_edition_says_on_its_first_page_what_it_changes(sales: Path, reports: Path, tmp_path: Path) -> None:
    assert write_document(read_context(sales, "en", reports)).edition_changes.summary is None
    rows = [
        _restated("win_rate", "rep", "0.5", "0.6"),
        _restated("booked_revenue", "business_unit", "2802496", "2801985"),
        _restated("win_rate", "team", "0.60301", "0.60304"),
    ]
    close = _edition_two(sales, tmp_path, rows)
    doc = write_document(read_context(close, "en", reports))
    sentence = (
        "Edition 2 replaces the one before: 3 printed figures differ, first of all of booked revenue and win rate."
    )
    assert doc.edition_changes.summary == sentence
    assert mail_summary(close, "en", reports).edition == sentence
    assert mail_summary(close, "en", reports).edition_mark == ", edition 2"
    assert mail_summary(close, "ja", reports).edition_mark == "（第2版）"
    assert sentence in html(close, "en", reports)
    shown = {(row.old, row.new) for row in doc.edition_changes.restated}
    assert ("2,802,496.00", "2,801,985.00") in shown, "2.80 M and 2.80 M would say nothing"
    assert ("60.3010\u00a0%", "60.3040\u00a0%") in shown


def test_a_second_edition_without_other_figures_says_so(sales: Path, reports: Path, tmp_path: Path) -> None:
    doc = write_document(read_context(_edition_two(sales, tmp_path, []), "en", reports))
    assert doc.edition_changes.summary is not None
    assert "no figure differs" in doc.edition_changes.summary
    assert "check" not in doc.edition_changes.summary, "of a close that does not say it"


def test_a_second_edition_names_what_else_a_reader_sees(sales: Path, reports: Path, tmp_path: Path) -> None:
    check = {"field": "check", "check_id": "c1", "name": "amounts", "seen": True}
    rows = [
        {**check, "old": "passed", "new": "failed"},
        {**check, "old": "failed", "new": "passed"},
        {**check, "old": "failed", "new": None},
        {**check, "old": "failed", "new": "failed"},
        {"field": "action", "metric": "win_rate", "old": "Call", "new": None, "seen": True},
        {"field": "indicator", "metric": "win_rate", "dimension": None, "old": None, "new": "shown", "seen": True},
        {**_restated("won_deals", "rep", "1", "2"), "printed": False},
    ]
    close = _edition_two(sales, tmp_path, rows)
    doc = write_document(read_context(close, "en", reports))
    assert doc.edition_changes.summary == (
        "Edition 2 replaces the one before: 1 figure differs that was not printed; 1 check has another outcome and "
        "fails now; 1 check still fails, with other marks; 2 checks fail no more; "
        "1 action changed; what is shown of win rate changed."
    )
    assert doc.edition_changes.restated == ()
    assert 'href="#restated"' in html(close, "ja", reports)


def test_a_character_no_font_has_in_our_own_words_stops_the_document(
    sales: Path, reports: Path, tmp_path: Path
) -> None:
    close = tmp_path / sales.name
    shutil.copytree(sales, close)
    path = close / "definitions.json"
    text = path.read_text(encoding="utf-8").replace("Sales scorecard", "Sales \U0001fae8 scorecard")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ScorecardError, match=r"No font has U\+1FAE8"):
        html(close, "en", reports)


def test_a_close_that_lacks_a_file_is_named(sales: Path, reports: Path, tmp_path: Path) -> None:
    close = tmp_path / sales.name
    shutil.copytree(sales, close)
    (close / "checks.parquet").unlink()
    with pytest.raises(ScorecardError, match=r"can't be read.*scorecard verify"):
        mail_summary(close, "en", reports)
