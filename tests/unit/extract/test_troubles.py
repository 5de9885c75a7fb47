"""What keeps a source from being up to date is noted with it, and forgotten once it is read without trouble."""

import pytest

from scorecard.extract.raw import troubles
from scorecard.shared.errors import ScorecardError

from .conftest import ORDERS, VISITS, Shop


def test_what_failed_is_noted_by_object_until_the_source_is_read(loaded: Shop) -> None:
    assert troubles.read_all(loaded.settings) == []
    loaded.write(ORDERS.replace("amount", "total"))
    loaded.write(b"day,\xff\n", "visits.csv")
    with pytest.raises(ScorecardError):
        loaded.extract()
    orders, visits = troubles.read_all(loaded.settings)
    assert (orders.source, orders.business_unit, orders.object, orders.file) == ("shop", "Shop", "orders", "orders.csv")
    assert orders.kind == visits.kind == "failed"
    assert "lacks the column amount" in orders.problem
    assert "Export it with that column" in orders.cure
    assert (visits.object, visits.file, visits.sha256) == ("visits", "visits.csv", "")

    loaded.write(VISITS, "visits.csv")
    with pytest.raises(ScorecardError):
        loaded.extract()
    assert troubles.read_all(loaded.settings) == [orders], "the same trouble keeps its first moment"

    loaded.write(ORDERS)
    loaded.extract()
    assert troubles.read_all(loaded.settings) == []


def test_what_stops_a_whole_source_is_noted_without_an_object(shop: Shop) -> None:
    shop.settings.state.mkdir()
    shop.settings.warehouse.write_bytes(b"no database" * 1000)
    with pytest.raises(ScorecardError):
        shop.extract()
    (trouble,) = troubles.read_all(shop.settings)
    assert (trouble.object, trouble.file, trouble.kind) == ("", "", "failed")
    assert "is damaged" in trouble.problem


def test_a_fault_of_the_program_is_noted_without_its_words(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down(*_: object) -> None:
        raise RuntimeError("token=secret")

    monkeypatch.setattr("scorecard.extract.extract_files", break_down)
    with pytest.raises(RuntimeError):
        shop.extract()
    (trouble,) = troubles.read_all(shop.settings)
    assert trouble.problem == "The extraction of shop stopped with RuntimeError."
    assert "secret" not in trouble.cure


@pytest.mark.parametrize("content", ["", "[{}]", '{"a": 1}', '[{"source": "shop"', "\x00"])
def test_a_broken_list_is_named_and_written_anew(shop: Shop, content: str) -> None:
    path = shop.settings.state / "troubles" / "shop.json"
    path.parent.mkdir(parents=True)
    path.write_text(content)
    with pytest.raises(ScorecardError, match=r"troubles/shop\.json.*cannot be read") as error:
        troubles.read_all(shop.settings)
    assert "scorecard extract shop" in error.value.cure
    shop.write(b"\xff")
    with pytest.raises(ScorecardError, match="not UTF-8"):
        shop.extract()
    assert len(troubles.read_all(shop.settings)) == 1
    shop.write(ORDERS)
    shop.extract()
    assert troubles.read_all(shop.settings) == []
