"""Words of declarations: English in the file itself, other languages in gettext catalogues."""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from scorecard.catalogue.mistakes import Mistakes
from scorecard.catalogue.validation import Text, wrong
from scorecard.catalogue.yaml_files import Place, YamlFile
from scorecard.shared.languages import Translations, Words


def _one_language(given: Any) -> Any:
    if isinstance(given, Mapping):
        cure = "Write the English text alone; other languages have theirs in reports/locales/<language>/LC_MESSAGES."
        raise wrong("{key} is a mapping.", cure)
    return given


DeclaredText = Annotated[Text, BeforeValidator(_one_language)]
"""A text as a file has it: in English."""
DeclaredForms = Annotated[tuple[Text, ...], BeforeValidator(_one_language), Field(min_length=2, max_length=2)]
"""A text that depends on a number: of one, then of several."""


def filled(
    document: YamlFile,
    place: Place,
    text: str | None,
    parameters: Mapping[str, Sequence[Any]],
    translations: Translations,
    mistakes: Mistakes,
) -> Words | None:
    """Return a text by language with its parameters filled in, as ``{name}``; note an unknown parameter."""
    if text is None:
        return None
    words = {language: _put(translation, parameters) for language, translation in translations.of_text(text).items()}
    for translation in words.values():
        if left := re.search(r"\{\w*\}", translation):
            problem = f"`{place[-1]}` has the unknown parameter {left[0]}."
            mistakes.note(document.path, document.line(*place), problem, "Add it to `parameters`.")
            break
    return words


def _put(text: str, parameters: Mapping[str, Sequence[Any]]) -> str:
    for name, numbers in parameters.items():
        text = text.replace(f"{{{name}}}", " / ".join(map(str, numbers)))
    return text
