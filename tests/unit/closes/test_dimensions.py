"""A company's own dimensions: a close has the dimensions of its own time, not those declared now."""

import json

import duckdb
import pyarrow.parquet as pq
import pytest

from scorecard.closes.trace import trace
from scorecard.closes.verify import verify

OWN = """
dimensions:
  - name: channel
    label: Channel
    within: region
"""


def declare(world):
    """Declare a dimension in a file of the company's own."""
    (world.settings.dbt_project / "dimensions" / "acme.yml").write_text(OWN)


def publish_by_channel(world):
    """Publish the warehouse with the dimension. Its members follow from the regions: the West sells on the web."""
    world.publish()
    by_channel = "case {} when 'West' then 'web' when 'East' then 'shop' end"
    with duckdb.connect(world.settings.snapshot) as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute(
            f"create or replace table scorecard.kpi_observations as select *, {by_channel.format('region')} as channel "
            "from scorecard.kpi_observations"
        )
        connection.execute(
            "insert into scorecard.kpi_status select * replace ('channel' as dimension, "
            f"{by_channel.format('member')} as member) from scorecard.kpi_status where dimension = 'region'"
        )


@pytest.fixture
def before_and_after(world):
    """Return a world, its close from before a dimension was declared, and its close with the dimension."""
    before = world.close()
    declare(world)
    publish_by_channel(world)
    return world, before, world.close(publish=False, breakdowns=(("won_value", "region"), ("won_value", "channel")))


def test_declaring_a_dimension_alone_makes_no_edition(world):
    world.close()
    declare(world)
    publish_by_channel(world)
    assert not world.close(publish=False).created


def test_a_new_breakdown_is_an_edition_with_its_own_figures(before_and_after, one_figure):
    world, _, after = before_and_after
    assert (after.created, after.edition) == (True, 2)
    restated = json.loads((after.path / "restatements.json").read_text())
    assert {(entry["field"], entry["dimension"]) for entry in restated if entry["seen"]} >= {("breakdown", "channel")}
    assert {entry["dimension"] for entry in restated if entry["seen"]} == {"channel"}
    proof = trace(world.settings, one_figure(after, "won_value", "web", "channel"))
    assert proof["equal"]
    assert proof["value"] == trace(world.settings, one_figure(after, "won_value", "West", "region"))["value"]


def test_a_close_from_before_the_dimension_is_proved_after_it(before_and_after, one_figure):
    world, before, _ = before_and_after
    assert "channel" not in pq.read_schema(before.path / "observations.parquet").names
    assert trace(world.settings, one_figure(before, "won_value", "West", "region"))["equal"]


def test_a_deleted_dimension_is_still_proved(before_and_after, one_figure):
    world, _, after = before_and_after
    (world.settings.dbt_project / "dimensions" / "acme.yml").unlink()
    assert world.close().edition == 3
    assert trace(world.settings, one_figure(after, "won_value", "web", "channel"))["equal"]
    assert verify(world.settings)["ok"]


def test_a_close_has_the_label_of_a_companys_own_dimension(before_and_after):
    _, before, after = before_and_after
    definitions = [json.loads((made.path / "definitions.json").read_text()) for made in (before, after)]
    assert "dimensions" not in definitions[0]
    assert definitions[1]["dimensions"] == {"channel": {"en": "Channel"}}
