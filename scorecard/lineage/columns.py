"""Column lineage: dbt's compiled SQL, read by sqlglot, model by model back to the source's fields."""

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from scorecard.catalogue import Metric, metric_of
from scorecard.errors import ScorecardError
from scorecard.lineage.downstream import is_metric
from scorecard.settings import Settings

COLUMNS = (
    "numerator",
    "denominator",
    "record_id",
    "occurred_at",
    "occurred_on",
    "ended_on",
    "grain",
)
ROWS = "rows"
_DIALECT = "duckdb"
# Where a record came from is written beside every raw row; it is no field of the source.
_EXTRACTED = (
    "_source_file",
    "_source_line",
    "_source_sha256",
    "_valid_from",
    "_valid_to",
    "_dlt_load_id",
    "_dlt_id",
)
_VERSION = 3


@dataclass
class _Relation:
    """A table or view of the warehouse: its SQL if dbt made it by a query, and what is known of its columns."""

    name: str
    sql: str | None
    columns: list[str]
    needs: list[str] = field(default_factory=list)
    sources: dict[str, list[str]] = field(default_factory=dict)


def metric_lineage(
    settings: Settings, metrics: Iterable[Metric], dimensions: Iterable[str], target_path: Path | None = None
) -> dict[str, dict[str, Any]]:
    """Return what each metric's observations come from.

    Parameters
    ----------
    metrics: variants may be among them; they share the entry of the metric they stand beside.
    dimensions: the names of those that observations may be cut by.
    target_path: where dbt wrote its manifest; the project's own ``target`` if not given.

    Returns
    -------
    By metric: ``{"sql": compiled SQL, "upstream": {"schema.table": hash}, "columns": {column: ["schema.table.field",
    …]}}``. ``upstream`` has the hash of the SQL of every model that it rests on, its own among them, without comments
    and blanks. The columns are numerator,
    denominator, record_id, occurred_at, occurred_on, ended_on, grain and the dimensions; ``rows`` lists the fields
    that decide which records count (filters and joins). A constant column has an empty list.

    Raises
    ------
    ScorecardError: the project was not built, or the SQL of a model can't be read.
    """
    target = target_path or settings.dbt_project / "target"
    wanted = sorted({metric.model for metric in metrics if metric.model})
    relations, models = _relations(target)
    if missing := [model for model in wanted if model not in models]:
        raise ScorecardError(
            f"dbt has not compiled {', '.join(missing)}.",
            "Build the warehouse with `scorecard run`, then try again.",
        )
    named = (*COLUMNS, *dimensions, ROWS)
    cache = settings.state / "lineage" / f"{_fingerprint(relations, wanted, named)}.json"
    if cache.is_file():
        return dict(json.loads(cache.read_bytes()))
    result = {}
    done: dict[str, dict[str, list[str]]] = {}
    for model in wanted:
        relation = relations[models[model]]
        columns = _to_fields(relation.name, relations, done)
        result[metric_of(model)] = {
            "sql": relation.sql,
            "upstream": _upstream(relation.name, relations),
            "columns": {name: columns[name] for name in named if name in columns},
        }
    cache.parent.mkdir(parents=True, exist_ok=True)
    for old in cache.parent.glob("*.json"):
        old.unlink(missing_ok=True)
    beside = cache.with_suffix(f".{os.getpid()}")
    beside.write_text(json.dumps(result), encoding="utf-8")
    beside.replace(cache)
    return result


def _upstream(name: str, relations: dict[str, _Relation]) -> dict[str, str]:
    """Return the hash of the SQL of each model that a relation rests on, its own among them."""
    found: dict[str, str] = {}
    rest = [name]
    while rest:
        relation = relations[rest.pop()]
        if relation.sql and relation.name not in found:
            found[relation.name] = _sql_hash(relation.sql)
            rest += relation.needs
    return found


@cache
def _sql_hash(sql: str) -> str:
    """Hash what SQL means to DuckDB: comments, blanks and line ends are no part of it."""
    from sqlglot import tokenize

    words = [f"{token.token_type.name} {token.text}" for token in tokenize(sql, dialect=_DIALECT)]
    return hashlib.sha256("\n".join(words).encode()).hexdigest()


def _relations(target: Path) -> tuple[dict[str, _Relation], dict[str, str]]:
    """Return relations by "schema.table", and the metrics' relations by model name."""
    path = target / "manifest.json"
    if not path.is_file():
        raise ScorecardError(f"There is no {path}.", "Build the warehouse with `scorecard run`, then try again.")
    manifest = json.loads(path.read_bytes())
    names = {}
    for unique_id, node in {**manifest["nodes"], **manifest["sources"]}.items():
        if node["resource_type"] in ("model", "seed", "source", "snapshot"):
            names[unique_id] = f"{node['schema']}.{node.get('alias') or node.get('identifier') or node['name']}".lower()
    relations, models = {}, {}
    for unique_id, name in names.items():
        node = manifest["nodes"].get(unique_id) or manifest["sources"][unique_id]
        columns = [column.lower() for column in node.get("columns", {})]
        if node["resource_type"] == "source":
            columns += [column for column in _EXTRACTED if column not in columns]
        relation = _Relation(name, None, columns)
        if node["resource_type"] == "model":
            relation.sql = _compiled(target, node)
            relation.needs = [names[parent] for parent in node["depends_on"]["nodes"] if parent in names]
        relations[name] = relation
        if is_metric(node):
            models[node["name"]] = name
    return relations, models


def _compiled(target: Path, node: dict[str, Any]) -> str | None:
    """Return a model's SQL. A run that built a part leaves the rest out of the manifest but beside it."""
    if node.get("compiled_code"):
        return str(node["compiled_code"]).strip()
    path = target / "compiled" / node["package_name"] / node["original_file_path"]
    return path.read_text(encoding="utf-8").strip() if path.is_file() else None


def _fingerprint(relations: dict[str, _Relation], wanted: list[str], columns: tuple[str, ...]) -> str:
    """Hash what the lineage depends on. The manifest itself holds the hour of the run, so it is never the same."""
    from importlib.metadata import version

    content = [
        _VERSION,
        version("sqlglot"),
        wanted,
        columns,
        sorted((relation.name, relation.sql, relation.columns) for relation in relations.values()),
    ]
    return hashlib.sha256(json.dumps(content, default=str).encode()).hexdigest()


def _to_fields(
    name: str, relations: dict[str, _Relation], done: dict[str, dict[str, list[str]]]
) -> dict[str, list[str]]:
    """Return the source fields behind every column of a relation (and behind its rows), each model read once."""
    if name in done:
        return done[name]
    relation = relations[name]
    if relation.sql is None:
        done[name] = {column: [f"{name}.{column}"] for column in relation.columns}
        return done[name]
    for parent in relation.needs:
        _to_fields(parent, relations, done)
        if relations[parent].sql is not None:
            relations[parent].columns = [column for column in done[parent] if column != ROWS]
    direct = _one_step(relation, relations)
    used = sorted({parent for fields in direct.values() for parent, _ in fields})
    found: dict[str, list[str]] = {}
    for column, fields in direct.items():
        origins: set[str] = set()
        for parent, upstream in fields:
            if parent in done:
                origins.update(done[parent].get(upstream, [] if relations[parent].sql else [f"{parent}.{upstream}"]))
            else:
                origins.add(f"{parent}.{upstream}")
        if column == ROWS:
            # A record that its upstream model leaves out doesn't count here either.
            origins.update(origin for parent in used for origin in done.get(parent, {}).get(ROWS, []))
        found[column] = sorted(origin for origin in origins if origin.rsplit(".", 1)[1] not in _EXTRACTED)
    done[name] = found
    return found


def _one_step(relation: _Relation, relations: dict[str, _Relation]) -> dict[str, set[tuple[str, str]]]:
    """Return which columns of the relations it reads each column of a model (and its choice of rows) is made of."""
    import sqlglot
    from sqlglot import errors, exp
    from sqlglot.optimizer.qualify import qualify
    from sqlglot.optimizer.scope import build_scope

    schema: dict[str, Any] = {}
    for parent in relation.needs:
        folder, table = parent.split(".", 1)
        schema.setdefault(folder, {})[table] = dict.fromkeys(relations[parent].columns, "unknown")
    try:
        tree: Any = sqlglot.parse_one(relation.sql or "", dialect=_DIALECT)
        for table in tree.find_all(exp.Table):
            # The schema is enough to tell relations apart; the database's name differs by machine.
            table.set("catalog", None)
        tree = qualify(
            tree,
            dialect=_DIALECT,
            schema=schema,
            validate_qualify_columns=False,
            quote_identifiers=False,
            identify=False,
        )
        scope = build_scope(tree)
        if scope is None:
            raise ScorecardError(f"{relation.name} is not a query.", "Write its model as one select.")
        reader = _Reader()
        found = {column: reader.column(scope, column) for column in reader.outputs(scope)}
        found[ROWS] = reader.rows(scope, set())
    except errors.SqlglotError as error:
        raise ScorecardError(
            f"The SQL of {relation.name} can't be read for its lineage: {error}",
            "Write the model in plainer SQL.",
        ) from error
    return found


class _Reader:
    """Follows columns through the CTEs, subqueries and unions of one query. Each is read once."""

    def __init__(self) -> None:
        self._seen: dict[tuple[int, str], set[tuple[str, str]]] = {}

    def outputs(self, scope: Any) -> list[str]:
        """Return the names of a query's columns."""
        if not scope.set_operation_scopes:
            return [name.lower() for name in scope.expression.named_selects]
        parts = [self.outputs(part) for part in scope.set_operation_scopes]
        by_name = bool(scope.expression.args.get("by_name"))
        return list(dict.fromkeys(name for part in parts for name in part)) if by_name else parts[0]

    def column(self, scope: Any, name: str) -> set[tuple[str, str]]:
        """Return the (relation, column) pairs that one column of a query is made of."""
        key = (id(scope), name)
        if key not in self._seen:
            self._seen[key] = set()  # a recursive query meets itself
            self._seen[key] = self._column(scope, name)
        return self._seen[key]

    def _column(self, scope: Any, name: str) -> set[tuple[str, str]]:
        if scope.set_operation_scopes:
            return self._of_union(scope, name)
        found: set[tuple[str, str]] = set()
        for select in scope.expression.selects:
            if select.alias_or_name.lower() == name:
                found |= self._used(scope, select)
        return found

    def _of_union(self, scope: Any, name: str) -> set[tuple[str, str]]:
        # By name, or by the place that the first part gives the name.
        names = self.outputs(scope)
        by_name = bool(scope.expression.args.get("by_name"))
        found: set[tuple[str, str]] = set()
        for part in scope.set_operation_scopes:
            own = self.outputs(part)
            if by_name:
                wanted = name
            else:
                place = names.index(name)
                wanted = own[place] if place < len(own) else name
            found |= self.column(part, wanted)
        return found

    def _used(self, scope: Any, expression: Any) -> set[tuple[str, str]]:
        """Return what the columns in an expression are made of; a subquery in it counts with its columns."""
        from sqlglot import exp

        found: set[tuple[str, str]] = set()
        for column in expression.find_all(exp.Column):
            found |= self._resolve(scope, column)
        return found

    def _resolve(self, scope: Any, column: Any) -> set[tuple[str, str]]:
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
            if isinstance(source, exp.Table):
                return {(f"{source.db}.{source.name}".lower(), name)} if source.db else set()
            return self.column(source, name)
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

    def rows(self, scope: Any, seen: set[int]) -> set[tuple[str, str]]:
        """Return what a query's filters, joins and windows over rows look at, in it and in the queries it reads."""
        from sqlglot import exp

        if id(scope) in seen:
            return set()
        seen.add(id(scope))
        found: set[tuple[str, str]] = set()
        for part in scope.set_operation_scopes:
            found |= self.rows(part, seen)
        if isinstance(scope.expression, exp.Select):
            for key in ("where", "having", "qualify"):
                if clause := scope.expression.args.get(key):
                    found |= self._used(scope, clause)
            for join in scope.expression.args.get("joins") or []:
                # A left join adds columns to rows that are there whether it finds anything or not.
                if (condition := join.args.get("on")) and join.side != "LEFT":
                    found |= self._used(scope, condition)
        for source in scope.sources.values():
            if not isinstance(source, exp.Table):
                found |= self.rows(source, seen)
        return found
