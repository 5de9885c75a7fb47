"""A record whose update is in quarantine is named with its amounts until a good version of it arrives."""

import duckdb
import pytest

from scorecard.checks.from_extract import from_extract
from scorecard.checks.results import CheckResult

from .conftest import ORDERS, YAML, Shop

HEADER = "order_id,amount,ordered_on,note\n"
MANY = HEADER + "".join(f"B{number:03d},1000,2024-01-01,x\n" for number in range(200))


def checks(shop: Shop) -> tuple[CheckResult, CheckResult]:
    """Return the messages about the orders in quarantine, and about those in doubt."""
    with duckdb.connect(shop.settings.warehouse, read_only=True) as db:
        checks = {check.check_id: check for check in from_extract(db, shop.settings, ["shop"], {})}
    return checks["extract.shop.orders.no_row_in_quarantine"], checks["extract.shop.orders.no_record_in_doubt"]


def test_a_bad_update_leaves_its_record_in_doubt_until_a_good_version_arrives(shop: Shop) -> None:
    shop.extract()
    assert checks(shop)[1].passed
    shop.write(ORDERS.replace("A2,20,2024-01-02", "A2,5000000.125,2024-02-31").replace("A3,30.00", "A3,n. v."))
    for _ in range(2):
        shop.extract()
        quarantine, doubt = checks(shop)
        assert (quarantine.failures, doubt.failures, doubt.passed) == (2, 2, False)
        assert 'A2, amount 20 → 5,000,000.125 (ordered_on: "2024-02-31" is no date)' in doubt.message
        assert 'A3, amount 30 → n. v. (amount: "n. v." is no decimal(18,2))' in doubt.message
        assert doubt.message.index("A2") < doubt.message.index("A3"), "the heaviest first"
    shop.write(ORDERS.replace("A2,20,2024-01-02", "A2,5000000.125,2024-02-29"))
    shop.extract()
    assert [check.passed for check in checks(shop)] == [True, True]
    assert shop.current()[1][1] == "5000000.12500000"


def test_a_record_that_is_new_or_repeated_is_in_no_doubt(shop: Shop) -> None:
    shop.extract()
    shop.write(ORDERS + "A5,x,2024-01-05,\nA4,40,2024-01-04,last\n")
    shop.extract()
    quarantine, doubt = checks(shop)
    assert (quarantine.failures, doubt.failures) == (2, 0)


def test_records_that_contradict_one_another_leave_what_was_held_in_doubt(shop: Shop) -> None:
    shop.extract()
    shop.write(ORDERS + "A4,41,2024-01-04,last\n")
    shop.extract()
    assert "A4, amount 40" in checks(shop)[1].message


def test_a_deal_that_weighs_more_than_all_others_is_an_error_however_many_they_are(shop: Shop) -> None:
    shop.write(MANY + "A1,1,2024-01-01,x\n")
    shop.extract()
    shop.write(MANY + "A1,5000000.125,2024-02-31,x\n")
    shop.extract()
    quarantine, doubt = checks(shop)
    assert (quarantine.failures, quarantine.checked) == (1, 201)
    assert quarantine.severity == doubt.severity == "error"
    assert "1 of 201 rows (amount: 96.2%)" in quarantine.message


def test_one_small_row_of_many_stays_a_warning(shop: Shop) -> None:
    shop.write(MANY + "A1,2,2024-02-31,x\n")
    shop.extract()
    assert checks(shop)[0].severity == "warning"


@pytest.mark.parametrize("mended", ["A2,21,2024-01-02,\n", "A2,20,2024-01-02,\n"], ids=["anew", "as before"])
def test_what_an_export_of_changes_had_wrong_holds_though_the_next_does_not_name_it(shop: Shop, mended: str) -> None:
    shop.yaml.write_text(
        YAML.replace("primary_key: [order_id], full_export: true", "primary_key: [order_id], full_export: false")
    )
    shop.extract()
    shop.write(HEADER + "A2,21,2024-02-31,\n")
    shop.extract()
    for number in (7, 8):
        shop.write(HEADER + f"A{number},1,2024-01-01,\n")
        shop.extract()
        quarantine, doubt = checks(shop)
        assert (quarantine.failures, doubt.failures) == (1, 1)
        assert "A2, amount 20 → 21" in doubt.message
    shop.write(HEADER + mended)
    shop.extract()
    assert [check.passed for check in checks(shop)] == [True, True]


def test_a_warehouse_of_the_first_release_names_the_record_without_its_amounts(shop: Shop) -> None:
    shop.extract()
    shop.write(ORDERS.replace("A2,20,2024-01-02", "A2,20,2024-02-31"))
    shop.extract()
    with duckdb.connect(shop.settings.warehouse) as db:
        db.execute("alter table raw_shop._quarantine drop column amounts")
    assert 'A2 (ordered_on: "2024-02-31" is no date)' in checks(shop)[1].message
    shop.write(ORDERS.replace("A2,20,2024-01-02", "A2,25,2024-02-31"))
    shop.extract()
    assert "A2, amount 20 → 25" in checks(shop)[1].message
