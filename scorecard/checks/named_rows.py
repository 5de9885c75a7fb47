"""What the rows that break a test of dbt say of themselves: dbt keeps their number alone."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from scorecard.checks.results import CheckResult
from scorecard.shared.text import plain

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_COLUMN = "problem"
"""The column of a test's query that has a sentence about the row: where it stands, and what is wrong there."""
_NAMED = 3


def name_rows(
    con: "DuckDBPyConnection", results: Sequence[CheckResult], manifest: Mapping[str, Any]
) -> list[CheckResult]:
    """Return the results with what rows say at the head of the messages of failed tests whose query has ``problem``.

    Parameters
    ----------
    con: the warehouse that was tested. results: counted by business unit. manifest: dbt's, with compiled SQL.

    Of a result of one business unit these are the rows with it in their column ``business_unit``.
    """
    queries = {
        f"dbt.{node['name']}": node["compiled_code"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test" and node.get("compiled_code")
    }
    return [
        result if result.passed or result.check_id not in queries else _named(con, result, queries[result.check_id])
        for result in results
    ]


def _named(con: "DuckDBPyConnection", result: CheckResult, query: str) -> CheckResult:
    sentences, number = _sentences(con, query, result.business_unit)
    if not sentences:
        return result
    listed = " ".join(plain(sentence, 300) for sentence in sentences)
    if number > len(sentences):
        listed += f" … (+{number - len(sentences):,})"
    words = {
        language: {key: f"{listed} {text}" if key == "message" else text for key, text in texts.items()}
        for language, texts in result.words.items()
    }
    return replace(result, message=f"{listed} {result.message}", words=words)


def _sentences(con: "DuckDBPyConnection", query: str, unit: str | None) -> tuple[list[str], int]:
    """Return what the first rows of a query say, and how many say something; none where it doesn't run."""
    import duckdb

    try:
        columns = [name for name, *_ in con.execute(f"select * from ({query}) limit 0").description or ()]
        if _COLUMN not in columns or (unit is not None and "business_unit" not in columns):
            return [], 0
        of_unit = "" if unit is None else "and business_unit = $unit"
        rows = con.execute(
            f"select {_COLUMN}, count(*) over () from ({query}) where {_COLUMN} is not null {of_unit}"
            f" order by {_COLUMN} limit {_NAMED}",
            {} if unit is None else {"unit": unit},
        ).fetchall()
    except duckdb.Error:
        return [], 0
    return [sentence for sentence, _ in rows], rows[0][1] if rows else 0
