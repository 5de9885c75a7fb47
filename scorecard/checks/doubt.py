"""What a failed check puts in doubt: columns, and the rows that break it. Cheap to import."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_COLUMN_ARGUMENTS = ("column", "column_A", "column_B", "column_list", "column_set")
"""Arguments of expectations that name columns."""
_DIALECT = "duckdb"


@dataclass(frozen=True)
class Doubt:
    """What could be otherwise where a check fails.

    columns: (``schema.table``, column) that its rule reads, or says that a failure puts in doubt. rows: a query of the
    rows that break it; None where nobody knows them. with_causes: what a model makes the columns of is in doubt, too.
    """

    columns: tuple[tuple[str, str], ...]
    rows: str | None = None
    with_causes: bool = False

    @classmethod
    def kept(cls, entry: Mapping[str, Any] | None) -> "Doubt | None":
        """Return a doubt from what `dataclasses.asdict` made of one."""
        columns = tuple((relation, column) for relation, column in entry["columns"]) if entry else ()
        return cls(columns, entry["rows"], entry["with_causes"]) if entry else None


def columns_there(con: "DuckDBPyConnection") -> dict[str, list[str]]:
    """Return the columns of each ``schema.relation`` of a warehouse, in lower case."""
    sql = "select schema_name || '.' || table_name, list(lower(column_name)) from duckdb_columns() group by 1"
    return dict(con.execute(sql).fetchall())


def columns_expected(relation: str, expectation: str, arguments: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return the columns that an expectation about a relation names; none where a failure is about whole rows."""
    named: list[str] = []
    if "unique" in expectation:  # a row that is there twice counts twice
        return ()
    for key in _COLUMN_ARGUMENTS:
        value = arguments.get(key, [])
        named += [value] if isinstance(value, str) else value
    return tuple((relation, column.lower()) for column in named)


def columns_read(sql: str, columns: Mapping[str, Iterable[str]]) -> tuple[tuple[str, str], ...]:
    """Return the columns of some relations that a query names, ``*`` aside.

    None where it can't be read, or counts rows: then it is about whole rows.

    Parameters
    ----------
    columns: of each relation by ``schema.table``. A name without its table counts for each that has such a column.
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
        if name.startswith("_"):  # where a row was read, and which version it is
            continue
        of_table = relations.get(table, set()) if table else columns.keys()
        read |= {(relation, name) for relation in of_table if name in columns.get(relation, ())}
    return tuple(sorted(read))


def _relations_by_name(tree: Any) -> dict[str, set[str]]:
    """Return the relations that each name in a query may stand for: a table's, or that of a select of all of one."""
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
    """Return a query of the same rows that has some columns of the one table it reads; None where rows are grouped.

    A query that has the columns by name, or all of them, stays as it is.
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
