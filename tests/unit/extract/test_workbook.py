"""Cells of workbooks in every spelling that XML and the format allow, and files that are small and hold too much."""

import io
import json
import subprocess
import sys
import zipfile
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scorecard.shared.errors import ScorecardError

from .conftest import Shop, shop_of, table

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
LINKS = "http://schemas.openxmlformats.org/package/2006/relationships"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"

YAML = shop_of(
    table(
        "deals",
        "file: deals.xlsx, primary_key: deal_id",
        {"deal_id": "varchar", "status": "varchar", "value": "decimal(18,2)"},
    )
)
HEADER = (
    '<row r="1"><c r="A1" t="inlineStr"><is><t>deal_id</t></is></c><c r="B1" t="inlineStr"><is><t>status</t></is></c>'
    '<c r="C1" t="inlineStr"><is><t>value</t></is></c></row>'
)


def row(number: int, deal: str, value: str) -> str:
    return (
        f'<row r="{number}"><c r="A{number}" t="inlineStr"><is><t>{deal}</t></is></c>'
        f'<c r="B{number}" t="inlineStr"><is><t>won</t></is></c>{value}</row>'
    )


def book(
    rows: str, shared: str = "", styles: str = "", after: str = "", properties: str = "", prefix: str = ""
) -> bytes:
    """Make a workbook by hand, with what openpyxl would never write."""
    links = {"rId1": ("worksheet", "worksheets/sheet1.xml")}
    parts = {"xl/worksheets/sheet1.xml": f"<sheetData>{rows}</sheetData>{after}"}
    for name, content in (("sharedStrings", shared), ("styles", styles)):
        if content:
            links[name] = (name, f"{name}.xml")
            parts[f"xl/{name}.xml"] = content
    roots = {"xl/worksheets/sheet1.xml": "worksheet", "xl/sharedStrings.xml": "sst", "xl/styles.xml": "styleSheet"}
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{LINKS}"><Relationship Id="r" Type="{OFFICE}/officeDocument"'
            ' Target="xl/workbook.xml"/></Relationships>',
        )
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}">{properties}<sheets>'
            '<sheet name="Deals" sheetId="1" r:id="rId1"/></sheets></workbook>',
        )
        named = "".join(
            f'<Relationship Id="{key}" Type="{OFFICE}/{kind}" Target="{path}"/>' for key, (kind, path) in links.items()
        )
        archive.writestr("xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{LINKS}">{named}</Relationships>')
        for path, content in parts.items():
            archive.writestr(path, f'{prefix}<{roots[path]} xmlns="{MAIN}">{content}</{roots[path]}>')
    return target.getvalue()


@pytest.fixture
def deals(shop: Shop) -> Shop:
    shop.yaml.write_text(YAML)
    return shop


def current(shop: Shop) -> list[tuple[Any, ...]]:
    return shop.query("select deal_id, status, value from raw_shop.deals where _valid_to is null order by all")


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("<c r='C2' t='e'><v>#DIV/0!</v></c>", "the cell C2 is an error (#DIV/0!)"),
        ('<c t="e" r="C2" s="0"><v>#N/A</v></c>', "the cell C2 is an error (#N/A)"),
        ('<c t="e"><v>#N/A</v></c>', "the cell C2 is an error (#N/A)"),
        ('<c r = "C2"\n t = "e" ><v>#N/A</v></c >', "the cell C2 is an error (#N/A)"),
        ('<c r="C2" t="&#101;"><f>1/0</f><v>#DIV/0!</v></c>', "the cell C2 is an error (#DIV/0!)"),
        ('<x:c xmlns:x="' + MAIN + '" r="C2" t="e"><x:v>#REF!</x:v></x:c>', "the cell C2 is an error (#REF!)"),
        ('<c r="C2"><f>1+1</f></c>', "the cell C2 is a formula that was never calculated"),
        ('<c r = "C2" > <f>1+1</f> </c>', "the cell C2 is a formula that was never calculated"),
        ('<c r="C2"><f>1+1</f><v/></c>', "the cell C2 is a formula that was never calculated"),
        (
            '<c r="C2"><!-- x --><f t="shared" si="0"/><v> </v></c>',
            "the cell C2 is a formula that was never calculated",
        ),
        ("<c><f><![CDATA[1+1]]></f></c>", "the cell C2 is a formula that was never calculated"),
        ('<c r="C2"><v>about ten</v></c>', "the cell C2 has a value that is not of its type"),
        ('<c r="C2" t="s"><v>7</v></c>', "the cell C2 has a value that is not of its type"),
        ('<c r="C2" t="s"><v>-1</v></c>', "the cell C2 has a value that is not of its type"),
        ('<c r="C2"><v>1</v></c><c r="XFD2"><v>1</v></c>', "has values right of the 3 columns of the header"),
    ],
)
def test_a_cell_without_a_value_keeps_its_row_out(deals: Shop, cell: str, reason: str) -> None:
    deals.write(book(HEADER + row(2, "D-1", cell) + row(3, "D-2", '<c r="C3"><v>1500</v></c>')), "deals.xlsx")
    deals.extract()
    assert current(deals) == [("D-2", "won", Decimal("1500.00"))]
    assert deals.quarantine() == [("deals", 2, reason)]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (row(2, "D-1", "") + row(2, "D-2", ""), "it has the row 2 twice"),
        (row(3, "D-1", "") + row(2, "D-2", ""), "its row 2 comes after row 3"),
        ('<row r="2"><c r="A2"/><c r="A2" t="str"><v>D</v></c></row>', "its row 2 has the cell A2 twice"),
        ('<row r="2"><c r="A3" t="str"><v>D</v></c></row>', "its row 2 has the cell A3 twice, or one of another row"),
        ('<row r="2"><c r="XFE2" t="str"><v>D</v></c></row>', "its row 2 has the cell XFE2"),
        ('<row r="1048577"/>', "its row 1048577 comes after row 1"),
        ('<row r="two"/>', "it numbers a row 'two'"),
        ('<row r="2"><c r="2A"/></row>', "it has a cell at '2A'"),
    ],
)
def test_a_place_that_two_records_have_is_refused(deals: Shop, rows: str, message: str) -> None:
    deals.write(book(HEADER + rows), "deals.xlsx")
    with pytest.raises(ScorecardError, match="cannot be read as an Excel workbook") as error:
        deals.extract()
    assert message in error.value.problem


def test_places_may_be_left_out(deals: Shop) -> None:
    first = "<row><c t='str'><v>D-1</v></c><c/><c><v>1</v></c></row>"
    second = "<row r='5'><c r='C5'><v>2</v></c><c r='A5' t='str'><v>D-2</v></c></row>"
    deals.write(book(HEADER + first + second), "deals.xlsx")
    deals.extract()
    assert deals.query("select deal_id, status, value, _source_line from raw_shop.deals order by all") == [
        ("D-1", None, Decimal("1.00"), 2),
        ("D-2", None, Decimal("2.00"), 5),
    ]


def test_texts_are_whole(deals: Shop) -> None:
    shared = (
        "<si><r><t>D</t></r><r><t xml:space='preserve'>-1 </t></r></si>"
        "<si><t>山田</t><rPh sb='0' eb='2'><t>ヤマダ</t></rPh></si><si/>"
    )
    rows = (
        '<row r="2"><c r="A2" t="s"><v>0</v></c><c r="B2" t="s"><v>1</v></c><c r="C2" t="s"><v>2</v></c></row>'
        '<row r="3"><c r="A3" t="inlineStr"><is><t>a_x000D_b&amp;</t><rPh><t>x</t></rPh></is></c>'
        '<c r="B3" t="str"><f>IF(TRUE,"")</f><v></v></c><c r="C3"><f>1+1</f><v>3.3000000000000003</v></c></row>'
    )
    deals.write(book(HEADER + rows, shared), "deals.xlsx")
    deals.extract()
    assert current(deals) == [("D-1 ", "山田", None), ("a\rb&", None, Decimal("3.30"))]


@pytest.mark.parametrize(
    ("code", "serial", "text"),
    [
        ("yyyy-mm-dd", "45351", "2024-02-29"),
        ('[$-411]ggge"年"m"月"d"日"', "45351", "2024-02-29"),
        ("[Red]d.m.yy;@", "45351.5", "2024-02-29 12:00:00"),
        ("General", "45351", "45351"),
        ('0.0 "days"', "45351", "45351"),
        ("[h]:mm", "1.25347222222222", "30:05:00"),
        ("h:mm", "0.4375", "10:30:00"),
        ("yyyy-mm-dd", "-5", "-5"),
    ],
)
def test_dates_are_known_by_their_format(deals: Shop, code: str, serial: str, text: str) -> None:
    styles = (
        f"<numFmts><numFmt numFmtId='164' formatCode='{code}'/></numFmts>"
        "<cellStyleXfs><xf numFmtId='14'/></cellStyleXfs><cellXfs><xf numFmtId='0'/><xf numFmtId='164'/></cellXfs>"
    )
    cells = f'<row r="2"><c r="A2" t="str"><v>D</v></c><c r="B2" s="1"><v>{serial}</v></c></row>'
    deals.write(book(HEADER + cells, styles=styles), "deals.xlsx")
    deals.extract()
    assert current(deals) == [("D", text, None)]


def test_days_are_counted_from_1904_where_the_workbook_says_so(deals: Shop) -> None:
    styles = "<cellXfs><xf numFmtId='14'/></cellXfs>"
    cells = '<row r="2"><c r="A2" t="str"><v>D</v></c><c r="B2" s="0"><v>43889</v></c></row>'
    deals.write(book(HEADER + cells, styles=styles, properties='<workbookPr date1904="1"/>'), "deals.xlsx")
    deals.extract()
    assert current(deals) == [("D", "2024-02-29", None)]


def test_what_openpyxl_writes_is_read_back(deals: Shop) -> None:
    values = [
        "x",
        1,
        1.5,
        True,
        date(2024, 2, 29),
        datetime(2024, 2, 29, 1, 2, 3),
        None,
        "顧客 👩‍💻",
        "<&>\"'",
        " a\nb ",
    ]
    written = openpyxl.Workbook()
    sheet = written.active
    assert sheet is not None
    sheet.append(["deal_id", "status", "value"])
    for number, value in enumerate(values):
        sheet.append([f"D-{number}", value, number])
    target = io.BytesIO()
    written.save(target)
    deals.write(target.getvalue(), "deals.xlsx")
    deals.extract()
    expected = ["x", "1", "1.5", "true", "2024-02-29", "2024-02-29 01:02:03", None, "顧客 👩‍💻", "<&>\"'", " a\nb "]
    assert [row[1] for row in current(deals)] == expected


def test_numbers_and_dates_beside_texts_in_the_countrys_own_form(deals: Shop) -> None:
    deals.yaml.write_text(
        YAML.replace(
            "file: deals.xlsx,", "file: deals.xlsx, skip_rows: 2, decimal_separator: ',', thousands_separator: '.',"
        )
    )
    title = '<row r="1"><c r="A1" t="str"><v>Geschäfte 2024</v></c></row>'
    header = HEADER.replace('r="1"', 'r="3"').replace('1" t=', '3" t=')
    rows = row(4, "D-1", '<c r="C4"><v>1234.5</v></c>') + row(5, "D-2", '<c r="C5" t="str"><v>1.234,5</v></c>')
    deals.write(book(title + header + rows), "deals.xlsx")
    deals.extract()
    assert [row[2] for row in current(deals)] == [Decimal("1234.50"), Decimal("1234.50")]


def test_merged_rows_are_kept_out_however_many_ranges_name_them(deals: Shop) -> None:
    rows = "".join(row(i, f"D-{i}", f'<c r="C{i}"><v>{i}</v></c>') for i in range(2, 8))
    merged = '<mergeCells><mergeCell ref="A3:B4"/><mergeCell ref="C4:C5"/><mergeCell ref="$A$7"/></mergeCells>'
    deals.write(book(HEADER + rows, after=merged), "deals.xlsx")
    deals.extract()
    assert [row[0] for row in current(deals)] == ["D-2", "D-6"]
    assert [line for _, line, _ in deals.quarantine()] == [3, 4, 5, 7]


def test_a_document_type_is_refused(deals: Shop) -> None:
    bomb = '<!DOCTYPE worksheet [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]>'
    deals.write(book(HEADER + row(2, "&b;", ""), prefix=bomb), "deals.xlsx")
    with pytest.raises(ScorecardError, match="declares a document type"):
        deals.extract()


def shared_bomb() -> bytes:
    rows = "".join(
        row(i, f"D-{i}", "").replace('t="inlineStr"><is><t>won</t></is>', 't="s"><v>0</v>') for i in range(2, 602)
    )
    return book(HEADER + rows, shared=f"<si><t>{'x' * 2**20}</t></si>")


def parquet_of(**columns: Any) -> bytes:
    target = io.BytesIO()
    pq.write_table(pa.table(columns), target)
    return target.getvalue()


def corner() -> bytes:
    last = '<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>x</t></is></c></row>'
    return book(HEADER + row(2, "D-1", '<c r="C2"><v>1500</v></c>') + last)


def wide_header() -> bytes:
    header = HEADER.replace("</row>", '<c r="XFD1" t="str"><v>last</v></c></row>')
    return book(header + "".join(f'<row r="{i}"><c r="A{i}"><v>1</v></c></row>' for i in range(2, 20_000)))


def merged_bomb() -> bytes:
    return book(HEADER, after="<mergeCells>" + '<mergeCell ref="A2:A3"/>' * 200_000 + "</mergeCells>")


def dictionary_bomb() -> bytes:
    text = pa.DictionaryArray.from_arrays(pa.array([0] * 600, pa.int32()), pa.array(["x" * 2**20]))
    return parquet_of(deal_id=[f"D-{i}" for i in range(600)], status=text, value=pa.nulls(600, pa.string()))


def nested_bomb() -> bytes:
    texts = pa.DictionaryArray.from_arrays(pa.array([0] * 600, pa.int32()), pa.array(["x" * 2**20]))
    lists = pa.ListArray.from_arrays(pa.array([0, 600], pa.int32()), texts)
    return parquet_of(deal_id=["D"], status=["x"], value=["1"], more=lists)


def run_length_bomb() -> bytes:
    ones = pa.repeat(pa.scalar(1, pa.int8()), 17_000_000)
    return parquet_of(deal_id=ones, status=ones, value=ones)


MEASURED = """
import json, re, sys
from pathlib import Path
from scorecard.shared.errors import ScorecardError
from scorecard.shared.settings import Settings
from scorecard.extract import extract_source, load_contracts

root = Path(sys.argv[1])
settings = Settings(project=root, data=root / "data", state=root / "state", **json.loads(sys.argv[2]))
problem = ""
try:
    extract_source(settings, load_contracts(settings)["shop"])
except ScorecardError as error:
    problem = error.problem
print(json.dumps([problem, int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024]))
"""


@pytest.mark.parametrize(
    ("make", "message", "bounds"),
    [
        (corner, "", {}),
        (shared_bomb, "shop/deals.xlsx holds more than 500,000,000 characters once it is unpacked.", {}),
        (wide_header, "shop/deals.xlsx holds more than 2,000,000 cells once it is unpacked.", {"max_cells": 2_000_000}),
        (merged_bomb, "", {}),
        (dictionary_bomb, "shop/deals.parquet holds more than 500,000,000 characters once it is unpacked.", {}),
        (nested_bomb, "shop/deals.parquet holds more than 500,000,000 characters once it is unpacked.", {}),
        (run_length_bomb, "shop/deals.parquet holds more than 50,000,000 cells once it is unpacked.", {}),
    ],
)
def test_a_small_file_that_holds_too_much_is_refused(
    deals: Shop, make: Any, message: str, bounds: dict[str, int]
) -> None:
    content = make()
    file = "deals.parquet" if content.startswith(b"PAR1") else "deals.xlsx"
    deals.yaml.write_text(YAML.replace("deals.xlsx", file))
    deals.write(content, file)
    command = [sys.executable, "-c", MEASURED, str(deals.root), json.dumps(bounds)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert run.returncode == 0, run.stderr
    problem, peak = json.loads(run.stdout.splitlines()[-1])
    assert problem == message
    assert peak < 1_200, "MB"
    if make is corner:
        assert current(deals) == [("D-1", "won", Decimal("1500.00"))]
        assert deals.quarantine() == [("deals", 1048576, "has values right of the 3 columns of the header")]


def test_the_bounds_are_settings(deals: Shop) -> None:
    deals.write(book(HEADER + row(2, "D-1", "")), "deals.xlsx")
    for setting in ({"max_cells": 4}, {"max_text": 20}):
        with pytest.raises(ScorecardError, match="holds more than") as error:
            deals.extract(**setting)
        assert f"raise {next(iter(setting))}" in error.value.cure
    deals.extract(max_cells=10, max_text=40)


def test_the_header_of_the_case_files(deals: Shop, tmp_path: Path) -> None:
    """A file without styles, shared texts or a document's properties is a workbook, too."""
    deals.write(book(HEADER), "deals.xlsx")
    assert "no records" in deals.extract().warnings[0]
