"""The steps of a run, in order, as the command line and the DAGs call them. Each may be run again at any time.

extract → build (check raw, dbt, check KPIs, publish the snapshot) → publish (close, render, deliver).
"""

from scorecard.files import write_whole
from scorecard.steps.building import build
from scorecard.steps.extracting import check_sources, confirm, confirmations, extract, extract_all, is_suspect
from scorecard.steps.publishing import Held, Published, due, notify_failure, publish, publish_one
from scorecard.steps.verifying import verify

__all__ = [
    "Held",
    "Published",
    "build",
    "check_sources",
    "confirm",
    "confirmations",
    "due",
    "extract",
    "extract_all",
    "is_suspect",
    "notify_failure",
    "publish",
    "publish_one",
    "verify",
    "write_whole",
]
