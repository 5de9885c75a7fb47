"""A company with one source, of deals alone: what nobody delivers is empty, and everything is built."""

import csv
import shutil
from pathlib import Path

import duckdb

from tests.conftest import sandbox_at
from tests.integration.added_deals import COLUMNS, add_deals, copy_of_the_project

DEALS = (
    ("D-1", "Ann", "Acme", "won", "2024-01-02", "2024-02-03", "10.50"),
    ("D-2", "Bob", "", "engaging", "2024-01-05", "", ""),
)
PROVENANCE = {
    **dict.fromkeys(("source_system", "source_object", "record_id", "source_file"), "varchar"),
    "source_line": "bigint",
    "source_sha256": "varchar",
    "loaded_at": "timestamptz",
}
VISITS = {"visit_id": "varchar", "visited_on": "date", **PROVENANCE}
UNIT = {"business_unit": "varchar"}


def add_visits(models: Path) -> None:
    """Add a concept that the product doesn't know, and the fact that is made of it."""
    staged = """select deal_id as visit_id, closed as visited_on, {{ provenance('orbit_crm', 'deals', 'deal_id') }}
from ({{ current_rows('orbit_crm', 'deals') }})"""
    write(models / "staging/orbit_crm/stg_orbit_crm__visits", staged, VISITS)
    write(models / "intermediate/concepts/int_visits", "{{ concept('visits') }}", {**VISITS, **UNIT})
    fact = "select * from {{ ref('int_visits') }}"
    write(models / "core/core_visit", fact, {**VISITS, **UNIT}, "{concept: visits, horizon: [visited_on]}")


def write(model: Path, sql: str, columns: dict[str, str], meta: str = "{}") -> None:
    listed = "".join(
        f"      - {{name: {name}, data_type: {kind}, description: X.}}\n" for name, kind in columns.items()
    )
    model.with_suffix(".sql").write_text(sql)
    model.with_suffix(".yml").write_text(
        f"models:\n  - name: {model.name}\n    description: X.\n    config: {{meta: {meta}}}\n    columns:\n{listed}"
    )


def test_deals_alone_are_built_without_the_samples(tmp_path: Path) -> None:
    project = tmp_path / "project"
    copy_of_the_project(project)
    add_deals(project, "orbit_crm", "O'Neil & Sons", "EUR")
    for sample in ("maven_crm", "ravenstack"):
        shutil.rmtree(project / "dbt_project" / "models" / "staging" / sample)
    for scorecard in (project / "reports").glob("*.yml"):
        scorecard.unlink()
    deals = project / "data" / "orbit_crm" / "deals.csv"
    deals.parent.mkdir(parents=True)
    with deals.open("w", newline="") as file:
        csv.writer(file).writerows([tuple(COLUMNS), *DEALS])
    sandbox = sandbox_at(tmp_path, project=project, data=project / "data", currency="EUR")
    sandbox.run("extract")
    add_visits(project / "dbt_project" / "models")
    sandbox.run("dbt", "build", "--exclude-resource-type", "test", "unit_test")
    sandbox.run("dbt", "test", "--select", "no_record_is_joined_away", "core_source_horizon")

    with duckdb.connect(str(sandbox.settings.warehouse), read_only=True) as db:
        built = db.execute(
            "select opportunity_key, business_unit, rep, product, segment, currency, amount from core.core_opportunity"
            " order by all"
        ).fetchall()
        empty = {
            table: db.execute(f"select count(*) from core.{table}").fetchall()
            for table in ("core_account", "core_product", "core_rep", "core_subscription", "core_ticket")
        }
        types = dict(
            db.execute(
                "select column_name, data_type from duckdb_columns() where table_name = 'core_subscription'"
            ).fetchall()
        )
        horizon = db.execute("select source_system, first_on::varchar, last_on::varchar from core.core_source_horizon")
        assert horizon.fetchall() == [("orbit_crm", "2024-01-02", "2024-02-03")]
        visits = db.execute("select business_unit, visit_id from core.core_visit order by all").fetchall()
    assert visits == [("O'Neil & Sons", "D-1"), ("O'Neil & Sons", "D-2")]
    assert [(*row[:-1], str(row[-1])) for row in built] == [
        ("orbit_crm:D-1", "O'Neil & Sons", "Ann", "unknown", "unknown", "EUR", "10.50000000"),
        ("orbit_crm:D-2", "O'Neil & Sons", "Bob", "unknown", "unknown", "EUR", "None"),
    ]
    assert all(rows == [(0,)] for rows in empty.values()), empty
    assert (types["mrr"], types["started_on"], types["is_trial"]) == ("DECIMAL(30,8)", "DATE", "BOOLEAN")
