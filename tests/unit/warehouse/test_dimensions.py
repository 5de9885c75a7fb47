"""The dimensions as dbt's macros read them: declared once, and summed with those around them."""

from collections.abc import Callable
from typing import Any

import jinja2
import pytest
import yaml

from scorecard.catalogue import Dimension, around, load_dimensions, member_in_sql, parts_in_sql, renamed_pair
from scorecard.shared.settings import PROJECT, load_settings
from scorecard.warehouse.variables import declared_dimensions

OWN = yaml.safe_load((PROJECT / "dbt_project" / "dimensions" / "product.yml").read_text(encoding="utf-8"))["dimensions"]
"""The dimensions of the product. A company has its own beside them."""
DECLARED = load_dimensions(load_settings())
PRODUCT = {name: DECLARED[name] for name in DECLARED if name in {"company", *(entry["name"] for entry in OWN)}}
NAMES = list(PRODUCT)
NESTED = ["company", "business_unit", "region", "team", "rep"]
OTHERS = [["product"], ["segment"], ["country"], ["movement"]]


class Returned(Exception):
    """Carries what dbt's ``return`` gives out of a template."""


def give(value: Any) -> None:
    raise Returned(value)


@pytest.fixture
def families() -> Callable[..., list[list[str]]]:
    """The macro `families`, for some of the declared dimensions."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(PROJECT / "dbt_project"), extensions=["jinja2.ext.do"]
    )

    def call(present: list[str], *own: Dimension) -> list[list[str]]:
        declared = {**PRODUCT, **{dimension.name: dimension for dimension in own}}
        known = {"dimensions": declared_dimensions(declared)}
        macros: Any = environment.get_template(
            "macros/dimensions.sql", globals={"return": give, "var": known.__getitem__}
        )
        with pytest.raises(Returned) as returned:
            macros.module.families(present)
        names: list[list[str]] = returned.value.args[0]
        return names

    return call


def test_dbt_by_hand_has_the_dimensions_of_the_product() -> None:
    project = yaml.safe_load((PROJECT / "dbt_project" / "dbt_project.yml").read_text(encoding="utf-8"))
    assert project["vars"]["dimensions"] == declared_dimensions(PRODUCT)


def test_what_is_around_a_dimension_is_listed_from_the_nearest() -> None:
    assert around(PRODUCT["rep"], PRODUCT) == ["team", "region", "business_unit", "company"]
    assert around(PRODUCT["product"], PRODUCT) == []


def test_nested_dimensions_are_summed_together(families: Callable[..., list[list[str]]]) -> None:
    assert families(NAMES) == [NESTED, *OTHERS]
    assert families(["company", "business_unit", "region", "rep"]) == [["company", "business_unit", "region", "rep"]]
    assert families(["company", "country"]) == [["company"], ["country"]]


def test_a_member_counts_in_one_family(families: Callable[..., list[list[str]]]) -> None:
    """A region in two families would be summed twice."""
    store = Dimension("store", {"en": "Store"}, "region", is_product=False)
    shelf = Dimension("shelf", {"en": "Shelf"}, "store", is_product=False)
    assert families([*NAMES, "store", "shelf"], store, shelf) == [NESTED, *OTHERS, ["store", "shelf"]]
    assert families(["company", "region", "shelf"], store, shelf) == [["company", "region", "shelf"]]


def test_pairs_of_names_with_a_cross_stay_apart() -> None:
    import duckdb

    pairs = [("A × B", "C"), ("A", "B × C"), ("A ×", "C"), ("A", "× C"), ("A", None)]
    with duckdb.connect() as db:
        sql = f"select {member_in_sql(('product', 'region'))} from (select $product as product, $region as region)"
        members = [
            db.execute(sql, {"product": product, "region": region}).fetchall()[0][0] for product, region in pairs
        ]
        parts = f"select {', '.join(parts_in_sql('$member'))}"
        assert [db.execute(parts, {"member": member}).fetchone() for member in members[:-1]] == pairs[:-1]
    called = {("product", "A × B"): "A", ("region", "C"): "×"}
    assert renamed_pair(members[0], ("product", "region"), called) == "A × ××"
    assert renamed_pair("C", ("product", "region"), called) == "C"
    assert len(set(members)) == len(pairs)
    assert members[-1] is None
    assert [[part.replace("××", "×") for part in member.split(" × ")] for member in members[:-1]] == [
        list(pair) for pair in pairs[:-1]
    ]
