"""Records of services on their way into the scratch database, odd ones among them."""

from pathlib import Path

import duckdb
import pytest

from scorecard.sources.contract import Column, ObjectContract
from scorecard.sources.extract import scratch
from scorecard.sources.page import Page, Shape
from scorecard.sources.pages import Pages
from scorecard.sources.suspect import Limits

ANY = Limits("things", "Unit", 20, 1, 1, frozenset())

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
        pages = Pages(db, "o", contract, Shape())
        pages.add(Page("/things", "", len(record), [record, b'{"id": "2", "name": "good"}']))
        staged = pages.judge("raw_things", set(), ANY)
        assert staged.rows_quarantined == 0
        assert db.execute("select id, name from o_good order by id").fetchall() == [("1", name), ("2", "good")]


def test_large_records_fit_into_little_memory(contract: ObjectContract, tmp_path: Path) -> None:
    text = "x" * 20_000
    with scratch(tmp_path) as db:
        pages = Pages(db, "o", contract, Shape())
        for page in range(10):
            ids = range(page * 100, page * 100 + 100)
            pages.add(Page("/things", "", 1, [b'{"id": "%d", "name": "%s"}' % (each, text.encode()) for each in ids]))
        assert pages.bytes > 20_000_000
        assert pages.judge("raw_things", set(), ANY).rows_loaded == 1000
        assert db.execute("select count(distinct id), min(name) = ? from o_good", [text]).fetchone() == (1000, True)


@pytest.fixture
def contract() -> ObjectContract:
    columns = tuple(Column(name, "varchar", name, not_null=False) for name in ("id", "name"))
    return ObjectContract("thing", "", ("id",), False, ",", columns, Path(), object="things", merge_key=("id",))
