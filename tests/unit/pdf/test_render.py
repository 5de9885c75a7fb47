"""A close as PDF: the same bytes each time, nothing fetched, names printed as text."""

import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from scorecard.pdf import html, mail_summary, render
from scorecard.pdf.attachments import figures_csv
from scorecard.pdf.document import read_context
from scorecard.pdf.rendering import _fetcher
from scorecard.shared.errors import ScorecardError
from tests.conftest import PROJECT
from tests.unit.pdf.changed_close import Change, OpenClose, changed_close
from tests.unit.pdf.printed import texts

Pdf = Callable[[Path, str], bytes]
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


def test_the_file_is_tagged_titled_and_has_no_clock(close: Path, pdf: Pdf, language: str) -> None:
    reader = PdfReader(io.BytesIO(pdf(close, language)))
    root: Any = reader.trailer["/Root"]
    assert len(reader.pages) >= 4
    assert root["/Lang"] == language
    assert root["/MarkInfo"]["/Marked"] is True or str(root["/MarkInfo"]["/Marked"]).lower() == "true"
    assert reader.metadata is not None
    assert reader.metadata.title
    assert "/CreationDate" not in reader.metadata
    assert b"pdfuaid" in root["/Metadata"].get_data()


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
