"""How a failure is told: by the task itself where it can, else by the DAG processor once the run has failed."""

import logging

from airflow.sdk import Context
from connections import settings


def tell_owner(context: Context) -> None:
    """Log what to do about a task that failed for good, and mail it to the owner."""
    from scorecard import steps

    task, error = context["task_instance"], context.get("exception")
    logging.getLogger(__name__).error(
        "%s.%s failed: %s When that is mended, clear this task in the run %s: what is done stays done.",
        task.dag_id,
        task.task_id,
        error,
        context["run_id"],
    )
    steps.notify_failure(settings(), task.dag_id, context["run_id"], task.task_id, error)


def tell_of_silent(context: Context) -> None:
    """Mail the owner which tasks of a failed run told nobody: one that is killed can't, so the DAG processor does."""
    from scorecard import steps

    dag_id, run_id, task = context["dag"].dag_id, context["run_id"], context.get("ti")
    if task is None:
        steps.notify_failure(settings(), dag_id, run_id, "(no task)", context.get("reason"))
        return
    states = task.get_task_states(dag_id=dag_id, run_ids=[run_id])[run_id]
    steps.notify_silent(settings(), dag_id, run_id, [task for task, state in states.items() if state == "failed"])
