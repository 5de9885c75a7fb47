"""Sentences of checks: English with names in braces, and their translations. Cheap to import."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from scorecard.shared.languages import Translations, filled_in

Sayings = Mapping[str, Mapping[str, str]]
"""By language: the name of a check; of a failure also its message and cure."""


@dataclass(frozen=True)
class Phrase:
    """An English text with names in braces. Babel finds the texts by the name of this class.

    values: what replaces the names: a text, a number, a phrase, or several phrases that `joined` puts together.
    context: tells equal texts apart. A text without words for its context has the words for no context.
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
        ScorecardError: the text names something that ``values`` lacks.
        """
        text = translated(self.text, self.context)
        filled = {
            name: value.written(translated) if isinstance(value, Phrase) else value
            for name, value in self.values.items()
        }
        return filled_in(text, filled, f"The words {text!r} of a check")


class Declared(Phrase):
    """A text of a declaration. Its braces are plain text."""

    def written(self, translated: Callable[[str, str | None], str]) -> str:
        """Return the text in another language."""
        return translated(self.text, self.context)


@dataclass(frozen=True)
class CheckWords:
    """The name of a check, its sentence about a failure, its cure, and its sentence if it passes."""

    name: Phrase
    failed: Phrase | None
    cure: Phrase
    passed: str = "It holds."

    def about(self, values: Mapping[str, Any]) -> "CheckWords":
        """Return the words with values for the names in the sentence about a failure."""
        return replace(self, failed=self.failed and replace(self.failed, values=values))


def joined(texts: Sequence[str | Phrase], separator: Phrase) -> Phrase:
    """Return texts or phrases one after another, with a separator between two."""
    values = {f"text{place}": text for place, text in enumerate(texts)}
    # A text of names alone needs no translation, so Babel must not see it.
    text = "{separator}".join(f"{{{name}}}" for name in values)
    return Phrase(text, {"separator": separator, **values})


def in_languages(translations: Translations, **phrases: Phrase | None) -> Sayings:
    """Return phrases by language and name. A phrase that a language has no words for is left out."""
    sayings: dict[str, dict[str, str]] = {}
    for language in translations.languages:
        translated = partial(translations.text, language)
        for name, phrase in phrases.items():
            if phrase is not None and (text := phrase.written(translated)) != phrase.english:
                sayings.setdefault(language, {})[name] = " ".join(text.split())
    return sayings


SPANS = CheckWords(
    Phrase("records end after they begin"),
    Phrase(
        "{failures:,} of {checked:,} records of {what} have {later} before {earlier}. Their durations are negative."
    ),
    Phrase("Correct the days at the source and extract again."),
)
FUTURE = CheckWords(
    Phrase("records are of days that have come"),
    Phrase(
        "{failures:,} of {checked:,} records of {what} have {column} after the day on which they were loaded, the last"
        " {last}. A plan or a slip of the pen: they are in no figure until that day."
    ),
    Phrase("Correct the days at the source, or give plans a column of their own."),
)
OUTCOME = CheckWords(
    Phrase("records have several outcomes"),
    Phrase(
        "All {checked:,} records of {what} have one outcome, {outcome} in {column}. Shares of them say nothing: is the"
        " export filtered?"
    ),
    Phrase("Export the records of every outcome, and extract again."),
)
GAPS = CheckWords(
    Phrase("no days are missing"),
    Phrase(
        "Between {since} and {until} no record of {what} has {column}, where about {missing:,} were to be expected by"
        " the days around. Their figures are too low if an export is missing."
    ),
    Phrase("Export that time again and extract, unless nothing happened in it."),
)
FALLS = CheckWords(
    Phrase("the last month has as many records as before"),
    Phrase(
        "In {month} there are {number:,} records of {what}, where the six months before have about {usual:,} each. An"
        " export that isn't whole looks like that."
    ),
    Phrase("Compare that month with the source, and export it again if it has more."),
)
NAMES = CheckWords(
    Phrase("names are told apart by more than their spelling"),
    Phrase(
        "{failures:,} names in {column} of {what} are written in several ways or stand for several records, as"
        " {examples}. Each counts as one of its own."
    ),
    Phrase("Correct the spelling at the source, declare it as an alias, or merge the records."),
)
