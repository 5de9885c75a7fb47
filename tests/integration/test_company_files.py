"""What people of the company write: members are renamed, rows are wrong, files are empty or gone. Nothing stops."""

import csv
import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.company import TARGET, write
from tests.conftest import PROJECT, Sandbox, sandbox_at
from tests.integration.added_deals import copy_of_the_project

UNIT, FOLDER = "Maven Hardware", "maven_hardware"
RENAMED = [
    ("region", "East", "North-East", "2017-11-01"),
    ("rep", "Kami Bicknell", "Kami Smith", "2017-11-01"),
    ("region", "West", "Far West", "2199-01-01"),
]


LINKS = [
    {"source": source, "account_id": account, "customer": customer}
    for source, account, customer in (
        ("maven_crm", "Isdom", "Isdom Group"),
        ("maven_crm", "Betasoloin", "Isdom Group"),
        ("maven_crm", "Zoomit", "Zoomit"),
        ("maven_crm", "Zoomit", "Isdom Group"),
        ("ravenstack", "A-00bed1", "Isdom Group"),
    )
]
LADDER = [
    {"product": product, "product_family": "GTX", "tier": tier}
    for product, tier in (("GTX Basic", 1), ("GTXPro", 2), ("GTX Pro", 2), ("GTX Plus Pro", 3), ("GTX Plus Pro", 4))
]


@dataclass(frozen=True)
class Company:
    """A project whose people wrote other files than the samples have, and the warehouse that was built from them."""

    sandbox: Sandbox
    before: Path
    targets: Path

    def query(self, sql: str, *, before: bool = False) -> list[tuple[Any, ...]]:
        path = self.before if before else self.sandbox.settings.snapshot
        with duckdb.connect(str(path), read_only=True) as db:
            return db.execute(sql).fetchall()


@pytest.fixture(scope="module")
def company(built: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Company:
    root = tmp_path_factory.mktemp("company")
    project = root / "project"
    copy_of_the_project(project)
    shutil.copytree(built.settings.state, root / "var")
    with (project / "company" / FOLDER / "aliases.csv").open(newline="") as file:
        spellings = [{**row, "from_on": ""} for row in csv.DictReader(file)]
    renamed = [
        {"field": field, "spelling": spelling, "name": name, "from_on": day} for field, spelling, name, day in RENAMED
    ]
    write(project, "aliases.csv", [*spellings, *renamed], FOLDER)
    targets = project / "company" / FOLDER / "targets.csv"
    with targets.open(newline="") as file:
        rows = [{**row, "reason": ""} for row in csv.DictReader(file)]
    rows.append({**TARGET, "metric": "zombie_deals", "unit": "count", "target": "many"})
    write(project, "targets.csv", [{**dict.fromkeys(rows[0], ""), **row} for row in rows], FOLDER)
    write(project, "customer_links.csv", LINKS, FOLDER)
    write(project, "product_ladder.csv", LADDER, FOLDER)
    of_others = project / "company" / "ravenstack_saas"
    (of_others / "targets.csv").write_text((of_others / "targets.csv").read_text().partition("\n")[0] + "\n")
    (of_others / "actions.csv").unlink()
    (project / "company" / "holidays.csv").write_text("")
    sandbox = sandbox_at(root, project=project, data=PROJECT / "data")
    sandbox.run("extract")
    sandbox.run("build")
    return Company(sandbox, built.settings.snapshot, targets)


VALUES = """select metric, grain, period, value, target from scorecard.kpi_status
    where scope = 'Maven Hardware' and dimension = '{}' and member = '{}' order by all"""


@pytest.mark.parametrize(("dimension", "old", "new"), [row[:3] for row in RENAMED[:2]])
def test_history_and_targets_of_a_renamed_member_are_under_its_new_name(
    company: Company, dimension: str, old: str, new: str
) -> None:
    before = company.query(VALUES.format(dimension, old), before=True)
    assert len(before) > 100
    assert company.query(VALUES.format(dimension, new)) == before
    assert company.query(VALUES.format(dimension, old)) == []
    if dimension == "region":
        assert any(target is not None for *_, target in before), "a target is written under the old name"


def test_a_member_keeps_its_name_until_the_day_of_the_renaming(company: Company) -> None:
    assert company.query(VALUES.format("region", "West")) == company.query(VALUES.format("region", "West"), before=True)
    assert company.query(VALUES.format("region", "Far West")) == []


def test_an_action_under_the_old_name_stands_beside_the_figures_of_the_new(company: Company) -> None:
    assert company.query("select member from scorecard.actions where action_id = 'A1'") == [("North-East",)]
    failed = (
        "select check_id from quality.check_results where not passed and check_id similar to 'dbt.(target|action).*'"
    )
    assert company.query(failed) == company.query(failed, before=True)


def test_a_row_that_cannot_be_read_is_told_with_its_line_and_holds_nothing(company: Company) -> None:
    last = len(company.targets.read_text().splitlines())
    rows = company.query("select object, reason, source_file, source_line from raw_company_maven_hardware._quarantine")
    ((table, reason, file, line),) = rows
    assert (table, file, line) == ("targets", "company/maven_hardware/targets.csv", last)
    assert "target" in reason
    checks = company.query(
        "select severity, business_unit, list_contains(metrics, 'win_rate'), message from quality.check_results"
        " where check_id = 'extract.company_maven_hardware.targets.no_row_in_quarantine' and not passed"
    )
    ((severity, unit, touches, message),) = checks
    assert (severity, unit, touches) == ("warning", UNIT, True)
    assert f"line {last}" in message


def test_what_is_empty_or_gone_is_no_target_action_or_holiday(company: Company) -> None:
    assert company.query("select count(*) from core.core_target where scope = 'RavenStack SaaS'") == [(0,)]
    assert company.query("select count(*) from scorecard.actions where scope = 'RavenStack SaaS'") == [(0,)]
    christmas = "select is_business_day from core.core_calendar where day = '2017-12-25'"
    assert company.query(christmas, before=True) == [(False,)]
    assert company.query(christmas) == [(True,)]
    assert company.query("select count(*) from core.core_target where reason is not null and scope <> 'all'") == [(0,)]
    again = company.sandbox.run("extract")
    assert "loading" not in again.stdout + again.stderr


def test_accounts_are_linked_and_products_placed_by_the_units_own_files(company: Company) -> None:
    linked = company.query(
        "select account_key, customer_key, source_file, source_line from core.core_customer_link order by source_line"
    )
    file = f"company/{FOLDER}/customer_links.csv"
    assert linked == [
        ("maven_crm:Isdom", "Maven Hardware:Isdom Group", file, 2),
        ("maven_crm:Betasoloin", "Maven Hardware:Isdom Group", file, 3),
        ("ravenstack:A-00bed1", "Maven Hardware:Isdom Group", file, 6),
    ]
    placed = company.query("select product, product_family, tier, per_seat from core.core_product_ladder order by tier")
    assert placed == [("GTX Basic", "GTX", 1, None), ("GTX Pro", "GTX", 2, None)]


@pytest.mark.parametrize(
    ("check", "sentences"),
    [
        (
            "account_is_linked_to_one_customer",
            ("customer_links.csv, line 4: the account Zoomit of maven_crm", "customer_links.csv, line 5: the account"),
        ),
        ("customer_link_is_of_an_account", ("customer_links.csv, line 6: the source ravenstack has no account",)),
        (
            "product_has_one_place_on_the_ladder",
            ("product_ladder.csv, line 5: the product GTX Plus Pro", "product_ladder.csv, line 6: the product GTX"),
        ),
    ],
)
def test_a_link_or_a_place_that_cannot_be_is_a_warning_with_its_line(
    company: Company, check: str, sentences: tuple[str, ...]
) -> None:
    rows = company.query(
        "select severity, business_unit, list_contains(metrics, 'win_rate'), message, cure, words"
        f" from quality.check_results where check_id = 'dbt.{check}' and not passed"
    )
    ((severity, unit, is_printed, message, cure, words),) = rows
    assert (severity, unit, is_printed) == ("warning", UNIT, True)
    for sentence in sentences:
        assert f"company/{FOLDER}/{sentence}" in message
        assert f"company/{FOLDER}/{sentence}" in json.loads(words)["ja"]["message"]
    assert "delete" in cure.lower()


def test_a_close_freezes_where_targets_and_actions_stand(company: Company) -> None:
    done = company.sandbox.run("publish", "--scorecard", "sales", "--period", "2017-Q4", check=False)
    assert "sales-2017-Q4-e2: closed" in done.stdout + done.stderr, done.stdout + done.stderr
    close = company.sandbox.settings.archive / "sales-2017-Q4-e2"
    restated = json.loads((close / "restatements.json").read_text())
    assert not [difference for difference in restated if difference["field"] == "value"], (
        "a renamed member's figures are the same"
    )
    digest = hashlib.sha256(company.targets.read_bytes()).hexdigest()
    checks = duckdb.sql(f"select check_id from read_parquet('{close}/checks.parquet') where not passed").fetchall()
    assert ("extract.company_maven_hardware.targets.no_row_in_quarantine",) in checks
    ((figure, member),) = duckdb.sql(
        f"select figure_id, member from read_parquet('{close}/values.parquet')"
        " where metric = 'target_attainment' and period = '2017-Q4' and dimension = 'business_unit'"
    ).fetchall()
    proof = json.loads(company.sandbox.run("trace", f"{close.name}.{figure}", "--json").stdout)
    assert proof["equal"]
    (stood,) = [row for row in proof["observations"] if row["source"] == "targets"]
    assert stood["file"] == "company/maven_hardware/targets.csv"
    line = company.targets.read_text().splitlines()[stood["line"] - 1]
    assert line.startswith(f"booked_revenue,2017-Q4,business_unit,{member},")
    (version,) = [file for file in proof["files"] if file["file"] == stood["file"]]
    assert (version["source_sha256"], version["state"]) == (digest, "unchanged")
    actions = duckdb.sql(f"select source_file, source_line from read_parquet('{close}/actions.parquet')").fetchall()
    assert ("company/maven_hardware/actions.csv", 2) in actions


def test_trouble_with_one_units_file_stops_no_other(company: Company) -> None:
    company.targets.write_bytes(b"metric,period\xff\n")
    done = company.sandbox.run("extract", check=False)
    assert done.returncode != 0
    assert "company/maven_hardware/targets.csv" in done.stdout + done.stderr
    held = company.sandbox.run("publish", "--scorecard", "sales", "--period", "2017-Q4", check=False)
    assert "is held back" in held.stdout + held.stderr
    other = company.sandbox.run("publish", "--scorecard", "customers", "--period", "2024-Q4", check=False)
    assert "customers-2024-Q4-e" in other.stdout + other.stderr
    assert "held back" not in other.stdout + other.stderr
