"""Ask the calendar's timetable, as the scheduler does, and print its answers as one JSON value. See describe.py."""

import json
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pendulum
from airflow.timetables.base import DagRunInfo, TimeRestriction
from period_timetable import PeriodTimetable

from scorecard.shared.periods import CALENDAR_YEAR

ZONE = "America/New_York"
NO_CATCHUP = TimeRestriction(earliest=None, latest=None, catchup=False)


def printable(info: DagRunInfo | None) -> list[str]:
    assert info is not None
    return [info.run_after.in_timezone(ZONE).isoformat(), str(info.partition_key)]


def main() -> None:
    made = PeriodTimetable("month", [9, 7], timezone=ZONE, fiscal=CALENDAR_YEAR)
    timetable = PeriodTimetable.deserialize(made.serialize())
    now = pendulum.now("UTC")
    backfill: Any = SimpleNamespace(
        run_after=pendulum.datetime(2017, 8, 1, 4, 1),
        partition_date=pendulum.datetime(2017, 8, 1, 4, 1),
        partition_key="2017-08",
        backfill_id=1,
        created_at=now,
        data_interval_start=None,
        data_interval_end=None,
        logical_date=None,
    )
    scheduled: Any = SimpleNamespace(**{**vars(backfill), "backfill_id": None})
    last = timetable.run_info_from_dag_run(dag_run=backfill)
    ask = timetable.next_dagrun_info_v2
    windows = {"three months": ("2017-08-01", "2017-10-31"), "no first day": ("2017-08-02", "2017-08-31")}
    answers = {
        "now": now.in_timezone(ZONE).isoformat(),
        "after a backfill": printable(ask(last_dagrun_info=last, restriction=NO_CATCHUP)),
        "after a missed hour": printable(
            ask(last_dagrun_info=timetable.run_info_from_dag_run(dag_run=scheduled), restriction=NO_CATCHUP)
        ),
        "never ran": printable(ask(last_dagrun_info=None, restriction=NO_CATCHUP)),
        "backfilled": {
            name: [
                printable(info)
                for info in timetable.iter_partition_dagrun_infos(
                    earliest=pendulum.parse(first), latest=pendulum.parse(last_day) + timedelta(hours=1)
                )
            ]
            for name, (first, last_day) in windows.items()
        },
    }
    print("\n" + json.dumps(answers))


if __name__ == "__main__":
    main()
