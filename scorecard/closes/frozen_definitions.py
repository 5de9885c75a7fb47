"""What a close says of its scorecard's definitions: metrics, settings, and the company's own words."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from scorecard.catalogue import Metric, Scorecard, load_dimensions, own_reasons
from scorecard.catalogue.dbt_lists import core_models
from scorecard.shared.languages import ENGLISH, load_translations
from scorecard.shared.settings import Settings


def definitions_of(
    settings: Settings,
    scorecard: Scorecard,
    metrics: list[Metric],
    behind: list[Metric],
    horizons: dict[str, Any],
) -> dict[str, Any]:
    """Return what definitions.json says: the scorecard, its metrics and settings, horizons and own words."""
    # Who receives a scorecard, and when, is not what it says: a new reader makes no new edition.
    entry = _in_languages(asdict(scorecard), ("title", "purpose"), scorecard)
    for name in ("recipients", "domains", "due"):
        del entry[name]
    words = ("label", "definition", "formula", "caveat", "pending")
    return {
        "scorecard": entry,
        "metrics": {metric.name: _in_languages(asdict(metric), words, scorecard) for metric in metrics},
        **(
            {"behind": {metric.name: _in_languages(asdict(metric), words, scorecard) for metric in behind}}
            if behind
            else {}
        ),
        "settings": {
            "company": settings.company,
            "timezone": settings.timezone,
            "currency": settings.currency,
            **_fiscal(settings),
        },
        "horizons": horizons,
        **_own_dimensions(settings, scorecard),
        **_own_reasons(settings, scorecard, metrics),
    }


def _in_languages(entry: dict[str, Any], words: Sequence[str], scorecard: Scorecard) -> dict[str, Any]:
    """Keep of an entry's words those in English, and those in the languages that the scorecard has."""
    kept = {ENGLISH, *scorecard.languages}
    chosen = {
        name: {language: entry[name][language] for language in entry[name] if language in kept}
        for name in words
        if entry[name] is not None
    }
    return {**entry, **chosen}


def _own_dimensions(settings: Settings, scorecard: Scorecard) -> dict[str, Any]:
    """Return the names of the company's own dimensions that the pages show. The product's come with the program."""
    shown = {dimension for _, dimension in scorecard.breakdowns}
    own = {
        name: _in_languages(asdict(dimension), ("label",), scorecard)["label"]
        for name, dimension in load_dimensions(settings).items()
        if name in shown and not dimension.is_product
    }
    return {"dimensions": own} if own else {}


def _own_reasons(settings: Settings, scorecard: Scorecard, metrics: Sequence[Metric]) -> dict[str, Any]:
    """Return by gap of the company's own why there is no value. The product's reasons come with the program."""
    named = {gap for metric in metrics for gap in metric.na_where}
    translations = load_translations(settings.project / "reports")
    own = {
        gap: _in_languages({"reason": translations.of_text(reason)}, ("reason",), scorecard)["reason"]
        for gap, reason in own_reasons(core_models(settings)).items()
        if gap in named
    }
    return {"reasons": own} if own else {}


def _fiscal(settings: Settings) -> dict[str, Any]:
    """Return what is said of the fiscal year. Of the default name nothing is, as in closes of the first release."""
    fiscal = settings.fiscal
    named = {} if fiscal.named_after == "end" else {"fiscal_year_named_after": fiscal.named_after}
    return {"fiscal_year_start_month": fiscal.first_month, **named}
