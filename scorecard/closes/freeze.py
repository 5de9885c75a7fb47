"""Freeze one scorecard of one period: everything a page says and everything it rests on, with hashes.

Closing again makes the next edition where a reader sees a difference, and says what changed and why.
"""

import shutil
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from importlib import metadata
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from scorecard.catalogue import (
    COMPANY,
    Metric,
    Scorecard,
    declared_sources,
    load_catalogue,
    with_caveats,
)
from scorecard.closes import chain, contents, frozen_scope, provenance, store
from scorecard.closes.frozen_definitions import definitions_of
from scorecard.closes.matured import matured
from scorecard.closes.record_history import History, newest_loads
from scorecard.closes.restatements import Periods, makes_edition, restatements
from scorecard.closes.verify import Mailed, open_close
from scorecard.shared.errors import ScorecardError, Temporary
from scorecard.shared.files import replace_synced, sha256_of, write_synced
from scorecard.shared.languages import load_translations
from scorecard.shared.locks import alone
from scorecard.shared.moments import now_text
from scorecard.shared.periods import Period
from scorecard.shared.settings import Settings
from scorecard.shared.snapshot import snapshot

_LIBRARIES = (
    *(
        "babel",
        "dbt-core",
        "dbt-duckdb",
        "dlt",
        "duckdb",
        "fonttools",
        "great-expectations",
        "jinja2",
        "pyarrow",
    ),
    *("pydyf", "sqlglot", "tinycss2", "tinyhtml5", "weasyprint"),
)


@dataclass(frozen=True)
class Build:
    """What made the published warehouse, and what prints a close.

    lineage: per metric, ``{"sql": …, "columns": {…}, "upstream": {…}}``; those of the scorecard are kept.
    passes: per metric, the pass that computed it: ``{"sql": …, "metrics": […]}``.
    code: ``{"revision": git revision, "dbt_manifest_sha256": …}``.
    fonts: the sha256 of each font file that the pages are set in, by the file's name.
    printed: the figures that the pages of a close print, each as (metric, period, dimension, member); None where its
    pages can't be made any more.
    mailed: the closes that people hold on paper.
    """

    lineage: dict[str, Any]
    passes: dict[str, Any]
    code: dict[str, Any]
    fonts: dict[str, str]
    printed: Callable[[Path], Collection[tuple[str, str, str, str]] | None]
    mailed: Sequence[Mailed] = ()


@dataclass(frozen=True)
class Close:
    """One close. ``created`` is false where a reader would see the same as in the latest edition, which this then is.

    ``differences``: from the edition before, as `restatements` gives them. ``provenance``: the number under which new
    provenance of the same values was kept; None where there is none.
    """

    close_id: str
    path: Path
    created: bool
    edition: int
    content_sha256: str
    differences: tuple[dict[str, Any], ...] = ()
    provenance: int | None = None


def close(settings: Settings, scorecard: Scorecard, metrics: dict[str, Metric], period: Period, build: Build) -> Close:
    """Freeze a scorecard's figures of a period, and of the periods it compares with.

    Parameters
    ----------
    metrics: the whole catalogue's, by name.

    Raises
    ------
    ScorecardError: no published warehouse, no figures in the period, a damaged archive, or another close is going on
    for longer than five minutes.
    """
    settings.archive.mkdir(parents=True, exist_ok=True)
    busy = Temporary(
        "Another run is closing a period and has not finished.", "Wait for it to end, or stop it; then run again."
    )
    with alone(settings.archive / ".lock", busy):
        chain.sweep(settings)
        earlier = store.manifests(settings)
        chain.check_chain(settings)
        chain.mend_head(settings, earlier)
        folder = Path(mkdtemp(prefix=store.TEMPORARY, dir=settings.archive))
        try:
            raw = _freeze(settings, scorecard, metrics, period, build, folder)
            return _next_edition(settings, scorecard, period, build, folder, earlier, raw)
        except OSError as error:
            raise ScorecardError(
                f"The close of {scorecard.name} {period} can't be written to {settings.archive}: "
                f"{error.strerror or error}.",
                "Free space or mend the permissions, then run again; nothing was closed.",
            ) from error
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _freeze(
    settings: Settings, scorecard: Scorecard, metrics: dict[str, Metric], period: Period, build: Build, folder: Path
) -> dict[str, datetime]:
    """Write everything but the restatements to a folder; return the moment of the newest load of each raw schema."""
    chosen = frozen_scope.frozen_metrics(scorecard, metrics)
    behind = frozen_scope.behind_metrics(chosen, metrics)
    chosen, behind = (_of_business_unit(settings, scorecard, listed) for listed in (chosen, behind))
    converted = [name for name, entry in build.lineage.items() if _reads_rates(entry)]
    with snapshot(settings, "UTC") as connection:
        frozen = contents.read(connection, settings, scorecard, chosen, behind, period, converted)
        raw = newest_loads(connection)
    for name, table in frozen.tables.items():
        store.write_parquet(folder / name, table)
    bases = {metric.base for metric in (*chosen, *behind)}
    lineage = {name: build.lineage[name] for name in sorted(bases & build.lineage.keys())}
    foreign = tuple(f"{schema}." for schema in contents.foreign_sources(settings, scorecard.business_unit).values())
    documents = {
        "definitions.json": definitions_of(settings, scorecard, chosen, behind, frozen.horizons),
        "lineage.json": {name: _of_unit(entry, foreign) for name, entry in lineage.items()},
        "loads.json": frozen.loads,
        "passes.json": {name: build.passes[name] for name in sorted(bases & build.passes.keys())},
    }
    for name, content in documents.items():
        write_synced(folder / name, store.json_bytes(content))
    return raw


def _of_business_unit(settings: Settings, scorecard: Scorecard, metrics: list[Metric]) -> list[Metric]:
    """Return metrics with the numbers of the scorecard's unit, and what its sources say of them."""
    if settings.parameters:
        own = load_catalogue(settings, scorecard.business_unit).metrics
        metrics = [own[metric.name] for metric in metrics]
    translations = load_translations(settings.project / "reports")
    return with_caveats(metrics, declared_sources(settings).values(), scorecard.business_unit, translations)


def _next_edition(
    settings: Settings,
    scorecard: Scorecard,
    period: Period,
    build: Build,
    folder: Path,
    earlier: list[dict[str, Any]],
    raw: dict[str, datetime],
) -> Close:
    """Make the folder an edition, if a reader sees a difference from the latest one; else keep only its provenance."""
    files = {name: sha256_of(folder / name) for name in (*store.FILES, *store.ADDED) if name != "restatements.json"}
    latest = _latest(earlier, scorecard.name, period.label)
    differences: list[dict[str, Any]] = []
    if latest:
        path = open_close(settings, latest["close_id"], build.mailed)
        same = Close(latest["close_id"], path, False, latest["edition"], latest["content_sha256"])
        if _same(files, latest["files"]):
            return same
        differences = _compared(settings, latest, folder, period, scorecard.business_unit)
        if not makes_edition(differences):
            number = provenance.keep(settings, same.close_id, folder, files, differences, build.code)
            return replace(same, differences=tuple(differences), provenance=number)
        _mark_printed(differences, build.printed(path))
    differences += _final_now(settings, scorecard, period, folder, earlier)
    write_synced(folder / "restatements.json", store.json_bytes(differences))
    files["restatements.json"] = sha256_of(folder / "restatements.json")
    edition = latest["edition"] + 1 if latest else 1
    made = _chained(settings, scorecard, period, edition, files, earlier)
    manifest = {
        **made,
        "code": build.code,
        "libraries": _versions(),
        "fonts": build.fonts,
        "raw": {schema: moment.isoformat() for schema, moment in raw.items()},
        "closed_at": now_text(),
    }
    write_synced(folder / store.MANIFEST, store.json_bytes(manifest))
    path = settings.archive / manifest["close_id"]
    replace_synced(folder, path)
    chain.write_head(settings, manifest)
    return Close(manifest["close_id"], path, True, edition, manifest["content_sha256"], tuple(differences))


def _latest(earlier: list[dict[str, Any]], scorecard: str, period: str) -> dict[str, Any] | None:
    """Return the manifest of the latest edition of a scorecard's period."""
    editions = [manifest for manifest in earlier if (manifest["scorecard"], manifest["period"]) == (scorecard, period)]
    return max(editions, key=lambda manifest: int(manifest["edition"]), default=None)


def _final_now(
    settings: Settings, scorecard: Scorecard, period: Period, folder: Path, earlier: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return the figures of the period before that its own latest close holds as provisional, and this one as final."""
    before = period.shift(-1, settings.fiscal).label
    latest = _latest(earlier, scorecard.name, before)
    return matured(settings.archive / latest["close_id"], folder, before) if latest else []


def _chained(
    settings: Settings,
    scorecard: Scorecard,
    period: Period,
    edition: int,
    files: dict[str, str],
    earlier: list[dict[str, Any]],
) -> dict[str, Any]:
    """Return what a manifest says of a close's name, files and place in the chain."""
    before = earlier[-1] if earlier else None
    return {
        "close_id": f"{scorecard.name}-{period}-e{edition}",
        "scorecard": scorecard.name,
        "period": period.label,
        "grain": period.grain.value,
        "edition": edition,
        "sequence": before["sequence"] + 1 if before else 1,
        "content_sha256": store.content_sha256(files),
        "files": files,
        "previous": before
        and {
            "close_id": before["close_id"],
            "manifest_sha256": sha256_of(settings.archive / before["close_id"] / store.MANIFEST),
        },
    }


def _compared(settings: Settings, latest: dict[str, Any], now: Path, period: Period, unit: str) -> list[dict[str, Any]]:
    """Return what differs from the latest edition."""
    frozen = frozen_scope.frozen_periods(period, settings.fiscal)
    periods = Periods(period, frozen[1:3], frozen, settings.fiscal)
    since = {schema: datetime.fromisoformat(moment) for schema, moment in latest.get("raw", {}).items()}
    with snapshot(settings, "UTC") as connection:
        history = History(connection, settings, since, datetime.fromisoformat(latest["closed_at"]))
        names = contents.names(connection, unit)
        return restatements(settings.archive / latest["close_id"], now, periods, history, names)


def _mark_printed(differences: list[dict[str, Any]], printed: Collection[tuple[str, str, str, str]] | None) -> None:
    """Mark the figures that the pages of the edition before print."""
    for difference in differences:
        if printed is not None and "figure_id" in difference:
            figure = tuple(difference[name] for name in ("metric", "period", "dimension", "member"))
            difference["printed"] = figure in printed


def _reads_rates(entry: dict[str, Any]) -> bool:
    """Whether a metric's numbers come from rates of exchange, too."""
    return any(f"raw_{COMPANY}.fx_rates.rate" in fields for fields in entry["columns"].values())


def _of_unit(entry: dict[str, Any], foreign: tuple[str, ...]) -> dict[str, Any]:
    """Leave out the fields of other units' schemas: a source added elsewhere is no change of this scorecard."""
    columns = {
        name: [field for field in fields if not field.startswith(foreign)] for name, fields in entry["columns"].items()
    }
    return {**entry, "columns": columns}


def _same(files: dict[str, str], before: dict[str, str]) -> bool:
    """Restatements compare with the edition before and loads with nothing, so neither is a difference."""
    ignored = {"restatements.json", *store.NOT_CONTENT}
    return {name: digest for name, digest in files.items() if name not in ignored} == {
        name: digest for name, digest in before.items() if name not in ignored
    }


def _versions() -> dict[str, str]:
    versions = {}
    for name in _LIBRARIES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions
