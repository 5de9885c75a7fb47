"""A file of an export, and the places where exports lie."""

import fnmatch
import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Protocol

from scorecard.extract.contracts.contract import ObjectContract

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


class ExportPlace(Protocol):
    """Where the exports of a source lie: a folder or a bucket."""

    def is_as_loaded(self, contract: ObjectContract) -> bool:
        """Whether an export is known to be the one last loaded, without reading it."""

    def fetch(self, contract: ObjectContract) -> list[ExportFile]:
        """Copy the files of an export into the archive and return them by name. Raises ScorecardError if one lacks."""

    def listing(self, contract: ObjectContract) -> str:
        """Return the text to remember of an export once it is loaded, "" if there is none."""

    def written_at(self, contract: ObjectContract) -> list[tuple[str, datetime]]:
        """Return the name of each fetched file of an export, and when that version was written."""


def is_pattern(file: str) -> bool:
    """Whether a contract's file stands for several."""
    return "*" in file or "?" in file


def matching(names: list[str], pattern: str) -> list[str]:
    """Return the names that a pattern matches, without hidden files and the locks that Excel makes."""
    folder = pattern.rpartition("/")[0]
    siblings = (name for name in names if name.rpartition("/")[0] == folder)
    exact = pattern.replace("[", "[[]")
    return sorted(
        name
        for name in siblings
        if fnmatch.fnmatchcase(name, exact) and not name.rpartition("/")[2].startswith((".", "~$"))
    )
