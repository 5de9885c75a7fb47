"""The samples are what one list names; they go, and nothing that the product needs goes with them."""

import shutil
import subprocess
from pathlib import Path

import pytest

from scorecard import steps
from scorecard.catalogue import COMPANY, WrongDeclarations
from scorecard.scaffold.samples import FILE, Removal, listed_samples, remove_samples
from scorecard.shared.files import sha256_of
from scorecard.shared.settings import PROJECT, read_settings
from tests.conftest import sandbox_at

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
    staging = PROJECT / "dbt_project" / "models" / "staging"
    sources = [path.name for path in (PROJECT / "data").iterdir()]
    exports = [path for path in (PROJECT / "data").rglob("*") if path.is_file()]
    models = [path for source in sources for path in (staging / source).iterdir()]
    written = [path for path in (PROJECT / COMPANY).rglob("*.csv") if path.name != "fx_rates.csv"]
    scorecards = list((PROJECT / "reports").glob("*.yml"))
    assert models
    assert {*exports, *models, *written, *scorecards} <= {*listed_samples(PROJECT)}


@pytest.mark.samples
def test_the_listed_hashes_are_those_of_the_files() -> None:
    """Who changes a sample writes its new SHA-256 into the list: without it, the file would not be deleted."""
    right = {path: sha256_of(path) for path in listed_samples(PROJECT)}
    assert listed_samples(PROJECT) == right


@pytest.mark.samples
def test_a_file_of_the_company_at_a_samples_path_stays(project: Path, tmp_path: Path) -> None:
    own = project / COMPANY / "targets.csv"
    own.write_text("metric,period,dimension,member,target,unit,parent_kgi\n", encoding="utf-8")
    beside = project / "data" / "maven_crm" / "own.csv"
    beside.write_text("id\n1\n", encoding="utf-8")

    removal = remove_samples(project)
    assert removal.kept == [own]
    assert own not in removal.deleted
    assert {*removal.deleted, own} == {*listed_samples(project)}
    assert [path for path in listed_samples(project) if path.exists()] == [own]
    assert beside.exists()
    assert not (project / "data" / "ravenstack").exists()
    # In a process of its own: this one may have read the settings of the checkout already.
    done = sandbox_at(tmp_path / "state", project=project).run("samples", "remove")
    assert "Kept: company/targets.csv." in done.stdout
    assert own.exists()


@pytest.mark.samples
def test_what_is_left_is_sound_and_names_no_sample(project: Path) -> None:
    assert remove_samples(project).deleted
    assert remove_samples(project) == Removal()
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
    (tmp_path / FILE).write_text("files: {../elsewhere: x, /tmp: x}\n")
    with pytest.raises(WrongDeclarations, match="outside of the project"):
        listed_samples(tmp_path)


def test_a_new_version_of_a_deleted_sample_merges_by_the_same_command(tmp_path: Path) -> None:
    """As the guide says: git asks what is to become of it, the command deletes it again, and the merge goes on."""

    def git(*arguments: str) -> int:
        who = ("-c", "user.name=Ann", "-c", "user.email=ann@example.com")
        return subprocess.run(["git", *who, *arguments], cwd=tmp_path, capture_output=True).returncode

    sample = tmp_path / "data" / "sample" / "deals.csv"
    sample.parent.mkdir(parents=True)

    def release(content: str) -> None:
        sample.write_text(content)
        (tmp_path / FILE).write_text(f"files: {{data/sample/deals.csv: {sha256_of(sample)}}}\n")

    release("id\n1\n")
    assert [git("init", "--initial-branch", "company"), git("add", "--all"), git("commit", "-m", "Begin")] == [0, 0, 0]
    git("branch", "product")
    remove_samples(tmp_path)
    (tmp_path / "own.yml").write_text("metrics: []\n")
    assert [git("add", "--all"), git("commit", "-m", "Remove the samples")] == [0, 0]
    git("checkout", "product")
    release("id\n1\n2\n")
    assert git("commit", "--all", "-m", "Add a deal") == 0
    git("checkout", "company")

    assert git("merge", "product") != 0
    remove_samples(tmp_path)
    assert [git("add", "--all"), git("commit", "--no-edit")] == [0, 0]
    assert not sample.exists()
    assert (tmp_path / "own.yml").exists()
