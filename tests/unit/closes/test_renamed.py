"""A pair of members has the present names of both members."""

import duckdb
import pytest

from scorecard.closes.compared_editions import with_pairs

NAMES = [("region", "East", "North-East"), ("product", "GTX×", "GTX")]
METRICS = [{"cross": [["product", "region"]]}, {}]


@pytest.fixture
def edition(tmp_path):
    """The folder of an edition with pairs in figures, observations and actions."""
    rows = {
        "values": "select 'product_by_region' as dimension, unnest(['MG × East', 'MG × West']) as member"
        " union all select 'region', 'East' union all select 'other_by_region', 'MG × East'",
        "observations": "select unnest(['GTX×× × East', null]) as product_by_region, 'East' as region",
        "actions": "select 'product_by_region' as dimension, 'GTX×× × West' as member union all select null, null",
    }
    for name, query in rows.items():
        duckdb.sql(f"copy ({query}) to '{tmp_path}/{name}.parquet'")
    return tmp_path


def test_pairs_have_the_names_that_both_members_have_now(edition):
    assert set(with_pairs(NAMES, [edition], METRICS)) - {*NAMES} == {
        ("product_by_region", "MG × East", "MG × North-East"),
        ("product_by_region", "GTX×× × East", "GTX × North-East"),
        ("product_by_region", "GTX×× × West", "GTX × West"),
    }


def test_without_renamed_or_crossed_members_the_names_stay_the_same(edition):
    assert with_pairs([], [edition], METRICS) == []
    assert with_pairs(NAMES, [edition], [{}]) == NAMES
