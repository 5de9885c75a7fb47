"""Close, render and mail the scorecards that are due. What is closed and mailed already is left alone.

`publish_due` follows each build: every scorecard's last complete period that has data. `publish_week`,
`publish_month` and `publish_quarter` follow the calendar, one run a period: the partition key is its first
day. To publish past periods, backfill one of these over their days, or trigger it with a `period`. A failed
check holds a scorecard back: the log and a mail to its owner say which check, why and what to do; then
clear the failed task.
"""

from datetime import date

from airflow.sdk import CronPartitionTimetable, Param, dag, get_current_context, task
from policy import EVERY_DAG, WAREHOUSE, settings

from scorecard.periods import Grain, period_of
from scorecard.settings import load_settings

COMPANY = load_settings()
QUARTERS = ",".join(str((COMPANY.fiscal_year_start_month + 3 * n - 1) % 12 + 1) for n in range(4))
# When a period is over (two hours after the day's extraction began), and how one is written.
CADENCES = {
    Grain.WEEK: ("0 7 * * MON", r"^\d{4}-W(0[1-9]|[1-4]\d|5[0-3])$"),
    Grain.MONTH: ("0 7 1 * *", r"^\d{4}-(0[1-9]|1[0-2])$"),
    Grain.QUARTER: (f"0 7 1 {QUARTERS} *", r"^\d{4}-Q[1-4]$"),
}


def label_of(first_day: str, cadence: Grain) -> str:
    """Return the label of the period that a partition key, its first day, stands for."""
    return period_of(date.fromisoformat(first_day), cadence, COMPANY.fiscal).label


@task
def due(cadences: list[str]) -> list[dict[str, str]]:
    """Name what to publish: of the period asked for, or else of the last complete one that has data."""
    from scorecard import steps

    context = get_current_context()
    params, key = context["params"], context.get("partition_key")
    found: list[tuple[str, str]] = []
    for cadence in map(Grain, cadences):
        period = params.get("period") or (label_of(key, cadence) if key else None)
        found += steps.due(settings(), cadence, period, params["scorecard"])
    return [{"scorecard": name, "period": label} for name, label in found]


@task(map_index_template="{{ task.op_kwargs['scorecard'] }} {{ task.op_kwargs['period'] }}")
def publish(scorecard: str, period: str) -> list[str]:
    """Publish one scorecard; return the paths of its PDFs."""
    from scorecard import steps

    return [str(path) for path in steps.publish(settings(), scorecard, period)]


def optional(pattern: str, description: str) -> Param:
    """Return a parameter that may be left empty."""
    return Param(None, type=["null", "string"], pattern=pattern, description=description)


ONE = optional(r"^[a-z][a-z0-9_]*$", "only this scorecard")


@dag(
    schedule=[WAREHOUSE],
    params={"scorecard": ONE},
    tags=["scorecard", "publish"],
    doc_md=__doc__,
    **EVERY_DAG,
)
def publish_due() -> None:
    """Declare the DAG that follows each build."""
    publish.expand_kwargs(due([*CADENCES]))


def publish_dag(cadence: Grain, cron: str, pattern: str) -> None:
    """Declare the DAG of one cadence."""
    asked = optional(pattern, f"the {cadence} to publish, if not the partition key's")
    when = CronPartitionTimetable(cron, timezone=COMPANY.timezone, run_offset=-1, key_format="%Y-%m-%d")

    @dag(
        dag_id=f"publish_{cadence}",
        schedule=when,
        params={"period": asked, "scorecard": ONE},
        tags=["scorecard", "publish", cadence],
        doc_md=__doc__,
        **EVERY_DAG,
    )
    def wiring() -> None:
        publish.expand_kwargs(due([cadence]))

    wiring()


publish_due()
for each, (tick, written) in CADENCES.items():
    publish_dag(each, tick, written)
