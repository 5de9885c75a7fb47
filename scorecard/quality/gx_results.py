"""Outcomes of Great Expectations as results of checks: what failed, how often, where, and whom it touches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from scorecard.quality.results import CheckResult
from scorecard.quality.rules import QUERY, SQL, Checked, Rule, Suite
from scorecard.quality.words import Translations, Words
from scorecard.text import plain

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
    words: Words


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
    item: Checked,
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
    broken = _broken_rows(item, rule, outcome) if failures else None
    counted = Counted(failures, rows, broken, _problem(outcome))
    by_unit = _by_unit(context.con, item, rule, outcome, counted) if broken and not counted.problem else []
    return [_result(context, item, rule, each, metrics) for each in (counted, *by_unit)]


def _by_unit(
    con: "Connection", item: Checked, rule: Rule, outcome: "ExpectationValidationResult", counted: Counted
) -> list[Counted]:
    """Count the broken rows of each business unit; nothing where that does not make the number of all."""
    if not item.unit:
        return []
    found = []
    for unit, rows in _try(con, f'select "{item.unit}", count(*) from ({item.query}) group by 1 order by 1'):  # noqa: S608
        # Rows that say their unit are counted as they are; of groups, those that the unit's own rows make.
        of_unit = replace(item, query=_where_unit(item, item.query, unit))
        for broken in (
            _where_unit(item, str(counted.broken), unit),
            _broken_rows(of_unit, rule, outcome, item) or "",
        ):
            if number := _try(con, f"select count(*) from ({broken})"):  # noqa: S608
                found.append(Counted(int(number[0][0]), rows, broken, unit=unit))
                break
        else:
            return []
    return found if sum(each.failures for each in found) == counted.failures else []


def _where_unit(item: Checked, query: str, unit: object) -> str:
    literal = "'" + str(unit).replace("'", "''") + "'"
    return f'select * from ({query}) where "{item.unit}" = {literal}'  # noqa: S608


def _result(context: Context, item: Checked, rule: Rule, counted: Counted, metrics: tuple[str, ...]) -> CheckResult:
    failures, problem, con = counted.failures, counted.problem, context.con
    passed = not failures and not problem
    about: dict[str, Any] = {"failures": failures, "checked": counted.rows, "problem": problem}
    examples: list[str] = []
    if problem:
        # A rule that cannot be run proves nothing, so nothing may pass on the strength of it.
        found = f"It could not be checked: {problem}."
    elif failures:
        about |= _facts(rule, con)
        found = (rule.found or "{failures:,} of {checked:,} rows break it.").format(**about)
        examples = _examples(item, counted.broken, con)
        found += f" For example {', '.join(examples)}." if examples else ""
        family = context.families[item.name] if context.families else None
        metrics = _broken_metrics(counted.broken, family, con) or metrics
    else:
        found = "It holds."
    return CheckResult(
        check_id=f"{context.suite.name}.{item.name}.{rule.check}",
        kind="great_expectations",
        name=rule.check.replace("_", " "),
        source=context.suite.name,
        object=item.name,
        severity="error" if problem else rule.severity,
        passed=passed,
        failures=failures,
        checked=None if rule.whole else counted.rows,
        message=found if passed else f"{found} {rule.why}",
        cure=rule.cure,
        metrics=tuple(sorted(metrics)),
        run_at=context.run_at,
        words=_translated(rule, context.words, passed, about, examples),
        business_unit=counted.unit,
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


def has_rows_result(
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
    return {name: value if isinstance(value, int) else plain(value, 60) for name, value in row.items()}


def _broken_rows(
    item: Checked, rule: Rule, outcome: "ExpectationValidationResult", checked: Checked | None = None
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


def _examples(item: Checked, broken: str | None, con: "Connection") -> list[str]:
    """Return the first few records that break a rule, always the same ones, harmless to print."""
    if not broken or not item.key:
        return []
    keys = ", ".join(f'"{name}"' for name in item.key)
    sql = f"select distinct {keys} from ({broken}) order by all limit {EXAMPLES}"  # noqa: S608
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
