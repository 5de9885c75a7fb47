"""The results of checks: their shape, the table that keeps them, and which of them hold a scorecard back."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from scorecard.checks.check_words import CheckWords, Sayings, in_languages
from scorecard.checks.doubt import Doubt
from scorecard.shared.languages import Translations

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Severity = Literal["error", "warning"]
OfAnySource = Literal["spans", "future_days", "one_outcome", "gaps", "falls", "similar_names"]
"""The checks that every source gets. They follow from what its facts declare."""
MetricsOf = Mapping[str, Sequence[str]]
"""Metrics by relation."""

_TABLE = """
create table if not exists quality.check_results (
    check_id varchar not null, kind varchar not null, name varchar not null, source varchar not null,
    object varchar not null, severity varchar not null, passed boolean not null, failures bigint not null,
    checked bigint, message varchar not null, cure varchar not null, metrics varchar[] not null,
    run_at timestamptz not null, words varchar, business_unit varchar
)
"""


@dataclass(frozen=True)
class CheckResult:
    """The outcome of one check. A `CheckedSubject` makes it.

    check_id: stable; unique together with business_unit.
    kind: great_expectations, dbt, extract or facts.
    name: a few words.
    source, object: what was checked.
    failures, checked: how many rows break the check, of how many; checked is None if the rows are not counted.
    message: what was found and why it matters.
    cure: what to do.
    metrics: the metrics that a failure touches, sorted.
    run_at: the moment of the check, aware. It stays as long as the data and the rule stay.
    words: the name in other languages; of a failure also the message and the cure.
    business_unit: the unit whose rows were checked, as in the column scope of a figure; None for the rows of all units.
    doubt: what a failure puts in doubt; None for whole rows.
    """

    check_id: str
    kind: str
    name: str
    source: str
    object: str
    severity: Severity
    passed: bool
    failures: int
    checked: int | None
    message: str
    cure: str
    metrics: tuple[str, ...]
    run_at: datetime
    words: Sayings = field(default_factory=dict)
    business_unit: str | None = None
    doubt: Doubt | None = None

    def concerns(self, unit: str) -> bool:
        """Whether the check is of a business unit's rows, or of all units'."""
        return self.business_unit in (None, unit)


@dataclass(frozen=True)
class CheckedSubject:
    """What was checked. The results of all checks of one subject share this.

    kind, source, object, run_at: as in `CheckResult`. metrics: those that a failure touches, in any order.
    """

    kind: str
    source: str
    object: str
    metrics: Collection[str]
    run_at: datetime
    translations: Translations

    def result(
        self,
        check_id: str,
        words: CheckWords,
        severity: Severity,
        failures: int,
        checked: int | None = None,
        *,
        business_unit: str | None = None,
        doubt: Doubt | None = None,
    ) -> CheckResult:
        """Return the result of a check. It passes if it has no failures; then its message is ``words.passed``."""
        failed = words.failed if failures else None
        return CheckResult(
            check_id=check_id,
            kind=self.kind,
            name=words.name.english,
            source=self.source,
            object=self.object,
            severity=severity,
            passed=not failures,
            failures=failures,
            checked=checked,
            message=failed.english if failed else words.passed,
            cure=words.cure.english,
            metrics=tuple(sorted(self.metrics)),
            run_at=self.run_at,
            words=in_languages(
                self.translations, name=words.name, message=failed, cure=words.cure if failures else None
            ),
            business_unit=business_unit,
            doubt=doubt,
        )


COLUMNS = tuple(column.name for column in fields(CheckResult) if column.name != "doubt")


def store(con: "DuckDBPyConnection", results: Sequence[CheckResult]) -> None:
    """Keep results in quality.check_results, in one transaction.

    They replace all results of the same kind and source. Results of other sources stay, and those of a deleted rule go.
    """
    con.begin()
    try:
        con.execute("create schema if not exists quality")
        con.execute(_TABLE)
        # Warehouses of earlier releases lack these columns.
        con.execute("alter table quality.check_results add column if not exists words varchar")
        con.execute("alter table quality.check_results add column if not exists business_unit varchar")
        for kind, source in sorted({(result.kind, result.source) for result in results}):
            con.execute("delete from quality.check_results where kind = ? and source = ?", [kind, source])
        if results:
            marks = ", ".join("?" for _ in COLUMNS)
            rows = [[row[name] for name in COLUMNS] for row in map(_by_column, results)]
            con.executemany(f"insert into quality.check_results by position values ({marks})", rows)
    except BaseException:
        con.rollback()
        raise
    con.commit()


def _by_column(result: CheckResult) -> dict[str, Any]:
    """Return a result's value for each of ``COLUMNS``."""
    return {
        **{name: getattr(result, name) for name in COLUMNS},
        "metrics": list(result.metrics),
        "words": json.dumps(result.words, ensure_ascii=False, sort_keys=True),
    }


def load(con: "DuckDBPyConnection") -> list[CheckResult]:
    """Return the results in quality.check_results by check_id; an empty list before the first check."""
    existing_columns = con.execute(
        "select column_name from information_schema.columns "
        "where table_schema = 'quality' and table_name = 'check_results'"
    ).fetchall()
    if not existing_columns:
        return []
    # The moment is read as a number: for a timestamp with time zone the driver needs a package of zones.
    missing = {name: "null" for name in COLUMNS if (name,) not in existing_columns}
    expressions = {"run_at": "epoch_us(run_at)", **missing}
    columns = ", ".join(f"{expressions.get(name, name)} as {name}" for name in COLUMNS)
    sql = f"select {columns} from quality.check_results order by check_id, business_unit"
    entries = [dict(zip(COLUMNS, row, strict=True)) for row in con.execute(sql).fetchall()]
    return [
        CheckResult(
            **{
                **entry,
                "metrics": tuple(entry["metrics"]),
                "run_at": datetime.fromtimestamp(entry["run_at"] / 1_000_000, UTC),
                "words": json.loads(entry["words"] or "{}"),
            }
        )
        for entry in entries
    ]


def failed_errors(results: Sequence[CheckResult], metrics: Collection[str], unit: str) -> list[CheckResult]:
    """Return the failed checks of severity error that touch any of a scorecard's metrics in its business unit."""
    wanted = set(metrics)
    failed = [
        check
        for check in results
        if not check.passed
        and check.severity == "error"
        and check.concerns(unit)
        and wanted.intersection(check.metrics)
    ]
    return sorted(failed, key=lambda check: check.check_id)


def explain(failed: Sequence[CheckResult]) -> str:
    """Return one paragraph for each failed check: what it found and what to do; empty without failed checks."""
    return "\n\n".join(
        f"{check.name} ({check.source}, {check.object})\n  Found: {check.message}\n  To do: {check.cure}\n"
        f"  Touches: {', '.join(check.metrics)}\n  Check: {check.check_id}"
        for check in failed
    )
