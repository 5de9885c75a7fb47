"""A KPI in any style has the same sums from its own rows and in a pass, or the planner says why it has no pass."""

# ruff: noqa: E501 - each KPI is read as a whole
import random
from collections.abc import Iterator

import duckdb
import pytest

from scorecard.warehouse.plan.kpi_sql import NoPass, Table, read_shape
from scorecard.warehouse.plan.passes import Kpi, make_passes, refuse_unfit

DEAL = ("record_id", "business_unit", "region", "rep", "is_won", "is_closed", "amount", "created_on", "closed_on")
TABLES = {
    ("core", "core_opportunity"): Table('"core"."core_opportunity"', DEAL, (frozenset({"record_id"}),)),
    ("core", "core_rep"): Table('"core"."core_rep"', ("rep", "team", "weight"), (frozenset({"rep"}),)),
    ("core", "core_parameter"): Table(
        '"core"."core_parameter"',
        ("business_unit", "parameter", "number"),
        (frozenset({"business_unit", "parameter"}),),
    ),
}
COLUMNS = "deal.record_id, deal.closed_on as occurred_on, deal.business_unit, deal.region"

SHARED = {
    "plain": f"select {COLUMNS}, deal.amount as numerator from core.core_opportunity as deal "
    "where deal.is_won and deal.closed_on is not null",
    "no alias": "select record_id, closed_on as occurred_on, business_unit, region, amount as numerator "
    "from core.core_opportunity where is_won and closed_on is not null",
    "CTE": f"with deal as (select * from core.core_opportunity where is_won) select {COLUMNS}, 1 as numerator from deal",
    "CTE in a CTE": f"""
        with closed as (select * from core.core_opportunity where is_closed),
        deal as (select *, amount * 2 as doubled from closed where amount > 10)
        select {COLUMNS}, deal.doubled as numerator, deal.amount as denominator from deal where deal.closed_on is not null
    """,
    "subquery": f"select {COLUMNS}, deal.n as numerator from (select *, coalesce(amount, 0) as n "
    "from core.core_opportunity where is_closed or amount is null) as deal",
    "case and cast": f"select {COLUMNS}, case when deal.is_won then deal.amount::decimal(30, 8) else 0 end as numerator, "
    "deal.amount as denominator from core.core_opportunity as deal where deal.is_closed is true",
    "join to a dimension": f"select {COLUMNS}, rep.team, deal.amount * rep.weight as numerator "
    "from core.core_opportunity as deal left join core.core_rep as rep on deal.rep = rep.rep where rep.weight > 1",
    "the fact's name for what is joined": "select other.record_id, other.closed_on as occurred_on, other.business_unit, "
    "fact.team, other.amount as numerator from core.core_opportunity as other "
    "left join core.core_rep as fact on fact.rep = other.rep",
    "a key of two columns": f"""
        select {COLUMNS}, deal.amount as numerator
        from core.core_opportunity as deal
        left join core.core_parameter as least
            on least.parameter = 'big.least' and deal.business_unit = least.business_unit
        where deal.amount >= least.number
    """,
    "chained joins": f"""
        select {COLUMNS}, rep.team, deal.amount as numerator
        from core.core_opportunity as deal
        left join core.core_rep as rep on deal.rep = rep.rep
        left join core.core_parameter as least
            on deal.business_unit = least.business_unit and least.parameter = 'big.' || rep.team
        where coalesce(least.number, 0) < 50
    """,
    "three-valued conditions": f"select {COLUMNS}, deal.amount as numerator from core.core_opportunity as deal "
    "where not (deal.is_won and deal.amount > 20)",
    "quoted and in upper case": 'SELECT "deal"."record_id", "deal"."closed_on" AS "occurred_on", '
    '"deal"."business_unit", "deal"."region", "deal"."amount" AS "numerator" FROM "core"."core_opportunity" AS "deal"',
    "not settled": f"select {COLUMNS}, cast(deal.is_won as int) as numerator, "
    "case when not deal.is_closed then deal.created_on end as settles_on from core.core_opportunity as deal",
    "in the total or not": f"select {COLUMNS}, deal.region <> 'East' as in_total, deal.amount as numerator "
    "from core.core_opportunity as deal",
}
ALONE = {
    f"select {COLUMNS}, 1 as numerator from core.core_opportunity as deal where is_won union all "
    f"select {COLUMNS}, -1 as numerator from core.core_opportunity as deal where not is_won": "is a union",
    f"select {COLUMNS}, row_number() over (partition by deal.rep order by deal.closed_on) as numerator "
    "from core.core_opportunity as deal": "has a window",
    "select max(deal.record_id) as record_id, deal.closed_on as occurred_on, deal.business_unit, sum(deal.amount) as "
    "numerator from core.core_opportunity as deal group by all": "groups its rows",
    f"with first as (select rep, min(closed_on) as day from core.core_opportunity group by rep) select {COLUMNS}, 1 as "
    "numerator from core.core_opportunity as deal left join first on deal.rep = first.rep": "joins a subquery",
    f"with deal as (select *, lag(amount) over (order by closed_on) as before from core.core_opportunity) "
    f"select {COLUMNS}, deal.before as numerator from deal where is_won": "has a window",
    f"select distinct {COLUMNS}, 1 as numerator from core.core_opportunity as deal": "has a distinct",
    f"select {COLUMNS}, 1 as numerator from core.core_opportunity as deal inner join core.core_rep as rep "
    "on deal.rep = rep.rep": "otherwise than by a left join",
    f"select {COLUMNS}, 1 as numerator from core.core_opportunity as deal left join core.core_rep as rep "
    "on deal.region = rep.team": "on less than a key",
    f"select {COLUMNS}, 1 as numerator from core.core_opportunity as deal left join core.core_parameter as p "
    "on deal.business_unit = p.business_unit": "on less than a key",
    f"select {COLUMNS}, 1 as numerator from core.core_opportunity as deal left join core.core_rep as rep "
    "on rep.rep = upper(rep.team)": "on less than a key",
    f"select {COLUMNS}, 1 as numerator from core.core_opportunity as deal where deal.amount > "
    "(select avg(amount) from core.core_opportunity)": "groups its rows",
    f"select {COLUMNS}, random() as numerator from core.core_opportunity as deal": "depends on chance",
    "select 'a' as record_id, date '2024-01-01' as occurred_on, 'Hardware' as business_unit, 1 as numerator": "no table",
    f"select {COLUMNS}, 1 as numerator from raw.deals as deal": "no model of core",
    "select record_id, business_unit, amount as numerator from core.core_opportunity": "has no column occurred_on",
    "select from where": "can't be read",
}


@pytest.fixture(scope="module")
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    """Deals of every kind, nulls among them, and the tables that KPIs join to them."""
    drawn = random.Random(11)
    with duckdb.connect() as connection:
        connection.execute("create schema core")
        connection.execute(
            "create table core.core_opportunity (record_id varchar, business_unit varchar, region varchar, rep varchar, "
            "is_won boolean, is_closed boolean, amount decimal(30, 8), created_on date, closed_on date)"
        )
        days = [None, *(f"2024-01-{day:02}" for day in range(1, 8))]
        for number in range(400):
            row = (
                *(f"D-{number}", drawn.choice(["Hardware", "SaaS"]), drawn.choice(["East", "West", None])),
                *(drawn.choice(["Ann", "Ben", "Cid", None]), drawn.choice([True, False, None])),
                *(drawn.choice([True, False]), drawn.choice([None, 0, 5, 12.5, 40])),
                *("2024-01-01", drawn.choice(days)),
            )
            connection.execute("insert into core.core_opportunity values (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        connection.execute(
            "create table core.core_rep as select * from (values ('Ann', 'A', 2), ('Ben', 'B', 1)) as t (rep, team, weight)"
        )
        connection.execute(
            "create table core.core_parameter as select * from (values ('Hardware', 'big.least', 12), "
            "('SaaS', 'big.least', 40), ('SaaS', 'big.A', 99)) as t (business_unit, parameter, number)"
        )
        yield connection


@pytest.mark.parametrize("style", SHARED)
def test_a_pass_has_the_sums_of_the_kpi(warehouse: duckdb.DuckDBPyConnection, style: str) -> None:
    """The KPI is alone in its pass, or beside all other KPIs."""
    kpis = {name: (Kpi(name, name, "flow", ("ratio",)), read_shape(sql, TABLES)) for name, sql in SHARED.items()}
    for shared in ([kpis[style]], list(kpis.values())):
        (own,) = [made for made in make_passes(shared, ["region", "team"]) if style in _names(made.metrics)]
        metric = own.metrics[_names(own.metrics).index(style)]
        sides = [f"x{metric[side]}" if metric[side] is not None else "1" for side in ("numerator", "denominator")]
        sides.append(f"x{metric['pending']}" if metric["pending"] is not None else "null")
        dimensions = [name for name in own.dimensions if name != "business_unit"]
        in_pass = warehouse.execute(
            f"select occurred_on, scope, {', '.join(dimensions)}, {_sums(sides)} from ({own.sql()}) "
            f"where k{metric['k']} group by all order by all"
        ).fetchall()
        assert in_pass == warehouse.execute(_plain(warehouse, style, dimensions)).fetchall()
        assert in_pass


@pytest.mark.parametrize("sql", ALONE)
def test_the_planner_says_why_a_kpi_has_no_pass(sql: str) -> None:
    with pytest.raises(NoPass, match=ALONE[sql]):
        refuse_unfit(Kpi("kpi", "kpi", "flow", ("sum",)), read_shape(sql, TABLES))


def test_kpis_of_the_same_days_and_members_share_a_pass() -> None:
    shapes = [(Kpi(name, name, "flow", ("sum",)), read_shape(SHARED[name], TABLES)) for name in ("plain", "CTE")]
    created = SHARED["plain"].replace("deal.closed_on as occurred_on", "deal.created_on as occurred_on")
    shapes.append((Kpi("created", "created", "flow", ("sum",)), read_shape(created, TABLES)))
    made = make_passes(shapes, ["region", "team"])
    assert [_names(entry.metrics) for entry in made] == [["plain", "CTE"], ["created"]]
    # Both count won deals: one condition.
    assert made[0].conditions == ["(fact.is_won)"]


def _names(metrics: list[dict[str, object]]) -> list[object]:
    return [metric["name"] for metric in metrics]


def _plain(warehouse: duckdb.DuckDBPyConnection, style: str, dimensions: list[str]) -> str:
    """Return the sums over the KPI's own rows."""
    columns = {row[0] for row in warehouse.execute(f"describe {SHARED[style]}").fetchall()}
    denominator = "denominator" if "denominator" in columns else "1"
    pending = (
        f"case when settles_on is not null then {denominator} - numerator end" if "settles_on" in columns else "null"
    )
    sides = [f"try_cast({side} as decimal(30, 8))" for side in ("numerator", denominator, pending)]
    company = "case when in_total then 'all' end" if "in_total" in columns else "'all'"
    members = ", ".join(company if name == "company" else name for name in dimensions)
    return (
        f"select occurred_on, business_unit, {members}, {_sums(sides)} from ({SHARED[style]}) "
        "where occurred_on is not null group by all order by all"
    )


def _sums(sides: list[str]) -> str:
    sums = [f"sum({side}), count({side})" for side in sides[:2]]
    return ", ".join([*sums, f"coalesce(sum({sides[2]}), 0)", "count(*)"])
