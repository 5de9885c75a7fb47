"""Freeze one scorecard of one period: everything on its pages and everything that these rest on, with hashes.

Closing a period again makes the next edition if a reader sees a difference. The edition lists what changed and why.
"""

import shutil
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from importlib import metadata
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from scorecard.catalogue import COMPANY, Metric, Scorecard, declared_sources, load_catalogue, with_caveats
from scorecard.closes import contents, provenance, store
from scorecard.closes.frozen_definitions import definitions_of
from scorecard.closes.frozen_scope import CloseScope, behind_metrics, frozen_metrics, frozen_periods
from scorecard.closes.record_history import History, newest_loads
from scorecard.closes.restatements import makes_edition, newly_final, restatements
from scorecard.closes.shown_differences import Periods
from scorecard.closes.verify import Mailed, open_close, refuse_broken_chain
from scorecard.shared.errors import ScorecardError, Temporary
from scorecard.shared.files import replace_synced, sha256_of, write_synced
from scorecard.shared.languages import load_translations
from scorecard.shared.locks import alone
from scorecard.shared.moments import now_text
from scorecard.shared.periods import Period
from scorecard.shared.settings import Settings
from scorecard.shared.snapshot import snapshot

_LIBRARIES = (
    *("babel", "dbt-core", "dbt-duckdb", "dlt", "duckdb", "fonttools", "great-expectations", "jinja2", "pyarrow"),
    *("pydyf", "sqlglot", "tinycss2", "tinyhtml5", "weasyprint"),
)


@dataclass(frozen=True)
class Build:
    """What made the published warehouse, and what prints a close.

    lineage: by metric, ``{"sql": …, "columns": {…}, "upstream": {…}}``; the close has the scorecard's metrics.
    passes: by metric, the pass that computed it: ``{"sql": …, "metrics": […]}``.
    code: ``{"revision": git revision, "dbt_manifest_sha256": …}``.
    fonts: the sha256 of each font file of the pages, by file name.
    printed: returns the figures on the pages of a close, each as (metric, period, dimension, member), or None if this
        release can't render the close.
    mailed: the closes that the archive must have.
    """

    lineage: dict[str, Any]
    passes: dict[str, Any]
    code: dict[str, Any]
    fonts: dict[str, str]
    printed: Callable[[Path], Collection[tuple[str, str, str, str]] | None]
    mailed: Sequence[Mailed] = ()


@dataclass(frozen=True)
class Close:
    """One close.

    created: false if a reader sees no difference; then it is the latest edition.
    differences: from the edition before, as `restatements` returns them.
    provenance: the number of the new provenance of the same values; None if there is no new one.
    """

    close_id: str
    path: Path
    created: bool
    edition: int
    content_sha256: str
    differences: tuple[dict[str, Any], ...] = ()
    provenance: int | None = None


def close(settings: Settings, scorecard: Scorecard, metrics: dict[str, Metric], period: Period, build: Build) -> Close:
    """Freeze a scorecard's figures of a period, and of the periods that it compares with.

    Parameters
    ----------
    metrics: all metrics of the catalogue, by name.

    Raises
    ------
    ScorecardError: there is no published warehouse, the period has no figures, the archive is damaged, or another close
        runs for more than five minutes.
    """
    settings.archive.mkdir(parents=True, exist_ok=True)
    busy = Temporary(
        "Another run is closing a period and has not finished.", "Wait until it ends, or stop it. Then run again."
    )
    with alone(settings.archive / ".lock", busy):
        store.sweep(settings)
        earlier = store.manifests(settings)
        refuse_broken_chain(settings)
        store.mend_head(settings, earlier)
        folder = Path(mkdtemp(prefix=store.TEMPORARY, dir=settings.archive))
        closing = _Closing(settings, scorecard, period, build, earlier, folder)
        try:
            newest = closing.freeze(metrics)
            return closing.next_edition(newest)
        except OSError as error:
            raise ScorecardError(
                f"The close of {scorecard.name} {period} can't be written to {settings.archive}: "
                f"{error.strerror or error}.",
                "Free space or correct the permissions, then run again. No close was made.",
            ) from error
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True)
class _Closing:
    """One close in the making.

    earlier: the manifests of all closes, oldest first. folder: a temporary folder, which becomes the edition.
    """

    settings: Settings
    scorecard: Scorecard
    period: Period
    build: Build
    earlier: list[dict[str, Any]]
    folder: Path

    def freeze(self, metrics: dict[str, Metric]) -> dict[str, datetime]:
        """Write all files except the restatements; return the moment of the newest load of each raw schema."""
        settings, lineage, passes = self.settings, self.build.lineage, self.build.passes
        scope = self._scope(metrics)
        converted = [name for name, entry in lineage.items() if _reads_rates(entry)]
        with snapshot(settings, "UTC") as connection:
            frozen = contents.read(connection, settings, scope, converted)
            newest = newest_loads(connection)
        for name, table in frozen.tables.items():
            store.write_parquet(self.folder / name, table)
        bases = {metric.base for metric in scope.all_metrics}
        schemas = contents.foreign_sources(settings, self.scorecard.business_unit).values()
        foreign = tuple(f"{schema}." for schema in schemas)
        documents = {
            "definitions.json": definitions_of(settings, scope, frozen.horizons),
            "lineage.json": {name: _of_unit(lineage[name], foreign) for name in sorted(bases & lineage.keys())},
            "loads.json": frozen.loads,
            "passes.json": {name: passes[name] for name in sorted(bases & passes.keys())},
        }
        for name, content in documents.items():
            write_synced(self.folder / name, store.json_bytes(content))
        return newest

    def _scope(self, metrics: dict[str, Metric]) -> CloseScope:
        chosen = frozen_metrics(self.scorecard, metrics)
        behind = behind_metrics(chosen, metrics)
        return CloseScope(self.scorecard, self.period, self._of_business_unit(chosen), self._of_business_unit(behind))

    def _of_business_unit(self, metrics: list[Metric]) -> list[Metric]:
        """Return metrics with the parameters of the scorecard's unit and the caveats of its sources."""
        unit = self.scorecard.business_unit
        if self.settings.parameters:
            unit_metrics = load_catalogue(self.settings, unit).metrics
            metrics = [unit_metrics[metric.name] for metric in metrics]
        translations = load_translations(self.settings.project / "reports")
        return with_caveats(metrics, declared_sources(self.settings).values(), unit, translations)

    def next_edition(self, newest: dict[str, datetime]) -> Close:
        """Make the folder an edition if a reader sees a difference from the latest one; else keep its provenance."""
        names = (*store.FILES, *store.ADDED)
        files = {name: sha256_of(self.folder / name) for name in names if name != "restatements.json"}
        latest = self._latest(self.period.label)
        differences: list[dict[str, Any]] = []
        if latest:
            path = open_close(self.settings, latest["close_id"], self.build.mailed)
            unchanged = Close(latest["close_id"], path, False, latest["edition"], latest["content_sha256"])
            if _same(files, latest["files"]):
                return unchanged
            differences = self._differences(latest)
            if not makes_edition(differences):
                code = self.build.code
                number = provenance.keep(self.settings, path.name, self.folder, files, differences, code)
                return replace(unchanged, differences=tuple(differences), provenance=number)
            _mark_printed(differences, self.build.printed(path))
        differences += self._final_now()
        write_synced(self.folder / "restatements.json", store.json_bytes(differences))
        files["restatements.json"] = sha256_of(self.folder / "restatements.json")
        manifest = self._manifest(latest["edition"] + 1 if latest else 1, files, newest)
        return self._publish(manifest, differences)

    def _latest(self, period: str) -> dict[str, Any] | None:
        """Return the manifest of the latest edition of the scorecard in a period."""
        key = (self.scorecard.name, period)
        editions = [manifest for manifest in self.earlier if (manifest["scorecard"], manifest["period"]) == key]
        return max(editions, key=lambda manifest: int(manifest["edition"]), default=None)

    def _differences(self, latest: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the differences from the latest edition."""
        settings = self.settings
        frozen = frozen_periods(self.period, settings.fiscal)
        periods = Periods(self.period, frozen[1:3], frozen, settings.fiscal)
        since = {schema: datetime.fromisoformat(moment) for schema, moment in latest.get("raw", {}).items()}
        with snapshot(settings, "UTC") as connection:
            history = History(connection, settings, since, datetime.fromisoformat(latest["closed_at"]))
            names = contents.renamed_members(connection, self.scorecard.business_unit)
            return restatements(settings.archive / latest["close_id"], self.folder, periods, history, names)

    def _final_now(self) -> list[dict[str, Any]]:
        """Return the figures of the period before that are provisional in its latest close and final in this one."""
        before = self.period.shift(-1, self.settings.fiscal).label
        latest = self._latest(before)
        return newly_final(self.settings.archive / latest["close_id"], self.folder, before) if latest else []

    def _manifest(self, edition: int, files: dict[str, str], newest: dict[str, datetime]) -> dict[str, Any]:
        before = self.earlier[-1] if self.earlier else None
        return {
            "close_id": f"{self.scorecard.name}-{self.period}-e{edition}",
            "scorecard": self.scorecard.name,
            "period": self.period.label,
            "grain": self.period.grain.value,
            "edition": edition,
            "sequence": before["sequence"] + 1 if before else 1,
            "content_sha256": store.content_sha256(files),
            "files": files,
            "previous": before
            and {
                "close_id": before["close_id"],
                "manifest_sha256": sha256_of(self.settings.archive / before["close_id"] / store.MANIFEST),
            },
            "code": self.build.code,
            "libraries": _versions(),
            "fonts": self.build.fonts,
            "raw": {schema: moment.isoformat() for schema, moment in newest.items()},
            "closed_at": now_text(),
        }

    def _publish(self, manifest: dict[str, Any], differences: list[dict[str, Any]]) -> Close:
        """Write the manifest, move the folder into the archive, and name it as the newest close."""
        write_synced(self.folder / store.MANIFEST, store.json_bytes(manifest))
        close_id = manifest["close_id"]
        path = self.settings.archive / close_id
        replace_synced(self.folder, path)
        store.write_head(self.settings, manifest)
        return Close(close_id, path, True, manifest["edition"], manifest["content_sha256"], tuple(differences))


def _mark_printed(differences: list[dict[str, Any]], printed: Collection[tuple[str, str, str, str]] | None) -> None:
    """Mark the figures on the pages of the edition before. ``printed``: None if they are unknown."""
    for difference in differences:
        if printed is not None and "figure_id" in difference:
            figure = tuple(difference[name] for name in ("metric", "period", "dimension", "member"))
            difference["printed"] = figure in printed


def _reads_rates(entry: dict[str, Any]) -> bool:
    """Whether exchange rates convert the amounts of a metric. ``entry``: of its lineage."""
    return any(f"raw_{COMPANY}.fx_rates.rate" in fields for fields in entry["columns"].values())


def _of_unit(entry: dict[str, Any], foreign: tuple[str, ...]) -> dict[str, Any]:
    """Return a lineage entry without the fields of other units' schemas: another unit's source changes no close."""
    columns = {
        name: [field for field in fields if not field.startswith(foreign)] for name, fields in entry["columns"].items()
    }
    return {**entry, "columns": columns}


def _same(files: dict[str, str], before: dict[str, str]) -> bool:
    """Whether two editions have the same content. Their restatements, loads and passes don't count."""
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
