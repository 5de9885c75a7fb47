"""The table of durations: of tests by folder, and each target's rows put in the place of its older ones."""

from pathlib import Path

import durations
import pytest

REPORT = """<testsuites><testsuite>
<testcase classname="tests.unit.test_text" name="a" time="30.0"/>
<testcase classname="tests.unit.extract.test_files" name="b" time="60.0"/>
<testcase classname="tests.services.test_sql" name="c" time="6.0"/>
</testsuite></testsuites>"""


def test_tests_are_added_up_by_folder() -> None:
    assert durations.by_folder(REPORT) == {"tests/services": 6.0, "tests/unit": 90.0}


def test_a_target_takes_the_place_of_its_older_rows_alone() -> None:
    rows = [("make scorecard", "", "1.0"), ("make test", "", "9.0"), ("test: tests/unit", "", "5.0")]
    measured = [("make test", "", "8.0"), ("test: tests/docs", "", "2.0")]
    assert durations.merged(rows, "test", measured) == [rows[0], *measured]
    assert durations.merged(rows, "lint", [("make lint", "", "3.0")])[1] == ("make lint", "", "3.0")


def test_the_page_is_read_as_it_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(durations, "PAGE", tmp_path / "durations.md")
    rows = [("make lint", "every linter", "1.0", "2026-11-30", "abc", "2 processors, load 1.0")]
    durations.PAGE.write_text(durations.page(rows), encoding="utf-8")
    assert durations._read() == rows


def test_the_tracked_page_has_the_form_that_the_command_writes() -> None:
    text = durations.PAGE.read_text(encoding="utf-8")
    assert text == durations.page(durations._read())


def test_an_unknown_target_is_refused() -> None:
    assert durations.main(["everything"]) == 2
