import json

import pytest

from scorecard.lineage import beside_figures, metric_lineage, metrics_downstream
from scorecard.shared.errors import ScorecardError

DIMENSIONS = ["company", "region", "rep"]
STAGING = """
with source as (select * from "warehouse"."raw_crm"."deals" where _valid_to is null),
renamed as (
    select deal_id as record_id, upper(stage) as stage, amount::decimal(18, 2) as amount, closed, agent as rep,
        _source_file as source_file
    from source
)
select * from renamed
"""
CORE = """
select d.*, t.region
from "warehouse"."staging"."stg_deals" as d
left join "warehouse"."staging"."stg_teams" as t on d.rep = t.rep
"""
TEAMS = 'select agent as rep, office as region from "warehouse"."raw_crm"."teams"'
WON = """
with won as (select * from "warehouse"."core"."core_deal" where stage = 'WON')
select 'won_value' as metric, record_id, closed::date as occurred_on, null::date as ended_on, 'all' as company, rep,
    region, amount as numerator, 1::decimal(18, 4) as denominator
from won
"""
GROWTH = """
select * exclude (metric, denominator) replace (-numerator as numerator), 'growth' as metric, numerator as denominator
from "warehouse"."kpis"."kpi_won_value"
union all by name
select record_id, 'growth' as metric, goal as numerator, goal as denominator, 'x' as extra
from "warehouse"."seeds"."targets"
"""


def model(name, schema, sql, parents, path="core/x.sql", columns=()):
    return {
        **{"resource_type": "model", "name": name, "alias": name, "schema": schema, "compiled_code": sql},
        **{"depends_on": {"nodes": parents}, "columns": {c: {} for c in columns}, "path": path},
        **{"package_name": "scorecard", "original_file_path": f"models/{path}"},
    }


def source(name, columns):
    return {
        **{"resource_type": "source", "name": name, "identifier": name, "schema": "raw_crm", "path": "s.yml"},
        "columns": {column: {} for column in columns},
    }


@pytest.fixture
def manifest():
    nodes = {
        "model.p.stg_deals": model("stg_deals", "staging", STAGING, ["source.p.crm.deals"]),
        "model.p.stg_teams": model("stg_teams", "staging", TEAMS, ["source.p.crm.teams"]),
        "model.p.core_deal": model("core_deal", "core", CORE, ["model.p.stg_deals", "model.p.stg_teams"]),
        "model.p.kpi_won_value": model("kpi_won_value", "kpis", WON, ["model.p.core_deal"], "kpis/kpi_won_value.sql"),
        "model.p.kpi_growth": model(
            "kpi_growth", "kpis", GROWTH, ["model.p.kpi_won_value", "seed.p.targets"], "kpis/kpi_growth.sql"
        ),
        "model.p.kpi_values": model("kpi_values", "scorecard", "select 1", ["model.p.kpi_growth"], "scorecard/v.sql"),
        "seed.p.targets": {
            **{
                "resource_type": "seed",
                "name": "targets",
                "alias": "targets",
                "schema": "seeds",
                "path": "t.csv",
            },
            **{"columns": {"record_id": {}, "goal": {}}, "depends_on": {"nodes": []}},
        },
    }
    sources = {
        "source.p.crm.deals": source("deals", ["deal_id", "stage", "amount", "closed", "agent"]),
        "source.p.crm.teams": source("teams", ["agent", "office"]),
    }
    children = {}
    for name, node in nodes.items():
        for parent in node["depends_on"]["nodes"]:
            children.setdefault(parent, []).append(name)
    return {"nodes": nodes, "sources": sources, "child_map": children}


@pytest.fixture
def target(tmp_path, manifest):
    folder = tmp_path / "target"
    folder.mkdir()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


class Metric:
    def __init__(self, name):
        self.name, self.model = name, f"kpi_{name}"


class Settings:
    def __init__(self, state):
        self.state, self.dbt_project = state, state


def test_columns_lead_back_to_source_fields(tmp_path, target):
    lineage = metric_lineage(Settings(tmp_path), [Metric("won_value")], DIMENSIONS, target)["won_value"]
    assert lineage["sql"] == WON.strip()
    columns = lineage["columns"]
    assert columns["numerator"] == ["raw_crm.deals.amount"]
    assert columns["denominator"] == []
    assert columns["occurred_on"] == ["raw_crm.deals.closed"]
    assert columns["record_id"] == ["raw_crm.deals.deal_id"]
    assert columns["rep"] == ["raw_crm.deals.agent"]
    assert columns["region"] == ["raw_crm.teams.office"]
    assert columns["company"] == []


def test_rows_name_the_fields_that_decide_what_counts(tmp_path, target):
    columns = metric_lineage(Settings(tmp_path), [Metric("won_value")], DIMENSIONS, target)["won_value"]["columns"]
    assert columns["rows"] == ["raw_crm.deals.stage"]  # a left join chooses no rows


def test_rows_name_the_fields_of_inner_joins_too(tmp_path, target, manifest):
    manifest["nodes"]["model.p.core_deal"]["compiled_code"] = CORE.replace("left join", "join")
    (target / "manifest.json").write_text(json.dumps(manifest))
    columns = metric_lineage(Settings(tmp_path), [Metric("won_value")], DIMENSIONS, target)["won_value"]["columns"]
    assert columns["rows"] == ["raw_crm.deals.agent", "raw_crm.deals.stage", "raw_crm.teams.agent"]


def test_a_name_that_no_query_knows_ends_the_search(tmp_path, target, manifest):
    sql = STAGING.replace("is null)", "is null and deal_id in (select lost.deal_id from unnest(drops) as u(item)))")
    manifest["nodes"]["model.p.stg_deals"]["compiled_code"] = sql
    (target / "manifest.json").write_text(json.dumps(manifest))
    columns = metric_lineage(Settings(tmp_path), [Metric("won_value")], DIMENSIONS, target)["won_value"]["columns"]
    assert columns["numerator"] == ["raw_crm.deals.amount"]


def test_unions_by_name_and_replaced_columns(tmp_path, target):
    columns = metric_lineage(Settings(tmp_path), [Metric("growth")], DIMENSIONS, target)["growth"]["columns"]
    assert columns["numerator"] == ["raw_crm.deals.amount", "seeds.targets.goal"]
    assert columns["denominator"] == ["raw_crm.deals.amount", "seeds.targets.goal"]
    assert columns["occurred_on"] == ["raw_crm.deals.closed"]


def test_the_second_time_is_read_from_the_cache_and_another_query_is_not(tmp_path, target, manifest):
    settings = Settings(tmp_path)
    first = metric_lineage(settings, [Metric("won_value")], DIMENSIONS, target)
    (cached,) = (tmp_path / "lineage").glob("*.json")
    assert json.loads(cached.read_text()) == first
    manifest["nodes"]["model.p.kpi_won_value"]["compiled_code"] = WON.replace("amount as", "amount + 0 * rep as")
    (target / "manifest.json").write_text(json.dumps(manifest))
    second = metric_lineage(settings, [Metric("won_value")], DIMENSIONS, target)
    assert second["won_value"]["columns"]["numerator"] == ["raw_crm.deals.agent", "raw_crm.deals.amount"]
    assert len(list((tmp_path / "lineage").glob("*.json"))) == 1


def test_sql_that_was_compiled_beside_the_manifest_is_found(tmp_path, target, manifest):
    node = manifest["nodes"]["model.p.kpi_won_value"]
    del node["compiled_code"]
    (target / "manifest.json").write_text(json.dumps(manifest))
    beside = target / "compiled" / "scorecard" / node["original_file_path"]
    beside.parent.mkdir(parents=True)
    beside.write_text(WON)
    lineage = metric_lineage(Settings(tmp_path), [Metric("won_value")], DIMENSIONS, target)
    assert lineage["won_value"]["columns"]["numerator"] == ["raw_crm.deals.amount"]


def test_a_project_that_was_not_built_says_what_to_do(tmp_path):
    with pytest.raises(ScorecardError, match="scorecard run"):
        metric_lineage(Settings(tmp_path), [Metric("won_value")], DIMENSIONS, tmp_path / "target")


def test_a_metric_that_was_not_compiled_is_named(tmp_path, target):
    with pytest.raises(ScorecardError, match="kpi_lost"):
        metric_lineage(Settings(tmp_path), [Metric("lost")], DIMENSIONS, target)


def test_downstream_follows_models_to_metrics_only(manifest):
    metrics = metrics_downstream(manifest)
    assert metrics["source.p.crm.teams"] == ["growth", "won_value"]
    assert metrics["seed.p.targets"] == ["growth"]
    assert metrics["model.p.kpi_won_value"] == ["growth", "won_value"]
    assert metrics["model.p.kpi_values"] == []


def test_what_people_write_and_no_kpi_is_made_of_stands_beside_figures():
    """A KPI rests on rates, only a derived metric on targets, and no metric on actions or what is made of them."""
    child_map = {
        "rates": ["core_rate"],
        "core_rate": ["kpi_won"],
        "targets": ["core_target"],
        "actions": ["core_action", "is_a_test"],
        "core_action": ["printed"],
        "holidays": ["core_calendar"],
        "deals": ["core_deal"],
    }
    sources = {
        name: {"name": name, "resource_type": "source", "source_name": "crm" if name == "deals" else "company"}
        for name in ("rates", "targets", "actions", "holidays", "deals")
    }
    models = [child for children in child_map.values() for child in children]
    nodes = {name: {"name": name, "resource_type": "model", "path": f"core/{name}.sql"} for name in models}
    nodes["kpi_won"]["path"] = "kpis/kpi_won.sql"
    nodes["core_calendar"]["config"] = {"meta": {"days_only": True}}
    nodes["is_a_test"]["resource_type"] = "test"
    manifest = {"nodes": nodes, "sources": sources, "child_map": child_map}
    beside = beside_figures(manifest, {"core_target": ["attainment"]})
    assert beside == {"targets", "actions", "holidays", "core_action", "printed"}
