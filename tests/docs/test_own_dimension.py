"""A dimension of one's own is new files alone: in values and on a page, crossed with another too, and traced."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import duckdb
import polars as pl
from pypdf import PdfReader

from tests.docs.conftest import Copy, example_blocks, print_metric

FACT = "core_deal_by_channel"
# Which channel a deal came by is made up: one line of products is sold on the web.
SQL = """-- One row per opportunity, with the channel that it came by.
select
    *,
    case when product like 'GTX%' then 'web' else 'shop' end as channel
from {{ ref('core_opportunity') }}
"""


def put_fact(root: Path) -> None:
    """Write a fact that has all columns of the deals, and the channel."""
    import yaml

    core = root / "dbt_project" / "models" / "core"
    (core / f"{FACT}.sql").write_text(SQL, encoding="utf-8")
    model = yaml.safe_load((core / "core_opportunity.yml").read_text(encoding="utf-8"))["models"][0]
    columns = [{"name": column["name"]} for column in model["columns"]] + [{"name": "channel"}]
    entry = {"name": FACT, "config": {"contract": {"enforced": False}}, "columns": columns}
    (core / f"{FACT}.yml").write_text(json.dumps({"models": [entry]}), encoding="utf-8")


def lost(copy: Copy) -> pl.DataFrame:
    """The deals lost in the last quarter of 2017, with channel and region, from the exports themselves."""
    folder = copy.root / "data" / "maven_crm"
    teams = pl.read_csv(folder / "sales_teams.csv").rename({"regional_office": "region"})
    deals = pl.read_csv(folder / "sales_pipeline.csv", try_parse_dates=True).filter(
        (pl.col("deal_stage") == "Lost") & (pl.col("close_date") >= pl.date(2017, 10, 1))
    )
    is_web = pl.col("product").str.starts_with("GTX")
    return deals.join(teams, on="sales_agent").with_columns(
        channel=pl.when(is_web).then(pl.lit("web")).otherwise(pl.lit("shop")),
        region=pl.col("region").replace("East", "North-East"),
    )


def cross(root: Path, name: str) -> None:
    """Let a metric have values by channel and region, and print them."""
    kpi = root / "dbt_project" / "models" / "kpis" / f"kpi_{name}.yml"
    text = kpi.read_text(encoding="utf-8").replace(
        "        kind: flow", "        cross: [channel, region]\n        kind: flow"
    )
    kpi.write_text(text, encoding="utf-8")


def rename_east(root: Path) -> None:
    """Rename a region, and write a target of a pair and an action about it under the old name."""
    company = root / "company" / "maven_hardware"
    with (company / "aliases.csv").open("a", encoding="utf-8") as file:
        file.write("region,East,North-East,it was renamed\n")
    target = {"metric": "lost_deals", "period": "2017-Q4", "dimension": "channel_by_region", "member": "web × East"}
    add_row(company / "targets.csv", {**target, "target": "300", "unit": "count", "parent_kgi": "booked_revenue"})
    add_row(company / "actions.csv", {**target, "action_id": "A9", "what": "Ask why"})


def add_row(path: Path, row: dict[str, str]) -> None:
    """Add a row to a file, with the columns that the file has."""
    with path.open(newline="", encoding="utf-8") as file:
        columns = next(csv.reader(file))
    with path.open("a", newline="", encoding="utf-8") as file:
        csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n").writerow(row)


def by(copy: Copy, name: str, dimension: str) -> dict[str, int]:
    """The values of the last quarter of 2017 by member."""
    done = copy.type(f"scorecard values --metric {name} --by {dimension} --period 2017-Q4 --json")
    assert done.returncode == 0, done.stderr
    return {row["member"]: int(row["value"]) for row in json.loads(done.stdout)}


def test_a_dimension_of_ones_own_is_new_files_alone(project: Callable[[], Copy]) -> None:
    copy = project()
    for block in example_blocks():
        if block.value == "dbt_project/dimensions/orbit.yml":
            copy.put(block)
        elif block.value and "kpi_lost_deals" in block.value:
            # The guide's metric, of the fact that has the dimension.
            (copy.root / block.value).write_text(block.text.replace("core_opportunity", FACT), encoding="utf-8")
    put_fact(copy.root)
    print_metric(copy.root, "lost_deals")
    cross(copy.root, "lost_deals")
    rename_east(copy.root)
    # The same by a select that has no pass.
    kpis = copy.root / "dbt_project" / "models" / "kpis"
    for suffix, old, new in (("sql", "select", "select distinct"), ("yml", "lost_deals", "lost_deals_alone")):
        text = (kpis / f"kpi_lost_deals.{suffix}").read_text(encoding="utf-8").replace(old, new)
        (kpis / f"kpi_lost_deals_alone.{suffix}").write_text(text, encoding="utf-8")
    sales = copy.root / "reports" / "sales.yml"
    breakdown = (
        "breakdowns:\n  - {metric: lost_deals, dimension: channel}\n"
        "  - {metric: lost_deals, dimension: channel_by_region}\n"
    )
    sales.write_text(sales.read_text(encoding="utf-8").replace("breakdowns:\n", breakdown), encoding="utf-8")

    for command in ("scorecard check", "scorecard extract company_maven_hardware", "scorecard build"):
        done = copy.type(command)
        assert done.returncode == 0, done.stdout + done.stderr
    deals = lost(copy)
    values = by(copy, "lost_deals", "channel")
    assert values == dict(deals.group_by("channel").len().iter_rows())
    pairs = {
        f"{channel} × {region}": count for channel, region, count in deals.group_by("channel", "region").len().rows()
    }
    assert by(copy, "lost_deals", "channel_by_region") == by(copy, "lost_deals_alone", "channel_by_region") == pairs
    assert by(copy, "won_deals", "channel_by_region") == {}
    with duckdb.connect(copy.root / "var" / "published.duckdb", read_only=True) as db:
        targets_of_pairs = (
            "select member, target from scorecard.kpi_status where dimension = 'channel_by_region' and target > 0"
        )
        assert db.execute(targets_of_pairs).fetchall() == [("web × North-East", 300)]
        assert db.execute("select member from scorecard.actions where action_id = 'A9'").fetchall() == [
            ("web × North-East",)
        ]

    done = copy.type("scorecard publish --scorecard sales --period 2017-Q4 --json")
    assert done.returncode == 0, done.stderr
    (edition,) = json.loads(done.stdout)
    (english,) = (path for path in edition["pdfs"] if path.endswith("-en.pdf"))
    printed = "".join(page.extract_text() for page in PdfReader(english).pages)
    assert "Lost deals by channel" in printed
    assert "web × North-East" in printed

    for dimension, member, value in (
        ("channel", "web", values["web"]),
        ("channel_by_region", "web × North-East", pairs["web × North-East"]),
    ):
        done = copy.type(f"scorecard values --metric lost_deals --by {dimension} --period 2017-Q4 --json")
        figure = next(row["figure_id"] for row in json.loads(done.stdout) if row["member"] == member)
        assert figure.startswith(edition["close_id"])
        done = copy.type(f"scorecard trace {figure} --json")
        proof = json.loads(done.stdout)
        assert (proof["equal"], int(proof["value"])) == (True, value)
