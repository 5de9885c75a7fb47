"""The files of one name pattern are one export: a change of one is a change of the whole."""

from pathlib import Path
from typing import Any

import pytest

from scorecard.extract import connectors, load_contracts
from scorecard.extract.contracts.contract import matching
from scorecard.shared.errors import ScorecardError

from .conftest import YAML, Shop

HEADER = "order_id,amount,ordered_on,note\n"


@pytest.fixture
def weekly(shop: Shop) -> Shop:
    """A shop whose orders come as a file a week."""
    shop.yaml.write_text(YAML.replace("file: orders.csv", 'file: "orders_*.csv"'))
    (shop.root / "data/shop/orders.csv").unlink()
    shop.write(HEADER + "A1,10,2024-01-01,first\nA2,20,2024-01-02,\n", "orders_2024-01.csv")
    shop.write("note,order_id,amount,ordered_on,channel\nsecond,B1,30,2024-01-08,web\n", "orders_2024-02.csv")
    return shop


def current(shop: Shop) -> list[tuple[Any, ...]]:
    return shop.query(
        "select order_id, amount::decimal(18, 2)::varchar, _source_file, _source_line from raw_shop.orders"
        " where _valid_to is null order by order_id"
    )


FIRST = [
    ("A1", "10.00", "shop/orders_2024-01.csv", 2),
    ("A2", "20.00", "shop/orders_2024-01.csv", 3),
    ("B1", "30.00", "shop/orders_2024-02.csv", 2),
]


def test_the_files_are_one_export(weekly: Shop) -> None:
    first = weekly.extract()
    assert current(weekly) == FIRST
    assert "channel" in first.warnings[0]
    assert weekly.query("select order_id, _undeclared from raw_shop.orders where _undeclared is not null") == [
        ("B1", '{"channel":"web"}')
    ]
    loaded = (
        "select source_file, rows_read, rows_loaded from raw_shop._loaded_files where object = 'orders' order by all"
    )
    assert weekly.query(loaded) == [("shop/orders_2024-01.csv", 2, 2), ("shop/orders_2024-02.csv", 1, 1)]
    assert weekly.extract().load_id is None, "nothing has changed"

    weekly.write(HEADER + "A1,11,2024-01-01,first\n", "orders_2024-01.csv")
    weekly.write(HEADER + "C1,40,2024-01-15,x\n", "orders_2024-03.csv")
    weekly.write("an editor's own", ".orders_2024-04.csv")
    weekly.extract()
    assert current(weekly) == [
        ("A1", "11.00", "shop/orders_2024-01.csv", 2),
        FIRST[2],
        ("C1", "40.00", "shop/orders_2024-03.csv", 2),
    ], "A2 has left its file, B1 is as it was"

    (weekly.root / "data/shop/orders_2024-03.csv").unlink()
    weekly.extract()
    assert [row[0] for row in current(weekly)] == ["A1", "B1"], "a file that is gone takes its rows along"


def test_a_record_that_two_files_tell_differently_is_in_quarantine(weekly: Shop) -> None:
    weekly.extract()
    weekly.write(
        HEADER + "B1,30,2024-01-08,other\nA2,20,2024-01-02,\nD1,x,2024-01-02,\n" + HEADER, "orders_2024-03.csv"
    )
    weekly.extract()
    assert current(weekly) == FIRST, "the last good version stays"
    rows = weekly.query(
        "select source_file, source_line, reason from raw_shop._quarantine where object = 'orders' order by all"
    )
    places = "2 of shop/orders_2024-02.csv, 2 of shop/orders_2024-03.csv"
    assert rows == [
        ("shop/orders_2024-02.csv", 2, f"the key order_id = B1 stands for records that differ, on lines {places}"),
        ("shop/orders_2024-03.csv", 2, f"the key order_id = B1 stands for records that differ, on lines {places}"),
        ("shop/orders_2024-03.csv", 3, "repeats line 3 of shop/orders_2024-01.csv"),
        ("shop/orders_2024-03.csv", 4, 'amount: "x" is no decimal(18,2)'),
        ("shop/orders_2024-03.csv", 5, "repeats the header"),
    ]


def test_one_file_that_cannot_be_used_stops_the_export(weekly: Shop, tmp_path: Path) -> None:
    weekly.extract()
    weekly.write("order_id,amount\nX,1\n", "orders_2024-03.csv")
    with pytest.raises(ScorecardError, match=r"shop/orders_2024-03\.csv lacks the columns ordered_on, note"):
        weekly.extract()
    assert current(weekly) == FIRST
    outside = tmp_path.parent / "outside.csv"
    outside.write_text(HEADER)
    (weekly.root / "data/shop/orders_2024-03.csv").unlink()
    (weekly.root / "data/shop/orders_2024-03.csv").symlink_to(outside)
    with pytest.raises(ScorecardError, match="outside of the data folder"):
        weekly.extract()


def test_no_file_at_all_is_missing(weekly: Shop) -> None:
    for path in (weekly.root / "data/shop").glob("orders_*"):
        path.unlink()
    with pytest.raises(ScorecardError, match=r"shop/orders_\*\.csv cannot be read: no file has such a name"):
        weekly.extract()
    (checked,) = connectors.check(weekly.settings, load_contracts(weekly.settings))
    assert checked.missing == ("shop/orders_*.csv is not there",)
    assert checked.reads == ("visits.csv",)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("a_*.csv", ["a_1.csv", "a_2.csv"]),
        ("a_?.csv", ["a_1.csv", "a_2.csv"]),
        ("in/*.xlsx", ["in/x.xlsx"]),
        ("[x]*", ["[x].csv"]),
        ("*.CSV", []),
    ],
)
def test_a_pattern_stands_for_names_of_one_folder(pattern: str, expected: list[str]) -> None:
    names = ["a_2.csv", "a_1.csv", "in/a_3.csv", "in/x.xlsx", "in/~$x.xlsx", "[x].csv", "x.csv.gz"]
    assert matching(names, pattern) == expected
