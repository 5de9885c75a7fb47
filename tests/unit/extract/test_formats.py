"""Values in the formats of other countries are read as the contract says, and never as another value."""

import io
import re
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scorecard.extract.contracts.contract import Column, ObjectContract
from scorecard.extract.contracts.declared_contracts import read_contracts
from scorecard.extract.contracts.value_formats import ValueFormats
from scorecard.extract.files.read_export import read_export
from scorecard.extract.raw.validate import faults, typed
from scorecard.shared.errors import ScorecardError
from tests.conftest import PROJECT

from .conftest import YAML, Shop, export_file, shop_of, table

COLUMNS = {
    "deal_id": "varchar",
    "owner": "varchar",
    "account": "varchar",
    "status": "varchar",
    "opened": "date",
    "closed": "date",
    "value": "decimal(18,2)",
}


def declare(shop: Shop, meta: str, headers: str = "", file: str = "deals.csv") -> None:
    """Declare one table of deals, with more of config.meta, and the headers of its columns in their order."""
    meta = f"file: {file}, primary_key: deal_id{meta}"
    shop.yaml.write_text(shop_of(table("deals", meta, COLUMNS, headers.split(",") if headers else ())))


def read_deals(shop: Shop, data: bytes, file: str = "deals.csv") -> tuple[list[Any], list[Any]]:
    (contract,) = shop.source.objects
    with duckdb.connect() as db:
        db.execute("set TimeZone = 'UTC'")
        read_export(db, "t", contract, [export_file(file, data)])
        good = db.execute(f"select {', '.join(COLUMNS)} from t_good order by _line").fetchall()
        return good, db.execute("select _line, _reason from t_bad order by _line").fetchall()


GERMAN = """Nr;Vertreter;Kunde;Status;Angelegt;Abgeschlossen;Wert
D-001;Ben Ruiz;Müller & Söhne;open;26.04.2024;;k. A.
D-002;Cleo Tan;Müller & Söhne;won;31.05.2024;29.06.2024;3.850,00
D-003;Ada Moss;"Müller; Söhne";won;1.6.2024;29.06.2024;-1.003.850,5
D-004;Ada Moss;Müller & Söhne;won;31.02.2024;29.06.2024;12,00
D-005;Ada Moss;Müller & Söhne;won;01.02.2024;29.06.2024;12.00
D-006;Ada Moss;Müller & Söhne;won;2024-02-01;29.06.2024;12,00
"""
GERMAN_META = (
    ", encoding: windows-1252, delimiter: ';', date_format: '%d.%m.%Y', decimal_separator: ',',"
    " thousands_separator: '.', null_values: [k. A.]"
)
JAPANESE_META = (
    ", encoding: shift_jis, skip_rows: 1, date_format: '%Y/%m/%d', thousands_separator: ',', null_values: ['NULL']"
)
JAPANESE = """案件一覧
案件番号,担当者,顧客,状態,開始日,完了日,金額
D-001,Ben Ruiz,株式会社山田,open,2024/04/26,,NULL
D-002,Cleo Tan,株式会社山田,won,2024/05/31,2024/06/29,"385,000"
D-003,Cleo Tan,株式会社能,won,2024/05/31,2024/06/31,"385,000"
"""


def test_what_a_german_excel_writes(shop: Shop) -> None:
    declare(shop, GERMAN_META, "Nr,Vertreter,Kunde,Status,Angelegt,Abgeschlossen,Wert")
    good, bad = read_deals(shop, GERMAN.encode("cp1252"))
    assert good == [
        ("D-001", "Ben Ruiz", "Müller & Söhne", "open", date(2024, 4, 26), None, None),
        ("D-002", "Cleo Tan", "Müller & Söhne", "won", date(2024, 5, 31), date(2024, 6, 29), Decimal("3850.00")),
        ("D-003", "Ada Moss", "Müller; Söhne", "won", date(2024, 6, 1), date(2024, 6, 29), Decimal("-1003850.50")),
    ]
    assert bad == [
        (5, 'opened: "31.02.2024" is no date (%d.%m.%Y)'),
        (6, 'value: "12.00" is no decimal(18,2)'),
        (7, 'opened: "2024-02-01" is no date (%d.%m.%Y)'),
    ]


def test_what_a_japanese_excel_writes(shop: Shop) -> None:
    meta = (
        ", encoding: shift_jis, skip_rows: 1, date_format: '%Y/%m/%d', thousands_separator: ',', null_values: ['NULL']"
    )
    declare(shop, meta, "案件番号,担当者,顧客,状態,開始日,完了日,金額")
    good, bad = read_deals(shop, JAPANESE.replace("\n", "\r\n").encode("cp932"))
    assert good == [
        ("D-001", "Ben Ruiz", "株式会社山田", "open", date(2024, 4, 26), None, None),
        ("D-002", "Cleo Tan", "株式会社山田", "won", date(2024, 5, 31), date(2024, 6, 29), Decimal("385000.00")),
    ]
    assert bad == [(5, 'closed: "2024/06/31" is no date (%Y/%m/%d)')]


def test_what_a_portuguese_excel_writes_as_unicode_text(shop: Shop) -> None:
    numbers = 'decimal_separator: ",", thousands_separator: " "'
    declare(shop, f', encoding: utf-16, delimiter: "\\t", date_format: "%d/%m/%Y", {numbers}')
    row = ["D-1", "João", "Água", "won", "31/12/2023", "01/02/2024", "1\xa0234,5"]
    good, bad = read_deals(shop, "".join("\t".join(cells) + "\n" for cells in (COLUMNS, row)).encode("utf-16"))
    assert (good, bad) == (
        [("D-1", "João", "Água", "won", date(2023, 12, 31), date(2024, 2, 1), Decimal("1234.50"))],
        [],
    )


def test_one_bad_cell_takes_one_row(shop: Shop) -> None:
    """31 February and "n. v.": the others load, and what is wrong is named with column and line."""
    declare(shop, "")
    rows = "D-001,a,b,won,2024-05-31,2024-06-29,3850.00\nD-004,a,b,won,2024-02-31,2024-08-12,8221.00\n"
    good, bad = read_deals(shop, f"{','.join(COLUMNS)}\n{rows}D-006,a,b,won,2024-01-17,2024-01-26,n. v.\n".encode())
    assert [row[0] for row in good] == ["D-001"]
    assert bad == [(3, 'opened: "2024-02-31" is no date'), (4, 'value: "n. v." is no decimal(18,2)')]


def value(text: str, data_type: str, own_format: str = "", **formats: Any) -> tuple[Any, str | None]:
    """Judge one cell: its value as text, and what is wrong with it."""
    column = Column("x", data_type, "x", not_null=False, date_format=own_format)
    contract = ObjectContract("t", "t.csv", ("x",), True, ",", (column,), None, formats=ValueFormats(**formats))
    with duckdb.connect() as db:
        db.execute("set TimeZone = 'UTC'")
        validated = f"select *, {faults(contract)} as fault from (select *, {typed(contract)} from (select ? as _c0))"
        query = f"select x::varchar, fault from ({validated})"
        return db.execute(query, [text]).fetchall()[0]


SWISS = {"thousands_separator": "'"}
GERMAN_NUMBERS = {"decimal_separator": ",", "thousands_separator": "."}


@pytest.mark.parametrize(
    ("text", "data_type", "formats", "number"),
    [
        ("1.234,50", "decimal(18,2)", GERMAN_NUMBERS, "1234.50"),
        ("1234,5", "decimal(18,2)", GERMAN_NUMBERS, "1234.50"),
        ("1.234", "decimal(18,2)", GERMAN_NUMBERS, "1234.00"),
        ("-12.345.678", "bigint", GERMAN_NUMBERS, "-12345678"),
        (",5", "decimal(18,2)", GERMAN_NUMBERS, "0.50"),
        ("1234.50", "decimal(18,2)", GERMAN_NUMBERS, None),
        ("1.23,50", "decimal(18,2)", GERMAN_NUMBERS, None),
        ("1.2345", "decimal(18,2)", GERMAN_NUMBERS, None),
        ("1234.567,00", "decimal(18,2)", GERMAN_NUMBERS, None),
        ("1,234.50", "decimal(18,2)", GERMAN_NUMBERS, None),
        ("1,5", "decimal(18,2)", {}, None),
        ("1.5", "decimal(18,2)", {"decimal_separator": ","}, None),
        ("1'234.50", "decimal(18,2)", SWISS, "1234.50"),
        ("1’234.50", "decimal(18,2)", SWISS, "1234.50"),
        ("1 234", "bigint", {"thousands_separator": " "}, "1234"),
        ("1\u202f234", "bigint", {"thousands_separator": " "}, "1234"),
        ("12,34,567", "bigint", {"thousands_separator": ","}, "1234567"),
        ("1,5e3", "double", {"decimal_separator": ","}, "1500.0"),
        ("", "bigint", GERMAN_NUMBERS, None),
        (".", "bigint", GERMAN_NUMBERS, None),
    ],
)
def test_numbers_are_read_as_declared(text: str, data_type: str, formats: dict[str, Any], number: str | None) -> None:
    read, fault = value(text, data_type, **formats)
    assert (read and Decimal(read)) == (number and Decimal(number))
    assert (fault is None) == (number is not None)


@pytest.mark.parametrize(
    ("text", "data_type", "date_format", "day"),
    [
        ("31.12.2024", "date", "%d.%m.%Y", "2024-12-31"),
        ("31.12.2024 00:00:00", "date", "%d.%m.%Y %H:%M:%S", "2024-12-31"),
        ("31.12.2024 10:00:00", "date", "%d.%m.%Y %H:%M:%S", None),
        ("31.12.24", "date", "%d.%m.%y", "2024-12-31"),
        ("31.12.24", "date", "%d.%m.%Y", None),
        ("12/31/2024", "date", "%m/%d/%Y", "2024-12-31"),
        ("31/12/2024", "date", "%m/%d/%Y", None),
        ("20241231", "date", "%Y%m%d", "2024-12-31"),
        ("2024123", "date", "%Y%m%d", None),
        ("infinity", "date", "%d.%m.%Y", None),
        ("epoch", "date", "%d.%m.%Y", None),
        ("31.12.9999", "date", "%d.%m.%Y", "9999-12-31"),
        ("2024年12月31日", "date", "%Y年%m月%d日", "2024-12-31"),
        ("31-Dec-2024", "date", "%d-%b-%Y", "2024-12-31"),
        ("31.12.2024 10:05", "timestamp", "%d.%m.%Y %H:%M", "2024-12-31 10:05:00"),
        ("31.12.2024", "timestamp", "%d.%m.%Y %H:%M", None),
        ("31.12.2024 10:05 +0100", "timestamptz", "%d.%m.%Y %H:%M %z", "2024-12-31 09:05:00+00"),
        ("31.12.2024 10:05 Z", "timestamptz", "%d.%m.%Y %H:%M %z", "2024-12-31 10:05:00+00"),
        ("31.12.2024 10:05 +14:30", "timestamptz", "%d.%m.%Y %H:%M %z", None),
        ("1735639500", "timestamptz", "epoch", "2024-12-31 10:05:00+00"),
        ("1735639500", "bigint", "epoch", "1735639500"),
        ("99999999999999999", "bigint", "epoch", None),
        ("99999999999999999", "timestamptz", "epoch", None),
        ("1.5", "bigint", "epoch", None),
    ],
)
def test_days_and_moments_are_read_as_declared(text: str, data_type: str, date_format: str, day: str | None) -> None:
    read, fault = value(text, data_type, date_format)
    assert read == day
    assert (fault is None) == (day is not None and day < "9999")


def test_seconds_far_from_any_day_allowed_go_to_quarantine() -> None:
    assert value("9000000000", "bigint", "epoch")[1] == (
        'x: "9000000000" is outside of the days allowed, 1900-01-01 to 2200-01-01'
    )


@pytest.mark.parametrize(
    ("text", "read"),
    [("31.12.2024", True), ("31.12.2024 10:05", True), ("31.12.2024 10:05:06", True), ("31.12.2024 25:00", False)],
)
def test_the_days_of_a_table_are_those_of_its_moments(text: str, read: bool) -> None:
    assert (value(text, "timestamp", date_format="%d.%m.%Y")[1] is None) == read


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("2024-03-31T00:00:00Z", "2024-03-31 00:00:00+00"),
        ("2024-03-31T00:00:00+14:00", "2024-03-30 10:00:00+00"),
        ("2024-03-31T00:00:00-12:00", "2024-03-31 12:00:00+00"),
        ("2024-03-31T01:30:00+01:00", "2024-03-31 00:30:00+00"),
        ("2024-03-31T01:30:00-14", "2024-03-31 15:30:00+00"),
        ("2024-03-31T00:00:00+99:00", None),
        ("2024-03-31T00:00:00+14:30", None),
        ("2024-03-31T00:00:00+15", None),
        ("2024-03-31T00:00:00-10:60", None),
    ],
)
def test_no_place_on_earth_is_beyond_14_hours_of_utc(text: str, read: str | None) -> None:
    moment, fault = value(text, "timestamptz")
    assert (moment, fault is None) == (read, read is not None)


def test_cells_of_parquet_are_what_they_are_and_texts_what_the_contract_says(shop: Shop) -> None:
    declare(shop, GERMAN_META, file="deals.parquet")
    target = io.BytesIO()
    typed_row = {"opened": date(2024, 1, 31), "value": Decimal("1234.50")}
    row = {name: typed_row.get(name, "x") for name in COLUMNS} | {"closed": "29.06.2024"}
    pq.write_table(pa.table({name: [value] for name, value in row.items()}), target)
    good, bad = read_deals(shop, target.getvalue(), "deals.parquet")
    assert (good[0][4:], bad) == ((date(2024, 1, 31), date(2024, 6, 29), Decimal("1234.50")), [])


def test_texts_that_stand_for_no_value_are_none_in_undeclared_columns_either(shop: Shop) -> None:
    declare(shop, ", null_values: ['NULL', '-']")
    header = ",".join([*COLUMNS, "more", "other"])
    shop.write(f"{header}\nD-1,NULL, - ,x,,,,NULL,y\n", "deals.csv")
    shop.extract()
    assert shop.query("select owner, account, status, _undeclared from raw_shop.deals") == [
        (None, None, "x", '{"other":"y"}')
    ]


@pytest.mark.parametrize(
    ("encoding", "data", "message"),
    [
        ("windows-1252", b"\xef\xbb\xbfdeal_id", "is not cp1252: it begins as a file in UTF-8 does"),
        ("windows-1252", b"deal_id,owner\nD-1,caf\x81\n", "is not cp1252: it has the byte 0x81 on line 2 (byte 22)"),
        ("shift_jis", "deal_id,顧".encode("cp932") + b"\x81\n", "is not cp932: it has the byte 0x81 on line 1"),
        ("utf-8", "deal_id,Müller\n".encode("cp1252"), "is not UTF-8: it has the byte 0xFC on line 1 (byte 10)"),
        ("windows-1252", b"deal_id\0", "has a zero byte on line 1"),
    ],
)
def test_another_encoding_than_declared_is_named(shop: Shop, encoding: str, data: bytes, message: str) -> None:
    declare(shop, f", encoding: {encoding}")
    with pytest.raises(ScorecardError) as error:
        read_deals(shop, data)
    assert message in error.value.problem
    assert "config.meta.encoding" in error.value.cure


@pytest.mark.parametrize(
    ("meta", "message"),
    [
        ("date_format: dd.mm.yyyy", "date_format 'dd.mm.yyyy'"),
        ("date_format: '%d.%m'", "31.12.2024 is written %d.%m.%Y"),
        ("date_format: '%d.%m.%Q'", "date_format '%d.%m.%Q'"),
        ("decimal_separator: ;", "decimal_separator ';'"),
        ("decimal_separator: ',', thousands_separator: ','", "it is the decimal_separator, too"),
        ("thousands_separator: '_'", "thousands_separator '_'"),
        ("null_values: [0]", "put each in quotation marks"),
        ("encoding: klingon", "no encoding of texts is called so"),
        ("encoding: base64", "no encoding of texts is called so"),
        ("skip_rows: -1", "skip_rows -1"),
        ("skip_rows: true", "skip_rows True"),
    ],
)
def test_a_format_that_cannot_be_used_is_refused(shop: Shop, meta: str, message: str) -> None:
    shop.yaml.write_text(YAML.replace("file: orders.csv,", f"file: orders.csv, {meta},"))
    with pytest.raises(ScorecardError, match=r"_sources\.yml") as error:
        read_contracts(shop.yaml)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("data_type", "date_format"),
    [("timestamptz", "%d.%m.%Y %H:%M"), ("date", "%d.%m.%Y %z"), ("varchar", "%d.%m.%Y"), ("date", "epoch")],
)
def test_a_date_format_fits_its_column(shop: Shop, data_type: str, date_format: str) -> None:
    meta = f"config: {{meta: {{date_format: '{date_format}'}}}}"
    shop.yaml.write_text(
        YAML.replace("name: note, data_type: varchar,", f"name: note, data_type: {data_type}, {meta},")
    )
    with pytest.raises(ScorecardError, match=r"config\.meta of the column note .* has the date_format"):
        read_contracts(shop.yaml)


def test_formats_change_the_fingerprint_only_where_they_are_declared(shop: Shop) -> None:
    before = shop.source.objects[0].fingerprint
    seen = {before}
    for meta in (
        "date_format: '%d.%m.%Y'",
        "decimal_separator: ','",
        "null_values: [x]",
        "encoding: cp932",
        "skip_rows: 2",
    ):
        shop.yaml.write_text(YAML.replace("file: orders.csv,", f"file: orders.csv, {meta},"))
        seen.add(shop.source.objects[0].fingerprint)
    assert len(seen) == 6
    shop.yaml.write_text(YAML.replace("file: orders.csv,", "file: orders.csv, encoding: utf-8, null_values: [],"))
    assert shop.source.objects[0].fingerprint == before


def test_no_staging_model_parses_a_date() -> None:
    """A day that can't be cast there stops the build of all units; the contract is where it is parsed."""
    cast = r"(?<!try_)cast\(\s*(?!null)|(?<!null)::\s*(date|time|timestamp|timestamptz)\b"
    parses = re.compile(rf"strptime\(|{cast}", re.IGNORECASE)
    models = sorted((PROJECT / "dbt_project/models").glob("*/*/*__*.sql"))
    assert len(models) > 5
    assert [path.name for path in models if parses.search(path.read_text("utf-8"))] == []


def test_moments_of_a_workbook_may_be_dates_or_texts() -> None:
    formats = {"date_format": "%d.%m.%Y", "has_typed_cells": True}
    assert value("2024-12-31", "date", **formats) == ("2024-12-31", None)
    assert value("31.12.2024", "date", **formats) == ("2024-12-31", None)
    assert value("2024-12-31 10:00:00", "timestamp", **formats) == (str(datetime(2024, 12, 31, 10)), None)
    swapped = {"date_format": "%Y-%d-%m", "has_typed_cells": True}
    assert value("2024-25-12", "date", **swapped) == ("2024-12-25", None)
    assert value("2024-12-25", "date", **swapped)[1] is not None, "it could be taken for another day"
