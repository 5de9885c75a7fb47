"""A small published warehouse, computed in plain Python, and closes of it."""

import shutil
from dataclasses import replace
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from scorecard.shared.settings import PROJECT, Settings
from scorecard.shared.sql import literal
from tests.conftest import SETTINGS_FILE
from tests.unit.closes.definitions import UNIT
from tests.unit.closes.world import World


def make_world(folder):
    (folder / "project").mkdir()
    shutil.copy(SETTINGS_FILE, folder / "project")
    settings = Settings(
        **{"owner_email": "owner@example.com", "mail_from": "scorecard@example.com", "data": folder / "data"},
        **{"state": folder / "it's var", "out": folder / "out", "project": folder / "project"},
    )
    (folder / "data" / "crm").mkdir(parents=True)
    (folder / "data" / "crm" / "deals.csv").write_bytes(b"v1")
    shutil.copytree(PROJECT / "dbt_project" / "dimensions", settings.dbt_project / "dimensions")
    world = World(settings)
    world.write_contract()
    return world


@pytest.fixture
def world(tmp_path):
    return make_world(tmp_path)


@pytest.fixture(scope="session")
def three_closes(tmp_path_factory):
    world = make_world(tmp_path_factory.mktemp("three"))
    world.publish()
    return world, [world.close(period, publish=False) for period in ("2017-Q3", "2017-Q4", "2017-12")]


@pytest.fixture
def chain(world, three_closes):
    """Return a world and its closes sales-2017-Q3-e1, sales-2017-Q4-e1, sales-2017-12-e1."""
    made_in, closes = three_closes
    shutil.copytree(made_in.settings.archive, world.settings.archive)
    return world, [replace(made, path=world.settings.archive / made.close_id) for made in closes]


@pytest.fixture
def one_figure():
    """Return the id of a figure of a close."""

    def find(made, name, member=UNIT, dimension="business_unit", period="2017-Q4"):
        ((figure_id,),) = duckdb.sql(
            f"select figure_id from read_parquet({literal(made.path / 'values.parquet')}) "
            f"where metric = '{name}' and period = '{period}' and dimension = '{dimension}' "
            f"and member = {literal(member)}"
        ).fetchall()
        return f"{made.close_id}.{figure_id}"

    return find


@pytest.fixture
def read():
    """Read a Parquet file of a close as dictionaries."""

    def rows(folder: Path, name):
        return pq.read_table(folder / name).to_pylist()

    return rows
