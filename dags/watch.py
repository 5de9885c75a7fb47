"""Mail a scorecard's owner when its deadline has passed without a delivery, and send notices that failed before.

It only reads what is published and what was mailed, and waits for no writer. It cannot report that the scheduler
itself is down: run `scorecard watch` from cron for that.
"""

from airflow.sdk import CronTriggerTimetable, dag, task
from connections import settings
from policy import EVERY_DAG

from scorecard.shared.settings import load_settings

WITHOUT_POOL = {**EVERY_DAG["default_args"], "pool": "default_pool"}


@dag(
    schedule=CronTriggerTimetable("*/15 * * * *", timezone=load_settings().timezone),
    description="Report scorecards that were not delivered",
    tags=["scorecard", "watch"],
    doc_md=__doc__,
    **{**EVERY_DAG, "default_args": WITHOUT_POOL},
)
def watch() -> None:
    """Declare the DAG."""

    @task
    def deliveries() -> None:
        from scorecard import steps

        steps.watch(settings())

    deliveries()


watch()
