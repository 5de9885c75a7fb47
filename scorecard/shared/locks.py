"""One process at a time, by a lock on a file. The system releases it when the process ends, even by kill -9."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scorecard.shared.errors import Temporary

WAIT_SECONDS = 300.0


@contextmanager
def alone(path: Path, busy: Temporary, wait_seconds: float = WAIT_SECONDS) -> Iterator[None]:
    """Hold the lock on a file, and create the file if it is missing.

    Raises
    ------
    Temporary: ``busy``, where another process has held it for all of ``wait_seconds``.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + wait_seconds
    with path.open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise busy from None
                time.sleep(0.05)
        yield
