"""The steps of a run, in order, for the command line and the DAGs. Each may run again at any time.

extract → build (check raw, dbt, check KPIs, publish the snapshot) → publish (close, render, deliver).
"""

from scorecard.shared.files import write_whole
from scorecard.steps.building import NothingLoaded, build, plan, run_dbt
from scorecard.steps.check_declarations import check_declarations
from scorecard.steps.due import due, due_periods
from scorecard.steps.extracting import check_sources, confirm, confirmations, extract, extract_all, units_behind
from scorecard.steps.holding import ScorecardHeld
from scorecard.steps.publishing import Published, publish, publish_one
from scorecard.steps.verifying import open_close, trace, verify
from scorecard.steps.watching import note_started, notify_failure, notify_silent, watch

__all__ = [
    "NothingLoaded",
    "Published",
    "ScorecardHeld",
    "build",
    "check_declarations",
    "check_sources",
    "confirm",
    "confirmations",
    "due",
    "due_periods",
    "extract",
    "extract_all",
    "note_started",
    "notify_failure",
    "notify_silent",
    "open_close",
    "plan",
    "publish",
    "publish_one",
    "run_dbt",
    "trace",
    "units_behind",
    "verify",
    "watch",
    "write_whole",
]
