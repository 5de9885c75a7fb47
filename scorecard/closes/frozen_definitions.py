"""The definitions and words that a close freezes: metrics, settings, and texts in the scorecard's languages.

The words of a table are JSON by language in its column ``words``, beside the English texts.
`scorecard.shared.languages.frozen_words` reads them.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pyarrow as pa

from scorecard.catalogue import Metric, Scorecard, load_dimensions, own_reasons
from scorecard.catalogue.dbt_lists import core_models
from scorecard.closes.frozen_scope import CloseScope
from scorecard.shared.languages import ENGLISH, Translations, load_translations
from scorecard.shared.settings import Settings


def definitions_of(settings: Settings, scope: CloseScope, horizons: dict[str, Any]) -> dict[str, Any]:
    """Return the content of definitions.json: the scorecard, its metrics and settings, horizons and own words."""
    scorecard = scope.scorecard
    # Recipients and due dates are not part of the content, so that a new recipient makes no edition.
    entry = _in_languages(asdict(scorecard), ("title", "purpose"), scorecard)
    for name in ("recipients", "domains", "due"):
        del entry[name]
    words = ("label", "definition", "formula", "caveat", "pending")
    return {
        "scorecard": entry,
        "metrics": {metric.name: _in_languages(asdict(metric), words, scorecard) for metric in scope.metrics},
        **(
            {"behind": {metric.name: _in_languages(asdict(metric), words, scorecard) for metric in scope.behind}}
            if scope.behind
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
        **_own_reasons(settings, scorecard, scope.metrics),
    }


def _in_languages(entry: dict[str, Any], words: Sequence[str], scorecard: Scorecard) -> dict[str, Any]:
    """Return an entry whose words are in English and in the scorecard's languages only."""
    languages = {ENGLISH, *scorecard.languages}
    chosen = {
        name: {language: entry[name][language] for language in entry[name] if language in languages}
        for name in words
        if entry[name] is not None
    }
    return {**entry, **chosen}


def _own_dimensions(settings: Settings, scorecard: Scorecard) -> dict[str, Any]:
    """Return the labels of the company's own dimensions on the pages. The program has the product's labels."""
    shown = {dimension for _, dimension in scorecard.breakdowns}
    own = {
        name: _in_languages(asdict(dimension), ("label",), scorecard)["label"]
        for name, dimension in load_dimensions(settings).items()
        if name in shown and not dimension.is_product
    }
    return {"dimensions": own} if own else {}


def _own_reasons(settings: Settings, scorecard: Scorecard, metrics: Sequence[Metric]) -> dict[str, Any]:
    """Return the reasons of the company's own gaps. The program has the reasons of the product's gaps."""
    gaps = {gap for metric in metrics for gap in metric.na_where}
    translations = load_translations(settings.project / "reports")
    own = {
        gap: _in_languages({"reason": translations.of_text(reason)}, ("reason",), scorecard)["reason"]
        for gap, reason in own_reasons(core_models(settings)).items()
        if gap in gaps
    }
    return {"reasons": own} if own else {}


def _fiscal(settings: Settings) -> dict[str, Any]:
    """Return the settings of the fiscal year. Its default name is left out, as in closes of the first release."""
    fiscal = settings.fiscal
    year_name = {} if fiscal.named_after == "end" else {"fiscal_year_named_after": fiscal.named_after}
    return {"fiscal_year_start_month": fiscal.first_month, **year_name}


def with_words(
    table: pa.Table, columns: Sequence[str], languages: Iterable[str], translations: Translations
) -> pa.Table:
    """Return a table with the column ``words``: the texts of some columns in each language except English."""
    others = sorted({*languages} - {ENGLISH})
    rows = [_words(row, others, translations) for row in table.select(list(columns)).to_pylist()]
    return table.append_column("words", pa.array([_json(words) for words in rows], pa.string()))


def _words(row: Mapping[str, Any], languages: Sequence[str], translations: Translations) -> dict[str, dict[str, str]]:
    texts = {column: text for column, text in row.items() if text}
    words = {
        language: {
            column: translation
            for column, text in texts.items()
            if (translation := translations.text(language, text)) != text
        }
        for language in languages
    }
    return {language: translation for language, translation in words.items() if translation}


def of_languages(table: pa.Table, languages: Collection[str]) -> pa.Table:
    """Return a table whose column ``words`` has only some languages."""
    position = table.column_names.index("words")
    kept = [
        _json(
            {
                language: translation
                for language, translation in json.loads(words or "{}").items()
                if language in languages
            }
        )
        for words in table["words"].to_pylist()
    ]
    return table.set_column(position, "words", pa.array(kept, pa.string()))


def _json(words: Mapping[str, Any]) -> str:
    return json.dumps(words, ensure_ascii=False, sort_keys=True)
