"""Warehouses for the checks, in the shape in which the extraction and dbt leave them."""

import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from scorecard.shared.settings import PROJECT, Settings

EXPORTS = {
    "maven_crm": {name: name for name in ("accounts", "products", "sales_pipeline", "sales_teams")},
    "ravenstack": {
        name: f"ravenstack_{name}"
        for name in ("accounts", "churn_events", "feature_usage", "subscriptions", "support_tickets")
    },
}


KPI = """
models:
  - name: kpi_{name}
    config:
      meta:
        label: {name}
        definition: {name}
        formula: numerator / denominator
        unit: {unit}
        direction: higher
        level: kgi
        perspective: internal
        class: outcome
        aggregate: {aggregate}
        owner: owner@example.com
        alert_by: region
        kind: flow
        beside: {beside}
"""


def load_samples(path: Path) -> None:
    """Load the bundled samples. Each row also has a version that is no longer current: no rule may read that."""
    with duckdb.connect(str(path)) as con:
        for source, files in EXPORTS.items():
            con.execute(f"create schema raw_{source}")
            for table, file in files.items():
                con.execute(
                    f"""
                    create table raw_{source}.{table} as
                    with export as (select * from read_csv('{PROJECT}/data/{source}/{file}.csv'))
                    select *, '{source}/{file}.csv' as _source_file, row_number() over () + 1 as _source_line,
                        'sha' as _source_sha256, '1' as _dlt_load_id, timestamptz '2025-01-01' as _valid_from,
                        null::timestamptz as _valid_to from export
                    union all by name
                    select *, timestamptz '2025-01-01' as _valid_to from export
                    """
                )


def build_kpis(path: Path) -> None:
    """Make two metrics with observations and values: a sum, and a share with a mean beside it."""
    with duckdb.connect(str(path)) as con:
        con.execute("create schema scorecard")
        for place, (metric, numerator) in enumerate((("booked", 10), ("won_share", 1))):
            con.execute(
                f"""
                {"insert into scorecard.kpi_observations" if place else "create table scorecard.kpi_observations as"}
                select '{metric}' as metric, 'deal-' || i as observation_id, 'crm' as source_system,
                    'deals' as source_object, i::varchar as record_id, 'crm/deals.csv' as source_file,
                    timestamptz '2024-02-28 22:00:00-05' + to_days(i::int) as occurred_at,
                    date '2024-02-28' + i::int as occurred_on, null::date as ended_on, null::varchar as grain,
                    'Unit' as scope, 'all' as company, 'Unit' as business_unit,
                    {numerator}::decimal(28, 4) as numerator, 10::decimal(28, 4) as denominator
                from range(5) as t (i)
                """
            )
        con.execute(
            """
            create table scorecard.kpi_status as
            select metric, 'month' as grain, period, period_start, period_start + interval 1 month as period_end,
                period_start + interval 1 month as observed_until,
                scope, dimension, member, true as is_complete,
                0.5::decimal(38, 8) as value,
                3 as observations, null::varchar as na_reason, 'na' as status
            from (values ('booked'), ('won_share'), ('won_share_mean')) as m (metric),
                (values ('2024-02', date '2024-02-01'), ('2024-03', date '2024-03-01')) as p (period, period_start),
                (values ('all', 'company', 'all'), ('Unit', 'business_unit', 'Unit')) as u (scope, dimension, member)
            """
        )


@pytest.fixture(scope="session")
def great_expectations() -> None:
    """Import Great Expectations once, and ignore the warnings of its libraries about each other."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import scorecard.checks.gx.datasource  # noqa: F401


@pytest.fixture(scope="session")
def samples(great_expectations: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a warehouse with the bundled samples in its raw tables. Copy it before a change."""
    path = tmp_path_factory.mktemp("samples") / "warehouse.duckdb"
    load_samples(path)
    return path


@pytest.fixture
def company(great_expectations: None, tmp_path: Path) -> Callable[..., Settings]:
    """Return a function that makes a company's settings, with a changed copy of a warehouse."""

    def make(warehouse: Path | None, *changes: str, project: Path = PROJECT) -> Settings:
        state = tmp_path / "state"
        state.mkdir(exist_ok=True)
        (state / "warehouse.duckdb").unlink(missing_ok=True)
        if warehouse:
            shutil.copy(warehouse, state / "warehouse.duckdb")
        with duckdb.connect(str(state / "warehouse.duckdb")) as con:
            for sql in changes:
                con.execute(sql)
        return Settings(
            company="Test",
            timezone="America/New_York",
            currency="USD",
            owner_email="o@example.com",
            mail_from="m@example.com",
            project=project,
            state=state,
            out=tmp_path / "out",
        )

    return make


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project with two metrics and the product's own rules for KPIs. A test adds files of rules."""
    kpis = tmp_path / "project" / "dbt_project" / "models" / "kpis"
    kpis.mkdir(parents=True)
    (kpis / "kpi_booked.yml").write_text(KPI.format(name="booked", unit="currency", aggregate="sum", beside="[]"))
    beside = "[{name: mean, label: Mean, aggregate: average}]"
    (kpis / "kpi_won_share.yml").write_text(
        KPI.format(name="won_share", unit="percent", aggregate="ratio", beside=beside)
    )
    shutil.copytree(PROJECT / "dbt_project" / "dimensions", tmp_path / "project" / "dbt_project" / "dimensions")
    shutil.copytree(PROJECT / "reports" / "templates", tmp_path / "project" / "reports" / "templates")
    shutil.copytree(PROJECT / "reports" / "locales", tmp_path / "project" / "reports" / "locales")
    shutil.copytree(PROJECT / "expectations", tmp_path / "project" / "expectations")
    return tmp_path / "project"


@pytest.fixture
def kpi_warehouse(tmp_path: Path) -> Path:
    """Return a warehouse with sound observations and values of the two metrics."""
    path = tmp_path / "built.duckdb"
    build_kpis(path)
    return path
