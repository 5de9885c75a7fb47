"""The samples are what one list names; they go, and nothing that the product needs goes with them."""

import shutil
import subprocess
from pathlib import Path

import pytest

from scorecard import steps
from scorecard.catalogue import COMPANY, WrongDeclarations
from scorecard.scaffold.samples import FILE, remove_samples, sample_paths
from scorecard.shared.settings import PROJECT, read_settings

NAMES = ("maven", "ravenstack")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for folder in ("company", "data", "dbt_project", "expectations", "reports"):
        shutil.copytree(PROJECT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("target", "logs"))
    for file in ("scorecard.example.toml", FILE):
        shutil.copy(PROJECT / file, tmp_path)
    return tmp_path


@pytest.mark.samples
def test_every_declared_thing_of_the_samples_is_listed() -> None:
    """Every export that is bundled is a sample's, and so is every scorecard."""
    listed = sample_paths(PROJECT)
    staging = PROJECT / "dbt_project" / "models" / "staging"
    own = [staging / path.name for path in (PROJECT / "data").iterdir()]
    written = [path for path in (PROJECT / COMPANY).rglob("*.csv") if path.name != "fx_rates.csv"]
    assert {path for path in written if not {path, path.parent} & {*listed}} == set()
    scorecards = list((PROJECT / "reports").glob("*.yml"))
    assert own
    assert {*own, *scorecards, *(PROJECT / "data").iterdir()} <= {*listed}


@pytest.mark.samples
def test_what_is_left_is_sound_and_names_no_sample(project: Path) -> None:
    assert remove_samples(project)
    assert remove_samples(project) == []
    mistakes, others = steps.check_declarations(read_settings(project=project))
    assert (mistakes, others) == ([], [])
    for folder in ("company", "dbt_project", "expectations", "reports"):
        for path in (project / folder).rglob("*"):
            if path.is_file() and path.suffix in (".yml", ".sql", ".csv"):
                text = path.read_text(encoding="utf-8").lower()
                assert not [name for name in NAMES if name in text], path


@pytest.mark.samples
def test_a_build_without_a_source_says_how_to_add_one(project: Path, tmp_path: Path) -> None:
    remove_samples(project)
    settings = read_settings(project=project, state=tmp_path / "var")
    with pytest.raises(steps.NothingLoaded, match=r"There is no source.*scorecard new source NAME --from FILE"):
        steps.build(settings, lambda _: None)


def test_a_path_outside_of_the_project_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("paths: [../elsewhere, /tmp]\n")
    with pytest.raises(WrongDeclarations, match="outside of the project"):
        sample_paths(tmp_path)


def test_a_new_version_of_a_deleted_sample_merges_by_the_same_command(tmp_path: Path) -> None:
    """As the guide says: git asks what is to become of it, the command deletes it again, and the merge goes on."""

    def git(*arguments: str) -> int:
        who = ("-c", "user.name=Ann", "-c", "user.email=ann@example.com")
        return subprocess.run(["git", *who, *arguments], cwd=tmp_path, capture_output=True).returncode

    (tmp_path / FILE).write_text("paths: [data/sample]\n")
    sample = tmp_path / "data" / "sample" / "deals.csv"
    sample.parent.mkdir(parents=True)
    sample.write_text("id\n1\n")
    assert [git("init", "--initial-branch", "company"), git("add", "--all"), git("commit", "-m", "Begin")] == [0, 0, 0]
    git("branch", "product")
    remove_samples(tmp_path)
    (tmp_path / "own.yml").write_text("metrics: []\n")
    assert [git("add", "--all"), git("commit", "-m", "Remove the samples")] == [0, 0]
    git("checkout", "product")
    sample.write_text("id\n1\n2\n")
    assert git("commit", "--all", "-m", "Add a deal") == 0
    git("checkout", "company")

    assert git("merge", "product") != 0
    remove_samples(tmp_path)
    assert [git("add", "--all"), git("commit", "--no-edit")] == [0, 0]
    assert not sample.exists()
    assert (tmp_path / "own.yml").exists()
