"""Why a source isn't up to date: a suspect export, or an extraction that failed.

`<state>/troubles/<source>.json` lists the troubles. Each extraction of a source replaces the file, or deletes it if
there is no trouble. Publishing reads it with `read_all`.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, get_args

from scorecard.extract.contracts.contract import SourceContract
from scorecard.extract.contracts.declared_contracts import load_contracts
from scorecard.shared.errors import ScorecardError
from scorecard.shared.files import write_whole
from scorecard.shared.settings import Settings

Kind = Literal["suspect", "failed"]


class Suspect(ScorecardError):
    """A version of an export, or of a table, lost more records than is likely.

    ``file``: its name in the contract; for a database or a service, the name of the table or object. ``sha256`` names
    the version for `scorecard confirm`.
    """

    def __init__(self, problem: str, cure: str, file: str, sha256: str) -> None:
        super().__init__(problem, cure)
        self.file = file
        self.sha256 = sha256


@dataclass(frozen=True)
class Trouble:
    """One reason why a source isn't up to date.

    ``object`` is the raw table and ``file`` what it is read from; both are "" if the source as a whole failed.
    ``sha256`` names the version of a suspect export; it is "" for a failure. ``since`` is in UTC.
    """

    source: str
    business_unit: str
    object: str
    file: str
    kind: Kind
    problem: str
    cure: str
    since: datetime
    sha256: str = ""


def unit_of(settings: Settings, source: SourceContract) -> str:
    """Return the business unit whose records a source has."""
    return settings.services[source.name].business_unit if source.service else source.business_unit


def record(settings: Settings, source: SourceContract, error: Exception | None) -> None:
    """Replace the troubles of a source by the error of its last extraction, which is None if it succeeded.

    A trouble that was noted before keeps its time.

    Raises
    ------
    ScorecardError: the state folder can't be written.
    """
    path = _path(settings, source.name)
    if error is None:
        path.unlink(missing_ok=True)
        return
    now = datetime.now(UTC)
    since = {_key(trouble): trouble.since for trouble in _read_if_whole(path)}
    current = [
        replace(trouble, since=since.get(_key(trouble), now)) for trouble in _troubles(settings, source, error, now)
    ]
    rows = [{**asdict(trouble), "since": trouble.since.isoformat()} for trouble in current]
    write_whole(path, json.dumps(rows, ensure_ascii=False, indent=1).encode())


def read_all(settings: Settings) -> list[Trouble]:
    """Read the troubles of all sources of the project, by source.

    Raises
    ------
    ScorecardError: a file is broken; it names the file and the cure.
    """
    return [trouble for name in sorted(load_contracts(settings)) for trouble in _read(_path(settings, name))]


def _path(settings: Settings, source: str) -> Path:
    return settings.state / "troubles" / f"{source}.json"


def _troubles(settings: Settings, source: SourceContract, error: Exception, now: datetime) -> Iterable[Trouble]:
    unit = unit_of(settings, source)
    if not isinstance(error, ScorecardError):
        # The message of another exception may quote a secret.
        problem = f"The extraction of {source.name} stopped with {type(error).__name__}."
        error = ScorecardError(problem, f"Run `scorecard extract {source.name}` and read what it says.")
    files = {contract.name: contract.file or contract.object for contract in source.objects}
    for name, cause in (error.by_object or {"": error}).items():
        is_suspect = isinstance(cause, Suspect)
        yield Trouble(
            source=source.name,
            business_unit=unit,
            object=name,
            file=cause.file if isinstance(cause, Suspect) else files.get(name, ""),
            kind="suspect" if is_suspect else "failed",
            problem=cause.problem,
            cure=cause.cure,
            since=now,
            sha256=cause.sha256 if isinstance(cause, Suspect) else "",
        )


def _key(trouble: Trouble) -> tuple[str, str, str]:
    return trouble.object, trouble.kind, trouble.sha256


def _read_if_whole(path: Path) -> list[Trouble]:
    try:
        return _read(path)
    except ScorecardError:
        return []


def _read(path: Path) -> list[Trouble]:
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        stored = [Trouble(**{**row, "since": datetime.fromisoformat(row["since"])}) for row in rows]
        if any(trouble.kind not in get_args(Kind) for trouble in stored):
            raise ValueError(f"the kind of a trouble is neither {' nor '.join(get_args(Kind))}")
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ScorecardError(
            f"{path}, which lists what keeps the source {path.stem} from being up to date, cannot be read: {error}.",
            f"Delete the file and run `scorecard extract {path.stem}`, which writes it anew.",
        ) from error
    return stored
