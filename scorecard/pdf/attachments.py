"""The files inside the PDF: every figure of the period as CSV, and where the figures come from as JSON."""

import csv
import io
import json
import re
from decimal import Decimal

from scorecard.pdf.page.close_data import Value
from scorecard.pdf.page.context import Desk
from scorecard.shared.decimals import digits

# A cell begins with the text, and also where a spreadsheet of another country parts cells; some take full-width signs
# for plain ones, and skip blanks and line ends before them.
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


def figures_csv(desk: Desk) -> bytes:
    """Return the figures of the period, all members of them, and those of charts; decimals exact, UTF-8 with a mark.

    The mark lets a spreadsheet read Japanese; a text that a spreadsheet would run as a formula gets
    an apostrophe.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([*_TEXT, *_NUMBERS])
    printed = desk.printed
    for value in desk.close.values.values():
        if value.period == desk.close.period.label or value.figure_id in printed:
            writer.writerow(
                [*(_guard(getattr(value, name)) for name in _TEXT), *(_number(value, name) for name in _NUMBERS)]
            )
    return b"\xef\xbb\xbf" + out.getvalue().encode("utf-8")


def provenance_json(desk: Desk) -> bytes:
    """Return what a reader needs to prove the document: its figures, the close, hashes, and the commands."""
    close = desk.close
    content = {
        "close": close.close_id,
        "content_sha256": close.content_sha256,
        "scorecard": close.manifest["scorecard"],
        "period": close.period.label,
        "edition": close.edition,
        # The loads differ from one installation to the next, and the page must not.
        "files": {name: sha for name, sha in close.manifest["files"].items() if name != "loads.json"},
        "code": close.manifest["code"],
        "restatements": close.restatements,
        "commands": [f"scorecard trace {close.close_id}.FIGURE", "scorecard verify"],
        "figures": [
            {"figure_id": f"{close.close_id}.{figure_id}", "printed": printed.text, "value": _exact(printed.value)}
            for figure_id, printed in desk.printed.items()
        ],
    }
    return json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True).encode("utf-8")


def _guard(text: str | None) -> str:
    """Put an apostrophe before each sign that a spreadsheet may take for the beginning of a formula."""
    guarded = _FORMULA.sub(r"\1'\2", text or "")
    return f"'{guarded}" if guarded.startswith(("\t", "\r", "\n")) else guarded


def _exact(value: Value) -> str | None:
    return None if value.value is None else digits(value.value)


def _number(value: Value, name: str) -> str:
    number = getattr(value, name)
    return "" if number is None else digits(number) if isinstance(number, Decimal) else str(number)
