"""The files inside the PDF: the figures as CSV, and their provenance as JSON."""

import csv
import io
import json
import re
from decimal import Decimal

from scorecard.pdf.page import Figure, PageContext
from scorecard.shared.decimals import digits

# A formula may begin a cell. Spreadsheets of some countries also split cells at other characters, read full-width signs
# as plain ones, and skip blanks and line ends before them.
_FORMULA = re.compile(r"(^|[;|\t\r\n])(\s*[=+\-@＝＋－＠])")

_TEXT = ("figure_id", "metric", "period", "dimension", "member", "na_reason", "status")
_NUMBERS = (
    "value",
    "at_most",
    "longer_than",
    "numerator",
    "denominator",
    "observations",
    "target",
    "expected",
    "prior_value",
    "change",
    "change_ratio",
    "year_ago_value",
    "year_ago_change",
    "year_ago_change_ratio",
)


def figures_csv(context: PageContext) -> bytes:
    """Return all figures of the period, of every member, and all printed figures of other periods.

    Decimals are exact. The bytes are UTF-8 and begin with a byte order mark, so that a spreadsheet reads Japanese. A
    text that a spreadsheet would run as a formula gets an apostrophe.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([*_TEXT, *_NUMBERS])
    printed = context.printed
    for figure in context.close.figures.values():
        if figure.period == context.close.period.label or figure.figure_id in printed:
            texts = [_guard(getattr(figure, name)) for name in _TEXT]
            writer.writerow([*texts, *(_number(figure, name) for name in _NUMBERS)])
    return b"\xef\xbb\xbf" + out.getvalue().encode("utf-8")


def provenance_json(context: PageContext) -> bytes:
    """Return what a reader needs to prove the scorecard: its figures, the close, the hashes, and the commands."""
    close = context.close
    content = {
        "close": close.close_id,
        "content_sha256": close.content_sha256,
        "scorecard": close.manifest["scorecard"],
        "period": close.period.label,
        "edition": close.edition,
        # The loads differ between installations, and the PDF must not.
        "files": {name: sha for name, sha in close.manifest["files"].items() if name != "loads.json"},
        "code": close.manifest["code"],
        "restatements": close.restatements,
        "commands": [f"scorecard trace {close.close_id}.FIGURE", "scorecard verify"],
        "figures": [
            {"figure_id": f"{close.close_id}.{figure_id}", "printed": printed.text, "value": _exact(printed.figure)}
            for figure_id, printed in context.printed.items()
        ],
    }
    return json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True).encode("utf-8")


def _guard(text: str | None) -> str:
    """Put an apostrophe before each sign that a spreadsheet may read as the beginning of a formula."""
    guarded = _FORMULA.sub(r"\1'\2", text or "")
    return f"'{guarded}" if guarded.startswith(("\t", "\r", "\n")) else guarded


def _exact(figure: Figure) -> str | None:
    return None if figure.value is None else digits(figure.value)


def _number(figure: Figure, name: str) -> str:
    number = getattr(figure, name)
    return "" if number is None else digits(number) if isinstance(number, Decimal) else str(number)
