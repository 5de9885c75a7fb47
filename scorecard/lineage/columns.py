"""Column lineage: dbt's compiled SQL, read by sqlglot, model by model back to the source's fields."""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from scorecard.catalogue import Metric, metric_of
from scorecard.lineage.model_sql import DIALECT, ROWS
from scorecard.lineage.relations import EXTRACTED, QueryLineages, Relation, read_relations
from scorecard.shared.errors import ScorecardError
from scorecard.shared.files import write_whole
from scorecard.shared.settings import Settings

COLUMNS = (
    "numerator",
    "denominator",
    "record_id",
    "occurred_at",
    "occurred_on",
    "ended_on",
    "grain",
)
_VERSION = 3


def metric_lineage(
    settings: Settings, metrics: Iterable[Metric], dimensions: Iterable[str], target_path: Path | None = None
) -> dict[str, dict[str, Any]]:
    """Return what each metric's observations are made of.

    Parameters
    ----------
    metrics: variants may be among them; they share the entry of their metric.
    dimensions: the names of the dimensions that observations may be cut by.
    target_path: where dbt wrote its manifest; the project's own ``target`` if not given.

    Returns
    -------
    By metric: ``{"sql": compiled SQL, "upstream": {"schema.table": hash}, "columns": {column: ["schema.table.field",
    …]}}``. ``upstream`` has the hash of the SQL, without comments and blanks, of every model that the metric rests on,
    its own among them. The columns are numerator, denominator, record_id, occurred_at, occurred_on, ended_on, grain and
    the dimensions. ``rows`` lists the fields that decide which records count (filters and joins). A constant column has
    an empty list.

    Raises
    ------
    ScorecardError: the project was not built, or the SQL of a model can't be read.
    """
    wanted = sorted({metric.model for metric in metrics if metric.model})
    relations, models = read_relations(target_path or settings.dbt_project / "target")
    if missing := [model for model in wanted if model not in models]:
        raise ScorecardError(
            f"dbt has not compiled {', '.join(missing)}.",
            "Build the warehouse with `scorecard run`, then try again.",
        )
    columns = (*COLUMNS, *dimensions, ROWS)
    kept = settings.state / "lineage" / f"{_fingerprint(relations, wanted, columns)}.json"
    if kept.is_file():
        return dict(json.loads(kept.read_bytes()))
    lineage = _read_lineage(settings, relations, {metric_of(model): models[model] for model in wanted}, columns)
    for old in kept.parent.glob("*.json"):
        old.unlink(missing_ok=True)
    write_whole(kept, json.dumps(lineage).encode())
    return lineage


def _read_lineage(
    settings: Settings, relations: dict[str, Relation], names: Mapping[str, str], columns: Collection[str]
) -> dict[str, dict[str, Any]]:
    """Return the lineage of metrics. ``names`` has the relation of each metric."""
    queries = QueryLineages(settings, relations)
    source_fields = _SourceFields(relations, queries)
    lineage = {}
    for metric, name in names.items():
        fields = source_fields.fields(name)
        lineage[metric] = {
            "sql": relations[name].sql,
            "upstream": _upstream(name, relations),
            "columns": {column: fields[column] for column in columns if column in fields},
        }
    queries.keep()
    return lineage


def _upstream(name: str, relations: dict[str, Relation]) -> dict[str, str]:
    """Return the hash of the SQL of each model that a relation rests on, the relation's own among them."""
    hashes: dict[str, str] = {}
    rest = [name]
    while rest:
        relation = relations[rest.pop()]
        if relation.sql and relation.name not in hashes:
            hashes[relation.name] = _sql_hash(relation.sql)
            rest += relation.needs
    return hashes


@cache
def _sql_hash(sql: str) -> str:
    """Hash SQL without comments, blanks and line ends, which mean nothing to DuckDB."""
    from sqlglot import tokenize

    words = [f"{token.token_type.name} {token.text}" for token in tokenize(sql, dialect=DIALECT)]
    return hashlib.sha256("\n".join(words).encode()).hexdigest()


def _fingerprint(relations: dict[str, Relation], wanted: list[str], columns: tuple[str, ...]) -> str:
    """Hash what the lineage depends on. A hash of the manifest would differ in every run, since it holds the hour."""
    from importlib.metadata import version

    content = [
        _VERSION,
        version("sqlglot"),
        wanted,
        columns,
        sorted((relation.name, relation.sql, relation.columns) for relation in relations.values()),
    ]
    return hashlib.sha256(json.dumps(content, default=str).encode()).hexdigest()


class _SourceFields:
    """The source fields behind the columns of relations. Each relation is read once."""

    def __init__(self, relations: Mapping[str, Relation], queries: QueryLineages) -> None:
        self._relations, self._queries = relations, queries
        self._fields: dict[str, dict[str, list[str]]] = {}

    def fields(self, name: str) -> dict[str, list[str]]:
        """Return the source fields behind every column of a relation, and behind its rows."""
        if name not in self._fields:
            relation = self._relations[name]
            if relation.sql is None:
                self._fields[name] = {column: [f"{name}.{column}"] for column in relation.columns}
            else:
                self._fields[name] = self._of_query(relation)
        return self._fields[name]

    def _of_query(self, relation: Relation) -> dict[str, list[str]]:
        for parent in relation.needs:
            self.fields(parent)
        made_of = self._queries.lineage(relation.name).made_of
        parents = {parent for pairs in made_of.values() for parent, _ in pairs}
        fields: dict[str, list[str]] = {}
        for column, pairs in made_of.items():
            origins = {origin for parent, parents_column in pairs for origin in self._origins(parent, parents_column)}
            if column == ROWS:
                # A record that an upstream model leaves out doesn't count here either.
                origins.update(origin for parent in parents for origin in self._fields.get(parent, {}).get(ROWS, []))
            fields[column] = sorted(origin for origin in origins if origin.rsplit(".", 1)[1] not in EXTRACTED)
        return fields

    def _origins(self, parent: str, column: str) -> list[str]:
        """Return the source fields behind a column of a relation that a query reads."""
        own = [f"{parent}.{column}"]
        if parent not in self._fields:
            return own
        return self._fields[parent].get(column, [] if self._relations[parent].sql else own)
