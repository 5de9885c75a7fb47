"""Fields that nobody declared, whatever they are called and however many there are; and records without an id."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from scorecard.extract.contracts.contract import Column, ObjectContract, RecordShape
from scorecard.extract.contracts.declared_contracts import read_contracts
from scorecard.extract.raw.raw_tables import RawTables
from scorecard.extract.raw.suspect import LossLimits
from scorecard.extract.raw.undeclared import UndeclaredFields
from scorecard.extract.services.service import ServicePage
from scorecard.extract.services.table_buffer import TableBuffer
from scorecard.extract.services.validate_records import validate_records
from scorecard.shared.errors import ScorecardError
from tests.conftest import SETTINGS_FILE

from .conftest import ORDERS, YAML, Shop, shop_of, table

ANY = LossLimits("things", "Unit", 20, 1, 1, frozenset())

_RESERVED = """
    reason payload record_key source_file source_line sha256 size_bytes rows_read rows_bad rowid object select order
    group table count batch good bad unchanged typed repeated inputs text records h g k r p f c0 t0 input line row
    undeclared
"""
RESERVED = _RESERVED.split()
"""Names that the extraction, its SQL or DuckDB use themselves."""

DEALS = """deal_id,owner,account,status,opened,closed,value,reason,source_file,sha256,rowid,size_bytes
D-001,Ben Ruiz,Account 17,open,2024-04-26,,,budget,x,y,1,2
D-002,Cleo Tan,Account 16,won,2024-05-31,2024-06-29,3850.00,budget,x,y,1,2
D-003,Ada Moss,Account 3,lost,2024-01-26,2024-03-28,,budget,x,y,1,2
"""
DEALS_YAML = shop_of(
    table(
        "deals",
        "file: deals.csv, primary_key: deal_id",
        {"deal_id": "varchar", "opened": "date", "value": "decimal(18,2)"},
    )
)


def test_undeclared_columns_of_reserved_names_load(shop: Shop) -> None:
    shop.yaml.write_text(DEALS_YAML)
    shop.write(DEALS, "deals.csv")
    result = shop.extract()
    assert [table.rows_loaded for table in result.loaded] == [3]
    assert "9 of them: owner, account, status, closed, reason and 4 more" in result.warnings[0]
    ((text,),) = shop.query("select _undeclared from raw_shop.deals where deal_id = 'D-002'")
    assert json.loads(text)["reason"] == "budget"
    assert json.loads(text)["rowid"] == "1"


@pytest.mark.parametrize(
    ("declared", "key"), [(True, "deal_id"), (True, "[deal_id, rowid, reason]"), (False, "deal_id")]
)
def test_no_name_of_a_column_collides(shop: Shop, declared: bool, key: str) -> None:
    columns = "".join(f"          - {{name: {name}, data_type: varchar, description: X.}}\n" for name in RESERVED)
    text = DEALS_YAML.replace("primary_key: deal_id", f"primary_key: {key}")
    shop.yaml.write_text(text + (columns if declared else ""))
    header = ",".join(["deal_id", "opened", "value", *RESERVED])
    first = ",".join(["A", "2024-01-01", "1", *RESERVED])
    other = ",".join(["A", "2024-01-02", "1", *RESERVED])
    shop.write(f"{header}\n{first}\nB,x,1{',' * len(RESERVED)}\n{first}\n{other}\n", "deals.csv")
    shop.extract()
    second = ",".join(["A", "2024-01-01", "2", *RESERVED])
    shop.write(f"{header}\n{second}\nC,2024-01-02,1,{','.join('x' * len(RESERVED))}\n", "deals.csv")
    shop.extract()
    current = shop.query("select * from raw_shop.deals where _valid_to is null order by deal_id")
    assert [(row[0], row[2]) for row in current] == [("A", 2), ("C", 1)]
    if declared:
        assert current[0][3 : 3 + len(RESERVED)] == tuple(RESERVED)
    else:
        ((text,),) = shop.query("select _undeclared from raw_shop.deals where deal_id = 'A' and _valid_to is null")
        assert json.loads(text) == {name: name for name in RESERVED}


@pytest.mark.parametrize("declared", [True, False])
def test_no_name_of_a_services_field_collides(declared: bool) -> None:
    names = ["id", *(RESERVED if declared else [])]
    columns = tuple(Column(name, "varchar", name, not_null=name == "id") for name in names)
    contract = ObjectContract("thing", "", ("id",), False, ",", columns, Path(), object="things", merge_key=("id",))
    record = {"id": "1", **{name: name for name in RESERVED}}
    with duckdb.connect() as db:
        buffer = TableBuffer(db, "o", contract, RecordShape())
        first, *rest = [
            json.dumps(fields).encode() for fields in (record, {**record, "rowid": "new"}, {**record, "id": None})
        ]
        buffer.add(ServicePage("/things", "", 1, [first, first]))
        buffer.add(ServicePage("/things", "", 1, rest))
        validated = validate_records(
            buffer, RawTables("raw_things", {}), LossLimits("things", "Unit", 20, 1, 1, frozenset())
        )
        assert (validated.rows_read, validated.rows_quarantined) == (4, 1)
        field = "rowid" if declared else "_undeclared->>'rowid'"
        assert db.execute(f"select id, {field} from o_good").fetchall() == [("1", "new")]
        assert sorted(validated.unknown) == ([] if declared else sorted(RESERVED))


def test_a_name_with_an_underscore_in_front_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "_sources.yml"
    path.write_text(YAML.replace("name: note", "name: _line_key"))
    with pytest.raises(ScorecardError, match="begins with an underscore") as error:
        read_contracts(path)
    assert "config.meta.header: _line_key" in error.value.cure


def test_fields_of_a_service_are_cut_along_the_contract() -> None:
    headers = ["id", "properties.amount", "owner.team.name", "lines[0].id", "whole", "whole.part"]
    columns = tuple(Column(f"c{i}", "varchar", header, not_null=False) for i, header in enumerate(headers))
    contract = ObjectContract("thing", "", ("c0",), False, ",", columns, Path(), object="things")
    rest = UndeclaredFields(contract, RecordShape(deleted="gone", ignored=("attributes",)))
    record = {
        "id": 1,
        "gone": False,
        "attributes": {"a": 1},
        "z": {"b": 1.10, "a": None},
        "whole": {"x": 1},
        "properties": {"amount": 1, "mood": "sunny", "none": None},
        "owner": {"team": {"name": "a", "size": 2}},
        "lines": [{"id": 1, "more": 2}],
        "a.b": 12345678901234567890,
    }
    text = rest.take_from(json.dumps(record))
    assert text == (
        '{"a.b":12345678901234567890,"owner":{"team":{"size":2}},"properties":{"mood":"sunny"},"z":{"a":null,"b":"1.1"}}'
    )
    assert rest.names == {"a.b", "owner.team.size", "properties.mood", "z"}
    assert rest.take_from(json.dumps(dict(reversed(record.items())))) == text, "the order of fields is no change"
    assert rest.take_from('{"id": 1, "properties": {"amount": 2, "none": null}}') is None


def test_a_warehouse_of_the_first_release_goes_on(loaded: Shop) -> None:
    """It has undeclared columns as columns of text, no `_undeclared`, and their names parted by commas."""
    with duckdb.connect(loaded.settings.warehouse) as db:
        db.execute("alter table raw_shop.orders add column score varchar")
        db.execute("update raw_shop.orders set score = 'old'")
        db.execute("alter table raw_shop.orders drop column _undeclared")
        db.execute("alter table raw_shop.visits drop column _undeclared")
        db.execute("update raw_shop._loaded_files set unknown_columns = 'score, mood' where object = 'orders'")
    unchanged = loaded.extract()
    assert unchanged.load_id is None
    assert "2 of them: score, mood" in unchanged.warnings[0]

    loaded.write(ORDERS.replace("order_id,", "score,order_id,").replace("\nA", "\nnew,A"))
    (orders,) = loaded.extract().loaded
    assert (orders.rows_new, orders.rows_retired) == (4, 4)
    rows = loaded.query("select score, _undeclared, _valid_to is null from raw_shop.orders order by all")
    assert rows == [("old", None, False)] * 4 + [(None, '{"score":"new"}', True)] * 4


def test_versions_of_before_are_those_of_now(loaded: Shop) -> None:
    """If no field is undeclared, the new column begins no version of a record."""
    with duckdb.connect(loaded.settings.warehouse) as db:
        db.execute("alter table raw_shop.orders drop column _undeclared")
    loaded.write(ORDERS.replace("last", "other"))
    (orders,) = loaded.extract().loaded
    assert (orders.rows_new, orders.rows_retired) == (1, 1)


CALLS = """day,agent,outcome,seconds
2024-03-01,Ada Moss,connected,120
2024-03-01,Ada Moss,no answer,0
2024-03-01,Ada Moss,no answer,0
2024-03-01,Ben Ruiz,connected,340
2024-03-02,Ben Ruiz,no answer,0
2024-03-02,Cleo Tan,connected,95
"""
CALLS_YAML = shop_of(
    table(
        "calls",
        'file: "calls*.csv", primary_key: line_content',
        {"day": "date", "agent": "varchar", "outcome": "varchar", "seconds": "bigint"},
    )
)


@pytest.fixture
def calls(shop: Shop) -> Shop:
    shop.yaml.write_text(CALLS_YAML)
    shop.write(CALLS, "calls.csv")
    return shop


def current_calls(shop: Shop) -> list[tuple[object, ...]]:
    return shop.query(
        "select day::varchar, agent, outcome, seconds, _line_key from raw_shop.calls where _valid_to is null"
        " order by all"
    )


def test_an_export_without_an_id_loads_and_sent_again_changes_nothing(calls: Shop) -> None:
    (loaded,) = calls.extract().loaded
    assert (loaded.rows_loaded, loaded.rows_quarantined) == (6, 0)
    first = current_calls(calls)
    keys = [str(row[-1]) for row in first]
    assert len(set(keys)) == 6
    assert sorted(key.partition("-")[2] for key in keys) == ["1", "1", "1", "1", "1", "2"]
    assert calls.extract().load_id is None

    header, *lines = CALLS.splitlines(keepends=True)
    calls.write("agent,day,outcome,seconds\n", "calls_empty.csv")
    calls.write(header + "".join(reversed(lines)), "calls.csv")
    (again,) = calls.extract().loaded
    assert (again.rows_new, again.rows_retired) == (0, 0), "the order of lines and one file more are no change"

    calls.write(header + "".join(lines[1:]) + lines[1], "calls.csv")
    (changed,) = calls.extract().loaded
    assert (changed.rows_new, changed.rows_retired) == (1, 1), "one line has gone, and a third equal one has come"
    assert len(current_calls(calls)) == 6


def test_corrected_lines_without_an_id_are_no_lost_records(calls: Shop) -> None:
    header = CALLS.splitlines()[0]
    lines = [f"2024-03-01,Ada Moss,connected,{i}\n" for i in range(100)]
    calls.write(f"{header}\n{''.join(lines)}", "calls.csv")
    calls.extract()
    corrected = [line.replace("Ada", "Eva") for line in lines[:50]] + lines[50:]
    calls.write(f"{header}\n{''.join(corrected)}", "calls.csv")
    usual = {"suspect_lost_share": 0.02, "suspect_lost_share_of_any_size": 0.2}
    (changed,) = calls.extract(**usual).loaded
    assert (changed.rows_new, changed.rows_retired) == (50, 50)
    calls.write(f"{header}\n{''.join(corrected[:70])}", "calls.csv")
    with pytest.raises(ScorecardError, match="lacks 30 of the 100 records that it had before"):
        calls.extract(**usual)


def test_a_bad_line_without_an_id_ends_no_record(calls: Shop) -> None:
    calls.extract()
    calls.write(CALLS.replace("connected,340", "connected,x"), "calls.csv")
    calls.extract()
    assert len(current_calls(calls)) == 6
    assert calls.quarantine() == [("calls", 5, 'seconds: "x" is no bigint')]


def test_an_undeclared_field_is_no_other_record(calls: Shop) -> None:
    calls.extract()
    keys = [row[-1] for row in current_calls(calls)]
    header, *lines = CALLS.splitlines()
    calls.write(f"{header},line\n" + "".join(f"{line},{i}\n" for i, line in enumerate(lines)), "calls.csv")
    calls.extract()
    assert [row[-1] for row in current_calls(calls)] == keys


def test_only_files_may_lack_an_id(tmp_path: Path) -> None:
    path = tmp_path / "_sources.yml"
    path.write_text(CALLS_YAML.replace("business_unit: Shop, currency: USD", "service: sql"))
    with pytest.raises(ScorecardError, match="line_content, which only the records of files can have"):
        read_contracts(path)


MEASURED = '''
"""Extract 3,000 records of 1,200 undeclared properties each at the default settings; print the peak in MB."""
import json, re, sys
from datetime import UTC, datetime
from pathlib import Path
from scorecard.shared.settings import Settings
from scorecard.extract import load_contracts
from scorecard.extract.contracts.contract import RecordShape
from scorecard.extract.services.service import ServicePage
from scorecard.extract.services.service_extraction import extract_service

root = Path(sys.argv[1])

class Service:
    def who(self): return "nobody"
    def shape(self, name): return RecordShape()
    def check(self, contract): pass
    def clock(self): return datetime.now(UTC)
    def pages(self, name, contracts, cursor, again):
        for page in range(30):
            records = [
                json.dumps({"id": str(page * 100 + i), "properties": {
                    "amount": "1.00", **{f"custom_property_{j}": f"value {i} {j}" for j in range(1200)},
                }}).encode() for i in range(100)
            ]
            yield ServicePage("/deals", "", sum(map(len, records)), records, cursor={"page": page})

settings = Settings(project=root, state=root / "state", services={"crm": {"business_unit": "X", "currency": "EUR"}})
result = extract_service(settings, load_contracts(settings)["crm"], Service())
print(json.dumps({
    "loaded": [table.rows_loaded for table in result.loaded], "warnings": result.warnings,
    "peak": int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024,
}))
'''
CRM_YAML = """
version: 2
sources:
  - name: crm
    schema: raw_crm
    description: A CRM.
    config: {meta: {service: hubspot}}
    tables:
      - name: deal
        description: One row per deal.
        config: {meta: {object: deals, primary_key: id}}
        columns:
          - {name: id, data_type: varchar, description: Id.}
          - {name: amount, data_type: varchar, description: Amount., config: {meta: {header: properties.amount}}}
"""
MOST_MEMORY = 1_200
"""MB: the 256 of the scratch database and of the warehouse, and what Python, dlt and Arrow take themselves."""


def test_1200_undeclared_properties_load_in_bounded_memory(tmp_path: Path) -> None:
    declared = tmp_path / "dbt_project/models/staging/crm/_sources.yml"
    declared.parent.mkdir(parents=True)
    declared.write_text(CRM_YAML)
    shutil.copy(SETTINGS_FILE, tmp_path)
    run = subprocess.run(
        [sys.executable, "-c", MEASURED, str(tmp_path)], capture_output=True, text=True, timeout=300, check=False
    )
    assert run.returncode == 0, run.stderr
    report = json.loads(run.stdout.splitlines()[-1])
    assert report["loaded"] == [3000]
    assert "1200 of them: properties.custom_property_0" in report["warnings"][0]
    assert len(report["warnings"][0]) < 600
    assert report["peak"] < MOST_MEMORY
    with duckdb.connect(str(tmp_path / "state/warehouse.duckdb"), read_only=True) as db:
        counts = db.execute(
            "select count(*), count(distinct _undeclared), min(len(json_keys(_undeclared, '$.properties')))"
            " from raw_crm.deal"
        ).fetchone()
    assert counts == (3000, 100, 1200)


def test_a_csv_of_1200_undeclared_columns_loads(shop: Shop) -> None:
    shop.yaml.write_text(DEALS_YAML)
    names = ",".join(f"Column {i}" for i in range(1200))
    row = ",".join(f"value {i}" for i in range(1200))
    rows = "".join(f"D-{i},2024-01-01,1,{row}\n" for i in range(1000))
    shop.write(f"deal_id,opened,value,{names}\n{rows}", "deals.csv")
    (deals,) = shop.extract().loaded
    assert deals.rows_loaded == 1000
    assert shop.query(
        "select count(*) from duckdb_columns() where table_name = 'deals' and schema_name = 'raw_shop'"
    ) == [(11,)]
