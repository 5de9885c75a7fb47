"""What a source says of a metric is told of its own unit's figures, and of no other's."""

from dataclasses import replace

import pytest

from scorecard.catalogue import declared_sources, load_catalogue, with_caveats
from scorecard.shared.languages import Translations
from scorecard.shared.settings import Settings

BEGINS, LATE = "The export begins in 2016.", "Deals come a day late."
WORDS = Translations({"ja": {BEGINS: "2016年から。", LATE: "一日遅れる。"}})


def caveats(name: str, unit: str) -> dict[str, str] | None:
    settings = Settings()
    metric = load_catalogue(settings).metrics[name]
    source = declared_sources(settings)["maven_crm"]
    sources = [
        replace(source, business_unit="North", caveats={"sales_cycle_length": BEGINS}),
        replace(source, business_unit="North", caveats={"sales_cycle_length": LATE}),
        replace(source, business_unit="South", caveats={"sales_cycle_length": "Another one."}),
    ]
    (with_caveat,) = with_caveats([metric], sources, unit, WORDS)
    return with_caveat.caveat


@pytest.mark.samples
def test_caveats_are_those_of_the_units_sources() -> None:
    joined = {"en": f"{BEGINS} {LATE}", "ja": "2016年から。一日遅れる。"}
    assert caveats("sales_cycle_length", "North") == joined
    assert caveats("sales_cycle_length_mean", "North") == joined, "a metric beside another rests on its records"
    assert caveats("sales_cycle_length", "South") == {"en": "Another one."}
    assert caveats("sales_cycle_length", "West") is None
    assert caveats("won_deals", "North") is None


def test_a_caveat_of_the_metric_itself_holds_in_every_unit() -> None:
    settings = Settings()
    metric = replace(load_catalogue(settings).metrics["won_deals"], caveat={"en": "In any unit."})
    (with_caveat,) = with_caveats([metric], declared_sources(settings).values(), "West", WORDS)
    assert with_caveat.caveat == {"en": "In any unit."}
