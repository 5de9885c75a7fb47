"""Which columns a rule names, and which rows break it."""

from typing import Any

import pytest

from scorecard.checks.doubt import columns_expected, columns_read, rows_with
from scorecard.checks.from_dbt import with_doubts
from tests.unit.checks.test_checks import RESULT

DEALS = "(select * from raw_crm.deals where _valid_to is null)"
TEAMS = "(select * from raw_crm.teams where _valid_to is null)"
COLUMNS = {"raw_crm.deals": ["id", "stage", "rep", "_valid_to"]}


@pytest.mark.parametrize(
    ("sql", "columns"),
    [
        (f"select * from {DEALS} where stage = 'won'", ["stage"]),
        (f"select deal.* from {DEALS} as deal anti join {TEAMS} as team on deal.rep = team.stage", ["rep"]),
        (
            f"with t as (select max(id) as top from {DEALS}) select * from {DEALS} where id > (select top from t)",
            ["id"],
        ),
        (
            f"select * from {TEAMS} as team where exists (select 1 from {DEALS} as deal where team.id = deal.rep)",
            ["rep"],
        ),
        (f"select stage, count(*) from {DEALS} group by stage having count(*) > 1", []),
        (f"select * from {DEALS}", []),
        ("select from where", []),
    ],
)
def test_a_query_names_the_columns_of_its_table(sql: str, columns: list[str]) -> None:
    assert columns_read(sql, COLUMNS) == tuple(("raw_crm.deals", column) for column in columns)


def test_an_expectation_names_its_columns_unless_rows_repeat() -> None:
    assert columns_expected("a.b", "expect_column_values_to_not_be_null", {"column": "Id"}) == (("a.b", "id"),)
    pair = columns_expected("a.b", "expect_column_pair_values_to_be_equal", {"column_A": "x", "column_B": "y"})
    assert pair == (("a.b", "x"), ("a.b", "y"))
    listed = columns_expected("a.b", "expect_multicolumn_sum_to_equal", {"column_list": ["x", "y"], "sum_total": 1})
    assert listed == (("a.b", "x"), ("a.b", "y"))
    assert columns_expected("a.b", "expect_column_values_to_be_unique", {"column": "x"}) == ()
    assert columns_expected("a.b", "expect_table_row_count_to_be_between", {"min_value": 1}) == ()


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("select * from deals", "select * from deals"),
        ("select deal.* from deals as deal", "select deal.* from deals as deal"),
        ("select id from deals where id > 1", "SELECT * FROM deals WHERE id > 1"),
        ("select line, id from deals", "select line, id from deals"),
        ("select id from deals group by id", None),
        ("select max(id) from deals", None),
        ("select a.id from a join b on a.id = b.id", None),
    ],
)
def test_a_query_of_rows_is_given_their_place(sql: str, rows: str | None) -> None:
    assert rows_with(sql, ["line"]) == rows


def _test(name: str, **more: Any) -> dict[str, Any]:
    test = {
        "name": name,
        "resource_type": "test",
        "schema": "tests",
        "config": {"meta": {}},
        "compiled_code": "select 1",
    }
    return {**test, "depends_on": {"nodes": ["core_deal", "core_period"]}, **more}


def _doubts(**more: Any) -> tuple[tuple[tuple[str, str], ...], bool] | None:
    """Return the columns that a failed test of core_deal puts in doubt, and whether their causes are in doubt, too."""
    models = {name: {"name": name, "resource_type": "model", "schema": "core"} for name in ("core_deal", "core_period")}
    manifest = {"nodes": {**models, "sound": _test("sound", **more)}, "sources": {}}
    columns = {"core.core_deal": ["id", "closed"], "core.core_period": ["closed", "id"]}
    result = RESULT.__class__(**{**vars(RESULT), "check_id": "dbt.sound", "object": "core.core_deal", "passed": False})
    (doubtful,) = with_doubts([result], manifest, columns, {"core.core_period"})
    return None if doubtful.doubt is None else (doubtful.doubt.columns, doubtful.doubt.with_causes)


def test_a_dbt_test_puts_in_doubt_what_it_names() -> None:
    not_null = {"name": "not_null", "kwargs": {"column_name": "id"}}
    assert _doubts(test_metadata=not_null) == ((("core.core_deal", "id"),), True)
    assert _doubts(test_metadata={"name": "unique", "kwargs": {"column_name": "id"}}) is None
    read = "select * from core.core_deal where closed < (select max(id) from core.core_period)"
    assert _doubts(compiled_code=read) == ((("core.core_deal", "closed"), ("core.core_deal", "id")), True)
    assert _doubts(compiled_code="select count(*) from core.core_deal") is None
    named = {"meta": {"in_doubt": ["core_deal.closed"]}}
    assert _doubts(compiled_code=read, config=named) == ((("core.core_deal", "closed"),), False)
