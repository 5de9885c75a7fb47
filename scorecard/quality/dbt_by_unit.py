"""Failed tests of dbt counted per business unit: models join the units' records one below the other."""

# ruff: noqa: S608 - the SQL is what dbt compiled, and the names in it are the manifest's
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from scorecard.quality.results import CheckResult

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
    found: list[CheckResult] = []
    for result in results:
        node = tests.get(result.check_id)
        if node is None or result.passed or result.business_unit is not None:
            found.append(result)
        else:
            found += _of_units(con, result, node, manifest, units_of) or [result]
    return found


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
    counts = {unit: _count(con, sql, parents, unit) for unit in units}
    numbers = [number for number in counts.values() if number is not None]
    if len(numbers) < len(units) or sum(numbers) != result.failures:
        return []
    return list(_split(result, {unit: number or 0 for unit, number in counts.items()}))


def _count(con: "DuckDBPyConnection", sql: str, parents: Sequence[Mapping[str, Any]], unit: str) -> int | None:
    """Return how many rows of a unit break a test; None where its SQL doesn't run on the rows of one unit."""
    import duckdb

    literal = "'" + unit.replace("'", "''") + "'"
    for parent in parents:
        column = _unit_column(con, parent)
        if column:
            relation = parent["relation_name"]
            sql = sql.replace(relation, f'(select * from {relation} where "{column}" = {literal})')
    try:
        return int(con.execute(f"select count(*) from ({sql})").fetchall()[0][0])
    except duckdb.Error:
        return None


def _unit_column(con: "DuckDBPyConnection", parent: Mapping[str, Any]) -> str | None:
    rows = con.execute(
        "select column_name from duckdb_columns() where schema_name = $schema and table_name = $table",
        {"schema": parent["schema"], "table": parent.get("alias") or parent["name"]},
    ).fetchall()
    return next((name for name in _UNIT if (name,) in rows), None)


def _split(result: CheckResult, counts: Mapping[str, int]) -> Iterator[CheckResult]:
    """Yield the result of each unit, with its own count; where it is 0, the test holds."""
    for unit, number in counts.items():
        if number == 0:
            names = {language: {"name": said["name"]} for language, said in result.words.items() if "name" in said}
            yield replace(result, passed=True, failures=0, message="It holds.", words=names, business_unit=unit)
            continue
        words = {
            language: {key: _recount(text, result.failures, number) for key, text in said.items()}
            for language, said in result.words.items()
        }
        message = _recount(result.message, result.failures, number)
        yield replace(result, failures=number, message=message, words=words, business_unit=unit)


def _recount(text: str, old: int, new: int) -> str:
    """Put another count into a sentence that from_dbt wrote."""
    return text.replace(f"{old:,}", f"{new:,}", 1)
