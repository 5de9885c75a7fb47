import json
from dataclasses import replace
from datetime import date
from decimal import Decimal

import duckdb
import pytest

from scorecard.closes.trace import trace
from scorecard.shared.decimals import digits
from scorecard.shared.errors import ScorecardError


def test_every_figure_of_a_close_is_proved(world, read):
    world.deals = [deal for deal in world.deals if (deal.closed.year, deal.closed.month) != (2017, 8)]
    made = world.close()
    values = read(made.path, "values.parquet")
    kinds = set()
    # Each figure costs a query. One figure of each metric, dimension, grain and reason is enough.
    chosen = {}
    for row in values:
        chosen.setdefault((row["metric"], row["dimension"], row["grain"], row["na_reason"], row["value"] == 0), row)
    for row in chosen.values():
        proof = trace(world.settings, f"{made.close_id}.{row['figure_id']}")
        assert proof["equal"], (row, proof)
        assert proof["value"] == (None if row["value"] is None else digits(row["value"]))
        assert proof["reason"] == row["na_reason"]
        if row["na_reason"] not in ("partial_period", "no_history"):
            assert proof["recomputed"] == proof["value"]
        assert proof["observations_count"] == len(proof["observations"]) == row["observations"]
        kinds.add((row["metric"], row["na_reason"]))
    assert {name for name, _ in kinds} == {row["metric"] for row in values}
    assert {"partial_period", "too_few_observations", "no_observations"} <= {reason for _, reason in kinds}


def test_a_proof_names_records_lines_loads_columns_and_the_close(world, one_figure):
    made = world.close()
    proof = trace(world.settings, one_figure(made, "won_value"))
    deals = [deal for deal in world.deals if deal.won and deal.closed >= date(2017, 10, 1)]
    assert Decimal(proof["value"]) == sum(deal.amount for deal in deals)
    assert sum(Decimal(row["numerator"]) for row in proof["observations"]) == Decimal(proof["value"])
    assert {(row["record_id"], row["file"], row["line"]) for row in proof["observations"]} == {
        (deal.id, deal.file, deal.line) for deal in deals
    }
    first = proof["observations"][0]
    assert (first["source"], first["object"], first["url"]) == ("crm", "deals", None)
    assert first["occurred_at"] == "2017-10-03T04:00:00+00:00"
    assert proof["columns"] == {"numerator": ["raw.x.y"]}
    (load,) = proof["loads"]
    assert (load["source"], load["object"], load["load_id"]) == ("crm", "deals", "1700000000.1")
    manifest = json.loads((made.path / "manifest.json").read_text())
    assert proof["close"]["content_sha256"] == manifest["content_sha256"]
    assert proof["close"]["verified"] is True
    json.dumps(proof)


def test_a_record_has_the_page_that_its_service_gives_it(world, one_figure):
    def record_url(source, table, record_id):
        return f"https://{source}.example.com/{table}/{record_id}" if source == "crm" else None

    made = world.close()
    figures = [one_figure(made, name) for name in ("won_value", "attainment")]
    rows = [row for figure in figures for row in trace(world.settings, figure, record_url=record_url)["observations"]]
    assert {row["source"] for row in rows} == {"crm", "targets"}
    for row in rows:
        address = f"https://crm.example.com/{row['object']}/{row['record_id']}"
        assert row["url"] == (address if row["source"] == "crm" else None)


def test_the_sql_runs_by_itself_and_gives_the_value(world, one_figure):
    made = world.close()
    for name in ("won_value", "win_rate", "cycle", "cycle_mean", "cycle_p90", "mrr", "growth", "attainment"):
        proof = trace(world.settings, one_figure(made, name))
        ((*_, value),) = duckdb.sql(proof["sql"]).fetchall()
        assert digits(value) == proof["value"], name


def test_a_member_with_a_quote_is_a_value_and_not_sql(world, one_figure):
    made = world.close()
    proof = trace(world.settings, one_figure(made, "won_value", "Bo'b", "rep"))
    assert proof["equal"]
    assert len(proof["observations"]) > 0


def test_a_missing_number_makes_the_figure_unknown_and_is_counted(world, one_figure):
    deal = next(deal for deal in world.deals if deal.won and deal.closed >= date(2017, 12, 1))
    world.deals[world.deals.index(deal)] = replace(deal, amount=None)
    proof = trace(world.settings, one_figure(world.close(), "won_value"))
    assert (proof["value"], proof["recomputed"], proof["equal"]) == (None, None, True)
    assert (proof["reason"], proof["missing_inputs"]) == ("missing_inputs", 1)


def test_thirds_are_rounded_half_away_from_zero(world, one_figure):
    world.deals = [
        replace(world.deals[0], id=f"R{n}", closed=date(2017, 11, 3), won=n == 0, amount=Decimal(1)) for n in range(3)
    ]
    made = world.close()
    assert trace(world.settings, one_figure(made, "win_rate"))["recomputed"] == "0.33333333"
    world.deals.append(replace(world.deals[0], id="R9", closed=date(2017, 12, 3)))
    world.deals.append(replace(world.deals[0], id="R8", closed=date(2017, 12, 4)))
    made = world.close()
    proof = trace(world.settings, one_figure(made, "win_rate"))
    assert (proof["numerator"], proof["denominator"]) == ("3", "5")
    world.deals.append(replace(world.deals[1], id="R7"))
    assert trace(world.settings, one_figure(world.close(), "win_rate"))["recomputed"] == "0.5"


def test_a_falling_growth_is_negative_and_exact(world, one_figure):
    proof = trace(world.settings, one_figure(world.close(), "growth", period="2017-11"))
    now, before = (
        sum(deal.amount for deal in world.deals if deal.won and (deal.closed.year, deal.closed.month) == (2017, month))
        for month in (11, 10)
    )
    assert Decimal(proof["value"]) == ((now - before) / before).quantize(Decimal("1e-8"))
    assert Decimal(proof["numerator"]) == now - before


def test_a_changed_or_missing_file_is_reported_without_an_error(world, one_figure):
    figure = one_figure(world.close(), "won_value")
    path = world.settings.data / "crm" / "deals.csv"
    assert [file["state"] for file in trace(world.settings, figure)["files"]] == ["unchanged"]
    before = path.read_bytes()
    path.write_bytes(b"v2")
    assert "changed since" in trace(world.settings, figure)["files"][0]["state"]
    path.unlink()
    proof = trace(world.settings, figure)
    assert "gone" in proof["files"][0]["state"]
    assert proof["files"][0]["original"] is None
    copy = world.settings.original(proof["files"][0]["source_sha256"])
    copy.parent.mkdir(parents=True)
    copy.write_bytes(before)
    assert trace(world.settings, figure)["files"][0]["original"] == str(copy)
    copy.write_bytes(b"v2")
    assert trace(world.settings, figure)["files"][0]["original"] is None, "the copy was changed"
    assert proof["equal"]


def test_an_old_edition_still_proves_its_values(world, one_figure):
    old = one_figure(world.close(), "won_value")
    before = trace(world.settings, old)["value"]
    world.deals.append(replace(world.deals[-1], id="D888", won=True, version="v2"))
    new = one_figure(world.close(), "won_value")
    assert trace(world.settings, old)["value"] == before != trace(world.settings, new)["value"]


def test_a_changed_close_proves_nothing(world, one_figure):
    made = world.close()
    figure = one_figure(made, "won_value")
    with (made.path / "observations.parquet").open("ab") as file:
        file.write(b"x")
    with pytest.raises(ScorecardError, match=r"broken.*observations\.parquet was changed"):
        trace(world.settings, figure)


@pytest.mark.parametrize("figure_id", ["F001", "sales-2017-Q4-e1.F9999", "sales-2017-Q4-e2.F001", "../x-e1.F001", ""])
def test_an_unknown_figure_says_how_to_find_ids(world, figure_id):
    world.close()
    with pytest.raises(ScorecardError, match=r"scorecard (values|closes)"):
        trace(world.settings, figure_id)
