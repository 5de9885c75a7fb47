"""The dbt project's layers and words, as its manifest has them."""

import json
import re
from pathlib import Path
from typing import Any

import duckdb
import pytest

from scorecard.catalogue import load_dimensions
from scorecard.shared.plugins import services
from scorecard.shared.settings import load_settings
from tests.conftest import PROJECT, sandbox_at

# What a layer may read.
MAY_READ = {
    "staging": {"source"},
    "intermediate": {"source", "staging", "intermediate"},
    "core": {"intermediate", "core"},
    "kpis": {"intermediate", "core"},
    "evidence": {"intermediate", "core"},
    "scorecard": {"intermediate", "core", "kpis", "evidence", "scorecard"},
}
LAYERS = tuple(MAY_READ)


@pytest.fixture(scope="module")
def manifest(compiled: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((compiled.parent / "manifest.json").read_text())
    return read


@pytest.fixture(scope="module")
def of_all_services(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The manifest as it is where an account of every service is set."""
    sandbox = sandbox_at(tmp_path_factory.mktemp("services"))
    unit = {"business_unit": "Unit", "currency": "EUR"}
    sandbox.env["SCORECARD_SERVICES"] = json.dumps({name: unit for name in services() if name != "sql"})
    sandbox.run("dbt", "parse")
    read: dict[str, Any] = json.loads((sandbox.settings.state / "dbt" / "manifest.json").read_text())
    return read


@pytest.fixture(scope="module")
def models(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    return [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]


def _layer(unique_id: str, manifest: dict[str, Any]) -> str:
    if unique_id.startswith("source."):
        return "source"
    return str(manifest["nodes"][unique_id]["schema"])


def test_a_layer_reads_those_below_it(models: list[dict[str, Any]], manifest: dict[str, Any]) -> None:
    assert {model["schema"] for model in models} == set(LAYERS)
    wrong = [
        f"{model['name']} reads {needed}"
        for model in models
        for needed in model["depends_on"]["nodes"]
        if _layer(needed, manifest) not in MAY_READ[model["schema"]]
    ]
    assert wrong == []


def test_the_totals_rest_on_every_kpi_and_on_days(models: list[dict[str, Any]]) -> None:
    """Which facts a pass reads, dbt knows through the KPIs."""
    kpis = {model["unique_id"] for model in models if model["schema"] == "kpis"}
    days = {f"model.scorecard.core_{name}" for name in ("calendar", "period", "horizon")}
    amounts = "model.scorecard.kpi_amounts"
    for name in ("kpi_amounts", "kpi_totals", "kpi_quantiles"):
        (totals,) = [model for model in models if model["name"] == name]
        assert kpis <= set(totals["depends_on"]["nodes"]) <= kpis | days | {amounts}
    passed_on = [model["name"] for model in models if "pass" in model["config"]["meta"]]
    assert passed_on == []


def test_the_kpis_use_four_macros_at_most(models: list[dict[str, Any]]) -> None:
    used = {
        macro.removeprefix("macro.scorecard.")
        for model in models
        if model["schema"] == "kpis"
        for macro in model["depends_on"]["macros"]
        if macro.startswith("macro.scorecard.")
    }
    assert used - {"refuse_other_shape"} <= {"record", "dimensions", "add_days"}
    assert len(used) <= 4


def test_staging_reads_one_object_of_its_source(of_all_services: dict[str, Any]) -> None:
    staging = {name: node for name, node in of_all_services["nodes"].items() if node["schema"] == "staging"}
    assert len(staging) > 15
    for node in staging.values():
        needed = node["depends_on"]["nodes"]
        assert len(needed) == 1, node["name"]
        assert needed[0].startswith(f"source.scorecard.{node['name'].removeprefix('stg_').partition('__')[0]}.")


def test_core_names_no_source(of_all_services: dict[str, Any]) -> None:
    """It reads concepts, whose models alone read those of sources."""
    of_sources = [
        f"{node['name']} reads {needed}"
        for node in of_all_services["nodes"].values()
        if node["schema"] in ("core", "kpis", "scorecard") and node["resource_type"] == "model"
        for needed in node["depends_on"]["nodes"]
        if "__" in needed
    ]
    assert of_sources == []


NAMES = re.compile(r"maven|ravenstack|hubspot|salesforce|stripe|zendesk", re.IGNORECASE)


def test_the_engine_and_core_know_no_source_by_name() -> None:
    plugins = [PROJECT / "scorecard" / "extract" / "services" / name for name in services()]
    places = ("scorecard", *(f"dbt_project/{name}" for name in ("macros", "models/core", "models/kpis")))
    files = [
        path for place in places for path in (PROJECT / place).rglob("*") if path.suffix in (".py", ".sql", ".yml")
    ]
    files += (PROJECT / "dbt_project").glob("models/scorecard/*")
    files += (PROJECT / "dbt_project").glob("models/intermediate/concepts/*")
    files += [PROJECT / name for name in ("dbt_project/dbt_project.yml", "expectations/kpis.yml")]
    named = [
        f"{path.relative_to(PROJECT)}:{number}: {line.strip()}"
        for path in files
        if not any(path.is_relative_to(folder) for folder in plugins)
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if NAMES.search(line)
    ]
    assert named == []


def test_every_model_and_column_is_described(
    models: list[dict[str, Any]], manifest: dict[str, Any], connection: duckdb.DuckDBPyConnection
) -> None:
    """Those of the observation contract are described once, with kpi_observations, and dimensions in their own file."""
    built: dict[str, set[str]] = {}
    for table, column in connection.execute(
        "select table_schema || '.' || table_name, column_name from information_schema.columns"
    ).fetchall():
        built.setdefault(table, set()).add(column)
    (contract,) = [model for model in models if model["name"] == "kpi_observations"]
    shared = {*contract["columns"], "in_total", *load_dimensions(load_settings())}
    missing = []
    for model in models:
        missing += [] if model["description"] else [model["name"]]
        described = {name for name, column in model["columns"].items() if column["description"]}
        columns = built[f"{model['schema']}.{model['name']}"]
        missing += [
            f"{model['name']}.{column}"
            for column in sorted(columns - described)
            if not (model["schema"] == "kpis" or model is contract) or column not in shared
        ]
    assert missing == []


def test_every_source_is_described(manifest: dict[str, Any]) -> None:
    missing = []
    for node in manifest["sources"].values():
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
