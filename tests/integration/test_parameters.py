"""A business unit sets a number of a metric in scorecard.toml: its figures, words and closes have it, no other's."""

import json
import shutil
import subprocess
from collections.abc import Callable
from datetime import date, timedelta

import polars as pl

from tests.conftest import PROJECT, Sandbox

DAYS = 60
SET = json.dumps({"Maven Hardware": {"zombie_deals": {"stale_days": DAYS}}})


def zombies() -> int:
    """The deals open at the end of 2017 that were opened so many days before, from the export itself."""
    last_on = date(2017, 12, 31)
    deals = pl.read_csv(PROJECT / "data" / "maven_crm" / "sales_pipeline.csv", try_parse_dates=True)
    opened = deals.filter(pl.col("engage_date") <= last_on - timedelta(days=DAYS))
    return len(opened.filter(pl.col("close_date").is_null() | (pl.col("close_date") > last_on)))


def test_a_unit_has_a_number_of_its_own(copy_of: Callable[[str], Sandbox]) -> None:
    sandbox = copy_of("own")
    before = json.loads(sandbox.run("publish", "--scorecard", "customers", "--period", "2024-Q4", "--json").stdout)
    sandbox.env["SCORECARD_PARAMETERS"] = SET
    sandbox.run("build")

    rows = json.loads(sandbox.run("values", "--metric", "zombie_deals", "--period", "2017-Q4", "--json").stdout)
    by_member = {row["member"]: row["value"] for row in rows}
    assert by_member["Maven Hardware"] == by_member["all"] == str(zombies())

    (edition,) = json.loads(sandbox.run("publish", "--scorecard", "sales", "--period", "2017-Q4", "--json").stdout)
    assert (edition["close_id"], edition["created"]) == ("sales-2017-Q4-e2", True)
    close = sandbox.settings.archive / edition["close_id"]
    entry = json.loads((close / "definitions.json").read_text())["metrics"]["zombie_deals"]
    assert entry["parameters"] == {"stale_days": DAYS}
    assert f"{DAYS} days or more" in entry["definition"]["en"]
    changed = json.loads((close / "restatements.json").read_text())
    assert {(row["metric"], row["why"]) for row in changed} == {("zombie_deals", "definition")}
    (english,) = (path for path in edition["pdfs"] if path.endswith("-en.pdf"))
    printed = subprocess.run(["pdftotext", "-layout", english, "-"], capture_output=True, text=True, check=True).stdout
    assert f"{DAYS} days or more" in " ".join(printed.split())

    after = json.loads(sandbox.run("publish", "--scorecard", "customers", "--period", "2024-Q4", "--json").stdout)
    assert [row["close_id"] for row in after] == [row["close_id"] for row in before]
    assert not any(row["created"] for row in after)
    shutil.rmtree(sandbox.root)
