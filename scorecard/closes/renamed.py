"""What members are called now that an edition of before has under other names: members, and pairs of them."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb

from scorecard.catalogue import crossing_name, renamed_pair
from scorecard.closes import store
from scorecard.shared.sql import literal, quoted

Name = tuple[str, str, str]
"""A dimension, a name that a member had, and the one that it has."""


def with_pairs(names: Collection[Name], folders: Iterable[Path], metrics: Iterable[Mapping[str, Any]]) -> list[Name]:
    """Return names with those of the pairs of members that editions have.

    Parameters
    ----------
    names: what members are called now. folders: those of the editions. metrics: as they define them, with the pairs of
        dimensions that they cross.
    """
    crossed = [(first, second) for metric in metrics for first, second in metric.get("cross", ())]
    pairs = {crossing_name(pair): pair for pair in crossed}
    if not names or not pairs:
        return list(names)
    called = {(dimension, spelling): name for dimension, spelling, name in names}
    members = {member for folder in folders for member in _members(folder, pairs)}
    of_pairs = ((name, member, renamed_pair(member, pairs[name], called)) for name, member in sorted(members))
    return [*names, *(name for name in of_pairs if name[1] != name[2])]


def _members(folder: Path, dimensions: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield the members of dimensions that an edition has: in figures, actions and observations."""
    observations = folder / "observations.parquet"
    files = ("values.parquet", "actions.parquet")
    queries = [f"select dimension, member from {_read(folder / file)}" for file in files]
    for column in sorted({*dimensions} & {*store.columns(observations)}):
        queries.append(f"select {literal(column)}, {quoted(column)} from {_read(observations)}")
    with duckdb.connect() as connection:
        for query in queries:
            rows = connection.execute(f"select distinct * from ({query}) as t (dimension, member)").fetchall()
            yield from ((name, member) for name, member in rows if name in dimensions and member is not None)


def _read(path: Path) -> str:
    return "read_parquet('" + str(path).replace("'", "''") + "')"
