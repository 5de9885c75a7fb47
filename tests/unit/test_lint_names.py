"""Names that tell nothing, and names that stand for two things, are refused."""

import importlib.util
from pathlib import Path

import pytest

from tests.conftest import PROJECT

_SPEC = importlib.util.spec_from_file_location("lint_names", PROJECT / "tools" / "lint_names.py")
assert _SPEC
assert _SPEC.loader
lint_names = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(lint_names)


def test_the_project_keeps_the_rules() -> None:
    assert [problem for folder in lint_names.FOLDERS for problem in lint_names.vague_names(PROJECT / folder)] == []
    assert list(lint_names.repeated_names(PROJECT / "scorecard")) == []


@pytest.mark.parametrize(
    "code",
    [
        "found = 1",
        "for each in (): ...",
        "def sent(told): ...",
        "[said for said in ()]",
        "with open('x') as there: ...",
    ],
)
def test_a_name_that_tells_nothing_is_refused(tmp_path: Path, code: str) -> None:
    (tmp_path / "a.py").write_text(f"\n{code}\n")
    (problem,) = lint_names.vague_names(tmp_path)
    assert problem.startswith(f"{tmp_path.as_posix()}/a.py:2: ")


def test_a_key_of_a_declaration_may_have_its_name(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("class Entry:\n    each: str\n")
    assert list(lint_names.vague_names(tmp_path)) == []


def test_two_classes_of_one_name_are_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.py").write_text("class Close: ...\nclass _Own: ...\n")
    (problem,) = lint_names.repeated_names(tmp_path)
    assert "another class is named Close, too" in problem


def test_two_modules_of_one_name_are_refused(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "close.py").write_text("")
    (problem,) = lint_names.repeated_names(tmp_path)
    assert "another module is named close, too" in problem
