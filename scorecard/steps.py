"""The steps of a run, in order, as the command line and the DAGs call them. Each may be run again at any time.

extract → build (check raw, dbt, check KPIs, publish the snapshot) → publish (close, render, deliver).
"""

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scorecard.catalogue import Catalogue, Scorecard, load_catalogue, source_names
from scorecard.errors import ScorecardError, Temporary
from scorecard.periods import Grain, Period, parse_period
from scorecard.settings import Settings

if TYPE_CHECKING:
    from scorecard.archive.close import Close
    from scorecard.delivery.post import Outcome
    from scorecard.quality.results import CheckResult
    from scorecard.sources import Checked, ExtractResult

Progress = Callable[[str], None]


class Held(ScorecardError):
    """A scorecard that was not published, because a check of severity error failed on data it depends on."""


@dataclass(frozen=True)
class Published:
    """One scorecard of one period: its close, its PDFs, and what became of each letter."""

    close_id: str
    created: bool
    pdfs: tuple[Path, ...]
    outcomes: tuple["Outcome", ...]


def extract(settings: Settings, source: str, progress: Progress = print) -> "ExtractResult":
    """Bring the raw tables of a source up to date with its exports, or with the service; warnings go to ``progress``.

    Raises
    ------
    ScorecardError: no such source; or an export can't be used, and the warehouse is as it was; or an object of a
        service can't be read, and the others were loaded.
    """
    from scorecard import sources
    from scorecard.warehouse import snapshot

    contracts = sources.load_contracts(settings)
    if source not in contracts:
        raise ScorecardError(f"There is no source {source!r}.", f"Choose one of: {', '.join(sorted(contracts))}.")
    with snapshot.alone(settings):
        result = sources.extract(settings, contracts[source], progress)
    for warning in result.warnings:
        progress(f"Warning: {warning}")
    return result


def extract_all(settings: Settings, progress: Progress = print) -> list[tuple[str, ScorecardError]]:
    """Extract every source; return the business unit and error of each that failed, once all others are read."""
    from scorecard import sources

    failed = []
    for source, contract in sources.load_contracts(settings).items():
        try:
            extract(settings, source, progress)
        except ScorecardError as error:
            progress(f"{source}: failed")
            unit = settings.services[source].business_unit if contract.service else contract.business_unit
            failed.append((unit, error))
    return failed


def check_sources(settings: Settings) -> "Iterator[Checked]":
    """Say of each source whether it can be reached, as whom, what it may read and what is missing."""
    from scorecard import sources

    return sources.check(settings, sources.load_contracts(settings))


def build(settings: Settings, progress: Progress = print) -> bool:
    """Check what was extracted, build the warehouse in one dbt process, check it, and publish the snapshot.

    Returns False, at once, where neither data nor code nor settings changed since the published snapshot.

    Raises
    ------
    ScorecardError: a model can't be built. The snapshot of before stays. Failed checks don't raise: they are kept in
        the snapshot and hold the scorecards that depend on them.
    """
    from scorecard.warehouse import snapshot

    with snapshot.alone(settings):
        return _build(settings, progress)


def _build(settings: Settings, progress: Progress) -> bool:
    from scorecard import sources
    from scorecard.quality.results import store
    from scorecard.warehouse import models, snapshot

    for contract in sources.load_contracts(settings).values():
        # Reading what a source has loaded first undoes a load that was killed: half of it must not be built on.
        if not sources.read_held(settings.warehouse, contract):
            raise ScorecardError(
                f"Nothing of the source {contract.name} was loaded yet.", f"Run `scorecard extract {contract.name}`."
            )
    if models.write_model_list(settings):
        progress("The list of KPI models was stale and has been written again")
    of = snapshot.fingerprint(settings)
    if snapshot.published_fingerprint(settings) == of and (_artifacts(settings) / "manifest.json").exists():
        progress("Nothing changed since the last build")
        return False
    results = _build_and_check(settings, progress)
    with snapshot.writer(settings) as connection:
        store(connection, results)
    if snapshot.fingerprint(settings) != of:
        raise ScorecardError(
            "The code, the rules or the settings changed while the warehouse was being built.",
            "Run `scorecard build` again; what is published stays.",
        )
    _keep_artifacts(settings)
    snapshot.publish(settings, of)
    failed = [result for result in results if not result.passed]
    errors = sum(result.severity == "error" for result in failed)
    progress(
        f"{len(results) - len(failed)} of {len(results)} checks passed, {len(failed) - errors} warnings, "
        f"{errors} errors"
    )
    return True


def _artifacts(settings: Settings) -> Path:
    """Return the folder of dbt's manifest and compiled SQL of the published build."""
    return settings.state / "published_dbt"


def _keep_artifacts(settings: Settings) -> None:
    """Keep what dbt compiled for this build: a later one that fails leaves other SQL in its own folder."""
    made, kept = settings.state / "dbt", _artifacts(settings)
    beside = kept.with_name(f"{kept.name}.partial")
    shutil.rmtree(beside, ignore_errors=True)
    shutil.copytree(made / "compiled", beside / "compiled")
    shutil.copy(made / "manifest.json", beside)
    shutil.rmtree(kept, ignore_errors=True)
    beside.rename(kept)


def _build_and_check(settings: Settings, progress: Progress) -> list["CheckResult"]:
    from scorecard import lineage
    from scorecard.quality import gx
    from scorecard.quality.from_dbt import from_dbt
    from scorecard.quality.from_extract import from_extract
    from scorecard.quality.words import read_translations
    from scorecard.warehouse.dbt import Dbt
    from scorecard.warehouse.snapshot import writer

    catalogue = load_catalogue(settings)
    names = source_names(settings)
    dbt = Dbt(settings, progress)
    progress("Reading the dbt project")
    manifest = dbt.parse()
    touched = _metrics_by_relation(catalogue, manifest, lineage.metrics_downstream(manifest))
    progress("Checking the raw tables")
    results = gx.check_raw(settings, names, touched)
    with writer(settings) as connection:
        results += from_extract(connection, settings, names, touched)
    progress("Building the models")
    dbt.build()
    progress("Testing the models")
    results += from_dbt(dbt.test(), dbt.manifest(), touched, read_translations(settings.project))
    progress("Checking the KPIs")
    results += gx.check_kpis(settings, touched)
    with writer(settings) as connection:
        observed = connection.execute("select metric, business_unit from scorecard.horizons").fetchall()
    return _within_units(catalogue, results, lineage.units_upstream(manifest), observed)


def _within_units(
    catalogue: Catalogue,
    results: list["CheckResult"],
    units_of: dict[str, set[str]],
    observed: list[tuple[str, str]],
) -> list["CheckResult"]:
    """Let a check of one business unit's records touch the metrics observed in that unit only.

    Models join the units' records one below the other, so that by the models alone each would touch the other's
    metrics. A metric that nobody has observed may have lost its records to the very fault: it stays touched.
    """
    seen: dict[str, set[str]] = {}
    for metric, unit in observed:
        seen.setdefault(metric, set()).add(unit)

    def touches(metric: str, units: set[str]) -> bool:
        base = catalogue.metrics[metric].model.removeprefix("kpi_") if metric in catalogue.metrics else metric
        return not units or base not in seen or bool(units & seen[base])

    narrowed = []
    for result in results:
        relation = result.object if result.kind == "dbt" else f"raw_{result.source}.{result.object}"
        units = units_of.get(relation, set())
        narrowed.append(replace(result, metrics=tuple(name for name in result.metrics if touches(name, units))))
    return narrowed


def _metrics_by_relation(
    catalogue: Catalogue, manifest: dict[str, Any], downstream: dict[str, list[str]]
) -> dict[str, list[str]]:
    """Return the metrics, variants among them, that rest on each ``schema.relation``."""
    family: dict[str, list[str]] = {}
    for metric in catalogue.metrics.values():
        family.setdefault(metric.model.removeprefix("kpi_"), []).append(metric.name)
    nodes = {**manifest["nodes"], **manifest["sources"]}
    return {
        f"{nodes[node]['schema']}.{nodes[node]['name']}": sorted(
            {name for metric in metrics for name in family.get(metric, [metric])}
        )
        for node, metrics in downstream.items()
    }


def due(
    settings: Settings,
    cadence: Grain,
    period: str | None = None,
    scorecard: str | None = None,
    progress: Progress = print,
) -> list[tuple[str, str]]:
    """Name the scorecards of a cadence to publish, each with its period's label; ``progress`` is told which have none.

    Without a period, each scorecard's last complete one that has data. With one, the scorecards that have data in it.

    Raises
    ------
    ScorecardError: not a period of that cadence, no such scorecard, or a scorecard asked for by name has no data.
    """
    from scorecard.warehouse.values import has_data, last_period

    catalogue = load_catalogue(settings)
    asked = [catalogue.scorecard(scorecard)] if scorecard else list(catalogue.scorecards.values())
    found = []
    for each in asked:
        if cadence not in each.cadences:
            continue
        if period is None:
            label = last_period(settings, each.business_unit, each.metrics, cadence)
        else:
            label = _of_cadence(settings, period, cadence).label
            label = label if has_data(settings, each.business_unit, each.metrics, label) else None
        if label:
            found.append((each.name, label))
        elif scorecard:
            raise ScorecardError(
                f"The scorecard {scorecard} has no data in {period or f'any complete {cadence}'}.",
                "Ask for a period within its data; `scorecard values --by business_unit` lists them.",
            )
        else:
            progress(f"{each.name}: nothing to publish, for it has no data in {period or f'any complete {cadence}'}")
    return found


def _of_cadence(settings: Settings, text: str, cadence: Grain) -> Period:
    period = parse_period(text, settings.fiscal_year_start_month)
    if period.grain is not cadence:
        raise ScorecardError(f"{text} is a {period.grain}, not a {cadence}.", f"Name a {cadence}.")
    return period


def publish(settings: Settings, scorecard: str, period: str, progress: Progress = print) -> list[Path]:
    """Close, render and mail one scorecard of one period; return the paths of its PDFs. See `publish_one`.

    Raises
    ------
    Temporary: a letter is still to be sent: another try sends it, and no other again.
    ScorecardError: as there.
    """
    done = publish_one(settings, scorecard, period, progress)
    waiting = [each.key.recipient for each in done.outcomes if each.state == "claimed"]
    if waiting:
        raise Temporary(
            f"{done.close_id} has not been sent to {', '.join(waiting)} yet: the mail server asked to try later.",
            "Run again; nobody gets it twice.",
        )
    return list(done.pdfs)


def publish_one(settings: Settings, scorecard: str, period: str, progress: Progress = print) -> Published:
    """Close, render and mail one scorecard of one period; what is done already is left alone.

    Raises
    ------
    Held: a check failed on which the scorecard depends; its owner has been told by mail.
    ScorecardError: no data in the period, figures built by other code or settings, a damaged close, a font is missing,
        the mail server can't be reached.
    """
    from scorecard.warehouse import snapshot

    catalogue = load_catalogue(settings)
    entry = catalogue.scorecard(scorecard)
    of = parse_period(period, settings.fiscal_year_start_month)
    # The checks and the figures of one and the same snapshot.
    with snapshot.alone(settings):
        snapshot.refuse_stale(settings)
        _hold_if_failed(settings, catalogue, entry, of)
        closed = close(settings, entry, of)
    progress(f"{closed.close_id}: {'closed' if closed.created else 'closed before, nothing changed'}")
    pdfs = {language: _pdf(settings, closed, language) for language in entry.languages}
    outcomes = _deliver(settings, entry, of, closed, pdfs)
    for outcome in outcomes:
        progress(f"{closed.close_id} to {outcome.key.recipient}: {outcome.state}{'' if outcome.now else ' before'}")
    return Published(closed.close_id, closed.created, tuple(pdfs.values()), tuple(outcomes))


def _hold_if_failed(settings: Settings, catalogue: Catalogue, entry: Scorecard, period: Period) -> None:
    from scorecard.delivery import notify
    from scorecard.quality import gate
    from scorecard.quality.results import load
    from scorecard.warehouse.snapshot import reader

    with reader(settings) as connection:
        results = load(connection)
    failed = gate.held(results, set(entry.metrics))
    if not failed:
        return
    told = [notify.FailedCheck(check.name, check.message, check.cure) for check in failed]
    notify.notify_held(settings, entry.name, period.label, entry.owner, told)
    raise Held(
        f"The scorecard {entry.name} of {period} is held back by {len(failed)} failed "
        f"check{'s' if len(failed) > 1 else ''}:\n{gate.explain(failed)}\n",
        f"Then run again; {entry.owner} has been told.",
    )


def close(settings: Settings, entry: Scorecard, period: Period) -> "Close":
    """Freeze a scorecard's figures of a period; the same data gives the close that is there already."""
    from scorecard import lineage
    from scorecard.archive.close import close as freeze
    from scorecard.rendering.fonts import font_hashes

    catalogue = load_catalogue(settings)
    target = _artifacts(settings)
    columns = lineage.metric_lineage(settings, catalogue.metrics.values(), target)
    code = {"revision": _revision(settings.project), "dbt_manifest_sha256": _dbt_code(target / "manifest.json")}
    return freeze(settings, entry, catalogue.metrics, period, columns, code, font_hashes())


def _pdf(settings: Settings, closed: "Close", language: str) -> Path:
    """Render a close to out/, unless the file there is the very one that would come out."""
    from scorecard.rendering.render import render

    reports = settings.project / "reports"
    path = settings.out / f"{closed.close_id}-{language}.pdf"
    stamp = settings.state / "rendered" / f"{path.name}.json"
    made_of = _made_of(closed.path, reports)
    if path.exists() and stamp.exists() and stamp.read_bytes() == _stamp(made_of, path):
        return path
    write_whole(path, render(closed.path, language, reports))
    write_whole(stamp, _stamp(made_of, path))
    return path


def _stamp(made_of: str, path: Path) -> bytes:
    return json.dumps({"made_of": made_of, "sha256": _sha256(path)}).encode()


def _made_of(close_dir: Path, reports: Path) -> str:
    digest = hashlib.sha256((close_dir / "manifest.json").read_bytes())
    code = Path(__file__).parent / "rendering"
    for folder in (reports / "templates", reports / "styles", reports / "locales", code):
        for path in sorted(folder.rglob("*.*")):
            if path.suffix != ".pyc":
                digest.update(path.read_bytes())
    return digest.hexdigest()


def _deliver(
    settings: Settings, entry: Scorecard, period: Period, closed: "Close", pdfs: dict[str, Path]
) -> list["Outcome"]:
    from scorecard.delivery import mail
    from scorecard.rendering.render import summary
    from scorecard.rendering.wording import Wording

    reports = settings.project / "reports"
    spoken = {language: summary(closed.path, language, reports) for language in pdfs}
    words = {language: Wording(reports, language) for language in pdfs}
    letters = [
        mail.Letter(
            scorecard=entry.name,
            period=period.label,
            edition=closed.edition,
            recipient=reader.email,
            language=reader.language,
            domains=entry.domains,
            summary=mail.Summary(**vars(spoken[reader.language])),
            words={word: words[reader.language].say(word) for word in mail.WORDS},
            pdf=pdfs[reader.language],
            content_sha256=closed.content_sha256,
        )
        for reader in entry.recipients
    ]
    return mail.deliver(settings, letters)


def verify(settings: Settings) -> dict[str, Any]:
    """Check every hash of every close, their chain, and that the archive holds what was mailed; see `Mailed`."""
    from scorecard.archive.verify import Mailed
    from scorecard.archive.verify import verify as check
    from scorecard.delivery.ledger import deliveries

    try:
        rows = [row for row in deliveries(settings) if row.is_letter and row.state in ("sent", "unknown")]
    except ScorecardError as error:
        found = check(settings)
        return {**found, "ok": False, "broken": [*found["broken"], {"close_id": None, "problem": error.problem}]}
    return check(settings, [Mailed(row.close_id, row.content_sha256) for row in rows])


def notify_failure(settings: Settings, dag_id: str, task_id: str, error: object) -> None:
    """Tell the owner by mail that a task failed for good; a scorecard that is held back has been told already."""
    from scorecard.delivery import notify

    if isinstance(error, Held):
        return
    problem, cure = (
        (error.problem, error.cure) if isinstance(error, ScorecardError) else (str(error), "See the task's log.")
    )
    notify.notify_failed(settings, dag_id, task_id, problem, cure)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that there is never half of it.

    Raises
    ------
    ScorecardError: the disk is full or not writable, or the path is that of something other than a file.
    """
    if not path.name or (path.exists() and not path.is_file()):
        raise ScorecardError(f"{path} is no file that can be written.", "Name a file.")
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(content)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise ScorecardError(
            f"{path} cannot be written: {error.strerror}.",
            "Free space or mend the permissions, then run again.",
        ) from error


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _dbt_code(manifest: Path) -> str:
    """Return the hash of what dbt's manifest holds of the code: the run's hour and ids are no part of it."""
    content = json.loads(manifest.read_text(encoding="utf-8"))
    code = {name: node.get("checksum", {}).get("checksum") for name, node in content["nodes"].items()}
    code |= {name: macro["macro_sql"] for name, macro in content["macros"].items()}
    return hashlib.sha256(json.dumps(code, sort_keys=True).encode()).hexdigest()


def _revision(project: Path) -> str | None:
    """Return the git revision of the code, or none where the project is no checkout."""
    try:
        done = subprocess.run(
            ["git", "-C", str(project), "rev-parse", "HEAD"],
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
