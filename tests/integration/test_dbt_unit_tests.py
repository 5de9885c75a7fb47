"""Every unit test of the dbt project holds: dbt runs them all, on a copy of the built warehouse."""

import json
import shutil
from pathlib import Path

from tests.conftest import Sandbox, sandbox_at


def test_all_unit_tests_of_the_dbt_project(built: Sandbox, tmp_path: Path) -> None:
    sandbox = sandbox_at(tmp_path / "units")
    (sandbox.settings.state / "dbt").mkdir(parents=True)
    shutil.copy(built.settings.warehouse, sandbox.settings.warehouse)
    shutil.copy(built.settings.state / "dbt" / "partial_parse.msgpack", sandbox.settings.state / "dbt")
    done = sandbox.run("dbt", "test", "--select", "test_type:unit", check=False)
    assert done.returncode == 0, done.stdout[-6000:]
    target = sandbox.settings.state / "dbt"
    ran = json.loads((target / "run_results.json").read_text())["results"]
    declared = json.loads((target / "manifest.json").read_text())["unit_tests"]
    assert {result["unique_id"] for result in ran} == set(declared)
    assert {result["status"] for result in ran} == {"pass"}
