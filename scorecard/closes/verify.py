"""Verify the archive: the hashes of every close, their chain, and that the archive has what was mailed.

Every reader of a close or a figure id starts here, so that no broken close is read.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from scorecard.closes import provenance, store
from scorecard.shared.errors import ScorecardError
from scorecard.shared.files import sha256_of
from scorecard.shared.settings import Settings

FigureKey = tuple[str, str, str, str, str, str]
"""Metric, grain, period label, scope, dimension and member."""


@dataclass(frozen=True)
class Mailed:
    """A close that was mailed, and the hash of its content then; None if that is unknown."""

    close_id: str
    content_sha256: str | None


def verify(settings: Settings, mailed: Sequence[Mailed] = ()) -> dict[str, Any]:
    """Read all closes and return what is broken.

    Parameters
    ----------
    mailed: the closes that the archive must have.

    Returns
    -------
    ``{"ok": bool, "closes": n, "broken": [{"close_id": str | None, "problem": sentence}]}``.
    """
    folders = store.folders(settings)
    problems: list[tuple[str | None, str]] = [
        *((folder.name, problem) for folder in folders for problem in problems_of(folder)),
        *_archive_problems(settings, mailed),
    ]
    if not folders and not problems:
        problems.append((None, f"There are no closes in {settings.archive}, so nothing is proved."))
    broken = [{"close_id": close_id, "problem": problem} for close_id, problem in problems]
    return {"ok": not broken, "closes": len(folders), "broken": broken}


def open_close(settings: Settings, close_id: str, mailed: Sequence[Mailed]) -> Path:
    """Return the folder of an intact close. Every reader of a close opens it here.

    Parameters
    ----------
    mailed: as in `verify`.

    Raises
    ------
    ScorecardError: the id is unknown; or `verify` finds the close, or the archive as a whole, broken.
    """
    folder = store.find_close(settings, close_id)
    problems = problems_of(folder)
    problems += [problem for name, problem in _archive_problems(settings, mailed) if name in (close_id, None)]
    if problems:
        raise ScorecardError(
            f"The close {folder.name} is broken, so it proves nothing: {' '.join(problems)}",
            "Restore its folder from a backup; `scorecard verify` lists all problems.",
        )
    return folder


def figure_ids(
    settings: Settings, metric: str | None = None, period: str | None = None, dimension: str | None = None
) -> dict[FigureKey, str]:
    """Return full figure ids by key, from the latest edition of each scorecard and period.

    If several closes have a figure, its id is that of the newest. A close with changed figures, or with a broken place
    in the chain, has no ids here. The arguments narrow what is read.
    """
    broken = {close_id for close_id, _ in chain_problems(settings)}
    latest = {
        str(path): manifest
        for manifest in store.closes(settings)
        if manifest["latest"]
        and not broken & {manifest["close_id"], None}
        and (path := _unchanged_figures(settings, manifest["close_id"]))
    }
    if not latest:
        return {}
    arguments = {"metric": metric, "period": period, "dimension": dimension}
    values: dict[str, object] = {name: value for name, value in arguments.items() if value is not None}
    conditions = " and ".join(["true", *(f"figures.{name} = ${name}" for name in values)])
    values |= {
        "paths": list(latest),
        "close_ids": [manifest["close_id"] for manifest in latest.values()],
        "sequences": [manifest["sequence"] for manifest in latest.values()],
    }
    with duckdb.connect() as connection:
        rows = connection.execute(
            "with closes as (select unnest($paths::varchar[]) as filename, "
            "unnest($close_ids::varchar[]) as close_id, unnest($sequences::bigint[]) as sequence) "
            "select metric, grain, period, scope, dimension, member, arg_max(close_id || '.' || figure_id, sequence) "
            "from read_parquet($paths, filename = true, union_by_name = true) as figures "
            "join closes using (filename) "
            f"where {conditions} group by all",
            values,
        ).fetchall()
    return {(row[0], row[1], row[2], row[3], row[4], row[5]): row[6] for row in rows}


def _unchanged_figures(settings: Settings, close_id: str) -> Path | None:
    """Return the path of a close's figures; None if they are missing or differ from its manifest."""
    path = settings.archive / close_id / "values.parquet"
    expected = store.read_manifest(path.parent)["files"].get(path.name)
    return path if path.is_file() and sha256_of(path) == expected else None


def _archive_problems(settings: Settings, mailed: Sequence[Mailed]) -> Iterator[tuple[str | None, str]]:
    """Yield what is wrong with the chain, with kept provenance, and with what was mailed."""
    yield from chain_problems(settings)
    yield from provenance.problems(settings)
    yield from _mailed_problems(settings, mailed)


def problems_of(folder: Path) -> list[str]:
    """Compare the files of one close with its manifest; return what is wrong."""
    try:
        manifest = store.read_manifest(folder)
    except ScorecardError as error:
        return [error.problem]
    problems = []
    file_names = {path.relative_to(folder).as_posix() for path in folder.rglob("*")}
    listed: dict[str, str] = manifest["files"]
    problems += [f"{name} is missing." for name in sorted(listed.keys() - file_names)]
    problems += [f"{name} is not of this close." for name in sorted(file_names - listed.keys() - {store.MANIFEST})]
    problems += [f"{store.MANIFEST} does not list {name}." for name in sorted(set(store.FILES) - listed.keys())]
    problems += [
        f"{name} was changed after the close."
        for name in sorted(listed.keys() & file_names)
        if not (folder / name).is_file() or sha256_of(folder / name) != listed[name]
    ]
    if store.content_sha256(listed) != manifest["content_sha256"]:
        problems.append(f"{store.MANIFEST} was changed: its content hash is not that of the files it lists.")
    if folder.name != f"{manifest['scorecard']}-{manifest['period']}-e{manifest['edition']}":
        problems.append(f"{store.MANIFEST} was changed: it is of another scorecard, period or edition than its folder.")
    return problems


def chain_problems(settings: Settings) -> Iterator[tuple[str | None, str]]:
    """Yield what is wrong with the chain, as (close_id or None, sentence). Damaged manifests are ignored."""
    readable = []
    for folder in store.folders(settings):
        try:
            readable.append(store.read_manifest(folder))
        except ScorecardError:
            continue
    readable.sort(key=lambda manifest: manifest["sequence"])
    before: dict[str, Any] | None = None
    for manifest in readable:
        close_id, sequence = manifest["close_id"], manifest["sequence"]
        expected = before["sequence"] + 1 if before else 1
        if sequence != expected:
            yield close_id, _gap(before, manifest, expected)
        else:
            problem = _link(settings, before, manifest)
            if problem:
                yield problem
        before = manifest
    yield from _head_problems(settings, readable)


def refuse_broken_chain(settings: Settings) -> None:
    """Refuse to add a close to a broken chain: it would confirm the change or the loss.

    Raises
    ------
    ScorecardError: the chain is broken.
    """
    for close_id, problem in chain_problems(settings):
        raise ScorecardError(
            f"The archive of closes is broken at {close_id or store.HEAD}: {problem}",
            f"Restore {settings.archive} from a backup; `scorecard verify` lists all problems. If there is no backup, "
            f"delete {settings.state / store.HEAD_COPY}, too: the next close then begins a new chain.",
        )


def _gap(before: dict[str, Any] | None, manifest: dict[str, Any], expected: int) -> str:
    """Return what is wrong with the number of a close in the chain."""
    previous = manifest["previous"]
    if manifest["sequence"] < expected:
        return f"It has the number {manifest['sequence']} in the chain, as has another close."
    name = previous["close_id"] if isinstance(previous, dict) and "close_id" in previous else "a close"
    after = f" after {before['close_id']}" if before else ""
    return f"The close before it is missing: {name}, number {manifest['sequence'] - 1} in the chain{after}."


def _link(settings: Settings, before: dict[str, Any] | None, manifest: dict[str, Any]) -> tuple[str | None, str] | None:
    """Return what is wrong with the link from a close to the one before it; None if it is sound."""
    previous = manifest["previous"]
    if before is None:
        is_first = previous is None
        return None if is_first else (manifest["close_id"], "It is the first of the chain but names one before it.")
    link = previous if isinstance(previous, dict) else {}
    if link.get("close_id") != before["close_id"]:
        return manifest["close_id"], f"It does not name {before['close_id']} as the close before it."
    if link.get("manifest_sha256") != sha256_of(settings.archive / before["close_id"] / store.MANIFEST):
        return before["close_id"], f"{store.MANIFEST} was changed: {manifest['close_id']} knows it by another hash."
    return None


def _head_problems(settings: Settings, readable: list[dict[str, Any]]) -> Iterator[tuple[str | None, str]]:
    """Yield what is wrong with the head of the chain and its copy outside the archive."""
    try:
        head = store.read_head(settings)
    except ScorecardError as error:
        yield None, error.problem
        return
    last = readable[-1] if readable else None
    newest = last["sequence"] if last else 0
    known = store.read_head_copy(settings)
    if known["sequence"] > max(newest, head["sequence"]):
        yield known["close_id"], f"It is missing: {store.HEAD_COPY} names it as the newest close that was made."
        return
    if head["sequence"] > newest:
        yield head["close_id"], "It is missing: the chain's head names it as the newest close."
        return
    # A run that is killed right after a close leaves the head one close behind. The next run mends it.
    if head["sequence"] < newest - 1:
        yield None, f"{store.HEAD} is missing or older than the newest close."
        return
    at_head = next((manifest for manifest in readable if manifest["sequence"] == head["sequence"]), None)
    if at_head is None:
        return
    folder = settings.archive / at_head["close_id"]
    if head["close_id"] != at_head["close_id"] or head["manifest_sha256"] != sha256_of(folder / store.MANIFEST):
        yield at_head["close_id"], f"{store.MANIFEST} was changed: the chain's head knows it by another hash."


def _mailed_problems(settings: Settings, mailed: Sequence[Mailed]) -> Iterator[tuple[str | None, str]]:
    """Yield the mailed closes that are missing, have other content now, or are newer than the chain's head."""
    folders = {folder.name: folder for folder in store.folders(settings)}
    for close_id in dict.fromkeys(letter.close_id for letter in mailed):
        if close_id not in folders:
            yield close_id, "It is missing, though it was mailed."
            continue
        try:
            manifest, head = store.read_manifest(folders[close_id]), store.read_head(settings)
        except ScorecardError:
            continue
        contents = {letter.content_sha256 for letter in mailed if letter.close_id == close_id} - {None}
        if contents - {manifest["content_sha256"]}:
            yield close_id, "It was mailed with other content than it has now."
        if manifest["sequence"] > head["sequence"]:
            yield close_id, f"{store.HEAD} is older than this close, though it was mailed."
