"""Measure what the targets of make take, and write it to docs/durations.md with the date and the commit.

`python tools/durations.py` runs all but the nightly tests; `python tools/durations.py lint nightly` these alone. What
is not run keeps its rows. A target begins with an empty state. A target that fails gets no new row.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

PROJECT = Path(__file__).parent.parent
PAGE = PROJECT / "docs" / "durations.md"
TARGETS = {
    "scorecard": "publishes the samples, from their exports to mailed PDFs",
    "sandbox": "runs the DAGs twice over the services of a simulated company",
    "lint": "runs every linter",
    "check": "runs every linter, and the unit tests that are not marked slow",
    "test": "runs the whole test suite",
    "nightly": "runs the whole test suite with more random histories and more killed processes",
}
_USUAL = ("scorecard", "sandbox", "lint", "check", "test")
_HEAD = """# How long the targets of make take

<!-- Written by `python tools/durations.py`. Don't edit. -->

A row `make …` has the wall time of one run of that target. `scorecard` and `sandbox` begin with an empty state folder.
The tests of `make check`, `make test` and `make nightly` have state folders of their own.

A row `test: …` has the time of the tests in one folder. Two processes run the tests at the same time, and these rows
add up the time of both. So together they are more than the wall time of `make test`.

- commit: the revision that ran. `-dirty` means that files had changes without a commit.
- machine: the number of its processors, and its load average over one minute when the target began.

The command measures the targets scorecard, sandbox, lint, check and test. It measures nightly only if that is named:
`python tools/durations.py nightly`. A target that fails keeps its older row. It has no row if it never succeeded.

| what | what it does | minutes | day | commit | machine |
|---|---|---:|---|---|---|
"""

PageRow = tuple[str, ...]


def main(targets: list[str]) -> int:
    """Run targets and write the page; return the exit code."""
    if unknown := [target for target in targets if target not in TARGETS]:
        print(f"Unknown targets: {', '.join(unknown)}. Choose from: {', '.join(TARGETS)}.", file=sys.stderr)
        return 2
    failed = []
    for target in targets or _USUAL:
        rows = _measured(target)
        if rows is None:
            failed.append(target)
        else:
            PAGE.write_text(page(merged(_read(), target, rows)), encoding="utf-8")
    if failed:
        print(f"These targets failed, and their rows are not written: {', '.join(failed)}.", file=sys.stderr)
    return 1 if failed else 0


def _measured(target: str) -> list[PageRow] | None:
    """Run a target; return its row and those of its folders of tests, or None if it failed."""
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "tests.xml"
        env = {**os.environ, "SCORECARD_STATE": f"{folder}/var", "SCORECARD_OUT": f"{folder}/out"}
        if target in ("check", "test", "nightly"):
            # Tests have states of their own.
            env = {**os.environ, "PYTEST_ADDOPTS": f"--junitxml={report}"}
        started = time.monotonic()
        if subprocess.run(["make", target], cwd=PROJECT, env=env).returncode:
            return None
        seconds = time.monotonic() - started
        folders = by_folder(report.read_text("utf-8")) if report.exists() else {}
    about = (f"{datetime.now(UTC):%Y-%m-%d}", _commit(), f"{os.cpu_count()} processors, load {load:.1f}")
    rows: list[PageRow] = [(f"make {target}", TARGETS[target], minutes(seconds), *about)]
    return rows + [(f"{target}: {name}", "", minutes(spent), *about) for name, spent in folders.items()]


def by_folder(report: str) -> dict[str, float]:
    """Return the seconds of the tests of each folder below tests/, by a report of pytest's in JUnit's XML."""
    spent: dict[str, float] = {}
    for case in ElementTree.fromstring(report).iter("testcase"):  # noqa: S314  pytest wrote it, a moment ago
        parts = case.get("classname", "").split(".")
        folder = "/".join(parts[:2]) if parts[0] == "tests" else parts[0]
        spent[folder] = spent.get(folder, 0.0) + float(case.get("time", 0))
    return dict(sorted(spent.items()))


def minutes(seconds: float) -> str:
    """Return a duration in minutes as the table has it.

    >>> minutes(90), minutes(2)
    ('1.5', '0.0')
    """
    return f"{seconds / 60:.1f}"


def _commit() -> str:
    done = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=PROJECT, capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def merged(rows: Iterable[PageRow], target: str, measured: Iterable[PageRow]) -> list[PageRow]:
    """Return rows with those of a target put in the place of its older ones, in the order of the targets."""
    kept = [row for row in rows if _target(row) != target]
    order = list(TARGETS)
    return sorted([*kept, *measured], key=lambda row: order.index(_target(row)) if _target(row) in order else -1)


def _target(row: PageRow) -> str:
    return row[0].removeprefix("make ").partition(":")[0]


def _read() -> list[PageRow]:
    """Return the rows that the page has."""
    text = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    rows = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in re.findall(r"(?m)^\|.+\|$", text)]
    return rows[2:]


def page(rows: Iterable[PageRow]) -> str:
    """Return the page of these rows."""
    return _HEAD + "".join(f"| {' | '.join(row)} |\n" for row in rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
