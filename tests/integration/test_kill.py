"""Whenever `scorecard run` is killed, running it again ends where a run that nobody disturbed ends."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import duckdb

from tests.conftest import NIGHTLY, Sandbox, sandbox_at
from tests.integration.test_run import hashes, mails

KILLS = 20 if NIGHTLY else 3


def figures(sandbox: Sandbox) -> list[tuple[object, ...]]:
    with duckdb.connect(str(sandbox.settings.snapshot), read_only=True) as connection:
        return connection.execute("select * from scorecard.kpi_status order by all").fetchall()


def test_kills_and_a_run(built: Sandbox, tmp_path: Path) -> None:
    seed = int(os.environ.get("KILL_SEED", random.randrange(10**6)))
    moments = random.Random(seed)
    sandbox = sandbox_at(tmp_path / "killed")
    for _ in range(KILLS):
        run = subprocess.Popen(
            [sys.executable, "-m", "scorecard.cli", "run"],
            env=sandbox.env,
            cwd=sandbox.root,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        # Most of a run is in its first half minute; a run that ends by itself before its moment is fine too.
        until = time.monotonic() + moments.uniform(0.5, 40)
        while time.monotonic() < until and run.poll() is None:
            time.sleep(0.05)
        if run.poll() is None:
            os.killpg(run.pid, signal.SIGKILL)
        run.wait()
    sandbox.run("run")
    cause = f"KILL_SEED={seed}"
    assert figures(sandbox) == figures(built), cause
    assert hashes(sandbox) == hashes(built), cause
    assert Counter((mail["To"], mail["Subject"]) for mail in mails(sandbox)) == Counter(
        (mail["To"], mail["Subject"]) for mail in mails(built)
    ), cause
    assert sandbox.run("verify", "--json").stdout.startswith('{"ok": true'), cause
