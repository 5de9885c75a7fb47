"""The dbt project's layers and words, as its manifest has them."""

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

# What a layer may read. `kpis` may read another KPI: a growth is made of its base.
MAY_READ = {
    "staging": {"source", "seeds"},
    "intermediate": {"source", "staging", "intermediate", "seeds"},
    "core": {"intermediate", "core", "seeds"},
    "kpis": {"intermediate", "core", "kpis"},
    "scorecard": {"core", "kpis", "scorecard", "seeds"},
}
LAYERS = tuple(MAY_READ)


@pytest.fixture(scope="module")
def manifest(compiled: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((compiled.parent / "manifest.json").read_text())
    return read


@pytest.fixture(scope="module")
def models(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    return [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]


def _layer(unique_id: str, manifest: dict[str, Any]) -> str:
    if unique_id.startswith("source."):
        return "source"
    node = manifest["nodes"][unique_id]
    return "seeds" if node["resource_type"] == "seed" else node["schema"]


def test_a_layer_reads_those_below_it(models: list[dict[str, Any]], manifest: dict[str, Any]) -> None:
    assert {model["schema"] for model in models} == set(LAYERS)
    wrong = [
        f"{model['name']} reads {needed}"
        for model in models
        for needed in model["depends_on"]["nodes"]
        if _layer(needed, manifest) not in MAY_READ[model["schema"]]
    ]
    assert wrong == []


def test_every_model_and_column_is_described(
    models: list[dict[str, Any]], manifest: dict[str, Any], connection: duckdb.DuckDBPyConnection
) -> None:
    """The columns that all KPI models share are described once, in docs blocks named observation_<column>."""
    built: dict[str, set[str]] = {}
    for table, column in connection.execute(
        "select table_schema || '.' || table_name, column_name from information_schema.columns"
    ).fetchall():
        built.setdefault(table, set()).add(column)
    shared = {
        name.removeprefix("doc.scorecard.observation_")
        for name, block in manifest["docs"].items()
        if block["block_contents"]
    }
    missing = []
    for model in models:
        missing += [] if model["description"] else [model["name"]]
        described = {name for name, column in model["columns"].items() if column["description"]}
        columns = built[f"{model['schema']}.{model['name']}"]
        missing += [
            f"{model['name']}.{column}"
            for column in sorted(columns - described)
            if model["schema"] != "kpis" or column not in shared
        ]
    assert missing == []


def test_every_source_and_seed_is_described(manifest: dict[str, Any]) -> None:
    missing = []
    seeds = [node for node in manifest["nodes"].values() if node["resource_type"] == "seed"]
    for node in [*manifest["sources"].values(), *seeds]:
        missing += [] if node["description"] else [node["name"]]
        missing += [f"{node['name']}.{name}" for name, column in node["columns"].items() if not column["description"]]
    assert missing == []


def test_every_metric_has_unit_tests(models: list[dict[str, Any]], manifest: dict[str, Any]) -> None:
    """The normal case and the case of nothing, at least."""
    tests = [test["model"] for test in manifest["unit_tests"].values()]
    few = [model["name"] for model in models if model["schema"] == "kpis" and tests.count(model["name"]) < 2]
    assert few == []


def test_what_is_not_a_sum_asks_for_enough_records(models: list[dict[str, Any]]) -> None:
    """A rate, an average or a quantile of one or two records says nothing; it prints n/a."""
    metas = {model["name"]: model["config"]["meta"] for model in models if model["schema"] == "kpis"}
    measured = {name for name, meta in metas.items() if meta["aggregate"] in ("ratio", "average", "median")}
    assert len(measured) >= 12
    assert [name for name in measured if metas[name].get("minimum_observations", 1) < 5] == []


def test_every_singular_test_says_why_and_what_to_do(manifest: dict[str, Any]) -> None:
    tests = [node for node in manifest["nodes"].values() if node["resource_type"] == "test"]
    singular = [node for node in tests if not node.get("test_metadata")]
    assert len(singular) >= 12
    mute = [node["name"] for node in singular if not {"why", "cure"} <= node["config"]["meta"].keys()]
    assert mute == []
