"""Read the SQL of one model by sqlglot: which columns of its tables make each of its columns and choose its rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scorecard.shared.errors import ScorecardError

ROWS = "rows"
DIALECT = "duckdb"
ColumnSet = set[tuple[str, str]]
"""Columns of what a query reads, as (``schema.table``, column)."""

# Each of these clauses makes rows that are not one row of a table each.
_CLAUSES = ("group", "having", "qualify", "distinct", "limit", "offset", "sample", "laterals")


@dataclass(frozen=True)
class QueryLineage:
    """What one query reads.

    made_of: by column, the columns that its value is made of; ``rows`` has the columns in filters and joins.
    depends_on: the same with everything else that could change the value: the key by which a left join finds it, and
    the columns that rows are grouped by.
    is_row_by_row: each of its rows is one row of a table, with other rows joined to it.
    reads: how often it reads each relation.
    """

    made_of: Mapping[str, ColumnSet]
    depends_on: Mapping[str, ColumnSet]
    is_row_by_row: bool
    reads: Mapping[str, int]

    @property
    def columns(self) -> list[str]:
        """The query's columns."""
        return [column for column in self.made_of if column != ROWS]


def read_query(name: str, sql: str, columns: Mapping[str, Sequence[str]]) -> QueryLineage:
    """Read a relation's query.

    Parameters
    ----------
    name: the relation, for errors.
    columns: the columns of the relations that it reads, by ``schema.table``.

    Raises
    ------
    ScorecardError: sqlglot can't read it, or it is no query.
    """
    from sqlglot import errors

    try:
        scope = read_scope(sql, columns)
        if scope is None:
            raise ScorecardError(f"{name} is not a query.", "Write its model as one select.")
        plain, wide = ColumnReader(), DependencyReader()
        made_of = {column: plain.column(scope, column) for column in plain.outputs(scope)}
        depends_on = {column: wide.column(scope, column) for column in made_of}
        made_of[ROWS], depends_on[ROWS] = plain.rows(scope, set()), wide.rows(scope, set())
    except errors.SqlglotError as error:
        raise ScorecardError(
            f"The SQL of {name} can't be read for its lineage: {error}", "Write the model in plainer SQL."
        ) from error
    return QueryLineage(made_of, depends_on, _is_row_by_row(scope.expression), _reads(scope.expression))


def read_scope(sql: str, columns: Mapping[str, Sequence[str]]) -> Any:
    """Return sqlglot's scope of a query, in which every column names its table; None where the SQL is not a query.

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
        # The schema tells relations apart. The name of the database differs by machine.
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


class ColumnReader:
    """Follows columns through the CTEs, subqueries and unions of one query. Each column is read once."""

    def __init__(self) -> None:
        self._columns: dict[tuple[int, str], ColumnSet] = {}

    def outputs(self, scope: Any) -> list[str]:
        """Return the names of a query's columns."""
        if not scope.set_operation_scopes:
            return [name.lower() for name in scope.expression.named_selects]
        parts = [self.outputs(part) for part in scope.set_operation_scopes]
        by_name = bool(scope.expression.args.get("by_name"))
        return list(dict.fromkeys(name for part in parts for name in part)) if by_name else parts[0]

    def column(self, scope: Any, name: str) -> ColumnSet:
        """Return the (relation, column) pairs that one column of a query is made of."""
        key = (id(scope), name)
        if key not in self._columns:
            self._columns[key] = set()  # ends the recursion where a recursive query reads itself
            self._columns[key] = self._column(scope, name)
        return self._columns[key]

    def _column(self, scope: Any, name: str) -> ColumnSet:
        if scope.set_operation_scopes:
            return self._of_union(scope, name)
        pairs: ColumnSet = set()
        for select in scope.expression.selects:
            if select.alias_or_name.lower() == name:
                pairs |= self.used(scope, select)
        return pairs

    def _of_union(self, scope: Any, name: str) -> ColumnSet:
        # A union is by name, or else by the place of the name in the first part.
        names = self.outputs(scope)
        by_name = bool(scope.expression.args.get("by_name"))
        pairs: ColumnSet = set()
        for part in scope.set_operation_scopes:
            own = self.outputs(part)
            if by_name:
                wanted = name
            else:
                place = names.index(name)
                wanted = own[place] if place < len(own) else name
            pairs |= self.column(part, wanted)
        return pairs

    def used(self, scope: Any, expression: Any) -> ColumnSet:
        """Return what the columns in an expression are made of, those of its subqueries among them."""
        from sqlglot import exp

        pairs: ColumnSet = set()
        for column in expression.find_all(exp.Column):
            pairs |= self._resolve(scope, column)
        return pairs

    def _resolve(self, scope: Any, column: Any) -> ColumnSet:
        from sqlglot import exp

        table, name = column.table.lower(), column.name.lower()
        tried: set[int] = set()
        while scope is not None:
            source = {key.lower(): value for key, value in scope.sources.items()}.get(table)
            if source is None:
                # A name that a subquery doesn't know, such as the argument of a lambda, is looked for in it once only.
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

    def _joined_by(self, scope: Any, table: str) -> ColumnSet:
        """Return the columns by which a join finds a table's row. They count for a `DependencyReader` only."""
        return set()

    def _inside(self, scope: Any, column: Any) -> Any:
        """Return the subquery that a column stands in, if it stands in one."""
        for inner in scope.subquery_scopes:
            node = column
            while node is not None and node is not scope.expression:
                if node is inner.expression:
                    return inner
                node = node.parent
        return None

    def rows(self, scope: Any, seen: set[int]) -> ColumnSet:
        """Return the columns in the filters, joins and windows of a query, and of the queries that it reads."""
        from sqlglot import exp

        if id(scope) in seen:
            return set()
        seen.add(id(scope))
        pairs: ColumnSet = set()
        for part in scope.set_operation_scopes:
            pairs |= self.rows(part, seen)
        if isinstance(scope.expression, exp.Select):
            pairs |= self._chosen_by(scope)
        for source in scope.sources.values():
            if not isinstance(source, exp.Table):
                pairs |= self.rows(source, seen)
        return pairs

    def _chosen_by(self, scope: Any) -> ColumnSet:
        """Return the columns in a select's own clauses that choose rows."""
        pairs: ColumnSet = set()
        for key in ("where", "having", "qualify"):
            if clause := scope.expression.args.get(key):
                pairs |= self.used(scope, clause)
        for join in scope.expression.args.get("joins") or []:
            # A left join chooses no rows: it adds columns to rows that are there anyway.
            if (condition := join.args.get("on")) and join.side != "LEFT":
                pairs |= self.used(scope, condition)
        return pairs


class DependencyReader(ColumnReader):
    """Adds what else could change a value: the key of a left join, and the columns that rows are grouped by.

    If a key repeats in the joined table, one row becomes two. So the joined side of a left join counts among what
    chooses rows.
    """

    def __init__(self) -> None:
        super().__init__()
        self._following: set[tuple[int, str]] = set()

    def _joined_by(self, scope: Any, table: str) -> ColumnSet:
        if (id(scope), table) in self._following:
            return set()
        self._following.add((id(scope), table))
        pairs: ColumnSet = set()
        for join in scope.expression.args.get("joins") or []:
            condition = join.args.get("on")
            if join.side and condition and join.alias_or_name.lower() == table:
                pairs |= self.used(scope, condition)
        self._following.discard((id(scope), table))
        return pairs

    def _chosen_by(self, scope: Any) -> ColumnSet:
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
