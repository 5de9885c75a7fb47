"""Keep new provenance of equal values beside the archive, without an edition.

``<state>/provenance/<close_id>/<number>/`` has the observations that differ between a close and a later build, and
every document that differs. Each number is complete in itself: the close without its own differing observations, and
with the new ones. A manifest has the hash of each file, and of the manifest before it; the first has the hash of the
close's manifest. ``head.json`` names the newest number.
"""

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import duckdb

from scorecard.closes import store
from scorecard.shared.files import replace_synced, sha256_of, sync, write_synced, write_whole
from scorecard.shared.moments import now_text
from scorecard.shared.settings import Settings
from scorecard.shared.sql import literal, quoted

OBSERVATIONS = "observations.parquet"
_HEAD = "head.json"
# Figures are recomputed from the observations. The manifest lists their differences.
_LEFT_OUT = ("values.parquet", OBSERVATIONS, "restatements.json")


def keep(
    settings: Settings,
    close_id: str,
    now: Path,
    files: dict[str, str],
    differences: Sequence[dict[str, Any]],
    code: dict[str, Any],
) -> int | None:
    """Keep the present provenance of a close; return its number, or None if it is known already.

    Parameters
    ----------
    now: the folder that is frozen now. files: the hash of each of its files.
    differences: between the close and now, as `restatements` returns them.
    """
    kept = _Kept(settings, close_id)
    compared = {name: digest for name, digest in files.items() if name not in store.NOT_CONTENT}
    known = kept.newest_manifest()["state"] if kept.numbers else kept.close_files
    if compared == {name: known.get(name) for name in compared}:
        return None
    # A close of an earlier release may lack a file.
    differing = [name for name in sorted(files.keys() - set(_LEFT_OUT)) if files[name] != kept.close_files.get(name)]
    return kept.add(now, differing, {"state": compared, "differences": differences, "code": code})


@dataclass(frozen=True)
class _Kept:
    """The provenance that is kept for one close."""

    settings: Settings
    close_id: str

    @property
    def folder(self) -> Path:
        """The folder of all numbers."""
        return _home(self.settings) / self.close_id

    @property
    def close_folder(self) -> Path:
        """The folder of the close."""
        return self.settings.archive / self.close_id

    @property
    def close_files(self) -> dict[str, str]:
        """The hash of each file of the close."""
        files: dict[str, str] = store.read_manifest(self.close_folder)["files"]
        return files

    @property
    def numbers(self) -> list[str]:
        """The names of the numbers, oldest first."""
        names = [path.name for path in self.folder.iterdir() if path.name.isdecimal()] if self.folder.is_dir() else []
        return sorted(names, key=int)

    @property
    def newest(self) -> Path:
        """The folder of the newest number."""
        return self.folder / self.numbers[-1]

    def newest_manifest(self) -> dict[str, Any]:
        """Return the manifest of the newest number."""
        return _manifest(self.newest)

    def add(self, now: Path, differing: Sequence[str], content: dict[str, Any]) -> int:
        """Keep the observations and documents that differ under the next number; return the number.

        Parameters
        ----------
        now: the folder that is frozen now. differing: the documents that differ. content: more keys of the manifest.
        """
        number = int(self.numbers[-1]) + 1 if self.numbers else 1
        previous = self.newest if self.numbers else self.close_folder
        self.folder.mkdir(parents=True, exist_ok=True)
        partial = Path(mkdtemp(prefix=store.TEMPORARY, dir=self.folder))
        try:
            _write_difference(self.close_folder / OBSERVATIONS, now / OBSERVATIONS, partial / OBSERVATIONS)
            for name in differing:
                shutil.copyfile(now / name, partial / name)
            manifest = {
                "close_id": self.close_id,
                "number": number,
                "files": {path.name: sha256_of(path) for path in sorted(partial.iterdir())},
                "previous": sha256_of(previous / store.MANIFEST),
                "kept_at": now_text(),
                **content,
            }
            write_synced(partial / store.MANIFEST, store.json_bytes(manifest))
            replace_synced(partial, self.folder / str(number))
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        _write_head(self.folder, number)
        return number


def of_figure(settings: Settings, close_id: str, condition: str) -> dict[str, Any] | None:
    """Return how the newest provenance of one figure differs; None if it is the same.

    Parameters
    ----------
    condition: the SQL condition of the observations that count in the figure.

    Returns
    -------
    ``{"number", "kept_at", "without": [record], "with": [record]}``, each record with source, object, record_id, file,
    line and numerator.
    """
    kept = _Kept(settings, close_id)
    if not kept.numbers:
        return None
    manifest = kept.newest_manifest()
    path = literal(kept.newest / OBSERVATIONS)
    with duckdb.connect() as connection:
        rows = connection.execute(
            "select kept, source_system, source_object, record_id, source_file, source_line, numerator "
            f"from read_parquet({path}) where {condition} order by all"
        ).fetchall()
    if not rows:
        return None
    names = ("source", "object", "record_id", "file", "line")
    difference: dict[str, Any] = {
        "number": manifest["number"],
        "kept_at": manifest["kept_at"],
        "without": [],
        "with": [],
    }
    for side, *record, numerator in rows:
        number = None if numerator is None else f"{numerator:f}"
        difference[side].append({**dict(zip(names, record, strict=True)), "numerator": number})
    return difference


def problems(settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with the kept provenance, as (close_id, sentence)."""
    home = _home(settings)
    for folder in sorted(home.iterdir()) if home.is_dir() else ():
        try:
            yield from ((folder.name, problem) for problem in _problems_of(_Kept(settings, folder.name)))
        except (OSError, ValueError, KeyError, TypeError):
            yield folder.name, f"The provenance kept in {folder} is damaged."


def _problems_of(kept: _Kept) -> Iterator[str]:
    folder, numbers = kept.folder, kept.numbers
    head = json.loads((folder / _HEAD).read_bytes()) if (folder / _HEAD).is_file() else {"number": 0}
    # A run that is killed before it writes the head leaves the head one number behind.
    if numbers != [str(number) for number in range(1, len(numbers) + 1)] or len(numbers) - head["number"] not in (0, 1):
        yield f"Provenance is missing in {folder}."
        return
    before = kept.close_folder / store.MANIFEST
    for number in numbers:
        manifest = _manifest(folder / number)
        if not before.is_file() or manifest["previous"] != sha256_of(before):
            yield f"The provenance {folder / number} does not follow the one before it."
        file_names = {path.name for path in (folder / number).iterdir()} - {store.MANIFEST}
        changed = [name for name in file_names if sha256_of(folder / number / name) != manifest["files"].get(name)]
        if changed or file_names != manifest["files"].keys():
            yield f"The provenance {folder / number} was changed after it was kept."
        before = folder / number / store.MANIFEST
    if head["number"] and head["manifest_sha256"] != sha256_of(folder / str(head["number"]) / store.MANIFEST):
        yield f"The provenance in {folder} was changed after it was kept."


def _write_difference(frozen: Path, now: Path, target: Path) -> None:
    """Write the observations that only one side has. ``kept`` is ``without`` for the close's, ``with`` for new ones."""
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        for name, path in (("frozen", frozen), ("fresh", now)):
            connection.execute(f"create view {name} as select * from read_parquet({literal(path)})")
        columns = [
            {row[0] for row in connection.execute(f"describe {name}").fetchall()} for name in ("frozen", "fresh")
        ]
        both = ", ".join(map(quoted, sorted(columns[0] & columns[1])))
        connection.execute(
            f"copy (select 'without' as kept, * from (select {both} from frozen except all select {both} from fresh) "
            f"union all by name select 'with' as kept, * from (select {both} from fresh except all select {both} "
            f"from frozen) order by all) to {literal(target)} (format parquet, compression zstd)"
        )
    sync(target)


def _write_head(folder: Path, number: int) -> None:
    head = {"number": number, "manifest_sha256": sha256_of(folder / str(number) / store.MANIFEST)}
    write_whole(folder / _HEAD, store.json_bytes(head))


def _home(settings: Settings) -> Path:
    return settings.state / "provenance"


def _manifest(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / store.MANIFEST).read_bytes()))
