"""Write docs/faults.md from tests/faults.yml: each fault, what happens, and the tests that make it happen.

python tools/fault_table.py
"""

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests"
PAGE = ROOT / "docs" / "faults.md"

HEAD = """# Faults, and what happens

`tools/fault_table.py` makes this page from [tests/faults.yml](../tests/faults.yml). The tests beside each line make the
fault happen: at stand-ins of the services (`sandbox/standins`), on a real PostgreSQL, on exports, or in the unit tests
of the models.
"""


def page() -> str:
    """Return the page.

    Raises
    ------
    LookupError: tests/faults.yml names a test that does not exist.
    """
    text = HEAD
    for section, faults in yaml.safe_load((TESTS / "faults.yml").read_text("utf-8")).items():
        text += f"\n## {section}\n\n| Fault | What happens | Tests |\n| --- | --- | --- |\n"
        text += "".join(_line(fault) for fault in faults)
    return text


def _line(fault: dict[str, Any]) -> str:
    tests = ", ".join(dict.fromkeys(link for name in fault["tests"] for link in _links(name)))
    return f"| {fault['fault']} | {fault['outcome']} | {tests} |\n"


def _links(name: str) -> list[str]:
    """Return a link to each file that has a test of this name."""
    where, _, test = name.partition("::")
    paths, defined = sorted(TESTS.glob(where)), rf"(?m)^def {test}\("
    if where == "dbt":
        paths, defined = sorted((ROOT / "dbt_project" / "models").rglob("*.yml")), rf"(?m)^  - name: {test}$"
    links = [
        f"[{path.stem}](../{path.relative_to(ROOT).as_posix()})"
        for path in paths
        if re.search(defined, path.read_text("utf-8"))
    ]
    if not links:
        raise LookupError(f"tests/faults.yml names {name}, which does not exist. Correct the name, or remove it.")
    return links


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
