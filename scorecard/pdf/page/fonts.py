"""The fonts of a scorecard: their files, their characters, and what a page prints instead of a missing character."""

import hashlib
import subprocess
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from scorecard.shared.errors import ScorecardError
from scorecard.shared.text import JOINERS, is_hidden

FAMILY = "Noto Sans CJK JP"
"""The main font: it has Latin, Greek, Cyrillic, symbols and Japanese."""

FALLBACKS = (
    "Noto Sans",
    *(
        f"Noto Sans {script}"
        for script in (
            *("Arabic", "Hebrew", "Syriac", "Thaana", "Armenian", "Georgian", "Ethiopic", "Cherokee", "Tifinagh"),
            *("Devanagari", "Bengali", "Gurmukhi", "Gujarati", "Oriya", "Tamil", "Telugu", "Kannada", "Malayalam"),
            *("Sinhala", "Thai", "Lao", "Khmer", "Myanmar", "Javanese", "Mongolian", "Symbols", "Symbols2", "Math"),
        )
    ),
    "Symbola",
)
"""The fonts for names in other scripts and for emoji. The first family that has a character prints it."""

FAMILIES = ", ".join(f"'{family}'" for family in (FAMILY, *FALLBACKS))
"""All families, as a style sheet lists them. All are named, so that no machine chooses a substitute."""

STYLES = ("Regular", "Bold")
_CURE = "Install it: sudo apt-get install fonts-noto-cjk fonts-noto-core fonts-symbola"

_VARIATIONS = dict.fromkeys(range(0xFE00, 0xFE10))
"""Variation selectors ask for another look of the character before them. A page prints the character without it."""

_ISOLATE, _END_ISOLATE = "\u2068", "\u2069"
_RIGHT_TO_LEFT = {"R", "AL", "AN"}


@dataclass(frozen=True)
class FontFile:
    """One font: its family, its file, its index in the file, and the file's hash."""

    family: str
    path: Path
    index: int
    sha256: str


@cache
def font_files() -> tuple[FontFile, ...]:
    """Return the fonts of a scorecard, of each family all `STYLES` that it has. fontconfig finds their files.

    Raises
    ------
    ScorecardError: fontconfig or a family is not installed. The cure is the command to type.
    """
    columns = ["%{family[0]}", "%{style[0]}", "%{index}", "%{file}"]
    try:
        listed = subprocess.run(
            ["fc-list", "-f", "\t".join(columns) + "\n"],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout.splitlines()
    except (OSError, subprocess.SubprocessError) as error:
        raise ScorecardError(
            f"fontconfig can't list the fonts: {error}.",
            "Install it: sudo apt-get install fontconfig. If it is there, run `fc-list` and correct what it says.",
        ) from error
    installed = {(family, style): (index, file) for family, style, index, file in map(_fields, sorted(listed))}
    fonts = []
    for family in (FAMILY, *FALLBACKS):
        files = [installed[family, style] for style in STYLES if (family, style) in installed]
        if not files:
            raise ScorecardError(f"The font {family} is not installed.", _CURE)
        fonts += [FontFile(family, Path(file), int(index), _sha256(file)) for index, file in files]
    return tuple(fonts)


def font_hashes() -> dict[str, str]:
    """Return the sha256 of each font file by its name, for a close's manifest."""
    return {font.path.name: font.sha256 for font in font_files()}


@cache
def has_glyph(character: str) -> bool:
    """Whether a family has the character in all of its styles."""
    return any(
        all(ord(character) in _characters(font) for font in font_files() if font.family == family)
        for family in (FAMILY, *FALLBACKS)
    )


def visible(text: str, longest: int | None = None) -> str:
    """Return text from a source as a page may print it.

    A code such as [U+1F9D0] replaces a character that no font has. It also replaces control characters and direction
    marks, which print nothing or reorder the words beside them. Neighbours share one pair of brackets. Text from right
    to left is isolated, so that it does not reorder the figure beside it.

    Parameters
    ----------
    longest: the number of characters that the text may have. Longer text ends in an ellipsis.
    """
    parts: list[str] = []
    codes: list[str] = []
    for character in unicodedata.normalize("NFC", text).translate(_VARIATIONS):
        if _prints(character):
            parts += _bracket(codes)
            codes = []
            parts.append(character)
        else:
            codes.append(f"U+{ord(character):04X}")
    return _isolated(_cut("".join(parts + _bracket(codes)), longest))


def require_glyphs(text: str) -> None:
    """Check that the fonts have every character of the product's own words.

    Raises
    ------
    ScorecardError: no font has a character of the text.
    """
    for character in sorted(set(text)):
        if character not in f"\n\t{_ISOLATE}{_END_ISOLATE}" and not _prints(character):
            position = text.index(character)
            words = text[max(0, position - 30) : position + 30].strip()
            raise ScorecardError(
                f"No font has U+{ord(character):04X}, which stands in {words!r}.",
                "Write the text without it, or declare a font that has it in scorecard/pdf/page/fonts.py.",
            )


def _prints(character: str) -> bool:
    return character in JOINERS or (not is_hidden(character) and has_glyph(character))


def _bracket(codes: list[str]) -> list[str]:
    return [f"[{' '.join(codes)}]"] if codes else []


def _cut(text: str, longest: int | None) -> str:
    """Cut text short. A letter and its marks stay together."""
    if longest is None or len(text) <= longest:
        return text
    end = longest - 1
    while end > 1 and (text[end] in JOINERS or text[end - 1] in JOINERS or unicodedata.category(text[end])[0] == "M"):
        end -= 1
    return text[:end].rstrip() + "…"


def _isolated(text: str) -> str:
    is_reordered = any(unicodedata.bidirectional(character) in _RIGHT_TO_LEFT for character in text)
    return f"{_ISOLATE}{text}{_END_ISOLATE}" if is_reordered else text


def _fields(line: str) -> tuple[str, str, str, str]:
    family, style, index, file = (line.split("\t") + [""] * 4)[:4]
    return family, style, index, file


def _sha256(file: str) -> str:
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()


@cache
def _characters(font: FontFile) -> frozenset[int]:
    """Return the code points that a font has a glyph for."""
    from fontTools.ttLib import TTFont

    with TTFont(font.path, fontNumber=font.index, lazy=True) as opened:
        return frozenset(opened.getBestCmap())
