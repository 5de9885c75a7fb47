"""A small company with one source of two objects, whose exports a test may write as it likes."""

import hashlib
import io
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import duckdb
import pytest

from scorecard.extract import ExtractResult, SourceContract, extract_source, load_contracts
from scorecard.extract.files.originals import ExportFile
from scorecard.shared.settings import Settings
from tests.conftest import SETTINGS_FILE

YAML = """
version: 2
sources:
  - name: shop
    schema: raw_shop
    description: A shop.
    config: {meta: {business_unit: Shop, currency: USD}}
    tables:
      - name: orders
        description: One row per order.
        config: {meta: {file: orders.csv, primary_key: [order_id], full_export: true}}
        columns:
          - {name: order_id, data_type: varchar, description: Id., constraints: [{type: not_null}]}
          - {name: amount, data_type: "decimal(18,2)", description: Amount.}
          - {name: ordered_on, data_type: date, description: Day., config: {meta: {not_null: true}}}
          - {name: note, data_type: varchar, description: Words.}
      - name: visits
        description: One row per visit.
        config: {meta: {file: visits.csv, primary_key: [day, customer], full_export: false}}
        columns:
          - {name: day, data_type: date, description: Day.}
          - {name: customer, data_type: bigint, description: Customer.}
          - {name: seconds, data_type: double, description: Time spent.}
          - {name: seen_at, data_type: timestamp, description: When.}
          - {name: paid, data_type: boolean, description: Whether.}
      - name: _quarantine
        description: Rows that break the contract.
"""


def table(name: str, meta: str, columns: Mapping[str, str], headers: Sequence[str] = ()) -> str:
    """Declare a table: what its config.meta says, the types of its columns by name, and their headers in that order."""
    listed = "".join(
        f'          - {{name: {column}, data_type: "{kind}", description: X.{header}}}\n'
        for (column, kind), header in zip(
            columns.items(),
            [f", config: {{meta: {{header: {header}}}}}" for header in headers] or [""] * len(columns),
            strict=True,
        )
    )
    return (
        f"      - name: {name}\n        description: X.\n        config: {{meta: {{{meta}}}}}\n"
        f"        columns:\n{listed}"
    )


def shop_of(*tables: str) -> str:
    """Declare a shop with some tables."""
    return (
        "version: 2\nsources:\n  - name: shop\n    schema: raw_shop\n    description: A shop.\n"
        f"    config: {{meta: {{business_unit: Shop, currency: USD}}}}\n    tables:\n{''.join(tables)}"
    )


ORDERS = """order_id,amount,ordered_on,note
A1,10.50,2024-01-01,first
A2,20,2024-01-02,
A3,30.00,2024-01-03,"two
lines"
A4,40,2024-01-04,last
"""

VISITS = """day,customer,seconds,seen_at,paid
2024-01-01,1,1.5,2024-01-01 10:00:00,true
2024-01-01,2,2.5,2024-01-01 11:00:00,false
"""


@dataclass(frozen=True)
class Shop:
    """The company's folders and a few short ways to look at its warehouse."""

    root: Path

    @property
    def settings(self) -> Settings:
        """Settings by which no export is suspect for what it lacks, nor waited for; some tests have the product's."""
        return Settings(
            project=self.root,
            data=self.root / "data",
            state=self.root / "state",
            suspect_lost_share=1,
            suspect_lost_share_of_any_size=1,
            settle_seconds=0,
        )

    @property
    def yaml(self) -> Path:
        return self.root / "dbt_project/models/staging/shop/_sources.yml"

    @property
    def source(self) -> SourceContract:
        return load_contracts(self.settings)["shop"]

    def write(self, text: str | bytes, file: str = "orders.csv") -> None:
        data = text.encode() if isinstance(text, str) else text
        (self.root / "data/shop" / file).write_bytes(data)

    def extract(self, **settings: Any) -> ExtractResult:
        return extract_source(self.settings.model_copy(update=settings), self.source)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(self.settings.warehouse, read_only=True) as db:
            return db.execute(sql).fetchall()

    def current(self) -> list[tuple[Any, ...]]:
        return self.query(
            "select order_id, if(amount = amount::decimal(18, 2), amount::decimal(18, 2)::varchar, amount::varchar),"
            " ordered_on::varchar, note, _source_line"
            " from raw_shop.orders where _valid_to is null order by order_id"
        )

    def quarantine(self) -> list[tuple[Any, ...]]:
        return self.query("select object, source_line, reason from raw_shop._quarantine order by all")

    def everything(self) -> dict[str, list[tuple[Any, ...]]]:
        """All that must be the same whether or not a run was killed on the way: no load id, no time."""
        tables = {}
        for table in ("orders", "visits"):
            tables[table] = self.query(
                "select * exclude (_dlt_load_id, _valid_from, _valid_to), _valid_to is null, _dlt_load_id in"
                f" (select load_id from raw_shop._dlt_loads) from raw_shop.{table} order by all"
            )
        for table in ("_quarantine", "_loaded_files"):
            tables[table] = self.query(
                f"select columns(lambda c: c not in ('_dlt_load_id', 'loaded_at')) from raw_shop.{table} order by all"
            )
        return tables


@dataclass(frozen=True)
class OpenedFile(ExportFile):
    """A file of an export whose content is not on the disk."""

    opener: Callable[[], IO[bytes]] = io.BytesIO

    def open(self) -> IO[bytes]:
        return self.opener()


def export_file(name: str, content: bytes) -> ExportFile:
    """Make a file of the shop's exports out of its content."""
    return OpenedFile(
        f"shop/{name}", Path(), hashlib.sha256(content or b"empty").hexdigest(), lambda: io.BytesIO(content)
    )


def make_shop(root: Path) -> Shop:
    """Write the declaration and the exports of a shop that has loaded nothing yet."""
    shop = Shop(root)
    shutil.copy(SETTINGS_FILE, root)
    shop.yaml.parent.mkdir(parents=True)
    shop.yaml.write_text(YAML)
    (root / "data/shop").mkdir(parents=True)
    shop.write(ORDERS)
    shop.write(VISITS, "visits.csv")
    return shop


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return make_shop(tmp_path)


@pytest.fixture(scope="session")
def once_loaded(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    shop = make_shop(tmp_path_factory.mktemp("shop"))
    shop.extract()
    return shop


@pytest.fixture
def loaded(once_loaded: Shop, tmp_path: Path) -> Shop:
    """A shop of the test's own that has loaded its exports once."""
    shutil.copytree(once_loaded.root, tmp_path, dirs_exist_ok=True)
    return Shop(tmp_path)
