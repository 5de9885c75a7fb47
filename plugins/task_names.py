"""The plug-in that names publishing tasks by scorecard and period, "sales 2017-12", before they run.

Airflow itself renders the name of a mapped task only when the task runs. Without the plug-in, a task that is
scheduled, queued or killed has the name 0 or 1.
"""

from typing import Any

from airflow import settings
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from airflow.plugins_manager import AirflowPlugin
from airflow.policies import hookimpl
from sqlalchemy.orm import object_session


class TaskNames:
    """A policy of Airflow: what the scheduler calls for each task of a run that it makes."""

    @hookimpl
    def task_instance_mutation_hook(self, task_instance: TaskInstance, dag_run: DagRun | None) -> None:
        """Name a mapped task by its id, the scorecard, and by the period that `due_<scorecard>` gave it."""
        session = object_session(dag_run) if dag_run else None
        if session is None or task_instance.map_index < 0 or not task_instance.dag_id.startswith("publish_"):
            return
        with session.no_autoflush:
            due = session.scalar(
                XComModel.get_many(
                    run_id=task_instance.run_id,
                    key="return_value",
                    dag_ids=task_instance.dag_id,
                    task_ids=f"due_{task_instance.task_id}",
                )
            )
        periods = XComModel.deserialize_value(due) if due else []
        if task_instance.map_index < len(periods):
            name = f"{task_instance.task_id} {periods[task_instance.map_index]}"
            # A task that is killed loses the first of the two.
            task_instance._rendered_map_index = name
            task_instance._task_display_property_value = name


class TaskNamesPlugin(AirflowPlugin):
    """What Airflow loads."""

    name = "task_names"

    @classmethod
    def on_load(cls, *_: Any, **__: Any) -> None:
        """Register the policy; Airflow does this once in each process."""
        settings.get_policy_plugin_manager().register(TaskNames())
