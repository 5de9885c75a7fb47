"""New provenance of equal values: what a close would rest on now, kept beside the archive without an edition.

``<state>/provenance/<close_id>/<number>/`` holds the observations that the close has and a later build lacks, and the
other way round, with every document that differs. Each is complete by itself: the close without the ones, with the
others. A manifest has the hash of each file and of the manifest before it (the close's own for the first), and
``head.json`` names the newest.
"""

import json
import shutil
from collections.abc import Iterator, Sequence
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
# Figures are recomputed from the observations, and what differs in them is listed in the manifest.
_LEFT_OUT = ("values.parquet", OBSERVATIONS, "restatements.json")


def keep(
    settings: Settings,
    close_id: str,
    now: Path,
    files: dict[str, str],
    differences: Sequence[dict[str, Any]],
    code: dict[str, Any],
) -> int | None:
    """Keep what a close would rest on now; return its number, None where that is what is known already.

    Parameters
    ----------
    now: the folder of what was frozen now. files: the hash of each of its files.
    differences: between the close and now, as `restatements` gives them.
    """
    compared = {name: digest for name, digest in files.items() if name not in store.NOT_CONTENT}
    folder = _home(settings) / close_id
    earlier = _numbers(folder)
    frozen = settings.archive / close_id
    closed = store.read_manifest(frozen)["files"]
    known = _manifest(folder / earlier[-1])["state"] if earlier else closed
    if compared == {name: known.get(name) for name in compared}:
        return None
    number = int(earlier[-1]) + 1 if earlier else 1
    folder.mkdir(parents=True, exist_ok=True)
    partial = Path(mkdtemp(prefix=store.TEMPORARY, dir=folder))
    try:
        _write_difference(frozen / OBSERVATIONS, now / OBSERVATIONS, partial / OBSERVATIONS)
        for name in sorted(files.keys() - set(_LEFT_OUT)):
            # A close of before may lack the file.
            if files[name] != closed.get(name):
                shutil.copyfile(now / name, partial / name)
        previous = folder / earlier[-1] if earlier else frozen
        manifest = {
            "close_id": close_id,
            "number": number,
            "files": {path.name: sha256_of(path) for path in sorted(partial.iterdir())},
            "state": compared,
            "previous": sha256_of(previous / store.MANIFEST),
            "differences": differences,
            "code": code,
            "kept_at": now_text(),
        }
        write_synced(partial / store.MANIFEST, store.json_bytes(manifest))
        replace_synced(partial, folder / str(number))
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    _write_head(folder, number)
    return number


def of_figure(settings: Settings, close_id: str, condition: str) -> dict[str, Any] | None:
    """Return how the newest provenance differs for one figure; None where it doesn't.

    Parameters
    ----------
    condition: which observations count in the figure, as SQL.

    Returns
    -------
    ``{"number", "kept_at", "without": [record ids], "with": [record ids]}``, each record as source, object, record id,
    file and line.
    """
    folder = _home(settings) / close_id
    earlier = _numbers(folder)
    if not earlier:
        return None
    manifest = _manifest(folder / earlier[-1])
    path = literal(folder / earlier[-1] / OBSERVATIONS)
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
    for kept, *record, numerator in rows:
        number = None if numerator is None else f"{numerator:f}"
        difference[kept].append({**dict(zip(names, record, strict=True)), "numerator": number})
    return difference


def problems(settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with what was kept, as (close_id, sentence)."""
    home = _home(settings)
    for folder in sorted(home.iterdir()) if home.is_dir() else ():
        try:
            yield from ((folder.name, problem) for problem in _problems_of(settings, folder))
        except (OSError, ValueError, KeyError, TypeError):
            yield folder.name, f"The provenance kept in {folder} is damaged."


def _problems_of(settings: Settings, folder: Path) -> Iterator[str]:
    numbers = _numbers(folder)
    head = json.loads((folder / _HEAD).read_bytes()) if (folder / _HEAD).is_file() else {"number": 0}
    # A run killed right after it kept something leaves the head one behind.
    if numbers != [str(number) for number in range(1, len(numbers) + 1)] or len(numbers) - head["number"] not in (0, 1):
        yield f"Provenance that was kept in {folder} is missing."
        return
    before = settings.archive / folder.name / store.MANIFEST
    for number in numbers:
        manifest = _manifest(folder / number)
        if not before.is_file() or manifest["previous"] != sha256_of(before):
            yield f"The provenance {folder / number} does not follow what was kept before it."
        file_names = {path.name for path in (folder / number).iterdir()} - {store.MANIFEST}
        changed = [name for name in file_names if sha256_of(folder / number / name) != manifest["files"].get(name)]
        if changed or file_names != manifest["files"].keys():
            yield f"The provenance {folder / number} was changed after it was kept."
        before = folder / number / store.MANIFEST
    if head["number"] and head["manifest_sha256"] != sha256_of(folder / str(head["number"]) / store.MANIFEST):
        yield f"The provenance in {folder} was changed after it was kept."


def _write_difference(frozen: Path, now: Path, target: Path) -> None:
    """Write the observations that only one side has, marked ``without`` (the close's) or ``with`` (the new ones)."""
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


def _numbers(folder: Path) -> list[str]:
    """Return the names of what was kept for a close, oldest first."""
    numbers = [path.name for path in folder.iterdir() if path.name.isdecimal()] if folder.is_dir() else []
    return sorted(numbers, key=int)


def _manifest(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / store.MANIFEST).read_bytes()))
