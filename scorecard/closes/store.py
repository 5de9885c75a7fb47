"""Where closes lie, what files one holds, and how to find and read them.

A close is a folder ``<scorecard>-<period>-e<edition>`` in ``settings.archive``. Beside the folders, ``chain.json``
names the newest close, so that its loss or a change of its manifest is seen as well.
"""

import hashlib
import json
import re
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from scorecard.shared.errors import ScorecardError
from scorecard.shared.files import sha256_of, sync
from scorecard.shared.settings import Settings

TABLES = ("values.parquet", "observations.parquet", "targets.parquet", "checks.parquet", "actions.parquet")
DOCUMENTS = ("definitions.json", "lineage.json", "restatements.json", "loads.json")
FILES = (*TABLES, *DOCUMENTS)
# What earlier closes have not.
ADDED = ("evidence.parquet", "passes.json")
MANIFEST = "manifest.json"
HEAD = "chain.json"
# Beside the archive, so that an archive that was emptied is not taken for one that was never used.
MADE = "closes.made"
TEMPORARY = ".tmp-"
# Which machine or run brought the records, and which pass computed them, is no part of what a close says.
NOT_CONTENT = ("loads.json", "passes.json")


def content_sha256(files: dict[str, str]) -> str:
    """Return the hash of what a close says, from the hashes of its files by name."""
    lines = [f"{name} {digest}\n" for name, digest in sorted(files.items()) if name not in NOT_CONTENT]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def json_bytes(content: object) -> bytes:
    """Return JSON that is the same for the same content: sorted keys, two blanks, one line end at the end."""
    text = json.dumps(content, sort_keys=True, indent=2, ensure_ascii=False, default=_plain, allow_nan=False)
    return f"{text}\n".encode()


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} does not go into JSON")


def columns(path: Path) -> list[str]:
    """Return the names of a table's columns."""
    import pyarrow.parquet as pq

    return list(pq.read_schema(path).names)


def optional(path: Path, column: str, kind: str) -> str:
    """Return the SQL of a column that earlier closes lack, where it is null."""
    return column if column in columns(path) else f"null::{kind} as {column}"


def folders(settings: Settings) -> list[Path]:
    """Return the folders of all closes, whole or damaged, by name."""
    if not settings.archive.is_dir():
        return []
    return sorted(path for path in settings.archive.iterdir() if path.is_dir() and not path.name.startswith("."))


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read the manifest of a close.

    Raises
    ------
    ScorecardError: it is missing, or not what a manifest looks like.
    """
    cure = "Restore the folder from a backup; `scorecard verify` lists all that is broken."
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
    """Return what ``chain.json`` says of the newest close: close_id, sequence, manifest_sha256 (sequence 0: no file).

    Raises
    ------
    ScorecardError: it is damaged.
    """
    return _newest(settings.archive / HEAD)


def read_made(settings: Settings) -> dict[str, Any]:
    """Return what the file beside the archive says of the newest close, as `read_head`. Raises as it does."""
    return _newest(settings.state / MADE)


def _newest(path: Path) -> dict[str, Any]:
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


def manifests(settings: Settings) -> list[dict[str, Any]]:
    """Return the manifests of all closes in the order in which they were closed.

    Raises
    ------
    ScorecardError: one of them can't be read.
    """
    return sorted((read_manifest(folder) for folder in folders(settings)), key=lambda manifest: manifest["sequence"])


def closes(settings: Settings) -> list[dict[str, Any]]:
    """Return what is known of each close, in the order of closing.

    Keys: close_id, scorecard, period, grain, edition, sequence, latest (of its scorecard and period), closed_at,
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
    ScorecardError: there is none of that id.
    """
    # Compared with what is there, never joined to a path: an id is typed by a person.
    for folder in folders(settings):
        if folder.name == close_id:
            return folder
    raise ScorecardError(f"There is no close {close_id!r}.", "`scorecard closes` lists those that there are.")


def split_figure_id(figure_id: str) -> tuple[str, str]:
    """Return the close's id and the figure's own, of ``sales-2017-Q4-e1.F001``.

    Raises
    ------
    ScorecardError: the text is no figure id.
    """
    match = re.fullmatch(r"(.+-e[1-9][0-9]*)\.(F[0-9]{3,})", figure_id, re.ASCII)
    if not match:
        raise ScorecardError(
            f"{figure_id!r} is not a figure id.",
            "It looks like sales-2017-Q4-e1.F001 and stands on the scorecard's last page; "
            "`scorecard values --json` prints it too.",
        )
    return match[1], match[2]


def write_parquet(path: Path, table: pa.Table) -> None:
    """Write the same bytes for the same rows: one chunk, no metadata of the machine or the hour."""
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
