"""The tables and views of the warehouse by dbt's manifest, and what the query of each reads."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from scorecard.lineage.downstream import is_days_only, is_metric
from scorecard.lineage.model_sql import ROWS, Step, read_step
from scorecard.shared.errors import ScorecardError
from scorecard.shared.files import write_whole

# Where a record came from is written beside every raw row; it is no field of the source.
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
    """A table or view of the warehouse: its SQL if dbt made it by a query, and what is known of its columns.

    needs: the relations that its query reads, by the manifest. days_only: it passes days on, and no records.
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
    """Return a model's SQL. A run that built a part leaves the rest out of the manifest but beside it."""
    if node.get("compiled_code"):
        return str(node["compiled_code"]).strip()
    path = target / "compiled" / node["package_name"] / node["original_file_path"]
    return path.read_text(encoding="utf-8").strip() if path.is_file() else None


class Steps:
    """What the query of each relation reads, each read once; kept in a file for the next process."""

    def __init__(self, relations: Mapping[str, Relation], path: Path) -> None:
        self._relations, self._path = relations, path
        self._kept: dict[str, Any] = json.loads(path.read_bytes()) if path.is_file() else {}
        self._done: dict[str, Step] = {}
        self._used: dict[str, Any] = {}

    def of(self, name: str) -> Step:
        """Return what the query of a relation reads. Its columns come from those of what it reads.

        Raises
        ------
        ScorecardError: sqlglot can't read it.
        """
        if name not in self._done:
            relation = self._relations[name]
            columns = {need: self.columns(need) for need in relation.needs}
            content = json.dumps([_VERSION, version("sqlglot"), relation.sql, columns])
            key = hashlib.sha256(content.encode()).hexdigest()
            entry = self._kept.get(key)
            step = read_step(name, relation.sql or "", columns) if entry is None else _step(entry)
            self._used[key] = _entry(step) if entry is None else entry
            self._done[name] = step
        return self._done[name]

    def columns(self, name: str) -> list[str]:
        """Return the columns of a relation. Raises as `of`."""
        relation = self._relations[name]
        return relation.columns if relation.sql is None else self.of(name).columns

    def keep(self) -> None:
        """Write what was read, for the next process; forget what is no longer there."""
        if self._used.keys() <= self._kept.keys():
            return
        write_whole(self._path, json.dumps(self._used).encode())


def _entry(step: Step) -> dict[str, Any]:
    both = [
        {column: sorted(map(list, pairs)) for column, pairs in columns.items()}
        for columns in (step.made_of, step.depends_on)
    ]
    return {"made_of": both[0], "depends_on": both[1], "row_by_row": step.is_row_by_row, "reads": dict(step.reads)}


def _step(entry: dict[str, Any]) -> Step:
    made_of, depends_on = (
        {column: {(relation, name) for relation, name in pairs} for column, pairs in entry[key].items()}
        for key in ("made_of", "depends_on")
    )
    return Step(made_of, depends_on, entry["row_by_row"], entry["reads"])


__all__ = ["EXTRACTED", "ROWS", "Relation", "Steps", "read_relations"]
