"""Read a KPI's compiled SQL as one select of one fact, so that several KPIs can share a pass over it.

It reads CTEs and subqueries that filter and project, and left joins on a whole key of the joined table. Any other KPI
is computed from its own view, and the reason is kept.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

# A clause that changes which rows there are, and its name in a sentence.
_CLAUSES = {
    "group": "groups its rows",
    "having": "groups its rows",
    "qualify": "filters by a window",
    "distinct": "has a distinct",
    "limit": "has a limit",
    "offset": "has an offset",
    "order": "orders its rows",
    "sample": "takes a sample",
    "laterals": "makes rows of lists",
}


class NoPass(Exception):
    """A KPI can't share a pass. The message is the end of a sentence that begins with the KPI."""


@dataclass(frozen=True)
class Table:
    """A model that a KPI may read.

    ``relation`` is its name in SQL, ``columns`` are its columns, and ``keys`` the sets of columns that tell its rows
    apart.
    """

    relation: str
    columns: tuple[str, ...]
    keys: tuple[frozenset[str], ...]


@dataclass(frozen=True)
class KpiShape:
    """A KPI as one select: SQL over ``fact`` and the tables that ``joins`` adds to its rows.

    ``joins`` are (alias, relation, condition); ``columns`` is SQL by name; ``conditions`` hold together.
    """

    fact: str
    joins: tuple[tuple[str, str, str], ...]
    columns: Mapping[str, str]
    conditions: tuple[str, ...]


def read_shape(sql: str, tables: Mapping[tuple[str, str], Table], dialect: str = "duckdb") -> KpiShape:
    """Read the compiled SQL of a KPI.

    Parameters
    ----------
    tables: all models that a KPI may read, by schema and name.
    dialect: the engine's. The SQL is read and the shape is written in it.

    Raises
    ------
    NoPass: it is no select of one fact.
    """
    select = _one_select(_merged(sql, tables, dialect))
    sources = _Sources(tables, select, dialect)
    columns = {projection.alias_or_name.lower(): sources.sql(projection.unalias()) for projection in select.selects}
    where = select.args.get("where")
    conditions = [sources.sql(part) for part in _conjuncts(where.this)] if where else []
    # A pass reads only rows with a day, so this condition is not needed.
    day = f"NOT {columns.get('occurred_on', '')} IS NULL"
    kept = tuple(condition for condition in conditions if condition != day)
    return KpiShape(sources.fact, tuple(sources.joins), columns, kept)


def _merged(sql: str, tables: Mapping[tuple[str, str], Table], dialect: str) -> Any:
    """Parse SQL and merge its CTEs and subqueries into one select, as far as that changes no row."""
    import sqlglot
    from sqlglot.errors import SqlglotError
    from sqlglot.optimizer.merge_subqueries import merge_subqueries
    from sqlglot.optimizer.qualify import qualify

    exp = _exp()
    schema: dict[str, Any] = {}
    for (folder, name), table in tables.items():
        schema.setdefault(folder, {})[name] = dict.fromkeys(table.columns, "unknown")
    try:
        tree = sqlglot.parse_one(sql, dialect=dialect)
        for table in tree.find_all(exp.Table):
            table.set("catalog", None)
        tree = qualify(tree, dialect=dialect, schema=schema, quote_identifiers=False, identify=False)
    except SqlglotError as error:
        raise NoPass(f"can't be read: {' '.join(str(error).split())[:200]}") from error
    for join in tree.find_all(exp.Join):
        # Merging a joined subquery is not safe: its expressions would also be computed for rows that it lacks.
        if not (isinstance(join.this, exp.Table) and join.this.db):
            raise NoPass("joins a subquery")
    return merge_subqueries(tree)


def _one_select(tree: Any) -> Any:
    """Return a tree that is one plain select."""
    exp = _exp()
    if isinstance(tree, exp.SetOperation):
        raise NoPass("is a union")
    if not isinstance(tree, exp.Select):
        raise NoPass("is no select")
    for clause, words in _CLAUSES.items():
        if tree.args.get(clause):
            raise NoPass(words)
    for kind, words in (
        (exp.Window, "has a window"),
        (exp.AggFunc, "groups its rows"),
        ((exp.Subquery, exp.Exists, exp.CTE), "reads more than one select"),
        ((exp.Explode, exp.Unnest), "makes rows of lists"),
        ((exp.Rand, exp.CurrentTimestamp, exp.CurrentDate), "depends on chance or on the clock"),
    ):
        if tree.find(kind):
            raise NoPass(words)
    if any(isinstance(projection, exp.Star) or not projection.alias_or_name for projection in tree.selects):
        raise NoPass("has columns without a name")
    return tree


class _Sources:
    """The fact and the tables joined to it, under names that don't depend on the KPI's aliases."""

    def __init__(self, tables: Mapping[tuple[str, str], Table], select: Any, dialect: str) -> None:
        self._tables, self._dialect = tables, dialect
        source = select.args.get("from_") or select.args.get("from")
        if source is None or not isinstance(source.this, _exp().Table):
            raise NoPass("reads no table")
        self.fact = self._table(source.this).relation
        self.joins: list[tuple[str, str, str]] = []
        self._names = {source.this.alias_or_name: "fact"}
        for join in select.args.get("joins") or ():
            self._add(join)

    def sql(self, node: Any) -> str:
        """Return an expression as SQL over the new names."""
        node = node.copy()
        for column in node.find_all(_exp().Column):
            column.set("table", _exp().to_identifier(self._names[column.table]))
        return str(node.unnest().sql(self._dialect))

    def _add(self, join: Any) -> None:
        table, name, condition = self._table(join.this), join.this.alias_or_name, join.args.get("on")
        if join.side != "LEFT" or condition is None:
            raise NoPass(f"joins {join.this.name} otherwise than by a left join with a condition")
        if not any(key <= _fixed(condition, name) for key in table.keys):
            raise NoPass(f"joins {join.this.name} on less than a key of it, so that a row may become several")
        self._names[name] = "joined"
        # KPIs with the same join share its name.
        self._names[name] = f"joined_{sha256(f'{table.relation} {self.sql(condition)}'.encode()).hexdigest()[:8]}"
        self.joins.append((self._names[name], table.relation, self.sql(condition)))

    def _table(self, table: Any) -> Table:
        try:
            return self._tables[table.db.lower(), table.name.lower()]
        except KeyError:
            raise NoPass(f"reads {table.name}, which is no model of core or intermediate") from None


def _fixed(condition: Any, name: str) -> set[str]:
    """Return which columns of a joined table a condition sets equal to something that is not of that table."""
    exp = _exp()
    fixed = set()
    for part in _conjuncts(condition):
        if isinstance(part, exp.EQ):
            for own, other in ((part.left, part.right), (part.right, part.left)):
                is_own = isinstance(own, exp.Column) and own.table == name
                if is_own and all(column.table != name for column in other.find_all(exp.Column)):
                    fixed.add(own.name.lower())
    return fixed


def _conjuncts(condition: Any) -> list[Any]:
    """Return the conditions that an `and` joins, without their brackets."""
    exp = _exp()
    parts: Iterable[Any] = condition.flatten() if isinstance(condition, exp.And) else [condition]
    bare = [part.unnest() for part in parts]
    if len(bare) == 1 and not isinstance(bare[0], exp.And):
        return bare
    return [conjunct for part in bare for conjunct in _conjuncts(part)]


def _exp() -> Any:
    from sqlglot import exp

    return exp
