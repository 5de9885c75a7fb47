"""A language is a folder: its pages have its words, and English ones where it has none."""

import json
import shutil
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from scorecard.pdf import html, render
from tests.conftest import PROJECT
from tests.unit.pdf.changed_close import OpenClose, changed_close

WORDS = """\
msgid ""
msgstr ""
"Language: nl\\n"
"Content-Type: text/plain; charset=utf-8\\n"

msgid "status.ahead"
msgstr "voor op schema"
"""


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    """The product's pages, with a folder for Dutch that has one sentence of the pages."""
    folder = tmp_path / "reports"
    for name in ("templates", "styles", "locales"):
        shutil.copytree(PROJECT / "reports" / name, folder / name)
    dutch = folder / "locales" / "nl" / "LC_MESSAGES"
    dutch.mkdir(parents=True)
    (dutch / "scorecard.po").write_text(WORDS, encoding="utf-8")
    return folder


@pytest.fixture
def close(december: Path, tmp_path: Path) -> Path:
    """A close that froze one label in Dutch."""

    def in_dutch(close: OpenClose) -> None:
        close.show(["booked_revenue", "won_deals", "win_rate"], [("booked_revenue", "region")])
        close.definitions["metrics"]["win_rate"]["label"]["nl"] = "Scoringskans"

    return changed_close(december, tmp_path, in_dutch)


def test_a_page_has_the_words_of_a_third_language_and_english_where_it_has_none(close: Path, reports: Path) -> None:
    page = html(close, "nl", reports)
    english = html(close, "en", reports)
    assert 'lang="nl"' in page
    assert "voor op schema" in page
    assert "Scoringskans" in page
    assert "Scoringskans" not in english
    with (reports / "locales" / "en" / "LC_MESSAGES" / "scorecard.po").open("rb") as file:
        title = str(read_po(file).get("column.indicator").string)
    assert title
    assert title in page
    labels = json.loads((close / "definitions.json").read_text(encoding="utf-8"))["metrics"]["won_deals"]["label"]
    assert "nl" not in labels
    assert labels["en"] in page, "the label that the close has"


def test_it_prints(close: Path, reports: Path) -> None:
    assert render(close, "nl", reports).startswith(b"%PDF")
