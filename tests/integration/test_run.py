"""`scorecard run` from end to end: what comes out, what a second run does, and what a failed check holds back."""

import csv
import hashlib
import json
import mailbox
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from email.header import decode_header, make_header
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from scorecard.shared.periods import CALENDAR_YEAR, Grain
from scorecard.shared.schedule import When, last_due
from scorecard.steps.due import holidays
from tests.conftest import PROJECT, Sandbox, sandbox_at

EXPECTED = ("sales-2017-Q4-e1", "sales-2017-12-e1", "customers-2024-Q4-e1")


def mails(sandbox: Sandbox) -> list[Any]:
    return list(mailbox.Maildir(sandbox.settings.out / "mail", create=False))


def hashes(sandbox: Sandbox) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sandbox.settings.out.glob("*.pdf")}


def test_every_reader_gets_the_scorecards_of_the_last_complete_periods(built: Sandbox) -> None:
    assert sorted(hashes(built)) == sorted(f"{close}-{language}.pdf" for close in EXPECTED for language in ("en", "ja"))
    received = Counter(mail["To"] for mail in mails(built))
    assert received == {
        "sales-director@example.com": 2,
        "eigyo-bucho@example.com": 2,
        "customer-director@example.com": 1,
        "kokyaku-bucho@example.com": 1,
    }
    for mail in mails(built):
        kinds = [part.get_content_type() for part in mail.walk()]
        assert {"text/plain", "text/html", "application/pdf"} <= set(kinds)


def test_a_second_run_mails_nobody_and_changes_nothing(copy_of: Callable[[str], Sandbox]) -> None:
    sandbox = copy_of("second")
    before, letters = hashes(sandbox), len(mails(sandbox))
    done = sandbox.run("run", "--json")
    assert [entry["created"] for entry in json.loads(done.stdout)] == [False] * 3
    assert all(not letter["now"] for entry in json.loads(done.stdout) for letter in entry["mailed"])
    assert (hashes(sandbox), len(mails(sandbox))) == (before, letters)


@pytest.fixture
def changed_data(copy_of: Callable[[str], Sandbox]) -> Callable[[Callable[[dict[str, str]], dict[str, str]]], Sandbox]:
    """Return a function that changes rows of the sales pipeline and gives a sandbox that reads it."""

    def change(edit: Callable[[dict[str, str]], dict[str, str]]) -> Sandbox:
        root = copy_of("changed").root
        data = root / "data"
        shutil.copytree(PROJECT / "data", data)
        path = data / "maven_crm" / "sales_pipeline.csv"
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
            writer.writeheader()
            writer.writerows(edit(row) for row in rows)
        return sandbox_at(root, data=data)

    return change


def test_a_failed_check_holds_only_what_depends_on_it(changed_data: Any) -> None:
    def unknown_stage(row: dict[str, str]) -> dict[str, str]:
        return {**row, "deal_stage": "Paused"} if row["opportunity_id"] == "1C1I7A6R" else row

    sandbox = changed_data(unknown_stage)
    letters = len(mails(sandbox))
    done = sandbox.run("run", check=False)
    assert done.returncode == 1
    assert "The scorecard sales of 2017-Q4 is held back" in done.stderr
    assert "stage is known" in done.stderr
    assert "stg_maven_crm__opportunities" in done.stderr  # the cure names the place
    assert [Path(line).name for line in done.stdout.split()] == [
        "customers-2024-Q4-e1-en.pdf",
        "customers-2024-Q4-e1-ja.pdf",
    ]
    letters_after = mails(sandbox)[:]
    assert len(letters_after) == letters + 2  # one for each period of the scorecard that is held back
    held = [mail for mail in letters_after if mail["To"] == "sales-operations@example.com"]
    assert {mail["Subject"] for mail in held} == {
        "Held back: sales 2017-Q4, 1 failed check",
        "Held back: sales 2017-12, 1 failed check",
    }
    sandbox.run("run", check=False)
    assert len(mails(sandbox)) == letters + 2, "the same failed check was told twice"


def test_a_source_that_cannot_be_read_stops_its_own_unit_only(changed_data: Any) -> None:
    sandbox = changed_data(lambda row: row)
    (sandbox.settings.data / "maven_crm" / "sales_pipeline.csv").unlink()
    done = sandbox.run("run", check=False)
    assert done.returncode == 1
    assert "maven_crm/sales_pipeline.csv" in done.stderr
    assert "The scorecard sales of 2017-Q4 is held back: " in done.stderr
    assert [Path(line).name for line in done.stdout.split()] == [
        "customers-2024-Q4-e1-en.pdf",
        "customers-2024-Q4-e1-ja.pdf",
    ]


def test_a_period_that_is_not_over_is_held_until_a_person_asks_for_it(changed_data: Any) -> None:
    """The sample as it would have been on 11 December: the first release mailed it as 46.7 % short of its target."""

    def until_december(row: dict[str, str]) -> dict[str, str]:
        if row["close_date"] > "2017-12-10":
            row = {**row, "close_date": "", "close_value": "", "deal_stage": "Engaging"}
        return {**row, "engage_date": min(row["engage_date"], "2017-12-10")}

    sandbox = changed_data(until_december)
    done = sandbox.run("run", "--scorecard", "sales", "--json")
    assert [entry["close_id"] for entry in json.loads(done.stdout)] == ["sales-2017-Q3-e1", "sales-2017-11-e1"]
    command = ("publish", "--scorecard", "sales", "--period", "2017-12")
    for _ in range(2):
        held = sandbox.run(*command, check=False)
        assert (held.returncode, held.stdout) == (1, "")
        assert "Maven Hardware is known through 2017-12-10, and the period ends on 2017-12-31" in held.stderr
    (notice,) = [mail for mail in mails(sandbox) if mail["To"] == "sales-operations@example.com"]
    assert notice["Subject"] == "Held back: sales 2017-12, its data is not complete"
    assert "1. maven_crm: known through 2017-12-10" in notice.get_payload(decode=True).decode()

    done = sandbox.run(*command, "--provisional", "--json")
    assert [entry["close_id"] for entry in json.loads(done.stdout)] == ["sales-2017-12-e2"]
    subjects = [str(make_header(decode_header(mail["Subject"]))) for mail in mails(sandbox)]
    assert any("Dec 2017 (provisional: data through 10 Dec), edition 2: " in subject for subject in subjects)
    assert any("（暫定版：データは12月10日まで）" in subject for subject in subjects)
    for language, says in (("en", "provisional: data through 10 Dec"), ("ja", "暫定版：データは12月10日まで")):
        page = PdfReader(sandbox.settings.out / f"sales-2017-12-e2-{language}.pdf").pages[0].extract_text()
        assert says in " ".join(page.split())


def test_an_owner_who_knows_why_a_scorecard_is_held_is_not_told_that_it_is_late(copy_of: Callable[[str], Any]) -> None:
    """The samples ended long ago: every period since is past its deadline, and held if somebody asks for it."""
    sandbox = copy_of("held")
    (sandbox.settings.state / "watched_since").write_text("2020-01-01T00:00:00+00:00")
    now = datetime.now(sandbox.settings.zone) - timedelta(hours=When().deadline_hours)
    month, quarter = (
        last_due(grain, When(), holidays(sandbox.settings), now, CALENDAR_YEAR).label
        for grain in (Grain.MONTH, Grain.QUARTER)
    )
    assert sandbox.run("publish", "--scorecard", "sales", "--period", month, check=False).returncode == 1
    late = sandbox.run("watch", check=False)
    for period in (month, quarter):
        assert f"sales {period}: nobody has received it" in late.stderr
    assert {mail["Subject"] for mail in mails(sandbox) if mail["To"] == "sales-operations@example.com"} == {
        f"Held back: sales {month}, its data is not complete",
        f"Late: sales {quarter}",
    }


def test_a_unit_that_was_never_loaded_stops_no_other(tmp_path: Path, parsed: Callable[[Sandbox], Sandbox]) -> None:
    data = tmp_path / "data"
    shutil.copytree(PROJECT / "data", data)
    (data / "ravenstack").rename(tmp_path / "elsewhere")
    sandbox = parsed(sandbox_at(tmp_path, data=data))
    done = sandbox.run("run", check=False)
    assert done.returncode == 1
    assert "Nothing of the source ravenstack was loaded yet." in done.stderr
    names = {Path(line).name for line in done.stdout.split()}
    assert names == {f"sales-2017-{period}-e1-{language}.pdf" for period in ("Q4", "12") for language in ("en", "ja")}
    held = sandbox.run("publish", "--scorecard", "customers", "--period", "2024-Q4", check=False)
    assert "The scorecard customers of 2024-Q4 is held back: " in held.stderr
    (notice,) = [mail for mail in mails(sandbox) if mail["To"] == "customer-operations@example.com"]
    assert notice["Subject"] == "Held back: customers 2024-Q4, a source is not up to date"
    of_company, of_unit = (
        json.loads(sandbox.run("values", "--json", "--metric", "won_deals", "--period", "2017-Q4", "--by", by).stdout)
        for by in ("company", "business_unit")
    )
    assert [row["partial"] for row in of_company] == ["RavenStack SaaS is not up to date"]
    assert [row["partial"] for row in of_unit] == [None]


def test_a_truncated_export_holds_its_unit_until_it_is_confirmed(changed_data: Any) -> None:
    """The sample's pipeline cut at a line end, for which the first release mailed an edition with less revenue."""
    sandbox = changed_data(lambda row: row)
    export = sandbox.settings.data / "maven_crm" / "sales_pipeline.csv"
    lines = export.read_bytes().splitlines(keepends=True)
    export.write_bytes(b"".join(lines[:8079]))
    letters, closes = len(mails(sandbox)), sorted(path.name for path in sandbox.settings.archive.iterdir())
    done = sandbox.run("run", check=False)
    assert done.returncode == 1
    problem = "maven_crm/sales_pipeline.csv is suspect: it lacks 722 of the 8800 records that it had before."
    assert f"Error: {problem}" in done.stderr
    assert f"The scorecard sales of 2017-Q4 is held back: {problem}" in done.stderr
    assert {Path(line).name for line in done.stdout.split()} == {
        "customers-2024-Q4-e1-en.pdf",
        "customers-2024-Q4-e1-ja.pdf",
    }
    assert sorted(path.name for path in sandbox.settings.archive.iterdir()) == closes
    notices = [mail for mail in mails(sandbox) if mail["To"] == "sales-operations@example.com"]
    assert len(mails(sandbox)) == letters + len(notices) == letters + 2, "one for each period that is held"
    text = " ".join(notices[0].get_payload(decode=True).decode().split())
    sha256 = hashlib.sha256(export.read_bytes()).hexdigest()
    assert problem in text
    assert f"scorecard confirm maven_crm sales_pipeline.csv {sha256}" in text

    assert "is held back" in sandbox.run("publish", "--scorecard", "sales", check=False).stderr
    assert len(mails(sandbox)) == letters + 2, "the same is told once"
    assert sandbox.run("confirm", "maven_crm", "sales_pipeline.csv", "0" * 64, check=False).returncode == 1
    sandbox.run("confirm", "maven_crm", "sales_pipeline.csv", sha256)
    (entry,) = json.loads(sandbox.run("confirmations", "--json").stdout)
    assert (entry["source"], entry["file"], entry["sha256"]) == ("maven_crm", "sales_pipeline.csv", sha256)
    assert "8078 rows read, 0 new, 722 ended" in sandbox.run("extract", "maven_crm").stderr


def test_changed_data_makes_a_new_edition_that_says_what_changed(changed_data: Any) -> None:
    def corrected(row: dict[str, str]) -> dict[str, str]:
        won_last_quarter = row["deal_stage"] == "Won" and row["close_date"] == "2017-11-15"
        return {**row, "close_value": str(int(row["close_value"]) + 100)} if won_last_quarter else row

    sandbox = changed_data(corrected)
    done = json.loads(sandbox.run("run", "--json", "--scorecard", "sales", "--period", "2017-Q4").stdout)
    assert done[0]["close_id"] == "sales-2017-Q4-e2"
    restated = json.loads((sandbox.settings.archive / "sales-2017-Q4-e2" / "restatements.json").read_text())
    revenue = [
        difference
        for difference in restated
        if difference["metric"] == "booked_revenue" and difference["period"] == "2017-Q4"
    ]
    assert revenue
    assert all(float(difference["new"]) > float(difference["old"]) for difference in revenue)
    assert json.loads(sandbox.run("verify", "--json").stdout)["ok"]


def test_figures_of_other_settings_are_not_published(copy_of: Callable[[str], Sandbox]) -> None:
    sandbox = copy_of("euro")
    letters = len(mails(sandbox))
    for changed in ({"currency": "EUR"}, {"fiscal_year_start_month": 4}):
        other = sandbox_at(sandbox.root, **changed)
        done = other.run("publish", "--scorecard", "sales", "--period", "2017-Q4", check=False)
        assert done.returncode == 1
        assert "Run `scorecard build`" in done.stderr
    assert len(mails(sandbox)) == letters
    assert not (sandbox.settings.archive / "sales-2017-Q4-e2").exists()


def test_a_close_that_was_changed_is_neither_mailed_nor_rendered(copy_of: Callable[[str], Sandbox]) -> None:
    sandbox = copy_of("forged")
    letters = len(mails(sandbox))
    path = sandbox.settings.archive / "sales-2017-Q4-e1" / "values.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    (sandbox.settings.out / "sales-2017-Q4-e1-en.pdf").unlink()
    page = sandbox.root / "page.pdf"
    for command in (
        ("publish", "--scorecard", "sales", "--period", "2017-Q4"),
        ("render", "sales-2017-Q4-e1", "--language", "en", "--output", str(page)),
    ):
        done = sandbox.run(*command, check=False)
        assert (done.returncode, done.stdout) == (1, "")
        assert "sales-2017-Q4-e1" in done.stderr
        assert "Restore" in done.stderr
    assert len(mails(sandbox)) == letters
    assert not page.exists()
    assert not (sandbox.settings.out / "sales-2017-Q4-e1-en.pdf").exists()


def test_what_a_failed_build_compiled_is_not_what_was_published(copy_of: Callable[[str], Sandbox]) -> None:
    sandbox = copy_of("compiled")
    shutil.rmtree(sandbox.settings.state / "dbt")
    done = sandbox.run("publish", "--scorecard", "sales", "--period", "2017-Q4", "--json")
    assert [entry["created"] for entry in json.loads(done.stdout)] == [False]


def test_nothing_is_extracted_while_another_run_builds(copy_of: Callable[[str], Sandbox]) -> None:
    from scorecard.warehouse import published

    sandbox = copy_of("busy")
    command = [sys.executable, "-m", "scorecard.cli", "extract", "maven_crm"]
    with published.alone(sandbox.settings):
        waiting = subprocess.Popen(command, env=sandbox.env, cwd=sandbox.root, stderr=subprocess.DEVNULL)
        time.sleep(5)
        assert waiting.poll() is None
    assert waiting.wait(60) == 0
