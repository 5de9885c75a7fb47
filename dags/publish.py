"""Close, render and mail the scorecards that are due. A scorecard that is closed and mailed is skipped.

`publish_due` runs after each build. It publishes, for each scorecard and cadence, the newest period that is due, is
complete and has data. `publish_month` and the like, one for each cadence of a scorecard, follow the calendar: they run
daily and publish the scorecards that are due on that day. The partition key of a run is the period that has ended. The
name of a task is its scorecard and its period. To publish past periods, backfill one of these DAGs over their first
days, or trigger it with a `period`. A scorecard is held back when its period is incomplete or a check fails. The log
and a mail to its owner say why and what to do. Clear the failed task afterwards.
"""

from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, Param, dag, get_current_context, task
from connections import settings
from period_timetable import PeriodTimetable
from policy import EVERY_DAG, WAREHOUSE

from scorecard.catalogue import schedules
from scorecard.shared.periods import WRITTEN, Grain
from scorecard.shared.settings import load_settings

COMPANY = load_settings()
DUE = schedules(COMPANY)
CADENCES = [cadence for cadence in Grain if any(cadence in due for due in DUE.values())]


@task
def due(scorecard: str, cadences: list[str]) -> list[str]:
    """Return the labels of the periods of one scorecard that this run is to publish."""
    from scorecard import steps

    params, run = get_current_context()["params"], get_current_context()["dag_run"]
    if params["scorecard"] not in (None, scorecard):
        return []
    # A calendar run publishes what is due on its day. A backfill or a person names a period.
    calendar = run.run_type == "scheduled" and run.partition_key is not None
    named = params.get("period") or (None if calendar else run.partition_key)
    return steps.due_periods(settings(), scorecard, cadences, run.run_after, named=named, calendar=calendar)


@task
def publish(scorecard: str, period: str) -> list[str]:
    """Publish one scorecard of one period; return the paths of its PDFs."""
    from scorecard import steps

    provisional = bool(get_current_context()["params"].get("provisional"))
    return [str(path) for path in steps.publish(settings(), scorecard, period, provisional=provisional)]


def publish_what_is_due(scorecard: str, cadences: list[Grain]) -> None:
    """Declare the two tasks of a scorecard: `due_<scorecard>`, and one for each period due, as "sales 2017-12".

    The plug-in `task_names` names a task so before it runs; the template keeps the name while it runs and after.
    """
    periods = due.override(task_id=f"due_{scorecard}")(scorecard, [str(cadence) for cadence in cadences])
    name = f"{scorecard} {{{{ task.op_kwargs['period'] }}}}"
    publish.override(task_id=scorecard, map_index_template=name).partial(scorecard=scorecard).expand(period=periods)


def one_of(choices: list[str], description: str) -> Param:
    """Return a parameter that may be left empty."""
    return Param(None, enum=[None, *choices], description=description)


ONE = one_of(list(DUE), "only this scorecard")
PROVISIONAL = Param(False, type="boolean", description="also a period that isn't over by the data, marked as that")
# A daily run publishes what was built while this DAG was paused.
DAILY = CronTriggerTimetable("45 7 * * *", timezone=COMPANY.timezone)
AFTER_BUILD = AssetOrTimeSchedule(timetable=DAILY, assets=[WAREHOUSE])


@dag(schedule=AFTER_BUILD, params={"scorecard": ONE}, tags=["scorecard", "publish"], doc_md=__doc__, **EVERY_DAG)
def publish_due() -> None:
    """Declare the DAG."""
    for scorecard, cadences in DUE.items():
        publish_what_is_due(scorecard, list(cadences))


def publish_dag(cadence: Grain) -> None:
    """Declare the DAG of one cadence: the scorecards that have it."""
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
            publish_what_is_due(scorecard, [cadence])

    wiring()


publish_due()
for cadence in CADENCES:
    publish_dag(cadence)
