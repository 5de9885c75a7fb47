"""What nobody but the owner may read, and what is left alone."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from scorecard.shared.private import keep_private
from scorecard.shared.settings import Settings


@pytest.fixture(autouse=True)
def usual_mask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def open_to_others(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.stat().st_mode & 0o077)


def test_a_state_of_before_is_tightened_and_new_files_are_private(tmp_path: Path) -> None:
    settings = Settings(state=tmp_path / "var", out=tmp_path / "out")
    (settings.archive / "sales-2017-Q4-e1").mkdir(parents=True)
    settings.warehouse.touch()
    (settings.archive / "sales-2017-Q4-e1" / "manifest.json").touch()
    (settings.out / "mail" / "new").mkdir(parents=True)
    (settings.out / "sales-2017-Q4-e1-en.pdf").touch()
    (settings.state / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere").touch()
    keep_private(settings)
    (settings.state / "made later").touch()
    assert open_to_others(tmp_path) == ["elsewhere", "var/link"]


def test_a_folder_that_holds_nothing_of_ours_is_left_alone(tmp_path: Path) -> None:
    settings = Settings(state=tmp_path / "home", out=tmp_path / "home")
    settings.state.mkdir()
    (settings.state / "letter.txt").touch()
    keep_private(settings)
    assert open_to_others(tmp_path) == ["home", "home/letter.txt"]
