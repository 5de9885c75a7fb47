"""Copies of the project in which the documents' commands run as a reader would type them."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import PROJECT, Sandbox
from tests.docs.markdown import Block, blocks

EXAMPLES = [PROJECT / "docs" / page for page in ("data-engineer.md", "metrics-guide.md", "sources.md", "production.md")]
"""The pages whose examples belong together: files that a reader writes, and commands that are run with them."""

_LEFT_OUT = shutil.ignore_patterns(
    *(".git", ".venv", "var", "out", "target", "logs", "__pycache__", "*.egg-info", ".*_cache")
)


@dataclass(frozen=True)
class Copy:
    """A copy of the project with a built warehouse, closes and PDFs, as `make scorecard` leaves them."""

    root: Path
    env: dict[str, str]

    def type(self, script: str) -> subprocess.CompletedProcess[str]:
        """Run lines of shell in the project's root; the first that fails ends it."""
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script], cwd=self.root, env=self.env, capture_output=True, text=True
        )

    def put(self, block: Block) -> None:
        """Write a block's file, which is not there yet."""
        assert block.value
        path = self.root / block.value
        assert not path.exists(), f"{block.value} is there already: the example must be new"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, encoding="utf-8")


def example_blocks() -> list[Block]:
    """Return the blocks of the pages of examples, in order."""
    return [block for page in EXAMPLES for block in blocks(page)]


def lacking(page_blocks: list[Block], block: Block, printed: str) -> list[str]:
    """Return the lines that a page shows below a command as its output, and that the command did not print.

    Blanks count as one; `…` stands for anything.
    """
    following = page_blocks[page_blocks.index(block) + 1 :]
    if not following or following[0].language != "text":
        return []
    text = " ".join(printed.split())
    lines = [" ".join(line.split()) for line in following[0].text.splitlines()]
    return [line for line in lines if not re.search(".*".join(map(re.escape, line.split("…"))), text)]


def copy_project(root: Path) -> None:
    """Copy the project without what it makes."""
    shutil.copytree(PROJECT, root, ignore=_LEFT_OUT)
    (root / ".venv").symlink_to(sys.prefix)


def print_metric(root: Path, metric: str) -> None:
    """Print a metric on the first scorecard of the samples, as the guide says."""
    path = root / "reports" / "sales.yml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("metrics:\n", f"metrics:\n  - {metric}\n", 1), encoding="utf-8")


@pytest.fixture
def project(built: Sandbox, tmp_path: Path) -> Callable[[], Copy]:
    """Return a function that makes a copy of the project."""

    def copy() -> Copy:
        root = tmp_path / "project"
        copy_project(root)
        shutil.copytree(built.settings.state, root / "var")
        shutil.copytree(built.settings.out, root / "out")
        env = {name: value for name, value in os.environ.items() if not name.startswith("SCORECARD_")}
        env |= {"SCORECARD_PROJECT": str(root), "PATH": f"{sys.prefix}/bin{os.pathsep}{env['PATH']}"}
        return Copy(root, env)

    return copy
