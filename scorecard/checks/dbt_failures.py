"""The rows that break dbt's tests, read again from the warehouse: counted by business unit, and named one by one.

dbt keeps only the number of rows. A model has the records of all units.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from scorecard.checks.from_dbt import tested_nodes
from scorecard.checks.results import CheckResult
from scorecard.shared.sql import literal, quoted
from scorecard.shared.text import plain

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_UNIT_COLUMNS = ("business_unit", "scope")
_PROBLEM = "problem"
"""The column of a test's query that has a sentence about the row: where it is, and what is wrong with it."""
_MAX_NAMED = 3


def count_by_unit(
    con: "DuckDBPyConnection",
    results: Sequence[CheckResult],
    manifest: Mapping[str, Any],
    units_of: Mapping[str, Collection[str]],
) -> list[CheckResult]:
    """Replace the result of each failed dbt test by one for each business unit, with the unit's own count.

    Parameters
    ----------
    con: the warehouse that was tested.
    units_of: the business units whose sources a relation rests on, by ``schema.relation``.

    A test stays one result if its failures have no unit: its rows have no unit, or join several units.
    """
    tests = {f"dbt.{node['name']}": node for node in manifest["nodes"].values() if node["resource_type"] == "test"}
    results_by_unit: list[CheckResult] = []
    for result in results:
        node = tests.get(result.check_id)
        if node is None or result.passed or result.business_unit is not None:
            results_by_unit.append(result)
        else:
            results_by_unit += _split(con, result, node, manifest, units_of) or [result]
    return results_by_unit


def units_by_test(manifest: Mapping[str, Any], units_of: Mapping[str, Collection[str]]) -> dict[str, set[str]]:
    """Return, by check id, the business units of the relations that a test tests.

    Parameters
    ----------
    units_of: as in `count_by_unit`.
    """
    nodes = {**manifest["nodes"], **manifest["sources"]}
    return {
        f"dbt.{node['name']}": {
            unit
            for name in tested_nodes(node, nodes)
            for unit in units_of.get(f"{nodes[name]['schema']}.{nodes[name].get('alias') or nodes[name]['name']}", ())
        }
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test"
    }


def _split(
    con: "DuckDBPyConnection",
    result: CheckResult,
    node: Mapping[str, Any],
    manifest: Mapping[str, Any],
    units_of: Mapping[str, Collection[str]],
) -> list[CheckResult]:
    """Return a failed test's result for each business unit; an empty list if the units don't add up to the whole."""
    nodes = {**manifest["nodes"], **manifest["sources"]}
    parents = [nodes[name] for name in node["depends_on"]["nodes"] if name in nodes]
    names = {f"{parent['schema']}.{parent.get('alias') or parent['name']}" for parent in parents}
    units = sorted({unit for name in names for unit in units_of.get(name, ())})
    sql = node.get("compiled_code")
    if len(units) < 2 or not sql or node["config"].get("fail_calc", "count(*)") != "count(*)":
        return []
    by_unit = {unit: _run(con, _within_unit(con, sql, parents, unit)) for unit in units}
    outcomes = {unit: outcome for unit, outcome in by_unit.items() if outcome is not None}
    if len(outcomes) < len(units):
        return []
    if any(sentence for _, sentence in outcomes.values()):
        sentences = {unit: sentence for unit, (_, sentence) in outcomes.items()}
        return list(_split_sentence(result, _run(con, sql), sentences))
    counts = {unit: number for unit, (number, _) in outcomes.items()}
    return list(_split_count(result, counts)) if sum(counts.values()) == result.failures else []


def _within_unit(con: "DuckDBPyConnection", sql: str, parents: Sequence[Mapping[str, Any]], unit: str) -> str:
    """Return a test's SQL over the rows of one unit only."""
    for parent in parents:
        column = _unit_column(con, parent)
        if column:
            relation = parent["relation_name"]
            sql = sql.replace(relation, f"(select * from {relation} where {quoted(column)} = {literal(unit)})")
    return sql


def _run(con: "DuckDBPyConnection", sql: str) -> tuple[int, str] | None:
    """Return how many rows break a test, and the sentence that it raises; None if its SQL fails otherwise."""
    import duckdb

    try:
        return int(con.execute(f"select count(*) from ({sql})").fetchall()[0][0]), ""
    except duckdb.InvalidInputException as error:
        return 1, str(error).removeprefix("Invalid Input Error: ")
    except duckdb.Error:
        return None


def _split_sentence(
    result: CheckResult, whole: tuple[int, str] | None, sentences: Mapping[str, str]
) -> Iterator[CheckResult]:
    """Yield the result of each unit with its own sentence.

    Nothing is yielded if the units' sentences don't add up to the whole one: some rows have no unit, or several.
    """
    parts = [sentence for sentence in sentences.values() if sentence]
    raised = whole[1] if whole else ""
    whole_sentence = plain(raised, 400)
    if len(" ".join(parts)) != len(raised) or whole_sentence not in result.message:
        return
    for unit, sentence in sentences.items():
        if not sentence:
            yield _passed(result, unit)
            continue
        own_sentence = plain(sentence, 400)
        yield replace(
            result,
            message=result.message.replace(whole_sentence, own_sentence, 1),
            words={
                language: {key: words.replace(whole_sentence, own_sentence, 1) for key, words in sayings.items()}
                for language, sayings in result.words.items()
            },
            business_unit=unit,
        )


def _unit_column(con: "DuckDBPyConnection", parent: Mapping[str, Any]) -> str | None:
    rows = con.execute(
        "select column_name from duckdb_columns() where schema_name = $schema and table_name = $table",
        {"schema": parent["schema"], "table": parent.get("alias") or parent["name"]},
    ).fetchall()
    return next((name for name in _UNIT_COLUMNS if (name,) in rows), None)


def _passed(result: CheckResult, unit: str) -> CheckResult:
    names = {language: {"name": sayings["name"]} for language, sayings in result.words.items() if "name" in sayings}
    return replace(result, passed=True, failures=0, message="It holds.", words=names, business_unit=unit)


def _split_count(result: CheckResult, counts: Mapping[str, int]) -> Iterator[CheckResult]:
    """Yield the result of each unit with its own count. A unit without failures passes."""
    for unit, number in counts.items():
        if number == 0:
            yield _passed(result, unit)
            continue
        yield replace(
            result,
            failures=number,
            message=_recount(result.message, result.failures, number),
            words={
                language: {key: _recount(words, result.failures, number) for key, words in sayings.items()}
                for language, sayings in result.words.items()
            },
            business_unit=unit,
        )


def _recount(sentence: str, old: int, new: int) -> str:
    """Replace the count in a sentence that `from_dbt` wrote."""
    return sentence.replace(f"{old:,}", f"{new:,}", 1)


def name_rows(
    con: "DuckDBPyConnection", results: Sequence[CheckResult], manifest: Mapping[str, Any]
) -> list[CheckResult]:
    """Put the sentences of the rows that break a test in front of its message, if its query has a column ``problem``.

    Parameters
    ----------
    con: the warehouse that was tested. results: counted by business unit. manifest: dbt's, with compiled SQL.

    The result of one business unit names the rows that have the unit in their column ``business_unit``.
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
    sentences, number = _problems(con, query, result.business_unit)
    if not sentences:
        return result
    listed = " ".join(plain(sentence, 300) for sentence in sentences)
    if number > len(sentences):
        listed += f" … (+{number - len(sentences):,})"
    words = {
        language: {key: f"{listed} {words}" if key == "message" else words for key, words in sayings.items()}
        for language, sayings in result.words.items()
    }
    return replace(result, message=f"{listed} {result.message}", words=words)


def _problems(con: "DuckDBPyConnection", query: str, unit: str | None) -> tuple[list[str], int]:
    """Return the sentences of the first rows of a query, and how many rows have one; none if the query fails."""
    import duckdb

    try:
        columns = [name for name, *_ in con.execute(f"select * from ({query}) limit 0").description or ()]
        if _PROBLEM not in columns or (unit is not None and "business_unit" not in columns):
            return [], 0
        condition = "" if unit is None else "and business_unit = $unit"
        rows = con.execute(
            f"select {_PROBLEM}, count(*) over () from ({query}) where {_PROBLEM} is not null {condition}"
            f" order by {_PROBLEM} limit {_MAX_NAMED}",
            {} if unit is None else {"unit": unit},
        ).fetchall()
    except duckdb.Error:
        return [], 0
    return [sentence for sentence, _ in rows], rows[0][1] if rows else 0
