"""`make scorecard`, set-up aside: the DAGs in one process, over a copy of the session's warehouse."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.conftest import readable_by_others

TOOL = Path(__file__).resolve().parents[2] / "tools" / "main_job.py"
NAMES = {
    f"{close}-e1-{language}.pdf"
    for close in ("sales-2017-Q4", "customers-2024-Q4", "sales-2017-10", "sales-2017-11", "sales-2017-12")
    for language in ("en", "ja")
}


def main_job(sandbox: Any) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in sandbox.env.items() if not name.startswith("AIRFLOW")}
    return subprocess.run([sys.executable, str(TOOL)], env=env, cwd=sandbox.root, capture_output=True, text=True)


def test_it_mails_once_and_names_the_pdfs(copy_of: Callable[[str], Any]) -> None:
    sandbox = copy_of("job")
    letters = sandbox.settings.out / "mail" / "new"
    before = len(list(letters.iterdir()))
    assert before == 6  # the last month and quarter of one scorecard, the last quarter of the other, two readers each

    first = main_job(sandbox)
    assert first.returncode == 0, first.stderr
    lines = first.stdout.splitlines()
    assert {Path(line).name for line in lines[-10:]} == NAMES
    assert all((sandbox.root / line).read_bytes().startswith(b"%PDF-") for line in lines[-10:])
    assert re.search(r"Mailed 4; nobody was mailed twice: 6 already sent\.$", lines[-11])
    assert len(list(letters.iterdir())) == 10
    state, out = sandbox.settings.state, sandbox.settings.out
    assert not readable_by_others(state, out)
    assert not (state / "airflow").exists(), "the Airflow of `make airflow` is another one"

    second = main_job(sandbox)
    assert second.returncode == 0, second.stderr
    assert second.stdout.splitlines()[-10:] == lines[-10:]
    assert "Mailed 0; nobody was mailed twice: 10 already sent." in second.stdout
    assert len(list(letters.iterdir())) == 10


def test_a_source_that_cannot_be_read_stops_it_with_a_sentence(copy_of: Callable[[str], Any], tmp_path: Path) -> None:
    sandbox = copy_of("broken")
    (tmp_path / "data").symlink_to(os.devnull)
    sandbox.env["SCORECARD_DATA"] = str(tmp_path / "data")
    done = main_job(sandbox)
    assert done.returncode == 1
    assert "Stopped: extract_maven_crm failed: " in done.stderr
    # Its unit is held, each period by itself.
    assert done.stderr.count("publish_month sales") == 3
    assert "main-job.log" in done.stderr
    assert "Traceback" not in done.stderr
