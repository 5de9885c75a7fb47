"""One built warehouse for the whole folder."""

import os
from pathlib import Path

import duckdb
import pytest
import yaml

from scorecard.settings import Settings, load_settings


@pytest.fixture(scope="session")
def built_warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The path of a DuckDB file that dbt built from the bundled data; SCORECARD_BUILT names one that is there."""
    if "SCORECARD_BUILT" in os.environ:
        return Path(os.environ["SCORECARD_BUILT"])
    settings = load_settings()
    folder = tmp_path_factory.mktemp("built")
    warehouse = folder / "warehouse.duckdb"
    _load_raw(settings, warehouse)
    _build(settings, warehouse, folder)
    return warehouse


@pytest.fixture(scope="session")
def compiled(built_warehouse: Path) -> Path:
    """The folder of the SQL that dbt compiled for it, tests included; SCORECARD_COMPILED names one that is there."""
    return Path(os.environ.get("SCORECARD_COMPILED", built_warehouse.parent / "target" / "compiled"))


@pytest.fixture(scope="session")
def connection(built_warehouse: Path) -> duckdb.DuckDBPyConnection:
    """A read-only connection to the built warehouse, in the company's time zone."""
    connection = duckdb.connect(str(built_warehouse), read_only=True)
    connection.execute(f"set timezone = '{load_settings().timezone}'")
    return connection


def _load_raw(settings: Settings, warehouse: Path) -> None:
    """Every declared object of the two sources, typed as its contract says, with the columns that a load adds."""
    with duckdb.connect(str(warehouse)) as connection:
        for file in sorted(settings.dbt_project.glob("models/staging/*/_sources.yml")):
            source = yaml.safe_load(file.read_text())["sources"][0]
            connection.execute(f"create schema {source['schema']}")
            for table in source["tables"]:
                if "config" not in table:
                    continue
                path = f"{source['name']}/{table['config']['meta']['file']}"
                columns = ", ".join(
                    f'"{column["name"]}"::{column["data_type"]} as "{column["name"]}"' for column in table["columns"]
                )
                connection.execute(
                    f"""create table {source["schema"]}.{table["name"]} as
                    select {columns}, '{path}' as _source_file, row_number() over () + 1 as _source_line,
                        '0' as _source_sha256, '1' as _dlt_load_id,
                        now() as _valid_from, null::timestamptz as _valid_to
                    from read_csv('{settings.data / path}', all_varchar = true)"""
                )


def _build(settings: Settings, warehouse: Path, folder: Path) -> None:
    from dbt.cli.main import dbtRunner

    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SCORECARD_WAREHOUSE", str(warehouse))
        environment.setenv("SCORECARD_TIMEZONE", settings.timezone)
        environment.setenv("DBT_TARGET_PATH", str(folder / "target"))
        environment.setenv("DBT_LOG_PATH", str(folder / "logs"))
        where = ["--project-dir", str(settings.dbt_project), "--profiles-dir", str(settings.dbt_project), "--quiet"]
        for command in (["seed"], ["run"], ["test", "--exclude-resource-type", "unit_test"]):
            result = dbtRunner().invoke([*command, *where])
            assert result.success, result.exception
