"""A column that no metric uses changes every day, as "last viewed" does: nobody gets another edition."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from tests.conftest import NIGHTLY, PROJECT, Sandbox, sandbox_at
from tests.integration.added_deals import add_deals, copy_of_the_project, declare, replace

CASES = PROJECT / "tests" / "cases"
UNIT = 'O\'Brien & "Söhne" / 東京'
"""A name with what SQL, YAML, HTML, paths and headers of mail read as their own."""
SOURCE = ("viewed_deals", UNIT, "USD")


def publish(sandbox: Sandbox, day: str) -> dict[str, Any]:
    """Publish the scorecard of the deals as they are exported on a day."""
    shutil.copy(CASES / f"deals_viewed_{day}.csv", sandbox.root / "data" / "viewed_deals" / "deals.csv")
    sandbox.run("extract", "viewed_deals")
    sandbox.run("build")
    done = sandbox.run("publish", "--scorecard", "sales", "--period", "2024-08", "--json")
    (entry,) = json.loads(done.stdout)
    return dict(entry)


def test_a_column_that_no_metric_uses_makes_no_edition(tmp_path: Path, parsed: Callable[[Sandbox], Sandbox]) -> None:
    project = tmp_path / "project"
    copy_of_the_project(project)
    add_deals(project, *SOURCE)
    replace(project / "reports" / "sales.yml", "business_unit: Maven Hardware", f"business_unit: {json.dumps(UNIT)}")
    # The samples stay beside them: the targets are of their days.
    shutil.copytree(PROJECT / "data", tmp_path / "data")
    (tmp_path / "data" / "viewed_deals").mkdir()
    sandbox = parsed(sandbox_at(tmp_path, data=tmp_path / "data", project=project))
    sandbox.run("extract", "maven_crm")
    for column in ("undeclared", "declared") if NIGHTLY else ("undeclared",):
        if column == "declared":
            declare(project, *SOURCE, last_viewed="date")
        monday = publish(sandbox, "monday")
        assert monday["close_id"], column
        tuesday = publish(sandbox, "tuesday")
        assert (tuesday["close_id"], tuesday["created"]) == (monday["close_id"], False), column
        assert not any(letter["now"] for letter in tuesday["mailed"]), column
        kept = json.loads((provenance(sandbox, tuesday["close_id"]) / "manifest.json").read_text())
        assert not any(difference["seen"] for difference in kept["differences"])
        assert sandbox.run("verify").returncode == 0
        prove_the_unit(sandbox, monday)


def prove_the_unit(sandbox: Sandbox, entry: dict[str, Any]) -> None:
    """See the unit's name on the page, in a figure's proof and in the values, and that its readers got letters."""
    (pdf,) = (path for path in entry["pdfs"] if path.endswith("-en.pdf"))
    printed = subprocess.run(["pdftotext", "-layout", pdf, "-"], capture_output=True, text=True, check=True).stdout
    assert UNIT in printed
    close_id = entry["close_id"]
    with duckdb.connect() as db:
        frozen = f"{sandbox.settings.archive}/*/values.parquet"
        rows = db.execute("select figure_id from read_parquet(?) where member = ? and value > 0", [frozen, UNIT])
        ((figure,), *_) = rows.fetchall()
    proof = json.loads(sandbox.run("trace", f"{close_id}.{figure}", "--json").stdout)
    assert (proof["member"], proof["equal"]) == (UNIT, True)
    values = json.loads(sandbox.run("values", "--period", "2024-08", "--by", "business_unit", "--json").stdout)
    assert UNIT in {row["member"] for row in values}
    assert len(list((sandbox.settings.out / "mail" / "new").iterdir())) == len(entry["mailed"]) == 2


def provenance(sandbox: Sandbox, close_id: str) -> Path:
    folder = sandbox.settings.state / "provenance" / close_id
    return max((path for path in folder.iterdir() if path.is_dir()), key=lambda path: int(path.name))
