"""Bring what is new in a source into its raw tables, daily at 05:00 company time.

An unchanged file is skipped. A run that is cleared or triggered again loads no record twice. When the run fails, its
log names the file, what was expected and what to do, and the warehouse stays as it was. The build runs in either
case: it does not wait for a source that failed.
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
            """Update the asset of this source, which the build waits for, whether the load succeeded or failed."""

        # A teardown runs whether the task before it succeeds or fails. A failed run stays failed.
        load() >> go_on().as_teardown()

    wiring()


for name in source_names(load_settings()):
    extract_dag(name)
