"""Queries without the conditions that rest on columns in doubt: what they would read if these had other values."""

from collections.abc import Callable, Iterator
from typing import Any

from scorecard.lineage.model_sql import DIALECT, ColumnSet, DependencyReader

PROVENANCE = ("source_file", "source_line", "source_sha256")
"""The columns that say which row of an export a row comes from. In a raw table their names begin with ``_``."""


def without_conditions(root: Any, rests_on: Callable[[ColumnSet], bool]) -> str | None:
    """Return a query without its conditions that rest on columns in doubt; None where an inner join rests on them.

    Parameters
    ----------
    root: sqlglot's scope of the query.
    rests_on: tells whether one of some columns rests on columns in doubt.
    """
    reader = DependencyReader()
    kept: list[tuple[Any, list[Any]]] = []
    for scope in root.traverse():
        for join in scope.expression.args.get("joins") or []:
            condition = join.args.get("on")
            if join.side != "LEFT" and condition and rests_on(reader.used(scope, condition)):
                return None
        own = [part for part in _conditions(scope) if not rests_on(reader.used(scope, part))]
        kept.append((scope.expression, own))
    original = [(select, select.args.get("where")) for select, _ in kept]
    for select, own in kept:
        _set_conditions(select, own)
    sql = str(root.expression.sql(DIALECT))
    for select, where in original:
        select.set("where", where)
    return sql


def rows_going_in(root: Any, relation: str, prefix: str, rests_on: Callable[[ColumnSet], bool]) -> Iterator[str]:
    """Yield, for each select that reads a relation, a query of the relation's rows that the select lets in.

    Parameters
    ----------
    root: sqlglot's scope of a query that reads the relation.
    prefix: what stands before the names of its `PROVENANCE` columns.
    rests_on: tells whether one of some columns rests on columns in doubt.

    A condition that rests on columns in doubt, or on another table, lets all rows in. So does every condition of a
    select with a left join: a row may count there because it is found.
    """
    from sqlglot import exp

    reader = DependencyReader()
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
            _set_conditions(select, own)
            yield str(select.sql(DIALECT))


def _conditions(scope: Any) -> list[Any]:
    from sqlglot import exp

    where = scope.expression.args.get("where")
    if where is None:
        return []
    return list(where.this.flatten()) if isinstance(where.this, exp.And) else [where.this]


def _set_conditions(select: Any, conditions: list[Any]) -> None:
    from sqlglot import exp

    select.set("where", exp.Where(this=exp.and_(*(part.copy() for part in conditions))) if conditions else None)
