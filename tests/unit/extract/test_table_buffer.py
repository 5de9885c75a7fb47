"""Records of services on their way into the scratch database, odd ones among them."""

from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from scorecard.extract.contracts.contract import Column, ObjectContract, RecordShape
from scorecard.extract.raw.extraction import scratch_database
from scorecard.extract.raw.raw_tables import RawTables
from scorecard.extract.raw.suspect import LossLimits
from scorecard.extract.services.service import ServicePage
from scorecard.extract.services.table_buffer import TableBuffer
from scorecard.extract.services.validate_records import validate_records

EMPTY = RawTables("raw_things", {})
ANY = LossLimits("things", "Unit", 20, 1, 1, frozenset())

ODD = {
    "no letter": (b'{"id": "1", "name": "a\xffb"}', "a\ufffdb"),
    "five thousand digits": (b'{"id": "1", "name": ' + b"7" * 5000 + b"}", "7" * 5000),
    "a number of 20 digits": (b'{"id": "1", "name": 12345678901234567890}', "12345678901234567890"),
    "a nul": (rb'{"id": "1", "name": "a\u0000b"}', "a\x00b"),
    "deep": (b'{"id": "1", "name": "x", "more": ' + b"[" * 500 + b"]" * 500 + b"}", "x"),
}


@pytest.mark.parametrize("odd", ODD)
def test_what_is_no_letter_is_shown_as_such(contract: ObjectContract, odd: str) -> None:
    record, name = ODD[odd]
    with duckdb.connect() as db:
        buffer = TableBuffer(db, "o", contract, RecordShape())
        buffer.add(ServicePage("/things", "", len(record), [record, b'{"id": "2", "name": "good"}']))
        validated = validate_records(buffer, EMPTY, ANY)
        assert validated.rows_quarantined == 0
        assert db.execute("select id, name from o_good order by id").fetchall() == [("1", name), ("2", "good")]


def test_large_records_fit_into_little_memory(contract: ObjectContract, tmp_path: Path) -> None:
    text, record = "x" * 20_000, b'{"id": "%d", "name": "%s"}'
    with scratch_database(tmp_path) as db:
        buffer = TableBuffer(db, "o", contract, RecordShape())
        for page in range(10):
            ids = range(page * 100, page * 100 + 100)
            buffer.add(ServicePage("/things", "", 1, [record % (number, text.encode()) for number in ids]))
        assert buffer.size_bytes > 20_000_000
        assert validate_records(buffer, EMPTY, ANY).rows_loaded == 1000
        assert db.execute("select count(distinct id), min(name) = ? from o_good", [text]).fetchone() == (1000, True)


A, B = b'{"id": "1", "name": "a", "at": "2024-01-01"}', b'{"id": "1", "name": "b", "at": "2024-01-01"}'
LATER = b'{"id": "1", "name": "b", "at": "2024-01-02"}'

VERSIONS: dict[str, tuple[list[list[bytes]], RecordShape, list[str], int]] = {
    "two in one response": ([[A, B]], RecordShape(), [], 2),
    "equal ones in one response": ([[A, A]], RecordShape(), ["a"], 0),
    "two responses": ([[A], [B]], RecordShape(), ["b"], 0),
    "two times of change in one response": ([[LATER, A]], RecordShape(modified="at"), ["b"], 0),
    "one time of change in one response": ([[A, B]], RecordShape(modified="at"), [], 2),
    "two responses of one moment": ([[A], [B]], RecordShape(one_moment=True), [], 2),
    "equal ones of one moment": ([[A], [A]], RecordShape(one_moment=True), ["a"], 1),
}


@pytest.mark.parametrize("case", VERSIONS)
def test_a_key_says_two_things_only_at_one_moment(contract: ObjectContract, case: str) -> None:
    responses, shape, names, bad = VERSIONS[case]
    with duckdb.connect() as db:
        buffer = TableBuffer(db, "o", contract, shape)
        for records in responses:
            buffer.add(ServicePage("/things", "", 1, records))
        validated = validate_records(buffer, EMPTY, ANY)
        assert [name for (name,) in db.execute("select name from o_good").fetchall()] == names
        assert (validated.rows_read, validated.rows_loaded, validated.rows_quarantined) == (2, len(names), bad)


def test_of_a_list_the_entry_that_is_bad_goes_to_quarantine_alone(contract: ObjectContract) -> None:
    columns = (*contract.columns[:1], Column("name", "bigint", "name", not_null=False))
    entries = replace(contract, columns=columns, each="lines", merge_key=("id",))
    record = b'{"lines": [{"id": "1", "name": 1}, {"id": "2", "name": "two"}, {"id": "3", "name": 3}]}'
    with duckdb.connect() as db:
        buffer = TableBuffer(db, "o", entries, RecordShape())
        buffer.add(ServicePage("/things", "", len(record), [record]))
        validated = validate_records(buffer, EMPTY, ANY)
        assert (validated.rows_read, validated.rows_loaded, validated.rows_quarantined) == (3, 2, 1)
        assert db.execute("select _payload->>'name', _reason from o_bad").fetchall() == [
            ("two", 'name: "two" is no bigint')
        ]


def test_of_a_record_that_was_read_twice_the_later_entries_count_all_of_them(contract: ObjectContract) -> None:
    parent = Column("parent", "varchar", "_parent.id", not_null=False)
    entries = replace(contract, columns=(*contract.columns, parent), each="lines", merge_key=("parent",))
    first = b'{"id": "P", "lines": [{"id": "1", "name": "a"}, {"id": "2", "name": "b"}, {"id": "3", "name": "c"}]}'
    second = b'{"id": "P", "lines": [{"id": "2", "name": "d"}, {"id": "4", "name": "e"}]}'
    for records, names in (([first], ["a", "b", "c"]), ([first, second], ["d", "e"])):
        with duckdb.connect() as db:
            buffer = TableBuffer(db, "o", entries, RecordShape())
            for record in records:
                buffer.add(ServicePage("/things", "", len(record), [record]))
            assert validate_records(buffer, EMPTY, ANY).rows_loaded == len(names)
            assert [name for (name,) in db.execute("select name from o_good order by id").fetchall()] == names


@pytest.fixture
def contract() -> ObjectContract:
    columns = tuple(
        Column(name, "varchar", name, not_null=False, optional=name == "at") for name in ("id", "name", "at")
    )
    return ObjectContract("thing", "", ("id",), False, ",", columns, Path(), object="things", merge_key=("id",))
