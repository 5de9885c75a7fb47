"""What failed dbt tests put in doubt: the columns that they name of what they test, and the rows that break them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from scorecard.checks.doubt import Doubt, columns_read
from scorecard.checks.results import CheckResult


def with_doubts(
    results: Sequence[CheckResult],
    manifest: Mapping[str, Any],
    columns_of: Mapping[str, Collection[str]],
    days: Collection[str] = (),
) -> list[CheckResult]:
    """Return results with what they put in doubt, where they are of tests that name columns.

    Parameters
    ----------
    manifest: dbt's, of the run that tested. columns_of: the columns of what is in the warehouse, by
        ``schema.relation``. days: the relations that pass days on and no records; what a test compares with them is in
        doubt, and they are not.

    A test that counts rows, or asks whether a key repeats, is about whole rows. One that reads more columns than it
    puts in doubt says so in ``config.meta``: ``in_doubt: [table.column]``.
    """
    nodes = {**manifest["nodes"], **manifest["sources"]}
    tests = {f"dbt.{node['name']}": node for node in nodes.values() if node["resource_type"] == "test"}
    return [
        replace(result, doubt=_doubt(tests[result.check_id], nodes, columns_of, days, result))
        if result.check_id in tests
        else result
        for result in results
    ]


def _doubt(
    node: Mapping[str, Any],
    nodes: Mapping[str, Any],
    columns_of: Mapping[str, Collection[str]],
    days: Collection[str],
    result: CheckResult,
) -> Doubt | None:
    kind = node.get("test_metadata") or {}
    column = (kind.get("kwargs") or {}).get("column_name")
    sql = node.get("compiled_code") or ""
    in_doubt = node["config"].get("meta", {}).get("in_doubt", ())
    if in_doubt:
        columns = tuple(_named(in_doubt, nodes))
    elif kind.get("name") == "unique":
        columns = ()
    elif column:
        columns = ((result.object, column.lower()),)
    else:
        read = [nodes[name] for name in node["depends_on"]["nodes"] if name in nodes]
        relations = {f"{parent['schema']}.{parent.get('alias') or parent['name']}" for parent in read}
        relations = relations.difference(days) or relations
        columns = columns_read(sql, {name: columns_of.get(name, ()) for name in relations})
    return Doubt(columns, None if result.passed else sql or None, with_causes=not in_doubt) if columns else None


def _named(in_doubt: Sequence[str], nodes: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    schemas = {node["name"]: node["schema"] for node in nodes.values() if node["resource_type"] == "model"}
    for name in in_doubt:
        table, _, column = name.rpartition(".")
        yield f"{schemas.get(table, 'core')}.{table}", column
