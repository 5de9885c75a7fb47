"""The archive of closes: the files of a close, and how to find, read and write them.

A close is a folder ``<scorecard>-<period>-e<edition>`` in ``settings.archive``. The closes form a chain: each manifest
has the hash of the manifest before it. The head of the chain, ``chain.json`` beside the folders, names the newest
close, so that its loss and a change of its manifest are detected, too.
"""

import hashlib
import json
import re
import shutil
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from scorecard.shared.errors import ScorecardError
from scorecard.shared.files import sha256_of, sync, write_whole
from scorecard.shared.settings import Settings

TABLES = ("values.parquet", "observations.parquet", "targets.parquet", "checks.parquet", "actions.parquet")
DOCUMENTS = ("definitions.json", "lineage.json", "restatements.json", "loads.json")
FILES = (*TABLES, *DOCUMENTS)
# Closes of earlier releases lack these.
ADDED = ("evidence.parquet", "passes.json")
MANIFEST = "manifest.json"
HEAD = "chain.json"
# A copy of the head outside the archive. It tells an emptied archive from a new one.
HEAD_COPY = "closes.made"
TEMPORARY = ".tmp-"
# The loads of the records and the passes that computed the figures are not part of the content of a close.
NOT_CONTENT = ("loads.json", "passes.json")


def content_sha256(files: dict[str, str]) -> str:
    """Return the hash of the content of a close, from the hashes of its files by name."""
    lines = [f"{name} {digest}\n" for name, digest in sorted(files.items()) if name not in NOT_CONTENT]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def json_bytes(content: object) -> bytes:
    """Return JSON that is the same for the same content: sorted keys, an indent of two blanks, a newline at the end."""
    document = json.dumps(content, sort_keys=True, indent=2, ensure_ascii=False, default=_plain, allow_nan=False)
    return f"{document}\n".encode()


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} does not go into JSON")


def columns(path: Path) -> list[str]:
    """Return the names of a table's columns."""
    return list(pq.read_schema(path).names)


def optional(path: Path, column: str, kind: str) -> str:
    """Return the SQL of a column of a table; it is null in closes of earlier releases, which lack it."""
    return column if column in columns(path) else f"null::{kind} as {column}"


def folders(settings: Settings) -> list[Path]:
    """Return the folders of all closes, intact or damaged, by name."""
    if not settings.archive.is_dir():
        return []
    return sorted(path for path in settings.archive.iterdir() if path.is_dir() and not path.name.startswith("."))


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read the manifest of a close.

    Raises
    ------
    ScorecardError: it is missing or damaged.
    """
    cure = "Restore the folder from a backup; `scorecard verify` lists all problems."
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        if manifest["close_id"] != folder.name:
            raise ScorecardError(f"The manifest in the folder {folder.name} is of {manifest['close_id']!r}.", cure)
        for name, kind in (("sequence", int), ("edition", int), ("files", dict), ("content_sha256", str)):
            if not isinstance(manifest[name], kind):
                raise TypeError(name)
        for name in ("scorecard", "period", "grain", "closed_at", "previous"):
            manifest[name]
    except FileNotFoundError as error:
        raise ScorecardError(f"The close {folder.name} has no {MANIFEST}.", cure) from error
    except (ValueError, KeyError, TypeError) as error:
        raise ScorecardError(f"The {MANIFEST} of the close {folder.name} is damaged.", cure) from error
    return dict(manifest)


def read_head(settings: Settings) -> dict[str, Any]:
    """Return the head of the chain: close_id, sequence and manifest_sha256 of the newest close.

    Without a file, sequence is 0 and the others are None.

    Raises
    ------
    ScorecardError: the head is damaged.
    """
    return _read_head(settings.archive / HEAD)


def read_head_copy(settings: Settings) -> dict[str, Any]:
    """Return the copy of the head outside the archive. Returns and raises as `read_head`."""
    return _read_head(settings.state / HEAD_COPY)


def _read_head(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {"close_id": None, "sequence": 0, "manifest_sha256": None}
    try:
        head = json.loads(path.read_bytes())
        return {
            "close_id": head["close_id"],
            "sequence": int(head["sequence"]),
            "manifest_sha256": head["manifest_sha256"],
        }
    except (ValueError, KeyError, TypeError) as error:
        raise ScorecardError(f"{path} is damaged.", "Restore it from a backup.") from error


def write_head(settings: Settings, manifest: dict[str, Any]) -> None:
    """Write the head of the chain, and its copy outside the archive. The close of the manifest becomes the newest."""
    path = settings.archive / manifest["close_id"] / MANIFEST
    head = {
        "close_id": manifest["close_id"],
        "sequence": manifest["sequence"],
        "manifest_sha256": sha256_of(path),
    }
    for folder, name in ((settings.archive, HEAD), (settings.state, HEAD_COPY)):
        write_whole(folder / name, json_bytes(head))


def mend_head(settings: Settings, earlier: list[dict[str, Any]]) -> None:
    """Write the head that a killed run left out after its close. That is one close at most."""
    if earlier and read_head(settings)["sequence"] == earlier[-1]["sequence"] - 1:
        write_head(settings, earlier[-1])


def sweep(settings: Settings) -> None:
    """Delete the temporary folders and files of killed runs."""
    for leftover in settings.archive.glob(f"{TEMPORARY}*"):
        if leftover.is_dir():
            shutil.rmtree(leftover)
        else:
            leftover.unlink()


def manifests(settings: Settings) -> list[dict[str, Any]]:
    """Return the manifests of all closes, oldest first.

    Raises
    ------
    ScorecardError: a manifest is missing or damaged.
    """
    return sorted((read_manifest(folder) for folder in folders(settings)), key=lambda manifest: manifest["sequence"])


def closes(settings: Settings) -> list[dict[str, Any]]:
    """Return one entry for each close, oldest first.

    Keys: close_id, scorecard, period, grain, edition, sequence, latest (whether it is the latest edition), closed_at,
    content_sha256, manifest_sha256, previous (close_id or None), path.
    """
    all_manifests = manifests(settings)
    newest: dict[tuple[str, str], int] = {}
    for manifest in all_manifests:
        key = (manifest["scorecard"], manifest["period"])
        newest[key] = max(newest.get(key, 0), manifest["edition"])
    fields = (
        "close_id",
        "scorecard",
        "period",
        "grain",
        "edition",
        "sequence",
        "closed_at",
        "content_sha256",
    )
    return [
        {
            **{field: manifest[field] for field in fields},
            "latest": newest[manifest["scorecard"], manifest["period"]] == manifest["edition"],
            "manifest_sha256": sha256_of(settings.archive / manifest["close_id"] / MANIFEST),
            "previous": manifest["previous"] and manifest["previous"]["close_id"],
            "path": str(settings.archive / manifest["close_id"]),
        }
        for manifest in all_manifests
    ]


def find_close(settings: Settings, close_id: str) -> Path:
    """Return the folder of a close.

    Raises
    ------
    ScorecardError: the id is unknown.
    """
    # A person types the id, so it must not become part of a path.
    for folder in folders(settings):
        if folder.name == close_id:
            return folder
    raise ScorecardError(f"There is no close {close_id!r}.", "`scorecard closes` lists all closes.")


def split_figure_id(figure_id: str) -> tuple[str, str]:
    """Split a figure id, as ``sales-2017-Q4-e1.F001``, into the close's id and the figure's id within the close.

    Raises
    ------
    ScorecardError: it is not a figure id.
    """
    match = re.fullmatch(r"(.+-e[1-9][0-9]*)\.(F[0-9]{3,})", figure_id, re.ASCII)
    if not match:
        raise ScorecardError(
            f"{figure_id!r} is not a figure id.",
            "A figure id looks like sales-2017-Q4-e1.F001. The scorecard's last page prints it, and so does "
            "`scorecard values --json`.",
        )
    return match[1], match[2]


def write_parquet(path: Path, table: pa.Table) -> None:
    """Write a table so that the same rows give the same bytes: one chunk, and no metadata."""
    pq.write_table(
        table.replace_schema_metadata(None).combine_chunks(),
        path,
        version="2.6",
        data_page_version="1.0",
        compression="zstd",
        compression_level=3,
        row_group_size=1 << 20,
    )
    sync(path)
