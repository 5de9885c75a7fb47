"""A company's settings lie in one file of its project; what is wrong in it is told with its line."""

import shutil
from pathlib import Path

import pytest

from scorecard.shared.errors import ScorecardError
from scorecard.shared.settings import read_settings
from scorecard.shared.settings_file import EXAMPLE, NAME
from tests.conftest import SETTINGS_FILE

OWN = """\
company = "Orbit"
timezone = "Asia/Tokyo"
currency = "JPY"
owner_email = "data@orbit.example"
mail_from = "scorecard@orbit.example"

[services.hubspot]
business_unit = "Orbit Services"
currency = "EUR"
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copy(SETTINGS_FILE, tmp_path)
    monkeypatch.setenv("SCORECARD_PROJECT", str(tmp_path))
    return tmp_path


def refused(project: Path, text: str) -> ScorecardError:
    (project / NAME).write_text(text, encoding="utf-8")
    with pytest.raises(ScorecardError) as error:
        read_settings()
    return error.value


def test_the_file_of_the_project_that_the_environment_names(project: Path) -> None:
    (project / NAME).write_text(OWN, encoding="utf-8")
    settings = read_settings()
    assert (settings.company, settings.timezone, settings.file) == ("Orbit", "Asia/Tokyo", project / NAME)
    assert settings.services["hubspot"].business_unit == "Orbit Services"
    assert settings.fiscal_year_start_month == 1, "not what the example says, but the default"


def test_the_example_counts_as_long_as_there_is_no_file(project: Path) -> None:
    assert (read_settings().company, read_settings().file) == ("Example Group", project / EXAMPLE)


def test_a_project_without_any_file_has_no_settings(project: Path) -> None:
    (project / EXAMPLE).unlink()
    with pytest.raises(ScorecardError, match="The setting company is missing") as error:
        read_settings()
    assert f"Write company = … in {project / NAME}, or set SCORECARD_COMPANY" in error.value.cure


def test_a_project_that_is_named_from_where_one_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / NAME).write_text(OWN, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SCORECARD_PROJECT", "here")
    settings = read_settings()
    assert (settings.company, settings.state) == ("Orbit", tmp_path / "here" / "var")


def test_the_environment_wins(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / NAME).write_text(OWN, encoding="utf-8")
    monkeypatch.setenv("SCORECARD_CURRENCY", "EUR")
    assert read_settings().currency == "EUR"


@pytest.mark.parametrize(
    ("old", "new", "problem", "cure"),
    [
        (
            'currency = "JPY"',
            'curency = "JPY"',
            "The setting curency in {file}, line 3, is unknown",
            "Write currency, or",
        ),
        ('currency = "JPY"', 'currency = "yen"', "The setting currency in {file}, line 3, is wrong: ", "there."),
        (
            'currency = "EUR"',
            "page_size = 5",
            "The setting services.hubspot.currency is missing.",
            "in [services.hubspot]",
        ),
        (
            'currency = "EUR"',
            'currency = "EUR"\npagesize = 5',
            "The setting services.hubspot.pagesize in {file}, line 10, is unknown",
            "Write page_size, or",
        ),
        (
            "[services.hubspot]",
            "[servces.hubspot]",
            "The setting servces in {file}, line 7, is unknown",
            "Write services",
        ),
        ('company = "Orbit"', "company = Orbit", "{file} cannot be read as TOML: Invalid value (at line 1", "Correct"),
        ('company = "Orbit"', 'project = "/x"', "{file}, line 1 sets `project`", "SCORECARD_PROJECT"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(project: Path, old: str, new: str, problem: str, cure: str) -> None:
    assert old in OWN
    error = refused(project, OWN.replace(old, new))
    assert error.problem.startswith(problem.format(file=project / NAME)), error.problem
    assert cure in error.cure


def test_what_the_environment_sets_wrong_is_not_looked_for_in_the_file(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCORECARD_CURRENCY", "yen")
    error = refused(project, OWN)
    assert "line" not in error.problem
    assert "SCORECARD_CURRENCY of the environment" in error.cure
