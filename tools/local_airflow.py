"""The Airflow of one machine: its folder, its settings and its database.

It keeps its metadata in SQLite, uses LocalExecutor and loads no example DAGs. In production, create the same pool
(`warehouse_writer`, one slot) and point Airflow at `dags/` and `plugins/`.
"""

import base64
import fcntl
import json
import os
from collections.abc import MutableMapping
from pathlib import Path
from typing import IO

from scorecard.shared import private

PROJECT = Path(__file__).resolve().parent.parent
POOL = "warehouse_writer"


def configure(environ: MutableMapping[str, str], state: Path, name: str = "airflow") -> Path:
    """Point Airflow at this project's DAGs and at a folder of that name in `state`; return that folder."""
    home = state / name
    home.mkdir(parents=True, exist_ok=True)
    ours = {
        "AIRFLOW_HOME": home,
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": False,
        "AIRFLOW__CORE__DAGS_FOLDER": PROJECT / "dags",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__LOAD_EXAMPLES": False,
        "AIRFLOW__CORE__PARALLELISM": 2,
        "AIRFLOW__CORE__PLUGINS_FOLDER": PROJECT / "plugins",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": home / "logs",
        "AIRFLOW__LOGGING__FILE_TASK_HANDLER_NEW_FOLDER_PERMISSIONS": "0o700",
        "AIRFLOW__LOGGING__FILE_TASK_HANDLER_NEW_FILE_PERMISSIONS": "0o600",
    }
    environ.update({name: str(value) for name, value in ours.items()} | _secrets(home / "secrets.json"))
    return home


def _secrets(file: Path) -> dict[str, str]:
    """Return this Airflow's own keys. They are made once: parts that start together need the same keys."""
    if not file.exists():
        names = ("AIRFLOW__CORE__FERNET_KEY", "AIRFLOW__API__SECRET_KEY", "AIRFLOW__API_AUTH__JWT_SECRET")
        file.touch(mode=0o600)
        file.write_text(json.dumps({name: base64.urlsafe_b64encode(os.urandom(32)).decode() for name in names}))
    keys: dict[str, str] = json.loads(file.read_text())
    return keys


def take(home: Path) -> IO[str] | None:
    """Lock this Airflow for one process until it ends; return None if another process holds the lock."""
    lock = (home / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return None
    return lock


def prepare() -> None:
    """Create or migrate the metadata database, and the pool of the one writer."""
    from airflow.models.pool import Pool
    from airflow.utils import db

    db.initdb()
    Pool.create_or_update_pool(name=POOL, slots=1, description="one writer at a time", include_deferred=False)


if __name__ == "__main__":
    private.mask()
    prepare()
