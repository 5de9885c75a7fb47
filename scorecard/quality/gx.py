"""Great Expectations: the rules of ``expectations/`` run in place on the warehouse, and its Data Docs.

What has not changed since it was last checked (rows, rules, versions, metrics downstream) is not checked
again: the import of Great Expectations alone takes 10 seconds, more than all the checks.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scorecard.catalogue import DIMENSIONS, Catalogue, load_catalogue
from scorecard.errors import ScorecardError
from scorecard.periods import Grain
from scorecard.quality.checks import CheckResult, MetricsOf, plain
from scorecard.quality.docs import finish
from scorecard.quality.rules import SQL, Checked, Rule, Suite, read_suite
from scorecard.quality.words import Translations, Words, read_translations
from scorecard.settings import Settings

if TYPE_CHECKING:
    from great_expectations.core import ExpectationValidationResult
    from great_expectations.data_context.data_context.ephemeral_data_context import EphemeralDataContext
    from sqlalchemy import Connection

_EXAMPLES = 3
# By object and by metric of its rows: the metrics that such a row serves.
_Families = Mapping[str, Mapping[str, set[str]]]
_QUERY = "unexpected_rows_query"


def check_raw(settings: Settings, sources: Sequence[str], metrics_of: MetricsOf) -> list[CheckResult]:
    """Check the current rows of the raw tables of some sources.

    Parameters
    ----------
    sources: names of sources; one without a file of rules has no results.
    metrics_of: the metrics made from each raw object, by ``raw_<source>.<object>``.

    No connection that writes to the warehouse may be open in this process.

    Raises
    ------
    ScorecardError: the warehouse is missing or being written, or a file of rules is wrong.
    """
    results: list[CheckResult] = []
    for source in sources:
        path = settings.project / "expectations" / f"{source}.yml"
        if path.exists():
            suite = read_suite(path, {"timezone": settings.timezone})
            touched = {item.name: tuple(metrics_of.get(f"raw_{source}.{item.name}", ())) for item in suite.objects}
            results += _check(settings, suite, touched, None)
    return results


def check_kpis(settings: Settings, metrics_of: MetricsOf | None = None) -> list[CheckResult]:
    """Check the shape that all observations and all values share.

    Parameters
    ----------
    metrics_of: the metrics made from each KPI view, by ``kpis.kpi_<name>``, where they are more than the
    catalogue's.

    A failure touches the metrics whose rows break the rule. Otherwise as `check_raw`.
    """
    catalogue = load_catalogue(settings)
    bases = sorted({metric.model for metric in catalogue.metrics.values()})
    if not bases:
        raise ScorecardError("There are no metrics to check.", "Add one as docs/data-engineer.md shows.")
    union = " union all by name ".join(f"select * from kpis.{model}" for model in bases)  # noqa: S608
    queries = {"observations": f"select * from ({union})", "kpi_status": "select * from scorecard.kpi_status"}  # noqa: S608
    suite = read_suite(settings.project / "expectations" / "kpis.yml", _kpi_values(settings, catalogue), queries)
    family = {model.removeprefix("kpi_"): {model.removeprefix("kpi_")} for model in bases}
    for metric in catalogue.metrics.values():
        family[metric.model.removeprefix("kpi_")].add(metric.name)
    for model in bases:
        family[model.removeprefix("kpi_")].update((metrics_of or {}).get(f"kpis.{model}", ()))
    everything = tuple(sorted(catalogue.metrics))
    # An observation serves its metric and those beside it; a value is of one metric.
    return _check(
        settings, suite, {item.name: everything for item in suite.objects}, {"observations": family, "kpi_status": {}}
    )


def _kpi_values(settings: Settings, catalogue: Catalogue) -> dict[str, object]:
    """Return what the rules of the KPIs may name. A share is part of a whole: it lies between 0 and 1.

    An alert is a metric, the dimension that it is watched by, and which direction is better, as one text.
    """
    shares = [
        metric.name
        for metric in catalogue.metrics.values()
        if metric.aggregate == "ratio" and metric.unit == "percent" and not metric.parameters.get("may_exceed_one")
    ]
    return {
        "timezone": settings.timezone,
        "metrics": sorted(catalogue.metrics),
        "shares": sorted(shares),
        "alerts": sorted(
            f"{metric.name} {metric.parameters['alert_by']} {metric.direction}"
            for metric in catalogue.metrics.values()
            if "alert_by" in metric.parameters
        ),
        "dimensions": list(DIMENSIONS),
        "grains": [grain.value for grain in Grain],
    }


def _check(
    settings: Settings,
    suite: Suite,
    touched: Mapping[str, Sequence[str]],
    families: _Families | None,
) -> list[CheckResult]:
    """Return the suite's results: kept ones where nothing changed, else new ones."""
    kept = settings.state / "gx" / f"{suite.name}.json"
    docs = settings.out / "data_docs" / suite.name
    words = read_translations(settings.project)
    there, mark = _look(settings, suite, touched, words)
    if (docs / "index.html").exists() and (before := _kept(kept, mark)) is not None:
        return before
    results = _run(settings, suite, there, touched, families, docs, words)
    kept.parent.mkdir(parents=True, exist_ok=True)
    part = kept.with_suffix(".part")
    entries = [{**asdict(result), "run_at": result.run_at.isoformat()} for result in results]
    part.write_text(json.dumps({"mark": mark, "results": entries}, indent=1), encoding="utf-8")
    part.replace(kept)
    return results


def _kept(path: Path, mark: str) -> list[CheckResult] | None:
    """Return what was kept under a mark; None where the file is of another state, missing or damaged."""
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
        if before["mark"] != mark:
            return None
        return [
            CheckResult(
                **{**entry, "metrics": tuple(entry["metrics"]), "run_at": datetime.fromisoformat(entry["run_at"])}
            )
            for entry in before["results"]
        ]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _look(
    settings: Settings, suite: Suite, touched: Mapping[str, Sequence[str]], words: Words
) -> tuple[dict[str, int | str], str]:
    """Return each object's row count or why it cannot be read, and a mark that changes when anything does."""
    import duckdb

    if not settings.warehouse.exists():
        raise ScorecardError(f"{settings.warehouse} is not there.", "Run `scorecard run`, which fills it.")
    try:
        con = duckdb.connect(str(settings.warehouse), read_only=True)
    except duckdb.Error as error:
        raise ScorecardError(
            f"{settings.warehouse} cannot be read: {plain(error, 200)}.",
            "If another process is writing it, wait until it is done and run again.",
        ) from error
    there: dict[str, int | str] = {}
    # What the outcome depends on, this code too.
    content: list[object] = [
        Path(__file__).read_bytes(),
        repr(suite),
        repr(words),
        sorted(touched.items()),
        version("great-expectations"),
        version("duckdb"),
    ]
    with con:
        for item in suite.objects:
            try:
                # The sum of the rows' hashes, not their order, is what makes the content.
                sql = f"select count(*), coalesce(sum(hash(t)::hugeint), 0) from ({item.query}) as t"  # noqa: S608
                rows, total = con.execute(sql).fetchall()[0]
                there[item.name] = int(rows)
                content.append((item.name, rows, str(total)))
            except duckdb.Error as error:
                there[item.name] = plain(error, 200)
                content.append((item.name, there[item.name]))
    return there, hashlib.sha256(repr(content).encode()).hexdigest()


def _run(
    settings: Settings,
    suite: Suite,
    there: Mapping[str, int | str],
    touched: Mapping[str, Sequence[str]],
    families: _Families | None,
    docs: Path,
    words: Words,
) -> list[CheckResult]:
    """Run a suite, write its Data Docs, and return the results by check_id."""
    import logging
    import warnings

    run_at = datetime.now(UTC)
    results = [_has_rows(suite, item, there[item.name], touched, run_at, words) for item in suite.objects]
    with warnings.catch_warnings():
        # Deprecations among the libraries below, which nobody here can mend.
        warnings.simplefilter("ignore")
        from great_expectations import get_context
        from great_expectations.data_context.types.base import ProgressBarsConfig

        from scorecard.quality.gx_duckdb import read_only

        # What goes wrong in a check is in its outcome.
        for logger in ("great_expectations", "great_expectations.data_context.types.base"):  # the second sets its own
            logging.getLogger(logger).setLevel(logging.CRITICAL)
        context = get_context(mode="ephemeral")
        context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
        _use_site(context, suite.name, docs)
        with read_only(context, settings.warehouse) as warehouse:
            engine = warehouse.get_execution_engine()
            for item in suite.objects:
                rows = there[item.name]
                if not isinstance(rows, int):
                    continue
                for rule, outcome in _validate(context, warehouse, suite.name, item):
                    metrics = rule.metrics if rule.metrics is not None else tuple(touched[item.name])
                    with engine.get_connection() as con:
                        results.append(_result(suite, item, rule, outcome, rows, metrics, families, con, run_at, words))
        context.build_data_docs(site_names=[suite.name])
    results = sorted(results, key=lambda result: result.check_id)
    finish(docs, suite.name, results)
    return results


def _use_site(context: "EphemeralDataContext", name: str, docs: Path) -> None:
    """Make one folder of Data Docs for the suite, in the place of the one before."""
    shutil.rmtree(docs, ignore_errors=True)
    docs.mkdir(parents=True)
    for site, entry in dict(context.variables.data_docs_sites or {}).items():
        # A temporary folder that Great Expectations makes for itself and leaves behind.
        shutil.rmtree(entry["store_backend"]["base_directory"], ignore_errors=True)
        context.delete_data_docs_site(site)
    context.add_data_docs_site(
        name,
        {
            "class_name": "SiteBuilder",
            "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
            "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(docs)},
        },
    )


def _validate(
    context: "EphemeralDataContext", warehouse: Any, name: str, item: Checked
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
    wanted: dict[str, Any] = {"result_format": "SUMMARY", "partial_unexpected_count": _EXAMPLES}
    if item.key:
        wanted |= {"unexpected_index_column_names": list(item.key), "return_unexpected_index_query": True}
    outcomes = definition.run(result_format=wanted).results
    by_check = {outcome.expectation_config.meta["check"]: outcome for outcome in outcomes if outcome.expectation_config}
    return [(rule, by_check[rule.check]) for rule in item.rules]


def _kwargs(rule: Rule) -> dict[str, Any]:
    """Return a rule's arguments. Its own name for the batch would clash with one that the query gives it."""
    if rule.expect != SQL:
        return dict(rule.kwargs)
    return {_QUERY: rule.kwargs[_QUERY].replace("{batch}", "(select * from {batch})")}


def _result(
    suite: Suite,
    item: Checked,
    rule: Rule,
    outcome: "ExpectationValidationResult",
    rows: int,
    metrics: tuple[str, ...],
    families: _Families | None,
    con: "Connection",
    run_at: datetime,
    words: Words,
) -> CheckResult:
    problem = _problem(outcome)
    failures = 0 if outcome.success else _failures(outcome)
    about: dict[str, Any] = {"failures": failures, "checked": rows, "problem": problem}
    examples: list[str] = []
    if problem:
        # A rule that cannot be run proves nothing, so nothing may pass on the strength of it.
        found = f"It could not be checked: {problem}."
    elif failures:
        broken = _broken_rows(item, rule, outcome)
        about |= _facts(rule, con)
        found = (rule.found or "{failures:,} of {checked:,} rows break it.").format(**about)
        examples = _examples(item, broken, con)
        found += f" For example {', '.join(examples)}." if examples else ""
        metrics = _broken_metrics(broken, families[item.name] if families else None, con) or metrics
    else:
        found = "It holds."
    return CheckResult(
        check_id=f"{suite.name}.{item.name}.{rule.check}",
        kind="great_expectations",
        name=rule.check.replace("_", " "),
        source=suite.name,
        object=item.name,
        severity="error" if problem else rule.severity,
        passed=bool(outcome.success),
        failures=failures,
        checked=None if rule.whole else rows,
        message=found if outcome.success else f"{found} {rule.why}",
        cure=rule.cure,
        metrics=tuple(sorted(metrics)),
        run_at=run_at,
        words=_translated(rule, words, bool(outcome.success), about, examples),
    )


def _translated(
    rule: Rule, words: Words, passed: bool, about: Mapping[str, Any], examples: Sequence[str]
) -> Translations:
    """Return a rule's words in other languages, with the examples between what was found and why it matters."""
    own = {}
    for language, said in rule.words.items():
        own[language] = dict(said)
        general = words.languages.get(language, {}).get("rule", {})
        if examples and general:
            listed = general["separator"].join(examples)
            own[language]["why"] = general["examples"].format(examples=listed) + said["why"]
    return words.build("rule", "rule", passed, "unread" if about["problem"] else "found", about, own)


def _has_rows(
    suite: Suite,
    item: Checked,
    rows: int | str,
    touched: Mapping[str, Sequence[str]],
    run_at: datetime,
    words: Words,
) -> CheckResult:
    """Return the check that comes before all others of an object: it can be read, and isn't empty."""
    if isinstance(rows, str):
        found = f"{item.name} cannot be read: {rows}. Every figure made from it would be old."
    else:
        found = "It holds." if rows else f"{item.name} has no rows. Every figure made from it would be empty."
    passed = isinstance(rows, int) and rows > 0
    return CheckResult(
        check_id=f"{suite.name}.{item.name}.has_rows",
        kind="great_expectations",
        name="has rows",
        source=suite.name,
        object=item.name,
        severity="error",
        passed=passed,
        failures=0 if passed else 1,
        checked=rows if isinstance(rows, int) else None,
        message=found,
        cure="Extract the source and build again; if its export is empty, ask for a complete one.",
        metrics=tuple(sorted(touched[item.name])),
        run_at=run_at,
        words=words.build(
            "has_rows",
            "has_rows",
            passed,
            "unread" if isinstance(rows, str) else "found",
            {"object": item.name, "problem": rows},
        ),
    )


def _problem(outcome: "ExpectationValidationResult") -> str:
    """Return why an expectation could not be evaluated, empty when it could."""
    info = outcome.exception_info or {}
    # One exception has its fields here, several are keyed by the number that was asked for.
    for entry in [info, *info.values()]:
        if isinstance(entry, dict) and entry.get("raised_exception"):
            return plain(str(entry.get("exception_message")).split("[SQL")[0], 200).rstrip(".")
    return ""


def _failures(outcome: "ExpectationValidationResult") -> int:
    """Return the number of rows that break a rule, or 1 where the rule is about all of them together."""
    result = outcome.result or {}
    if "unexpected_count" in result:
        return int(result["unexpected_count"])
    is_rows = outcome.expectation_config is not None and outcome.expectation_config.type == SQL
    return int(result.get("observed_value") or 1) if is_rows else int(result.get("missing_count") or 1)


def _facts(rule: Rule, con: "Connection") -> dict[str, Any]:
    """Return what a rule's sentence names beside the numbers of rows."""
    if not rule.facts:
        return {}
    row = con.exec_driver_sql(rule.facts).mappings().one()
    return {name: value if isinstance(value, int) else plain(value) for name, value in row.items()}


def _broken_rows(item: Checked, rule: Rule, outcome: "ExpectationValidationResult") -> str | None:
    """Return a query of the rows that break a rule, None where there is none."""
    if rule.expect == SQL:
        return str(rule.kwargs[_QUERY]).replace("{batch}", f"({item.query})")
    query = (outcome.result or {}).get("unexpected_index_query")
    # Great Expectations writes the query of a query asset without the brackets it needs.
    return query and query.rstrip("; ").replace(f"FROM {item.query}", f"FROM ({item.query})")


def _examples(item: Checked, broken: str | None, con: "Connection") -> list[str]:
    """Return the first few records that break a rule, always the same ones, harmless to print."""
    if not broken or not item.key:
        return []
    keys = ", ".join(f'"{name}"' for name in item.key)
    sql = f"select distinct {keys} from ({broken}) order by all limit {_EXAMPLES}"  # noqa: S608
    return [" ".join(plain(value, 40) for value in row) for row in _try(con, sql)]


def _broken_metrics(broken: str | None, family: Mapping[str, set[str]] | None, con: "Connection") -> tuple[str, ...]:
    """Return the metrics whose own rows break a rule; nothing where that cannot be told."""
    if not broken or family is None:
        return ()
    found: set[str] = set()
    for (metric,) in _try(con, f"select distinct metric from ({broken})"):  # noqa: S608
        found |= family.get(metric, {metric})
    return tuple(found)


def _try(con: "Connection", sql: str) -> Sequence[Any]:
    """Return rows, or none where the query has no such columns: it only adds to what is known already."""
    from sqlalchemy.exc import SQLAlchemyError

    try:
        return con.exec_driver_sql(sql).fetchall()
    except SQLAlchemyError:
        con.rollback()
        return []
