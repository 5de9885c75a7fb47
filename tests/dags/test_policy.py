"""What every DAG must be: cheap to read, owned, documented, careful with retries and with the one writer."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scorecard.catalogue import source_names
from scorecard.shared.settings import load_settings
from tests.conftest import SETTINGS_FILE

# One worker reads the DAGs for all of them.
pytestmark = pytest.mark.xdist_group("dags")

PROJECT = Path(__file__).resolve().parents[2]
# Of the bundled scorecards.
CADENCES = {"month": "2017-12", "quarter": "2017-Q4"}
LABELS = {"day": "2017-12-31", "week": "2017-W52", "year": "2017", **CADENCES}
NOT_PERIODS = ["", "2017-13", "2017-Q5", "2017-12-32", "2017-W54", "last", "2017-12'; drop table x", "../2017-12"]


def describe(home: Path, **settings: str) -> dict[str, Any]:
    env = {
        **os.environ,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT / "plugins"),
        **settings,
    }
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("describe.py"))], env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    description: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return description


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return describe(tmp_path_factory.mktemp("airflow"))


@pytest.fixture(scope="module")
def dags(described: dict[str, Any]) -> dict[str, Any]:
    assert described["errors"] == {}
    dags: dict[str, Any] = described["dags"]
    return dags


@pytest.fixture(scope="module")
def tasks(dags: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {f"{dag_id}.{name}": task for dag_id, dag in dags.items() for name, task in dag["tasks"].items()}


@pytest.mark.samples
def test_the_dags_that_are_there(dags: dict[str, Any]) -> None:
    extracts = {f"extract_{source}" for source in source_names(load_settings())}
    assert set(dags) == extracts | {"build", "publish_due", "watch"} | {f"publish_{cadence}" for cadence in CADENCES}


def test_reading_them_is_cheap(described: dict[str, Any]) -> None:
    assert described["seconds"] < 3


def test_reading_them_imports_nothing_heavy(described: dict[str, Any]) -> None:
    heavy = {"dbt", "dlt", "duckdb", "great_expectations", "pandas", "pyarrow", "sqlglot", "weasyprint"}
    assert heavy.isdisjoint(described["imported"])
    assert {name.split(".")[1] for name in described["scorecard"] if name != "scorecard"} == {"catalogue", "shared"}
    light = {"errors", "keys", "languages", "periods", "plugins", "private", "redaction", "schedule", "text"}
    light |= {"settings", "settings_errors", "settings_file"}
    shared = [name.split(".")[2:] for name in described["scorecard"] if name.startswith("scorecard.shared.")]
    assert {name for (name,) in shared} == light


def test_each_run_is_alone_and_nothing_is_caught_up(dags: dict[str, Any]) -> None:
    assert {(dag["catchup"], dag["max_active_runs"]) for dag in dags.values()} == {(False, 1)}


def test_each_is_tagged_and_documented(dags: dict[str, Any]) -> None:
    for dag_id, dag in dags.items():
        kind = dag_id.partition("_")[0]
        assert {"scorecard", kind} <= set(dag["tags"]), dag_id
        assert len(dag["doc"]) > 200, dag_id


def test_each_task_has_an_owner_and_the_writers_pool(tasks: dict[str, dict[str, Any]]) -> None:
    pools = {name: (task["owner"], task["pool"]) for name, task in tasks.items()}
    # It writes nothing to the warehouse, and must not wait for what it watches.
    assert pools.pop("watch.deliveries") == ("data-team", "default_pool")
    assert set(pools.values()) == {("data-team", "warehouse_writer")}


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
            ("scorecard.shared.errors.Temporary", "default"),
            ("scorecard.shared.errors.ScorecardError", "fail"),
        ], name


def test_each_failure_is_told(tasks: dict[str, dict[str, Any]], dags: dict[str, Any]) -> None:
    assert {tuple(task["callbacks"]) for task in tasks.values()} == {("tell_owner",)}
    # A task that is killed can't tell of itself.
    assert {tuple(dag["callbacks"]) for dag in dags.values()} == {("tell_of_silent",)}


def test_assets_join_them(dags: dict[str, Any]) -> None:
    raw = [f"raw_{source}" for source in source_names(load_settings())]
    for source in source_names(load_settings()):
        tasks = dags[f"extract_{source}"]["tasks"]
        assert (tasks["load"]["outlets"], tasks["go_on"]["outlets"]) == ([], [f"raw_{source}"])
        assert tasks["go_on"]["teardown"], "a source that fails must not keep the others waiting"
    assert dags["build"]["assets"] == raw
    assert dags["build"]["tasks"]["warehouse"]["outlets"] == ["warehouse"]
    assert dags["publish_due"]["assets"] == ["warehouse"]


@pytest.mark.samples
def test_what_an_asset_event_would_have_started_is_made_up_for(dags: dict[str, Any]) -> None:
    """Airflow drops the events of an asset for a DAG that is paused."""
    crons = {name: dag["cron"] for name, dag in dags.items() if dag["assets"]}
    assert crons == {"build": "30 * * * *", "publish_due": "45 7 * * *"}
    assert {dags[name]["timetable"] for name in crons} == {"AssetOrTimeSchedule"}


def test_schedules_are_in_the_companys_time_zone(dags: dict[str, Any]) -> None:
    timed = {dag_id: dag for dag_id, dag in dags.items() if dag["cron"]}
    assert set(timed) == set(dags)
    assert {dag["timezone"] for dag in timed.values()} == {load_settings().timezone}


@pytest.mark.samples
def test_the_calendar_asks_daily_what_is_due(dags: dict[str, Any]) -> None:
    for cadence in CADENCES:
        dag = dags[f"publish_{cadence}"]
        assert (dag["timetable"], dag["cron"]) == ("PeriodTimetable", "0 7 * * *")


@pytest.mark.samples
def test_a_task_that_publishes_is_mapped_over_the_periods_due_and_named_by_them(dags: dict[str, Any]) -> None:
    """What it is called before it runs and after it was killed: see the tests with a scheduler."""
    for dag_id, scorecards in (("publish_due", {"customers", "sales"}), ("publish_month", {"sales"})):
        tasks = dags[dag_id]["tasks"]
        assert set(tasks) == scorecards | {f"due_{scorecard}" for scorecard in scorecards}
        for scorecard in scorecards:
            assert tasks[scorecard]["mapped over"] == {"period": f"due_{scorecard}"}
            assert tasks[scorecard]["name"] == f"{scorecard} {{{{ task.op_kwargs['period'] }}}}"


@pytest.mark.samples
def test_all_five_cadences_are_published_each_at_its_own_hours(tmp_path: Path) -> None:
    for folder in ("dbt_project", "expectations"):
        (tmp_path / folder).symlink_to(PROJECT / folder)
    shutil.copy(SETTINGS_FILE, tmp_path)
    reports = tmp_path / "reports"
    reports.mkdir()
    for name in ("sales", "customers"):
        text = (PROJECT / "reports" / f"{name}.yml").read_text()
        cadences = "[day, week, month, quarter, year]" if name == "sales" else "[day]"
        due = "due: {day: {hour: 9}, week: {working_day: 2}}" if name == "sales" else "due: {day: {hour: 6}}"
        (reports / f"{name}.yml").write_text(re.sub(r"(?m)^cadences: .*$", f"cadences: {cadences}\n{due}", text))
    description = describe(tmp_path, SCORECARD_PROJECT=str(tmp_path))
    assert description["errors"] == {}
    crons = {name: dag["cron"] for name, dag in description["dags"].items() if name.startswith("publish_")}
    assert crons == {
        "publish_day": "0 6,9 * * *",
        **{f"publish_{cadence}": "0 7 * * *" for cadence in ("week", "month", "quarter", "year")},
        "publish_due": "45 7 * * *",
    }
    for cadence, label in LABELS.items():
        pattern = re.compile(description["dags"][f"publish_{cadence}"]["params"]["period"]["pattern"])
        assert pattern.search(label)
        others = [text for other, text in LABELS.items() if other != cadence]
        assert not [text for text in NOT_PERIODS + others if pattern.search(text)]


def test_a_misspelt_parameter_is_refused_by_every_task(tasks: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    assert {task["before"] for task in tasks.values()} == {"begin"}
    done = in_dags_folder(
        tmp_path,
        "import policy; from types import SimpleNamespace as N;"
        "policy.refuse_unknown_params({'dag': N(dag_id='publish_month', params={'period': 1, 'scorecard': 1}),"
        " 'dag_run': N(conf={'perod': '2017-12'})})",
    )
    assert "publish_month has no parameter 'perod'. Trigger it again with period or scorecard" in done.stderr


@pytest.mark.samples
def test_a_scorecard_that_is_none_is_refused(dags: dict[str, Any]) -> None:
    assert dags["publish_month"]["params"]["scorecard"]["enum"] == [None, "sales"]


def test_nothing_asks_the_clock() -> None:
    """The period comes from the partition key or a parameter: no DAG file reads the time or a data interval."""
    clocks = {"now", "utcnow", "today", "data_interval_start", "data_interval_end", "logical_date"}
    for path in (PROJECT / "dags").glob("*.py"):
        tree = ast.parse(path.read_text())
        words = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        words |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        words |= {
            node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        assert clocks.isdisjoint(words), path.name


def test_the_engine_does_without_airflow() -> None:
    for path in (PROJECT / "scorecard").rglob("*.py"):
        tree = ast.parse(path.read_text())
        names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
        names += [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        assert not [name for name in names if name.split(".")[0] == "airflow"], path


def test_dag_files_are_short() -> None:
    for path in (PROJECT / "dags").glob("*.py"):
        assert len(path.read_text().splitlines()) <= 100, path.name


def in_dags_folder(home: Path, program: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=PROJECT / "dags",
        env={**os.environ, "AIRFLOW_HOME": str(home), **settings},
        capture_output=True,
        text=True,
    )


def test_an_extra_that_is_no_text_is_told_of_without_a_secret(tmp_path: Path) -> None:
    connection = {"conn_type": "http", "password": "hunter2", "extra": {"access_token": ["hunter2"]}}
    done = in_dags_folder(
        tmp_path,
        "import connections; connections.settings_of('hubspot')",
        AIRFLOW_CONN_SCORECARD_HUBSPOT=json.dumps(connection),
    )
    assert "The setting connections.hubspot.extra.access_token is wrong: Input should be a valid string" in done.stderr
    assert "Correct the Airflow connection scorecard_hubspot" in done.stderr
    assert "hunter2" not in done.stdout + done.stderr
