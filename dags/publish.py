"""Close, render and mail the scorecards that are due. What is closed and mailed already is left alone.

`publish_due` follows each build: of each scorecard and cadence, the newest period that is due, complete and has
data. `publish_month` and the like, one for each cadence that a scorecard has, follow the calendar: they run daily
and ask which scorecards are due on that day. A run's partition key is the period that is over. To publish past
periods, backfill one of these over their first days, or trigger it with a `period`. A period that is not complete
yet, or a failed check, holds a scorecard back: the log and a mail to its owner say why and what to do; then clear
the failed task.
"""

from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, Param, dag, get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException
from connections import settings
from period_timetable import PeriodTimetable
from policy import EVERY_DAG, WAREHOUSE

from scorecard.catalogue import schedules
from scorecard.periods import WRITTEN, Grain
from scorecard.settings import load_settings

COMPANY = load_settings()
DUE = schedules(COMPANY)
CADENCES = [cadence for cadence in Grain if any(cadence in due for due in DUE.values())]


@task
def publish(scorecard: str, cadence: str) -> list[str]:
    """Publish one scorecard; return the paths of its PDFs. Skipped where nothing of it is due."""
    from scorecard import steps

    context = get_current_context()
    params, run = context["params"], context["dag_run"]
    if params["scorecard"] not in (None, scorecard):
        raise AirflowSkipException(f"Only {params['scorecard']} was asked for.")
    # The calendar's runs ask what is due on their day; a backfill and a person name a period.
    calendar, grain = run.run_type == "scheduled" and run.partition_key is not None, Grain(cadence)
    named = params.get("period") or (None if calendar else run.partition_key)
    if named:
        period = steps.due_in(settings(), scorecard, grain, named)
    else:
        period = steps.due_now(settings(), scorecard, grain, run.run_after, calendar=calendar)
    if period is None:
        raise AirflowSkipException(f"Of {scorecard}, no {cadence} is due.")
    provisional = bool(params.get("provisional"))
    return [str(path) for path in steps.publish(settings(), scorecard, period, provisional=provisional)]


def one_of(choices: list[str], description: str) -> Param:
    """Return a parameter that may be left empty."""
    return Param(None, enum=[None, *choices], description=description)


ONE = one_of(list(DUE), "only this scorecard")
PROVISIONAL = Param(False, type="boolean", description="also a period that isn't over by the data, marked as that")


# A build that was finished while this DAG was paused is made up for.
AFTER_BUILD = AssetOrTimeSchedule(
    timetable=CronTriggerTimetable("45 7 * * *", timezone=COMPANY.timezone), assets=[WAREHOUSE]
)


@dag(schedule=AFTER_BUILD, params={"scorecard": ONE}, tags=["scorecard", "publish"], doc_md=__doc__, **EVERY_DAG)
def publish_due() -> None:
    """Declare the DAG that follows each build: a task for each scorecard and cadence."""
    for scorecard, cadences in DUE.items():
        for cadence in cadences:
            publish.override(task_id=f"{scorecard}_{cadence}")(scorecard, str(cadence))


def publish_dag(cadence: Grain) -> None:
    """Declare the DAG of one cadence: a task for each scorecard, named after it in every state."""
    names = [scorecard for scorecard, due in DUE.items() if cadence in due]
    hours = {DUE[scorecard][cadence].hour for scorecard in names}
    period = Param(None, type=["null", "string"], pattern=WRITTEN[cadence], description=f"the {cadence} to publish")

    @dag(
        dag_id=f"publish_{cadence}",
        schedule=PeriodTimetable(str(cadence), hours, timezone=COMPANY.timezone, fiscal=COMPANY.fiscal),
        params={"period": period, "scorecard": one_of(names, "only this scorecard"), "provisional": PROVISIONAL},
        tags=["scorecard", "publish", cadence],
        doc_md=__doc__,
        **EVERY_DAG,
    )
    def wiring() -> None:
        for scorecard in names:
            publish.override(task_id=scorecard)(scorecard, str(cadence))

    wiring()


publish_due()
for each in CADENCES:
    publish_dag(each)
