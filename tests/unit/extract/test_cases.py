"""The small inputs of `tests/cases` that have formats, names and spellings of their own: what comes out of each."""

from decimal import Decimal
from typing import Any

import pytest

from scorecard.shared.errors import ScorecardError
from tests.conftest import PROJECT

from .conftest import Shop, shop_of, table

CASES = PROJECT / "tests/cases"
DEALS = "deal_id,owner,account,status,opened,closed,value"
TYPES = {"opened": "date", "closed": "date", "value": "decimal(18,8)", "day": "date", "seconds": "bigint"}
GERMAN = (
    "encoding: windows-1252, delimiter: ';', date_format: '%d.%m.%Y', decimal_separator: ',', thousands_separator: '.'"
)
JAPANESE = "encoding: shift_jis, skip_rows: 1, date_format: '%Y/%m/%d', thousands_separator: ','"


def load(shop: Shop, file: str, columns: str = DEALS, headers: str = "", meta: str = "", key: str = "deal_id") -> None:
    """Declare a case as the table `cases` of the shop and extract it."""
    declared = f"file: {file}, primary_key: {key}" + (f", {meta}" if meta else "")
    types = {name: TYPES.get(name, "varchar") for name in columns.split(",")}
    shop.yaml.write_text(shop_of(table("cases", declared, types, headers.split(",") if headers else ())))
    shop.write((CASES / file).read_bytes(), file)
    shop.extract()


def rows(shop: Shop, columns: str = "*") -> list[tuple[Any, ...]]:
    return shop.query(f"select {columns} from raw_shop.cases where _valid_to is null order by all")


def first_amounts() -> list[Decimal | None]:
    lines = (CASES / "deals.csv").read_text("utf-8").splitlines()[1:21]
    return [Decimal(line.rpartition(",")[2]) if line.rpartition(",")[2] else None for line in lines]


def test_reserved_columns(shop: Shop) -> None:
    load(shop, "deals_reserved_columns.csv")
    assert len(rows(shop)) == 10
    assert "5 of them: reason, source_file, sha256, rowid, size_bytes" in shop.extract().warnings[0]


def test_bad_cells(shop: Shop) -> None:
    load(shop, "deals_bad_cells.csv")
    assert rows(shop, "count(*), sum(value)") == [(10, Decimal("18240.56789010"))]
    assert shop.quarantine() == [
        ("cases", 5, 'opened: "2024-02-31" is no date'),
        ("cases", 7, 'value: "n. v." is no decimal(18,8)'),
    ]


def test_german_excel(shop: Shop) -> None:
    headers = "Nr,Vertreter,Kunde,Status,Angelegt,Abgeschlossen,Wert"
    load(shop, "deals_german_excel.csv", headers=headers, meta=f"{GERMAN}, null_values: [k. A.]")
    assert rows(shop, "distinct account") == [("Müller & Söhne",)]
    assert [value for _, value in rows(shop, "deal_id, value")] == first_amounts()


def test_japanese_excel(shop: Shop) -> None:
    headers = "案件番号,担当者,顧客,状態,開始日,完了日,金額"
    load(shop, "deals_japanese_excel.csv", headers=headers, meta=f"{JAPANESE}, null_values: ['NULL']")
    assert rows(shop, "distinct account") == [("株式会社山田",)]
    yen = [None if amount is None else amount * 100 for amount in first_amounts()]
    assert [value for _, value in rows(shop, "deal_id, value")] == yen


def test_calls_without_a_key(shop: Shop) -> None:
    load(shop, "calls_without_key.csv", "day,agent,outcome,seconds", key="line_content")
    first = rows(shop)
    assert (len(first), shop.quarantine()) == (6, [])
    shop.write((CASES / "calls_without_key.csv").read_bytes() + b"\n", "calls_without_key.csv")
    (again,) = shop.extract().loaded
    assert (again.rows_new, again.rows_retired, rows(shop)) == (0, 0, first)


def test_offsets(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TYPES, "at", "timestamptz")
    load(shop, "moments_offsets.csv", "id,at", key="id")
    assert [key for (key,) in rows(shop, "id")] == ["1", "2", "3", "4"]
    assert [line for _, line, _ in shop.quarantine()] == [6, 7]


@pytest.mark.parametrize(
    ("file", "loaded", "bad"),
    [
        ("error_cell_single_quotes.xlsx", ["D-2"], ["the cell C2 is an error (#DIV/0!)"]),
        ("formula_not_calculated_spaced.xlsx", ["D-2"], ["the cell C2 is a formula that was never calculated"]),
        ("one_cell_in_the_corner.xlsx", ["D-1"], ["has values right of the 3 columns of the header"]),
    ],
)
def test_workbooks(shop: Shop, file: str, loaded: list[str], bad: list[str]) -> None:
    load(shop, file, "deal_id,status,value")
    assert [key for (key,) in rows(shop, "deal_id")] == loaded
    assert [reason for _, _, reason in shop.quarantine()] == bad


def test_a_row_number_twice(shop: Shop) -> None:
    with pytest.raises(ScorecardError, match="it has the row 2 twice"):
        load(shop, "row_number_twice.xlsx", "deal_id,status,value")
