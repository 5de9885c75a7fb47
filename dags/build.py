"""Check the raw tables, build the warehouse in one dbt process, check every KPI, publish the snapshot.

The DAG runs as soon as every source is extracted or has failed, so that a morning costs one build. It also runs
hourly: a run while this DAG or an extraction was paused would otherwise be lost. Each business unit is built from the
last state of its sources. The scorecards of a unit with a source in trouble are held back. If data, code and settings
are unchanged, nothing is built. Otherwise all models are built.
"""

from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, dag, get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException
from connections import settings
from policy import EVERY_DAG, WAREHOUSE, raw_asset

from scorecard.catalogue import source_names
from scorecard.shared.settings import load_settings

# Airflow catches up on the last missed hour, also if the DAG has never run hourly.
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
