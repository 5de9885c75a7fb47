"""What the columns of an export are, guessed from its texts; what is not sure is said."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl import Workbook

from scorecard.scaffold.guess import Guess, guess
from scorecard.scaffold.table import read_table
from scorecard.shared.errors import ScorecardError

CASES = Path(__file__).parents[2] / "cases"


def guessed(path: Path) -> Guess:
    return guess(read_table(path))


def guess_of(folder: Path, text: str, encoding: str = "utf-8") -> Guess:
    path = folder / "export.csv"
    path.write_text(text, encoding=encoding)
    return guessed(path)


def types(result: Guess) -> dict[str, str]:
    return {column.name: column.data_type for column in result.columns}


def test_an_export_as_everybody_writes_it_has_no_format() -> None:
    result = guessed(CASES / "deals.csv")
    assert (result.formats, result.key, result.notes) == ({}, ("deal_id",), ())
    assert types(result) == {
        "deal_id": "varchar",
        "owner": "varchar",
        "account": "varchar",
        "status": "varchar",
        "opened": "date",
        "closed": "date",
        "value": "decimal(18,2)",
    }


def test_what_a_german_excel_writes() -> None:
    result = guessed(CASES / "deals_german_excel.csv")
    assert result.formats == {
        "encoding": "windows-1252",
        "delimiter": ";",
        "date_format": "%d.%m.%Y",
        "decimal_separator": ",",
        "thousands_separator": ".",
        "null_values": ["k. A."],
    }
    assert [types(result)[name] for name in ("angelegt", "abgeschlossen", "wert")] == ["date", "date", "decimal(18,2)"]


def test_what_a_japanese_excel_writes() -> None:
    result = guessed(CASES / "deals_japanese_excel.csv")
    assert (result.formats["encoding"], result.formats["skip_rows"]) == ("shift_jis", 1)
    assert (result.formats["date_format"], result.formats["null_values"]) == ("%Y/%m/%d", ["NULL"])
    # No column of a warehouse is named so: the header is declared apart.
    assert result.columns[0].name == "column_1"
    assert result.columns[0].header == "案件番号"


def test_records_that_nothing_tells_apart_are_known_by_their_line() -> None:
    assert guessed(CASES / "calls_without_key.csv").key == ("line_content",)


def test_days_that_can_be_read_two_ways_are_noted(tmp_path: Path) -> None:
    result = guess_of(tmp_path, "id,on\n1,03/04/2024\n2,05/06/2024\n")
    assert result.formats["date_format"] == "%d/%m/%Y"
    assert result.columns[1].notes == ("%d/%m/%Y and %m/%d/%Y fit all its days.",)
    assert guess_of(tmp_path, "id,on\n1,03/04/2024\n2,05/26/2024\n").formats["date_format"] == "%m/%d/%Y"


def test_a_number_that_can_be_read_two_ways_is_noted(tmp_path: Path) -> None:
    (note,) = guess_of(tmp_path, "id,weight\nA,1.234\nB,5.678\n").notes
    assert note == "1.234 is read as 1.234; with `,` for decimals it would be 1234."


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("0041\n0042\n", "varchar"),
        ("41\n42\n", "integer"),
        ("41\n9000000000\n", "bigint"),
        ("true\nFALSE\n", "boolean"),
        ("2024-03-01T10:00:00Z\n2024-03-01T10:00:00+02:00\n", "timestamptz"),
        ("2024-03-01 10:00\n2024-03-01 11:00\n", "timestamp"),
        ("1.5\n2.125\n", "decimal(18,3)"),
        ("2024-02-30\nnever\n", "varchar"),
    ],
)
def test_a_type_fits_all_texts(tmp_path: Path, text: str, kind: str) -> None:
    assert types(guess_of(tmp_path, "x\n" + text)) == {"x": kind}


def test_a_few_texts_among_numbers_are_noted(tmp_path: Path) -> None:
    result = guess_of(tmp_path, "x\n" + "".join(f"{number}.5\n" for number in range(20)) + "unknown\n")
    assert types(result) == {"x": "decimal(18,2)"}
    assert result.columns[0].notes == ("1 are no numbers, as 'unknown': these records are set aside.",)


def test_a_currency_is_in_a_header_or_the_same_in_every_row(tmp_path: Path) -> None:
    assert guess_of(tmp_path, "id,Value (EUR)\n1,2.50\n").currency == "EUR"
    assert guess_of(tmp_path, "id,currency\n1,JPY\n2,JPY\n").currency == "JPY"
    assert guess_of(tmp_path, "id,currency\n1,JPY\n2,EUR\n").currency == ""


def test_a_word_of_sql_gets_another_name(tmp_path: Path) -> None:
    assert list(types(guess_of(tmp_path, "Order,End,day\n1,2,3\n"))) == ["order_value", "end_value", "day"]


def test_a_workbook_and_a_parquet_file_are_read(tmp_path: Path) -> None:
    book = Workbook()
    book.active.append(["Deals of 2024"])
    book.active.append(["id", "value"])
    book.active.append(["A", 1.5])
    book.active.append(["B", 2])
    book.save(tmp_path / "deals.xlsx")
    result = guessed(tmp_path / "deals.xlsx")
    assert (types(result), result.formats) == ({"id": "varchar", "value": "decimal(18,2)"}, {"skip_rows": 1})
    pq.write_table(pa.table({"id": [1], "at": pa.array([0], pa.timestamp("us", "UTC"))}), tmp_path / "deals.parquet")
    assert types(guessed(tmp_path / "deals.parquet")) == {"id": "bigint", "at": "timestamptz"}


def test_what_is_no_table_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"\xff\0\1\2")
    (tmp_path / "b.xlsx").write_text("no workbook")
    (tmp_path / "c.csv").write_text("")
    for name in ("a.csv", "b.xlsx", "c.csv", "d.csv"):
        with pytest.raises(ScorecardError, match=name):
            read_table(tmp_path / name)
