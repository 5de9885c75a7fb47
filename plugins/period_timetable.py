"""Airflow's timetable of the DAGs that publish by the calendar, and the plug-in that makes Airflow know it.

Airflow finds it where ``AIRFLOW__CORE__PLUGINS_FOLDER`` points to this folder.
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import datetime, time, timedelta
from typing import Any

from airflow._shared.timezones.timezone import coerce_datetime, convert_to_utc, make_aware, parse_timezone
from airflow.exceptions import InvalidPartitionKeyError
from airflow.models.dagrun import DagRun
from airflow.plugins_manager import AirflowPlugin
from airflow.timetables.base import DagRunInfo
from airflow.timetables.trigger import CronPartitionTimetable
from pendulum import DateTime

from scorecard.shared.errors import ScorecardError
from scorecard.shared.periods import FiscalYear, Grain, parse_period, period_of


class PeriodTimetable(CronPartitionTimetable):
    """A run on each day, at each hour at which a scorecard of the cadence may be due.

    A run's partition key is the label of the period that is over then, as 2017-12. A backfill makes one run for each
    period whose first day lies between its two days.
    """

    def __init__(self, cadence: str, hours: Iterable[int], *, timezone: Any, fiscal: FiscalYear) -> None:
        """Take the grain of the periods, the hours of the day, and the fiscal year."""
        self._cadence, self._hours, self._fiscal = Grain(cadence), sorted(set(hours)), fiscal
        cron = f"0 {','.join(map(str, self._hours))} * * *"
        # A DAG that has never run catches up on an hour that has just passed, and on none before.
        super().__init__(cron, timezone=timezone, run_immediately=timedelta(minutes=15))

    def serialize(self) -> dict[str, Any]:
        """Return what `deserialize` takes."""
        return {
            "cadence": str(self._cadence),
            "hours": self._hours,
            "timezone": super().serialize()["timezone"],
            "fiscal": asdict(self._fiscal),
        }

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> "PeriodTimetable":
        """Make a timetable of what `serialize` returned."""
        return cls(
            data["cadence"],
            data["hours"],
            timezone=parse_timezone(data["timezone"]),
            fiscal=FiscalYear(**data["fiscal"]),
        )

    def run_info_from_dag_run(self, *, dag_run: DagRun) -> DagRunInfo:
        """Return the run from which Airflow computes the next one.

        For a backfill it is the moment of the request. From the period of a backfill, which is long past, Airflow would
        catch up on the newest hour at once.
        """
        info = super().run_info_from_dag_run(dag_run=dag_run)
        if dag_run.backfill_id is None:
            return info
        asked_at = coerce_datetime(dag_run.created_at) or info.run_after
        return info._replace(run_after=max(info.run_after, asked_at))

    def iter_partition_dagrun_infos(self, *, earliest: datetime, latest: datetime) -> Iterator[DagRunInfo]:
        """Yield a run for each period of a backfill: those that begin between two days, both included."""
        period = period_of(earliest.date(), self._cadence, self._fiscal)
        while period.start <= latest.date():
            if period.start >= earliest.date():
                # Calendar runs are at full hours, so that none has this moment.
                first = convert_to_utc(make_aware(datetime.combine(period.start, time(0, 1)), self._timezone))
                yield DagRunInfo(run_after=first, data_interval=None, partition_date=first, partition_key=period.label)
            period = period.shift(1, self._fiscal)

    def _get_partition_info(self, run_date: DateTime) -> tuple[DateTime, str]:
        day = run_date.in_timezone(self._timezone).date()
        return run_date, period_of(day, self._cadence, self._fiscal).shift(-1, self._fiscal).label

    def _decode_partition_date(self, partition_key: str) -> datetime:
        try:
            period = parse_period(partition_key, self._fiscal)
        except ScorecardError as error:
            raise InvalidPartitionKeyError(str(error)) from None
        if period.grain is not self._cadence:
            raise InvalidPartitionKeyError(f"{partition_key} is a {period.grain}, not a {self._cadence}.")
        return make_aware(datetime.combine(period.start, time(0, 1)), self._timezone)


class ScorecardPlugin(AirflowPlugin):
    """What Airflow registers."""

    name = "scorecard"
    timetables = [PeriodTimetable]  # noqa: RUF012 - as Airflow declares it
