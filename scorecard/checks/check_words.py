"""Sentences of checks: English with names in braces, and what they are in other languages. Cheap to import."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from scorecard.shared.errors import ScorecardError
from scorecard.shared.languages import Translations

Sayings = Mapping[str, Mapping[str, str]]
"""By language: name, and of a failure message and cure."""


@dataclass(frozen=True)
class Phrase:
    """An English text with names in braces. Babel finds the texts by the name of this class.

    values: what stands for the names: a text, a number, a phrase, or several phrases that `joined` put together.
    context: tells equal texts apart; without words of its own, the text has those of none.
    """

    text: str
    values: Mapping[str, Any] = field(default_factory=dict)
    context: str | None = None

    @property
    def english(self) -> str:
        """The text in English, filled in."""
        return self.written(lambda text, context: text)

    def written(self, translated: Callable[[str, str | None], str]) -> str:
        """Return the text in another language, filled in.

        Raises
        ------
        ScorecardError: it names what it is not given.
        """
        text = translated(self.text, self.context)
        filled = {
            name: value.written(translated) if isinstance(value, Phrase) else value
            for name, value in self.values.items()
        }
        try:
            return text.format(**filled)
        except (KeyError, IndexError, ValueError) as error:
            raise ScorecardError(
                f"The words {text!r} of a check can't be filled in: {error!r}.",
                f"Use only these names in braces: {', '.join(sorted(filled)) or 'none'}.",
            ) from error


class Declared(Phrase):
    """A text as a declaration has it, in which braces are no names."""

    def written(self, translated: Callable[[str, str | None], str]) -> str:
        """Return the text in another language."""
        return translated(self.text, self.context)


def joined(texts: Sequence[str | Phrase], separator: Phrase) -> Phrase:
    """Return texts or phrases one after another, with a separator between two."""
    values = {f"text{place}": text for place, text in enumerate(texts)}
    # None of these has words of its own, so Babel is not to see it.
    text = "{separator}".join(f"{{{name}}}" for name in values)
    return Phrase(text, {"separator": separator, **values})


def in_languages(translations: Translations, **phrases: Phrase | None) -> Sayings:
    """Return phrases by language and name: those of which there are words in a language."""
    sayings: dict[str, dict[str, str]] = {}
    for language in translations.languages:
        translated = partial(translations.text, language)
        for name, phrase in phrases.items():
            if phrase is not None and (text := phrase.written(translated)) != phrase.english:
                sayings.setdefault(language, {})[name] = " ".join(text.split())
    return sayings
