import json
import os
import pickle
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from scorecard.closes import freeze as module
from scorecard.closes.frozen_scope import frozen_periods
from scorecard.closes.store import ADDED, FILES, closes
from scorecard.closes.trace import trace
from scorecard.closes.verify import figure_ids, verify
from scorecard.shared.errors import ScorecardError
from scorecard.shared.periods import CALENDAR_YEAR, parse_period


def test_a_close_has_every_file_and_verifies(world):
    made = world.close()
    assert (made.close_id, made.created, made.edition) == ("sales-2017-Q4-e1", True, 1)
    assert {path.name for path in made.path.iterdir()} == {*FILES, *ADDED, "manifest.json"}
    assert verify(world.settings) == {"ok": True, "closes": 1, "broken": []}
    assert json.loads((made.path / "manifest.json").read_text())["fonts"] == {"Plain.ttc": "0" * 64}
    (known,) = closes(world.settings)
    assert (known["close_id"], known["sequence"], known["latest"], known["previous"]) == (
        made.close_id,
        1,
        True,
        None,
    )


def test_a_close_covers_its_period_two_bases_and_thirteen_months():
    labels = [period.label for period in frozen_periods(parse_period("2017-Q4"), CALENDAR_YEAR)]
    assert labels[:3] == ["2017-Q4", "2017-Q3", "2016-Q4"]
    assert labels[3:] == ["2017-12", *(f"2017-{month:02}" for month in range(11, 0, -1)), "2016-12"]
    weeks = [period.label for period in frozen_periods(parse_period("2017-W52"), CALENDAR_YEAR)]
    assert weeks[:3] == ["2017-W52", "2017-W51", "2016-W52"]
    assert len(weeks) == 14  # week 52 of the year before lies outside the thirteen


def test_figures_are_of_the_scorecard_and_the_summary_comes_first(world, read):
    made = world.close()
    values = read(made.path, "values.parquet")
    assert [row["figure_id"] for row in values] == [f"F{number:03}" for number in range(1, len(values) + 1)]
    assert [row["metric"] for row in values[:8]] == [
        *("won_value", "win_rate", "cycle", "cycle_mean", "cycle_p90", "mrr", "growth", "attainment")
    ]
    assert {(row["period"], row["dimension"], row["member"]) for row in values[:8]} == {
        ("2017-Q4", "business_unit", "Hardware")
    }
    assert "elsewhere" not in {row["metric"] for row in values}


def test_members_of_another_unit_are_left_out(world, read):
    made = world.close()
    before = {name: (made.path / name).read_bytes() for name in FILES}
    # The deal has members of the same name as the scorecard's unit.
    world.deals.append(replace(world.deals[-1], id="X1", unit="Software", rep="Zoe", region="West"))
    again = world.close()
    assert not again.created
    assert {name: (again.path / name).read_bytes() for name in FILES} == before
    members = {(row["dimension"], row["member"]) for row in read(made.path, "values.parquet")}
    assert {("rep", "Ann"), ("region", "West"), ("business_unit", "Hardware")} <= members
    assert not {("rep", "Zoe"), ("company", "all"), ("business_unit", "Software")} & members


def test_observations_are_those_that_count_in_a_frozen_period(world, read):
    rows = read(world.close().path, "observations.parquet")
    days = {row["occurred_on"] for row in rows if row["metric"] == "won_value"}
    # The growth of the quarter a year ago needs the quarter before it.
    assert min(days) >= date(2016, 7, 1)
    assert {row["record_id"] for row in rows if row["metric"] == "mrr"} == {"S1", "S2", "S3"}
    assert not {row["metric"] for row in rows} & {"growth", "attainment"}, "derived figures rest on others' records"
    assert min(row["occurred_on"] for row in rows if row["metric"] == "win_rate") >= date(2016, 10, 1)


def test_targets_checks_and_actions_are_limited_to_the_scorecard(world, read):
    made = world.close()
    assert [row["period"] for row in read(made.path, "targets.parquet")] == ["2017-Q4"]
    (check,) = read(made.path, "checks.parquet")
    assert check["metrics"] == ["win_rate", "won_value"]
    assert "run_at" not in check
    assert check["words"] == "{}"
    assert [row["action_id"] for row in read(made.path, "actions.parquet")] == ["A1"]


def test_the_base_figure_of_an_action_is_frozen_last_and_can_be_traced(world, read):
    before = read(world.close().path, "values.parquet")
    world.action_begins = date(2017, 6, 15)
    made = world.close()
    values = read(made.path, "values.parquet")
    assert values[:-1] == before, "the ids of all other figures stay as they are"
    base = values[-1]
    assert (base["metric"], base["period"], base["member"]) == ("won_value", "2017-Q1", "Hardware")
    proof = trace(world.settings, f"{made.close_id}.{base['figure_id']}")
    assert proof["equal"]
    assert proof["observations_count"] > 0
    differences = json.loads((made.path / "restatements.json").read_text())
    assert [difference["field"] for difference in differences] == ["action"], "no figure was printed differently before"


def test_checks_of_the_source_of_another_unit_are_left_out(world, read):
    world.check_failures = 3
    for unit, expected in (("Hardware", 1), ("Elsewhere", 0)):
        world.write_contract(unit)
        assert len(read(world.close().path, "checks.parquet")) == expected


def test_definitions_name_no_recipient_and_later_data_changes_nothing(world):
    made = world.close()
    definitions = json.loads((made.path / "definitions.json").read_text())
    assert not {"recipients", "domains"} & definitions["scorecard"].keys()
    assert definitions["horizons"]["won_value"] == {"first_day": "2016-09-01", "last_day": "2017-12-31"}
    world.last_day = date(2018, 3, 31)
    world.deals.append(replace(world.deals[-1], id="D999", closed=date(2018, 2, 1)))
    assert not world.close(domains=("other.com",)).created


def test_the_same_data_gives_the_same_content_anywhere(world, tmp_path):
    first = world.close()
    hashes = {name: (first.path / name).read_bytes() for name in FILES}
    again = world.close()
    assert (again.close_id, again.created) == (first.close_id, False)
    assert len(closes(world.settings)) == 1
    world.settings = world.settings.model_copy(update={"state": tmp_path / "elsewhere"})
    world.deals.reverse()  # rows come in any order
    other = world.close()
    assert {name: (other.path / name).read_bytes() for name in FILES if name != "loads.json"} == {
        name: content for name, content in hashes.items() if name != "loads.json"
    }
    content = [closes(settings)[0]["content_sha256"] for settings in (world.settings,)]
    assert content == [json.loads((first.path / "manifest.json").read_text())["content_sha256"]]


def test_a_missing_snapshot_and_missing_figures_have_a_cure(world):
    with pytest.raises(ScorecardError, match="scorecard run"):
        world.close(publish=False)
    with pytest.raises(ScorecardError, match="no figures of the scorecard sales for 2015-Q1"):
        world.close("2015-Q1")
    assert closes(world.settings) == []
    assert not list(world.settings.archive.glob(".tmp-*"))


def test_a_full_disk_makes_no_close_and_is_reported(world, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("scorecard.closes.store.write_parquet", fail)
    with pytest.raises(ScorecardError, match="No space left on device"):
        world.close()
    assert closes(world.settings) == []
    monkeypatch.undo()
    assert world.close().edition == 1


def test_a_broken_archive_gets_no_new_close(world):
    made = world.close()
    manifest = made.path / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"closed_at": "2', '"closed_at": "1'))
    with pytest.raises(ScorecardError, match="broken at sales-2017-Q4-e1"):
        world.close("2017-12")


KILLED = """
import os, pickle, signal, sys
from scorecard.closes import freeze as module, store
world_close, step = pickle.load(sys.stdin.buffer)
die = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
if step == "writing":
    module.restatements = module._versions = die
elif step == "before the rename":
    module.replace_synced = die
elif step == "after the rename":
    module.store.write_head = die
module.close(*world_close)
"""


@pytest.mark.parametrize("step", ["writing", "before the rename", "after the rename"])
def test_a_killed_close_leaves_the_chain_intact(world, step):
    world.close("2017-Q3")
    world.publish()
    ended = subprocess.run(
        [sys.executable, "-c", KILLED],
        input=pickle.dumps(((world.settings, *world.arguments("2017-Q4")), step)),
        env={**os.environ, "PYTHONPATH": str(Path(module.__file__).parents[2])},
        timeout=50,
        check=False,
    )
    assert ended.returncode == -9
    assert verify(world.settings)["ok"]
    made = world.close("2017-Q4", publish=False)
    assert made.created == (step != "after the rename")
    world.close("2017-12", publish=False)
    assert verify(world.settings) == {"ok": True, "closes": 3, "broken": []}
    assert not list(world.settings.archive.glob(".tmp-*"))


def test_figure_ids_are_those_of_the_newest_close(world):
    assert figure_ids(world.settings) == {}
    world.close("2017-12")
    world.close("2017-Q4")
    key = ("won_value", "month", "2017-12", "Hardware", "business_unit", "Hardware")
    assert figure_ids(world.settings)[key].startswith("sales-2017-Q4-e1.")
    world.check_failures = 1
    world.close("2017-12")
    figures = figure_ids(world.settings, metric="won_value", period="2017-12", dimension="business_unit")
    assert list(figures) == [key]
    assert figures[key].startswith("sales-2017-12-e2.")
