"""The fonts a scorecard is set in: where they are, what they hold, and what to print where they hold nothing."""

import hashlib
import subprocess
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from scorecard.shared.errors import ScorecardError
from scorecard.shared.text import JOINERS, is_hidden

FAMILY = "Noto Sans CJK JP"
"""What the pages are set in: Latin, Greek, Cyrillic, symbols and Japanese in one family."""

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
"""What names in other scripts, and emoji, are set in: the first family that has the character."""

FAMILIES = ", ".join(f"'{family}'" for family in (FAMILY, *FALLBACKS))
"""All of them, as a style sheet lists them. Every one is named, so no machine chooses a substitute."""

STYLES = ("Regular", "Bold")
_CURE = "Install it: sudo apt-get install fonts-noto-cjk fonts-noto-core fonts-symbola"

_VARIATIONS = dict.fromkeys(range(0xFE00, 0xFE10))
"""Variation selectors ask for another look of the character before, which is printed without it."""

_ISOLATE, _END_ISOLATE = "\u2068", "\u2069"
_TURNS = {"R", "AL", "AN"}


@dataclass(frozen=True)
class FontFile:
    """One font: its family, its file, its index in the file, the file's hash."""

    family: str
    path: Path
    index: int
    sha256: str


@cache
def font_files() -> tuple[FontFile, ...]:
    """Return the fonts that a scorecard is set in, found by fontconfig: of each family all `STYLES` that it has.

    Raises
    ------
    ScorecardError: fontconfig or a family is not installed; the cure is the command to type.
    """
    answer = ["%{family[0]}", "%{style[0]}", "%{index}", "%{file}"]
    try:
        listed = subprocess.run(
            ["fc-list", "-f", "\t".join(answer) + "\n"],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout.splitlines()
    except (OSError, subprocess.SubprocessError) as error:
        raise ScorecardError(
            f"fontconfig did not answer: {error}.", "Install it: sudo apt-get install fontconfig"
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
    """Whether a family can print the character in all of its styles."""
    return any(
        all(ord(character) in _characters(font) for font in font_files() if font.family == family)
        for family in (FAMILY, *FALLBACKS)
    )


def visible(text: str, longest: int | None = None) -> str:
    """Return text from a source as a page may print it.

    A character that no font has is replaced by its code, as [U+1F9D0]; so are control characters, direction marks and
    overrides, which print as nothing or turn the words beside them around. Neighbours share one pair of brackets. Text
    that is written from right to left is isolated, so that a figure beside it stays on its side.

    Parameters
    ----------
    longest: characters; what is longer is cut short and ends in an ellipsis.
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
    """Check the product's own words.

    Raises
    ------
    ScorecardError: no font has a character of the text.
    """
    for character in sorted(set(text)):
        if character not in f"\n\t{_ISOLATE}{_END_ISOLATE}" and not _prints(character):
            at = text.index(character)
            words = text[max(0, at - 30) : at + 30].strip()
            raise ScorecardError(
                f"No font has U+{ord(character):04X}, which stands in {words!r}.",
                "Write the text without it, or declare a font that has it in scorecard/pdf/page/fonts.py.",
            )


def _prints(character: str) -> bool:
    return character in JOINERS or (not is_hidden(character) and has_glyph(character))


def _bracket(codes: list[str]) -> list[str]:
    return [f"[{' '.join(codes)}]"] if codes else []


def _cut(text: str, longest: int | None) -> str:
    """Cut text short, never between a letter and a mark that belongs to it."""
    if longest is None or len(text) <= longest:
        return text
    end = longest - 1
    while end > 1 and (text[end] in JOINERS or text[end - 1] in JOINERS or unicodedata.category(text[end])[0] == "M"):
        end -= 1
    return text[:end].rstrip() + "…"


def _isolated(text: str) -> str:
    turns = any(unicodedata.bidirectional(character) in _TURNS for character in text)
    return f"{_ISOLATE}{text}{_END_ISOLATE}" if turns else text


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
