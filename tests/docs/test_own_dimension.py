"""A company's own dimension is new files alone: it shows in values and on a page, and is traced."""

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
from pypdf import PdfReader

from tests.conftest import PROJECT
from tests.docs.conftest import Copy, print_metric
from tests.docs.markdown import blocks

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


def lost(copy: Copy) -> dict[str, int]:
    """The deals lost in the last quarter of 2017, by channel, from the export itself."""
    deals = pl.read_csv(copy.root / "data" / "maven_crm" / "sales_pipeline.csv", try_parse_dates=True).filter(
        (pl.col("deal_stage") == "Lost") & (pl.col("close_date") >= pl.date(2017, 10, 1))
    )
    web = deals["product"].str.starts_with("GTX").sum()
    return {"web": web, "shop": len(deals) - web}


def test_a_dimension_of_ones_own_is_new_files_alone(project: Callable[[], Copy]) -> None:
    copy = project()
    for block in blocks(PROJECT / "docs" / "data-engineer.md"):
        if block.value == "dbt_project/dimensions/orbit.yml":
            copy.put(block)
        elif block.value and "kpi_lost_deals" in block.value:
            # The guide's metric, of the fact that has the dimension.
            (copy.root / block.value).write_text(block.text.replace("core_opportunity", FACT), encoding="utf-8")
    put_fact(copy.root)
    print_metric(copy.root, "lost_deals")
    sales = copy.root / "reports" / "sales.yml"
    breakdown = "breakdowns:\n  - {metric: lost_deals, dimension: channel}\n"
    sales.write_text(sales.read_text(encoding="utf-8").replace("breakdowns:\n", breakdown), encoding="utf-8")

    for command in ("scorecard check", "scorecard build"):
        done = copy.type(command)
        assert done.returncode == 0, done.stdout + done.stderr
    done = copy.type("scorecard values --metric lost_deals --by channel --period 2017-Q4 --json")
    values = {row["member"]: int(row["value"]) for row in json.loads(done.stdout)}
    assert values == lost(copy)

    done = copy.type("scorecard publish --scorecard sales --period 2017-Q4 --json")
    assert done.returncode == 0, done.stderr
    (edition,) = json.loads(done.stdout)
    (english,) = (path for path in edition["pdfs"] if path.endswith("-en.pdf"))
    assert "Lost deals by channel" in "".join(page.extract_text() for page in PdfReader(english).pages)

    done = copy.type("scorecard values --metric lost_deals --by channel --period 2017-Q4 --json")
    figure = next(row["figure_id"] for row in json.loads(done.stdout) if row["member"] == "web")
    assert figure.startswith(edition["close_id"])
    done = copy.type(f"scorecard trace {figure} --json")
    proof = json.loads(done.stdout)
    assert (proof["equal"], int(proof["value"])) == (True, values["web"])
