"""Check the raw tables, build the warehouse in one dbt process, check every KPI, publish the snapshot.

Runs as soon as every source has been extracted or has failed for now, so that a morning costs one build; and
hourly, in case that was not heard of: while this DAG or an extraction was paused, say. Each business unit is built
from the last state of its sources; what is published of a unit that has one in trouble is held. What has not changed
is not built again.
"""

from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, dag, get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException
from connections import settings
from policy import EVERY_DAG, WAREHOUSE, raw_asset

from scorecard.catalogue import source_names
from scorecard.shared.settings import load_settings

# The hour that passed last is made up for, also where the DAG has never run by the hour.
HOURLY = CronTriggerTimetable("30 * * * *", timezone=load_settings().timezone, run_immediately=True)
SOURCES = [raw_asset(source) for source in source_names(load_settings())]


@dag(
    schedule=AssetOrTimeSchedule(timetable=HOURLY, assets=SOURCES) if SOURCES else HOURLY,
    description="Check and build the warehouse",
    tags=["scorecard", "build"],
    doc_md=__doc__,
    **EVERY_DAG,
)
def build() -> None:
    """Declare the DAG."""

    @task(outlets=[WAREHOUSE])
    def warehouse() -> None:
        from scorecard import steps

        hourly = get_current_context()["dag_run"].run_type == "scheduled"
        try:
            if not steps.build(settings()) and hourly:
                raise AirflowSkipException("Nothing changed since the last build.")
        except steps.NothingLoaded as error:
            if not hourly:
                raise
            raise AirflowSkipException(error.problem) from None

    warehouse()


build()
