"""Queries without those of their conditions that rest on some columns: what they would read if these were otherwise."""

from collections.abc import Callable, Iterator
from typing import Any

from scorecard.lineage.model_sql import DIALECT, Pairs, WideReader

PROVENANCE = ("source_file", "source_line", "source_sha256")
"""The columns that say of which row of an export a row is; in a raw table with ``_`` before them."""


def without_conditions(root: Any, rests_on: Callable[[Pairs], bool]) -> str | None:
    """Return a query without the conditions that rest on columns; None where an inner join does.

    Parameters
    ----------
    root: sqlglot's scope of the query. rests_on: whether one of some columns rests on them.
    """
    reader = WideReader()
    kept: list[tuple[Any, list[Any]]] = []
    for scope in root.traverse():
        for join in scope.expression.args.get("joins") or []:
            condition = join.args.get("on")
            if join.side != "LEFT" and condition and rests_on(reader.used(scope, condition)):
                return None
        own = [part for part in _conditions(scope) if not rests_on(reader.used(scope, part))]
        kept.append((scope.expression, own))
    before = [(select, select.args.get("where")) for select, _ in kept]
    for select, own in kept:
        _keep(select, own)
    sql = str(root.expression.sql(DIALECT))
    for select, where in before:
        select.set("where", where)
    return sql


def rows_going_in(root: Any, relation: str, prefix: str, rests_on: Callable[[Pairs], bool]) -> Iterator[str]:
    """Yield a query of the rows of a relation for each select that reads it: those that its own conditions let in.

    Parameters
    ----------
    root: sqlglot's scope of a query that reads the relation. prefix: what stands before its columns of provenance.
    rests_on: whether one of some columns rests on those that may be of any value.

    A condition that rests on those, or on another table, lets all rows in. So does each condition of a select that has
    a left join: a row may count there by being found.
    """
    from sqlglot import exp

    reader = WideReader()
    for scope in root.traverse():
        for alias, source in scope.sources.items():
            if not isinstance(source, exp.Table) or f"{source.db}.{source.name}".lower() != relation:
                continue
            kept = [] if any(join.side for join in scope.expression.args.get("joins") or []) else _conditions(scope)
            own = [
                part
                for part in kept
                if not part.find(exp.Query)
                and all(column.table == alias for column in part.find_all(exp.Column))
                and not rests_on(reader.used(scope, part))
            ]
            columns = [exp.column(f"{prefix}{name}", table=alias).as_(name) for name in PROVENANCE]
            select = exp.select(*columns).from_(exp.alias_(exp.to_table(relation), alias, table=True))
            _keep(select, own)
            yield str(select.sql(DIALECT))


def _conditions(scope: Any) -> list[Any]:
    from sqlglot import exp

    where = scope.expression.args.get("where")
    if where is None:
        return []
    return list(where.this.flatten()) if isinstance(where.this, exp.And) else [where.this]


def _keep(select: Any, conditions: list[Any]) -> None:
    from sqlglot import exp

    select.set("where", exp.Where(this=exp.and_(*(part.copy() for part in conditions))) if conditions else None)
