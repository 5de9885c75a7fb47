"""Files: hashed in blocks, and written so that a reader never sees an incomplete one."""

import hashlib
import os
from pathlib import Path

from scorecard.shared.errors import ScorecardError


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_synced(path: Path, content: bytes) -> None:
    """Write a file in place and wait until it is on the disk. For files that nobody reads before their folder moves."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def replace_synced(made: Path, path: Path) -> None:
    """Move a file or a folder to its place by one rename, and wait until both are on the disk."""
    sync(made)
    made.replace(path)
    sync(path.parent)


def partial_of(path: Path) -> Path:
    """Return where this process writes a file before it moves to its place."""
    return path.with_name(f".tmp-{path.name}.{os.getpid()}")


def write_whole(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, by a rename, and wait until it is on the disk.

    Raises
    ------
    ScorecardError: the disk is full or not writable, or the path is not a file.
    """
    if not path.name or (path.exists() and not path.is_file()):
        raise ScorecardError(f"{path} cannot be written: it is not a file.", "Name a file.")
    partial = partial_of(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_synced(partial, content)
        replace_synced(partial, path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise ScorecardError(
            f"{path} cannot be written: {error.strerror}.",
            "Free space or correct the permissions, then run again.",
        ) from error
