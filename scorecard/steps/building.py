"""Check the raw tables, build the warehouse, check it, and publish the snapshot."""

import shutil
from dataclasses import dataclass
from functools import cached_property
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
    """No source is loaded yet, so there is nothing to build."""


def build(settings: Settings, progress: Progress = print) -> bool:
    """Check the raw tables, build the warehouse in one dbt process, check it, and publish the snapshot.

    Returns False without a build if data, code and settings are those of the published snapshot.

    Raises
    ------
    NothingLoaded: no source is loaded yet.
    ScorecardError: a model can't be built. The published snapshot stays. A failed check doesn't raise: it is kept in
        the snapshot, and holds the scorecards that depend on it.
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
            "The code, the rules or the settings changed during the build.",
            "Run `scorecard build` again. The published snapshot stays until then.",
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
    """Run a command of dbt on the warehouse with the variables of a build; return whether it succeeded.

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
    """Plan the KPIs as a build does.

    Returns
    -------
    One row for each metric with SQL: metric; pass (its number, or None); shares_with (the other metrics of the pass);
    reason (why it has no pass); sql (of the pass).

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
    """Record a trouble for each source that is not loaded yet. The build goes on without it.

    Raises
    ------
    NothingLoaded: no source is loaded.
    """
    from scorecard import extract

    contracts = extract.load_contracts(settings)
    for contract in contracts.values():
        # A killed load may be half written. The build must not read it.
        extract.recover(settings.warehouse, contract)
    newest_loads = {name: extract.read_state(settings.warehouse, contract) for name, contract in contracts.items()}
    # Folders of files that people write may be empty.
    systems = [name for name, contract in contracts.items() if not contract.folder]
    if not systems:
        raise NothingLoaded(
            "There is no source.", "Declare one: `scorecard new source NAME --from FILE` writes a start."
        )
    unloaded = [name for name in systems if not newest_loads[name]]
    if len(unloaded) == len(systems):
        raise NothingLoaded("Nothing of any source was loaded yet.", "Run `scorecard extract`.")
    troubled = {trouble.source for trouble in extract.troubles.read_all(settings)}
    for name in unloaded:
        error = ScorecardError(f"Nothing of the source {name} was loaded yet.", f"Run `scorecard extract {name}`.")
        progress(error.problem)
        # A trouble that the extraction recorded has more details.
        if name not in troubled:
            extract.troubles.record(settings, contracts[name], error)


def artifacts(settings: Settings) -> Path:
    """Return the folder with dbt's manifest and compiled SQL of the published build."""
    return settings.state / "published_dbt"


def _keep_artifacts(settings: Settings) -> None:
    """Copy what dbt compiled for this build. A later build that fails overwrites dbt's own folder."""
    from scorecard.warehouse.plan import FILE

    target, kept = settings.state / "dbt", artifacts(settings)
    partial = kept.with_name(f"{kept.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(target / "compiled", partial / "compiled")
    shutil.copy(target / "manifest.json", partial)
    shutil.copy(settings.state / FILE, partial)
    shutil.rmtree(kept, ignore_errors=True)
    partial.rename(kept)


def _build_and_check(settings: Settings, progress: Progress) -> list["CheckResult"]:
    """Build the models, check the data before and after, and return the results of all checks."""
    from scorecard.warehouse.dbt import Dbt

    catalogue = load_catalogue(settings)
    dbt = Dbt(settings, progress)
    progress("Reading the dbt project")
    dbt.parse()
    progress("Planning the KPIs")
    _plan(settings, catalogue, dbt)
    return _CheckedBuild(settings, catalogue, dbt, dbt.manifest(), progress).results()


@dataclass(frozen=True)
class _CheckedBuild:
    """A build of the models between the checks of its inputs and of its outputs. manifest: dbt's, before the build."""

    settings: Settings
    catalogue: Catalogue
    dbt: "Dbt"
    manifest: dict[str, Any]
    progress: Progress

    def results(self) -> list["CheckResult"]:
        """Build the models; return the results of all checks, each with the metrics that it touches."""
        from scorecard.checks.dbt_failures import units_by_test
        from scorecard.checks.gx.check import check_kpis
        from scorecard.lineage import read_reach
        from scorecard.steps.narrowing import narrow
        from scorecard.warehouse.published import writer

        self.progress("Checking the raw tables")
        results = self._check_raw()
        self.progress("Building the models")
        self.dbt.build()
        self.progress("Testing the models")
        units_of = units_by_relation(self.settings, self.manifest)
        results += self._test_models(units_of)
        with writer(self.settings) as connection:
            results += self._check_facts(connection)
            reach = read_reach(self.settings, self.dbt.target)
            results = narrow(connection, self.catalogue, reach, self._touched, results)
        self.progress("Checking the KPIs")
        results += check_kpis(self.settings, self._touched)
        with writer(self.settings) as connection:
            observed = connection.execute("select metric, business_unit from scorecard.horizons").fetchall()
        units_of |= units_by_test(self.dbt.manifest(), units_of)
        return within_units(self.catalogue, results, units_of, observed)

    @cached_property
    def _touched(self) -> dict[str, list[str]]:
        return metrics_by_relation(self.settings, self.catalogue, self.manifest)

    def _check_raw(self) -> list["CheckResult"]:
        """Check the raw tables by the rules of their sources, and what the extraction sets aside."""
        from scorecard.checks.from_extract import from_extract
        from scorecard.checks.gx.check import check_raw
        from scorecard.warehouse.published import writer

        names = source_names(self.settings)
        results = check_raw(self.settings, names, self._touched)
        with writer(self.settings) as connection:
            return results + from_extract(connection, self.settings, names, self._touched)

    def _test_models(self, units_of: dict[str, set[str]]) -> list["CheckResult"]:
        """Run dbt's tests; return a result for each, or for each business unit if its failures have one."""
        from scorecard.checks.dbt_failures import count_by_unit, name_rows
        from scorecard.checks.doubt import columns_there
        from scorecard.checks.from_dbt import from_dbt, with_doubts
        from scorecard.lineage import days_only
        from scorecard.shared.languages import load_translations
        from scorecard.warehouse.published import writer

        run_results = self.dbt.test()
        manifest = self.dbt.manifest()
        translations = load_translations(self.settings.project / "reports")
        results = from_dbt(run_results, manifest, self._touched, translations)
        with writer(self.settings) as connection:
            results = with_doubts(results, manifest, columns_there(connection), days_only(self.manifest))
            results = count_by_unit(connection, results, manifest, units_of)
            return name_rows(connection, results, manifest)

    def _check_facts(self, connection: "DuckDBPyConnection") -> list["CheckResult"]:
        """Check the records of every source by what their facts declare."""
        from scorecard.catalogue.dbt_lists import core_models
        from scorecard.checks.from_facts import from_facts
        from scorecard.checks.gx.suites import replaced_checks
        from scorecard.shared.languages import load_translations

        covered = replaced_checks(self.settings, source_names(self.settings))
        facts, dimensions = core_models(self.settings).values(), self.catalogue.dimensions
        translations = load_translations(self.settings.project / "reports")
        return from_facts(connection, facts, self._touched, covered, dimensions, translations)
