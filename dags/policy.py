"""What all DAGs share: defaults of tasks, assets, the check of parameters, and the reports of failures.

The files beside this one are wiring: they name tasks, assets and schedules, and call `scorecard.steps`.
A task imports heavy modules itself, so that the scheduler parses this folder quickly.
"""

from datetime import timedelta
from typing import Any

from airflow.sdk import Asset, Context, ExceptionRetryPolicy, RetryAction, RetryRule
from connections import settings
from failures import name_of, tell_of_silent, tell_owner

from scorecard.shared import private
from scorecard.shared.errors import ScorecardError, Temporary
from scorecard.shared.settings import load_settings

private.mask()

# The pool has one slot: DuckDB has one writer, and the chain of closes has one end. `make scorecard` and
# `make airflow` create it. Elsewhere, run: airflow pools set warehouse_writer 1 "one writer at a time"
POOL = "warehouse_writer"
WAREHOUSE = Asset("warehouse", uri="scorecard://warehouse")


def raw_asset(source: str) -> Asset:
    """Return the asset that stands for the raw tables of a source."""
    return Asset(f"raw_{source}", uri=f"scorecard://raw/{source}")


def refuse_unknown_params(context: Context) -> None:
    """Stop a run with a parameter that its DAG does not have: a misspelt one would have no effect.

    Raises
    ------
    ScorecardError: a parameter is unknown.
    """
    known, given = context["dag"].params, context["dag_run"].conf or {}
    if unknown := sorted(set(given) - set(known)):
        raise ScorecardError(
            f"{context['dag'].dag_id} has no parameter {', '.join(map(repr, unknown))}.",
            f"Trigger it again with {' or '.join(known) if known else 'no parameter'}; nothing was done.",
        )


def begin(context: Context) -> None:
    """Refuse unknown parameters and note the start; Airflow calls this before each task."""
    from scorecard import steps

    refuse_unknown_params(context)
    steps.note_started(settings(), context["run_id"], name_of(context))


EVERY_DAG: dict[str, Any] = {
    "catchup": False,
    "max_active_runs": 1,
    "on_failure_callback": [tell_of_silent],
    "default_args": {
        "owner": "data-team",
        "pool": POOL,
        "retries": load_settings().task_retries,
        "retry_delay": timedelta(minutes=1),
        "retry_exponential_backoff": 2.0,
        "max_retry_delay": timedelta(minutes=15),
        # A retry cannot help where a person has to act.
        "retry_policy": ExceptionRetryPolicy(
            rules=[
                RetryRule(Temporary, action=RetryAction.DEFAULT),
                RetryRule(ScorecardError, action=RetryAction.FAIL),
            ]
        ),
        "execution_timeout": timedelta(hours=1),
        "pre_execute": begin,
        "on_failure_callback": [tell_owner],
    },
}
