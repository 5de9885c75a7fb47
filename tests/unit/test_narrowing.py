"""Which metrics a failed check touches: each that a broken row could change, and none that it can't."""

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import duckdb
import pytest

from scorecard.catalogue import Catalogue
from scorecard.checks.doubt import Doubt
from scorecard.checks.results import CheckResult
from scorecard.lineage.reach import read_reach
from scorecard.shared.settings import Settings
from scorecard.steps.narrowing import narrow

DEALS, TEAMS, DEAL = "raw_crm.deals", "raw_crm.teams", "core.core_deal"
PLACE = "source_file, source_line, source_sha256"
MODELS = {
    "staging.stg_deals": (
        "select id, stage, case when stage = 'won' then amount end as amount, created, closed, rep, customer,"
        " _source_file as source_file, _source_line as source_line, _source_sha256 as source_sha256, 0 as loaded_at"
        " from raw_crm.deals where _valid_to is null",
        [DEALS],
    ),
    "staging.stg_teams": ("select rep, region from raw_crm.teams", [TEAMS]),
    "core.core_horizon": ("select max(closed) as last_on from staging.stg_deals", ["staging.stg_deals"]),
    DEAL: (
        "select 'crm:' || deal.id as deal_key, deal.id as record_id, deal.stage = 'won' as is_won, deal.amount,"
        " deal.created, deal.closed, deal.customer, coalesce(team.region, 'unknown') as region,"
        " deal.source_file, deal.source_line, deal.source_sha256 from staging.stg_deals as deal"
        " left join staging.stg_teams as team on deal.rep = team.rep",
        ["staging.stg_deals", "staging.stg_teams"],
    ),
    "core.core_first": (
        "with won as (select *, row_number() over (partition by customer order by closed) as place"
        f" from {DEAL} where is_won and customer is not null) select * from won where place = 1",
        [DEAL],
    ),
    "core.core_target": ("select 1 as goal, 'won' as metric", []),
    "kpis.kpi_won": (
        f"select record_id, closed as occurred_on, region, amount as numerator, {PLACE}"
        f" from {DEAL} where is_won and closed is not null",
        [DEAL],
    ),
    "kpis.kpi_lost_value": (
        f"select record_id, closed as occurred_on, 'all' as region, amount as numerator, {PLACE}"
        f" from {DEAL} as deal where closed is not null",
        [DEAL],
    ),
    "kpis.kpi_cohort": (
        f"select record_id, created as occurred_on, region, is_won::int as numerator, {PLACE}"
        f" from {DEAL} where created is not null and created <= (select max(last_on) from core.core_horizon)",
        [DEAL, "core.core_horizon"],
    ),
    "kpis.kpi_customers": (
        f"select record_id, closed as occurred_on, region, 1 as numerator, {PLACE} from core.core_first",
        ["core.core_first"],
    ),
}
COLUMNS = {
    DEALS: ("id", "stage", "amount", "created", "closed", "rep", "customer", "note"),
    TEAMS: ("rep", "region"),
}
BASES = ("won", "lost_value", "cohort", "customers")
ALL = ("cohort", "customers", "lost_value", "won", "won_attainment")


@dataclass
class Shop:
    """A small warehouse, its lineage, and what the narrowing is given of it."""

    con: duckdb.DuckDBPyConnection
    state: Path
    metrics_of: dict[str, list[str]]

    def touched(self, *columns: tuple[str, str], rows: str | None = None, causes: bool = False) -> tuple[str, ...]:
        """Return what a check of deals touches that puts columns in doubt."""
        return self.narrowed(Doubt(columns, rows, with_causes=causes))

    def narrowed(self, doubt: Doubt | None) -> tuple[str, ...]:
        """Return the metrics of a check of deals with a doubt."""
        settings = cast("Settings", SimpleNamespace(state=self.state, dbt_project=self.state))
        reach = read_reach(settings, self.state)
        (narrowed,) = narrow(self.con, _catalogue(), reach, self.metrics_of, [replace(RESULT, doubt=doubt)])
        return narrowed.metrics


def _catalogue() -> Catalogue:
    metrics = {name: SimpleNamespace(name=name, base=name) for name in (*BASES, "won_attainment")}
    bases = {**{name: {name} for name in BASES}, "won_attainment": {"won"}}
    return cast("Catalogue", SimpleNamespace(metrics=metrics, bases=lambda metric: bases[metric.name]))


RESULT = CheckResult(
    "crm.deals.sound",
    "great_expectations",
    "sound",
    "crm",
    "deals",
    "warning",
    False,
    1,
    5,
    "Found.",
    "Mend it.",
    ALL,
    datetime.now(UTC),
)


def _node(name: str, sql: str | None, needs: list[str]) -> dict[str, Any]:
    schema, table = name.split(".")
    return {
        "resource_type": "model" if sql else "source",
        "name": table,
        "schema": schema,
        "columns": {column: {} for column in COLUMNS.get(name, ())},
        "compiled_code": sql,
        "depends_on": {"nodes": needs},
        "path": f"{schema}/{table}.sql",
        "package_name": "shop",
        "original_file_path": f"models/{schema}/{table}.sql",
        "config": {"meta": {"days_only": table == "core_horizon"}},
    }


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """Five deals: two won, two lost, one open without a customer and a day of creation."""
    con = duckdb.connect()
    for schema in ("raw_crm", "staging", "core", "kpis"):
        con.execute(f"create schema {schema}")
    con.execute("""
        create table raw_crm.deals as select *, 'deals.csv' as _source_file, row_number() over () as _source_line,
            'sha' as _source_sha256, null::timestamp as _valid_to
        from (values ('a', 'won', 10, date '2024-01-01', date '2024-02-01', 'Ann', 'x', 'n'),
            ('b', 'won', 20, '2024-01-02', '2024-02-02', 'Bob', 'x', 'n'),
            ('c', 'lost', 0, '2024-01-03', '2024-02-03', 'Ann', 'y', 'n'),
            ('d', 'lost', 0, '2024-01-04', '2024-02-04', 'Eve', 'y', 'n'),
            ('e', 'open', null, null, null, 'Eve', null, 'n'))
            as deals (id, stage, amount, created, closed, rep, customer, note)""")
    con.execute(
        "create table raw_crm.teams as select * from (values ('Ann', 'East'), ('Bob', 'West')) as t (rep, region)"
    )
    for name, (sql, _) in MODELS.items():
        con.execute(f"create view {name} as {sql}")
    _write_manifest(tmp_path, {name: sql for name, (sql, _) in MODELS.items()})
    metrics_of = {name: list(ALL) for name in (DEALS, TEAMS, DEAL)} | {"core.core_target": ["won_attainment"]}
    return Shop(con, tmp_path, {**metrics_of, "core.core_first": ["customers"], "raw_crm.notes": []})


def _write_manifest(folder: Path, sql: dict[str, str]) -> None:
    nodes = {name: _node(name, sql[name], needs) for name, (_, needs) in MODELS.items()}
    sources = {name: _node(name, None, []) for name in (DEALS, TEAMS)}
    (folder / "manifest.json").write_text(json.dumps({"nodes": nodes, "sources": sources}))


def _where(condition: str) -> str:
    return f"select * from (select * from {DEALS} where _valid_to is null) where {condition}"


def test_a_value_touches_the_metrics_that_count_its_row(shop: Shop) -> None:
    lost = _where("stage = 'lost' and amount = 0")
    assert shop.touched((DEALS, "amount"), rows=lost) == ("lost_value",)
    assert shop.touched((DEALS, "amount"), rows=_where("amount > 15")) == ("lost_value", "won", "won_attainment")


def test_a_row_that_its_fault_keeps_out_of_a_metric_touches_it(shop: Shop) -> None:
    # The open deal is in no cohort, since its day of creation is missing: with a day it would be.
    assert shop.touched((DEALS, "created"), rows=_where("created is null")) == ("cohort",)
    assert shop.touched((DEALS, "closed"), rows=_where("id = 'e'")) == ("lost_value",)
    both = shop.touched((DEALS, "closed"), (DEALS, "stage"), rows=_where("id = 'e'"))
    assert both == ("lost_value", "won", "won_attainment"), "won or lost, it is in no cohort and has no customer"


def test_a_dimensions_column_and_its_key_touch_the_metrics_cut_by_it(shop: Shop) -> None:
    assert shop.touched((DEALS, "rep"), rows=_where("rep = 'Eve'")) == ("cohort",), "Eve's deals are lost or open"
    assert shop.touched((DEALS, "rep"), rows=_where("rep = 'Bob'")) == ("cohort", "customers", "won", "won_attainment")
    assert shop.touched((TEAMS, "region")) == ("cohort", "customers", "won", "won_attainment")
    # A team that is listed twice doubles its deals, in every metric.
    assert shop.touched((TEAMS, "rep")) == ALL


def test_what_no_metric_reads_touches_none(shop: Shop) -> None:
    assert shop.touched((DEALS, "note"), rows=_where("note = 'n'")) == ()
    shop.con.execute("create table raw_crm.notes (text varchar)")
    assert shop.touched(("raw_crm.notes", "text")) == ()


def test_rows_that_are_grouped_count_where_they_go_in(shop: Shop) -> None:
    # A customer's first deal is found among the won ones: an open one is not looked at, a won one is, first or not.
    assert shop.touched((DEALS, "customer"), rows=_where("id = 'e'")) == ()
    assert shop.touched((DEALS, "customer"), rows=_where("id = 'b'")) == ("customers",)


def test_without_known_rows_the_columns_alone_count(shop: Shop) -> None:
    by_columns = ("customers", "lost_value", "won", "won_attainment")
    grouped = f"select closed, count(*) from {DEALS} group by closed"
    foreign = "select 'x.csv' as _source_file, 1 as _source_line, 'sha' as _source_sha256"
    for rows in (None, grouped, foreign, "select nothing from nowhere"):
        assert shop.touched((DEALS, "closed"), rows=rows) == by_columns
    assert shop.touched((DEALS, "amount"), (TEAMS, "region"), rows=_where("id = 'a'")) == ALL


def test_a_rule_about_whole_rows_touches_all_that_is_made_of_its_table(shop: Shop) -> None:
    assert shop.narrowed(None) == ALL
    assert shop.touched((DEALS, "no_such_column")) == ALL, "a name that is wrong leaves nothing out"


def test_rows_that_are_named_without_their_place_are_found(shop: Shop) -> None:
    rows = f"SELECT id, amount FROM (select * from {DEALS}) WHERE amount = 0"
    assert shop.touched((DEALS, "amount"), rows=rows) == ("lost_value",)
    joined = f"select deal.* from {DEALS} as deal inner join {TEAMS} as team using (rep) where amount = 0"
    assert shop.touched((DEALS, "amount"), rows=joined) == ("lost_value",)


def test_a_wrong_column_of_a_model_puts_what_it_is_made_of_in_doubt(shop: Shop) -> None:
    key = (DEAL, "deal_key")
    assert shop.touched(key) == (), "no metric reads it"
    assert shop.touched(key, causes=True) == ALL, "what makes it wrong makes a record wrong"
    rows = f"select * from {DEAL} where record_id = 'e'"
    assert shop.touched((DEAL, "closed"), rows=rows, causes=True) == ("lost_value",)


def test_a_target_touches_the_metric_it_is_of(shop: Shop) -> None:
    assert shop.touched(("core.core_target", "goal")) == ("won_attainment",)


def test_days_pass_nothing_on(shop: Shop) -> None:
    assert shop.touched((DEALS, "closed"), rows=_where("id = 'a'")) == (
        "customers",
        "lost_value",
        "won",
        "won_attainment",
    )


def test_a_metric_whose_models_cant_be_read_stays_touched(shop: Shop) -> None:
    broken = {name: "select from where" if name == "core.core_first" else sql for name, (sql, _) in MODELS.items()}
    _write_manifest(shop.state, broken)
    assert shop.touched((DEALS, "amount"), rows=_where("stage = 'lost'")) == ("customers", "lost_value")
