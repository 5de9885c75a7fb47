"""The guide's metric on a page breaks no test: they take metrics from the catalogue, and none is a list of them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import NIGHTLY
from tests.docs.conftest import copy_project, example_blocks, print_metric

pytestmark = pytest.mark.samples
# Those that need what the samples are built into take minutes: `make nightly` runs them all.
SOME = (
    *("tests/unit/test_catalogue.py", "tests/unit/test_check.py", "tests/unit/test_schemas.py"),
    *("tests/unit/pdf/test_words.py", "tests/unit/checks/test_words.py"),
)


def test_a_checkout_with_one_more_metric_passes_its_tests(tmp_path: Path) -> None:
    root = tmp_path / "project"
    copy_project(root)
    for block in example_blocks():
        if block.value and "kpi_" in block.value:
            (root / block.value).write_text(block.text, encoding="utf-8")
    print_metric(root, "lost_deals")
    tests = ["tests/unit"] if NIGHTLY else SOME
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--basetemp", str(tmp_path / "base"), *tests],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-4000:]
