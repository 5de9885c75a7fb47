"""Exports in the data folder, and the files that people of the company write."""

import codecs
import fnmatch
import hashlib
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from scorecard.extract.contracts.contract import ObjectContract, SourceContract
from scorecard.extract.files.originals import Originals
from scorecard.shared.errors import ScorecardError
from scorecard.shared.text import plain

NOTHING = hashlib.sha256().hexdigest()
"""The SHA-256 of no bytes."""


@dataclass(frozen=True)
class Export:
    """A file of an export: `name`, as rows name it (`<source>/<file>`), its copy, and the hash of its content."""

    name: str
    path: Path
    sha256: str

    @property
    def is_there(self) -> bool:
        """Whether it has anything in it, were it but a header; a file that people write need not be there."""
        return self.sha256 != NOTHING


class Place(Protocol):
    """Where the exports of a source lie."""

    def is_as_loaded(self, contract: ObjectContract) -> bool:
        """Whether an export is known to be the one last loaded, without a look into it."""

    def fetch(self, contract: ObjectContract) -> list[Export]:
        """Return the files of an export, by name, where they can be read; ScorecardError where there is none."""

    def listed(self, contracts: dict[ObjectContract, list[Export]]) -> dict[ObjectContract, str]:
        """Return what is to be remembered of exports once they are loaded."""

    def written(self, contract: ObjectContract) -> list[tuple[str, datetime]]:
        """Return the name of each file of an export that was looked at, and when that version of it was written."""


def is_pattern(file: str) -> bool:
    """Whether a contract's file stands for several."""
    return "*" in file or "?" in file


def matching(names: list[str], pattern: str) -> list[str]:
    """Return the names that a pattern stands for; hidden files, and those Excel makes while one is open, are none."""
    folder = pattern.rpartition("/")[0]
    there = (name for name in names if name.rpartition("/")[0] == folder)
    exact = pattern.replace("[", "[[]")
    return sorted(
        name
        for name in there
        if fnmatch.fnmatchcase(name, exact) and not name.rpartition("/")[2].startswith((".", "~$"))
    )


class Folder:
    """The folder of a source below the data folder, or where people write its files."""

    def __init__(self, data: Path, source: SourceContract, originals: Originals, project: Path | None = None) -> None:
        self.data, self.source, self.path = data, source, data / source.name
        self.label, self.is_written_by_people = source.name, False
        if source.folder and project:
            self.data, self.path = project, source.folder
            self.label, self.is_written_by_people = str(source.folder.relative_to(project)), True
        self.originals = originals
        self._written: dict[str, list[tuple[str, datetime]]] = {}

    def is_as_loaded(self, contract: ObjectContract) -> bool:
        """Never known: a file's time says nothing sure of its content."""
        return False

    def listed(self, contracts: dict[ObjectContract, list[Export]]) -> dict[ObjectContract, str]:
        """Nothing is to be remembered."""
        return {}

    def written(self, contract: ObjectContract) -> list[tuple[str, datetime]]:
        """Return the files of an export that was fetched, each with the time of its last change."""
        return self._written[contract.name]

    def names(self, contract: ObjectContract) -> list[str]:
        """Return the names of an export's files: that of the contract, or those that its pattern stands for."""
        if not is_pattern(contract.file):
            return [contract.file]
        inner = contract.file.rpartition("/")[0]
        there = [f"{inner}/{each.name}" if inner else each.name for each in (self.path / inner).glob("*")]
        return matching(there, contract.file)

    def fetch(self, contract: ObjectContract) -> list[Export]:
        """Find and copy the files of an export. Raises ScorecardError where one is missing or not to be read."""
        names = self.names(contract)
        if not names:
            raise self._missing(contract, contract.file, "no file has such a name")
        exports = []
        self._written[contract.name] = []
        for name in names:
            label = f"{self.label}/{name}"
            if self.is_written_by_people and not _has_text(self.path / name):
                exports.append(Export(label, self.path / name, NOTHING))
                continue
            try:
                path = self._find(contract, name)
                kept = self.originals.keep(path, label)
            except OSError as error:
                raise self._missing(contract, name, str(error.strerror)) from error
            exports.append(Export(label, kept.path, kept.sha256))
            self._written[contract.name].append((name, kept.written_at))
        return exports

    def _missing(self, contract: ObjectContract, name: str, why: str) -> ScorecardError:
        found = plain(", ".join(sorted(each.name for each in self.path.glob("*"))))
        return ScorecardError(
            f"{self.label}/{name} cannot be read: {why}. {self.path} has {found or 'no file'}.",
            f"Put the export there, or correct config.meta.file of {contract.name} in {contract.declared_in}.",
        )

    def _find(self, contract: ObjectContract, file: str) -> Path:
        """Follow links to where a file lies.

        Raises
        ------
        OSError: it isn't there.
        ScorecardError: it lies outside of the data folder, or is a pipe or device, whose end may never come.
        """
        name = f"{self.label}/{file}"
        path = Path(os.path.realpath(self.path / file, strict=True))
        if not path.is_relative_to(os.path.realpath(self.data)):
            raise ScorecardError(
                f"{name} is a link to {path}, which lies outside of the data folder {self.data}.",
                "Put the export itself there, or set `data` (SCORECARD_DATA) to the folder where the exports lie.",
            )
        if not path.is_file():
            raise ScorecardError(
                f"{name} is no regular file but a {'folder' if path.is_dir() else 'pipe or device'}.",
                f"Put the export there as a file, or correct config.meta.file of {contract.name} in"
                f" {contract.declared_in}.",
            )
        return path


def _has_text(path: Path) -> bool:
    """Whether a file is there and has more than white space; one that can't be read has, for an error to say so."""
    try:
        return bool(path.read_bytes().strip(codecs.BOM_UTF8 + b" \t\r\n"))
    except FileNotFoundError:
        return False
    except OSError:
        return True
