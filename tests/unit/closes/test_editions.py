"""Which differences make an edition, their reasons, and the provenance that is kept without an edition."""

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pyarrow.parquet as pq
import pytest

from scorecard.closes import provenance
from scorecard.closes.trace import trace
from scorecard.closes.verify import verify


def won(world, first, rep=None):
    """Return a deal won on or after a day."""
    return next(deal for deal in world.deals if deal.won and deal.closed >= first and rep in (None, deal.rep))


def change(world, deal, **changes):
    """Change a deal at its source. Its file has another version then."""
    world.deals[world.deals.index(deal)] = replace(deal, version=f"v{world.loads + 1}", **changes)


def restated(made):
    return json.loads((made.path / "restatements.json").read_text())


def figures(made, metric="won_value", field="value", **wanted):
    """Return the restated figures of a metric."""
    return [
        entry
        for entry in restated(made)
        if (entry.get("metric"), entry["field"]) == (metric, field)
        and all(entry[name] == value for name, value in wanted.items())
    ]


def kept(world, close_id="sales-2017-Q4-e1", number=1):
    return world.settings.state / "provenance" / close_id / str(number)


# Causes --------------------------------------------------------------------------------------------------------------


def test_a_late_record_makes_an_edition_that_says_so(world):
    world.close()
    world.deals.append(
        replace(world.deals[-1], id="D777", won=True, amount=Decimal("123.45"), version="v2", region="East", rep="Cy")
    )
    made = world.close()
    assert (made.close_id, made.created) == ("sales-2017-Q4-e2", True)
    entries = figures(made, period="2017-Q4")
    assert {(entry["dimension"], entry["member"]) for entry in entries} == {
        *{("business_unit", "Hardware"), ("region", "East"), ("rep", "Cy")}
    }
    assert {tuple(entry["reasons"]) for entry in entries} == {("late record",)}
    for entry in entries:
        assert Decimal(entry["new"]) - Decimal(entry["old"]) == Decimal("123.45")
    assert not world.close().created


def test_a_deletion_and_a_correction_are_distinguished(world):
    world.close()
    changed = won(world, date(2017, 10, 1), "Bo'b")
    world.deals.remove(won(world, date(2017, 10, 1), "Ann"))
    change(world, changed, amount=changed.amount + 1)
    why = {entry["member"]: entry["why"] for entry in figures(world.close(), period="2017-Q4", dimension="rep")}
    assert why == {"Ann": "deletion", "Bo'b": "correction"}


def test_a_record_that_moved_to_another_month_is_a_correction_in_both(world):
    world.close()
    change(world, won(world, date(2017, 12, 1)), closed=date(2017, 11, 30))
    why = {entry["period"]: entry["reasons"] for entry in figures(world.close(), dimension="business_unit")}
    assert why == {"2017-11": ["correction"], "2017-12": ["correction"]}


@pytest.mark.parametrize("was_won", [True, False])
def test_a_deal_that_enters_or_leaves_a_metric_is_a_correction(world, was_won):
    deal = next(deal for deal in world.deals if deal.closed >= date(2017, 12, 1) and deal.won == was_won)
    world.close()
    change(world, deal, won=not was_won)
    entries = figures(world.close(), dimension="business_unit")
    assert {entry["period"] for entry in entries} == {"2017-12", "2017-Q4"}
    assert {tuple(entry["reasons"]) for entry in entries} == {("correction",)}


def test_a_merged_record_is_no_deletion(world):
    world.close()
    deal = won(world, date(2017, 12, 1))
    world.deals.remove(deal)
    world.merged[deal.id] = "D0000"
    assert {entry["why"] for entry in figures(world.close())} == {"merged"}


def test_a_new_commit_turns_no_correction_into_another_cause(world):
    world.close()
    deal = won(world, date(2017, 12, 1))
    change(world, deal, amount=deal.amount + 1)
    world.code = {"revision": "def", "dbt_manifest_sha256": "1"}
    world.lineage = {"won_value": {**world.lineage["won_value"], "sql": "select 2", "upstream": {"core.x": "2"}}}
    assert {tuple(entry["reasons"]) for entry in figures(world.close())} == {("correction",)}


def test_a_changed_target_is_a_reason_also_for_figures_that_rest_on_it(world):
    world.close()
    world.targets[("quarter", "2017-Q4")] = Decimal(30000)
    made = world.close()
    entries = figures(made, field="target", dimension="business_unit")
    (entry,) = entries
    assert (entry["old"], entry["new"], entry["why"]) == ("20000.00000000", "30000.00000000", "target")
    attained = figures(made, "attainment", period="2017-Q4", dimension="business_unit")
    assert {tuple(entry["reasons"]) for entry in attained} == {("target",)}


def test_a_changed_parameter_is_a_changed_definition(world):
    world.close()
    world.minimum = 9
    rate = figures(world.close(), "win_rate")
    assert {entry["why"] for entry in rate} == {"definition"}
    assert all(entry["new"] is None for entry in rate)


def test_changed_sql_upstream_is_a_changed_definition_where_the_records_are_the_same(world):
    world.lineage = {"won_value": {**world.lineage["won_value"], "upstream": {"core.deal": "1", "kpis.won": "1"}}}
    world.close()
    world.factor = 2
    world.lineage = {"won_value": {**world.lineage["won_value"], "upstream": {"core.deal": "2", "kpis.won": "1"}}}
    made = world.close()
    assert {entry["why"] for entry in figures(made)} == {"definition"}
    # A figure that is computed from its values has the same reason.
    assert {entry["why"] for entry in figures(made, "attainment")} == {"definition"}


def test_the_revision_of_the_repository_is_no_cause(world):
    world.close()
    world.factor = 2
    world.code = {"revision": "def", "dbt_manifest_sha256": "1"}
    assert {entry["why"] for entry in figures(world.close())} == {"changed"}


def test_a_figure_that_had_to_wait_for_the_end_of_its_period_says_so(world):
    world.last_day = date(2017, 12, 30)
    world.close()
    world.last_day = date(2017, 12, 31)
    growth = figures(world.close(), "growth", period="2017-Q4", dimension="business_unit")
    assert [(entry["old"], entry["why"]) for entry in growth] == [(None, "period over")]
    assert growth[0]["new"] is not None


# What makes an edition -----------------------------------------------------------------------------------------------


def test_a_check_that_fails_now_makes_an_edition_and_is_listed(world):
    world.close()
    world.check_failures = 3
    made = world.close()
    assert made.edition == 2
    assert restated(made) == [
        {
            **{"check_id": "c1", "field": "check", "metric": None, "name": "amounts"},
            **{"old": "passed", "new": "failed", "seen": True},
        }
    ]


@pytest.mark.parametrize("unit", ["Software", "Hardware"])
def test_a_check_that_fails_in_another_unit_makes_no_edition(world, unit):
    world.check_unit = unit
    world.close()
    world.check_failures = 3
    assert world.close().created == (unit == "Hardware")


def test_more_rows_of_other_periods_that_break_a_check_make_no_edition(world):
    world.check_failures = 3
    world.close()
    world.check_failures = 4
    assert not world.close().created


def test_an_added_indicator_makes_an_edition(world):
    world.close(metrics=("won_value", "win_rate"))
    made = world.close(metrics=("won_value", "win_rate", "mrr"))
    assert made.created
    assert restated(made) == [
        {"dimension": None, "field": "indicator", "metric": "mrr", "new": "shown", "old": None, "seen": True}
    ]


def test_other_words_and_sql_make_no_edition(world):
    first = world.close()
    world.check_message = "The same, said better."
    world.lineage = {name: {**entry, "sql": f"{entry['sql']} -- tidy"} for name, entry in world.lineage.items()}
    again = world.close()
    assert (again.close_id, again.created) == (first.close_id, False)


def test_a_changed_column_that_no_metric_uses_makes_no_edition(world):
    first = world.close()
    for deal in [deal for deal in world.deals if deal.closed >= date(2017, 10, 1)]:
        change(world, deal, line=deal.line + 100)
    again = world.close()
    assert (again.close_id, again.created) == (first.close_id, False)
    assert again.differences == ()
    assert again.provenance == 1


def test_a_member_that_was_renamed_makes_no_edition(world):
    first = world.close()
    world.names = [("region", "East", "North-East"), ("rep", "Cy", "Cyrus")]
    new_names = dict(name[1:] for name in world.names)
    world.deals = [
        replace(deal, region=new_names.get(deal.region, deal.region), rep=new_names.get(deal.rep, deal.rep))
        for deal in world.deals
    ]
    world.items = [replace(item, region=new_names.get(item.region, item.region)) for item in world.items]
    again = world.close()
    assert (again.close_id, again.created, again.differences) == (first.close_id, False, ())
    assert verify(world.settings)["ok"]
    world.names = []
    renamed = world.close()
    assert renamed.created, "without the aliases they are different members"
    assert {"East", "North-East"} <= {entry["member"] for entry in restated(renamed) if entry["field"] == "value"}


def test_a_correction_in_a_month_that_the_scorecard_does_not_show_makes_no_edition(world):
    world.close("2017-12", metrics=("won_value", "mrr"))
    deal = won(world, date(2016, 9, 1))
    assert deal.closed < date(2016, 12, 1)
    change(world, deal, amount=deal.amount + 1)
    assert not world.close("2017-12", metrics=("won_value", "mrr")).created


def test_a_member_of_another_month_is_not_seen_and_makes_no_edition(world):
    world.close()
    deal = won(world, date(2017, 5, 1))
    change(world, deal, rep="Zed")  # in May, of which the pages print the whole unit only
    again = world.close()
    assert not again.created
    assert again.provenance == 1
    assert {entry["member"] for entry in again.differences if entry["field"] == "value"} == {deal.rep, "Zed"}


def test_a_replaced_record_of_the_same_amount_has_a_net_effect_of_0(world, one_figure):
    first = world.close()
    deal = won(world, date(2017, 12, 1))
    world.deals.remove(deal)
    world.deals.append(replace(deal, id="D888", version="v2"))
    again = world.close()
    assert (again.created, again.provenance) == (False, 1)
    whole = [entry for entry in again.differences if entry["metric"] == "won_value" and entry["period"] == "2017-Q4"]
    assert {(entry["field"], tuple(entry["reasons"])) for entry in whole} == {("records", ("late record", "deletion"))}
    assert all(entry["old"] == entry["new"] for entry in whole)
    proof = trace(world.settings, one_figure(first, "won_value"))
    assert proof["equal"]
    assert [record["record_id"] for record in proof["provenance"]["without"]] == [deal.id]
    assert [record["record_id"] for record in proof["provenance"]["with"]] == ["D888"]


# Provenance without an edition ---------------------------------------------------------------------------------------


def test_the_close_and_its_kept_provenance_give_the_new_observations(world):
    made = world.close()
    change(world, won(world, date(2017, 12, 1)), line=900)
    world.close()
    frozen = pq.read_table(made.path / "observations.parquet").to_pylist()
    delta = pq.read_table(kept(world) / "observations.parquet").to_pylist()
    sides = {side: [row for row in delta if row["kept"] == side] for side in ("with", "without")}
    assert {row["source_line"] for row in sides["with"]} == {900}
    assert len(sides["with"]) == len(sides["without"]) > 0
    fresh = [row for row in frozen if {**row, "kept": "without"} not in sides["without"]]
    assert len(fresh) + len(sides["with"]) == len(frozen)
    assert sum(row["numerator"] or 0 for row in sides["with"]) == sum(row["numerator"] or 0 for row in sides["without"])


def test_the_same_provenance_is_kept_once_and_other_provenance_again(world):
    world.close()
    deal = won(world, date(2017, 12, 1))
    change(world, deal, line=900)
    assert [world.close().provenance for _ in range(2)] == [1, None]
    change(world, next(other for other in world.deals if other.id == deal.id), line=901)
    assert world.close().provenance == 2
    assert verify(world.settings) == {"ok": True, "closes": 1, "broken": []}


@pytest.mark.parametrize("damage", ["changed", "gone", "added", "head gone"])
def test_kept_provenance_that_was_changed_is_found(world, damage):
    world.close()
    change(world, won(world, date(2017, 12, 1)), line=900)
    world.close()
    file = kept(world) / "observations.parquet"
    if damage == "changed":
        file.write_bytes(file.read_bytes() + b"x")
    elif damage == "gone":
        file.unlink()
    elif damage == "added":
        (kept(world) / "more.json").write_text("{}")
    else:
        (kept(world).parent / "2").mkdir()
    (problem,) = list(provenance.problems(world.settings))[:1]
    assert problem[0] == "sales-2017-Q4-e1"
    assert not verify(world.settings)["ok"]
