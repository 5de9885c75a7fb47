"""`make airflow`: Airflow's pages, scheduler and DAG processor, until Ctrl-C; no process is left behind.

Each part runs in a process group of its own, so that what it starts ends with it.
"""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import IO, NoReturn

import local_airflow

from scorecard.shared import private
from scorecard.shared.errors import ScorecardError
from scorecard.shared.settings import load_settings

# The scheduler would open a port on every interface, for logs that the pages read from the disk.
PARTS = {"dag-processor": (), "api-server": (), "scheduler": ("--skip-serve-logs",)}
USER = "admin"
PATIENCE = 120  # seconds for the pages to appear; on two busy cores they take up to a minute


def main() -> int:
    """Run Airflow until it is interrupted; return the exit code."""
    environ, settings = dict(os.environ), load_settings()
    private.keep_private(settings)
    home = local_airflow.configure(environ, settings.state)
    port = int(environ.get("PORT", "8080"))
    parts: dict[str, subprocess.Popen[bytes]] = {}
    for name in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, _interrupt)
    try:
        lock = local_airflow.take(home)
        if lock is None:
            raise ScorecardError(
                "Airflow is already running on this state.", "End it, or wait for its end, and try again."
            )
        _check_port(port)
        password = _let_in(environ, home, port)
        print(f"Starting Airflow. Its output goes to {os.path.relpath(home)}/*.log", flush=True)
        with (home / "database.log").open("wb") as log:
            command = [sys.executable, local_airflow.__file__]
            subprocess.run(command, env=environ, check=True, stdout=log, stderr=log)
        _start_parts(environ, home, port, parts)
        print(f"Open http://127.0.0.1:{port} as {USER}, password {password}. Ctrl-C ends it.", flush=True)
        _wait_for_an_end(parts, home)
    except KeyboardInterrupt:
        print("\nEnding Airflow", flush=True)
        return 0
    except ScorecardError as error:
        print(f"Stopped: {error}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError:
        print(
            f"Stopped: Airflow's database could not be prepared. Read {home}/database.log for the reason.",
            file=sys.stderr,
        )
        return 1
    finally:
        _end(list(parts.values()))


def _start_parts(environ: dict[str, str], home: Path, port: int, parts: dict[str, subprocess.Popen[bytes]]) -> None:
    """Start all parts and add each to `parts`, so that the caller can end those that run.

    The scheduler starts last: a task that starts before the API server answers fails its first try.
    """
    for part in PARTS:
        with (home / f"{part}.log").open("wb") as log:
            parts[part] = _start(part, environ, log)
        if part == "api-server":
            _wait_for_pages(port, parts, home)


def _wait_for_an_end(parts: dict[str, subprocess.Popen[bytes]], home: Path) -> NoReturn:
    """Wait until a part ends by itself.

    Raises
    ------
    ScorecardError: a part ended.
    """
    while all(part.poll() is None for part in parts.values()):
        time.sleep(1)
    ended = next(name for name, part in parts.items() if part.poll() is not None)
    raise ScorecardError(f"The {ended} of Airflow ended.", f"Read {home / ended}.log for its reason.")


def _interrupt(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise ScorecardError(f"Port {port} is taken.", "Choose another: PORT=8081 make airflow.") from error


def _let_in(environ: dict[str, str], home: Path, port: int) -> str:
    """Keep the pages to this machine and one user; return that user's password, the same at every start."""
    file = home / "passwords.json"
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(json.dumps({USER: secrets.token_urlsafe(9)}))
    environ |= {
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(file),
    }
    return str(json.loads(file.read_text())[USER])


def _start(part: str, environ: dict[str, str], log: IO[bytes]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "airflow", part, *PARTS[part]]
    return subprocess.Popen(command, env=environ, stdout=log, stderr=log, start_new_session=True)


def _wait_for_pages(port: int, parts: dict[str, subprocess.Popen[bytes]], home: Path) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        for name, part in parts.items():
            if part.poll() is not None:
                raise ScorecardError(f"The {name} of Airflow did not start.", f"Read {home / name}.log for its reason.")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v2/monitor/health", timeout=2):
                return
        except OSError:
            time.sleep(0.5)
    raise ScorecardError("Airflow's pages did not appear.", f"Read {home}/api-server.log for the reason.")


def _end(parts: list[subprocess.Popen[bytes]]) -> None:
    """Ask each process group to end, and end it after ten seconds."""
    for number, seconds in ((signal.SIGTERM, 10), (signal.SIGKILL, 5)):
        for part in parts:
            _signal_group(part, number)
        until = time.monotonic() + seconds
        while any(_group_lives(part) for part in parts) and time.monotonic() < until:
            for part in parts:
                part.poll()
            time.sleep(0.1)


def _signal_group(part: subprocess.Popen[bytes], number: int) -> bool:
    try:
        os.killpg(part.pid, number)
    except ProcessLookupError:
        return False
    return True


def _group_lives(part: subprocess.Popen[bytes]) -> bool:
    return _signal_group(part, 0)


if __name__ == "__main__":
    sys.exit(main())
