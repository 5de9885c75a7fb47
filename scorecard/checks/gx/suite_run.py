"""Run a suite by Great Expectations in place on the warehouse, and write pages of what it checked.

Great Expectations is imported where a suite is run, not on import of this module: it takes 10 seconds.
"""

import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scorecard.checks.gx.data_docs import CheckedRule, write_pages
from scorecard.checks.gx.outcomes import Context, Families, broken_rows, has_rows_result, rule_results
from scorecard.checks.results import CheckResult
from scorecard.checks.rules import QUERY, SQL, CheckedTable, Rule, Suite
from scorecard.shared.errors import ScorecardError
from scorecard.shared.languages import Translations
from scorecard.shared.settings import Settings
from scorecard.shared.text import plain

if TYPE_CHECKING:
    from great_expectations.core import ExpectationValidationResult
    from great_expectations.data_context.data_context.ephemeral_data_context import EphemeralDataContext


_SHOWN_VALUES = 20
"""How many values that break a rule its page shows."""


def run_suite(
    settings: Settings,
    suite: Suite,
    row_counts: Mapping[str, int | str],
    touched: Mapping[str, Sequence[str]],
    families: Families | None,
    docs: Path,
    words: Translations,
) -> list[CheckResult]:
    """Run a suite, write its pages, and return the results by check_id.

    Parameters
    ----------
    row_counts: each object's row count, or why it cannot be read.
    touched: the metrics that are made from each object.
    families: the metrics that a broken row serves, by object and by metric of the row; None where rows have no
        metric.
    docs: the folder of the pages, emptied first.
    words: what checks say in other languages.

    Raises
    ------
    ScorecardError: a rule is not an expectation.
    """
    import warnings

    run_at = datetime.now(UTC)
    results = [has_rows_result(suite, item, row_counts[item.name], touched, run_at, words) for item in suite.objects]
    checked: dict[str, list[CheckedRule]] = {}
    with warnings.catch_warnings():
        # Deprecations among the libraries below, which nobody here can mend.
        warnings.simplefilter("ignore")
        from scorecard.checks.gx.datasource import read_only

        context = _quiet_context()
        with read_only(context, settings.warehouse) as warehouse:
            engine = warehouse.get_execution_engine()
            for item in suite.objects:
                rows = row_counts[item.name]
                if not isinstance(rows, int):
                    continue
                checked[item.name] = []
                for rule, outcome in _validate(context, warehouse, suite.name, item):
                    metrics = tuple(touched[item.name])
                    with engine.get_connection() as con:
                        shared = Context(suite, families, con, run_at, words)
                        whole, *by_unit = rule_results(shared, item, rule, outcome, rows, metrics)
                    results += by_unit or [whole]
                    query = None if whole.passed else broken_rows(item, rule, outcome)
                    checked[item.name].append(CheckedRule(rule, outcome, whole, query))
    results = sorted(results, key=lambda result: (result.check_id, result.business_unit or ""))
    shutil.rmtree(docs, ignore_errors=True)
    docs.mkdir(parents=True)
    write_pages(settings.project / "reports", docs, suite.name, checked, results)
    return results


def _quiet_context() -> "EphemeralDataContext":
    """Return a context of Great Expectations without log lines, progress bars and pages of its own."""
    import logging

    from great_expectations import get_context
    from great_expectations.data_context.types.base import ProgressBarsConfig

    # What goes wrong in a check is in its outcome.
    for logger in ("great_expectations", "great_expectations.data_context.types.base"):  # the second sets its own
        logging.getLogger(logger).setLevel(logging.CRITICAL)
    context = get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    _remove_temporary_sites(context)
    return context


def _remove_temporary_sites(context: "EphemeralDataContext") -> None:
    """Remove the temporary folders that Great Expectations makes for pages of its own and leaves behind."""
    for site, entry in dict(context.variables.data_docs_sites or {}).items():
        shutil.rmtree(entry["store_backend"]["base_directory"], ignore_errors=True)
        context.delete_data_docs_site(site)


def _validate(
    context: "EphemeralDataContext", warehouse: Any, name: str, item: CheckedTable
) -> list[tuple[Rule, "ExpectationValidationResult"]]:
    """Run an object's rules in one go. The outcomes come in another order; the name in `meta` pairs them."""
    from great_expectations import ExpectationSuite, ValidationDefinition
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
    from great_expectations.expectations.metadata_types import FailureSeverity

    severity = {"error": FailureSeverity.CRITICAL, "warning": FailureSeverity.WARNING}
    expectations = []
    for rule in item.rules:
        try:
            configuration = ExpectationConfiguration(
                type=rule.expect,
                kwargs=_kwargs(rule),
                meta={"check": rule.check},
                severity=severity[rule.severity],
                description=f"{rule.check.replace('_', ' ')}: {rule.why}",
            )
            expectations.append(configuration.to_domain_obj())
        except Exception as error:
            raise ScorecardError(
                f"The rule {name}.{item.name}.{rule.check} is not an expectation: {plain(error, 200)}.",
                f"Correct its `expect` and `kwargs` in expectations/{name}.yml.",
            ) from error
    suite = context.suites.add(ExpectationSuite(f"{name}.{item.name}", expectations=expectations))
    batch = warehouse.add_query_asset(item.name, item.query).add_batch_definition_whole_table("current rows")
    definition = context.validation_definitions.add(
        ValidationDefinition(name=f"{name}.{item.name}", data=batch, suite=suite)
    )
    wanted: dict[str, Any] = {"result_format": "SUMMARY", "partial_unexpected_count": _SHOWN_VALUES}
    if item.key:
        wanted |= {"unexpected_index_column_names": list(item.key), "return_unexpected_index_query": True}
    outcomes = definition.run(result_format=wanted).results
    by_check = {outcome.expectation_config.meta["check"]: outcome for outcome in outcomes if outcome.expectation_config}
    return [(rule, by_check[rule.check]) for rule in item.rules]


def _kwargs(rule: Rule) -> dict[str, Any]:
    """Return a rule's arguments. Its own name for the batch would clash with one that the query gives it."""
    if rule.expect != SQL:
        return dict(rule.kwargs)
    return {QUERY: rule.kwargs[QUERY].replace("{batch}", "(select * from {batch})")}
