"""Read the DAG files as the DAG processor does, and print what they declare as one JSON value.

A program of its own: Airflow in the tests' process would bring its warnings and its settings with it.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import airflow.sdk  # noqa: F401 - so that its own time isn't counted
from airflow.dag_processing.dagbag import BundleDagBag

DAGS = Path(__file__).resolve().parents[2] / "dags"


def of_task(declared: Any) -> dict[str, Any]:
    # What runs of a mapped task, whatever it is mapped over.
    over = declared.op_kwargs_expand_input.value if declared.is_mapped else {}
    task = declared.unmap({"op_kwargs": {**declared.partial_kwargs["op_kwargs"], **over}}) if over else declared
    return {
        "mapped over": {name: source.operator.task_id for name, source in over.items()},
        "name": declared.map_index_template if declared.is_mapped else declared.task_id,
        "owner": task.owner,
        "pool": task.pool,
        "retries": task.retries,
        "retry_delay": task.retry_delay.total_seconds(),
        "backoff": task.retry_exponential_backoff,
        "max_retry_delay": task.max_retry_delay.total_seconds(),
        "timeout": task.execution_timeout.total_seconds(),
        "no_retry_on": task.retry_policy.serialize() if task.retry_policy else None,
        "teardown": task.is_teardown,
        "before": task._pre_execute_hook.__name__,
        "callbacks": [callback.__name__ for callback in task.on_failure_callback],
        "outlets": sorted(asset.name for asset in task.outlets),
    }


def of_dag(dag: Any) -> dict[str, Any]:
    timetable = dag.timetable
    condition = timetable.asset_condition
    # In case an event of an asset was not heard.
    timed = getattr(timetable, "timetable", timetable)
    return {
        "file": Path(dag.fileloc).name,
        "tags": sorted(dag.tags),
        "doc": dag.doc_md,
        "catchup": dag.catchup,
        "max_active_runs": dag.max_active_runs,
        "timetable": type(timetable).__name__,
        "cron": getattr(timed, "expression", None) or getattr(timed, "_expression", None),
        "timezone": str(getattr(timed, "timezone", None) or getattr(timed, "_timezone", None)),
        "assets": sorted(asset.name for asset in condition.objects) if condition else [],
        "callbacks": [callback.__name__ for callback in dag.on_failure_callback],
        "params": {name: dag.params.get_param(name).schema for name in dag.params},
        "tasks": {task.task_id: of_task(task) for task in dag.tasks},
    }


def main() -> None:
    before, started = set(sys.modules), time.process_time()
    bag = BundleDagBag(dag_folder=str(DAGS), bundle_path=DAGS, bundle_name="dags-folder")
    seconds = time.process_time() - started
    description = {
        "errors": bag.import_errors,
        "seconds": seconds,
        "imported": sorted({name.partition(".")[0] for name in set(sys.modules) - before}),
        "scorecard": sorted(name for name in sys.modules if name.startswith("scorecard")),
        "dags": {dag_id: of_dag(dag) for dag_id, dag in bag.dags.items()},
    }
    # On the last line: Airflow's own log goes to standard output too.
    print("\n" + json.dumps(description))


if __name__ == "__main__":
    main()
