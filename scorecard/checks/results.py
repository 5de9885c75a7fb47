"""One shape for the outcome of every check, whoever ran it, and the table that keeps them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from scorecard.checks.check_words import Sayings
from scorecard.checks.doubt import Doubt

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Severity = Literal["error", "warning"]
OfAnySource = Literal["spans", "future_days", "one_outcome", "gaps", "falls", "similar_names"]
"""The checks that any source gets, by what its facts declare."""
MetricsOf = Mapping[str, Sequence[str]]

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
    """What one check found.

    check_id: stable. kind: great_expectations, dbt, extract or facts. name: a few words. source, object:
    what was checked. failures of checked: rows, where rows are what is counted; checked is None where nobody
    counted. message: what was found and why it matters. cure: what to do. metrics: those that a failure
    touches, sorted. run_at: aware; where nothing has changed since, the moment it was last looked at.
    words: name, and of a failure message and cure, in other languages. business_unit: whose rows were checked and
    counted, as in the column scope of a figure; None where they are of all units. With it, check_id is unique.
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


COLUMNS = tuple(column.name for column in fields(CheckResult) if column.name != "doubt")


def store(con: "DuckDBPyConnection", results: Sequence[CheckResult]) -> None:
    """Keep results in quality.check_results, in one transaction.

    They replace all that was kept of the same kind and source, so one source can be checked without
    forgetting another, and a rule that was removed leaves nothing behind.
    """
    con.begin()
    try:
        con.execute("create schema if not exists quality")
        con.execute(_TABLE)
        # A warehouse that was built before checks had words in other languages, or were counted per unit.
        con.execute("alter table quality.check_results add column if not exists words varchar")
        con.execute("alter table quality.check_results add column if not exists business_unit varchar")
        for kind, source in sorted({(result.kind, result.source) for result in results}):
            con.execute("delete from quality.check_results where kind = ? and source = ?", [kind, source])
        if results:
            marks = ", ".join("?" for _ in COLUMNS)
            rows = [[row[name] for name in COLUMNS] for row in map(_row, results)]
            con.executemany(f"insert into quality.check_results by position values ({marks})", rows)
    except BaseException:
        con.rollback()
        raise
    con.commit()


def _row(result: CheckResult) -> dict[str, Any]:
    return {
        **asdict(result),
        "metrics": list(result.metrics),
        "words": json.dumps(result.words, ensure_ascii=False, sort_keys=True),
    }


def load(con: "DuckDBPyConnection") -> list[CheckResult]:
    """Return what was kept, in the order of check_id; nothing where no check has run yet."""
    existing_columns = con.execute(
        "select column_name from information_schema.columns "
        "where table_schema = 'quality' and table_name = 'check_results'"
    ).fetchall()
    if not existing_columns:
        return []
    # The moment comes as a number: for a timestamp with zone the driver would ask for a package of zones.
    missing = {name: "null" for name in COLUMNS if (name,) not in existing_columns}
    taken = {"run_at": "epoch_us(run_at)", **missing}
    columns = ", ".join(f"{taken.get(name, name)} as {name}" for name in COLUMNS)
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
