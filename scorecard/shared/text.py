"""Text from outside, made safe to read: no control characters, no change of direction, no secret."""

import unicodedata

from scorecard.shared.redaction import redact

JOINERS = "\u200c\u200d"
"""Characters without a glyph that words of several scripts, and emoji, are spelled with."""

_HIDDEN = {"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"}


def is_hidden(character: str) -> bool:
    """Whether a character prints as nothing, moves the cursor, or turns the words beside it around."""
    return unicodedata.category(character) in _HIDDEN and character not in JOINERS


def coded(character: str) -> str:
    """Return the code of a character that can't be printed, as [U+202E]."""
    return f"[U+{ord(character):04X}]"


def plain(value: object, limit: int = 200) -> str:
    """Return a value from outside as one line of a message: no control characters, no secret, cut short."""
    text = "".join(" " if is_hidden(letter) or letter.isspace() else letter for letter in redact(str(value)))
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def on_one_line(text: str) -> str:
    """Return text as one line for a terminal or a log; characters that could forge a line show their code."""
    return "".join(coded(letter) if is_hidden(letter) else letter for letter in redact(text))


def on_lines(text: str) -> str:
    """As `on_one_line`, for the product's own text with line ends and tabs."""
    return "".join(letter if letter in "\n\t" or not is_hidden(letter) else coded(letter) for letter in redact(text))


def in_json(text: str) -> str:
    """Return JSON with each character that a terminal would obey as an escape; it means the same."""
    return "".join(_escaped(letter) if letter != "\n" and is_hidden(letter) else letter for letter in redact(text))


def _escaped(letter: str) -> str:
    return "".join(f"\\u{unit:04x}" for unit in memoryview(letter.encode("utf-16-le", "surrogatepass")).cast("H"))
