"""When the DAGs of the calendar run, and what their runs are called."""

import json
import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.xdist_group("dags")


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    env = {
        **os.environ,
        "AIRFLOW_HOME": str(tmp_path_factory.mktemp("airflow")),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT / "plugins"),
        "PYTHONPATH": str(PROJECT / "plugins"),
    }
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("ticks.py"))], env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    answers: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answers


def test_the_first_backfill_does_not_start_the_newest_period(answers: dict[str, Any]) -> None:
    now, (moment, _) = datetime.fromisoformat(answers["now"]), answers["after a backfill"]
    assert now < datetime.fromisoformat(moment) <= now + timedelta(days=1)


def test_an_hour_that_the_scheduler_missed_is_made_up_for(answers: dict[str, Any]) -> None:
    now, (moment, _) = datetime.fromisoformat(answers["now"]), answers["after a missed hour"]
    assert now - timedelta(days=1) <= datetime.fromisoformat(moment) <= now


def test_a_dag_that_never_ran_makes_up_for_no_hour_but_one_just_passed(answers: dict[str, Any]) -> None:
    now, (moment, _) = datetime.fromisoformat(answers["now"]), answers["never ran"]
    assert datetime.fromisoformat(moment) > now - timedelta(minutes=15)


def test_a_run_is_called_after_the_period_that_is_over(answers: dict[str, Any]) -> None:
    moment, key = answers["after a backfill"]
    first = datetime.fromisoformat(moment).replace(day=1)
    assert key == f"{first - timedelta(days=1):%Y-%m}"


def test_a_backfill_makes_one_run_for_each_period_that_begins_in_it(answers: dict[str, Any]) -> None:
    assert [key for _, key in answers["backfilled"]["three months"]] == ["2017-08", "2017-09", "2017-10"]
    assert answers["backfilled"]["no first day"] == []
