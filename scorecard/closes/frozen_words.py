"""Words that a close freezes beside its English texts, as JSON by language in the column ``words`` of its tables.

`scorecard.shared.languages.frozen_words` reads them, and those of closes of earlier releases.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from scorecard.shared.languages import ENGLISH, Translations


def with_words(
    table: pa.Table, columns: Sequence[str], languages: Iterable[str], translations: Translations
) -> pa.Table:
    """Return a table with the column ``words``: what the texts of some columns are in each language but English."""
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
    """Return a table whose column ``words`` keeps these languages only."""
    place = table.column_names.index("words")
    kept = [
        _json(
            {
                language: translation
                for language, translation in json.loads(text or "{}").items()
                if language in languages
            }
        )
        for text in table["words"].to_pylist()
    ]
    return table.set_column(place, "words", pa.array(kept, pa.string()))


def _json(words: Mapping[str, Any]) -> str:
    return json.dumps(words, ensure_ascii=False, sort_keys=True)
