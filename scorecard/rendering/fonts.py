"""The fonts a scorecard is set in: where they are, what they hold, and what to print where they hold nothing."""

import hashlib
import subprocess
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from scorecard.errors import ScorecardError

# One family has Latin, Greek, symbols and Japanese, so no reader's machine chooses a substitute for us.
FAMILY = "Noto Sans CJK JP"
STYLES = ("Regular", "Bold")
_CURE = "Install it: sudo apt-get install fonts-noto-cjk"

# Right-to-left marks and overrides can turn the text around them; the rest of these categories print as nothing.
_HIDDEN = {"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"}


@dataclass(frozen=True)
class FontFile:
    """One font of the family: its file, its index in the file, the file's hash, the characters it has."""

    path: Path
    index: int
    sha256: str
    ranges: tuple[tuple[int, int], ...]

    def has(self, code: int) -> bool:
        """Whether the font has a glyph for a code point."""
        return any(first <= code <= last for first, last in self.ranges)


@cache
def font_files() -> tuple[FontFile, ...]:
    """Return the fonts that a scorecard is set in, found by fontconfig.

    Raises
    ------
    ScorecardError: fontconfig or a font is not installed; the cure is the command to type.
    """
    return tuple(_find(style) for style in STYLES)


def font_hashes() -> dict[str, str]:
    """Return the sha256 of each font file by its name, for a close's manifest."""
    return {font.path.name: font.sha256 for font in font_files()}


@cache
def has_glyph(character: str) -> bool:
    """Whether every font of the family can print the character."""
    return all(font.has(ord(character)) for font in font_files())


def visible(text: str) -> str:
    """Return text from a source with each character that can't be printed replaced by its code, as [U+1F600].

    Control characters, direction marks and overrides are replaced too: they print as nothing, or turn the words
    beside them around. Neighbours share one pair of brackets.
    """
    parts: list[str] = []
    hidden: list[str] = []
    for character in unicodedata.normalize("NFC", text):
        if _prints(character):
            parts += _bracket(hidden)
            hidden = []
            parts.append(character)
        else:
            hidden.append(f"U+{ord(character):04X}")
    return "".join(parts + _bracket(hidden))


def require_glyphs(text: str) -> None:
    """Check the product's own words.

    Raises
    ------
    ScorecardError: no font has a character of the text.
    """
    for character in sorted(set(text)):
        if character not in "\n\t" and not _prints(character):
            at = text.index(character)
            words = text[max(0, at - 30) : at + 30].strip()
            raise ScorecardError(
                f"No font has U+{ord(character):04X}, which stands in {words!r}.",
                "Write the text without it, or declare a font that has it in scorecard/rendering/fonts.py.",
            )


def _prints(character: str) -> bool:
    return unicodedata.category(character) not in _HIDDEN and has_glyph(character)


def _bracket(codes: list[str]) -> list[str]:
    return [f"[{' '.join(codes)}]"] if codes else []


def _find(style: str) -> FontFile:
    pattern = f"{FAMILY}:style={style}"
    answer = ["%{family[0]}", "%{style[0]}", "%{index}", "%{file}", "%{charset}"]
    try:
        found = subprocess.run(
            ["fc-match", "-f", "\t".join(answer), pattern],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout.split("\t")
    except (OSError, subprocess.SubprocessError) as error:
        raise ScorecardError(
            f"fontconfig did not answer: {error}.", "Install it: sudo apt-get install fontconfig"
        ) from error
    # fc-match never fails: where a font is missing it names another one.
    if len(found) != len(answer) or FAMILY not in found[0] or found[1] != style:
        raise ScorecardError(f"The font {FAMILY} {style} is not installed.", _CURE)
    path = Path(found[3])
    return FontFile(path, int(found[2]), hashlib.sha256(path.read_bytes()).hexdigest(), _ranges(found[4]))


def _ranges(charset: str) -> tuple[tuple[int, int], ...]:
    pairs = (part.partition("-") for part in charset.split())
    return tuple((int(first, 16), int(last or first, 16)) for first, _, last in pairs)
