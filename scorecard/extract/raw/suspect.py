"""Versions of an export that lost more records than is likely, and the confirmations of such versions.

A full export is suspect if it lacks many of the current records, or if it is cut off. The same limits apply to the
tables of a database and the lists of a service.
"""

import getpass
import json
import os
import shlex
import socket
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from scorecard.extract.contracts.contract import SourceContract
from scorecard.extract.raw import troubles
from scorecard.extract.raw.troubles import Suspect
from scorecard.shared.errors import ScorecardError, Temporary
from scorecard.shared.files import write_whole
from scorecard.shared.locks import alone
from scorecard.shared.moments import now_text
from scorecard.shared.settings import Settings


@dataclass(frozen=True)
class Confirmation:
    """A suspect version that a person accepted: who, when (ISO 8601, UTC), which version, and its problem."""

    confirmed_at: str
    confirmed_by: str
    source: str
    file: str
    sha256: str
    problem: str


@dataclass(frozen=True)
class LossLimits:
    """How many records of a source may vanish at once, and its confirmed versions, each a file and a SHA-256.

    A loss is suspect if it is `records` or more and more than `share` of the current records, or more than
    `share_of_any_size` of them, however few they are. Shares are fractions of 1.
    """

    source: str
    business_unit: str
    records: int
    share: float
    share_of_any_size: float
    confirmed: frozenset[tuple[str, str]]

    def is_too_much(self, lost: int, current: int) -> bool:
        """Whether it is suspect to lose so many of the current records."""
        is_large = lost >= self.records and lost > self.share * current
        return lost > 0 and (is_large or lost > self.share_of_any_size * current)

    def without_loss(self) -> "LossLimits":
        """Return limits that allow any loss."""
        return replace(self, share=1, share_of_any_size=1)

    def refuse(self, file: str, sha256: str, problems: Sequence[str], cure: str) -> None:
        """Refuse a version that has problems, each a part of a sentence, unless a person confirmed it.

        Raises
        ------
        Suspect: names the file, the problems, and how to confirm it.
        """
        if not problems or (file, sha256) in self.confirmed:
            return
        command = shlex.join(["scorecard", "confirm", self.source, file, sha256])
        raise Suspect(
            f"{self.source}/{file} is suspect: it {' and '.join(problems)}.",
            f"Nothing of it was loaded, and the scorecards of {self.business_unit} are held. {cure} If it is right as"
            f" it is, run `{command}` and extract again.",
            file,
            sha256,
        )


def limits_of(settings: Settings, source: SourceContract) -> LossLimits:
    """Return the limits of a source. A file that people write may lose any number of rows.

    Raises
    ------
    ScorecardError: the list of confirmations is broken.
    """
    limits = LossLimits(
        source=source.name,
        business_unit=troubles.unit_of(settings, source),
        records=settings.suspect_lost_records,
        share=settings.suspect_lost_share,
        share_of_any_size=settings.suspect_lost_share_of_any_size,
        confirmed=frozenset(
            (confirmation.file, confirmation.sha256)
            for confirmation in confirmations(settings)
            if confirmation.source == source.name
        ),
    )
    return limits.without_loss() if source.folder else limits


def confirmations(settings: Settings) -> list[Confirmation]:
    """Read the confirmations, oldest first.

    Raises
    ------
    ScorecardError: the list is broken.
    """
    path = _path(settings)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        return [Confirmation(**json.loads(line)) for line in lines]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError) as error:
        raise ScorecardError(
            f"{path}, which lists the exports that were confirmed, cannot be read: {error}.",
            "Restore it from a backup. If there is none, move it away, and confirm again what is held.",
        ) from error


def confirm(settings: Settings, source: SourceContract, file: str, sha256: str) -> Confirmation:
    """Accept a suspect version; the next extraction loads it.

    Raises
    ------
    ScorecardError: no such version of that file is suspect, or the list of confirmations can't be read or written.
    """
    suspects = [
        trouble
        for trouble in troubles.read_all(settings)
        if trouble.source == source.name and trouble.kind == "suspect"
    ]
    wanted = next((trouble for trouble in suspects if (trouble.file, trouble.sha256) == (file, sha256.lower())), None)
    if wanted is None:
        versions = "; ".join(f"{trouble.file} {trouble.sha256}" for trouble in suspects)
        raise ScorecardError(
            f"No version {sha256} of {file} of the source {source.name} is held as suspect.",
            f"Confirm one of those that are: {versions}."
            if versions
            else f"No version of {source.name} is suspect; run `scorecard extract {source.name}` first.",
        )
    confirmation = Confirmation(
        confirmed_at=now_text(),
        confirmed_by=_person(),
        source=source.name,
        file=wanted.file,
        sha256=wanted.sha256,
        problem=wanted.problem,
    )
    busy = Temporary("Another process is writing the list of confirmations.", "Run this again.")
    with alone(settings.state / "confirmations.lock", busy):
        known = confirmations(settings)
        rows = [json.dumps(asdict(row), ensure_ascii=False) + "\n" for row in (*known, confirmation)]
        write_whole(_path(settings), "".join(rows).encode())
    return confirmation


def _path(settings: Settings) -> Path:
    return settings.state / "confirmations.jsonl"


def _person() -> str:
    """Return who runs this: the user of the system, and the machine."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = f"user {os.getuid()}"
    return f"{user}@{socket.gethostname()}"
