"""Each figure that is printed is in the close, on the list of figures and in the provenance, with the same digits."""

import re
from collections.abc import Callable
from decimal import Decimal
from html import unescape
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from scorecard.pdf import mail_summary, render
from scorecard.shared.decimals import digits
from tests.unit.pdf.changed_close import OpenClose, Row, changed_close
from tests.unit.pdf.printed import document, ids_of, page, provenance, texts, written

pytestmark = pytest.mark.xdist_group("pdf")

Pdf = Callable[[Path, str], bytes]


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


def test_every_figure_printed_is_in_the_close_and_rounds_to_what_is_printed(
    close: Path, pdf: Pdf, language: str
) -> None:
    rows = {row["figure_id"]: row for row in pq.read_table(close / "values.parquet").to_pylist()}
    content = pdf(close, language)
    text = "\n".join(texts(content))
    ids = set(re.findall(r"(?<![A-Za-z0-9.])F\d{3,}", text))
    listed = provenance(content)
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


def test_every_id_of_a_page_is_proved(close: Path, pdf: Pdf, reports: Path, language: str) -> None:
    printed, listed = ids_of(pdf(close, language)), provenance(pdf(close, language))
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
    assert ids_of(content) <= provenance(content).keys()


def test_what_the_list_of_figures_calls_printed_is_printed_so(close: Path, language: str) -> None:
    pages = re.sub(r"<[^>]*>", " ", page(close, language).partition('id="proof"')[0])
    flat = re.sub(r"\s", "", unescape(pages))
    for proof in document(close, language).proof.figures:
        assert re.sub(r"\s", "", proof.printed) in flat, proof


def test_an_exact_value_has_the_same_digits_everywhere(sales: Path, pdf: Pdf) -> None:
    context, doc = written(sales, "en")
    by_id = context.close.by_id
    exact = {proof.figure_id: proof.exact.strip() for proof in doc.proof.figures if proof.exact.strip() != "–"}
    values = {figure_id: figure["value"] for figure_id, figure in provenance(pdf(sales, "en")).items()}
    assert exact == {figure_id: value for figure_id, value in values.items() if value is not None}
    for figure_id, text in exact.items():
        assert text == digits(by_id[figure_id].value or Decimal(0))
        assert Decimal(text) == by_id[figure_id].value


def test_the_list_of_figures_has_its_head_once_on_every_page(close: Path, pdf: Pdf, language: str) -> None:
    head = re.sub(r"\s", "", "".join(document(close, language).proof.head))
    counts = [re.sub(r"\s", "", text).count(head) for text in texts(pdf(close, language))]
    assert counts[-1] == 1
    assert max(counts) == 1


def test_the_list_of_figures_goes_on_under_its_head_in_steady_columns(sales: Path, pdf: Pdf) -> None:
    last = texts(pdf(sales, "en"))[-1]
    assert "Exact value" in last
    assert "Printed figures" not in last
    for proof in document(sales, "ja").proof.figures:
        for text in (proof.printed, proof.exact, proof.observations):
            width = sum({".": 278, ",": 278, " ": 224, "万": 1000, "日": 1000}.get(letter, 555) for letter in text)
            assert abs(width - 13 * 555) <= 112 or "算" in text
