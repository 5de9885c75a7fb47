"""The archive of originals: each version of a file is copied once, under its SHA-256, and is read from that copy.

A file may be written while it is read; its copy is not. So the rows, their lines and the hash are of one version.
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
from scorecard.shared.settings import Settings

TRIES = 3
"""How often a file that changes while it is copied is copied again."""

PATIENCE = 60.0
"""Seconds in which a file has to come to rest."""

BLOCK = 1 << 20
"""Bytes that are copied at a time."""


@dataclass(frozen=True)
class Kept:
    """A copy: where it is, the hash of its content, and when its file was last written."""

    path: Path
    sha256: str
    written_at: datetime


class Originals:
    """The copies in the state folder; `work` is a folder on the same disk for those that are being made."""

    def __init__(self, settings: Settings, work: Path) -> None:
        self.settings, self.work = settings, work

    def keep(self, path: Path, name: str) -> Kept:
        """Copy a file that others may write to, if that version isn't there; return the copy.

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
            with path.open("rb") as file:
                before = _state(file)
                written_at = datetime.fromtimestamp(before[1] / 1e9, UTC)
                sha256 = _hash(file)
                if (kept := self.settings.original(sha256)).exists():
                    self.touch([sha256])
                    return Kept(kept, sha256, written_at)
                rest = self.settings.settle_seconds - (time.time() - before[1] / 1e9)
                if 0 < rest <= self.settings.settle_seconds:
                    # Whoever wrote it a moment ago may not be done.
                    self._wait(path, name)
                    continue
                file.seek(0)
                copy = self.work / f"{sha256}.copy"
                if self._copy(file, copy) == sha256 and _state(file) == before:
                    return Kept(self.take(copy, sha256), sha256, written_at)
        raise Temporary(
            f"{name} changed while it was copied, {TRIES} times.",
            "Run again once it is complete; put it in its place by renaming, so that there is never half of it.",
        )

    def take(self, copy: Path, sha256: str) -> Path:
        """Take in a file that nobody else writes to, and return where it is now."""
        kept = self.settings.original(sha256)
        try:
            kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            copy.chmod(0o600)
            copy.replace(kept)
        except OSError as error:
            raise _unwritable(kept, error) from error
        self.touch([sha256])
        return kept

    def touch(self, versions: Iterable[str]) -> None:
        """Note that versions are still those at their places: their age begins anew."""
        for sha256 in versions:
            kept = self.settings.original(sha256)
            if kept.exists():
                os.utime(kept)

    def check(self, versions: Iterable[tuple[str, str]]) -> None:
        """Drop the copies that are not what was copied.

        Parameters
        ----------
        versions: what an error calls a file, and the SHA-256 of its version.

        Raises
        ------
        Temporary: there was one; the next run makes another.
        """
        for name, sha256 in versions:
            kept = self.settings.original(sha256)
            with kept.open("rb") as file:
                if _hash(file) == sha256:
                    continue
            kept.unlink()
            raise Temporary(
                f"The copy {kept} of {name} was damaged, and has been deleted.",
                "Run again, which copies the file anew. If it stays so, look whether the disk is sound.",
            )

    def expire(self) -> None:
        """Delete the copies of versions that were replaced, or whose file is gone, for longer than the settings say."""
        oldest = time.time() - self.settings.originals_days * 86_400
        for kept in self.settings.originals.glob("*/*"):
            # Another source's extraction may delete it first.
            with suppress(FileNotFoundError):
                if kept.stat().st_mtime < oldest:
                    kept.unlink()

    def _wait(self, path: Path, name: str) -> None:
        """Wait until nobody has written to a file for a while."""
        deadline = time.monotonic() + PATIENCE
        while (age := time.time() - path.stat().st_mtime) < self.settings.settle_seconds and age >= 0:
            if time.monotonic() > deadline:
                raise Temporary(
                    f"{name} is still being written.",
                    "Run again once it is complete; put it in its place by renaming, so that there is never half of"
                    " it.",
                )
            time.sleep(min(0.5, self.settings.settle_seconds - age))

    def _copy(self, file: IO[bytes], to: Path) -> str:
        digest = hashlib.sha256()
        try:
            with to.open("wb") as copy:
                while block := file.read(BLOCK):
                    digest.update(block)
                    copy.write(block)
                copy.flush()
                os.fsync(copy.fileno())
        except OSError as error:
            raise _unwritable(to, error) from error
        return digest.hexdigest()


def _state(file: IO[bytes]) -> tuple[int, int]:
    """Return the size and the time of the last change, in nanoseconds, of a file that is open."""
    found = os.fstat(file.fileno())
    return found.st_size, found.st_mtime_ns


def _hash(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while block := file.read(BLOCK):
        digest.update(block)
    return digest.hexdigest()


def _unwritable(path: Path, error: OSError) -> ScorecardError:
    free = shutil.disk_usage(path.anchor).free
    return ScorecardError(
        f"The copy {path} of an export cannot be written: {error.strerror} ({free >> 20} MB are free).",
        "Free space or mend the permissions, then run again; `originals_days` says how long copies are kept.",
    )
