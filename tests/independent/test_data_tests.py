"""dbt's data tests find what they are for: each is run, as dbt compiled it, on a warehouse that is wrong."""

import re
import shutil
from pathlib import Path

import duckdb
import pytest

# One sample target once more, with something wrong in it.
TARGET = """insert into core.core_target by name select * replace ({}) from core.core_target
    where record_id = 'win_rate|2017-Q4|Maven Hardware|region|East'"""

# What people of the unit wrote, as the concept has it.
WRITTEN = "create or replace view intermediate.{} as select *, 'Maven Hardware' as business_unit, "
WRITTEN += "'customer.csv' as source_file, 2 as source_line from (values {{}}) as t ({})"
LINKS = WRITTEN.format("int_customer_links", "source, account_id, customer")
LADDER = WRITTEN.format("int_product_ladder", "product, tier")

# The test, what is done to the warehouse, and what the test says then: a sentence, or so many rows.
BROKEN: list[tuple[str, str, str | int]] = [
    (
        "fx_rate_is_known",
        "update core.core_opportunity set currency = 'EUR', rate = null where is_won and closed_on = '2017-03-01'",
        "No rate of EUR on 2017-03-01 (20 records).",
    ),
    (
        "fx_rate_is_known",
        "update core.core_subscription set currency = 'JPY', rate = null, rate_on = '2024-02-29' "
        "where started_on = '2024-02-29'",
        "No rate of JPY on 2024-02-29",
    ),
    (
        "fx_rate_can_be_used",
        "create or replace view intermediate.int_fx_rates as select 'EUR' as currency, date '2024-01-01' as rate_on, "
        "-1 as rate; insert into core.core_fx_rate by name select 'EUR' as currency, date '2024-01-01' as rate_on",
        "The rate of EUR on 2024-01-01 is -1.",
    ),
    (
        "target_is_specific",
        TARGET.format("'win_rat' as metric, 'a' as record_id"),
        "Target a: there is no metric win_rat.",
    ),
    (
        "target_is_specific",
        TARGET.format("'North' as member, 'a' as record_id"),
        "Target a: Maven Hardware has no region North.",
    ),
    ("target_is_measurable", TARGET.format("'days' as unit"), "0.62 in days, its metric is in percent."),
    ("target_is_measurable", TARGET.format("null as target"), "no number in percent"),
    ("target_is_relevant", TARGET.format("'mrr' as parent_kgi"), "win_rate drives no KGI mrr."),
    ("target_is_relevant", TARGET.format("'won_deals' as parent_kgi"), "win_rate drives no KGI won_deals."),
    (
        "target_is_time_bound",
        TARGET.format("date '2018-01-01' as due"),
        "due 2018-01-01, its period ends on 2017-12-31.",
    ),
    ("target_is_time_bound", TARGET.format("null as period_start, '2017-Q5' as period"), "2017-Q5 is no period"),
    ("target_is_given_once", TARGET.format("0.7 as target"), "is given 2 times."),
    (
        "target_is_achievable",
        "update scorecard.kpi_targets set is_unrealistic = true where metric = 'mrr' and period = '2024-Q4'",
        1,
    ),
    (
        "product_has_a_name_of_the_catalogue",
        "update core.core_opportunity set product = 'GTXPro' where product = 'GTX Pro'",
        1,
    ),
    (
        "product_has_a_name_of_the_catalogue",
        "insert into core.core_product by name select distinct product, source_system from core.core_subscription "
        "where product in ('Basic', 'Pro')",
        1,
    ),
    ("no_record_is_joined_away", "delete from core.core_opportunity where account_key is null", 1),
    (
        "mrr_movements_make_the_closing",
        "delete from core.core_mrr_movement where movement = 'contraction' and moved_on = '2024-05-31'",
        1,
    ),
    (
        "closed_deals_have_a_day",
        "update core.core_opportunity set closed_on = null where is_closed and closed_on = '2017-07-20'",
        5,
    ),
    ("subscriptions_have_an_account", "delete from core.core_account where account_id = 'A-00bed1'", 10),
    ("unique_core_rep", "insert into core.core_rep from (from core.core_rep limit 1)", 1),
    ("unique_core_product", "insert into core.core_product from (from core.core_product limit 1)", 1),
    ("customer_link_is_of_an_account", LINKS.format("('maven_crm', 'Isdom', 'A'), ('maven_crm', 'Nobody', 'A')"), 1),
    ("customer_link_is_of_an_account", LINKS.format("('ravenstack', 'A-00bed1', 'A')"), 1),
    (
        "account_is_linked_to_one_customer",
        LINKS.format("('maven_crm', 'Isdom', 'A'), ('maven_crm', 'Isdom', 'B'), ('maven_crm', 'Zoomit', 'A')"),
        2,
    ),
    ("product_of_the_ladder_is_sold", LADDER.format("('GTX Pro', 1), ('GTXPro', 2)"), 1),
    ("product_has_one_place_on_the_ladder", LADDER.format("('GTX Pro', 1), ('GTX Pro', 2)"), 2),
    ("action_is_about_a_metric", "update scorecard.actions set member = 'North' where action_id = 'A1'", 1),
]


NAMED = {"closed_deals_have_a_day", "subscriptions_have_an_account", "unique_core_rep", "unique_core_product"}


@pytest.fixture(scope="module")
def queries(compiled: Path) -> dict[str, str]:
    """Those in a file of their own, and those that a model's YAML gives a name."""
    named = [
        *compiled.glob("**/tests/*.sql"),
        *(path for path in compiled.glob("**/*.yml/*.sql") if path.stem in NAMED),
    ]
    return {path.stem: path.read_text() for path in named}


@pytest.fixture
def copy(built_warehouse: Path, tmp_path: Path) -> duckdb.DuckDBPyConnection:
    """A copy of the warehouse to break, under the name that the compiled queries know it by."""
    path = tmp_path / built_warehouse.name
    shutil.copy(built_warehouse, path)
    return duckdb.connect(str(path))


@pytest.mark.parametrize(
    ("name", "harm", "expected"), BROKEN, ids=[f"{row[0]}-{place}" for place, row in enumerate(BROKEN)]
)
def test_a_data_test_finds(
    queries: dict[str, str], copy: duckdb.DuckDBPyConnection, name: str, harm: str, expected: str | int
) -> None:
    assert copy.execute(queries[name]).fetchall() == []
    copy.execute(harm)
    if isinstance(expected, int):
        assert len(copy.execute(queries[name]).fetchall()) == expected
    else:
        # As dbt asks: it counts the rows of the query.
        with pytest.raises(duckdb.InvalidInputException, match=re.escape(expected)):
            copy.execute(f"select count(*) from ({queries[name].rstrip().rstrip(';')})").fetchall()


def test_every_data_test_is_proved(queries: dict[str, str]) -> None:
    assert set(queries) == {row[0] for row in BROKEN}
