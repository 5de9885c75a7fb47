"""Reports of failures: a task reports its own; the DAG processor reports those of tasks that were killed."""

import logging

from airflow.sdk import Context
from connections import settings


def name_of(context: Context) -> str:
    """Return the name of a task on Airflow's pages: its id, or for a mapped task its scorecard and period."""
    task = context["task_instance"]
    return task.rendered_map_index or task.task_id


def tell_owner(context: Context) -> None:
    """Log what to do about a task that failed for good, and mail it to the owner."""
    from scorecard import steps

    dag_id, task, error = context["task_instance"].dag_id, name_of(context), context.get("exception")
    logging.getLogger(__name__).error(
        "%s.%s failed: %s When the cause is fixed, clear this task in the run %s: finished work is kept.",
        dag_id,
        task,
        error,
        context["run_id"],
    )
    steps.notify_failure(settings(), dag_id, context["run_id"], task, error)


def tell_of_silent(context: Context) -> None:
    """Mail the owner the failed tasks of a run that sent no mail: a task that is killed cannot send one."""
    from scorecard import steps

    dag_id, run_id, task = context["dag"].dag_id, context["run_id"], context.get("ti")
    if task is None:
        steps.notify_failure(settings(), dag_id, run_id, "(no task)", context.get("reason"))
        return
    states = task.get_task_states(dag_id=dag_id, run_ids=[run_id])[run_id]
    # Airflow names a mapped task by its number here: sales_0.
    names = {
        f"{mapped.task_id}_{number}": f"{mapped.task_id} {period}"
        for mapped in context["dag"].tasks
        if mapped.is_mapped
        for number, period in enumerate(task.xcom_pull(task_ids=f"due_{mapped.task_id}", map_indexes=-1) or ())
    }
    failed = [names.get(key, key) for key, state in states.items() if state == "failed"]
    steps.notify_silent(settings(), dag_id, run_id, failed)
