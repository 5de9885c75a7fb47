"""Column lineage: dbt's compiled SQL, read by sqlglot, model by model back to the source's fields."""

import hashlib
import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from scorecard.catalogue import Metric, metric_of
from scorecard.lineage.model_sql import DIALECT, ROWS
from scorecard.lineage.relations import EXTRACTED, Relation, Steps, read_relations
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
    relations, models = read_relations(target)
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
    steps = read_steps(settings, relations)
    done: dict[str, dict[str, list[str]]] = {}
    for model in wanted:
        relation = relations[models[model]]
        columns = _to_fields(relation.name, relations, steps, done)
        result[metric_of(model)] = {
            "sql": relation.sql,
            "upstream": _upstream(relation.name, relations),
            "columns": {name: columns[name] for name in named if name in columns},
        }
    steps.keep()
    for old in cache.parent.glob("*.json"):
        old.unlink(missing_ok=True)
    write_whole(cache, json.dumps(result).encode())
    return result


def _upstream(name: str, relations: dict[str, Relation]) -> dict[str, str]:
    """Return the hash of the SQL of each model that a relation rests on, its own among them."""
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
    """Hash what SQL means to DuckDB: comments, blanks and line ends are no part of it."""
    from sqlglot import tokenize

    words = [f"{token.token_type.name} {token.text}" for token in tokenize(sql, dialect=DIALECT)]
    return hashlib.sha256("\n".join(words).encode()).hexdigest()


def _fingerprint(relations: dict[str, Relation], wanted: list[str], columns: tuple[str, ...]) -> str:
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


def read_steps(settings: Settings, relations: dict[str, Relation]) -> Steps:
    """Return what the queries of relations read, those kept of before among them."""
    return Steps(relations, settings.state / "lineage" / "steps" / "steps.json")


def _to_fields(
    name: str, relations: dict[str, Relation], steps: Steps, done: dict[str, dict[str, list[str]]]
) -> dict[str, list[str]]:
    """Return the source fields behind every column of a relation (and behind its rows), each model read once."""
    if name in done:
        return done[name]
    relation = relations[name]
    if relation.sql is None:
        done[name] = {column: [f"{name}.{column}"] for column in relation.columns}
        return done[name]
    for parent in relation.needs:
        _to_fields(parent, relations, steps, done)
    direct = steps.of(name).made_of
    used = sorted({parent for fields in direct.values() for parent, _ in fields})
    columns: dict[str, list[str]] = {}
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
        columns[column] = sorted(origin for origin in origins if origin.rsplit(".", 1)[1] not in EXTRACTED)
    done[name] = columns
    return columns
