"""Every unit test of the dbt project holds: dbt runs them all, on a copy of the built warehouse."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from tests.conftest import PROJECT, Sandbox


def test_all_unit_tests_of_the_dbt_project(built: Sandbox, tmp_path: Path) -> None:
    warehouse = tmp_path / built.settings.warehouse.name
    shutil.copy(built.settings.warehouse, warehouse)
    folder = str(PROJECT / "dbt_project")
    made = ("--target-path", str(tmp_path / "target"), "--log-path", str(tmp_path / "logs"))
    done = subprocess.run(
        [
            *(str(Path(sys.prefix) / "bin" / "dbt"), "test", "--select", "test_type:unit"),
            *("--project-dir", folder, "--profiles-dir", folder, *made),
        ],
        env={**built.env, "SCORECARD_WAREHOUSE": str(warehouse)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-6000:]
    ran = json.loads((tmp_path / "target" / "run_results.json").read_text())["results"]
    declared = json.loads((tmp_path / "target" / "manifest.json").read_text())["unit_tests"]
    assert {result["unique_id"] for result in ran} == set(declared)
    assert {result["status"] for result in ran} == {"pass"}
