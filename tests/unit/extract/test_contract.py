"""The source YAML is read whole or refused with the place to mend."""

from pathlib import Path

import pytest

from scorecard.extract import load_contracts
from scorecard.extract.contracts.declared_contracts import read_contracts
from scorecard.shared.errors import ScorecardError
from scorecard.shared.settings import load_settings

from .conftest import YAML, Shop


def test_an_entry_becomes_a_contract(shop: Shop) -> None:
    source = shop.source
    orders, visits = source.objects
    assert (source.schema, source.business_unit, source.currency) == ("raw_shop", "Shop", "USD")
    assert (orders.file, orders.primary_key, orders.full_export) == ("orders.csv", ("order_id",), True)
    assert [c.name for c in orders.columns if c.not_null] == ["order_id", "ordered_on"]
    assert orders.columns[1].decimal == (18, 2)
    assert not visits.full_export
    assert visits.columns[0].not_null, "a column of the key is never null"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("schema: raw_shop", "schema: shop", "raw_shop"),
        ("business_unit: Shop, ", "", "business_unit"),
        ("file: orders.csv, ", "", "file"),
        ("file: orders.csv", "file: ../orders.csv", "outside"),
        ("primary_key: [order_id], ", "", "primary_key"),
        ("primary_key: [order_id]", "primary_key: [id]", "names id"),
        ("primary_key: [order_id]", "primary_key: [order_id], cursor: moved_at", "cursor of the table orders"),
        ('data_type: "decimal(18,2)", ', "", "data_type"),
        ("decimal(18,2)", "money", "money, which is not supported"),
        ("decimal(18,2)", "decimal(40,2)", "not supported"),
        ("description: Amount.", 'description: ""', "description"),
        ("name: note", "name: amount", "amount more than once"),
        ("name: note", "name: Note", "Note"),
        ("full_export: true", "full_export: perhaps", "perhaps"),
        ("sources:", "models:", "lacks `sources`"),
        ("    schema: raw_shop", "    schema: raw_shop\n    schema: raw_shop", "6: The key `schema` is given twice"),
        ("name: shop", "name: 7", "`name` is 7, where text is meant"),
        ("currency: USD", "currency: USD, role: sales", "Choose one of: crm, billing, support"),
        ("version: 2", "version: [", "YAML"),
    ],
)
def test_an_incomplete_entry_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "_sources.yml"
    path.write_text(YAML.replace(old, new, 1))
    with pytest.raises(ScorecardError, match=r"_sources\.yml") as error:
        read_contracts(path)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "where", "close"),
    [
        ("business_unit: Shop, ", "business_unit: Shop, curency: USD, ", "7: Unknown key `curency`", "currency"),
        ("file: orders.csv, ", "file: orders.csv, date_fromat: x, ", "11: Unknown key `date_fromat`", "date_format"),
        (
            "description: Amount.",
            "description: Amount., config: {meta: {optinal: true}}",
            "14: Unknown key",
            "optional",
        ),
        ("description: Amount.", "description: Amount., conifg: {meta: {optional: true}}", "14: Unknown key", "config"),
        ("description: Amount.", "description: Amount., config: {mata: {optional: true}}", "14: Unknown key", "meta"),
        (
            "description: Amount.",
            "description: Amount., meta: {optional: true}",
            "14: `meta` stands beside",
            "config.meta",
        ),
    ],
)
def test_a_misspelt_key_is_refused_with_the_one_that_was_meant(
    tmp_path: Path, old: str, new: str, where: str, close: str
) -> None:
    path = tmp_path / "_sources.yml"
    path.write_text(YAML.replace(old, new, 1))
    with pytest.raises(ScorecardError, match=r"_sources\.yml") as error:
        read_contracts(path)
    assert where in str(error.value)
    assert f"Write {close}" in str(error.value) or f"Write it as {close}" in str(error.value)


def test_the_fingerprint_follows_what_is_read_not_what_is_said(shop: Shop) -> None:
    before = shop.source.objects[0].fingerprint
    shop.yaml.write_text(YAML.replace("Amount.", "What was paid."))
    assert shop.source.objects[0].fingerprint == before
    shop.yaml.write_text(YAML.replace("decimal(18,2)", "decimal(18,3)"))
    assert shop.source.objects[0].fingerprint != before


@pytest.mark.samples
def test_the_bundled_sources_are_complete() -> None:
    contracts = load_contracts(load_settings())
    assert {name: len(c.objects) for name, c in contracts.items()} == {
        **{"maven_crm": 4, "ravenstack": 5},
        **{"company": 4, "company_maven_hardware": 5, "company_ravenstack_saas": 5},
    }
