"""The SQL of a recomputation: from a figure's own observations, or from a derived figure's terms."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scorecard.closes import store
from scorecard.shared.sql import literal

_QUANTILES = {"median": 5, "percentile_90": 9, "km_median": 5}
"""The quantile of each aggregate, in tenths."""

_CURVE = """
step as (
    select
        numerator as amount,
        count(*) filter (where is_event) as events,
        sum(count(*)) over (order by numerator desc) as at_risk,
        row_number() over (order by numerator) as place
    from contributing
    where numerator is not null
    group by numerator
),
-- How much of 10^24 still waits after each amount.
curve as (
    select 0::bigint as place, null::decimal(30, 8) as amount, 1000000000000000000000000::hugeint as waiting
    union all
    select step.place, step.amount, curve.waiting * (at_risk - events)::hugeint // at_risk::hugeint
    from curve
    inner join step on step.place = curve.place + 1
),
-- From where on a half waits, or less: on it means to the 18th decimal, since an exact fraction has too many digits.
half as (
    select
        min(amount) filter (where waiting <= 500000000000000001000000::hugeint) as reached,
        min(amount) filter (where waiting < 499999999999999999000000::hugeint) as below,
        max(amount) as longest
    from curve
),
median as (
    select
        case when below is not null then [reached, below] end as ends,
        case when below is null then ((coalesce(reached, longest) + longest) * 0.5)::decimal(38, 8) end as longer_than
    from half
),"""
"""Kaplan and Meier's curve, step by step. Its median is between the two ends."""


@dataclass(frozen=True)
class FigurePart:
    """A part of a figure: the observations of one metric in one period, or a target.

    ``base``: the metric of the observations. ``condition``: the SQL condition of those that count. Both are None for a
    target. ``sql``: the query of (numerator, denominator, observations, missing, at_most, longer_than, value); for a
    target, of (value).
    """

    metric: str
    period: str
    at: str
    base: str | None
    condition: str | None
    sql: str

    @property
    def name(self) -> str:
        """The name that tells it from other parts, as booked_revenue 2017-Q3."""
        return f"{'target of ' if self.at == 'target' else ''}{self.metric} {self.period}"


def query_of(folder: Path, condition: str, definition: dict[str, Any]) -> str:
    """Return the query over a figure's own observations. It rounds once, since it computes in whole numbers."""
    observations = folder / "observations.parquet"
    minimum, aggregate = int(definition["minimum_observations"]), definition["aggregate"]
    # A provisional share may still count in full what is not settled.
    at_most = "null"
    if aggregate == "ratio":
        at_most = f"""case
        when missing > 0 or p is null then null
        {_value("ratio", minimum, "(n + p)")}
    end"""
    is_wait = aggregate == "km_median"
    longer_than = f"when observations >= {minimum} then (select longer_than from median)" if is_wait else ""
    return f"""with {"recursive " if is_wait else ""}contributing as (
    select
        numerator,
        denominator,
        {store.optional(observations, "settles_on", "date")},
        {store.optional(observations, "is_event", "boolean")}
    from read_parquet({literal(str(observations))})
    where {condition}
),{_CURVE if is_wait else ""}
{_sums(aggregate)}
select
    numerator,
    denominator,
    observations,
    missing,
    {at_most} as at_most,
    case when missing > 0 then null {longer_than} end as longer_than,
    case
        when missing > 0 then null
        {_value(aggregate, minimum)}
    end as value
from sums"""


def _sums(aggregate: str) -> str:
    """Return the step of the sums: n and d are the sums, p is the unsettled part, ordered are the sorted amounts."""
    ordered = "null"
    if aggregate == "km_median":
        ordered = "(select ends from median)"
    elif aggregate in _QUANTILES:
        ordered = "list(numerator order by numerator) filter (where numerator is not null)"
    return f"""sums as (
    select
        sum(numerator) as numerator,
        sum(denominator) as denominator,
        count(*) as observations,
        count(*) filter (where numerator is null or denominator is null) as missing,
        {_units("numerator")} as n,
        {_units("denominator")} as d,
        {_units("(denominator - numerator)", "filter (where settles_on is not null)")} as p,
        {ordered} as ordered
    from contributing
)"""


def derived_query(parts: Sequence[FigurePart], expression: dict[str, Any], metrics: dict[str, Any]) -> str:
    """Return the query that computes a derived figure from its terms."""
    amounts = []
    for place, part in enumerate(parts):
        is_sum = part.at != "target" and metrics[part.metric]["aggregate"] in ("sum", "last")
        amount = f"(select {'numerator' if is_sum else 'value'} from t{place})"
        amounts.append(f"coalesce({amount}, 0)" if part.at not in ("now", "target") else amount)
    terms = ",\n".join(f"t{place} as (\n{part.sql}\n)" for place, part in enumerate(parts))
    observed = " + ".join(
        "1" if part.at == "target" else f"(select observations from t{place})" for place, part in enumerate(parts)
    )
    missing = " + ".join(f"(select missing from t{place})" for place, part in enumerate(parts) if part.at != "target")
    known = " and ".join(f"(select value from t{place}) is not null" for place in range(len(parts)))
    return f"""with {terms},
sides as (
    select
        ({expression["numerator"].format(*amounts)})::decimal(38, 8) as numerator,
        ({expression["denominator"].format(*amounts)})::decimal(38, 8) as denominator
),
sums as (
    select numerator, denominator, {_whole("numerator")} as n, {_whole("denominator")} as d from sides
)
select
    numerator,
    denominator,
    {observed} as observations,
    {missing} as missing,
    null as at_most,
    null as longer_than,
    case when d <> 0 and {known} then (sign(n) * sign(d))::int * {_share("n")} end as value
from sums"""


def _units(side: str, where: str = "") -> str:
    """Return a sum as a whole number of hundred-millionths. Units and fractions are summed apart to avoid overflow."""
    return f"sum(trunc({side})::hugeint) {where} * 100000000 + sum(({side} % 1 * 100000000)::hugeint) {where}"


def _share(n: str) -> str:
    """Return a quotient of sums without its sign, rounded half away from zero at the eighth decimal.

    It is a long division: the whole part, then four digits of the remainder, then four more. A large n would overflow
    in a single step.
    """
    rest = f"abs({n}) % abs(d) * 10000"
    return f"""(
            try_cast(abs({n}) // abs(d) as decimal(29, 0))
            + ({rest} // abs(d) * 10000 + ({rest} % abs(d) * 20000 + abs(d)) // (2 * abs(d)))::decimal(9, 0)
            * 0.00000001::decimal(9, 8)
        )::decimal(38, 8)"""


def _quantile(tenths: int) -> str:
    """Return a quantile of the sorted amounts, interpolated between its two neighbours."""
    place = f"{tenths} * (len(ordered) - 1)"
    lower, upper = f"ordered[{place} // 10 + 1]", f"ordered[least({place} // 10 + 2, len(ordered))]"
    return f"({lower} + ({upper} - {lower}) * (({place} % 10)::int * 0.1::decimal(2, 1)))::decimal(38, 8)"


def _value(aggregate: str, minimum: int, n: str = "n") -> str:
    """Return the branches of the value. An empty sum is 0; every other empty measure is n/a."""
    enough = f"when observations >= {minimum}"
    if aggregate in _QUANTILES:
        return f"{enough} then {_quantile(_QUANTILES[aggregate])}"
    if aggregate in ("sum", "last"):
        return f"when observations = 0 then 0::decimal(38, 8)\n        {enough} then numerator::decimal(38, 8)"
    if aggregate == "growth":
        return f"when d <> 0 then sign({n})::int * {_share(n)}"
    divided = f"then (sign({n}) * sign(d))::int * {_share(n)}"
    return f"when d <> 0 {divided}" if aggregate == "attainment" else f"{enough} and d <> 0 {divided}"


def _whole(number: str) -> str:
    """Return a decimal as a whole number of hundred-millionths."""
    return f"trunc({number})::hugeint * 100000000 + ({number} % 1 * 100000000)::hugeint"
