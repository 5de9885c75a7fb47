"""A column that no metric uses changes every day, as "last viewed" does: nobody gets another edition."""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

from tests.conftest import PROJECT, Sandbox, sandbox_at
from tests.integration.test_first_release import unpacked

PIPELINE = Path("maven_crm") / "sales_pipeline.csv"
COLUMN = """          - name: last_viewed
            data_type: date
            description: Day on which somebody looked at the deal.
"""


def view(sandbox: Sandbox, day: str) -> None:
    """Write into every deal of the export the day on which it was last looked at."""
    path = sandbox.root / "data" / PIPELINE
    with path.open(newline="") as file:
        rows = [{**row, "last_viewed": day} for row in csv.DictReader(file)]
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def publish(sandbox: Sandbox) -> dict[str, Any]:
    sandbox.run("extract", "maven_crm")
    sandbox.run("build")
    done = sandbox.run("publish", "--scorecard", "sales", "--period", "2017-12", "--json")
    (entry,) = json.loads(done.stdout)
    return dict(entry)


def declared(root: Path) -> Path:
    """Return a copy of the project whose contract declares the column."""
    for name in ("dbt_project", "expectations", "reports", "scorecard"):
        shutil.copytree(PROJECT / name, root / name, ignore=shutil.ignore_patterns("target", "logs", "__pycache__"))
    path = root / "dbt_project" / "models" / "staging" / "maven_crm" / "_sources.yml"
    text = path.read_text(encoding="utf-8")
    before, opportunity, after = text.partition("          - name: opportunity_id\n")
    assert opportunity
    path.write_text(before + COLUMN + opportunity + after, encoding="utf-8")
    return root


def test_a_column_that_no_metric_uses_makes_no_edition(tmp_path: Path) -> None:
    sandbox = unpacked(tmp_path / "undeclared")
    for day, column in (("2024-11-04", "undeclared"), ("2024-11-06", "declared")):
        if column == "declared":
            project = declared(tmp_path / "project")
            sandbox = sandbox_at(sandbox.root, data=sandbox.root / "data", project=project)
        view(sandbox, day)
        monday = publish(sandbox)
        view(sandbox, f"{day[:-1]}{int(day[-1]) + 1}")
        tuesday = publish(sandbox)
        assert (tuesday["close_id"], tuesday["created"]) == (monday["close_id"], False), column
        assert not any(each["now"] for each in tuesday["mailed"]), column
        kept = json.loads((provenance(sandbox, tuesday["close_id"]) / "manifest.json").read_text())
        assert not any(each["seen"] for each in kept["differences"])
        assert sandbox.run("verify").returncode == 0


def provenance(sandbox: Sandbox, close_id: str) -> Path:
    folder = sandbox.settings.state / "provenance" / close_id
    return max((path for path in folder.iterdir() if path.is_dir()), key=lambda path: int(path.name))
