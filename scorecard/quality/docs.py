"""Data Docs that open without a network.

The pages of Great Expectations load their styles, scripts and logo from eight other hosts, and its index is empty until
a script has run. Here the pages lose what is remote and get a small style of their own, and the index is a plain table.
"""

import re
import shutil
from collections.abc import Sequence
from html import escape
from pathlib import Path

from scorecard.quality.results import CheckResult

_REMOTE = re.compile(
    r"<script\b.*?</script>|<link\b[^>]*>|<img\b[^>]*https?:[^>]*>|<style\b.*?</style>|<footer\b.*?</footer>",
    re.DOTALL | re.IGNORECASE,
)
_STYLE = """<style>
body { font: 15px/1.45 system-ui, sans-serif; margin: 1.5rem auto; max-width: 75rem; padding: 0 1rem; color: #222 }
table { border-collapse: collapse; margin: .5rem 0 1.5rem } img { display: none }
td, th { padding: .3rem .7rem; border-bottom: 1px solid #ccc; text-align: left; vertical-align: top }
.fa-check-circle::before, .passed::before { content: "✓ holds"; color: #186a2b; white-space: nowrap }
.fa-times::before, .failed::before { content: "✗ fails"; color: #a3161a; white-space: nowrap }
.fa-exclamation-triangle::before { content: "! not checked"; color: #a3161a; white-space: nowrap }
.modal, .ge-walkthrough-modal, .btn, input, label, .navbar-brand { display: none }
</style>"""


def finish(folder: Path, suite: str, results: Sequence[CheckResult]) -> None:
    """Rid a folder of Data Docs of all that is remote, and write its index: each check, what it found, what to do."""
    for page in folder.rglob("*.html"):
        text = _REMOTE.sub("", page.read_text(encoding="utf-8"))
        page.write_text(text.replace("</head>", f"{_STYLE}</head>", 1), encoding="utf-8")
    shutil.rmtree(folder / "static", ignore_errors=True)
    (folder / "index.html").write_text(_index(folder, suite, results), encoding="utf-8")


def _index(folder: Path, suite: str, results: Sequence[CheckResult]) -> str:
    pages = {
        page.name.removeprefix("warehouse-").removesuffix(".html"): page.relative_to(folder).as_posix()
        for page in folder.glob("validations/**/*.html")
    }
    failed = sum(not result.passed for result in results)
    failed_first = sorted(results, key=lambda result: (result.passed, result.severity, result.check_id))
    rows = "\n".join(_row(result, pages.get(result.object)) for result in failed_first)
    title = f"Checks of {escape(suite)}"
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>{_STYLE}</head><body>
<h1>{title}</h1><p>{len(results) - failed} of {len(results)} hold, {failed} fail.</p>
<table><thead>
<tr><th>Object</th><th>Check</th><th>Severity</th><th>Outcome</th><th>Found</th><th>To do</th></tr>
</thead><tbody>
{rows}
</tbody></table></body></html>
"""


def _row(result: CheckResult, page: str | None) -> str:
    about = f'<a href="{escape(page)}">{escape(result.object)}</a>' if page else escape(result.object)
    outcome = "passed" if result.passed else "failed"
    return (
        f"<tr><td>{about}</td><td>{escape(result.name)}</td><td>{result.severity}</td>"
        f'<td class="{outcome}"></td><td>{escape(result.message)}</td>'
        f"<td>{'' if result.passed else escape(result.cure)}</td></tr>"
    )
