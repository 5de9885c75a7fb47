"""Files of exports and the archive of originals: each version of a file is copied once, and is read from that copy.

A file may change while it is read, but its copy never does. So the rows, their lines and the hash are of one version.
"""

import hashlib
import os
import shutil
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from scorecard.shared.errors import ScorecardError, Temporary
from scorecard.shared.files import sha256_of, sync
from scorecard.shared.settings import Settings

TRIES = 3
"""How often a file that changes while it is copied is copied again."""

MAX_WAIT_SECONDS = 60.0
"""How long to wait until nobody writes to a file."""

BYTES_COPIED = 1 << 20
"""Bytes that are copied at a time."""


NO_BYTES = hashlib.sha256().hexdigest()
"""The SHA-256 of an empty file."""


@dataclass(frozen=True)
class ExportFile:
    """A file of an export: its `name` in rows (`<source>/<file>`), its copy in the archive, the SHA-256 of its content.

    A file that people write may be missing or blank. It then has the SHA-256 of an empty file, and no copy.
    """

    name: str
    path: Path
    sha256: str

    @property
    def is_present(self) -> bool:
        """Whether the file has content, even if only a header."""
        return self.sha256 != NO_BYTES

    def open(self) -> IO[bytes]:
        """Open the copy."""
        return self.path.open("rb")


@dataclass(frozen=True)
class ArchivedCopy:
    """A copy: its path, the SHA-256 of its content, and when the original was last written."""

    path: Path
    sha256: str
    written_at: datetime


class Originals:
    """The archive in the state folder. `work` is a folder on the same disk for unfinished copies.

    Each copy is verified once a run: right after it is written, or before it is read if an earlier run wrote it.
    """

    def __init__(self, settings: Settings, work: Path) -> None:
        self.settings, self.work = settings, work
        self._verified: set[str] = set()

    def archive(self, path: Path, name: str) -> ArchivedCopy:
        """Copy a file that others may write to, unless the archive has its version; return the copy.

        Parameters
        ----------
        name: what an error calls the file.

        Raises
        ------
        OSError: the file can't be read.
        Temporary: it changes all the time.
        ScorecardError: the copy can't be written.
        """
        for _ in range(TRIES):
            before = _size_and_time(path)
            written_at = datetime.fromtimestamp(before[1] / 1e9, UTC)
            sha256 = sha256_of(path)
            if (copy := self.settings.original(sha256)).exists() and _size_and_time(path) == before:
                self.touch([sha256])
                return ArchivedCopy(copy, sha256, written_at)
            age = time.time() - before[1] / 1e9
            if 0 <= age < self.settings.settle_seconds:
                # The file may still be being written.
                self._wait(path, name)
                continue
            unfinished = self.work / f"{sha256}.copy"
            self._copy(path, unfinished)
            if sha256_of(unfinished) == sha256 and _size_and_time(path) == before:
                return ArchivedCopy(self.take(unfinished, sha256), sha256, written_at)
        raise Temporary(
            f"{name} changed while it was copied, {TRIES} times.",
            "Run again once it is complete; put it in its place by renaming, so that there is never half of it.",
        )

    def take(self, unfinished: Path, sha256: str) -> Path:
        """Move a file of the work folder, whose content has the hash, into the archive; return its new path."""
        copy = self.settings.original(sha256)
        try:
            copy.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            unfinished.chmod(0o600)
            unfinished.replace(copy)
        except OSError as error:
            raise _unwritable(copy, error) from error
        self._verified.add(sha256)
        self.touch([sha256])
        return copy

    def touch(self, versions: Iterable[str]) -> None:
        """Note that versions are in use: their age begins anew."""
        for sha256 in versions:
            copy = self.settings.original(sha256)
            if copy.exists():
                os.utime(copy)

    def verify(self, files: Iterable[ExportFile]) -> None:
        """Delete a copy whose content has another hash; skip copies that were verified in this run.

        Raises
        ------
        Temporary: a copy was damaged; the next run makes another.
        """
        for file in files:
            if file.sha256 in self._verified:
                continue
            if sha256_of(file.path) != file.sha256:
                file.path.unlink()
                raise Temporary(
                    f"The copy {file.path} of {file.name} was damaged, and has been deleted.",
                    "Run again, which copies the file anew. If the error comes again, check the disk.",
                )
            self._verified.add(file.sha256)

    def expire(self) -> None:
        """Delete copies that have been out of use for longer than `originals_days` of the settings."""
        oldest = time.time() - self.settings.originals_days * 86_400
        for copy in self.settings.originals.glob("*/*"):
            # Another source's extraction may delete it first.
            with suppress(FileNotFoundError):
                if copy.stat().st_mtime < oldest:
                    copy.unlink()

    def _wait(self, path: Path, name: str) -> None:
        """Wait until nobody has written to a file for a while."""
        deadline = time.monotonic() + MAX_WAIT_SECONDS
        while (age := time.time() - path.stat().st_mtime) < self.settings.settle_seconds and age >= 0:
            if time.monotonic() > deadline:
                raise Temporary(
                    f"{name} is still being written.",
                    "Run again once it is complete; put it in its place by renaming, so that there is never half of"
                    " it.",
                )
            time.sleep(min(0.5, self.settings.settle_seconds - age))

    def _copy(self, path: Path, to: Path) -> None:
        with path.open("rb") as file:
            try:
                with to.open("wb") as copy:
                    shutil.copyfileobj(file, copy, BYTES_COPIED)
                sync(to)
            except OSError as error:
                raise _unwritable(to, error) from error


def _size_and_time(path: Path) -> tuple[int, int]:
    """Return the size of a file, and the time of its last change in nanoseconds."""
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def _unwritable(path: Path, error: OSError) -> ScorecardError:
    free = shutil.disk_usage(path.anchor).free
    return ScorecardError(
        f"The copy {path} of an export cannot be written: {error.strerror} ({free >> 20} MB are free).",
        "Free space or mend the permissions, then run again; `originals_days` says how long copies are kept.",
    )
