"""A new user's way, by the guide alone: two exports come in, a fact, a metric, a PDF; no file is edited."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest
from pypdf import PdfReader

from scorecard.scaffold.samples import listed_samples
from tests.conftest import NIGHTLY, PROJECT
from tests.docs.conftest import Copy, copy_project, example_blocks

pytestmark = pytest.mark.samples
FILES = ("kpi_lost_deals", "reports/orbit.yml")
SOME = (
    "tests/unit/test_catalogue.py",
    "tests/unit/test_check.py",
    "tests/unit/test_concepts.py",
    "tests/unit/scaffold",
)
LIMIT = 15 * 60


def cloned(root: Path) -> Copy:
    """A fresh clone of the project, with nothing built in it."""
    copy_project(root)
    git = "git -c user.name=Ann -c user.email=ann@example.com"
    env = {name: value for name, value in os.environ.items() if not name.startswith("SCORECARD_")}
    env |= {"SCORECARD_PROJECT": str(root), "SCORECARD_SETTLE_SECONDS": "0", "PYTHONPATH": str(root)}
    env["PATH"] = f"{sys.prefix}/bin{os.pathsep}{env['PATH']}"
    copy = Copy(root, env)
    done = copy.type(f"git init --quiet && git add --all && {git} commit --quiet --message base")
    assert done.returncode == 0, done.stderr
    return copy


def status(copy: Copy) -> dict[str, set[str]]:
    """The paths that git sees changed, by what it says of them."""
    done = copy.type("git status --porcelain --untracked-files=all")
    paths: dict[str, set[str]] = {}
    for line in done.stdout.splitlines():
        paths.setdefault(line[:2].strip(), set()).add(line[3:])
    return paths


def test_a_new_company_adds_files_and_edits_none(tmp_path: Path) -> None:
    copy = cloned(tmp_path / "project")
    started = time.monotonic()
    for block in example_blocks():
        if block.key == "file" and any(name in str(block.value) for name in FILES):
            copy.put(block)
    for block in example_blocks():
        if block.key == "run" and block.value == "as a new company":
            done = copy.type(block.text)
            assert done.returncode == 0, f"line {block.line}: {done.stdout}{done.stderr}"
    assert time.monotonic() - started < LIMIT

    changed = status(copy)
    assert set(changed) == {"??", "D"}
    deleted = {path.relative_to(PROJECT).as_posix() for path in listed_samples(PROJECT)}
    assert changed["D"] == deleted
    assert "scorecard.toml" in changed["??"]

    deals = pl.read_csv(PROJECT / "tests" / "cases" / "deals.csv", try_parse_dates=True).filter(
        pl.col("closed").is_between(pl.date(2024, 4, 1), pl.date(2024, 6, 30))
    )
    for metric, expected in (
        ("booked_revenue", deals.filter(pl.col("status") == "won")["value"].sum()),
        ("lost_deals", len(deals.filter(pl.col("status") == "lost"))),
    ):
        done = copy.type(f"scorecard values --metric {metric} --period 2024-Q2 --by business_unit --json")
        (row,) = json.loads(done.stdout)
        assert float(row["value"]) == float(expected) > 0
    done = copy.type("scorecard values --metric calls --by outcome --period 2024-Q1 --json")
    calls = pl.read_csv(PROJECT / "tests" / "cases" / "calls_without_key.csv")
    assert {row["member"]: int(row["value"]) for row in json.loads(done.stdout)} == dict(
        calls.group_by("outcome").len().iter_rows()
    )
    (pdf,) = (copy.root / "out").glob("orbit-*-en.pdf")
    text = "".join(page.extract_text() for page in PdfReader(pdf).pages)
    assert "Lost deals" in text

    for command in ("scorecard check", "scorecard translations --check", "scorecard generate --check"):
        done = copy.type(command)
        assert done.returncode == 0, done.stdout + done.stderr
    tests = ["tests/unit"] if NIGHTLY else SOME
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-m", "product", "-p", "no:cacheprovider", *tests],
        cwd=copy.root,
        env=copy.env,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-4000:]
