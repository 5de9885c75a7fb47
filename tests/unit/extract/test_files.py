"""Every fault of a CSV export ends in quarantine with its reason, or in an error with file, fault and cure."""

import io
import tracemalloc
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scorecard.extract.files import csv_files
from scorecard.extract.files.cells import snake_case
from scorecard.extract.files.read_export import read_export
from scorecard.extract.raw.validate import ValidatedTable
from scorecard.shared.errors import ScorecardError

from .conftest import ORDERS, VISITS, YAML, OpenedFile, Shop, export_file

Reader = Callable[..., tuple[ValidatedTable, list[tuple[Any, ...]], list[tuple[Any, ...]]]]


@pytest.fixture
def read(shop: Shop) -> Reader:
    """Read a text as an object's export; give the validated table, its good rows and its bad ones."""

    def read(
        text: str | bytes, name: str = "orders"
    ) -> tuple[ValidatedTable, list[tuple[Any, ...]], list[tuple[Any, ...]]]:
        data = text.encode() if isinstance(text, str) else text
        db = duckdb.connect()
        db.execute("set TimeZone = 'UTC'")
        contract = next(o for o in shop.source.objects if o.name == name)
        validated = read_export(db, "t", contract, [export_file(contract.file, data)])
        good = db.execute("select * exclude (_reason, _input) from t_good order by _line").fetchall()
        return validated, good, db.execute("select _line, _reason, _payload from t_bad order by _line").fetchall()

    return read


def test_lines_are_physical_ones(read: Reader) -> None:
    validated, good, bad = read(ORDERS + "\nA5,50,2024-01-05,after a blank line\n")
    assert [(row[0], row[1]) for row in good] == [(2, "A1"), (3, "A2"), (4, "A3"), (6, "A4"), (8, "A5")]
    assert good[2][4] == "two\nlines"
    assert good[1][4] is None
    assert (validated.rows_read, validated.rows_loaded, bad) == (5, 5, [])


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_any_line_end(read: Reader, end: str) -> None:
    _, good, _ = read(ORDERS.replace("\n", end))
    assert [row[0] for row in good] == [2, 3, 4, 6]


def test_a_bom_is_no_part_of_the_header(read: Reader) -> None:
    assert read(b"\xef\xbb\xbf" + ORDERS.encode())[0].rows_loaded == 4


def test_text_stays_as_it_is(read: Reader) -> None:
    words = ' =cmd, "quoted" {{ x }} 顧客 👩‍💻 \u202eabc '
    _, good, _ = read(f'order_id,amount,ordered_on,note\nA1,1,2024-01-01,"{words.replace(chr(34), chr(34) * 2)}"\n')
    assert good[0][4] == words


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            "order_id,amount,ordered_on,note\nA1,1,2024-01-01,caf\xe9\n".encode("latin-1"),
            "0xE9 on line 2 (byte 52)",
        ),
        ("order_id,amount,ordered_on,note\nA1,1,2024-01-01,顧客\n".encode("cp932"), "line 2"),
        (ORDERS.encode("utf-16"), "UTF-16"),
        (ORDERS.encode("utf-16-le"), "UTF-16"),
        (b"\x1f\x8b\x08\x00\xff", "0x8B on line 1"),
    ],
)
def test_another_encoding(read: Reader, data: bytes, message: str) -> None:
    with pytest.raises(ScorecardError) as error:
        read(data)
    assert message in error.value.problem
    assert "shop/orders.csv is not UTF-8" in error.value.problem
    assert "UTF-8" in error.value.cure


def test_a_wrong_byte_far_down_is_found(read: Reader) -> None:
    rows = "".join(f"A{i},1,2024-01-01,x\n" for i in range(100_000))
    with pytest.raises(ScorecardError, match="0xFF on line 100002"):
        read(b"order_id,amount,ordered_on,note\n" + rows.encode() + b"B,1,2024-01-01,\xff\n")


@pytest.mark.parametrize("data", [b"", b"\n\n", b"\xef\xbb\xbf"])
def test_an_empty_file(read: Reader, data: bytes) -> None:
    with pytest.raises(ScorecardError, match=r"shop/orders\.csv is empty"):
        read(data)


def test_a_lacking_or_renamed_column(read: Reader) -> None:
    with pytest.raises(ScorecardError) as error:
        read(ORDERS.replace("amount", "total"))
    assert error.value.problem == "shop/orders.csv lacks the column amount; it has order_id, total, ordered_on, note."
    assert "config.meta.header" in error.value.cure
    assert "staging model" in error.value.cure


def test_a_column_twice(read: Reader) -> None:
    with pytest.raises(ScorecardError, match="has the column amount more than once"):
        read(ORDERS.replace("note", "note,Amount", 1))


@pytest.mark.parametrize("text", ['A1,1,2024-01-01,"open\n', 'A1,1,2024-01-01,"a"b\n'])
def test_broken_quotes(read: Reader, text: str) -> None:
    with pytest.raises(ScorecardError, match="the record that starts on line 2"):
        read("order_id,amount,ordered_on,note\n" + text)


def test_headers_are_matched_in_any_style(read: Reader, shop: Shop) -> None:
    shop.yaml.write_text(YAML.replace("name: note,", "name: note, config: {meta: {header: 備考}},"))
    _, good, _ = read("備考,Ordered On,orderId,AMOUNT\nx,2024-01-01,A1,1\n")
    assert (good[0][1], good[0][4]) == ("A1", "x")


def test_another_delimiter(read: Reader, shop: Shop) -> None:
    shop.yaml.write_text(YAML.replace("file: orders.csv,", "file: orders.csv, delimiter: ';',"))
    assert read(ORDERS.replace(",", ";"))[0].rows_loaded == 4


def test_undeclared_columns_are_kept_as_text_in_one(read: Reader) -> None:
    validated, good, bad = read(
        "order_id,Select,予算,amount,ordered_on,note,,Select,2nd\n"
        'A1,07,9,1,2024-01-01,x,,"say ""so""",z\nA2,,,1,2024-01-01,,,,\nA3,a,,x,2024-01-01,,,,\n'
    )
    assert validated.unknown == ("Select", "予算", "column 7", "Select (column 8)", "2nd")
    assert [row[5] for row in good] == ['{"2nd":"z","Select":"07","Select (column 8)":"say \\"so\\"","予算":"9"}', None]
    assert bad[0][2] == '{"order_id":"A3","amount":"x","ordered_on":"2024-01-01","note":null,"Select":"a"}'


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("A1,NaN,2024-01-01,x", 'amount: "NaN" is no decimal(18,2)'),
        ("A1,inf,2024-01-01,x", 'amount: "inf" is no decimal(18,2)'),
        ("A1,123456789012345678901234567890,2024-01-01,x", "is larger than decimal(18,2) holds"),
        ("A1,1e300,2024-01-01,x", 'amount: "1e300" is larger than decimal(18,2) holds'),
        ('A1,"1,000.00",2024-01-01,x', 'amount: "1,000.00" is no decimal(18,2)'),
        ("A1,1e,2024-01-01,x", 'amount: "1e" is no decimal(18,2)'),
        ("A1,$5,2024-01-01,x", 'amount: "$5" is no decimal(18,2)'),
        ("A1,1,2023-02-29,x", 'ordered_on: "2023-02-29" is no date'),
        ("A1,1,01/02/2024,x", 'ordered_on: "01/02/2024" is no date'),
        ("A1,1,2024-01-01 10:00,x", 'ordered_on: "2024-01-01 10:00" is no date'),
        ("A1,1,infinity,x", 'ordered_on: "infinity" is no date'),
        ("A1,1,,x", "ordered_on: empty, but every record must have one"),
        (",1,2024-01-01,x", "order_id: empty, but every record must have one"),
        ("A1,x,y,z", 'amount: "x" is no decimal(18,2); ordered_on: "y" is no date'),
        *(
            (f"A1,1,{day},x", f'ordered_on: "{day}" is outside of the days allowed, 1900-01-01 to 2200-01-01')
            for day in ("9999-12-31", "0001-01-01", "0000-01-01", "1899-12-31", "2200-01-02")
        ),
        *(
            (f"A1,{amount},2024-01-01,x", f'amount: "{amount}" is larger than any that the warehouse reckons with')
            for amount in ("9999999999999999.99", "1000000000000000.01", "-1.000000000000001e15")
        ),
        ("A1,1,2024-01-01", "has 3 fields where the header has 4"),
        ("A1,1,2024-01-01,x,y", "has 5 fields where the header has 4"),
        ("order_id,amount,ordered_on,note", "repeats the header"),
    ],
)
def test_a_bad_order_goes_to_quarantine(read: Reader, row: str, reason: str) -> None:
    _, good, bad = read(f"order_id,amount,ordered_on,note\nA0,1,2024-01-01,fine\n{row}\n")
    assert len(good) == 1
    ((line, all_reasons, payload),) = bad
    assert line == 3
    assert reason in all_reasons
    assert payload.startswith(("{", "["))


def test_a_long_text_is_kept_whole(read: Reader) -> None:
    _, good, bad = read(f'order_id,amount,ordered_on,note\nA1,1,2024-01-01,"{"x," * 200_000}"\n')
    assert (len(good), bad) == (1, [])


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ("2024-01-02,1.5,1,2024-01-01 10:00,true", "customer"),
        ("2024-01-02,9223372036854775808,1,2024-01-01 10:00,true", "customer"),
        ("2024-01-02,1,nan,2024-01-01 10:00,true", "seconds"),
        ("2024-01-02,1,1e999,2024-01-01 10:00,true", "seconds"),
        ("2024-01-02,1,1,2024-01-01 25:00,true", "seen_at"),
        ("2024-01-02,1,1,2024-01-01T10:00:00Z,true", "seen_at"),
        ("2024-01-02,1,1,2024-01-01 10:00,maybe", "paid"),
        ("2024-01-02,1,1,9999-12-31 23:59:59,true", "seen_at"),
        ("2024-01-02,1,1,2200-01-02 00:00,true", "seen_at"),
        ("9999-12-31,1,1,2024-01-01 10:00,true", "day"),
    ],
)
def test_a_bad_visit_goes_to_quarantine(read: Reader, row: str, column: str) -> None:
    _, good, bad = read(f"{VISITS}{row}\n", "visits")
    assert len(good) == 2
    assert bad[0][1].startswith(f"{column}: ")


@pytest.mark.parametrize(
    "row",
    [
        "2024-02-29,+7,-1.5e3,2024-01-01T10:00:00.123456,False",
        "2024-02-29,7.0,.5,2024-01-01,0",
        " 2024-02-29 , 7 , 1 ,2024-01-01 10:00,yes",
        "2024-02-29,7,,,",
        "1900-01-01,7,,2200-01-01 23:59,",
    ],
)
def test_a_good_visit(read: Reader, row: str) -> None:
    _, good, bad = read(f"{VISITS}{row}\n", "visits")
    assert bad == []
    assert good[2][2] == 7


def test_the_largest_amount_and_the_last_days_are_good(read: Reader) -> None:
    _, good, bad = read(
        "order_id,amount,ordered_on,note\nA1,1000000000000000,1900-01-01,x\nA2,-999999999999999.999,2200-01-01,x\n"
    )
    assert bad == []
    assert [row[2] for row in good] == [10**15, Decimal("-999999999999999.999")]


def test_a_moment_with_a_zone_has_the_same_limits(read: Reader, shop: Shop) -> None:
    shop.yaml.write_text(YAML.replace("name: seen_at, data_type: timestamp", "name: seen_at, data_type: timestamptz"))
    _, good, bad = read(
        "day,customer,seconds,seen_at,paid\n2024-01-01,1,1,2024-01-01 10:00Z,true\n"
        "2024-01-01,2,1,9999-12-31 10:00Z,true\n",
        "visits",
    )
    assert len(good) == 1
    assert "1900-01-01 to 2200-01-01" in bad[0][1]


@pytest.mark.parametrize(
    ("spelt", "kept"),
    [
        ("1234.567", "1234.567"),
        ("66.6666666667", "66.66666667"),
        ("0.30000000000000004", "0.3"),
        ("1.39E8", "139000000"),
        ("1.0E7", "10000000"),
        ("-2.5e-3", "-0.0025"),
        ("+1e+3", "1000"),
        ("5E-9", "0"),
        ("15E-9", "0.00000002"),
        ("0.000000025", "0.00000002"),
        ("0.00000002500000000000000000000000000001", "0.00000003"),
        ("-0.000000035", "-0.00000004"),
        ("1e-300", "0"),
        ("123456789.123456785", "123456789.12345678"),
    ],
)
def test_a_number_keeps_8_decimals_however_it_is_spelt(read: Reader, spelt: str, kept: str) -> None:
    _, good, bad = read(f"order_id,amount,ordered_on,note\nA1,{spelt},2024-01-01,x\n")
    assert bad == []
    assert good[0][2] == Decimal(kept)


def test_a_contract_with_more_decimals_keeps_its_own(read: Reader, shop: Shop) -> None:
    shop.yaml.write_text(YAML.replace("decimal(18,2)", "decimal(24,12)"))
    _, good, bad = read("order_id,amount,ordered_on,note\nA1,0.1234567890125,2024-01-01,x\n")
    assert bad == []
    assert good[0][2] == Decimal("0.123456789012")


def test_a_number_that_tells_records_apart_is_taken_as_it_is(read: Reader, shop: Shop) -> None:
    shop.yaml.write_text(
        YAML.replace("name: order_id, data_type: varchar", 'name: order_id, data_type: "decimal(8,1)"')
    )
    _, good, bad = read(
        "order_id,amount,ordered_on,note\n1.5,1,2024-01-01,x\n25E-1,1,2024-01-01,x\n1.54,1,2024-01-01,x\n"
    )
    assert [row[1] for row in good] == [Decimal("1.5"), Decimal("2.5")]
    assert [reason for _, reason, _ in bad] == ['order_id: "1.54" is no decimal(8,1)']


class _Endless(io.RawIOBase):
    """A file of `size` bytes that nobody wrote: a beginning, then one byte over and over."""

    def __init__(self, beginning: bytes, byte: bytes, size: int) -> None:
        self.beginning, self.byte, self.left = beginning, byte, size

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        assert size >= 0, "all of it was asked for at once"
        size = min(size, self.left)
        data = (self.beginning[:size] + self.byte * size)[:size]
        self.beginning, self.left = self.beginning[size:], self.left - size
        return data


def _read_endless(shop: Shop, beginning: bytes, byte: bytes) -> str:
    """Read a file of 10 GB; return the error and the memory that this took."""
    opened: Any = lambda: _Endless(beginning, byte, 10 << 30)  # noqa: E731
    tracemalloc.start()
    with duckdb.connect() as db, pytest.raises(ScorecardError) as error:
        read_export(db, "t", shop.source.objects[0], [OpenedFile("shop/orders.csv", Path(), "", opened)])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200 << 20
    return error.value.problem


def test_a_line_without_end_is_refused(shop: Shop) -> None:
    assert _read_endless(shop, ORDERS.encode(), b"x") == "Line 7 of shop/orders.csv is longer than 16 MB."
    crlf = ORDERS.replace("\n", "\r\n").encode()
    assert _read_endless(shop, crlf + b'A5,1,2024-01-01,"', b"x") == "Line 7 of shop/orders.csv is longer than 16 MB."


def test_a_header_without_end_is_refused(shop: Shop) -> None:
    assert _read_endless(shop, b"order_id", b",") == "The header of shop/orders.csv is longer than 1 MB."
    assert _read_endless(shop, b"", b"\n") == "The header of shop/orders.csv is longer than 1 MB."


def test_zero_bytes_are_refused(shop: Shop, read: Reader) -> None:
    assert "it has a zero byte on line 1 (byte 1)" in _read_endless(shop, b"", b"\0")
    assert "it has a zero byte on line 7 " in _read_endless(shop, ORDERS.encode(), b"\0")
    with pytest.raises(ScorecardError, match="a zero byte on line 3 "):
        read(ORDERS.replace("A2", "A\0"))


def test_a_line_may_be_just_so_long(read: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_files, "MAX_LINE", 30_000)
    line = "A1,1,2024-01-01,".ljust(30_000, "x")
    text = f"order_id,amount,ordered_on,note\n{{}}\r\n{line}\nA3,1,2024-01-01,x\n"
    assert read(text.format(line.replace("A1", "A2")))[0].rows_loaded == 3
    with pytest.raises(ScorecardError, match=r"Line 2 of shop/orders\.csv is longer"):
        read(text.format(line + "x"))


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
@pytest.mark.parametrize("block", [1, 2, 3, 1 << 20])
def test_a_wrong_byte_is_found_wherever_blocks_end(
    read: Reader, monkeypatch: pytest.MonkeyPatch, end: str, block: int
) -> None:
    monkeypatch.setattr(csv_files, "BYTES_READ", block)
    good = ORDERS.replace("first", "顧客👩‍💻").replace("\n", end).encode()
    for wrong, message in ((b"\xff", "the byte 0xFF"), ("客".encode()[:2], "the byte 0xE5")):
        with pytest.raises(ScorecardError) as error:
            read(good + wrong)
        assert f"{message} on line 7 (byte {len(good) + 1})" in error.value.problem


@pytest.mark.parametrize("text", ["{header}\n", "order_id,amount,ordered_on,{header}\n"])
def test_a_header_is_not_echoed_whole(read: Reader, text: str) -> None:
    with pytest.raises(ScorecardError) as error:
        read(text.format(header="\x1b[31m" + "root:x:0:0 " * 5000))
    assert len(error.value.problem) < 600
    assert error.value.problem.isprintable()


def test_the_payload_is_the_record(read: Reader) -> None:
    _, _, bad = read('order_id,amount,ordered_on,note\nA1,x,2024-01-01,"say ""hi""\nthere"\n')
    assert bad[0][2] == '{"order_id":"A1","amount":"x","ordered_on":"2024-01-01","note":"say \\"hi\\"\\nthere"}'


def test_identical_repeats_leave_the_first(read: Reader) -> None:
    _, good, bad = read(ORDERS + "A1,10.50,2024-01-01,first\nA1,10.50,2024-01-01,first\n")
    assert len(good) == 4
    assert [(row[0], row[1]) for row in bad] == [(7, "repeats line 2"), (8, "repeats line 2")]


def test_records_that_contradict_each_other_are_all_kept_out(read: Reader) -> None:
    _, good, bad = read(ORDERS + "A1,11,2024-01-01,first\n")
    assert [row[1] for row in good] == ["A2", "A3", "A4"]
    assert [row[0] for row in bad] == [2, 7]
    assert bad[0][1] == "the key order_id = A1 stands for records that differ, on lines 2, 7"


def test_a_broken_record_contradicts_its_good_namesake(read: Reader) -> None:
    _, good, bad = read(ORDERS + "A1,oops,2024-01-01,first\n")
    assert [row[1] for row in good] == ["A2", "A3", "A4"]
    assert "amount" in bad[1][1]
    assert "differ" in bad[1][1]


def test_a_key_of_two_columns(read: Reader) -> None:
    _, good, bad = read(VISITS + "2024-01-01,1,9,2024-01-01 10:00:00,true\n2024-01-02,1,9,,\n", "visits")
    assert len(good) == 2
    assert [row[0] for row in bad] == [2, 4]


def test_chunks_do_not_show(read: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    text = ORDERS + "A5,1,2024-01-01\n" + "A1,10.50,2024-01-01,first\n"
    whole = read(text)[1:]
    monkeypatch.setattr(csv_files, "CHARACTERS_READ", 2)
    assert read(text)[1:] == whole


@given(st.text(max_size=30))
def test_dlt_keeps_the_names_given_to_columns(header: str) -> None:
    from dlt.common.normalizers.naming.snake_case import NamingConvention

    name = snake_case(header)
    assert name == "" or NamingConvention().normalize_identifier(name) == name
