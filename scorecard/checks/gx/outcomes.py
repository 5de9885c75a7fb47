"""Outcomes of Great Expectations as results of checks: what failed, how often, where, and which metrics it touches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from scorecard.checks.check_words import CheckWords, Declared, Phrase, joined
from scorecard.checks.doubt import Doubt, columns_expected, columns_read
from scorecard.checks.results import CheckedSubject, CheckResult
from scorecard.checks.rules import QUERY, SQL, CheckedTable, Rule, Suite
from scorecard.shared.languages import Translations
from scorecard.shared.sql import literal, quoted
from scorecard.shared.text import plain

if TYPE_CHECKING:
    from great_expectations.core import ExpectationValidationResult
    from sqlalchemy import Connection

EXAMPLES = 3
"""The number of records that a message names."""
Families = Mapping[str, Mapping[str, set[str]]]
"""By object and by metric of a row: the metrics that such a row serves. A metric that is missing here serves itself."""


@dataclass(frozen=True)
class SuiteContext:
    """What all results of a suite share.

    families: None if rows have no metric.
    touched: by object, the metrics that a failure touches unless the broken rows name their metrics.
    """

    suite: Suite
    families: Families | None
    touched: Mapping[str, Sequence[str]]
    run_at: datetime
    translations: Translations

    def subject(self, item: CheckedTable, metrics: Sequence[str] = ()) -> CheckedSubject:
        """Return an object as the subject of a check that touches some metrics, or by default all of the object's."""
        metrics = metrics or self.touched[item.name]
        name = self.suite.name
        return CheckedSubject("great_expectations", name, item.name, metrics, self.run_at, self.translations)


@dataclass(frozen=True)
class RowCount:
    """How many rows break a rule, of how many.

    broken: a query of the rows that break it. problem: why the rule could not be run; empty if it could.
    unit: the business unit that the rows are of; None for all.
    """

    failures: int
    rows: int
    broken: str | None
    problem: str = ""
    unit: str | None = None


def rule_results(
    context: SuiteContext,
    con: "Connection",
    item: CheckedTable,
    rule: Rule,
    outcome: "ExpectationValidationResult",
    rows: int,
) -> list[CheckResult]:
    """Return the result of a rule for all rows of an object, then for each business unit if its rows can be counted.

    Parameters
    ----------
    con: the warehouse, for examples and facts. rows: how many rows the object has.
    """
    problem = _problem(outcome)
    failures = max(_failures(outcome), 1) if problem or not outcome.success else 0
    broken = broken_rows(item, rule, outcome) if failures else None
    all_rows = RowCount(failures, rows, broken, problem)
    by_unit = _by_unit(con, item, rule, outcome, all_rows) if broken and not problem else []
    return [_result(context, con, item, rule, count) for count in (all_rows, *by_unit)]


def _by_unit(
    con: "Connection", item: CheckedTable, rule: Rule, outcome: "ExpectationValidationResult", all_rows: RowCount
) -> list[RowCount]:
    """Count the broken rows of each business unit; an empty list if the counts don't add up to the whole."""
    if not item.unit:
        return []
    counts = []
    for unit, rows in _rows(con, f"select {quoted(item.unit)}, count(*) from ({item.query}) group by 1 order by 1"):
        # Rows that have their unit are counted directly. A query of groups is run over the unit's own rows.
        unit_item = replace(item, query=_where_unit(item, item.query, unit))
        for broken in (
            _where_unit(item, str(all_rows.broken), unit),
            broken_rows(unit_item, rule, outcome, item) or "",
        ):
            if number := _rows(con, f"select count(*) from ({broken})"):
                counts.append(RowCount(int(number[0][0]), rows, broken, unit=unit))
                break
        else:
            return []
    return counts if sum(count.failures for count in counts) == all_rows.failures else []


def _where_unit(item: CheckedTable, query: str, unit: object) -> str:
    return f"select * from ({query}) where {quoted(str(item.unit))} = {literal(unit)}"


def _result(context: SuiteContext, con: "Connection", item: CheckedTable, rule: Rule, count: RowCount) -> CheckResult:
    place = f"{context.suite.name}.{item.name}"
    metrics: Sequence[str] = ()
    examples: list[str] = []
    if count.failures and not count.problem:
        family = context.families[item.name] if context.families else None
        metrics = _broken_metrics(count.broken, family, con)
        examples = _examples(item, count.broken, con)
    failed = _message(rule, count, examples, con) if count.failures else None
    words = CheckWords(Declared(rule.check.replace("_", " "), context=place), failed, Declared(rule.cure))
    return context.subject(item, metrics).result(
        f"{place}.{rule.check}",
        words,
        # A rule that can't be run proves nothing. So no scorecard may pass on the strength of it.
        "error" if count.problem else rule.severity,
        count.failures,
        None if rule.whole else count.rows,
        business_unit=count.unit,
        doubt=None if count.problem or context.families else _doubt(context, con, item, rule, count.broken),
    )


def _doubt(
    context: SuiteContext, con: "Connection", item: CheckedTable, rule: Rule, broken: str | None
) -> Doubt | None:
    """Return what a failure of a rule about raw rows puts in doubt; None if the rule names no column of them."""
    relation = f"raw_{context.suite.name}.{item.name}"
    if rule.in_doubt:
        columns = tuple(_column(context.suite, relation, name) for name in rule.in_doubt)
    elif rule.expect == SQL:
        query = str(rule.kwargs[QUERY]).replace("{batch}", f"({item.query})")
        sql = f"select column_name from duckdb_columns() where schema_name || '.' || table_name = {literal(relation)}"
        columns = columns_read(query, {relation: [name.lower() for (name,) in _rows(con, sql)]})
    else:
        columns = columns_expected(relation, rule.expect, rule.kwargs)
    return Doubt(columns, None if rule.whole else broken) if columns else None


def _column(suite: Suite, relation: str, name: str) -> tuple[str, str]:
    """Return the relation and the column that ``in_doubt`` names: of the rule's object, another raw one, or core."""
    table, _, column = name.rpartition(".")
    if not table:
        return relation, column
    is_raw = any(item.name == table for item in suite.objects)
    return f"raw_{suite.name}.{table}" if is_raw else f"core.{table}", column


def _message(rule: Rule, count: RowCount, examples: list[str], con: "Connection") -> Phrase:
    """Return what a rule found, with examples, and why it matters."""
    why = Declared(rule.why)
    if count.problem:
        unreadable = Phrase("It could not be checked: {problem}.", {"problem": count.problem})
        return Phrase("{found} {why}", {"found": unreadable, "why": why})
    values = {"failures": count.failures, "checked": count.rows, **_facts(rule, con)}
    general = Phrase("{failures:,} of {checked:,} rows break it.", values)
    finding = Phrase(rule.found, values) if rule.found else general
    if not examples:
        return Phrase("{found} {why}", {"found": finding, "why": why})
    listed = joined(examples, Phrase(", "))
    return Phrase("{found} For example {examples}. {why}", {"found": finding, "examples": listed, "why": why})


def has_rows_result(context: SuiteContext, item: CheckedTable, rows_or_problem: int | str) -> CheckResult:
    """Return the result of the check that an object can be read and has rows. It is the first check of each object.

    Parameters
    ----------
    rows_or_problem: the number of rows, or as text why the object can't be read.
    """
    values = {"object": item.name, "problem": rows_or_problem}
    unreadable = Phrase("{object} cannot be read: {problem}. Every figure made from it would be old.", values)
    empty = Phrase("{object} has no rows. Every figure made from it would be empty.", values)
    words = CheckWords(
        Phrase("{object} has rows", values),
        unreadable if isinstance(rows_or_problem, str) else empty,
        Phrase("Extract the source and build again; if its export is empty, ask for a complete one."),
    )
    checked = rows_or_problem if isinstance(rows_or_problem, int) else None
    check_id = f"{context.suite.name}.{item.name}.has_rows"
    result = context.subject(item).result(check_id, words, "error", 0 if checked else 1, checked)
    # The English name leaves out the object, which stands beside it.
    return replace(result, name="has rows")


def _problem(outcome: "ExpectationValidationResult") -> str:
    """Return why an expectation could not be evaluated; empty if it could."""
    info = outcome.exception_info or {}
    # The fields of a single exception are at the top. Several exceptions are keyed by their metric.
    for entry in [info, *info.values()]:
        if isinstance(entry, dict) and entry.get("raised_exception"):
            return plain(str(entry.get("exception_message")).split("[SQL")[0], 200).rstrip(".")
    return ""


def _failures(outcome: "ExpectationValidationResult") -> int:
    """Return the number of rows that break a rule; 1 for a rule about all rows together."""
    result = outcome.result or {}
    if "unexpected_count" in result:
        return int(result["unexpected_count"])
    is_rows = outcome.expectation_config is not None and outcome.expectation_config.type == SQL
    return int(result.get("observed_value") or 1) if is_rows else int(result.get("missing_count") or 1)


def _facts(rule: Rule, con: "Connection") -> dict[str, Any]:
    """Return the values of a rule's own query for its sentence."""
    if not rule.facts:
        return {}
    row = con.exec_driver_sql(rule.facts).mappings().one()
    return {name: value if isinstance(value, int) else plain(value, 60) for name, value in row.items()}


def broken_rows(
    item: CheckedTable, rule: Rule, outcome: "ExpectationValidationResult", checked: CheckedTable | None = None
) -> str | None:
    """Return a query of the rows that break a rule; None if Great Expectations gives none.

    Parameters
    ----------
    checked: the object that was checked, if the item is only a part of it.
    """
    if rule.expect == SQL:
        return str(rule.kwargs[QUERY]).replace("{batch}", f"({item.query})")
    query = (outcome.result or {}).get("unexpected_index_query")
    # Great Expectations leaves out the brackets around the query of a query asset.
    return query and query.rstrip("; ").replace(f"FROM {(checked or item).query}", f"FROM ({item.query})")


def _examples(item: CheckedTable, broken: str | None, con: "Connection") -> list[str]:
    """Return the keys of the first few records that break a rule, in order and safe to print."""
    if not broken or not item.key:
        return []
    keys = ", ".join(map(quoted, item.key))
    sql = f"select distinct {keys} from ({broken}) order by all limit {EXAMPLES}"
    return [" ".join(plain(value, 40) for value in row) for row in _rows(con, sql)]


def _broken_metrics(broken: str | None, family: Mapping[str, set[str]] | None, con: "Connection") -> Sequence[str]:
    """Return the metrics whose own rows break a rule; an empty list if the rows have no metric."""
    if not broken or family is None:
        return []
    metrics: set[str] = set()
    for (metric,) in _rows(con, f"select distinct metric from ({broken})"):
        metrics |= family.get(metric, {metric})
    return list(metrics)


def _rows(con: "Connection", sql: str) -> Sequence[Any]:
    """Return the rows of a query; an empty list if it fails, since it may name columns that are missing."""
    from sqlalchemy.exc import SQLAlchemyError

    try:
        return con.exec_driver_sql(sql).fetchall()
    except SQLAlchemyError:
        con.rollback()
        return []
