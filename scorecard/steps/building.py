"""Check what was extracted, build the warehouse, check it, and publish the snapshot."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scorecard.catalogue import Catalogue, load_catalogue, source_names
from scorecard.shared.errors import ScorecardError
from scorecard.shared.settings import Settings
from scorecard.steps.extracting import Progress
from scorecard.steps.touched import metrics_by_relation, units_by_relation, within_units

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from scorecard.checks.results import CheckResult
    from scorecard.warehouse.dbt import Dbt
    from scorecard.warehouse.plan import Plan


class NothingLoaded(ScorecardError):
    """No source was extracted yet, so that there is nothing to build."""


def build(settings: Settings, progress: Progress = print) -> bool:
    """Check what was extracted, build the warehouse in one dbt process, check it, and publish the snapshot.

    Returns False, at once, where neither data nor code nor settings changed since the published snapshot.

    Raises
    ------
    NothingLoaded: no source was extracted yet.
    ScorecardError: a model can't be built. The snapshot of before stays. Failed checks don't raise: they are kept in
        the snapshot and hold the scorecards that depend on them.
    """
    from scorecard.warehouse import published

    with published.alone(settings):
        return _build(settings, progress)


def _build(settings: Settings, progress: Progress) -> bool:
    from scorecard.checks.results import store
    from scorecard.warehouse import published

    _note_unloaded(settings, progress)
    fingerprint = published.fingerprint(settings)
    if published.published_fingerprint(settings) == fingerprint and (artifacts(settings) / "manifest.json").exists():
        progress("Nothing changed since the last build")
        return False
    results = _build_and_check(settings, progress)
    with published.writer(settings) as connection:
        store(connection, results)
    if published.fingerprint(settings) != fingerprint:
        raise ScorecardError(
            "The code, the rules or the settings changed while the warehouse was being built.",
            "Run `scorecard build` again; what is published stays.",
        )
    _keep_artifacts(settings)
    published.publish(settings, fingerprint)
    failed = [result for result in results if not result.passed]
    errors = sum(result.severity == "error" for result in failed)
    progress(
        f"{len(results) - len(failed)} of {len(results)} checks passed; "
        f"warnings: {len(failed) - errors}, errors: {errors}"
    )
    return True


def run_dbt(settings: Settings, arguments: list[str]) -> bool:
    """Run a command of dbt on the warehouse, told what a build tells it; return whether it succeeded.

    Raises
    ------
    ScorecardError: the sources can't be read, or another process has the warehouse.
    """
    from scorecard.warehouse import published
    from scorecard.warehouse.dbt import Dbt

    with published.alone(settings):
        dbt = Dbt(settings, lambda _: None)
        _plan(settings, load_catalogue(settings), dbt)
        return dbt.run(arguments)


def plan(settings: Settings, progress: Progress = print) -> list[dict[str, Any]]:
    """Plan the KPIs as a build does; return a row per metric with SQL.

    Returns
    -------
    metric; pass (its number, none where the metric has none); shares_with (the other metrics of the pass); reason (why
    it has none); sql (of the pass).

    Raises
    ------
    ScorecardError: a KPI doesn't compile.
    """
    from scorecard.warehouse import published
    from scorecard.warehouse.dbt import Dbt

    with published.alone(settings):
        dbt = Dbt(settings, progress)
        made = _plan(settings, load_catalogue(settings), dbt)
    return made.rows()


def _plan(settings: Settings, catalogue: Catalogue, dbt: "Dbt") -> "Plan":
    from scorecard.warehouse.plan import make_plan, write_plan

    made = make_plan(catalogue, dbt.compile_kpis())
    write_plan(settings, made)
    return made


def _note_unloaded(settings: Settings, progress: Progress) -> None:
    """Note as a trouble each source of which nothing was loaded yet: the others are built without it.

    Raises
    ------
    NothingLoaded: nothing of any source was loaded.
    """
    from scorecard import extract

    contracts = extract.load_contracts(settings)
    for contract in contracts.values():
        # The build must not read half of a load that was killed.
        extract.recover(settings.warehouse, contract)
    newest_loads = {name: extract.read_state(settings.warehouse, contract) for name, contract in contracts.items()}
    # What people write themselves need not be there.
    of_systems = [name for name, contract in contracts.items() if not contract.folder]
    if not of_systems:
        raise NothingLoaded(
            "There is no source.", "Declare one: `scorecard new source NAME --from FILE` writes a start."
        )
    unloaded = [name for name in of_systems if not newest_loads[name]]
    if len(unloaded) == len(of_systems):
        raise NothingLoaded("Nothing of any source was loaded yet.", "Run `scorecard extract`.")
    troubled = {trouble.source for trouble in extract.troubles.read_all(settings)}
    for name in unloaded:
        error = ScorecardError(f"Nothing of the source {name} was loaded yet.", f"Run `scorecard extract {name}`.")
        progress(error.problem)
        # What the extraction said of it is worth more.
        if name not in troubled:
            extract.troubles.record(settings, contracts[name], error)


def artifacts(settings: Settings) -> Path:
    """Return the folder of dbt's manifest and compiled SQL of the published build."""
    return settings.state / "published_dbt"


def _keep_artifacts(settings: Settings) -> None:
    """Keep what dbt compiled for this build: a later one that fails leaves other SQL in its own folder."""
    from scorecard.warehouse.plan import FILE

    made, kept = settings.state / "dbt", artifacts(settings)
    beside = kept.with_name(f"{kept.name}.partial")
    shutil.rmtree(beside, ignore_errors=True)
    shutil.copytree(made / "compiled", beside / "compiled")
    shutil.copy(made / "manifest.json", beside)
    shutil.copy(settings.state / FILE, beside)
    shutil.rmtree(kept, ignore_errors=True)
    beside.rename(kept)


def _build_and_check(settings: Settings, progress: Progress) -> list["CheckResult"]:
    from scorecard.checks.dbt_by_unit import count_by_unit, units_by_test
    from scorecard.checks.dbt_doubts import with_doubts
    from scorecard.checks.doubt import columns_there
    from scorecard.checks.from_dbt import from_dbt
    from scorecard.checks.from_extract import from_extract
    from scorecard.checks.gx import check
    from scorecard.checks.named_rows import name_rows
    from scorecard.lineage import days_only, read_reach
    from scorecard.shared.languages import load_translations
    from scorecard.steps.narrowing import narrow
    from scorecard.warehouse.dbt import Dbt
    from scorecard.warehouse.published import writer

    catalogue = load_catalogue(settings)
    names = source_names(settings)
    dbt = Dbt(settings, progress)
    progress("Reading the dbt project")
    dbt.parse()
    progress("Planning the KPIs")
    _plan(settings, catalogue, dbt)
    manifest = dbt.manifest()
    touched = metrics_by_relation(settings, catalogue, manifest)
    progress("Checking the raw tables")
    results = check.check_raw(settings, names, touched)
    with writer(settings) as connection:
        results += from_extract(connection, settings, names, touched)
    progress("Building the models")
    dbt.build()
    progress("Testing the models")
    units_of = units_by_relation(settings, manifest)
    tested = from_dbt(dbt.test(), dbt.manifest(), touched, load_translations(settings.project / "reports"))
    with writer(settings) as connection:
        doubtful = with_doubts(tested, dbt.manifest(), columns_there(connection), days_only(manifest))
        counted = count_by_unit(connection, doubtful, dbt.manifest(), units_of)
        results += name_rows(connection, counted, dbt.manifest())
    with writer(settings) as connection:
        results += _check_facts(connection, settings, catalogue, touched)
    with writer(settings) as connection:
        results = narrow(connection, catalogue, read_reach(settings, dbt.target), touched, results)
    progress("Checking the KPIs")
    results += check.check_kpis(settings, touched)
    with writer(settings) as connection:
        observed = connection.execute("select metric, business_unit from scorecard.horizons").fetchall()
    return within_units(catalogue, results, units_of | units_by_test(dbt.manifest(), units_of), observed)


def _check_facts(
    connection: "DuckDBPyConnection", settings: Settings, catalogue: Catalogue, touched: dict[str, list[str]]
) -> list["CheckResult"]:
    """Check what holds of any source, by what the facts declare of its records."""
    from scorecard.catalogue.dbt_lists import core_models
    from scorecard.checks.from_facts import from_facts
    from scorecard.checks.gx.suites import told_by_rules
    from scorecard.shared.languages import load_translations

    covered = told_by_rules(settings, source_names(settings))
    words = load_translations(settings.project / "reports")
    return from_facts(connection, core_models(settings).values(), touched, covered, catalogue.dimensions, words)
