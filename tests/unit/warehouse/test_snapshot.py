"""When the warehouse is built again."""

from pathlib import Path

import duckdb

from scorecard.shared.settings import Settings
from scorecard.warehouse.published import fingerprint


def test_a_quiet_day_is_a_change(tmp_path: Path) -> None:
    """A service was read to its end and had nothing new. It is known through one more day."""
    settings = Settings(state=tmp_path, out=tmp_path)
    with duckdb.connect(str(settings.warehouse)) as db:
        db.execute("create schema raw_crm")
        db.execute("create table raw_crm._loaded_files as select 'load 1' as _dlt_load_id")
        db.execute("create table raw_crm._cursors as select date '2024-12-30' as read_through")
    before = fingerprint(settings)
    assert fingerprint(settings) == before
    with duckdb.connect(str(settings.warehouse)) as db:
        db.execute("insert into raw_crm._cursors values (date '2024-12-31')")
    assert fingerprint(settings).loads != before.loads
