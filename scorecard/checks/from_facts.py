"""Checks of the records of every source. They follow from what the source's facts declare.

A rule of a source's own replaces such a check if it names the check in `instead_of`.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from scorecard.catalogue import Fact
from scorecard.checks.check_words import FALLS, FUTURE, GAPS, NAMES, OUTCOME, SPANS, CheckWords
from scorecard.checks.doubt import Doubt
from scorecard.checks.results import CheckedSubject, CheckResult, MetricsOf, OfAnySource, Severity
from scorecard.shared.languages import Translations
from scorecard.shared.sql import literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_MAX_REVERSED_SHARE = 0.01
"""Up to this share of a source's records may end before they begin. Above it, the failure is an error."""
_MIN_RECORDS = 20
"""The number of records from which on an outcome, a month's number or a gap is checked."""
_MIN_GAP_DAYS = 7
_NEAR_DAYS = 30
"""The number of days on each side of a gap from which the records within it are estimated."""
_MAX_EXAMPLES = 3


@dataclass(frozen=True)
class _Count:
    """What a check counted.

    values: what the sentence about a failure names. in_doubt: the columns that a failure puts in doubt; empty for whole
    rows. broken: the SQL condition of a row that breaks the check; None where single rows don't break it.
    """

    failures: int
    checked: int
    values: Mapping[str, Any]
    severity: Severity = "warning"
    in_doubt: Sequence[str] = ()
    broken: str | None = None


def from_facts(
    con: "DuckDBPyConnection",
    facts: Collection[Fact],
    metrics_of: MetricsOf,
    covered: Collection[tuple[str, str]],
    dimensions: Collection[str],
    translations: Translations,
) -> list[CheckResult]:
    """Check the records of each fact, source by source.

    Parameters
    ----------
    con: the warehouse, built. metrics_of: metrics by ``core.<fact>``. covered: (source, kind) of the checks that a
        source's own rules replace. dimensions: names of the dimensions.
    """
    results = []
    for fact in facts:
        for source, unit in _sources(con, fact) if fact.meta.concept else ():
            metrics = metrics_of.get(f"core.{fact.name}", ())
            concept = str(fact.meta.concept)
            subject = CheckedSubject("facts", source, concept, metrics, datetime.now(UTC), translations)
            records = _Records(con, fact, source, unit)
            for kind, words, count in _counts(records, dimensions):
                if (source, kind) not in covered:
                    results.append(_result(subject, records, kind, words, count))
    return results


@dataclass(frozen=True)
class _Records:
    """The records of a fact that come from one source."""

    con: "DuckDBPyConnection"
    fact: Fact
    source: str
    unit: str

    @property
    def label(self) -> str:
        """What sentences call the records."""
        return str(self.fact.meta.concept).replace("_", " ")

    def row(self, sql: str) -> tuple[Any, ...]:
        """Return the one row of a query. The query reads the source's records from ``records``."""
        records = f"with records as (select * from core.{self.fact.name} where source_system = $source)"
        row = self.con.execute(f"{records} {sql}", {"source": self.source}).fetchone()
        assert row is not None  # noqa: S101
        return row


def _sources(con: "DuckDBPyConnection", fact: Fact) -> list[tuple[str, str]]:
    """Return the sources of a fact's records and their business units; an empty list if the fact isn't built."""
    cursor = con.execute(
        "select 1 from information_schema.tables where table_schema = 'core' and table_name = ?", [fact.name]
    )
    if not cursor.fetchone():
        return []
    sql = f"select distinct source_system, business_unit from core.{fact.name} where business_unit is not null"
    return sorted((str(source), str(unit)) for source, unit in con.execute(sql).fetchall())


def _counts(records: _Records, dimensions: Collection[str]) -> Iterator[tuple[OfAnySource, CheckWords, _Count]]:
    meta = records.fact.meta
    if len(meta.horizon) > 1:
        yield "spans", SPANS, _spans(records, meta.horizon)
    if meta.moment:
        yield "future_days", FUTURE, _future(records, meta.moment)
        yield "gaps", GAPS, _gaps(records, meta.moment)
        yield "falls", FALLS, _falls(records, meta.moment)
    if meta.outcome:
        yield "one_outcome", OUTCOME, _outcome(records, meta.outcome, meta.moment)
    names = [column for column in records.fact.columns if column in dimensions and column != "business_unit"]
    if names or meta.named:
        yield "similar_names", NAMES, _similar(records, names)


def _spans(records: _Records, days: Sequence[str]) -> _Count:
    pairs = list(pairwise(days))
    counted = [records.row(f"select count(*) filter ({b} < {a}), count({b}) from records") for a, b in pairs]
    worst = max(range(len(pairs)), key=lambda place: counted[place][0])
    (earlier, later), (failures, checked) = pairs[worst], counted[worst]
    severity: Severity = "error" if failures > checked * _MAX_REVERSED_SHARE else "warning"
    values = {"earlier": earlier, "later": later}
    return _Count(failures, checked, values, severity, (earlier, later), f"{later} < {earlier}")


def _future(records: _Records, day: str) -> _Count:
    is_ahead = f"{day} > cast(loaded_at as date) + 1"
    failures, checked, last = records.row(
        f"select count(*) filter ({is_ahead}), count({day}), max({day}) filter ({is_ahead}) from records"
    )
    return _Count(failures, checked, {"column": day, "last": last}, in_doubt=(day,), broken=is_ahead)


def _outcome(records: _Records, column: str, day: str | None) -> _Count:
    settled = f"where {column} is not null" + (f" and {day} is not null" if day else "")
    outcomes, checked, outcome = records.row(
        f"select count(distinct {column}), count(*), cast(any_value({column}) as varchar) from records {settled}"
    )
    failures = checked if outcomes == 1 and checked >= _MIN_RECORDS else 0
    return _Count(failures, checked, {"column": column, "outcome": outcome})


def _gaps(records: _Records, day: str) -> _Count:
    """Find the gap in which most records are missing. The days around it give the expected number."""
    since, until, missing, checked = records.row(f"""
        , daily as (
            select {day} as day, count(*) as records from records
            where {day} <= cast(loaded_at as date) group by {day}
        ),
        around as (
            select day,
                sum(records) over (order by day range between interval {_NEAR_DAYS - 1} days preceding and current row)
                    as until_then,
                sum(records) over (order by day range between current row and interval {_NEAR_DAYS - 1} days following)
                    as after_it
            from daily
        ),
        gap as (
            select day as until_day, after_it, lag(day) over (order by day) as since_day,
                lag(until_then) over (order by day) as before_it
            from around
        ),
        empty as (
            select since_day, until_day, date_diff('day', since_day, until_day) - 1 as days,
                least(before_it, after_it) * (date_diff('day', since_day, until_day) - 1) / {_NEAR_DAYS}.0
                    as missing
            from gap where since_day is not null
        )
        select arg_max(since_day, missing), arg_max(until_day, missing), max(missing),
            (select count(*) from records where {day} is not null)
        from empty where days >= {_MIN_GAP_DAYS}
    """)
    failures = 1 if missing is not None and missing >= _MIN_RECORDS else 0
    return _Count(failures, checked, {"column": day, "since": since, "until": until, "missing": round(missing or 0)})


def _falls(records: _Records, day: str) -> _Count:
    """Compare the last whole month's number of records with the median of the six months before it.

    A fall is one failure, and the number may be 0.
    """
    month, number, usual, months, checked = records.row(f"""
        , known as (select max({day}) as day from records where {day} <= cast(loaded_at as date)),
        last_month as (
            select date_trunc('month', known.day + 1) - interval 1 month as month from known
        ),
        counted as (
            select date_diff('month', cast(date_trunc('month', records.{day}) as date), cast(last_month.month as date))
                as ago, count(*) as number
            from records cross join last_month group by 1
        )
        select (select strftime(month, '%Y-%m') from last_month),
            coalesce(max(number) filter (ago = 0), 0), median(number) filter (ago between 1 and 6),
            count(*) filter (ago between 1 and 6), (select count(*) from records where {day} is not null)
        from counted
    """)
    has_fallen = months == 6 and usual >= _MIN_RECORDS and number * 2 < usual
    return _Count(1 if has_fallen else 0, checked, {"month": month, "number": number, "usual": int(usual or 0)})


def _similar(records: _Records, dimensions: Sequence[str]) -> _Count:
    """Count names that differ only in case, spaces and marks, and names that several records share."""
    key = "regexp_replace(lower(strip_accents(name)), '[^\\p{L}\\p{N}]+', '', 'g')"
    selects = [
        f"select {literal(column)} as field, {column} as name, {column} as id from records" for column in dimensions
    ]
    if named := records.fact.meta.named:
        selects.append(f"select {literal(named)} as field, {named} as name, record_id as id from records")
    failures, checked, columns, column, examples = records.row(f"""
        , spelt as ({" union ".join(selects)}),
        alike as (
            select field, {key} as alike, string_agg(distinct name, ' / ' order by name) as names,
                count(distinct id) as ids
            from spelt where name is not null and {key} <> '' group by field, alike
        ),
        worst as (select field from alike where ids > 1 group by field order by count(*) desc, field limit 1)
        select count(*) filter (ids > 1), (select count(*) from records),
            list(distinct field order by field) filter (ids > 1), (select field from worst),
            list(names order by names) filter (ids > 1 and field = (select field from worst))
        from alike
    """)
    listed = "; ".join((examples or [])[:_MAX_EXAMPLES])
    return _Count(failures, checked, {"column": column, "examples": listed}, in_doubt=columns or ())


def _result(
    subject: CheckedSubject, records: _Records, kind: OfAnySource, words: CheckWords, count: _Count
) -> CheckResult:
    values = {"what": records.label, "failures": count.failures, "checked": count.checked, **count.values}
    return subject.result(
        f"facts.{records.source}.{records.fact.name}.{kind}",
        words.about(values),
        count.severity if count.failures else "warning",
        count.failures,
        count.checked,
        business_unit=records.unit,
        doubt=_doubt(records, count),
    )


def _doubt(records: _Records, count: _Count) -> Doubt | None:
    """Return what a failure puts in doubt; None for whole rows."""
    relation = f"core.{records.fact.name}"
    rows = (
        f"select * from {relation} where source_system = {literal(records.source)} and {count.broken}"
        if count.failures and count.broken
        else None
    )
    columns = tuple((relation, column) for column in count.in_doubt)
    return Doubt(columns, rows, with_causes=True) if columns else None
