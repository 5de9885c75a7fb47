"""The observation contract on small facts: what it is said to be able to do, by values worked by hand, both ways."""

import json
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from scorecard.closes.trace import trace
from scorecard.warehouse.dbt import Dbt
from tests.conftest import Sandbox, sandbox_at
from tests.integration.added_deals import copy_of_the_project

pytestmark = pytest.mark.samples
FIXTURES = Path(__file__).parent.parent / "fixtures" / "contract"
FACTS = yaml.safe_load((FIXTURES / "facts.yml").read_text())
METRICS = yaml.safe_load((FIXTURES / "metrics.yml").read_text())
UNIT = "RavenStack SaaS"
WORDS = {
    "label": "A",
    "definition": "A",
    "formula": "A",
    "unit": "count",
    "direction": "higher",
    "level": "kgi",
    "perspective": "internal",
    "class": "outcome",
    "owner": "o@example.com",
}
TYPES = {"text": "string", "decimal": "decimal(24, 8)"}
# metric, month of 2024, member of the unit or of a dimension: value, at_most, reason, longer_than.
VALUES = {
    # 1,200.50 in January for the four customers of April; in May 500 for none; before January there is no spend.
    ("acquisition_cost", "04", UNIT): ("300.125", None, None, None),
    ("acquisition_cost", "04", "North"): ("300.1", None, None, None),
    ("acquisition_cost", "04", "South"): ("300.2", None, None, None),
    ("acquisition_cost", "05", UNIT): (None, None, "no_denominator", None),
    ("acquisition_cost", "03", UNIT): (None, None, "no_history", None),
    # Of five called four come to an appointment, of these three to a meeting, of these one to a proposal and to a win.
    ("funnel", "06", UNIT): ("0.2", None, None, None),
    ("funnel", "06", "appointment"): ("0.8", None, None, None),
    ("funnel", "06", "meeting"): ("0.75", None, None, None),
    ("funnel", "06", "proposal"): ("0.33333333", None, None, None),
    ("funnel", "06", "win"): ("1", None, None, None),
    # 4/5 after one attempt, 3/5 after two; of the two that are left one was reached at the fifth. In July 2/3 is all.
    ("persistence", "06", UNIT): ("5", None, None, None),
    ("persistence", "07", UNIT): (None, None, "longer_than", "4"),
    # 0.75 after 30 minutes, 0.625 after 40, exactly a half after 50: the middle of 50 and 120.
    ("response", "06", UNIT): ("85", None, None, None),
    # Open at the end of the fifth: 100, 50 of that day, and 30 that closed a day later.
    ("pipeline", "06", UNIT): ("180", None, None, None),
    ("coverage", "06", UNIT): ("2", None, None, None),
    ("coverage", "07", UNIT): ("0.5", None, None, None),
    # Four of eight in June. In December the one of the 24th is settled on the last day, that of the 25th a day later.
    ("first_contact", "06", UNIT): ("0.5", None, None, None),
    ("first_contact", "12", UNIT): ("0.33333333", "0.66666667", None, None),
    ("seat_churn", "01", "Pro"): ("0", None, None, None),
    ("seat_churn", "02", "Pro"): ("0.5", None, None, None),
    ("seat_churn", "02", "Basic"): ("0", None, None, None),
    ("seat_churn", "02", UNIT): ("0.33333333", None, None, None),
    ("seat_churn", "03", "Pro"): ("0", None, None, None),
    ("seat_churn", "12", UNIT): ("0", None, None, None),
}


def write_fact(project: Path, name: str, fact: dict[str, Any]) -> None:
    columns = {column: TYPES.get(kind, kind) for entry in fact["columns"] for column, kind in entry.items()}
    values = ",\n".join(
        f"('{name}-{number}', {number}, {', '.join(_literal(cell) for cell in row)})"
        for number, row in enumerate(fact["rows"], start=1)
    )
    cast = ", ".join(f"cast({column} as {kind}) as {column}" for column, kind in columns.items())
    own = ", ".join(columns)
    source = {"source_system": "desk", "source_object": name, "source_file": "desk.csv"}
    origin = ", ".join(f"'{value}' as {column}" for column, value in source.items())
    file = project / "dbt_project" / "models" / "core" / f"{name}.sql"
    file.write_text(
        f"select {origin}, record_id, cast(source_line as bigint) as source_line, "
        "cast(null as string) as source_sha256, "
        f"'{UNIT}' as business_unit, {cast} from (values {values}) as t (record_id, source_line, {own})"
    )
    listed = [*source, "record_id", "source_line", "source_sha256", "business_unit", *columns]
    entry = {
        "name": name,
        "config": {"contract": {"enforced": False}},
        "columns": [{"name": column} for column in listed],
    }
    file.with_suffix(".yml").write_text(json.dumps({"models": [entry]}))


def _literal(cell: object) -> str:
    return "null" if cell is None else str(cell) if isinstance(cell, bool | int | float) else f"'{cell}'"


def write_metric(project: Path, name: str, metric: dict[str, Any]) -> None:
    folder = project / "dbt_project"
    if "expression" in metric:
        (folder / "derived" / f"{name}.yml").write_text(json.dumps({**WORDS, **metric}))
        return
    file = folder / "models" / "kpis" / f"kpi_{name}.sql"
    columns = f"{{{{ record('fact') }}}}, fact.business_unit, {metric['sql']}"
    file.write_text(f"select {columns} from {{{{ ref('{metric['fact']}') }}}} as fact {metric.get('rest', '')}")
    meta = {**WORDS, **{key: metric[key] for key in ("kind", "aggregate", "grains") if key in metric}}
    file.with_suffix(".yml").write_text(json.dumps({"models": [{"name": file.stem, "config": {"meta": meta}}]}))


@pytest.fixture(scope="module")
def company(built: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    """A copy of the project with the facts and metrics, built and closed."""
    root = tmp_path_factory.mktemp("contract")
    project = root / "project"
    copy_of_the_project(project)
    shutil.copytree(built.settings.state, root / "var")
    for name, fact in FACTS.items():
        write_fact(project, name, fact)
    for name, metric in METRICS.items():
        write_metric(project, name, metric)
    (project / "dbt_project" / "dimensions" / "own.yml").write_text("dimensions: [{name: step, label: Step}]")
    (project / "reports" / "contract.yml").write_text(
        json.dumps(
            {
                "title": "Contract",
                "purpose": "What it can do",
                "business_unit": UNIT,
                "cadences": ["month"],
                "metrics": list(METRICS),
                "breakdowns": [{"metric": "funnel", "dimension": "step"}],
                "languages": ["en"],
                "audience": {"domains": ["example.com"]},
                "recipients": [{"email": "o@example.com", "language": "en"}],
                "owner": "o@example.com",
            }
        )
    )
    sandbox = sandbox_at(root, project=project)
    sandbox.run("build")
    return sandbox


def read(sandbox: Sandbox) -> dict[tuple[str, str, str], tuple[str | None, ...]]:
    query = (
        "select metric, period[6:], member, value, at_most, na_reason, longer_than from scorecard.kpi_values "
        "where grain = 'month' and scope = ? and list_contains(?, metric) and starts_with(period, '2024')"
    )
    with duckdb.connect(str(sandbox.settings.warehouse), read_only=True) as db:
        rows = db.execute(query, [UNIT, list(METRICS)]).fetchall()
    return {
        (metric, month, member): (_plain(value), _plain(at_most), reason, _plain(longer))
        for metric, month, member, value, at_most, reason, longer in rows
    }


def _plain(number: Any) -> str | None:
    return None if number is None else f"{number.normalize():f}"


def test_values_are_those_worked_by_hand(company: Sandbox) -> None:
    values = read(company)
    assert {key: values.get(key) for key in VALUES} == VALUES


def test_values_are_the_same_without_passes(company: Sandbox, tmp_path: Path) -> None:
    plan = json.loads((company.settings.state / "plan.json").read_text())
    planned = {metric["name"]: metric for entry in plan["passes"] for metric in entry["metrics"]}
    alone = {name for name, metric in METRICS.items() if metric.get("is_alone")}
    derived = {name for name, metric in METRICS.items() if "expression" in metric}
    assert planned.keys() & METRICS.keys() == METRICS.keys() - alone - derived
    shutil.copytree(company.settings.state, tmp_path / "var")
    sandbox = sandbox_at(tmp_path, project=company.settings.project)
    kinds = {metric["base"]: metric["kind"] for metric in plan["metrics"]}
    plain = {f"kpi_{name}": {**metric, "kind": kinds[name]} for name, metric in planned.items()}
    changed = {**plan, "passes": [], "plain": {**plan["plain"], **plain}}
    (tmp_path / "var" / "plan.json").write_text(json.dumps(changed))
    tables = ["kpi_totals", "kpi_quantiles", "horizons", "kpi_values"]
    assert Dbt(sandbox.settings, lambda _: None).run(["run", "--select", *tables, "--log-level", "none"])
    assert read(sandbox) == read(company)


@pytest.mark.parametrize("month", ["06", "07"])
def test_a_close_proves_and_prints_them(company: Sandbox, month: str) -> None:
    done = company.run("publish", "--scorecard", "contract", "--period", f"2024-{month}", "--json")
    (edition,) = json.loads(done.stdout)
    values = json.loads(company.run("values", "--period", f"2024-{month}", "--json").stdout)
    ids = {row["figure_id"]: row for row in values if row["metric"] in METRICS and row["scope"] == UNIT}
    assert len(ids) > 10
    for figure_id, row in ids.items():
        assert figure_id.startswith(edition["close_id"])
        proof = trace(company.settings, figure_id)
        assert proof["equal"], row
        assert (proof["value"], proof["longer_than"]) == (row["value"], row["longer_than"])
