"""Outcomes of Great Expectations as results of checks: what failed, how often, where, and whom it touches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from scorecard.checks.check_words import Declared, Phrase, in_languages, joined
from scorecard.checks.doubt import Doubt, columns_expected, columns_read
from scorecard.checks.results import CheckResult
from scorecard.checks.rules import QUERY, SQL, CheckedTable, Rule, Suite
from scorecard.shared.languages import Translations
from scorecard.shared.sql import literal, quoted
from scorecard.shared.text import plain

if TYPE_CHECKING:
    from great_expectations.core import ExpectationValidationResult
    from sqlalchemy import Connection

EXAMPLES = 3
# By object and by metric of its rows: the metrics that such a row serves, its own alone where it is not here.
Families = Mapping[str, Mapping[str, set[str]]]


@dataclass(frozen=True)
class Context:
    """What all results of a suite share.

    families: by object and by metric of a broken row, the metrics that it serves; None where rows have no metric.
    con: the warehouse, for examples and facts.
    """

    suite: Suite
    families: Families | None
    con: "Connection"
    run_at: datetime
    words: Translations


@dataclass(frozen=True)
class Counted:
    """What a rule found in some rows: how many break it of how many, a query of those, and why it could not be run.

    unit: the business unit that the rows are of; None for all.
    """

    failures: int
    rows: int
    broken: str | None
    problem: str = ""
    unit: str | None = None


def rule_results(
    context: Context,
    item: CheckedTable,
    rule: Rule,
    outcome: "ExpectationValidationResult",
    rows: int,
    metrics: tuple[str, ...],
) -> list[CheckResult]:
    """Return what a rule found in an object's rows: of all first, then of each unit's where they can be told apart.

    Parameters
    ----------
    rows: how many rows the object has.
    metrics: those that a failure touches, where the broken rows do not say it themselves.
    """
    failures = 0 if outcome.success else max(_failures(outcome), 1)
    broken = broken_rows(item, rule, outcome) if failures else None
    counted = Counted(failures, rows, broken, _problem(outcome))
    by_unit = _by_unit(context.con, item, rule, outcome, counted) if broken and not counted.problem else []
    return [_result(context, item, rule, count, metrics) for count in (counted, *by_unit)]


def _by_unit(
    con: "Connection", item: CheckedTable, rule: Rule, outcome: "ExpectationValidationResult", counted: Counted
) -> list[Counted]:
    """Count the broken rows of each business unit; nothing where that does not make the number of all."""
    if not item.unit:
        return []
    counts = []
    for unit, rows in _try(con, f"select {quoted(item.unit)}, count(*) from ({item.query}) group by 1 order by 1"):
        # Rows that say their unit are counted as they are; of groups, those that the unit's own rows make.
        of_unit = replace(item, query=_where_unit(item, item.query, unit))
        for broken in (
            _where_unit(item, str(counted.broken), unit),
            broken_rows(of_unit, rule, outcome, item) or "",
        ):
            if number := _try(con, f"select count(*) from ({broken})"):
                counts.append(Counted(int(number[0][0]), rows, broken, unit=unit))
                break
        else:
            return []
    return counts if sum(count.failures for count in counts) == counted.failures else []


def _where_unit(item: CheckedTable, query: str, unit: object) -> str:
    return f"select * from ({query}) where {quoted(str(item.unit))} = {literal(unit)}"


def _result(
    context: Context, item: CheckedTable, rule: Rule, counted: Counted, metrics: tuple[str, ...]
) -> CheckResult:
    failures, problem, con = counted.failures, counted.problem, context.con
    passed = not failures and not problem
    place = f"{context.suite.name}.{item.name}"
    examples = _examples(item, counted.broken, con) if failures and not problem else []
    if failures and not problem:
        family = context.families[item.name] if context.families else None
        metrics = _broken_metrics(counted.broken, family, con) or metrics
    message = None if passed else _message(rule, counted, examples, con)
    cure = None if passed else Declared(rule.cure)
    name = rule.check.replace("_", " ")
    return CheckResult(
        check_id=f"{place}.{rule.check}",
        kind="great_expectations",
        name=name,
        source=context.suite.name,
        object=item.name,
        # A rule that cannot be run proves nothing, so nothing may pass on the strength of it.
        severity="error" if problem else rule.severity,
        passed=passed,
        failures=failures,
        checked=None if rule.whole else counted.rows,
        message=message.english if message else "It holds.",
        cure=rule.cure,
        metrics=tuple(sorted(metrics)),
        run_at=context.run_at,
        words=in_languages(context.words, name=Declared(name, context=place), message=message, cure=cure),
        business_unit=counted.unit,
        doubt=None if problem or context.families else _doubt(context, item, rule, counted.broken),
    )


def _doubt(context: Context, item: CheckedTable, rule: Rule, broken: str | None) -> Doubt | None:
    """Return what a failure of a rule about raw rows puts in doubt; None where the rule names no column of theirs."""
    relation = f"raw_{context.suite.name}.{item.name}"
    if rule.in_doubt:
        columns = tuple(_column(context.suite, relation, name) for name in rule.in_doubt)
    elif rule.expect == SQL:
        query = str(rule.kwargs[QUERY]).replace("{batch}", f"({item.query})")
        sql = f"select column_name from duckdb_columns() where schema_name || '.' || table_name = {literal(relation)}"
        columns = columns_read(query, {relation: [name.lower() for (name,) in _try(context.con, sql)]})
    else:
        columns = columns_expected(relation, rule.expect, rule.kwargs)
    return Doubt(columns, None if rule.whole else broken) if columns else None


def _column(suite: Suite, relation: str, name: str) -> tuple[str, str]:
    """Return the relation and the column that ``in_doubt`` names: of the rule's object, of another, or of core."""
    table, _, column = name.rpartition(".")
    if not table:
        return relation, column
    is_raw = any(item.name == table for item in suite.objects)
    return f"raw_{suite.name}.{table}" if is_raw else f"core.{table}", column


def _message(rule: Rule, counted: Counted, examples: list[str], con: "Connection") -> Phrase:
    """Return what a rule found, with examples, and why it matters."""
    why = Declared(rule.why)
    if counted.problem:
        unread = Phrase("It could not be checked: {problem}.", {"problem": counted.problem})
        return Phrase("{found} {why}", {"found": unread, "why": why})
    about = {"failures": counted.failures, "checked": counted.rows, **_facts(rule, con)}
    general = Phrase("{failures:,} of {checked:,} rows break it.", about)
    finding = Phrase(rule.found, about) if rule.found else general
    if not examples:
        return Phrase("{found} {why}", {"found": finding, "why": why})
    listed = joined(examples, Phrase(", "))
    return Phrase("{found} For example {examples}. {why}", {"found": finding, "examples": listed, "why": why})


def has_rows_result(
    suite: Suite,
    item: CheckedTable,
    rows: int | str,
    touched: Mapping[str, Sequence[str]],
    run_at: datetime,
    words: Translations,
) -> CheckResult:
    """Return the check that comes before all others of an object: it can be read, and isn't empty."""
    passed = isinstance(rows, int) and rows > 0
    about = {"object": item.name, "problem": rows}
    unread = Phrase("{object} cannot be read: {problem}. Every figure made from it would be old.", about)
    empty = Phrase("{object} has no rows. Every figure made from it would be empty.", about)
    message = None if passed else unread if isinstance(rows, str) else empty
    cure = Phrase("Extract the source and build again; if its export is empty, ask for a complete one.")
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
        message=message.english if message else "It holds.",
        cure=cure.english,
        metrics=tuple(sorted(touched[item.name])),
        run_at=run_at,
        words=in_languages(
            words, name=Phrase("{object} has rows", about), message=message, cure=None if passed else cure
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
    return {name: value if isinstance(value, int) else plain(value, 60) for name, value in row.items()}


def broken_rows(
    item: CheckedTable, rule: Rule, outcome: "ExpectationValidationResult", checked: CheckedTable | None = None
) -> str | None:
    """Return a query of the rows that break a rule, None where there is none.

    Parameters
    ----------
    checked: what the outcome is of, where that is more than the item.
    """
    if rule.expect == SQL:
        return str(rule.kwargs[QUERY]).replace("{batch}", f"({item.query})")
    query = (outcome.result or {}).get("unexpected_index_query")
    # Great Expectations writes the query of a query asset without the brackets it needs.
    return query and query.rstrip("; ").replace(f"FROM {(checked or item).query}", f"FROM ({item.query})")


def _examples(item: CheckedTable, broken: str | None, con: "Connection") -> list[str]:
    """Return the first few records that break a rule, always the same ones, harmless to print."""
    if not broken or not item.key:
        return []
    keys = ", ".join(map(quoted, item.key))
    sql = f"select distinct {keys} from ({broken}) order by all limit {EXAMPLES}"
    return [" ".join(plain(value, 40) for value in row) for row in _try(con, sql)]


def _broken_metrics(broken: str | None, family: Mapping[str, set[str]] | None, con: "Connection") -> tuple[str, ...]:
    """Return the metrics whose own rows break a rule; nothing where that cannot be told."""
    if not broken or family is None:
        return ()
    broken_metrics: set[str] = set()
    for (metric,) in _try(con, f"select distinct metric from ({broken})"):
        broken_metrics |= family.get(metric, {metric})
    return tuple(broken_metrics)


def _try(con: "Connection", sql: str) -> Sequence[Any]:
    """Return rows, or none where the query has no such columns: it only adds to what is known already."""
    from sqlalchemy.exc import SQLAlchemyError

    try:
        return con.exec_driver_sql(sql).fetchall()
    except SQLAlchemyError:
        con.rollback()
        return []
