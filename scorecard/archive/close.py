"""Freeze one scorecard of one period: everything a page says and everything it rests on, with hashes.

Closing again with the same data changes nothing; with other data it makes the next edition and says what changed.
"""

import json
import os
import shutil
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from scorecard.archive import snapshot, store
from scorecard.archive.restatements import meaning, restatements
from scorecard.archive.verify import chain_problems, refuse_broken
from scorecard.catalogue import Metric, Scorecard
from scorecard.errors import ScorecardError, Temporary
from scorecard.locks import alone
from scorecard.periods import Period
from scorecard.settings import Settings

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
class Close:
    """One close. ``created`` is false where the data was the same as in the latest edition, which this then is."""

    close_id: str
    path: Path
    created: bool
    edition: int
    content_sha256: str


def close(
    settings: Settings,
    scorecard: Scorecard,
    metrics: dict[str, Metric],
    period: Period,
    lineage: dict[str, Any],
    code: dict[str, Any],
    fonts: dict[str, str],
) -> Close:
    """Freeze a scorecard's figures of a period, and of the periods it compares with.

    Parameters
    ----------
    metrics: the whole catalogue's, by name.
    lineage: per metric, ``{"sql": …, "columns": {…}}``; those of the scorecard are kept.
    code: ``{"revision": git revision, "dbt_manifest_sha256": …}``.
    fonts: the sha256 of each font file that its pages are set in, by the file's name.

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
        _sweep(settings)
        earlier = store.manifests(settings)
        _check_chain(settings)
        _mend_head(settings, earlier)
        editions = [each for each in earlier if (each["scorecard"], each["period"]) == (scorecard.name, period.label)]
        latest = max(editions, key=lambda each: int(each["edition"]), default=None)
        folder = Path(mkdtemp(prefix=store.TEMPORARY, dir=settings.archive))
        try:
            return _freeze(settings, scorecard, metrics, period, lineage, code, fonts, folder, earlier, latest)
        except OSError as error:
            raise ScorecardError(
                f"The close of {scorecard.name} {period} can't be written to {settings.archive}: "
                f"{error.strerror or error}.",
                "Free space or mend the permissions, then run again; nothing was closed.",
            ) from error
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _freeze(
    settings: Settings,
    scorecard: Scorecard,
    metrics: dict[str, Metric],
    period: Period,
    lineage: dict[str, Any],
    code: dict[str, Any],
    fonts: dict[str, str],
    folder: Path,
    earlier: list[dict[str, Any]],
    latest: dict[str, Any] | None,
) -> Close:
    chosen = snapshot.frozen_metrics(scorecard, metrics)
    with snapshot.opened(settings) as connection:
        frozen = snapshot.read(connection, settings, scorecard, chosen, period)
    for name, table in frozen.tables.items():
        _write_parquet(folder / name, table)
    bases = {snapshot.base_of(metric) for metric in chosen}
    documents = {
        "definitions.json": _definitions(settings, scorecard, chosen, frozen.horizons),
        "lineage.json": {name: _of_unit(settings, scorecard, lineage[name]) for name in bases if name in lineage},
        "loads.json": frozen.loads,
    }
    for name, content in documents.items():
        store.write_durably(folder / name, store.json_bytes(content))
    files = {name: store.sha256_of(folder / name) for name in store.FILES if name != "restatements.json"}
    if latest and (_same(files, latest["files"]) or _says_the_same(folder, settings.archive / latest["close_id"])):
        path = settings.archive / latest["close_id"]
        refuse_broken(settings, path)
        return Close(latest["close_id"], path, False, latest["edition"], latest["content_sha256"])

    changed = restatements(settings.archive / latest["close_id"], folder, latest, code) if latest else []
    store.write_durably(folder / "restatements.json", store.json_bytes(changed))
    files["restatements.json"] = store.sha256_of(folder / "restatements.json")
    edition = latest["edition"] + 1 if latest else 1
    close_id = f"{scorecard.name}-{period}-e{edition}"
    before = earlier[-1] if earlier else None
    content_sha256 = store.content_sha256(files)
    manifest = {
        "close_id": close_id,
        "scorecard": scorecard.name,
        "period": period.label,
        "grain": period.grain.value,
        "edition": edition,
        "sequence": before["sequence"] + 1 if before else 1,
        "content_sha256": content_sha256,
        "files": files,
        "previous": before
        and {
            "close_id": before["close_id"],
            "manifest_sha256": store.sha256_of(settings.archive / before["close_id"] / store.MANIFEST),
        },
        "code": code,
        "libraries": _versions(),
        "fonts": fonts,
        "closed_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    store.write_durably(folder / store.MANIFEST, store.json_bytes(manifest))
    store.sync_folder(folder)
    path = settings.archive / close_id
    os.rename(folder, path)
    store.sync_folder(settings.archive)
    _write_head(settings, manifest)
    return Close(close_id, path, True, edition, content_sha256)


def _of_unit(settings: Settings, scorecard: Scorecard, entry: dict[str, Any]) -> dict[str, Any]:
    """Leave out the fields of other units' sources: a source added elsewhere is no change of this scorecard."""
    foreign = tuple(f"{schema}." for schema in snapshot.foreign_sources(settings, scorecard.business_unit).values())
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


def _says_the_same(now: Path, before: Path) -> bool:
    """Whether two closes differ in nothing but words and SQL: an upgrade that words a check anew mails nobody again."""
    frozen = ("values.parquet", "observations.parquet", "targets.parquet", "actions.parquet")
    if any(not (before / name).is_file() for name in store.FILES):
        return False
    same = all(_same_rows(now / name, before / name) for name in frozen)
    return same and _findings(now) == _findings(before) and _meanings(now) == _meanings(before)


def _same_rows(now: Path, before: Path) -> bool:
    """Whether two tables hold the same rows; a column that only one of them has must be empty, types may differ."""
    if store.sha256_of(now) == store.sha256_of(before):
        return True
    tables = [pq.read_table(path) for path in (now, before)]
    if tables[0].num_rows != tables[1].num_rows:
        return False
    for name in {*tables[0].column_names, *tables[1].column_names}:
        columns = [table[name] for table in tables if name in table.column_names]
        if len(columns) == 1 and columns[0].null_count < len(columns[0]):
            return False
        if len(columns) == 2 and not columns[0].equals(columns[1]) and columns[0].to_pylist() != columns[1].to_pylist():
            return False
    return True


def _findings(folder: Path) -> list[tuple[object, ...]]:
    """Return what of the checks a reader has to know: which failed, how, how often and whom it touches."""
    columns = ["check_id", "severity", "failures", "metrics"]
    failed = pq.read_table(folder / "checks.parquet", columns=columns, filters=[("passed", "=", False)])
    return sorted((row["check_id"], row["severity"], row["failures"], row["metrics"]) for row in failed.to_pylist())


def _meanings(folder: Path) -> dict[str, Any]:
    """Return what of the definitions a figure depends on, and which figures are shown."""
    definitions = json.loads((folder / "definitions.json").read_text(encoding="utf-8"))
    shown = {name: said for name, said in definitions["scorecard"].items() if name not in ("title", "purpose", "owner")}
    metrics = {name: meaning(entry) for name, entry in definitions["metrics"].items()}
    return {**definitions, "scorecard": shown, "metrics": metrics}


def _definitions(
    settings: Settings, scorecard: Scorecard, metrics: list[Metric], horizons: dict[str, Any]
) -> dict[str, Any]:
    # Who receives a scorecard, and when, is not what it says: a new reader makes no new edition.
    entry = asdict(scorecard)
    for name in ("recipients", "domains", "due"):
        del entry[name]
    return {
        "scorecard": entry,
        "metrics": {metric.name: asdict(metric) for metric in metrics},
        "settings": {
            "company": settings.company,
            "timezone": settings.timezone,
            "currency": settings.currency,
            **_fiscal(settings),
        },
        "horizons": horizons,
    }


def _fiscal(settings: Settings) -> dict[str, Any]:
    """Return what is said of the fiscal year. Of the default name nothing is, as in closes of the first release."""
    fiscal = settings.fiscal
    named = {} if fiscal.named_after == "end" else {"fiscal_year_named_after": fiscal.named_after}
    return {"fiscal_year_start_month": fiscal.first_month, **named}


def _write_parquet(path: Path, table: pa.Table) -> None:
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
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _versions() -> dict[str, str]:
    found = {}
    for name in _LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _write_head(settings: Settings, manifest: dict[str, Any]) -> None:
    path = settings.archive / manifest["close_id"] / store.MANIFEST
    head = {
        "close_id": manifest["close_id"],
        "sequence": manifest["sequence"],
        "manifest_sha256": store.sha256_of(path),
    }
    beside = settings.archive / f"{store.TEMPORARY}chain.json"
    store.write_durably(beside, store.json_bytes(head))
    beside.replace(settings.archive / store.HEAD)
    store.sync_folder(settings.archive)


def _check_chain(settings: Settings) -> None:
    """Refuse to build on a broken chain: the next close would vouch for what was changed or lost."""
    for close_id, problem in chain_problems(settings):
        raise ScorecardError(
            f"The archive of closes is broken at {close_id or store.HEAD}: {problem}",
            f"Restore {settings.archive} from a backup; `scorecard verify` lists all that is broken.",
        )


def _mend_head(settings: Settings, earlier: list[dict[str, Any]]) -> None:
    """Catch up after a run that was killed between a close and its entry in the chain's head; never more than one."""
    if earlier and store.read_head(settings)["sequence"] == earlier[-1]["sequence"] - 1:
        _write_head(settings, earlier[-1])


def _sweep(settings: Settings) -> None:
    """Remove what a killed run left half written."""
    for leftover in settings.archive.glob(f"{store.TEMPORARY}*"):
        if leftover.is_dir():
            shutil.rmtree(leftover)
        else:
            leftover.unlink()
