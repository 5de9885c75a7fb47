"""Airflow's own command line on the Airflow of `make airflow`: `python tools/airflow_cli.py connections list`.

It uses the key by which that Airflow encrypts passwords. Without the key, `airflow connections add` would store
passwords in plain text, and Airflow could not read the encrypted ones.
"""

import os
import subprocess
import sys

import local_airflow

from scorecard.shared import private
from scorecard.shared.errors import ScorecardError
from scorecard.shared.settings import load_settings


def main() -> int:
    """Run Airflow's command line; return its exit code."""
    try:
        settings = load_settings()
        private.keep_private(settings)
        home = local_airflow.configure(os.environ, settings.state)
    except ScorecardError as error:
        print(f"Stopped: {error}", file=sys.stderr)
        return 1
    if not (home / "airflow.db").exists():
        subprocess.run([sys.executable, "-m", "airflow", "db", "migrate"], check=True, stdout=subprocess.DEVNULL)
    return subprocess.run([sys.executable, "-m", "airflow", *sys.argv[1:]], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
