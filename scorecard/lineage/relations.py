"""The tables and views of the warehouse, according to dbt's manifest, and what the query of each reads."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from scorecard.lineage.downstream import is_days_only, is_metric
from scorecard.lineage.model_sql import QueryLineage, read_query
from scorecard.shared.errors import ScorecardError
from scorecard.shared.files import write_whole
from scorecard.shared.settings import Settings

# The extraction adds these columns to every raw row. They are no fields of the source.
EXTRACTED = (
    "_source_file",
    "_source_line",
    "_source_sha256",
    "_valid_from",
    "_valid_to",
    "_dlt_load_id",
    "_dlt_id",
)
_VERSION = 1


@dataclass
class Relation:
    """A table or view of the warehouse: its SQL if dbt made it by a query, and those of its columns that are declared.

    needs: the relations that its query reads, according to the manifest. days_only: it passes on days only.
    """

    name: str
    sql: str | None
    columns: list[str]
    needs: list[str] = field(default_factory=list)
    days_only: bool = False


def read_relations(target: Path) -> tuple[dict[str, Relation], dict[str, str]]:
    """Return relations by ``schema.table``, and the metrics' relations by model name.

    Raises
    ------
    ScorecardError: the project was not built.
    """
    path = target / "manifest.json"
    if not path.is_file():
        raise ScorecardError(f"There is no {path}.", "Build the warehouse with `scorecard run`, then try again.")
    manifest = json.loads(path.read_bytes())
    nodes: dict[str, dict[str, Any]] = {**manifest["sources"], **manifest["nodes"]}
    names = {
        unique_id: f"{node['schema']}.{node.get('alias') or node.get('identifier') or node['name']}".lower()
        for unique_id, node in nodes.items()
        if node["resource_type"] in ("model", "seed", "source", "snapshot")
    }
    relations, models = {}, {}
    for unique_id, name in names.items():
        node = nodes[unique_id]
        columns = [column.lower() for column in node.get("columns", {})]
        if node["resource_type"] == "source":
            columns += [column for column in EXTRACTED if column not in columns]
        relation = Relation(name, None, columns, days_only=is_days_only(node))
        if node["resource_type"] == "model":
            relation.sql = _compiled(target, node)
            relation.needs = [names[parent] for parent in node["depends_on"]["nodes"] if parent in names]
        relations[name] = relation
        if is_metric(node):
            models[node["name"]] = name
    return relations, models


def _compiled(target: Path, node: dict[str, Any]) -> str | None:
    """Return a model's SQL. After a run of some models, the SQL of the others is beside the manifest, not in it."""
    if node.get("compiled_code"):
        return str(node["compiled_code"]).strip()
    path = target / "compiled" / node["package_name"] / node["original_file_path"]
    return path.read_text(encoding="utf-8").strip() if path.is_file() else None


class QueryLineages:
    """What the query of each relation reads. Each is read once, and kept in a file for the next process."""

    def __init__(self, settings: Settings, relations: Mapping[str, Relation]) -> None:
        """Take the relations by ``schema.table``, and load what earlier processes read of them."""
        self._relations = relations
        self._path = settings.state / "lineage" / "steps" / "steps.json"
        self._kept: dict[str, Any] = json.loads(self._path.read_bytes()) if self._path.is_file() else {}
        self._lineages: dict[str, QueryLineage] = {}
        self._used: dict[str, Any] = {}

    def lineage(self, name: str) -> QueryLineage:
        """Return what the query of a relation reads.

        Raises
        ------
        ScorecardError: sqlglot can't read it.
        """
        if name not in self._lineages:
            relation = self._relations[name]
            columns = {need: self.columns(need) for need in relation.needs}
            content = json.dumps([_VERSION, version("sqlglot"), relation.sql, columns])
            key = hashlib.sha256(content.encode()).hexdigest()
            entry = self._kept.get(key)
            lineage = read_query(name, relation.sql or "", columns) if entry is None else _from_entry(entry)
            self._used[key] = _to_entry(lineage) if entry is None else entry
            self._lineages[name] = lineage
        return self._lineages[name]

    def columns(self, name: str) -> list[str]:
        """Return the columns of a relation. Raises what `lineage` raises."""
        relation = self._relations[name]
        return relation.columns if relation.sql is None else self.lineage(name).columns

    def keep(self) -> None:
        """Write what was read to the file, if any of it is new. What was not used is forgotten."""
        if self._used.keys() <= self._kept.keys():
            return
        write_whole(self._path, json.dumps(self._used).encode())


def _to_entry(lineage: QueryLineage) -> dict[str, Any]:
    made_of, depends_on = (
        {column: sorted(map(list, pairs)) for column, pairs in columns.items()}
        for columns in (lineage.made_of, lineage.depends_on)
    )
    reads = dict(lineage.reads)
    return {"made_of": made_of, "depends_on": depends_on, "row_by_row": lineage.is_row_by_row, "reads": reads}


def _from_entry(entry: dict[str, Any]) -> QueryLineage:
    made_of, depends_on = (
        {column: {(relation, name) for relation, name in pairs} for column, pairs in entry[key].items()}
        for key in ("made_of", "depends_on")
    )
    return QueryLineage(made_of, depends_on, entry["row_by_row"], entry["reads"])
