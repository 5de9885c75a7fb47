"""Files written whole or not at all."""

import os
from pathlib import Path

from scorecard.shared.errors import ScorecardError


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that there is never half of it.

    Raises
    ------
    ScorecardError: the disk is full or not writable, or the path is that of something other than a file.
    """
    if not path.name or (path.exists() and not path.is_file()):
        raise ScorecardError(f"{path} is no file that can be written.", "Name a file.")
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(content)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise ScorecardError(
            f"{path} cannot be written: {error.strerror}.",
            "Free space or mend the permissions, then run again.",
        ) from error
