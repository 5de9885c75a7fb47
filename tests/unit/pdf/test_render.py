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
from tests.conftest import PROJECT
from tests.unit.pdf.changed_close import Change, OpenClose, changed_close
from tests.unit.pdf.printed import document, page, texts

pytestmark = pytest.mark.samples

Pdf = Callable[[Path, str], bytes]
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


def _text(content: bytes) -> str:
    return "\n".join(texts(content))


def _attached(content: bytes, name: str) -> bytes:
    attachments = PdfReader(io.BytesIO(content)).attachments
    return next(content for key, contents in attachments.items() for content in contents if key.endswith(name))


def _rename(names: tuple[str, ...]) -> Change:
    """Give the reps other names, leave out those there is no name for, and show what names them and little else."""

    def change(close: OpenClose) -> None:
        reps = sorted({row["member"] for row in close.values if row["dimension"] == "rep"})
        renamed = dict(zip(reps, names, strict=False))
        close.values[:] = [row for row in close.values if row["dimension"] != "rep" or row["member"] in renamed]
        for row in close.values:
            if row["dimension"] == "rep":
                row["member"] = renamed[row["member"]]
        failed = next(check for check in close.checks if not check["passed"])
        failed |= {"message": names[0] + names[2], "words": None}
        close.show(["booked_revenue", "win_rate", "sales_cycle_length"], [("sales_cycle_length", "rep")])

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
    assert out.read_bytes() == pdf(customers, "ja")


def test_a_second_render_in_the_same_process_gives_the_same_bytes(customers: Path, pdf: Pdf, reports: Path) -> None:
    for _ in range(2):
        assert render(customers, "ja", reports) == pdf(customers, "ja")


@pytest.mark.parametrize(("name", "language"), BOTH)
def test_the_file_is_tagged_titled_and_has_no_clock(
    request: pytest.FixtureRequest, pdf: Pdf, name: str, language: str
) -> None:
    reader = PdfReader(io.BytesIO(pdf(request.getfixturevalue(name), language)))
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
    content = pdf(close, language)
    text = _text(content)
    ids = set(re.findall(r"(?<![A-Za-z0-9.])F\d{3,}", text))
    proof = json.loads(_attached(content, "provenance.json"))
    listed = {figure["figure_id"].rpartition(".")[2]: figure for figure in proof["figures"]}
    assert len(ids) > 40
    assert ids <= rows.keys()
    assert ids <= listed.keys()
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
        "(warnings W1, W4, W6, and W7)."
    )
    assert "61 to 1,196 (−0.14\u00a0M)" in summary.sentences[0]
    flat = re.sub(r"\s", "", _text(pdf(sales, "en")))
    for sentence in (summary.headline, *summary.sentences):
        assert re.sub(r"\s", "", sentence) in flat
    assert mail_summary(sales, "ja", reports).headline.startswith("受注額は6.0%減の280万、目標を5.0%下回る。")
    for language in ("en", "ja"):
        assert len(set(mail_summary(customers, language, reports).sentences)) == 3


def test_no_value_is_printed_as_such_with_the_reason_and_never_as_zero(sales: Path, pdf: Pdf) -> None:
    text = " ".join(_text(pdf(sales, "en")).split())
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


def test_hostile_names_are_text(december: Path, tmp_path: Path, reports: Path) -> None:
    close = changed_close(december, tmp_path, _rename(HOSTILE))
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
def test_names_in_any_script_are_readable(december: Path, tmp_path: Path, reports: Path, language: str) -> None:
    with (CASES / "deals_names.csv").open(encoding="utf-8", newline="") as file:
        names = sorted({deal["owner"] for deal in csv.DictReader(file)})
    close = changed_close(december, tmp_path, _rename(tuple(names)))
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


def test_ten_thousand_members_are_cut_on_the_page_and_whole_in_the_csv(
    december: Path, tmp_path: Path, reports: Path
) -> None:
    def many_reps(close: OpenClose) -> None:
        model, *_ = close.figures("sales_cycle_length", "2017-12", "rep")
        close.values.extend(
            {**model, "figure_id": f"F9{number:05}", "member": f"Rep {number:05}"} for number in range(10_000)
        )

    context = read_context(changed_close(december, tmp_path, many_reps), "en", reports)
    reps = next(block for block in write_document(context).breakdowns.tables if block.dimension == "Sales rep")
    assert (len(reps.top), len(reps.bottom)) == (12, 8)
    assert reps.gap is not None
    number = len(OpenClose(december).figures("sales_cycle_length", "2017-12", "rep"))
    assert f"{10_000 + number - 20:,} more" in reps.gap
    assert figures_csv(context).count(b"Rep 0") == 10_000


def test_a_restated_figure_is_printed_with_old_new_and_why(sales: Path, reports: Path, tmp_path: Path) -> None:
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
    close = changed_close(sales, tmp_path, lambda close: close.restatements.extend(entries))
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


def test_what_is_a_little_short_of_its_target_is_not_said_to_be_better(
    customers: Path, tmp_path: Path, reports: Path
) -> None:
    def a_little_short(close: OpenClose) -> None:
        for row in close.values:
            if row["dimension"] == "business_unit" and row["target"] and row["metric"] != "mrr":
                worse = Decimal("0.995") if METRICS[row["metric"]].direction == "higher" else Decimal("1.005")
                row |= {"value": row["target"] * worse, "status": "on_track"}

    context = read_context(changed_close(customers, tmp_path, a_little_short), "en", reports)
    reached, total = reached_targets(context)
    assert total > 3
    assert reached <= 1
    assert not [point.text for point in key_points(context) if "better than the target" in point.text]


def _few(metric: str, dimension: str, period: str, number: int) -> Change:
    """Let the first members of a dimension have too few records."""

    def change(close: OpenClose) -> None:
        rows = close.figures(metric, period, dimension)
        for row in sorted(rows, key=lambda row: -(row["value"] or 0))[:number]:
            row |= {"value": None, "na_reason": "too_few_observations", "status": "na"}

    return change


def test_a_member_of_too_few_records_stands_last_and_is_not_named_as_a_cause(
    customers: Path, tmp_path: Path, reports: Path
) -> None:
    (whole,) = OpenClose(customers).figures("customer_satisfaction", "2024-Q4")
    assert whole["status"] == "off_track"
    close = changed_close(customers, tmp_path, _few("customer_satisfaction", "country", "2024-Q4", 99))
    doc = write_document(read_context(close, "en", reports))
    block = next(block for block in doc.breakdowns.tables if block.dimension == "Country")
    assert {row.value.text for row in block.top} == {"n/a"}
    assert dict(block.notes)[block.top[-1].value.note or ""] == "Too few records in Q4 2024 to be meaningful."
    card = next(
        card for group in doc.indicators.groups for card in group.cards if card.row.label == "Customer satisfaction"
    )
    assert card.exception is not None
    assert "contributed most" not in card.exception


def test_the_worst_of_many_members_have_a_value(december: Path, tmp_path: Path, reports: Path) -> None:
    few = _few("sales_cycle_length", "rep", "2017-12", 3)
    doc = write_document(read_context(changed_close(december, tmp_path, few), "en", reports))
    reps = next(block for block in doc.breakdowns.tables if block.dimension == "Sales rep")
    assert reps.gap is not None
    assert "n/a" not in [row.value.text for row in (*reps.top, *reps.bottom)]


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


def test_what_a_member_had_none_of_before_is_not_called_missing(customers: Path) -> None:
    movements = OpenClose(customers).figures("mrr_movement", dimension="movement")
    periods = {row["period"] for row in movements if row["member"] == "reactivation"}
    assert "2024-Q4" in periods
    assert "2024-Q3" not in periods
    doc = document(customers, "en")
    block = next(block for block in doc.breakdowns.tables if block.dimension == "Kind")
    (row,) = [row for row in block.top if row.name == "Reactivation"]
    assert row.vs_prior.text == "n/a"
    assert dict(block.notes)[row.vs_prior.note or ""] == "Nothing in Q3 2024 to compare with."


def test_the_list_of_figures_goes_on_under_its_head_in_steady_columns(sales: Path, pdf: Pdf) -> None:
    last = texts(pdf(sales, "en"))[-1]
    assert "Exact value" in last
    assert "Printed figures" not in last
    for proof in document(sales, "ja").proof.figures:
        for text in (proof.printed, proof.exact, proof.observations):
            width = sum({".": 278, ",": 278, " ": 224, "万": 1000, "日": 1000}.get(letter, 555) for letter in text)
            assert abs(width - 13 * 555) <= 112 or "算" in text


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


def _edition_two(sales: Path, tmp_path: Path, entries: list[dict[str, Any]]) -> Path:
    def replaced(close: OpenClose) -> None:
        close.restatements.extend(entries)
        close.manifest["edition"] = 2

    return changed_close(sales, tmp_path, replaced)


def _restated(metric: str, dimension: str, old: str, new: str) -> dict[str, Any]:
    place = {"grain": "quarter", "period": "2017-Q4", "dimension": dimension, "member": "all", "figure_id": "F001"}
    change = {"field": "value", "why": "record changed", "reasons": ["record changed"]}
    return {"metric": metric, **place, **change, "old": old, "new": new}


def test_a_second_edition_says_on_its_first_page_what_it_changes(sales: Path, reports: Path, tmp_path: Path) -> None:
    assert document(sales, "en").edition_changes.summary is None
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
    def emoji(close: OpenClose) -> None:
        close.definitions["scorecard"]["title"]["en"] = "Sales \U0001fae8 scorecard"

    close = changed_close(sales, tmp_path, emoji)
    with pytest.raises(ScorecardError, match=r"No font has U\+1FAE8"):
        html(close, "en", reports)


def test_a_close_that_lacks_a_file_is_named(sales: Path, reports: Path, tmp_path: Path) -> None:
    close = tmp_path / sales.name
    shutil.copytree(sales, close)
    (close / "checks.parquet").unlink()
    with pytest.raises(ScorecardError, match=r"can't be read.*scorecard verify"):
        mail_summary(close, "en", reports)
