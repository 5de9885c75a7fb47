"""The samples are what one list names; they go, and nothing that the product needs goes with them."""

import shutil
from pathlib import Path

import pytest

from scorecard.catalogue import WrongDeclarations, read_sources
from scorecard.samples import FILE, sample_paths
from scorecard.settings import PROJECT

NAMES = ("maven", "ravenstack")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for folder in ("data", "dbt_project", "expectations", "reports"):
        shutil.copytree(PROJECT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("target", "logs"))
    for file in ("scorecard.example.toml", FILE):
        shutil.copy(PROJECT / file, tmp_path)
    return tmp_path


@pytest.mark.samples
def test_every_declared_thing_of_the_samples_is_listed() -> None:
    """A source that is no service's is a sample's, and so is every scorecard."""
    listed = sample_paths(PROJECT)
    declared = (PROJECT / "dbt_project" / "models" / "staging").glob("*/_sources.yml")
    own = [path.parent for path in declared if not any(source.service for source in read_sources(path))]
    scorecards = list((PROJECT / "reports").glob("*.yml"))
    assert own
    assert {*own, *scorecards, *(PROJECT / "data").iterdir()} <= {*listed}


def test_a_path_outside_of_the_project_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("paths: [../elsewhere, /tmp]\n")
    with pytest.raises(WrongDeclarations, match="outside of the project"):
        sample_paths(tmp_path)
