"""Workbooks and Parquet files are validated by the same contract as CSV, and refused with the same errors."""

import io
import zipfile
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scorecard.extract.contracts.contract import ObjectContract
from scorecard.extract.files import parquet_files
from scorecard.extract.files import workbook as workbook_xml
from scorecard.extract.files.read_export import read_export
from scorecard.shared.errors import ScorecardError

from .conftest import YAML, Shop, export_file

Bad = list[tuple[int, str, str]]
Read = Callable[..., tuple[list[tuple[Any, ...]], Bad]]
HEADER = ["order_id", "amount", "ordered_on", "note"]


def contract_of(shop: Shop, name: str = "orders", file: str = "orders.xlsx", **meta: str) -> ObjectContract:
    more = "".join(f", {key}: {value}" for key, value in meta.items())
    shop.yaml.write_text(YAML.replace(f"file: {name}.csv", f"file: {file}{more}"))
    return next(contract for contract in shop.source.objects if contract.name == name)


@pytest.fixture
def read(shop: Shop) -> Read:
    """Read a file's bytes; give its good rows (line and declared columns) and its bad ones."""

    def read(content: bytes, name: str = "orders", file: str = "orders.xlsx", **meta: str) -> Any:
        contract = contract_of(shop, name, file, **meta)
        db = duckdb.connect()
        db.execute("set TimeZone = 'UTC'")
        read_export(db, "t", contract, [export_file(file, content)])
        names = ", ".join(column.name for column in contract.columns)
        good = db.execute(f"select _line, {names} from t_good order by _line").fetchall()
        return good, db.execute("select _line, _reason, _payload from t_bad order by _line").fetchall()

    return read


def workbook(*rows: list[Any], change: Callable[[Any], None] = lambda sheet: None) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    change(sheet)
    book.create_sheet("Second").append(HEADER)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def test_a_sheet_that_nobody_sees_is_not_the_first(read: Read) -> None:
    hidden = openpyxl.load_workbook(io.BytesIO(workbook(["not", "these"])))
    hidden.worksheets[0].sheet_state = "hidden"
    hidden.active = 1
    target = io.BytesIO()
    hidden.save(target)
    good, bad = read(target.getvalue())
    assert (good, bad) == ([], []), "the second has the header alone"


def parquet(**columns: Any) -> bytes:
    target = io.BytesIO()
    pq.write_table(pa.table(columns), target)
    return target.getvalue()


def test_a_sheet_is_read_as_a_person_sees_it(read: Read) -> None:
    good, bad = read(
        workbook(
            [],
            HEADER,
            ["A1", 0.1 + 0.2, date(2024, 2, 29), "<b>&amp; 顧客</b>"],
            [],
            ["007", 1234567.1, datetime(2024, 3, 10), True],
            [12, 5, "2024-03-11", 123456789012345],
            ["A4", None, date(1900, 1, 1), time(10, 30)],
            ["A5", "7.50", date(2024, 1, 1), timedelta(hours=30, minutes=5)],
        )
    )
    assert good == [
        (3, "A1", Decimal("0.30"), date(2024, 2, 29), "<b>&amp; 顧客</b>"),
        (5, "007", Decimal("1234567.10"), date(2024, 3, 10), "true"),
        (6, "12", Decimal("5.00"), date(2024, 3, 11), "123456789012345"),
        (7, "A4", None, date(1900, 1, 1), "10:30:00"),
        (8, "A5", Decimal("7.50"), date(2024, 1, 1), "30:05:00"),
    ]
    assert bad == []


def test_moments_numbers_and_truths_have_their_types(read: Read) -> None:
    rows = [
        ["day", "customer", "seconds", "seen_at", "paid"],
        [date(2024, 1, 1), 7, 1e-7, datetime(2024, 3, 10, 2, 30, 59, 123000), False],
        [date(2024, 1, 2), 8, 2, datetime(2024, 1, 1), True],
        [date(2024, 1, 3), 2**60, 2, None, None],
        [datetime(2024, 1, 4, 12), 9, 2, None, None],
    ]
    good, bad = read(workbook(*rows), "visits", "visits.xlsx")
    assert good == [
        (2, date(2024, 1, 1), 7, 1e-7, datetime(2024, 3, 10, 2, 30, 59, 123000), False),
        (3, date(2024, 1, 2), 8, 2.0, datetime(2024, 1, 1), True),
    ]
    assert [(line, reason.partition(" is")[0]) for line, reason, _ in bad] == [
        (4, 'customer: "1.15292150460685e+18"'),
        (5, 'day: "2024-01-04 12:00:00"'),
    ]


def test_what_a_cell_does_not_say_goes_to_quarantine(read: Read) -> None:
    def change(sheet: Any) -> None:
        sheet["B3"] = "#N/A"
        sheet["B4"] = "=1+1"
        sheet.merge_cells("D5:D6")
        sheet["F7"] = "a remark"

    rows = [[f"A{i}", i, date(2024, 1, i), "x"] for i in range(1, 8)]
    good, bad = read(workbook(HEADER, *rows, change=change))
    assert [(line, reason) for line, reason, _ in bad] == [
        (3, "the cell B3 is an error (#N/A)"),
        (4, "the cell B4 is a formula that was never calculated"),
        (5, "has merged cells, of which only the first holds the value"),
        (6, "has merged cells, of which only the first holds the value"),
        (7, "has values right of the 4 columns of the header"),
    ]
    assert [row[0] for row in good] == [2, 8]
    assert bad[0][2] == '{"A3": "A2", "B3": "#N/A", "C3": "2024-01-02", "D3": "x"}'
    assert bad[2][2] == '{"order_id":"A4","amount":"4","ordered_on":"2024-01-04","note":"x"}'


def test_a_formulas_result_is_its_value(read: Read) -> None:
    content = workbook(HEADER, ["A1", 1, date(2024, 1, 1), "x"], ["A2", 1, date(2024, 1, 1), "x"])
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet = parts["xl/worksheets/sheet1.xml"]
    sheet = sheet.replace(b'<c r="B2" t="n"><v>1</v></c>', b'<c r="B2"><f>SUM(C2:C9)</f><v>3.3000000000000003</v></c>')
    sheet = sheet.replace(
        b'<c r="D3" t="inlineStr"><is><t>x</t></is></c>', b'<c r="D3" t="str"><f>IF(TRUE,"")</f><v></v></c>'
    )
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, part in {**parts, "xl/worksheets/sheet1.xml": sheet}.items():
            archive.writestr(name, part)
    good, bad = read(target.getvalue())
    assert [(row[0], row[2], row[4]) for row in good] == [(2, Decimal("3.30"), "x"), (3, Decimal("1.00"), None)]
    assert bad == []


def test_the_contract_names_the_sheet(read: Read) -> None:
    content = workbook(["nothing of use"])
    assert read(content, sheet="Second") == ([], [])
    with pytest.raises(ScorecardError, match="has no sheet Third; it has Sheet, Second") as error:
        read(content, sheet="Third")
    assert "config.meta.sheet" in error.value.cure


def test_parquet_values_are_exact(read: Read) -> None:
    day = pa.array([date(2024, 2, 29), None, date(2024, 1, 1)])
    good, bad = read(
        parquet(
            order_id=["A1", "A2", "A3"],
            amount=pa.array([Decimal("123456789012.105"), Decimal("1e20"), None], pa.decimal128(38, 3)),
            ordered_on=day,
            note=pa.array(["<b>", "x", 'it\'s "x"\n']).dictionary_encode(),
        ),
        file="orders.parquet",
    )
    assert good == [
        (1, "A1", Decimal("123456789012.105"), date(2024, 2, 29), "<b>"),
        (3, "A3", None, date(2024, 1, 1), 'it\'s "x"\n'),
    ]
    ((line, reason, _),) = bad
    assert line == 2
    assert 'amount: "100000000000000000000.000" is larger than decimal(18,2) holds' in reason
    assert "ordered_on: empty" in reason


def test_parquet_keeps_what_is_typed(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_files, "BATCH_ROWS", 1)
    good, bad = read(
        parquet(
            day=[date(2024, 1, 1)] * 3,
            customer=pa.array([1, 2**63 - 1, 3], pa.uint64()),
            seconds=[0.1, 1e-300, None],
            seen_at=pa.array([0, 1, 1_001], pa.timestamp("ns")),
            paid=[True, False, None],
        ),
        "visits",
        "visits.parquet",
    )
    assert good == [(1, date(2024, 1, 1), 1, 0.1, datetime(1970, 1, 1), True)]
    assert [line for line, _, _ in bad] == [2, 3], "a nanosecond is no moment that the warehouse can hold"


def test_nested_and_undeclared_columns_are_kept_as_text(shop: Shop) -> None:
    contract = contract_of(shop, file="orders.parquet")
    content = parquet(order_id=["A"], amount=[1], ordered_on=[date(2024, 1, 1)], note=["x"], tags=[[{"a": 1.5}]])
    db = duckdb.connect()
    validated = read_export(db, "t", contract, [export_file("orders.parquet", content)])
    assert validated.unknown == ("tags",)
    assert db.execute("select _undeclared->>'tags' from t_good").fetchall() == [('[{"a":1.5}]',)]


ROW: dict[str, Any] = {"order_id": ["A"], "amount": [1], "ordered_on": [date(2024, 1, 1)], "note": ["x"]}


def twice() -> bytes:
    target = io.BytesIO()
    arrays = [pa.array(value) for value in (*ROW.values(), ["A"])]
    pq.write_table(pa.Table.from_arrays(arrays, [*ROW, "Order ID"]), target)
    return target.getvalue()


SHEET = workbook(HEADER, *[[f"A{i}", i, date(2024, 1, 1), "x" * 50] for i in range(100)])
PARQUET = parquet(**ROW)


@pytest.mark.parametrize(
    ("content", "file", "message"),
    [
        (b"", "orders.xlsx", "is empty: it has not even a header"),
        (b"", "orders.parquet", "is empty: it has not even a header"),
        (SHEET[: len(SHEET) // 2], "orders.xlsx", "cannot be read as an Excel workbook"),
        (b"order_id,amount\n", "orders.xlsx", "cannot be read as an Excel workbook"),
        (b"\xd0\xcf\x11\xe0 and more", "orders.xlsx", "it has a password, or it is in the format of Excel 97"),
        (PARQUET[: len(PARQUET) // 2], "orders.parquet", "cannot be read as Parquet"),
        (PARQUET[:4] + bytes(200) + PARQUET[204:], "orders.parquet", "cannot be read as Parquet"),
        (SHEET, "orders.parquet", "cannot be read as Parquet"),
        (workbook(), "orders.xlsx", "is empty: it has not even a header"),
        (workbook(["order_id", "amount", "note"]), "orders.xlsx", "lacks the column ordered_on; it has order_id"),
        (parquet(order_id=["A"]), "orders.parquet", "lacks the columns amount, ordered_on, note"),
        (workbook([*HEADER, "Order ID"]), "orders.xlsx", "has the column order_id more than once"),
        (twice(), "orders.parquet", "has the column order_id more than once"),
        (parquet(**{**ROW, "note": [b"x"]}), "orders.parquet", "The column note of shop/orders.parquet is binary"),
    ],
    # A workbook has the time in it, so that its bytes are no name of a test.
    ids=lambda value: value if isinstance(value, str) else "bytes",
)
def test_a_file_that_cannot_be_used_is_refused(read: Read, content: bytes, file: str, message: str) -> None:
    with pytest.raises(ScorecardError) as error:
        read(content, file=file)
    assert message in error.value.problem
    assert file in error.value.problem
    assert error.value.cure


def test_a_workbook_may_not_unpack_to_more_than_memory_holds(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook_xml, "MAX_PART_BYTES", 3_000)
    with pytest.raises(ScorecardError, match="once it is unpacked"):
        read(SHEET)


@pytest.mark.parametrize(("rows", "stops"), [(19, False), (20, True)])
def test_a_column_of_another_type_stops_its_export(read: Read, shop: Shop, rows: int, stops: bool) -> None:
    content = parquet(
        order_id=[f"A{i}" for i in range(rows)],
        amount=["about ten"] * rows,
        ordered_on=[date(2024, 1, 1)] * rows,
        note=["x"] * rows,
    )
    if not stops:
        assert len(read(content, file="orders.parquet")[1]) == rows
        return
    with pytest.raises(ScorecardError, match=r"The column amount of orders holds no decimal\(18,2\) any more") as error:
        read(content, file="orders.parquet")
    assert "staging model of orders" in error.value.cure
