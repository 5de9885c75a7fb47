"""What every DAG here has in common: defaults for its tasks, its assets, and how a failure is told.

The files beside this one are wiring: they name tasks, assets and schedules, and call `scorecard.steps`.
Whatever is heavy is imported inside a task, so that the scheduler reads this folder in a moment.
"""

import logging
from datetime import timedelta
from typing import Any

from airflow.sdk import Asset, BaseHook, Context, ExceptionRetryPolicy, RetryAction, RetryRule
from airflow.sdk.exceptions import AirflowNotFoundException
from pydantic import ValidationError

from scorecard.errors import ScorecardError, Temporary
from scorecard.settings import Connection, Settings, load_settings, read_settings, wrong

# One slot, because DuckDB has one writer and the chain of closes one end. `make scorecard` and `make airflow`
# create it; elsewhere: airflow pools set warehouse_writer 1 "one writer at a time"
POOL = "warehouse_writer"
SMTP_CONNECTION = "scorecard_smtp"
WAREHOUSE = Asset("warehouse", uri="scorecard://warehouse")


def raw_asset(source: str) -> Asset:
    """Return the asset that stands for the raw tables of a source."""
    return Asset(f"raw_{source}", uri=f"scorecard://raw/{source}")


def settings_of(source: str) -> Settings:
    """Return the settings, with the connection `scorecard_<source>` where there is one."""
    read = load_settings()
    try:
        found = BaseHook.get_connection(f"scorecard_{source}")
    except AirflowNotFoundException:
        return read
    given = {"host": found.host, "login": found.login, "password": found.password, "extra": found.extra_dejson}
    try:
        connection = Connection.model_validate({name: value for name, value in given.items() if value})
    except ValidationError as error:
        raise ScorecardError(
            wrong(error, "connections", source).problem,
            f"Correct the Airflow connection scorecard_{source}; what its extra has are texts.",
        ) from None
    return read.model_copy(update={"connections": {**read.connections, source: connection}})


def settings() -> Settings:
    """Return the settings, with the mail server of the connection `scorecard_smtp` where there is one.

    TLS is used unless the connection says `disable_tls` or the server is this machine: on port 465 from the start, else
    by STARTTLS.
    """
    try:
        server = BaseHook.get_connection(SMTP_CONNECTION)
    except AirflowNotFoundException:
        return load_settings()
    given = {"host": server.host, "port": server.port, "user": server.login, "password": server.password}
    mail: dict[str, Any] = {f"smtp_{name}": value for name, value in given.items() if value}
    plain = str(server.extra_dejson.get("disable_tls", False)).lower() == "true"
    return read_settings(**mail, **({"smtp_starttls": False} if plain else {}))


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
    steps.notify_failure(settings(), task.dag_id, task.task_id, error)


EVERY_DAG: dict[str, Any] = {
    "catchup": False,
    "max_active_runs": 1,
    "default_args": {
        "owner": "data-team",
        "pool": POOL,
        "retries": 3,
        "retry_delay": timedelta(minutes=1),
        "retry_exponential_backoff": 2.0,
        "max_retry_delay": timedelta(minutes=15),
        # What only a person can mend is not tried again.
        "retry_policy": ExceptionRetryPolicy(
            rules=[
                RetryRule(Temporary, action=RetryAction.DEFAULT),
                RetryRule(ScorecardError, action=RetryAction.FAIL),
            ]
        ),
        "execution_timeout": timedelta(hours=1),
        "on_failure_callback": [tell_owner],
    },
}
