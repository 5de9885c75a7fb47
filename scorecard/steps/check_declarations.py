"""Check all declarations within two seconds, without dbt, Great Expectations or a warehouse."""

from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from scorecard.catalogue import (
    Catalogue,
    Mistakes,
    WrongDeclarations,
    company_folders,
    declared_sources,
    read_catalogue,
)
from scorecard.catalogue.company_files import check_folders
from scorecard.catalogue.mistakes import Mistake
from scorecard.catalogue.targets import check_targets
from scorecard.catalogue.yaml_files import read_document
from scorecard.shared.errors import ScorecardError
from scorecard.shared.keys import closest
from scorecard.shared.settings import Settings
from scorecard.steps.reasons import check_reasons


def check_declarations(settings: Settings) -> tuple[list[Mistake], list[ScorecardError]]:
    """Read every declaration: metrics, dimensions, scorecards, sources, rules and targets.

    Returns
    -------
    The mistakes by file and line; and the errors without a line, in the order in which they occur.

    Raises
    ------
    ScorecardError: there is no project.
    """
    from scorecard.catalogue.dbt_lists import dbt_variables
    from scorecard.extract.contracts.declared_contracts import load_contracts

    mistakes = Mistakes()
    others: list[ScorecardError] = []
    catalogue = read_catalogue(settings, mistakes)

    def attempt(read: Callable[[], object]) -> None:
        try:
            read()
        except WrongDeclarations as error:
            mistakes.extend(error)
        except ScorecardError as error:
            if str(error) not in map(str, others):
                others.append(error)

    catalogue_is_whole = not len(mistakes)
    attempt(lambda: load_contracts(settings))
    attempt(lambda: dbt_variables(settings))
    for path in sorted((settings.project / "expectations").glob("*.yml")):
        attempt(partial(_check_rules, settings, catalogue, path, mistakes, catalogue_is_whole))
    if catalogue_is_whole:
        for folder in company_folders(settings).values():
            targets = folder / "targets.csv"
            check_targets(targets, catalogue.metrics, catalogue.dimensions, settings.fiscal, mistakes)
    attempt(partial(check_folders, settings, mistakes))
    attempt(partial(check_reasons, settings, catalogue, mistakes))
    return list(mistakes.all()), others


def _check_rules(
    settings: Settings, catalogue: Catalogue, path: Path, mistakes: Mistakes, catalogue_is_whole: bool
) -> None:
    """Read a file of rules. Note each unknown expectation and each unknown column."""
    from scorecard.checks.gx import suites

    suite = suites.read(settings, catalogue, path)
    document = read_document(path)
    expectations = _expectations()
    columns = _columns(settings, suite.name) if catalogue_is_whole else []
    for item in suite.objects:
        for place, rule in enumerate(item.rules):
            keys = ("objects", item.name, "rules", place)
            if expectations and rule.expect not in expectations:
                line = document.line(*keys, "expect")
                mistakes.note(path, line, f"Unknown expectation {rule.expect}.", closest(rule.expect, expectations))
            for number, name in enumerate(rule.in_doubt if columns else ()):
                column = name if "." in name else f"{item.name}.{name}"
                if column not in columns:
                    line = document.line(*keys, "in_doubt", number)
                    mistakes.note(path, line, f"Unknown column {name} in `in_doubt`.", closest(column, columns))


def _columns(settings: Settings, source: str) -> list[str]:
    """Return the columns that a source's rules may name, as ``table.column``: its own and those of core models."""
    from scorecard.catalogue.dbt_lists import core_models

    declared = declared_sources(settings).get(source)
    raw = (
        [f"{table.name}.{column.name}" for table in declared.tables for column in table.entry.columns]
        if declared
        else []
    )
    core = [f"{fact.name}.{column}" for fact in core_models(settings).values() for column in fact.columns]
    return [*raw, *core]


def _expectations() -> list[str]:
    """Return the names of all expectations, from the names of their files. Importing them takes ten seconds."""
    spec = find_spec("great_expectations")
    folders = spec.submodule_search_locations if spec and spec.submodule_search_locations else []
    return sorted(
        path.stem
        for folder in folders
        for path in (Path(folder) / "expectations" / "core").glob("*.py")
        if path.stem.startswith(("expect_", "unexpected_"))
    )
