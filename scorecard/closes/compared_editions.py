"""Two editions as views of one database, with members under their present names."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb

from scorecard.catalogue import crossing_name, renamed_pair
from scorecard.closes import store
from scorecard.shared.sql import literal, quoted

Name = tuple[str, str, str]
"""A dimension, a former name of a member, and its present name."""


def with_pairs(names: Collection[Name], folders: Iterable[Path], metrics: Iterable[Mapping[str, Any]]) -> list[Name]:
    """Return names, and the names of the pairs of members in some editions.

    Parameters
    ----------
    names: the present names of renamed members. folders: the editions' folders. metrics: the editions' definitions of
        metrics, with the pairs of dimensions that they cross.
    """
    crossed = [(first, second) for metric in metrics for first, second in metric.get("cross", ())]
    pairs = {crossing_name(pair): pair for pair in crossed}
    if not names or not pairs:
        return list(names)
    present = {(dimension, former): name for dimension, former, name in names}
    members = {member for folder in folders for member in _members(folder, pairs)}
    pair_names = ((name, member, renamed_pair(member, pairs[name], present)) for name, member in sorted(members))
    return [*names, *(name for name in pair_names if name[1] != name[2])]


def _members(folder: Path, dimensions: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield (dimension, member) of some dimensions from an edition's figures, actions and observations."""
    observations = folder / "observations.parquet"
    files = ("values.parquet", "actions.parquet")
    queries = [f"select dimension, member from read_parquet({literal(folder / file)})" for file in files]
    for column in sorted({*dimensions} & {*store.columns(observations)}):
        queries.append(f"select {literal(column)}, {quoted(column)} from read_parquet({literal(observations)})")
    with duckdb.connect() as connection:
        for query in queries:
            rows = connection.execute(f"select distinct * from ({query}) as t (dimension, member)").fetchall()
            yield from ((name, member) for name, member in rows if name in dimensions and member is not None)


def open_edition(
    connection: duckdb.DuckDBPyConnection, name: str, folder: Path, derived: Collection[str], names: Collection[Name]
) -> None:
    """Make the views `<name>_values`, `<name>_observations` and `<name>_evidence` of an edition.

    Parameters
    ----------
    derived: the derived metrics. Their observations, which closes of earlier releases have, are left out.
    names: the present names of renamed members. The views have these.
    """
    observations = folder / "observations.parquet"
    added = ", ".join(store.optional(observations, column, "date") for column in ("period_start", "period_until"))
    kept = (
        "select * exclude (period_start, period_until)" if "period_start" in store.columns(observations) else "select *"
    )
    excluded = ", ".join(map(literal, derived)) or "''"
    values = f"select * from read_parquet({literal(folder / 'values.parquet')})"
    observed = f"{kept}, {added} from read_parquet({literal(observations)}) where metric not in ({excluded})"
    if names:
        connection.execute("create temp table names (field varchar, spelling varchar, name varchar)")
        connection.executemany("insert into names values (?, ?, ?)", [list(name) for name in names])
        values = f"select * replace ({_present_name('dimension', 'member')}) from ({values})"
        columns = sorted({field for field, _, _ in names} & set(store.columns(observations)))
        renamed = ", ".join(_present_name(literal(column), column) for column in columns)
        observed = f"select * replace ({renamed}) from ({observed})" if renamed else observed
    for table, query in (
        ("values", values),
        ("observations", observed),
        ("evidence", _evidence_query(folder)),
    ):
        connection.execute(f"create view {name}_{table} as {query}")


def _present_name(field: str, column: str) -> str:
    """Return the SQL of a member's present name. ``field``: the SQL of its dimension."""
    new_name = f"select names.name from names where names.field = {field} and names.spelling = {column}"
    return f"coalesce(({new_name}), {column}) as {column}"


def _evidence_query(folder: Path) -> str:
    """Return the query of an edition's evidence: metric, record of the observation, evidence_object and evidence_id.

    Closes of earlier releases have the evidence as texts in their observations.
    """
    columns = "metric, source_system, source_object, record_id"
    path, observations = folder / "evidence.parquet", folder / "observations.parquet"
    if path.is_file():
        return f"select {columns}, evidence_object, evidence_id from read_parquet({literal(path)})"
    if "evidence" not in store.columns(observations):
        return f"select {columns}, '' as evidence_object, '' as evidence_id from read_parquet({literal(observations)}) limit 0"  # noqa: E501
    return (
        f"select {columns}, split_part(line, ' ', 1) as evidence_object, "
        "regexp_extract(line, '^[^ ]* (.*) [^ ]*$', 1) as evidence_id "
        f"from (select {columns}, unnest(evidence) as line from read_parquet({literal(observations)}))"
    )
