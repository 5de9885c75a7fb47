"""A warehouse that the real steps built from the bundled data, once for all tests of a session."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import pytest
from filelock import FileLock

from scorecard.shared import redaction
from scorecard.shared.settings import Settings

# A test of random inputs says what is true, not how fast this machine is while other tests run.
hypothesis.settings.register_profile("without deadline", deadline=None)
hypothesis.settings.load_profile("without deadline")

PROJECT = Path(__file__).parent.parent
SETTINGS_FILE = PROJECT / "scorecard.example.toml"
"""What a project of a test's own needs too: the samples' company."""
NIGHTLY = "NIGHTLY" in os.environ
"""Whether there is time for more random histories and kills than in `make test`."""


HAS_SAMPLES = (PROJECT / "data" / "maven_crm").is_dir()
"""Whether the bundled samples are here: a company deletes them from its checkout."""
_MADE_OF_SAMPLES = {"built", "parsed", "copy_of"}
_RUN_ON_SAMPLES = ("tests/integration/", "tests/independent/", "tests/benchmarks/")
_SLOW = tuple(
    f"tests/unit/{name}"
    for name in (
        *("checks/test_from_facts", "checks/test_gx", "checks/test_kpi_rules", "checks/test_raw_rules"),
        *("closes/test_close", "closes/test_dimensions", "closes/test_editions", "closes/test_trace.py"),
        *("closes/test_verify", "delivery/test_mail", "pdf/test_causes", "scaffold/test_new", "test_check"),
        *("extract/test_bucket", "extract/test_cases", "extract/test_company", "extract/test_extract"),
        *("extract/test_in_doubt", "extract/test_known_through", "extract/test_originals", "extract/test_parts"),
        *("extract/test_suspect", "extract/test_text", "extract/test_troubles", "extract/test_undeclared"),
        "extract/test_workbook",
    )
)
"""Unit tests whose module takes more than four seconds and most of it in tests of one second."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test as one of the samples or of the product, and slow ones; skip those of samples that are gone."""
    for item in items:
        is_made_of_samples = not _MADE_OF_SAMPLES.isdisjoint(getattr(item, "fixturenames", ()))
        if is_made_of_samples or item.nodeid.startswith(_SLOW):
            item.add_marker(pytest.mark.slow)
        is_of_samples = (
            item.get_closest_marker("samples") or is_made_of_samples or item.nodeid.startswith(_RUN_ON_SAMPLES)
        )
        item.add_marker(pytest.mark.samples if is_of_samples else pytest.mark.product)
        if is_of_samples and not HAS_SAMPLES:
            item.add_marker(pytest.mark.skip(reason="the bundled samples are gone"))


@pytest.fixture(autouse=True)
def _no_secret_of_another_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one test hides from messages, another one may look for."""
    monkeypatch.setattr(redaction, "_hidden", set())


def readable_by_others(*folders: Path) -> list[Path]:
    """Return the files and folders in these, and they themselves, that another user may read. A link has no mode."""
    paths = [path for folder in folders for path in (folder, *folder.rglob("*")) if not path.is_symlink()]
    return [path for path in paths if path.stat().st_mode & 0o077]


@dataclass(frozen=True)
class Sandbox:
    """A state and an out folder of their own, on the project's own data unless told otherwise."""

    root: Path
    settings: Settings
    env: dict[str, str]

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the command line in this sandbox."""
        done = subprocess.run(
            [sys.executable, "-m", "scorecard.cli", *arguments],
            env=self.env,
            capture_output=True,
            text=True,
            cwd=self.root,
        )
        if check:
            assert done.returncode == 0, done.stderr
        return done


def sandbox_at(root: Path, **changed: Path | str | int) -> Sandbox:
    """Return a sandbox in a folder; settings may be changed by name."""
    given = {"state": root / "var", "out": root / "out", "settle_seconds": 0, **changed}
    env = {name: value for name, value in os.environ.items() if not name.startswith("SCORECARD_")}
    env |= {f"SCORECARD_{name.upper()}": str(value) for name, value in given.items()}
    root.mkdir(parents=True, exist_ok=True)
    return Sandbox(root, Settings(**given), env)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Sandbox:
    """The bundled data extracted, built, closed, rendered and mailed into out/mail. Don't change it: copy it."""
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent
    sandbox = sandbox_at(shared / "built")
    with FileLock(str(shared / "built.lock")):
        done = sandbox.root / "done"
        if not done.exists():
            sandbox.run("run")
            done.touch()
    return sandbox


@pytest.fixture(scope="session")
def parsed(built: Sandbox) -> Callable[[Sandbox], Sandbox]:
    """Return a function that gives a new sandbox dbt's parse of the built one: dbt reads the files that differ."""

    def parse(sandbox: Sandbox) -> Sandbox:
        folder = sandbox.settings.state / "dbt"
        folder.mkdir(parents=True)
        shutil.copy(built.settings.state / "dbt" / "partial_parse.msgpack", folder)
        return sandbox

    return parse


@pytest.fixture
def copy_of(built: Sandbox, tmp_path: Path) -> Callable[[str], Sandbox]:
    """Return a function that copies the built sandbox, so that a test may change it."""

    def copy(name: str) -> Sandbox:
        root = tmp_path / name
        shutil.copytree(built.root, root)
        return sandbox_at(root)

    return copy
