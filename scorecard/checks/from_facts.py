"""What holds of the records of any source, whoever declared it: checked by what their facts declare.

A source whose own rules tell the same says so with `instead_of`, and is not told it twice.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from scorecard.catalogue import Fact
from scorecard.checks.check_words import Phrase, in_languages
from scorecard.checks.doubt import Doubt
from scorecard.checks.fact_words import FALLS, FUTURE, GAPS, NAMES, OUTCOME, SPANS, FactWords
from scorecard.checks.results import CheckResult, MetricsOf, OfAnySource, Severity
from scorecard.shared.languages import Translations
from scorecard.shared.sql import literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_MAX_SHARE = 0.01
"""Above this share of a source's records a span that ends before it begins holds figures back."""
_ENOUGH = 20
"""Records that an outcome, a month's number or a gap is judged by."""
_GAP_DAYS = 7
_NEIGHBOURS = 30
_EXAMPLES = 3


@dataclass(frozen=True)
class _Found:
    """What a check counted, and what its sentence names.

    in_doubt: the columns that a failure puts in doubt; none where it is about whole rows. broken: the condition of the
    rows that break it, where each does so by itself.
    """

    failures: int
    checked: int
    about: Mapping[str, Any]
    severity: Severity = "warning"
    in_doubt: Sequence[str] = ()
    broken: str | None = None


def from_facts(
    con: "DuckDBPyConnection",
    facts: Collection[Fact],
    metrics_of: MetricsOf,
    covered: Collection[tuple[str, str]],
    dimensions: Collection[str],
    words: Translations,
) -> list[CheckResult]:
    """Return what was found in each fact, by the source of its records.

    Parameters
    ----------
    con: the warehouse, built. metrics_of: metrics by ``core.<fact>``. told: source and kind of the checks that a
        source's own rules make. dimensions: names of the dimensions.
    """
    results = []
    for fact in facts:
        for source, unit in _sources(con, fact) if fact.meta.concept else ():
            about = _FactCheck(con, fact, source, unit, tuple(sorted(metrics_of.get(f"core.{fact.name}", ()))), words)
            for kind, fact_words, count in _counts(about, dimensions):
                if (source, kind) not in covered:
                    results.append(_result(about, kind, fact_words, count))
    return results


@dataclass(frozen=True)
class _FactCheck:
    """The records of a fact that come from one source."""

    con: "DuckDBPyConnection"
    fact: Fact
    source: str
    unit: str
    metrics: tuple[str, ...]
    words: Translations

    @property
    def what(self) -> str:
        """What the records are called."""
        return str(self.fact.meta.concept).replace("_", " ")

    def one(self, sql: str) -> tuple[Any, ...]:
        """Return the row of a query that reads ``records``: those of the source."""
        records = f"with records as (select * from core.{self.fact.name} where source_system = $source)"
        row = self.con.execute(f"{records} {sql}", {"source": self.source}).fetchone()
        assert row is not None  # noqa: S101
        return row


def _sources(con: "DuckDBPyConnection", fact: Fact) -> list[tuple[str, str]]:
    """Return the sources of a fact's records and their business units; none where the fact could not be built."""
    cursor = con.execute("select 1 from duckdb_tables() where schema_name = 'core' and table_name = ?", [fact.name])
    if not cursor.fetchone():
        return []
    sql = f"select distinct source_system, business_unit from core.{fact.name} where business_unit is not null"
    return sorted((str(source), str(unit)) for source, unit in con.execute(sql).fetchall())


def _counts(about: _FactCheck, dimensions: Collection[str]) -> Iterator[tuple[OfAnySource, FactWords, _Found]]:
    meta = about.fact.meta
    if len(meta.horizon) > 1:
        yield "spans", SPANS, _spans(about, meta.horizon)
    if meta.moment:
        yield "future_days", FUTURE, _future(about, meta.moment)
        yield "gaps", GAPS, _gaps(about, meta.moment)
        yield "falls", FALLS, _falls(about, meta.moment)
    if meta.outcome:
        yield "one_outcome", OUTCOME, _outcome(about, meta.outcome, meta.moment)
    names = [column for column in about.fact.columns if column in dimensions and column != "business_unit"]
    if names or meta.named:
        yield "similar_names", NAMES, _similar(about, names)


def _spans(about: _FactCheck, days: Sequence[str]) -> _Found:
    pairs = list(pairwise(days))
    counted = [about.one(f"select count(*) filter ({b} < {a}), count({b}) from records") for a, b in pairs]
    worst = max(range(len(pairs)), key=lambda place: counted[place][0])
    (earlier, later), (failures, checked) = pairs[worst], counted[worst]
    severity: Severity = "error" if failures > checked * _MAX_SHARE else "warning"
    about_days = {"earlier": earlier, "later": later}
    return _Found(failures, checked, about_days, severity, (earlier, later), f"{later} < {earlier}")


def _future(about: _FactCheck, day: str) -> _Found:
    is_ahead = f"{day} > cast(loaded_at as date) + 1"
    failures, checked, last = about.one(
        f"select count(*) filter ({is_ahead}), count({day}), max({day}) filter ({is_ahead}) from records"
    )
    return _Found(failures, checked, {"column": day, "last": last}, in_doubt=(day,), broken=is_ahead)


def _outcome(about: _FactCheck, column: str, day: str | None) -> _Found:
    settled = f"where {column} is not null" + (f" and {day} is not null" if day else "")
    outcomes, checked, outcome = about.one(
        f"select count(distinct {column}), count(*), cast(any_value({column}) as varchar) from records {settled}"
    )
    failures = checked if outcomes == 1 and checked >= _ENOUGH else 0
    return _Found(failures, checked, {"column": column, "outcome": outcome})


def _gaps(about: _FactCheck, day: str) -> _Found:
    """Find the stretch of days without a record in which most were to be expected by the days around it."""
    since, until, missing, checked = about.one(f"""
        , daily as (
            select {day} as day, count(*) as records from records
            where {day} <= cast(loaded_at as date) group by {day}
        ),
        around as (
            select day,
                sum(records) over (order by day range between interval {_NEIGHBOURS - 1} days preceding and current row)
                    as until_then,
                sum(records) over (order by day range between current row and interval {_NEIGHBOURS - 1} days following)
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
                least(before_it, after_it) * (date_diff('day', since_day, until_day) - 1) / {_NEIGHBOURS}.0
                    as missing
            from gap where since_day is not null
        )
        select arg_max(since_day, missing), arg_max(until_day, missing), max(missing),
            (select count(*) from records where {day} is not null)
        from empty where days >= {_GAP_DAYS}
    """)
    failures = 1 if missing is not None and missing >= _ENOUGH else 0
    return _Found(failures, checked, {"column": day, "since": since, "until": until, "missing": round(missing or 0)})


def _falls(about: _FactCheck, day: str) -> _Found:
    """Compare the number of records in the last whole month with those of the six before it."""
    month, records, usual, months, checked = about.one(f"""
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
    has_fallen = months == 6 and usual >= _ENOUGH and records * 2 < usual
    return _Found(records if has_fallen else 0, checked, {"month": month, "usual": int(usual or 0)})


def _similar(about: _FactCheck, dimensions: Sequence[str]) -> _Found:
    """Count names that differ in case, spaces and marks alone, and records of another id that have the same name."""
    key = "regexp_replace(lower(strip_accents(name)), '[^\\p{L}\\p{N}]+', '', 'g')"
    selects = [
        f"select {literal(column)} as field, {column} as name, {column} as id from records" for column in dimensions
    ]
    if named := about.fact.meta.named:
        selects.append(f"select {literal(named)} as field, {named} as name, record_id as id from records")
    failures, checked, columns, column, examples = about.one(f"""
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
    listed = "; ".join((examples or [])[:_EXAMPLES])
    return _Found(failures, checked, {"column": column, "examples": listed}, in_doubt=columns or ())


def _result(about: _FactCheck, kind: OfAnySource, fact_words: FactWords, count: _Found) -> CheckResult:
    values = {"what": about.what, "failures": count.failures, "checked": count.checked, **count.about}
    failed = Phrase(fact_words.failed.text, values) if count.failures else None
    return CheckResult(
        check_id=f"facts.{about.source}.{about.fact.name}.{kind}",
        kind="facts",
        name=fact_words.name.english,
        source=about.source,
        object=str(about.fact.meta.concept),
        severity=count.severity if count.failures else "warning",
        passed=not count.failures,
        failures=count.failures,
        checked=count.checked,
        message=failed.english if failed else "It holds.",
        cure=fact_words.cure.english,
        metrics=about.metrics,
        run_at=datetime.now(UTC),
        words=in_languages(about.words, name=fact_words.name, message=failed, cure=fact_words.cure if failed else None),
        business_unit=about.unit,
        doubt=_doubt(about, count),
    )


def _doubt(about: _FactCheck, count: _Found) -> Doubt | None:
    """Return what a failure puts in doubt; None where that is whole rows."""
    relation = f"core.{about.fact.name}"
    is_known = count.failures and count.broken
    rows = (
        f"select * from {relation} where source_system = {literal(about.source)} and {count.broken}"
        if is_known
        else None
    )
    columns = tuple((relation, column) for column in count.in_doubt)
    return Doubt(columns, rows, with_causes=True) if columns else None
