"""Tell a scorecard's owner when its deadline has passed and it was not delivered; send notices that could not go out.

It has no part in what it watches: it reads what is published and what was mailed, and waits for no writer. What
keeps the whole scheduler from running it can't tell here: `scorecard watch` does the same from cron.
"""

from airflow.sdk import CronTriggerTimetable, dag, task
from connections import settings
from policy import EVERY_DAG

from scorecard.shared.settings import load_settings

WITHOUT_POOL = {**EVERY_DAG["default_args"], "pool": "default_pool"}


@dag(
    schedule=CronTriggerTimetable("*/15 * * * *", timezone=load_settings().timezone),
    description="Tell what was not delivered",
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
