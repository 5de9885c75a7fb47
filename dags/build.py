"""Check the raw tables, build the warehouse in one dbt process, check every KPI, publish the snapshot.

Runs when every source has been extracted, so that no page mixes yesterday's data of one source with today's
of another. After extracting a single source by hand, trigger this DAG by hand. What has not changed is not
built again.
"""

from airflow.sdk import dag, task
from policy import EVERY_DAG, WAREHOUSE, raw_asset, settings

from scorecard.catalogue import source_names
from scorecard.settings import load_settings


@dag(
    schedule=[raw_asset(source) for source in source_names(load_settings())] or None,
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

        steps.build(settings())

    warehouse()


build()
