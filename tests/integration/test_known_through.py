"""A company whose export says when it was written: its quiet month ends."""

import csv
import json
import os
import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb

from tests.conftest import PROJECT, SETTINGS_FILE, Sandbox, sandbox_at

LAST_DEAL = "2017-12-22"


def test_a_month_ends_though_its_last_days_have_no_record(tmp_path: Path, parsed: Callable[[Sandbox], Sandbox]) -> None:
    project = tmp_path / "project"
    for name in ("company", "dbt_project", "expectations", "reports", "data"):
        shutil.copytree(PROJECT / name, project / name, ignore=shutil.ignore_patterns("target", "logs"))
    shutil.copy(SETTINGS_FILE, project)
    declaration = project / "dbt_project/models/staging/maven_crm/_sources.yml"
    text = declaration.read_text(encoding="utf-8")
    file = "meta: {file: sales_pipeline.csv,"
    assert text.count(file) == 1
    declaration.write_text(text.replace(file, f"{file} known_through: day_before_written,"), encoding="utf-8")
    export = project / "data/maven_crm/sales_pipeline.csv"
    with export.open(newline="") as opened:
        rows = list(csv.DictReader(opened))
    with export.open("w", newline="") as opened:
        writer = csv.DictWriter(opened, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({**row, **{name: min(row[name], LAST_DEAL) for name in ("engage_date", "close_date")}})
    written = datetime(2018, 1, 1, 12, tzinfo=UTC).timestamp()
    os.utime(export, (written, written))

    sandbox = parsed(sandbox_at(tmp_path / "quiet", project=project, data=project / "data"))
    done = sandbox.run("run", "--scorecard", "sales", "--json")
    assert "maven_crm.sales_pipeline: known through 2017-12-31" in done.stderr
    with duckdb.connect(str(sandbox.settings.snapshot), read_only=True) as db:
        (last,) = db.execute(
            "select max(closed_on) from core.core_opportunity where business_unit = 'Maven Hardware'"
        ).fetchone() or (None,)
        known = dict(db.execute("select business_unit, last_on from core.core_horizon").fetchall())
        complete = db.execute(
            "select distinct is_complete from scorecard.kpi_values where metric = 'booked_revenue'"
            " and period = '2017-12' and scope = 'Maven Hardware'"
        ).fetchall()
    assert last == date.fromisoformat(LAST_DEAL)
    assert known["Maven Hardware"] == date(2017, 12, 31)
    assert complete == [(True,)]
    assert "sales-2017-12-e1" in {entry["close_id"] for entry in json.loads(done.stdout)}
