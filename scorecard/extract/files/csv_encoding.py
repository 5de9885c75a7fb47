"""Where a CSV file is not in the encoding that its contract declares."""

import codecs
from typing import IO

from scorecard.extract.files.export_file import ExportFile
from scorecard.shared.errors import ScorecardError

BLOCK = 1 << 20
"""Bytes of a file that are read at a time."""


def wrong_encoding(file: ExportFile, encoding: str) -> ScorecardError:
    """Return the error of a file that isn't in an encoding; it names the line and the first wrong byte."""
    with file.open() as raw:
        is_utf8 = raw.read(3) == codecs.BOM_UTF8 and encoding != "utf-8-sig"
    if is_utf8:
        return _not_in(encoding, file.name, "begins as a file in UTF-8 does")
    with file.open() as raw:
        wrong = _wrong_byte(raw, encoding)
    if wrong is None:
        return _not_in(encoding, file.name, "changed while it was read")
    offset, byte = wrong
    shown = f"the byte 0x{byte:02X}" if byte else "a zero byte"
    utf16 = ", as UTF-16 has" if not byte or (offset == 0 and byte in codecs.BOM_UTF16) else ""
    line = line_of(file, offset)
    return _not_in(encoding, file.name, f"has {shown} on line {line} (byte {offset + 1}){utf16}")


def _wrong_byte(raw: IO[bytes], encoding: str) -> tuple[int, int] | None:
    """Find the first byte that is zero or no text in the encoding: its offset and value."""
    may_have_zeros = encoding.startswith(("utf-16", "utf-32"))
    decoder = codecs.getincrementaldecoder("utf-8" if encoding == "utf-8-sig" else encoding)()
    offset, waiting = 0, b""
    while block := raw.read(BLOCK):
        zero = -1 if may_have_zeros else block.find(b"\0")
        text = block if zero < 0 else block[:zero]
        try:
            decoder.decode(text, zero >= 0)
        except UnicodeError as error:
            start = error.start if isinstance(error, UnicodeDecodeError) else 0
            return offset - len(waiting) + start, (waiting + text)[start]
        if zero >= 0:
            return offset + zero, 0
        offset, waiting = offset + len(block), bytes(decoder.getstate()[0])
    return (offset - len(waiting), waiting[0]) if waiting else None


def line_of(file: ExportFile, offset: int) -> int:
    """Count the lines up to an offset, whatever ends them."""
    line, before = 1, b""
    with file.open() as raw:
        while block := raw.read(min(BLOCK, offset)):
            line += block.count(b"\n") + block.count(b"\r") - (before + block).count(b"\r\n")
            offset, before = offset - len(block), block[-1:]
    return line


def _not_in(encoding: str, source_file: str, what: str) -> ScorecardError:
    name = {"utf-8-sig": "UTF-8"}.get(encoding, encoding)
    return ScorecardError(
        f"{source_file} is not {name}: it {what}.",
        "Export it again as UTF-8 (in Excel: CSV UTF-8), or write the encoding that it has as config.meta.encoding of"
        " its table in the contract; the warehouse was left as it was.",
    )
