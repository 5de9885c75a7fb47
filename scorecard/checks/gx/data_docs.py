"""Pages of what Great Expectations checked, in ``out/data_docs/<suite>``: an index, and a page for each object.

They are made here, not by Great Expectations: its renderers put values of the data into HTML unescaped, so a customer's
text could run as a script or hide a failed check, and its pages load files from eight other hosts.
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

_LONGEST = 300


@dataclass(frozen=True)
class CheckedRule:
    """A rule of an object, its outcome by Great Expectations, the result made of it, and a query of what breaks it."""

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
    folder: where the pages go; it is there and empty.
    checked: the rules of each object that could be read.
    results: all results of the suite, those of objects that could not be read too.
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
    """Return what a Content-Security-Policy calls a style that may be applied."""
    return f"sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}"


def _failed_first(rules: Sequence[CheckedRule]) -> list[CheckedRule]:
    return sorted(rules, key=lambda checked: (checked.result.passed, checked.result.severity, checked.rule.check))


def _entry(checked: CheckedRule) -> dict[str, Any]:
    """Return what the page says of a rule, all of it text."""
    facts = checked.outcome.result or {}
    counts = [(plain(entry["value"], _LONGEST), entry["count"]) for entry in facts.get("partial_unexpected_counts", ())]
    return {
        "result": checked.result,
        "why": checked.rule.why,
        "expectation": checked.rule.expect,
        "arguments": json.dumps(dict(checked.rule.kwargs), ensure_ascii=False, indent=1, default=str),
        "values": sorted(counts, key=lambda count: (-count[1], count[0])),
        "query": checked.query,
    }
