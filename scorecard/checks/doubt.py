"""What a failed check puts in doubt: columns, and the rows that break the check. Cheap to import."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_COLUMN_ARGUMENTS = ("column", "column_A", "column_B", "column_list", "column_set")
"""The arguments of expectations that name columns."""
_DIALECT = "duckdb"


@dataclass(frozen=True)
class Doubt:
    """The values that may be wrong if a check fails.

    columns: (``schema.table``, column) pairs that the rule reads, or that its ``in_doubt`` names.
    rows: a query of the rows that break the rule; None if they are unknown.
    with_causes: the columns from which a model makes these columns are in doubt, too.
    """

    columns: tuple[tuple[str, str], ...]
    rows: str | None = None
    with_causes: bool = False

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any] | None) -> "Doubt | None":
        """Return the doubt that `dataclasses.asdict` made a dict of."""
        columns = tuple((relation, column) for relation, column in entry["columns"]) if entry else ()
        return cls(columns, entry["rows"], entry["with_causes"]) if entry else None


def columns_there(con: "DuckDBPyConnection") -> dict[str, list[str]]:
    """Return the columns of each ``schema.relation`` of a warehouse, in lower case."""
    sql = "select schema_name || '.' || table_name, list(lower(column_name)) from duckdb_columns() group by 1"
    return dict(con.execute(sql).fetchall())


def columns_expected(relation: str, expectation: str, arguments: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return the columns that an expectation about a relation names; none if a failure is about whole rows."""
    named: list[str] = []
    if "unique" in expectation:  # a repeated row counts twice as a whole
        return ()
    for key in _COLUMN_ARGUMENTS:
        value = arguments.get(key, [])
        named += [value] if isinstance(value, str) else value
    return tuple((relation, column.lower()) for column in named)


def columns_read(sql: str, columns: Mapping[str, Iterable[str]]) -> tuple[tuple[str, str], ...]:
    """Return the columns of some relations that a query names; ``*`` names none.

    The result is empty if the query can't be parsed, or if it counts rows: then it is about whole rows.

    Parameters
    ----------
    columns: the columns of each relation, by ``schema.table``. A name without a table stands for every relation that
        has such a column.
    """
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    try:
        tree: Any = sqlglot.parse_one(sql, dialect=_DIALECT)
    except SqlglotError:
        return ()
    if any(isinstance(count.this, exp.Star) for count in tree.find_all(exp.Count)):
        return ()
    relations = _relations_by_name(tree)
    read = set()
    for column in tree.find_all(exp.Column):
        table, name = column.table.lower(), column.name.lower()
        if name.startswith("_"):  # the extraction's own columns: the place of a row and its version
            continue
        candidates = relations.get(table, set()) if table else columns.keys()
        read |= {(relation, name) for relation in candidates if name in columns.get(relation, ())}
    return tuple(sorted(read))


def _relations_by_name(tree: Any) -> dict[str, set[str]]:
    """Return the relations that each name in a query may stand for: a table, or a subquery that selects ``*``."""
    from sqlglot import exp

    relations: dict[str, set[str]] = {}
    for table in tree.find_all(exp.Table):
        if table.db:
            relations.setdefault(table.alias_or_name.lower(), set()).add(f"{table.db}.{table.name}".lower())
    for inner in (*tree.find_all(exp.Subquery), *tree.find_all(exp.CTE)):
        select = inner.this
        if inner.alias and isinstance(select, exp.Select) and select.is_star:
            within = {f"{table.db}.{table.name}".lower() for table in select.find_all(exp.Table) if table.db}
            relations.setdefault(inner.alias.lower(), set()).update(within)
    return relations


def rows_with(sql: str, columns: Iterable[str]) -> str | None:
    """Return a query of the same rows with more columns of its table; None if it groups or joins rows.

    A query that selects the columns already, or all columns, stays as it is.
    """
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    try:
        tree: Any = sqlglot.parse_one(sql, dialect=_DIALECT)
    except SqlglotError:
        return None
    if not isinstance(tree, exp.Select) or tree.is_star or set(columns) <= set(tree.named_selects):
        return sql
    if any(tree.args.get(clause) for clause in ("group", "distinct", "joins")):
        return None
    if any(projection.find(exp.AggFunc) for projection in tree.selects):
        return None
    return str(tree.select("*", append=False).sql(_DIALECT))
