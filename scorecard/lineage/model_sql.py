"""Read the SQL of one model by sqlglot: which columns of its tables make each of its columns, and choose its rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scorecard.shared.errors import ScorecardError

ROWS = "rows"
DIALECT = "duckdb"
Pairs = set[tuple[str, str]]
"""Columns of what a query reads, as (``schema.table``, column)."""

# What makes a query's rows other than its tables' rows, one by one.
_CLAUSES = ("group", "having", "qualify", "distinct", "limit", "offset", "sample", "laterals")


@dataclass(frozen=True)
class Step:
    """What one query reads.

    made_of: by column, what its value is made of; ``rows`` has what filters and joins look at. depends_on: the same,
    and what else could change it: the key by which a left join finds a value, and what rows are grouped by.
    is_row_by_row: each of its rows is one row of a table, with others joined to it. reads: how often it reads each
    relation.
    """

    made_of: Mapping[str, Pairs]
    depends_on: Mapping[str, Pairs]
    is_row_by_row: bool
    reads: Mapping[str, int]

    @property
    def columns(self) -> list[str]:
        """The query's columns."""
        return [column for column in self.made_of if column != ROWS]


def read_step(name: str, sql: str, columns: Mapping[str, Sequence[str]]) -> Step:
    """Read a relation's query.

    Parameters
    ----------
    name: the relation, for errors. columns: those of the relations that it reads, by ``schema.table``.

    Raises
    ------
    ScorecardError: sqlglot can't read it, or it is no query.
    """
    from sqlglot import errors

    try:
        scope = read_scope(sql, columns)
        if scope is None:
            raise ScorecardError(f"{name} is not a query.", "Write its model as one select.")
        plain, wide = Reader(), WideReader()
        made_of = {column: plain.column(scope, column) for column in plain.outputs(scope)}
        depends_on = {column: wide.column(scope, column) for column in made_of}
        made_of[ROWS], depends_on[ROWS] = plain.rows(scope, set()), wide.rows(scope, set())
    except errors.SqlglotError as error:
        raise ScorecardError(
            f"The SQL of {name} can't be read for its lineage: {error}", "Write the model in plainer SQL."
        ) from error
    return Step(made_of, depends_on, _is_row_by_row(scope.expression), _reads(scope.expression))


def read_scope(sql: str, columns: Mapping[str, Sequence[str]]) -> Any:
    """Return sqlglot's scope of a query whose columns all name their table; None where it is no query.

    Raises
    ------
    sqlglot.errors.SqlglotError: sqlglot can't read it.
    """
    import sqlglot
    from sqlglot import exp
    from sqlglot.optimizer.qualify import qualify
    from sqlglot.optimizer.scope import build_scope

    schema: dict[str, Any] = {}
    for relation, names in columns.items():
        folder, table = relation.split(".", 1)
        schema.setdefault(folder, {})[table] = dict.fromkeys(names, "unknown")
    tree: Any = sqlglot.parse_one(sql, dialect=DIALECT)
    for table_node in tree.find_all(exp.Table):
        # The schema is enough to tell relations apart; the database's name differs by machine.
        table_node.set("catalog", None)
    tree = qualify(
        tree, dialect=DIALECT, schema=schema, validate_qualify_columns=False, quote_identifiers=False, identify=False
    )
    return build_scope(tree)


def _reads(tree: Any) -> dict[str, int]:
    from sqlglot import exp

    reads: dict[str, int] = {}
    for table in tree.find_all(exp.Table):
        if table.db:
            name = f"{table.db}.{table.name}".lower()
            reads[name] = reads.get(name, 0) + 1
    return reads


def _is_row_by_row(tree: Any) -> bool:
    from sqlglot import exp

    if any(tree.find(kind) for kind in (exp.AggFunc, exp.Window, exp.Unnest, exp.Explode, exp.Except, exp.Intersect)):
        return False
    if any(union.args.get("distinct") for union in tree.find_all(exp.Union)):
        return False
    if any(select.args.get(clause) for select in tree.find_all(exp.Select) for clause in _CLAUSES):
        return False
    names = [table.name for table in tree.find_all(exp.Table) if not table.db]
    return len(names) == len(set(names))  # a CTE that is read twice may be joined to itself


class Reader:
    """Follows columns through the CTEs, subqueries and unions of one query. Each is read once."""

    def __init__(self) -> None:
        self._seen: dict[tuple[int, str], Pairs] = {}

    def outputs(self, scope: Any) -> list[str]:
        """Return the names of a query's columns."""
        if not scope.set_operation_scopes:
            return [name.lower() for name in scope.expression.named_selects]
        parts = [self.outputs(part) for part in scope.set_operation_scopes]
        by_name = bool(scope.expression.args.get("by_name"))
        return list(dict.fromkeys(name for part in parts for name in part)) if by_name else parts[0]

    def column(self, scope: Any, name: str) -> Pairs:
        """Return the (relation, column) pairs that one column of a query is made of."""
        key = (id(scope), name)
        if key not in self._seen:
            self._seen[key] = set()  # a recursive query meets itself
            self._seen[key] = self._column(scope, name)
        return self._seen[key]

    def _column(self, scope: Any, name: str) -> Pairs:
        if scope.set_operation_scopes:
            return self._of_union(scope, name)
        pairs: Pairs = set()
        for select in scope.expression.selects:
            if select.alias_or_name.lower() == name:
                pairs |= self.used(scope, select)
        return pairs

    def _of_union(self, scope: Any, name: str) -> Pairs:
        # By name, or by the place that the first part gives the name.
        names = self.outputs(scope)
        by_name = bool(scope.expression.args.get("by_name"))
        pairs: Pairs = set()
        for part in scope.set_operation_scopes:
            own = self.outputs(part)
            if by_name:
                wanted = name
            else:
                place = names.index(name)
                wanted = own[place] if place < len(own) else name
            pairs |= self.column(part, wanted)
        return pairs

    def used(self, scope: Any, expression: Any) -> Pairs:
        """Return what the columns in an expression are made of; a subquery in it counts with its columns."""
        from sqlglot import exp

        pairs: Pairs = set()
        for column in expression.find_all(exp.Column):
            pairs |= self._resolve(scope, column)
        return pairs

    def _resolve(self, scope: Any, column: Any) -> Pairs:
        from sqlglot import exp

        table, name = column.table.lower(), column.name.lower()
        tried: set[int] = set()
        while scope is not None:
            source = {key.lower(): value for key, value in scope.sources.items()}.get(table)
            if source is None:
                # What a subquery doesn't know, as the argument of a lambda, is not looked for in it once more.
                inner = self._inside(scope, column)
                scope = inner if inner is not None and id(inner) not in tried else scope.parent
                tried.add(id(inner))
                continue
            joined_by = self._joined_by(scope, table)
            if isinstance(source, exp.Table):
                own = {(f"{source.db}.{source.name}".lower(), name)} if source.db else set()
                return own | joined_by
            return self.column(source, name) | joined_by
        return set()

    def _joined_by(self, scope: Any, table: str) -> Pairs:
        """Return by what a table's row is found; nothing, unless that counts as what its columns are made of."""
        return set()

    def _inside(self, scope: Any, column: Any) -> Any:
        """Return the subquery of a query's expressions that a column stands in, if it does."""
        for inner in scope.subquery_scopes:
            node = column
            while node is not None and node is not scope.expression:
                if node is inner.expression:
                    return inner
                node = node.parent
        return None

    def rows(self, scope: Any, seen: set[int]) -> Pairs:
        """Return what a query's filters, joins and windows over rows look at, in it and in the queries it reads."""
        from sqlglot import exp

        if id(scope) in seen:
            return set()
        seen.add(id(scope))
        pairs: Pairs = set()
        for part in scope.set_operation_scopes:
            pairs |= self.rows(part, seen)
        if isinstance(scope.expression, exp.Select):
            pairs |= self._chosen_by(scope)
        for source in scope.sources.values():
            if not isinstance(source, exp.Table):
                pairs |= self.rows(source, seen)
        return pairs

    def _chosen_by(self, scope: Any) -> Pairs:
        """Return what a select's own clauses look at."""
        pairs: Pairs = set()
        for key in ("where", "having", "qualify"):
            if clause := scope.expression.args.get(key):
                pairs |= self.used(scope, clause)
        for join in scope.expression.args.get("joins") or []:
            # A left join adds columns to rows that are there whether it finds anything or not.
            if (condition := join.args.get("on")) and join.side != "LEFT":
                pairs |= self.used(scope, condition)
        return pairs


class WideReader(Reader):
    """Counts what could change a value besides what it is made of: a left join's key, and what rows are grouped by.

    A key that is there twice in the table that is joined makes two rows of one, so that side of a left join counts as
    what chooses rows.
    """

    def __init__(self) -> None:
        super().__init__()
        self._following: set[tuple[int, str]] = set()

    def _joined_by(self, scope: Any, table: str) -> Pairs:
        if (id(scope), table) in self._following:
            return set()
        self._following.add((id(scope), table))
        pairs: Pairs = set()
        for join in scope.expression.args.get("joins") or []:
            condition = join.args.get("on")
            if join.side and condition and join.alias_or_name.lower() == table:
                pairs |= self.used(scope, condition)
        self._following.discard((id(scope), table))
        return pairs

    def _chosen_by(self, scope: Any) -> Pairs:
        from sqlglot import exp

        pairs = super()._chosen_by(scope)
        for key in ("group", "distinct", "order"):
            if clause := scope.expression.args.get(key):
                pairs |= self.used(scope, clause)
        for join in scope.expression.args.get("joins") or []:
            condition, table = join.args.get("on"), join.alias_or_name.lower()
            if condition and join.side == "LEFT":
                self._following.add((id(scope), table))
                for column in condition.find_all(exp.Column):
                    if column.table.lower() == table:
                        pairs |= self.used(scope, column)
                self._following.discard((id(scope), table))
        return pairs
