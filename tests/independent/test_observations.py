"""Every value is the aggregate of its metric's observations, and of nothing else.

The values come from passes over facts that a planner makes of the KPIs' SQL; the observations are views that nobody
computes. Here they are held to each other: every period and member, both ways.
"""

from decimal import Decimal
from fractions import Fraction

import duckdb
import pytest

from scorecard.catalogue import load_catalogue
from scorecard.shared.settings import load_settings

BASES = sorted({metric.base for metric in load_catalogue(load_settings()).metrics.values() if not metric.expression})
QUANTILES = {"median": Fraction(1, 2), "percentile_90": Fraction(9, 10)}
MEMBERS = tuple(load_catalogue(load_settings()).dimensions)

# The observations of each period and member that the metric is valued for.
ADDED = f"""
    with horizon as (
        select max(last_day) as last_day from scorecard.horizons
        where metric = getvariable('metric')
    ),
    observation as (
        select * exclude (period_start), period_start as first_start
        from scorecard.kpi_observations where metric = getvariable('metric')
    ),
    period as (
        select grain, period_start, period_end
        from core.core_period
        where period_start <= (select last_day from horizon)
            and grain in (select grain from scorecard.kpi_values where metric = getvariable('metric'))
    ),
    day as (
        select grain, period_start, unnest(range(period_start, period_end, interval 1 day))::date as day
        from period
    ),
    placed as (
        select day.grain as of_grain, day.period_start, observation.*
        from observation
        inner join day
            on observation.occurred_on = day.day and observation.grain is null
        where getvariable('aggregate') <> 'last'
        union all
        select period.grain as of_grain, period.period_start, observation.*
        from observation
        inner join period
            on observation.grain = period.grain and observation.first_start <= period.period_start
            and (observation.period_until is null or observation.period_until > period.period_start)
        union all
        select period.grain as of_grain, period.period_start, observation.*
        from observation
        inner join period
            on observation.occurred_on < period.period_end
            and (observation.ended_on is null or observation.ended_on >= period.period_end)
        where getvariable('aggregate') = 'last'
    ),
    added as (
        select
            of_grain as grain,
            period_start,
            case {" ".join(f"when grouping({name}) = 0 then '{name}'" for name in MEMBERS)} end as dimension,
            coalesce({", ".join(MEMBERS)}) as member,
            sum(numerator) as numerator,
            sum(denominator) as denominator,
            count(*) as observations,
            count(*) filter (where numerator is null or denominator is null) as missing,
            list(numerator order by numerator) filter (where numerator is not null) as ordered
        from placed
        group by grouping sets ({", ".join(f"(of_grain, period_start, {name})" for name in MEMBERS)})
    )
    select grain, period_start, dimension, member, numerator, denominator, observations, missing,
        if(getvariable('is_quantile'), ordered, null) as ordered
    from added
    where member is not null and (grain <> 'day' or dimension in ('company', 'business_unit'))
"""


@pytest.mark.parametrize("base", BASES)
def test_the_observations_make_the_values(connection: duckdb.DuckDBPyConnection, base: str) -> None:
    catalogue = load_catalogue(load_settings())
    alike = [metric for metric in catalogue.metrics.values() if metric.base == base]
    aggregate = catalogue.metrics[base].aggregate
    is_quantile = any(metric.aggregate in QUANTILES for metric in alike)
    for name, value in (("metric", base), ("aggregate", aggregate), ("is_quantile", is_quantile)):
        connection.execute(f"set variable {name} = $value", {"value": value})
    added = {row[:4]: row[4:] for row in connection.execute(ADDED).fetchall()}
    for metric in alike:
        values = connection.execute(
            "select grain, period_start, dimension, member, numerator, denominator, observations, value, na_reason "
            "from scorecard.kpi_values where metric = ? and observations > 0",
            [metric.name],
        ).fetchall()
        assert {row[:4] for row in values} == set(added)
        for *key, numerator, denominator, observations, value, reason in values:
            n, d, count, missing, ordered = added[tuple(key)]
            assert (numerator, denominator, observations) == (n, d, count), key
            if reason is None:
                assert value == _value(metric.aggregate, n, d, ordered), key
            else:
                assert value is None, key
                assert (reason == "missing_inputs") == (missing > 0), key


def _value(aggregate: str, numerator: Decimal, denominator: Decimal, ordered: list[Decimal]) -> Decimal:
    if aggregate in ("sum", "last"):
        return numerator
    if aggregate in QUANTILES:
        place = QUANTILES[aggregate] * (len(ordered) - 1)
        below = int(place)
        above = min(below + 1, len(ordered) - 1)
        exact = Fraction(ordered[below]) + (Fraction(ordered[above]) - Fraction(ordered[below])) * (place - below)
    else:
        exact = Fraction(numerator) / abs(Fraction(denominator))
    # Half away from zero; Decimal's own context would round on 28 digits.
    whole = (abs(exact) * 2 * 10**8 + 1) // 2
    return Decimal(int(whole if exact >= 0 else -whole)).scaleb(-8)
