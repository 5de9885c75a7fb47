"""A source may say through which day its export is complete, so that a period ends whose last days have no record."""

import os
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from sandbox.standins.s3 import S3
from scorecard.extract import extract_source
from scorecard.extract.contracts.known_through import KnownThrough, day_in_name, known_day
from scorecard.extract.raw.troubles import Suspect
from scorecard.shared.errors import ScorecardError

from .conftest import ORDERS, VISITS, YAML, Shop
from .test_bucket import s3, settings_of

__all__ = ["s3"]

NEW_YORK = ZoneInfo("America/New_York")


def declare(shop: Shop, known_through: str, file: str = "orders.csv") -> None:
    shop.yaml.write_text(YAML.replace("{file: orders.csv,", f'{{file: "{file}", known_through: {known_through},'))


def through(shop: Shop) -> date | None:
    """As staging reads it: the newest that was written down."""
    ((day,),) = shop.query("select arg_max(read_through, loaded_at) from raw_shop._cursors where object = 'orders'")
    return day


def write_at(shop: Shop, moment: str, text: str = ORDERS, file: str = "orders.csv") -> None:
    shop.write(text, file)
    at = datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp()
    os.utime(shop.root / "data/shop" / file, (at, at))


def test_an_export_that_does_not_say_is_known_through_its_last_record(shop: Shop) -> None:
    shop.extract()
    assert shop.query("select 1 from duckdb_tables() where table_name = '_cursors'") == []


def test_a_quiet_day_is_known_once_the_export_was_written_after_it(shop: Shop) -> None:
    """Days are those of the company, whose midnight is five hours after UTC's."""
    declare(shop, "day_before_written")
    write_at(shop, "2025-01-01T04:30")
    first = shop.extract()
    assert first.load_id
    assert through(shop) == date(2024, 12, 30)
    assert shop.extract().load_id is None

    write_at(shop, "2025-01-01T05:30")
    again = shop.extract()
    assert again.load_id, "written anew without a change"
    assert again.unchanged == ("orders", "visits")
    assert through(shop) == date(2024, 12, 31)
    assert shop.query("select count(*), count(distinct _dlt_load_id) from raw_shop.orders") == [(4, 1)]
    assert shop.extract().load_id is None

    write_at(shop, "2024-12-25T12:00")
    shop.extract()
    assert through(shop) == date(2024, 12, 24), "an older export was put back"
    assert shop.extract().load_id is None


@pytest.mark.parametrize(
    ("data_type", "values", "day"),
    [
        ("date", ("2024-12-30", "2024-12-31"), date(2024, 12, 31)),
        ("timestamptz", ("2024-12-31 10:00:00Z", "2025-01-01 04:00:00Z"), date(2024, 12, 30)),
        ("timestamp", ("2024-12-31 10:00:00", "2025-01-01 04:00:00"), date(2024, 12, 31)),
        ("date", ("2024-12-30", "2099-12-31"), date(2025, 1, 2)),
        ("date", ("", ""), None),
    ],
)
def test_a_field_says_it(shop: Shop, data_type: str, values: tuple[str, str], day: date | None) -> None:
    """A moment says that the day before it was over; a day after the file was written is a plan."""
    declare(shop, "{field: as_of}")
    column = f"          - {{name: as_of, data_type: {data_type}, description: When.}}\n"
    shop.yaml.write_text(shop.yaml.read_text().replace("      - name: visits", column + "      - name: visits"))
    rows = "".join(f"A{i},1,2024-01-01,,{value}\n" for i, value in enumerate(values))
    write_at(shop, "2025-01-02T12:00", "order_id,amount,ordered_on,note,as_of\n" + rows)
    shop.extract()
    if day is None:
        assert shop.query("select 1 from duckdb_tables() where table_name = '_cursors'") == []
    else:
        assert through(shop) == day


def test_a_files_name_says_it(shop: Shop) -> None:
    declare(shop, '{file_name: "orders_%Y-%m-%d.csv"}', "orders_*.csv")
    (shop.root / "data/shop/orders.csv").unlink()
    write_at(shop, "2025-01-01T12:00", file="orders_2024-12-29.csv")
    shop.extract()
    assert through(shop) == date(2024, 12, 29)
    (shop.root / "data/shop/orders_2024-12-29.csv").rename(shop.root / "data/shop/orders_2024-12-31.csv")
    assert shop.extract().load_id
    assert through(shop) == date(2024, 12, 31)
    (shop.root / "data/shop/orders_2024-12-31.csv").rename(shop.root / "data/shop/orders_2024-31-12.csv")
    with pytest.raises(ScorecardError, match=r"orders_2024-31-12\.csv has no day in the place") as error:
        shop.extract()
    assert "config.meta.known_through" in error.value.cure
    assert through(shop) == date(2024, 12, 31)


def test_a_suspect_export_does_not_advance(shop: Shop) -> None:
    declare(shop, "day_before_written")
    write_at(shop, "2025-01-01T12:00")
    shop.extract()
    write_at(shop, "2025-01-05T12:00", ORDERS[:60])
    shop.write(VISITS + "2024-01-09,1,1,,\n", "visits.csv")
    with pytest.raises(Suspect):
        shop.extract()
    assert through(shop) == date(2024, 12, 31)


def test_what_the_list_of_a_bucket_says_counts(shop: Shop, s3: S3) -> None:
    declare(shop, "day_before_written")
    settings = settings_of(shop, s3)
    extract_source(settings, shop.source)
    assert through(shop) == date(2023, 12, 30), "midnight of UTC is the evening before"
    s3.store.now += timedelta(days=3)
    s3.seen.clear()
    assert extract_source(settings, shop.source).load_id
    assert through(shop) == date(2024, 1, 2)
    assert s3.requests("/in/") == [], "only the list was asked for"
    assert extract_source(settings, shop.source).load_id is None


def test_of_several_files_the_newest_counts() -> None:
    written = [
        ("a_2024-12-01.csv", datetime(2024, 12, 2, 12, tzinfo=UTC)),
        ("a_2024-12-08.csv", datetime(2024, 12, 9, 12, tzinfo=UTC)),
    ]
    assert known_day(KnownThrough("day_before_written"), written, None, NEW_YORK) == date(2024, 12, 8)
    assert known_day(KnownThrough("file_name", "a_%Y-%m-%d.csv"), written, None, NEW_YORK) == date(2024, 12, 8)
    assert known_day(KnownThrough("day_before_written"), [], None, NEW_YORK) is None
    ahead = [("a.csv", datetime.now(UTC) + timedelta(days=30))]
    day = known_day(KnownThrough("day_before_written"), ahead, None, NEW_YORK)
    assert day is not None
    assert day < datetime.now(NEW_YORK).date(), "a clock that is ahead makes no day pass"


def test_the_pattern_of_a_name_is_no_expression() -> None:
    assert day_in_name("a+b (%d.%m.%Y).xlsx", "x/a+b (31.12.2024).xlsx") == date(2024, 12, 31)
    with pytest.raises(ScorecardError, match="has no day"):
        day_in_name("a.%Y%m%d.csv", "ax20241231.csv")


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ("yesterday", "is none of"),
        ("{field: note}", "names the field note, which is no column of a date"),
        ("{field: gone}", "names the field gone"),
        ('{file_name: "orders_%Y-%m.csv"}', "must have each of %Y, %m and %d once"),
        ("{field: ordered_on, file_name: x}", "is none of"),
        ("[day_before_written]", "is none of"),
    ],
)
def test_a_wrong_declaration_is_named(shop: Shop, declared: str, message: str) -> None:
    declare(shop, declared)
    with pytest.raises(ScorecardError) as error:
        shop.extract()
    assert "config.meta.known_through of the table orders" in error.value.problem
    assert message in error.value.problem
    assert str(shop.yaml) in error.value.problem
