"""The files behind a traced figure: their loads, and whether each is still the same on disk."""

import json
from pathlib import Path
from typing import Any

from scorecard.catalogue import COMPANY
from scorecard.closes.traced_records import FileVersion
from scorecard.shared.files import sha256_of
from scorecard.shared.settings import Settings


def loads_of(folder: Path, versions: set[FileVersion]) -> list[dict[str, Any]]:
    """Return the loads of a close that brought the versions."""
    loads = json.loads((folder / "loads.json").read_bytes())
    return [load for load in loads if (load["source_file"], load["source_sha256"]) in versions]


def files_on_disk(settings: Settings, versions: set[FileVersion]) -> list[dict[str, Any]]:
    """Say of each source file whether it is still what the records came from. A later export is no error."""
    files = []
    for name, digest in sorted(versions, key=lambda version: (version[0], version[1] or "")):
        path = (settings.project if name.startswith(f"{COMPANY}/") else settings.data) / name
        if digest is None:
            state = "part of the project, at the revision that the close's manifest names"
        elif not path.is_file():
            state = "gone from the data folder; the frozen records stand"
        elif sha256_of(path) == digest:
            state = "unchanged"
        else:
            state = "changed since these records were loaded; the frozen records stand"
        files.append({"file": name, "source_sha256": digest, "state": state, "original": _original(settings, digest)})
    return files


def _original(settings: Settings, digest: str | None) -> str | None:
    """Return the path of the copy of a file version, None where there is none or it is not what was copied."""
    path = settings.original(digest) if digest else None
    return str(path) if path and path.is_file() and sha256_of(path) == digest else None
