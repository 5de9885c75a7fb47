"""`scorecard check`: what is wrong in declarations, all of it, with file and line, at the cost of reading them."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scorecard import steps
from scorecard.shared.settings import PROJECT, Settings

MISTAKES = [
    ("dbt_project/models/kpis/kpi_win_rate.yml", "direction: higher", "direction: up", "`direction` is 'up'"),
    ("dbt_project/dimensions/product.yml", "within: region", "within: regoin", "names the unknown dimension regoin"),
    ("reports/sales.yml", "[en, ja]", "[en, no]", "YAML reads no as true or false"),
    ("expectations/maven_crm.yml", "{column: opportunity_id}", "opportunity_id", "where a mapping is meant"),
    ("expectations/kpis.yml", "value_set: <dimensions>", "value_set: <dimension>", "Unknown name <dimension>"),
]
IN_A_WHOLE_CATALOGUE = [
    (
        "expectations/maven_crm.yml",
        "expect_column_values_to_be_unique",
        "expect_columns_to_be_unique",
        "Unknown expectation",
    ),
    (
        "expectations/kpis.yml",
        "        why: An observation without",
        "        in_doubt: [record_id]\n        why: An observation without",
        "`in_doubt` has no effect here",
    ),
    (
        "expectations/maven_crm.yml",
        "in_doubt: [close_value]",
        "in_doubt: [close_values]",
        "in `in_doubt`. Write sales_pip",
    ),
    (
        "expectations/ravenstack.yml",
        "change.was_lost]",
        "change.was_lots]",
        "in `in_doubt`. Write core_customer_change.was_",
    ),
    ("dbt_project/models/staging/maven_crm/_sources.yml", "win_rate: >-", "win_rates: >-", "Write win_rate"),
    (
        "dbt_project/models/kpis/kpi_win_rate.yml",
        "na_where: [one_outcome]",
        "na_where: [one_outcom]",
        "Write one_outcome",
    ),
    (
        "dbt_project/models/core/core_ticket.yml",
        "gaps:\n          - {name: no_answers,",
        "gaps:\n          - {name: no_word, lacks: priority}\n          - {name: no_answers,",
        "The gap no_word lacks `reason`",
    ),
    ("company/maven_hardware/targets.csv", "booked_revenue,2017-Q2", "booked_revenues,2017-Q2", "Write booked_revenue"),
    ("company/maven_hardware/targets.csv", "business_unit,Maven", "businessunit,Maven", "Write business_unit"),
    ("company/maven_hardware/targets.csv", "3000000,currency", "3 million,currency", "which is no number"),
    ("company/maven_hardware/targets.csv", "3000000,currency", "3000000,percent", "is in currency"),
    ("company/maven_hardware/targets.csv", "2017-Q2", "2017-Q5", "`period` is wrong"),
]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with all declarations of the product's own."""
    for folder in ("company", "dbt_project", "expectations", "reports"):
        shutil.copytree(PROJECT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("target", "logs"))
    shutil.copy(PROJECT / "scorecard.example.toml", tmp_path / "scorecard.toml")
    return tmp_path


def change(project: Path, file: str, old: str, new: str) -> tuple[Path, int]:
    """Write something else in a file, once; return its path and the line."""
    path = project / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path, text[: text.index(old)].count("\n") + 1


def check(project: Path) -> list[tuple[Path, int, str]]:
    mistakes, others = steps.check_declarations(Settings(project=project))
    assert not others
    return [(mistake.path, mistake.line, f"{mistake.problem} {mistake.cure}") for mistake in mistakes]


def test_the_product_is_sound(project: Path) -> None:
    assert check(project) == []


@pytest.mark.samples
def test_what_is_wrong_is_told_at_once(project: Path) -> None:
    places = {change(project, file, old, new): says for file, old, new, says in MISTAKES}
    answer = check(project)
    assert {(path, line) for path, line, _ in answer} == set(places)
    assert all(places[path, line] in sentence for path, line, sentence in answer)


@pytest.mark.samples
@pytest.mark.parametrize(("file", "old", "new", "says"), IN_A_WHOLE_CATALOGUE)
def test_a_name_that_is_not_there_is_told(project: Path, file: str, old: str, new: str, says: str) -> None:
    place = change(project, file, old, new)
    ((path, line, sentence),) = check(project)
    assert ((path, line), says in sentence) == (place, True), sentence


@pytest.mark.samples
def test_a_unit_whose_name_dbt_would_run_is_told(project: Path) -> None:
    declaration = "dbt_project/models/staging/maven_crm/_sources.yml"
    path, line = change(project, declaration, "business_unit: Maven Hardware", "business_unit: 'Maven {% x %}'")
    assert (path, line) in [place[:2] for place in check(project) if "`business_unit` has {%" in place[2]]


@pytest.mark.samples
def test_a_source_that_is_wrong_is_told(project: Path) -> None:
    declaration = "dbt_project/models/staging/maven_crm/_sources.yml"
    path, line = change(project, declaration, "full_export: true", "full_exports: true")
    wrong = [place for place in check(project) if "full_exports" in place[2]]
    assert [place[:2] for place in wrong] == [(path, line)]


def test_a_file_of_rules_for_what_is_no_mapping_is_told(project: Path) -> None:
    path = project / "expectations" / "maven_crm.yml"
    path.write_text("- a\n")
    assert [place[:2] for place in check(project)] == [(path, 1)]


def test_the_command_tells_and_fails(project: Path, tmp_path: Path) -> None:
    places = [change(project, file, old, new) for file, old, new, _ in MISTAKES[:2]]
    answer = run("check", "--json", project=project, state=tmp_path / "var")
    assert answer.returncode == 1
    assert [(Path(row["path"]), row["line"]) for row in json.loads(answer.stdout)] == sorted(places)
    answer = run("check", project=project, state=tmp_path / "var")
    assert answer.returncode == 1
    assert [line.split(": ")[0] for line in answer.stdout.splitlines()] == [
        f"{path}:{line}" for path, line in sorted(places)
    ]


def test_it_is_cheap(tmp_path: Path) -> None:
    """Two seconds on a machine that does nothing else, most of them Python's start; and nothing heavy is imported."""
    heavy = ["dbt", "dlt", "duckdb", "great_expectations", "pandas", "pyarrow", "airflow", "sqlglot"]
    code = (
        "import sys, time; from scorecard.cli import app; app(['check'], standalone_mode=False); "
        f"print(time.process_time(), [name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={"SCORECARD_STATE": str(tmp_path)}
    )
    seconds, _, imported = done.stdout.partition(" ")
    assert imported.strip() == "[]", done.stderr
    assert float(seconds) < 3


def run(*arguments: str, project: Path, state: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "scorecard.cli", *arguments],
        capture_output=True,
        text=True,
        env={"SCORECARD_PROJECT": str(project), "SCORECARD_STATE": str(state)},
    )
