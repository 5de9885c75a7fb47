"""A full export that lost more than is likely, or is cut off, is held whole until a person confirms that version."""

import hashlib
import io
import json
import shutil
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import duckdb
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sandbox.standins.s3 import S3
from scorecard.extract import confirm, confirmations, extract_source
from scorecard.extract.raw import troubles
from scorecard.extract.raw.suspect import LossLimits
from scorecard.extract.raw.troubles import Suspect
from scorecard.shared.errors import ScorecardError
from scorecard.shared.settings import Settings
from tests.conftest import PROJECT, SETTINGS_FILE

from .conftest import VISITS, Shop, shop_of, table
from .test_bucket import s3, settings_of

__all__ = ["s3"]

CASES = PROJECT / "tests" / "cases"
HEADER = ["deal_id", "owner", "account", "status", "opened", "closed", "value"]
COLUMNS = dict.fromkeys(HEADER, "varchar") | {"opened": "date", "closed": "date", "value": "decimal(18,2)"}
VISITS_TABLE = table("visits", "file: visits.csv, primary_key: [day, customer]", {"day": "date", "customer": "bigint"})


class Deals(Shop):
    """A shop that exports deals and visits, with the product's own limits."""

    @property
    def settings(self) -> Settings:
        return Settings(project=self.root, data=self.root / "data", state=self.root / "state", settle_seconds=0)

    def declare(self, file: str = "deals.csv", full: bool = True) -> None:
        meta = f'file: "{file}", primary_key: [deal_id], full_export: {str(full).lower()}'
        self.yaml.write_text(shop_of(table("deals", meta, COLUMNS), VISITS_TABLE))

    def won(self) -> tuple[int, Decimal]:
        ((count, amount),) = self.query(
            "select count(*), sum(value) filter (status = 'won') from raw_shop.deals where _valid_to is null"
        )
        return count, amount

    def refused(self) -> Suspect:
        with pytest.raises(Suspect) as error:
            self.extract()
        return error.value


@pytest.fixture
def deals(tmp_path: Path) -> Deals:
    shop = Deals(tmp_path)
    shutil.copy(SETTINGS_FILE, tmp_path)
    shop.yaml.parent.mkdir(parents=True)
    shop.declare()
    (tmp_path / "data/shop").mkdir(parents=True)
    shop.write((CASES / "deals.csv").read_bytes(), "deals.csv")
    shop.write(VISITS, "visits.csv")
    shop.extract()
    assert shop.won() == ALL
    return shop


ALL = (120, Decimal(279964))


def rows(count: int, first: int = 0) -> list[list[str]]:
    return [[f"R-{i}", "Ann", "A", "won", "2024-01-01", "2024-02-01", "10.00"] for i in range(first, first + count)]


def csv_of(rows: Sequence[Sequence[str]]) -> bytes:
    return "".join(",".join(row) + "\n" for row in [HEADER, *rows]).encode()


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("deals_cut_in_last_field.csv", "it ends within a line, which the version before it did not"),
        ("deals_cut_at_line_end.csv", "it lacks 20 of the 120 records that it had before"),
    ],
)
def test_a_truncated_export_ends_no_record_and_changes_no_amount(deals: Deals, case: str, message: str) -> None:
    content = (CASES / case).read_bytes()
    deals.write(content, "deals.csv")
    deals.write(VISITS + "2024-01-09,1,1,,\n", "visits.csv")
    error = deals.refused()
    sha256 = hashlib.sha256(content).hexdigest()
    assert f"shop/deals.csv is suspect: {message}" in error.problem
    assert f"scorecard confirm shop deals.csv {sha256}" in error.cure
    assert deals.won() == ALL
    assert deals.query("select count(*) from raw_shop.deals where _valid_to is not null") == [(0,)]
    assert deals.query("select count(*) from raw_shop.visits") == [(3,)], "the other exports go on"
    (trouble,) = troubles.read_all(deals.settings)
    assert (trouble.kind, trouble.object, trouble.file, trouble.sha256) == ("suspect", "deals", "deals.csv", sha256)
    assert deals.refused().sha256 == sha256, "it stays held"

    deals.write((CASES / "deals.csv").read_bytes(), "deals.csv")
    deals.extract()
    assert troubles.read_all(deals.settings) == []
    assert deals.won() == ALL


def test_a_version_that_was_confirmed_is_loaded_and_no_other(deals: Deals) -> None:
    cut = (CASES / "deals_cut_at_line_end.csv").read_bytes()
    deals.write(cut, "deals.csv")
    error = deals.refused()
    done = confirm(deals.settings, deals.source, error.file, error.sha256.upper())
    deals.write(cut.replace(b"Ben Ruiz", b"Ben Diaz"), "deals.csv")
    assert deals.refused().sha256 != error.sha256, "another version is not the one that was confirmed"
    deals.write(cut, "deals.csv")
    deals.extract()
    assert deals.won()[0] == 100
    assert troubles.read_all(deals.settings) == []
    assert confirmations(deals.settings) == [done]
    assert (done.source, done.file, done.sha256, done.problem) == ("shop", "deals.csv", error.sha256, error.problem)
    assert "@" in done.confirmed_by
    assert done.confirmed_at.endswith("+00:00")


def test_only_what_is_held_can_be_confirmed(deals: Deals) -> None:
    with pytest.raises(ScorecardError, match=r"No version abc of deals\.csv of the source shop is held") as error:
        confirm(deals.settings, deals.source, "deals.csv", "abc")
    assert "scorecard extract shop" in error.value.cure
    deals.write(csv_of([]), "deals.csv")
    suspect = deals.refused()
    assert "it lacks all 120 records that it had before, for only its header is left" in suspect.problem
    with pytest.raises(ScorecardError) as error:
        confirm(deals.settings, deals.source, "visits.csv", suspect.sha256)
    assert f"Confirm one of those that are: deals.csv {suspect.sha256}" in error.value.cure
    assert confirmations(deals.settings) == []


def test_a_broken_list_of_confirmations_is_named(deals: Deals) -> None:
    path = deals.settings.state / "confirmations.jsonl"
    path.write_text(json.dumps({"file": "deals.csv"}) + "\n")
    deals.write(csv_of(rows(1)), "deals.csv")
    with pytest.raises(ScorecardError, match=r"confirmations\.jsonl.*cannot be read") as error:
        deals.extract()
    assert "Restore it" in error.value.cure
    assert deals.won() == ALL


LIMITS = LossLimits("shop", "Shop", 20, 0.02, 0.2, frozenset())


@pytest.mark.parametrize(
    ("lost", "current", "too_much"),
    [
        (0, 0, False),
        (0, 100, False),
        (19, 200, False),
        (20, 200, True),
        (20, 999, True),
        (20, 1000, False),  # exactly 2 %
        (21, 1000, True),
        (19_999, 1_000_000, False),
        (20_001, 1_000_000, True),
        (1, 5, False),  # exactly 20 %
        (1, 4, True),
        (2, 9, True),
        (1, 1, True),
    ],
)
def test_how_much_is_too_much(lost: int, current: int, too_much: bool) -> None:
    assert LIMITS.is_too_much(lost, current) is too_much


def test_the_limits_are_settings(deals: Deals) -> None:
    cut = (CASES / "deals_cut_at_line_end.csv").read_bytes()
    deals.write(cut, "deals.csv")
    with pytest.raises(Suspect):
        deals.extract(suspect_lost_records=20)
    deals.extract(suspect_lost_records=21)
    assert deals.won()[0] == 100
    deals.write(csv_of([]), "deals.csv")
    with pytest.raises(Suspect):
        deals.extract(suspect_lost_share=1)
    deals.extract(suspect_lost_share=1, suspect_lost_share_of_any_size=1)
    assert deals.won()[0] == 0


def test_a_loss_within_the_limits_is_loaded(deals: Deals) -> None:
    lines = (CASES / "deals.csv").read_bytes().splitlines(keepends=True)
    deals.write(b"".join(lines[:-19]), "deals.csv")
    deals.extract()
    assert deals.won()[0] == 101


def test_an_export_without_a_last_line_end_is_one_if_it_never_had_it(deals: Deals) -> None:
    whole = (CASES / "deals.csv").read_bytes()
    deals.write(whole.rstrip(b"\n"), "deals.csv")
    error = deals.refused()
    confirm(deals.settings, deals.source, error.file, error.sha256)
    deals.extract()
    deals.write(whole.rstrip(b"\n").replace(b"Ben Ruiz", b"Ben Diaz"), "deals.csv")
    deals.extract()
    assert deals.won() == ALL


def test_a_warehouse_of_the_first_release_says_nothing_of_line_ends(deals: Deals) -> None:
    with duckdb.connect(deals.settings.warehouse) as db:
        db.execute("alter table raw_shop._loaded_files drop column ends_line")
    shutil.rmtree(deals.settings.originals)
    whole = (CASES / "deals.csv").read_bytes()
    assert deals.extract().load_id is None
    deals.write(whole[:-1], "deals.csv")
    assert "ends within a line" in deals.refused().problem, "the copy that was made meanwhile says it"

    deals.write(whole, "deals.csv")
    deals.extract()
    shutil.rmtree(deals.settings.originals)
    deals.write(whole[:-1], "deals.csv")
    deals.extract()
    assert deals.won() == ALL
    assert deals.query("select ends_line from raw_shop._loaded_files where object = 'deals' order by loaded_at") == [
        (None,),
        (False,),
    ]


def test_an_export_of_changes_that_is_cut_off_is_held_too(deals: Deals) -> None:
    deals.declare(full=False)
    deals.extract()
    deals.write(csv_of([["D-002", "Cleo Tan", "A", "won", "2024-05-31", "2024-06-29", "38"]])[:-1], "deals.csv")
    assert "ends within a line" in deals.refused().problem
    assert deals.won() == ALL


def test_an_export_cut_inside_of_a_quoted_field_is_not_loaded(deals: Deals) -> None:
    deals.write(csv_of([*rows(120), ["D-9", '"An', "", "won", "2024-01-01", "2024-02-01", "1"]]), "deals.csv")
    with pytest.raises(ScorecardError, match=r"the record that starts on line 122 cannot be read"):
        deals.extract()
    assert deals.won() == ALL
    assert [trouble.kind for trouble in troubles.read_all(deals.settings)] == ["failed"]


def test_rows_that_cannot_be_read_are_told_of_where_too_many_are_lacking(deals: Deals) -> None:
    deals.write((CASES / "deals.csv").read_bytes().replace(b",Ben Ruiz,", b",Ben,Ruiz,"), "deals.csv")
    assert "of its rows can't be read)" in deals.refused().problem
    assert deals.won() == ALL


def workbook(rows: Sequence[Sequence[str]]) -> bytes:
    book = openpyxl.Workbook()
    for row in [HEADER, *rows]:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def parquet(rows: Sequence[Sequence[str]]) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table([list(column) for column in zip(*rows, strict=True)], HEADER), out)
    return out.getvalue()


@pytest.mark.parametrize(("file", "write"), [("deals.xlsx", workbook), ("deals.parquet", parquet)])
def test_a_workbook_and_a_parquet_file_that_lost_records_are_held(deals: Deals, file: str, write) -> None:
    (deals.root / "data/shop/deals.csv").unlink()
    deals.declare(file)
    deals.write(write(rows(130)), file)
    error = deals.refused()
    assert "lacks 120 of the 120" in error.problem, "of the CSV before: other ids are other records"
    confirm(deals.settings, deals.source, file, error.sha256)
    deals.extract()
    deals.write(write(rows(100)), file)
    error = deals.refused()
    assert f"shop/{file} is suspect: it lacks 30 of the 130 records" in error.problem
    confirm(deals.settings, deals.source, file, error.sha256)
    deals.extract()
    assert deals.won()[0] == 100


def test_an_export_of_several_files_is_one_version(deals: Deals) -> None:
    """Which is named by the SHA-256 of what sha256sum prints of them."""
    (deals.root / "data/shop/deals.csv").unlink()
    deals.declare("deals_*.csv", full=True)
    first, second = csv_of(rows(60)), csv_of(rows(60, 60))
    deals.write(first, "deals_1.csv")
    deals.write(second, "deals_2.csv")
    confirm(deals.settings, deals.source, "deals_*.csv", deals.refused().sha256)
    deals.extract()
    cut = second[:-30]
    deals.write(cut, "deals_2.csv")
    error = deals.refused()
    assert "it ends within a line (deals_2.csv), which the version before it did not" in error.problem
    assert "scorecard confirm shop 'deals_*.csv' " in error.cure
    printed = f"{hashlib.sha256(first).hexdigest()}  deals_1.csv\n{hashlib.sha256(cut).hexdigest()}  deals_2.csv\n"
    assert error.sha256 == hashlib.sha256(printed.encode()).hexdigest()
    deals.write(second, "deals_2.csv")
    deals.write(csv_of(rows(5, 200))[:-3], "deals_3.csv")
    assert "(deals_3.csv)" in deals.refused().problem, "a new file is compared with all files before it"
    (deals.root / "data/shop/deals_3.csv").unlink()
    (deals.root / "data/shop/deals_2.csv").unlink()
    assert "lacks 60 of the 120" in deals.refused().problem


def test_an_export_in_a_bucket_is_held_too(deals: Deals, s3: S3) -> None:
    new = (VISITS + "\n").encode()
    s3.objects = {"in/shop/deals.csv": (CASES / "deals.csv").read_bytes(), "in/shop/visits.csv": new}
    settings = settings_of(deals, s3)
    extract_source(settings, deals.source)
    s3.objects["in/shop/deals.csv"] = (CASES / "deals_cut_at_line_end.csv").read_bytes()
    for _ in range(2):
        with pytest.raises(Suspect, match=r"shop/deals\.csv is suspect") as error:
            extract_source(settings, deals.source)
        assert deals.won() == ALL
    assert len([request for request in s3.requests("deals.csv") if request.method == "GET"]) == 2, (
        "each version is copied once"
    )
    (settings.state / "buckets" / "shop.json").write_text("{")
    confirm(settings, deals.source, "deals.csv", error.value.sha256)
    extract_source(settings, deals.source)
    assert deals.won()[0] == 100
    s3.seen.clear()
    assert extract_source(settings, deals.source).load_id is None
    assert s3.requests("/in/") == [], "only the list was asked for"
