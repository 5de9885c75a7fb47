"""Files that only their owner may read: the state holds customers' records, and PDFs are for their readers alone.

Call `keep_private` at the start of every program; tasks of Airflow set the mask alone.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from scorecard.shared.settings import Settings

OTHERS = stat.S_IRWXG | stat.S_IRWXO


def mask() -> None:
    """Make this process and its children write files that only their user may read."""
    os.umask(OTHERS)


def keep_private(settings: Settings) -> None:
    """Set the mask, and take from others what earlier versions let them read of the state and of `out`.

    Only what is the product's is touched, whatever folders the settings name; files of other users are left.
    """
    mask()
    for path in _made(settings):
        try:
            status = path.lstat()
            if status.st_mode & OTHERS and not stat.S_ISLNK(status.st_mode):
                path.chmod(stat.S_IMODE(status.st_mode) & ~OTHERS)
        except (FileNotFoundError, PermissionError):
            continue


def _made(settings: Settings) -> Iterator[Path]:
    whole = [settings.state] if settings.warehouse.exists() or settings.ledger.exists() else []
    ours = [path for path in (settings.out / "mail", settings.out / "data_docs") if path.is_dir()]
    if ours:
        yield settings.out
        yield from settings.out.glob("*.pdf")
    for folder in (*whole, *ours):
        yield folder
        for parent, folders, files in os.walk(folder):
            yield from (Path(parent, name) for name in (*folders, *files))
