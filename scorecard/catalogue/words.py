"""Words of declarations: the one place that knows how they are written by language."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from scorecard.catalogue.checking import Text, wrong
from scorecard.catalogue.mistakes import Mistakes
from scorecard.catalogue.reading import Document, Place

Words = dict[str, str]
"""A text by language; English is always there."""


def _by_language(given: Any) -> Any:
    return {"en": given} if isinstance(given, str) else given


def _in_english(words: Any) -> Any:
    if "en" not in words:
        raise wrong("{key} has no English.", "Write it as `{en: …}`, and other languages beside.")
    return words


_SCHEMA = {
    "anyOf": [
        {"type": "string", "minLength": 1},
        {"type": "object", "additionalProperties": {"type": "string", "minLength": 1}, "required": ["en"]},
    ]
}
DeclaredWords = Annotated[
    dict[Text, Text], BeforeValidator(_by_language), AfterValidator(_in_english), WithJsonSchema(_SCHEMA)
]
"""Words as a file has them: English text, or a mapping by language."""
DeclaredForms = Annotated[dict[Text, tuple[Text, ...]], AfterValidator(_in_english)]
"""Words that depend on a number: of one, then of several, by language."""


def filled(
    document: Document, place: Place, words: Words | None, parameters: Mapping[str, Any], mistakes: Mistakes
) -> Words | None:
    """Return words with parameters put where ``{name}`` stands for one; note a name that is no parameter."""
    if words is None:
        return None
    texts = {}
    for language, text in words.items():
        for name, value in parameters.items():
            text = text.replace(f"{{{name}}}", str(value))
        if left := re.search(r"\{\w*\}", text):
            line = document.line(*place, language)
            mistakes.note(
                document.path, line, f"`{place[-1]}` has {left[0]}, which is no parameter.", "Add it to `parameters`."
            )
        texts[language] = text
    return texts
