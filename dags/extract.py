"""Bring what is new in a source into its raw tables, daily at 05:00 company time.

An unchanged file costs nothing; a run that is cleared or triggered again repeats nothing. When the run
fails, its log names the file, what was expected and what to do; the warehouse stays as it was. Either way the
build goes on: it waits for no source that has failed.
"""

from airflow.sdk import CronTriggerTimetable, dag, task
from connections import settings_of
from policy import EVERY_DAG, raw_asset

from scorecard.catalogue import source_names
from scorecard.shared.settings import load_settings


def extract_dag(source: str) -> None:
    """Declare the DAG of one source."""

    @dag(
        dag_id=f"extract_{source}",
        schedule=CronTriggerTimetable("0 5 * * *", timezone=load_settings().timezone),
        description=f"Load what is new in {source}",
        tags=["scorecard", "extract", source],
        doc_md=__doc__,
        **EVERY_DAG,
    )
    def wiring() -> None:
        @task
        def load() -> None:
            from scorecard import steps

            steps.extract(settings_of(source), source)

        @task(outlets=[raw_asset(source)])
        def go_on() -> None:
            """Tell the build that this source is done for now, loaded or not."""

        # A teardown runs whatever became of the task before it, and doesn't make a failed run a success.
        load() >> go_on().as_teardown()

    wiring()


for name in source_names(load_settings()):
    extract_dag(name)
