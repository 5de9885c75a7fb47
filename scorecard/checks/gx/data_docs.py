"""HTML pages of what Great Expectations checked, in ``out/data_docs/<suite>``: an index, and a page for each object.

The pages are ours, because those of Great Expectations are unsafe. Its renderers put values of the data into HTML
unescaped: a customer's text could run as a script or hide a failed check. Its pages load files from eight other hosts.
"""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scorecard.checks.results import CheckResult
from scorecard.checks.rules import Rule
from scorecard.shared.templates import fill
from scorecard.shared.text import plain

if TYPE_CHECKING:
    from great_expectations.core import ExpectationValidationResult

STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 1.5rem auto; max-width: 75rem; padding: 0 1rem; color: #222 }
table { border-collapse: collapse; margin: .5rem 0 1.5rem }
td, th { padding: .3rem .7rem; border-bottom: 1px solid #ccc; text-align: left; vertical-align: top }
td, li { overflow-wrap: break-word } pre { overflow-wrap: anywhere; white-space: pre-wrap; margin: 0 }
@media (max-width: 50rem) { td { overflow-wrap: anywhere } }
.passed { color: #186a2b; white-space: nowrap } .failed { color: #a3161a; white-space: nowrap }
"""

_MAX_VALUE_LENGTH = 300


@dataclass(frozen=True)
class CheckedRule:
    """A rule of an object, its outcome, its result, and a query of the rows that break it."""

    rule: Rule
    outcome: "ExpectationValidationResult"
    result: CheckResult
    query: str | None


def write_pages(
    reports: Path,
    folder: Path,
    suite: str,
    checked: Mapping[str, Sequence[CheckedRule]],
    results: Sequence[CheckResult],
) -> None:
    """Write the pages of a suite.

    Parameters
    ----------
    reports: the folder ``reports`` of the project, with the templates.
    folder: the folder of the pages; it exists and is empty.
    checked: the rules of each object that can be read.
    results: all results of the suite, also those of objects that can't be read.
    """
    shared = {"suite": suite, "style": STYLE, "style_hash": _hash(STYLE)}
    for name, rules in checked.items():
        entries = [_entry(rule) for rule in _failed_first(rules)]
        page = fill(reports, "checked_object.html.j2", {**shared, "name": name, "rules": entries})
        (folder / f"{name}.html").write_text(page, encoding="utf-8")
    ordered = sorted(results, key=lambda result: (result.passed, result.severity, result.check_id))
    index = {
        **shared,
        "results": ordered,
        "with_page": set(checked),
        "failed": sum(not result.passed for result in results),
    }
    (folder / "index.html").write_text(fill(reports, "checks.html.j2", index), encoding="utf-8")


def _hash(style: str) -> str:
    """Return the name of an allowed style in a Content-Security-Policy."""
    return f"sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}"


def _failed_first(rules: Sequence[CheckedRule]) -> list[CheckedRule]:
    return sorted(rules, key=lambda checked: (checked.result.passed, checked.result.severity, checked.rule.check))


def _entry(checked: CheckedRule) -> dict[str, Any]:
    """Return the content of a rule's entry on its page. The template escapes it."""
    facts = checked.outcome.result or {}
    counts = [
        (plain(entry["value"], _MAX_VALUE_LENGTH), entry["count"])
        for entry in facts.get("partial_unexpected_counts", ())
    ]
    return {
        "result": checked.result,
        "why": checked.rule.why,
        "expectation": checked.rule.expect,
        "arguments": json.dumps(dict(checked.rule.kwargs), ensure_ascii=False, indent=1, default=str),
        "values": sorted(counts, key=lambda count: (-count[1], count[0])),
        "query": checked.query,
    }
