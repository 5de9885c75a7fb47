"""How a failure is told: by the task itself where it can, else by the DAG processor once the run has failed."""

import logging

from airflow.sdk import Context
from connections import settings


def name_of(context: Context) -> str:
    """Return what the pages call a task: its id, or of one that is mapped the scorecard and the period."""
    task = context["task_instance"]
    return task.rendered_map_index or task.task_id


def tell_owner(context: Context) -> None:
    """Log what to do about a task that failed for good, and mail it to the owner."""
    from scorecard import steps

    dag_id, task, error = context["task_instance"].dag_id, name_of(context), context.get("exception")
    logging.getLogger(__name__).error(
        "%s.%s failed: %s When that is mended, clear this task in the run %s: what is done stays done.",
        dag_id,
        task,
        error,
        context["run_id"],
    )
    steps.notify_failure(settings(), dag_id, context["run_id"], task, error)


def tell_of_silent(context: Context) -> None:
    """Mail the owner which tasks of a failed run told nobody: one that is killed can't, so the DAG processor does."""
    from scorecard import steps

    dag_id, run_id, task = context["dag"].dag_id, context["run_id"], context.get("ti")
    if task is None:
        steps.notify_failure(settings(), dag_id, run_id, "(no task)", context.get("reason"))
        return
    states = task.get_task_states(dag_id=dag_id, run_ids=[run_id])[run_id]
    # Airflow calls a mapped task by its number there: sales_0.
    names = {
        f"{mapped.task_id}_{number}": f"{mapped.task_id} {period}"
        for mapped in context["dag"].tasks
        if mapped.is_mapped
        for number, period in enumerate(task.xcom_pull(task_ids=f"due_{mapped.task_id}", map_indexes=-1) or ())
    }
    failed = [names.get(key, key) for key, state in states.items() if state == "failed"]
    steps.notify_silent(settings(), dag_id, run_id, failed)
