"""Exports in the data folder, and the files that people of the company write."""

import codecs
import os
from datetime import datetime
from pathlib import Path

from scorecard.extract.contracts.contract import ObjectContract, SourceContract, is_pattern, matching
from scorecard.extract.files.originals import NO_BYTES, ExportFile, Originals
from scorecard.shared.errors import ScorecardError
from scorecard.shared.settings import Settings
from scorecard.shared.text import plain


class Folder:
    """The folder of a source below the data folder, or where people write its files."""

    def __init__(self, settings: Settings, source: SourceContract, originals: Originals) -> None:
        self.data, self.path, self.label = settings.data, settings.data / source.name, source.name
        self.is_written_by_people = source.folder is not None
        if source.folder:
            self.data, self.path = settings.project, source.folder
            self.label = str(source.folder.relative_to(settings.project))
        self.originals = originals
        self._written: dict[str, list[tuple[str, datetime]]] = {}

    def is_as_loaded(self, contract: ObjectContract) -> bool:
        """Always false: the time of a file doesn't prove its content."""
        return False

    def listing(self, contract: ObjectContract) -> str:
        """Always "": a folder needs no cursor."""
        return ""

    def written_at(self, contract: ObjectContract) -> list[tuple[str, datetime]]:
        """Return the name of each file of an export that was fetched, and the time of its last change."""
        return self._written[contract.name]

    def names(self, contract: ObjectContract) -> list[str]:
        """Return the names of an export's files: the contract's, or those that match its pattern."""
        if not is_pattern(contract.file):
            return [contract.file]
        inner = contract.file.rpartition("/")[0]
        names = [f"{inner}/{path.name}" if inner else path.name for path in (self.path / inner).glob("*")]
        return matching(names, contract.file)

    def fetch(self, contract: ObjectContract) -> list[ExportFile]:
        """Find and copy the files of an export.

        Raises
        ------
        ScorecardError: a file is missing or can't be read.
        """
        names = self.names(contract)
        if not names:
            raise self._missing(contract, contract.file, "no file has such a name")
        files = []
        self._written[contract.name] = []
        for name in names:
            label = f"{self.label}/{name}"
            if self.is_written_by_people and not _has_text(self.path / name):
                files.append(ExportFile(label, self.path / name, NO_BYTES))
                continue
            try:
                copy = self.originals.archive(self._find(contract, name), label)
            except OSError as error:
                raise self._missing(contract, name, str(error.strerror)) from error
            files.append(ExportFile(label, copy.path, copy.sha256))
            self._written[contract.name].append((name, copy.written_at))
        return files

    def _missing(self, contract: ObjectContract, name: str, why: str) -> ScorecardError:
        """Return the error of a file that can't be read; it lists the files of the folder."""
        files = plain(", ".join(sorted(path.name for path in self.path.glob("*"))))
        return ScorecardError(
            f"{self.label}/{name} cannot be read: {why}. {self.path} has {files or 'no file'}.",
            f"Put the export there, or correct config.meta.file of {contract.name} in {contract.declared_in}.",
        )

    def _find(self, contract: ObjectContract, file: str) -> Path:
        """Follow links to a file.

        Raises
        ------
        OSError: it is missing.
        ScorecardError: it lies outside of the data folder, or is a pipe or a device.
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
    """Whether a file has more than white space. If it can't be read, it has: then its reader raises the error."""
    try:
        return bool(path.read_bytes().strip(codecs.BOM_UTF8 + b" \t\r\n"))
    except FileNotFoundError:
        return False
    except OSError:
        return True
