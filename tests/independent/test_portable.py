"""All SQL of the project runs on DuckDB and on Spark; what they write differently is in macros/portable."""

import json
import re
import shutil
from collections import Counter
from typing import Any

import pytest

from scorecard.catalogue import load_catalogue
from scorecard.shared.plugins import services
from scorecard.warehouse.plan import FILE, make_plan, read_plan, write_plan
from scorecard.warehouse.plan.kpi_sql import Table, read_shape
from scorecard.warehouse.plan.plan import names_in
from tests.conftest import PROJECT, Sandbox, sandbox_at
from tests.independent.portability import STAND_IN, constructs

MACROS = PROJECT / "dbt_project" / "macros" / "portable"
CONTRACT_TYPE = re.compile(r"varchar(\[\])?|timestamptz|date|bigint|integer|boolean|decimal\(\d+, ?\d+\)")
"""The product's words for types in YAML. An engine's `type_of` gives its own for them."""


def stand_ins() -> str:
    """Return macros in place of an engine's: each gives a call that names the macro and has its arguments."""
    names = re.findall(r"\{% macro (\w+)\(", (MACROS / "portable.sql").read_text(encoding="utf-8"))
    macro = (
        "{{% macro duckdb__{name}() %}}{{% set arguments = [] %}}"
        "{{% for argument in varargs %}}{{% set is_one = argument is string or argument is number %}}"
        "{{% do arguments.append(argument if is_one else argument | join(', ')) %}}{{% endfor %}}"
        "{call}{{% endmacro %}}"
    )
    call = STAND_IN + "{name}({{{{ arguments | join(', ') }}}})"
    return "\n".join(macro.format(name=name, call=call.format(name=name)) for name in names)


@pytest.fixture(scope="module")
def compiled_with_stand_ins(built: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    """The project with an account of every service, compiled with the stand-ins in place of DuckDB's macros.

    The plan is made for Spark, of the KPIs that are compiled so.
    """
    root = tmp_path_factory.mktemp("portable")
    project = root / "dbt_project"
    shutil.copytree(PROJECT / "dbt_project", project)
    (project / "macros" / "portable" / "duckdb.sql").write_text(stand_ins(), encoding="utf-8")
    for name in ("company", "expectations", "reports", "data", "scorecard.example.toml", "pyproject.toml"):
        (root / name).symlink_to(PROJECT / name)
    sandbox = sandbox_at(root, project=root)
    sandbox.settings.state.mkdir()
    for path in (built.settings.warehouse, built.settings.state / FILE):
        shutil.copy(path, sandbox.settings.state)
    unit = {"business_unit": "Unit", "currency": "EUR"}
    sandbox.env["SCORECARD_SERVICES"] = json.dumps({name: unit for name in services() if name != "sql"})
    compile_(sandbox, "path:models/kpis")
    manifest = manifest_of(sandbox)
    manifest["metadata"]["adapter_type"] = "spark"
    write_plan(sandbox.settings, make_plan(load_catalogue(sandbox.settings), manifest))
    compile_(sandbox, "resource_type:model", "resource_type:test")
    return sandbox


def compile_(sandbox: Sandbox, *selected: str) -> None:
    done = sandbox.run("dbt", "compile", "--select", *selected, check=False)
    assert done.returncode == 0, done.stdout


def manifest_of(sandbox: Sandbox) -> dict[str, Any]:
    text = (sandbox.settings.state / "dbt" / "manifest.json").read_text(encoding="utf-8")
    manifest: dict[str, Any] = json.loads(text)
    return manifest


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        ("select * exclude (a) from t", "a star with exclude, replace or rename"),
        ("select * from t union all by name select * from u", "union by name"),
        ("with recursive t as (select 1 as a) select a from t", "a recursive CTE"),
        ("with t as (with t as (select 1 as a) select a from t) select a from t", "a CTE inside one of its name"),
        ("select a + 1 as b from t where b > 2", "a condition on a column of the same select"),
        ("select a at time zone 'UTC' as b from t", "AtTimeZone"),
        ("select a + interval 1 month as b from t", "Interval"),
        ("select a / b as c from t", "Div"),
        ("select a // b as c from t", "IntDiv"),
        ("select [1, 2] as a from t", "Array"),
        ("select a[1] as b from t", "Bracket"),
        ("select list(a order by b) as c from t", "list"),
        ("select strftime(a, '%V') as b from t", "strftime"),
        ("select unnest(a) as b from t", "unnest"),
        ("select quantile_cont(a, 0.5) as b from t", "quantile_cont"),
        ("select a from t, lateral (select t.a + 1 as b) as u", "Lateral"),
        ("select a::varchar as b from t", "varchar"),
        ("select cast(a as timestamptz) as b from t", "timestamptz"),
        ("select try_cast(a + (b) as hugeint) as b from t", "hugeint"),
        ("select lag(a) over (order by b) as c from t", "an order that leaves nulls to the engine"),
        ("select sum(a) over (order by b nulls last, c desc) as d from t", "an order that leaves nulls to the engine"),
        ("select regexp_extract(a, '\\d', 0) as b from t", "a backslash in a text"),
    ],
)
def test_what_does_not_port_is_named(sql: str, name: str) -> None:
    assert name in {construct.name for construct in constructs(sql)}


def test_what_ports_is_not_named() -> None:
    sql = """
    with t (a, b) as (values (1, 'x'), (2, null)),
    u as (
        select a, sum(b::decimal(30, 8)) filter (where a > 1) as c, cast(a as string) as d, portable_local_day(a) as e
        from t cross join portable_days_from(a, b) as v (day)
        group by grouping sets ((a), (a, b))
    )
    select u.*, lag(c) over w as f, case when c in (1, 2) then -c end as g from u
    anti join t on u.a = t.a window w as (partition by a order by c nulls last, b desc nulls first)
    """
    assert not [str(construct) for construct in constructs(sql)]


def test_models_and_data_tests_are_portable(compiled_with_stand_ins: Sandbox) -> None:
    """What is compiled of the scorecard's models has the passes in it."""
    nodes = [node for node in manifest_of(compiled_with_stand_ins)["nodes"].values() if node.get("compiled_code")]
    kinds = Counter(node["resource_type"] for node in nodes)
    assert kinds["model"] > 80
    assert kinds["test"] > 30
    wrong = [f"{node['name']}: {construct}" for node in nodes for construct in constructs(node["compiled_code"])]
    assert not wrong, "\n".join(dict.fromkeys(wrong))


def test_passes_are_portable(compiled_with_stand_ins: Sandbox) -> None:
    plan = read_plan(compiled_with_stand_ins.settings.state / FILE)
    assert len(plan.passes) > 3
    wrong = [f"{names_in(entry)}: {construct}" for entry in plan.passes for construct in constructs(entry["sql"])]
    assert not wrong, "\n".join(dict.fromkeys(wrong))


def test_a_pass_is_written_as_its_engine_writes_it() -> None:
    tables = {("core", "fact"): Table("core.fact", ("day", "unit"), ())}
    sql = "select cast(day as string) as occurred_on, unit as business_unit, 1 as numerator from core.fact"
    written = {dialect: read_shape(sql, tables, dialect).columns["occurred_on"] for dialect in ("duckdb", "spark")}
    assert written == {"duckdb": "CAST(fact.day AS TEXT)", "spark": "CAST(fact.day AS STRING)"}


def test_contracts_have_types_that_every_engine_can_name(compiled_with_stand_ins: Sandbox) -> None:
    """A contract has the product's words for types, and dbt holds a model to what `type_of` makes of them."""
    declared = {
        (node["name"], name, column["data_type"])
        for node in manifest_of(compiled_with_stand_ins)["nodes"].values()
        for name, column in node.get("columns", {}).items()
        if column["data_type"]
    }
    assert len(declared) > 800
    assert not {entry for entry in declared if not CONTRACT_TYPE.fullmatch(entry[-1])}
    column = "{'a': {'name': 'a', 'data_type': 'timestamptz'}}"
    done = compiled_with_stand_ins.run("dbt", "compile", "--inline", "{{ get_empty_schema_sql(" + column + ") }}")
    assert f"{STAND_IN}type_of(timestamptz)" in done.stdout
