"""Failed tests of dbt counted per business unit: models join the units' records one below the other."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from scorecard.checks.from_dbt import tested_nodes
from scorecard.checks.results import CheckResult
from scorecard.shared.sql import literal, quoted
from scorecard.shared.text import plain

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_UNIT = ("business_unit", "scope")


def count_by_unit(
    con: "DuckDBPyConnection",
    results: Sequence[CheckResult],
    manifest: Mapping[str, Any],
    units_of: Mapping[str, Collection[str]],
) -> list[CheckResult]:
    """Return the results with those of failed dbt tests replaced by one for each business unit, with its own count.

    Parameters
    ----------
    con: the warehouse that was tested.
    units_of: the business units whose sources a relation rests on, by ``schema.relation``.

    A test whose failures can't be told apart by unit stays one result: rows that belong to none, or that are joined
    across units.
    """
    tests = {f"dbt.{node['name']}": node for node in manifest["nodes"].values() if node["resource_type"] == "test"}
    counted: list[CheckResult] = []
    for result in results:
        node = tests.get(result.check_id)
        if node is None or result.passed or result.business_unit is not None:
            counted.append(result)
        else:
            counted += _of_units(con, result, node, manifest, units_of) or [result]
    return counted


def units_by_test(manifest: Mapping[str, Any], units_of: Mapping[str, Collection[str]]) -> dict[str, set[str]]:
    """Return by check the business units that its test is about: those of all relations that it reads.

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


def _of_units(
    con: "DuckDBPyConnection",
    result: CheckResult,
    node: Mapping[str, Any],
    manifest: Mapping[str, Any],
    units_of: Mapping[str, Collection[str]],
) -> list[CheckResult]:
    nodes = {**manifest["nodes"], **manifest["sources"]}
    parents = [nodes[name] for name in node["depends_on"]["nodes"] if name in nodes]
    names = {f"{parent['schema']}.{parent.get('alias') or parent['name']}" for parent in parents}
    units = sorted({unit for name in names for unit in units_of.get(name, ())})
    sql = node.get("compiled_code")
    if len(units) < 2 or not sql or node["config"].get("fail_calc", "count(*)") != "count(*)":
        return []
    looked = {unit: _look(con, _of_unit(con, sql, parents, unit)) for unit in units}
    outcomes = {unit: outcome for unit, outcome in looked.items() if outcome is not None}
    if len(outcomes) < len(units):
        return []
    if any(sentence for _, sentence in outcomes.values()):
        return list(_split_sentence(result, _look(con, sql), {unit: text for unit, (_, text) in outcomes.items()}))
    counts = {unit: number for unit, (number, _) in outcomes.items()}
    return list(_split(result, counts)) if sum(counts.values()) == result.failures else []


def _of_unit(con: "DuckDBPyConnection", sql: str, parents: Sequence[Mapping[str, Any]], unit: str) -> str:
    """Return a test's SQL on the rows of one unit."""
    for parent in parents:
        column = _unit_column(con, parent)
        if column:
            relation = parent["relation_name"]
            sql = sql.replace(relation, f"(select * from {relation} where {quoted(column)} = {literal(unit)})")
    return sql


def _look(con: "DuckDBPyConnection", sql: str) -> tuple[int, str] | None:
    """Return how many rows break a test, and the sentence that it raises; None where its SQL doesn't run."""
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
    """Yield the result of each unit with its own sentence; none where the units' sentences don't make the whole one.

    Then rows are of no unit, or are counted across units.
    """
    parts = [sentence for sentence in sentences.values() if sentence]
    raised = whole[1] if whole else ""
    named = plain(raised, 400)
    if len(" ".join(parts)) != len(raised) or named not in result.message:
        return
    for unit, sentence in sentences.items():
        if not sentence:
            yield _passed(result, unit)
            continue
        own = plain(sentence, 400)
        words = {
            language: {key: text.replace(named, own, 1) for key, text in texts.items()}
            for language, texts in result.words.items()
        }
        message = result.message.replace(named, own, 1)
        yield replace(result, message=message, words=words, business_unit=unit)


def _unit_column(con: "DuckDBPyConnection", parent: Mapping[str, Any]) -> str | None:
    rows = con.execute(
        "select column_name from duckdb_columns() where schema_name = $schema and table_name = $table",
        {"schema": parent["schema"], "table": parent.get("alias") or parent["name"]},
    ).fetchall()
    return next((name for name in _UNIT if (name,) in rows), None)


def _passed(result: CheckResult, unit: str) -> CheckResult:
    names = {language: {"name": texts["name"]} for language, texts in result.words.items() if "name" in texts}
    return replace(result, passed=True, failures=0, message="It holds.", words=names, business_unit=unit)


def _split(result: CheckResult, counts: Mapping[str, int]) -> Iterator[CheckResult]:
    """Yield the result of each unit, with its own count; where it is 0, the test holds."""
    for unit, number in counts.items():
        if number == 0:
            yield _passed(result, unit)
            continue
        words = {
            language: {key: _recount(text, result.failures, number) for key, text in texts.items()}
            for language, texts in result.words.items()
        }
        message = _recount(result.message, result.failures, number)
        yield replace(result, failures=number, message=message, words=words, business_unit=unit)


def _recount(text: str, old: int, new: int) -> str:
    """Put another count into a sentence that from_dbt wrote."""
    return text.replace(f"{old:,}", f"{new:,}", 1)
