"""Run a suite in place on the warehouse, and write pages of what it checked.

Great Expectations is imported when a suite runs. The import takes 10 seconds.
"""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scorecard.checks.gx.data_docs import CheckedRule, write_pages
from scorecard.checks.gx.outcomes import Families, SuiteContext, broken_rows, has_rows_result, rule_results
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
"""The number of values that break a rule on its page."""


def run_suite(
    settings: Settings,
    suite: Suite,
    row_counts: Mapping[str, int | str],
    touched: Mapping[str, Sequence[str]],
    families: Families | None,
    docs: Path,
    translations: Translations,
) -> list[CheckResult]:
    """Run a suite, write its pages, and return the results by check_id.

    Parameters
    ----------
    row_counts: each object's row count, or why it can't be read.
    touched: the metrics that are made from each object.
    families: the metrics that a broken row serves, by object and by metric of the row; None if rows have no metric.
    docs: the folder of the pages. Its former content is deleted.

    Raises
    ------
    ScorecardError: a rule is not an expectation.
    """
    run = _SuiteRun(SuiteContext(suite, families, touched, datetime.now(UTC), translations), row_counts)
    checked, results = run.on_warehouse(settings.warehouse)
    shutil.rmtree(docs, ignore_errors=True)
    docs.mkdir(parents=True)
    write_pages(settings.project / "reports", docs, suite.name, checked, results)
    return results


@dataclass(frozen=True)
class _SuiteRun:
    """One run of a suite. ``row_counts``: as in `run_suite`."""

    context: SuiteContext
    row_counts: Mapping[str, int | str]

    def on_warehouse(self, path: Path) -> tuple[dict[str, list[CheckedRule]], list[CheckResult]]:
        """Return the checked rules of each object that can be read, and the results of all objects by check_id."""
        import warnings

        suite = self.context.suite
        results = [has_rows_result(self.context, item, self.row_counts[item.name]) for item in suite.objects]
        checked: dict[str, list[CheckedRule]] = {}
        with warnings.catch_warnings():
            # The libraries of Great Expectations warn of deprecations among themselves.
            warnings.simplefilter("ignore")
            from scorecard.checks.gx.datasource import read_only

            great_expectations = _quiet_context()
            with read_only(great_expectations, path) as warehouse:
                for item in suite.objects:
                    rows = self.row_counts[item.name]
                    if isinstance(rows, int):
                        outcomes = _validate(great_expectations, warehouse, suite.name, item)
                        checked[item.name] = []
                        for rule, rule_checks in self._checked_rules(warehouse, item, rows, outcomes):
                            checked[item.name].append(rule)
                            results += rule_checks
        return checked, sorted(results, key=lambda result: (result.check_id, result.business_unit or ""))

    def _checked_rules(
        self,
        warehouse: Any,
        item: CheckedTable,
        rows: int,
        outcomes: Sequence[tuple[Rule, "ExpectationValidationResult"]],
    ) -> Iterator[tuple[CheckedRule, list[CheckResult]]]:
        """Yield each rule of an object with its results: by business unit if the rows have one, or for all rows."""
        for rule, outcome in outcomes:
            with warehouse.get_execution_engine().get_connection() as con:
                for_all_rows, *by_unit = rule_results(self.context, con, item, rule, outcome, rows)
            query = None if for_all_rows.passed else broken_rows(item, rule, outcome)
            yield CheckedRule(rule, outcome, for_all_rows, query), by_unit or [for_all_rows]


def _quiet_context() -> "EphemeralDataContext":
    """Return a context of Great Expectations without log lines, progress bars and pages of its own."""
    import logging

    from great_expectations import get_context
    from great_expectations.data_context.types.base import ProgressBarsConfig

    # The outcome of a check has its errors, so no log line is needed. The second logger has a level of its own.
    for logger in ("great_expectations", "great_expectations.data_context.types.base"):
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
    """Run all rules of an object at once. The outcomes come in another order, so the name in `meta` finds each."""
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
    """Return a rule's arguments. Great Expectations gives the batch an alias; brackets let the query give another."""
    if rule.expect != SQL:
        return dict(rule.kwargs)
    return {QUERY: rule.kwargs[QUERY].replace("{batch}", "(select * from {batch})")}
