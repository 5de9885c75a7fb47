"""What every DAG must be: cheap to read, owned, documented, careful with retries and with the one writer."""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scorecard.catalogue import source_names
from scorecard.settings import load_settings

# One worker reads the DAGs for all of them.
pytestmark = pytest.mark.xdist_group("dags")

PROJECT = Path(__file__).resolve().parents[2]
CADENCES = {"week": "2017-W52", "month": "2017-12", "quarter": "2017-Q4"}
NOT_PERIODS = ["", "2017", "2017-12-31", "2017-Q5", "last", "2017-12'; drop table x", "../2017-12"]


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    home = tmp_path_factory.mktemp("airflow")
    env = {**os.environ, "AIRFLOW_HOME": str(home), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("describe.py"))], env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.fixture(scope="module")
def dags(described: dict[str, Any]) -> dict[str, Any]:
    assert described["errors"] == {}
    found: dict[str, Any] = described["dags"]
    return found


@pytest.fixture(scope="module")
def tasks(dags: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {f"{dag_id}.{name}": task for dag_id, dag in dags.items() for name, task in dag["tasks"].items()}


def test_the_dags_that_are_there(dags: dict[str, Any]) -> None:
    extracts = {f"extract_{source}" for source in source_names(load_settings())}
    assert set(dags) == extracts | {"build", "publish_due"} | {f"publish_{cadence}" for cadence in CADENCES}


def test_reading_them_is_cheap(described: dict[str, Any]) -> None:
    assert described["seconds"] < 3


def test_reading_them_imports_nothing_heavy(described: dict[str, Any]) -> None:
    heavy = {"dbt", "dlt", "duckdb", "great_expectations", "pandas", "pyarrow", "sqlglot", "weasyprint"}
    assert heavy.isdisjoint(described["imported"])
    light = {"catalogue", "errors", "periods", "settings"}
    assert set(described["scorecard"]) == {"scorecard", *(f"scorecard.{name}" for name in light)}


def test_each_run_is_alone_and_nothing_is_caught_up(dags: dict[str, Any]) -> None:
    assert {(dag["catchup"], dag["max_active_runs"]) for dag in dags.values()} == {(False, 1)}


def test_each_is_tagged_and_documented(dags: dict[str, Any]) -> None:
    for dag_id, dag in dags.items():
        kind = dag_id.partition("_")[0]
        assert {"scorecard", kind} <= set(dag["tags"]), dag_id
        assert len(dag["doc"]) > 200, dag_id


def test_each_task_has_an_owner_and_the_writers_pool(tasks: dict[str, dict[str, Any]]) -> None:
    assert {(task["owner"], task["pool"]) for task in tasks.values()} == {("data-team", "warehouse_writer")}


def test_each_task_is_tried_again_ever_later_but_not_for_what_a_person_must_mend(
    tasks: dict[str, dict[str, Any]],
) -> None:
    for name, task in tasks.items():
        assert task["retries"] == 3, name
        assert task["retry_delay"] < task["max_retry_delay"], name
        assert task["backoff"] == 2, name
        assert 0 < task["timeout"] <= 3600, name
        rules = [(rule["exception"], rule["action"]) for rule in task["no_retry_on"]["rules"]]
        assert rules == [
            ("scorecard.errors.Temporary", "default"),
            ("scorecard.errors.ScorecardError", "fail"),
        ], name


def test_each_failure_is_told(tasks: dict[str, dict[str, Any]]) -> None:
    assert {tuple(task["callbacks"]) for task in tasks.values()} == {("tell_owner",)}


def test_assets_join_them(dags: dict[str, Any]) -> None:
    raw = [f"raw_{source}" for source in source_names(load_settings())]
    for source in source_names(load_settings()):
        assert dags[f"extract_{source}"]["tasks"]["load"]["outlets"] == [f"raw_{source}"]
    assert dags["build"]["assets"] == raw
    assert dags["build"]["tasks"]["warehouse"]["outlets"] == ["warehouse"]
    assert dags["publish_due"]["assets"] == ["warehouse"]


def test_schedules_are_in_the_companys_time_zone(dags: dict[str, Any]) -> None:
    timed = {dag_id: dag for dag_id, dag in dags.items() if dag["cron"]}
    assert set(timed) == set(dags) - {"build", "publish_due"}
    assert {dag["timezone"] for dag in timed.values()} == {load_settings().timezone}


def test_cadences_carry_the_period_that_is_over_as_partition_key(dags: dict[str, Any]) -> None:
    for cadence in CADENCES:
        dag = dags[f"publish_{cadence}"]
        assert (dag["timetable"], dag["run_offset"]) == ("CronPartitionTimetable", -1)


@pytest.mark.parametrize("cadence", CADENCES)
def test_a_period_is_validated(dags: dict[str, Any], cadence: str) -> None:
    schema = dags[f"publish_{cadence}"]["params"]["period"]
    assert schema["type"] == ["null", "string"]
    pattern = re.compile(schema["pattern"])
    assert pattern.search(CADENCES[cadence])
    others = [label for other, label in CADENCES.items() if other != cadence]
    assert not [text for text in NOT_PERIODS + others if pattern.search(text)]


def test_nothing_asks_the_clock() -> None:
    """The period comes from the partition key or a parameter: no DAG file reads the time or a data interval."""
    told = {"now", "utcnow", "today", "data_interval_start", "data_interval_end", "logical_date"}
    for path in (PROJECT / "dags").glob("*.py"):
        tree = ast.parse(path.read_text())
        words = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        words |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        words |= {
            node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        assert told.isdisjoint(words), path.name


def test_the_engine_does_without_airflow() -> None:
    for path in (PROJECT / "scorecard").rglob("*.py"):
        tree = ast.parse(path.read_text())
        names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
        names += [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        assert not [name for name in names if name.split(".")[0] == "airflow"], path


def test_dag_files_are_short() -> None:
    for path in (PROJECT / "dags").glob("*.py"):
        assert len(path.read_text().splitlines()) <= 100, path.name


def test_an_extra_that_is_no_text_is_told_of_without_a_secret(tmp_path: Path) -> None:
    connection = {"conn_type": "http", "password": "hunter2", "extra": {"access_token": ["hunter2"]}}
    env = {**os.environ, "AIRFLOW_HOME": str(tmp_path), "AIRFLOW_CONN_SCORECARD_HUBSPOT": json.dumps(connection)}
    done = subprocess.run(
        [sys.executable, "-c", "import policy; policy.settings_of('hubspot')"],
        cwd=PROJECT / "dags",
        env=env,
        capture_output=True,
        text=True,
    )
    assert "The setting connections.hubspot.extra.access_token is wrong: Input should be a valid string" in done.stderr
    assert "Correct the Airflow connection scorecard_hubspot" in done.stderr
    assert "hunter2" not in done.stdout + done.stderr
