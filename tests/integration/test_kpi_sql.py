"""KPIs are computed alike with passes and without, and one of a wrong shape is told by its file and column."""

import json
import shutil
from pathlib import Path

import duckdb
import pytest

from scorecard.warehouse.dbt import Dbt
from tests.conftest import PROJECT, Sandbox, sandbox_at
from tests.integration.added_deals import copy_of_the_project

META = """
models:
  - name: {name}
    description: A KPI of the test.
    config:
      meta: {{label: A, definition: A, formula: A, unit: count, direction: higher, level: kgi, perspective: internal,
              class: outcome, kind: {kind}, aggregate: {aggregate}, owner: o@example.com}}
"""
SELECT = """
select {columns}
from {{{{ ref('core_opportunity') }}}} as deal
where deal.closed_on is not null
"""
SHAPE = "{{ record('deal') }}, deal.closed_on as occurred_on, {{ dimensions('core_opportunity', 'deal') }}"
WRONG = {
    "lacks_the_day": (
        "flow",
        "{{ record('deal') }}, deal.business_unit, 1 as numerator",
        "lacks the column occurred_on (date)",
    ),
    "has_a_column_more": ("flow", f"{SHAPE}, 1 as numerator, deal.stage", "has the column stage, which is neither of"),
    "has_text_for_a_number": (
        "flow",
        f"{SHAPE}, cast(deal.amount as varchar) as numerator",
        "has numerator as varchar instead of decimal",
    ),
    "has_a_double": ("flow", f"{SHAPE}, 0.5::double as numerator", "has numerator as double instead of decimal"),
    "has_a_moment_for_a_day": (
        "flow",
        f"{SHAPE.replace('deal.closed_on', 'cast(deal.closed_on as timestamp)')}, 1 as numerator",
        "has occurred_on as timestamp instead of date",
    ),
    "has_no_end": ("stock", f"{SHAPE}, 1 as numerator", "lacks the column ended_on (date)"),
    "has_an_end": ("flow", f"{SHAPE}, deal.closed_on as ended_on, 1 as numerator", "has the column ended_on"),
    "has_no_period": (
        "period",
        f"{SHAPE}, 1 as numerator",
        "lacks the column grain (varchar); lacks",
    ),
}


@pytest.fixture(scope="module")
def shapes(built: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What dbt says of KPIs of a wrong shape, each its own error in one run."""
    root = tmp_path_factory.mktemp("shapes")
    copy_of_the_project(root / "project")
    shutil.copytree(built.settings.state, root / "var")
    for name, (kind, columns, _) in WRONG.items():
        file = root / "project" / "dbt_project" / "models" / "kpis" / f"kpi_{name}.sql"
        file.write_text(SELECT.format(columns=columns))
        aggregate = "last" if kind == "stock" else "sum"
        file.with_suffix(".yml").write_text(META.format(name=file.stem, kind=kind, aggregate=aggregate))
    sandbox = sandbox_at(root, project=root / "project")
    done = sandbox.run("dbt", "run", "--select", *(f"kpi_{name}" for name in WRONG), check=False)
    assert done.returncode != 0
    return " ".join(done.stdout.split())


@pytest.mark.parametrize("name", WRONG)
def test_a_kpi_of_another_shape_is_an_error_with_its_file_and_column(shapes: str, name: str) -> None:
    (kind, _, problem) = WRONG[name]
    _, _, message = shapes.partition(f"models/kpis/kpi_{name}.sql (kind: {kind}) ")
    assert message.startswith(problem), shapes
    assert "Correct its select, or its `kind`" in message


def test_every_kpi_of_the_product_is_computed_alike_with_and_without_passes(built: Sandbox, tmp_path: Path) -> None:
    """The roll-up of one pass for many metrics, and of each KPI's own view."""
    root = tmp_path / "plain"
    shutil.copytree(built.settings.state, root / "var")
    sandbox = sandbox_at(root)
    tables = ("kpi_totals", "kpi_quantiles")
    planned = {table: _rows(sandbox, table) for table in tables}
    plan = json.loads((root / "var" / "plan.json").read_text())
    assert len(plan["passes"]) < sum(len(entry["metrics"]) for entry in plan["passes"]) >= 19
    kinds = {metric["base"]: metric["kind"] for metric in plan["metrics"]}
    alone = {
        f"kpi_{metric['name']}": {**metric, "kind": kinds[metric["name"]]}
        for entry in plan["passes"]
        for metric in entry["metrics"]
    }
    changed = {**plan, "passes": [], "plain": {**plan["plain"], **alone}}
    # As the engine runs dbt, but that the plan is another.
    (root / "var" / "plan.json").write_text(json.dumps(changed))
    assert Dbt(sandbox.settings, lambda _: None).run(["run", "--select", *tables, "--log-level", "none"])
    for table in tables:
        assert _rows(sandbox, table) == planned[table], table
        assert planned[table]
    compiled = root / "var" / "dbt" / "compiled" / "scorecard" / "models" / "scorecard" / "kpi_totals.sql"
    assert "core_opportunity" not in compiled.read_text()


def _rows(sandbox: Sandbox, table: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(sandbox.settings.warehouse), read_only=True) as db:
        return db.execute(f"select * from scorecard.{table} order by all").fetchall()


def test_plan_shows_the_pass_of_each_metric_and_why_one_has_none(built: Sandbox, tmp_path: Path) -> None:
    root = tmp_path / "own"
    copy_of_the_project(root / "project")
    shutil.copytree(built.settings.state, root / "var")
    file = root / "project" / "dbt_project" / "models" / "kpis" / "kpi_of_both.sql"
    parts = [SELECT.format(columns=f"{SHAPE}, {number} as numerator").strip() for number in (1, 0)]
    file.write_text("\nunion all\n".join(parts))
    file.with_suffix(".yml").write_text(META.format(name=file.stem, kind="flow", aggregate="sum"))
    rows = json.loads(sandbox_at(root, project=root / "project").run("plan", "--json").stdout)
    by_metric = {row["metric"]: row for row in rows}
    assert by_metric["of_both"]["pass"] is None
    assert by_metric["of_both"]["reason"] == "It is a union."
    assert "won_deals" in by_metric["booked_revenue"]["shares_with"]
    assert by_metric["won_deals"]["pass"] == by_metric["booked_revenue"]["pass"]
    assert "core_opportunity" in by_metric["won_deals"]["sql"]
    assert {path.stem.removeprefix("kpi_") for path in (PROJECT / "dbt_project/models/kpis").glob("*.sql")} < set(
        by_metric
    )
