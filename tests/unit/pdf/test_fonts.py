"""Names in any script are printed as they are written; codes stand only for what no font has."""

import csv
import subprocess
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from scorecard.pdf.page import fonts
from scorecard.shared.errors import ScorecardError

CASES = Path(__file__).parents[2] / "cases"


def names() -> list[str]:
    """Return the owners of the case: names in thirteen spellings and scripts."""
    with (CASES / "deals_names.csv").open(encoding="utf-8", newline="") as file:
        return sorted({deal["owner"] for deal in csv.DictReader(file)})


def test_every_name_of_the_case_is_printed_as_it_is_written() -> None:
    for name in names():
        printed = fonts.visible(name)
        assert "[U+" not in printed
        assert printed.strip("\u2068\u2069") == name.replace("\ufe0f", "")


@pytest.mark.parametrize(
    "block", [(0x0100, 0x0180), (0x0370, 0x03FF), (0x0400, 0x0500), (0x05D0, 0x05EB), (0x0E01, 0x0E3B)]
)
def test_the_letters_of_a_block_are_printed(block: tuple[int, int]) -> None:
    letters = [chr(code) for code in range(*block) if unicodedata.category(chr(code))[0] == "L"]
    assert [letter for letter in letters if not fonts.has_glyph(letter)] == []


def test_text_from_right_to_left_is_isolated() -> None:
    assert fonts.visible("שלום") == "\u2068שלום\u2069"
    assert fonts.visible("محمد 2") == "\u2068محمد 2\u2069"
    assert fonts.visible("Zoë 東京") == "Zoë 東京"


def test_what_no_font_can_print_is_made_visible() -> None:
    assert fonts.visible("\U0001fae8x") == "[U+1FAE8]x"
    assert fonts.visible("a\u202eb\x00\x07") == "a[U+202E]b[U+0000 U+0007]"
    assert fonts.visible("\u2069a") == "[U+2069]a"
    with pytest.raises(ScorecardError, match=r"U\+1FAE8"):
        fonts.require_glyphs("all is well \U0001fae8")


def test_a_long_name_is_cut_between_letters() -> None:
    assert fonts.visible("Constantinople", 6) == "Const…"
    assert fonts.visible("अमित शर्मा", 4) == "अमि…"
    assert fonts.visible("עִבְרִית", 4) == "\u2068עִ…\u2069"


@pytest.mark.parametrize("listed", ["DejaVu Sans\tBook\t0\t/x.ttf\n", ""])
def test_a_missing_font_is_named_with_the_command_that_installs_it(monkeypatch: Any, listed: str) -> None:
    fonts.font_files.cache_clear()
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 0, listed, ""))
    with pytest.raises(ScorecardError, match="apt-get install fonts-noto-cjk fonts-noto-core fonts-symbola"):
        fonts.font_files()
    fonts.font_files.cache_clear()


def test_fonts_are_known_by_their_hashes() -> None:
    hashes = fonts.font_hashes()
    assert {"NotoSansCJK-Regular.ttc", "NotoSansCJK-Bold.ttc", "NotoSansArabic-Bold.ttf"} <= set(hashes)
    assert all(len(digest) == 64 for digest in hashes.values())
