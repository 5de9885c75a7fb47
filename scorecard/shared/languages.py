"""Declarations in other languages: gettext catalogues below reports/locales, a folder for each language.

Declarations are in English; a catalogue holds the translations. ``scorecard.po`` is different: it holds the sentences
of the pages, under ids.
"""

import gettext
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scorecard.shared.errors import ScorecardError

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog

ENGLISH = "en"
PAGES = "scorecard.po"
COMPANY = "company.po"
Words = dict[str, str]
"""A text by language; English is always there."""


def languages(reports: Path) -> list[str]:
    """Return the languages that pages are offered in: those with a folder that has the pages' sentences."""
    return sorted(path.parts[-3] for path in reports.glob(f"locales/*/LC_MESSAGES/{PAGES}"))


def catalogues(reports: Path, language: str) -> list[Path]:
    """Return the files with a language's words for declarations, a company's own first: it goes before the others."""
    folder = reports / "locales" / language / "LC_MESSAGES"
    paths = (path for path in folder.glob("*.po") if path.name != PAGES)
    return sorted(paths, key=lambda path: (path.name != COMPANY, path.name))


def read_catalogue(path: Path, language: str) -> "Catalog":
    """Return the messages of a file as Babel reads them.

    Raises
    ------
    ScorecardError: it is not a gettext catalogue, or its language is unknown.
    """
    from babel.core import UnknownLocaleError
    from babel.messages.pofile import PoFileError, read_po

    try:
        with path.open("rb") as file:
            return read_po(file, locale=language, abort_invalid=True)
    except UnknownLocaleError as error:
        raise ScorecardError(
            f"{path} is in a folder of the unknown language {language!r}.",
            "Name the folder by the code of its language, such as ja.",
        ) from error
    except (PoFileError, UnicodeDecodeError, ValueError) as error:
        raise ScorecardError(
            f"{path} cannot be read as a gettext catalogue: {error}.",
            "Correct the line that the message names, or save the file as UTF-8.",
        ) from error


@dataclass(frozen=True)
class Translations:
    """The words of every language but English: by the English text, and by its context where equal texts differ."""

    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    forms: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that have words."""
        return tuple(self.texts)

    def text(self, language: str, english: str, context: str | None = None) -> str:
        """Return a text in a language; in English where the language has none."""
        texts = self.texts.get(language, {})
        if context is not None and (in_context := texts.get(keyed(english, context))):
            return in_context
        return texts.get(english, english)

    def of_text(self, english: str) -> Words:
        """Return a text in each language that has it."""
        others = {language: texts[english] for language, texts in self.texts.items() if english in texts}
        return {ENGLISH: english, **others}

    def of_forms(self, english: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Return, by language, the forms of a text that depends on a number; in English of one, then of several."""
        others = {language: forms[english[0]] for language, forms in self.forms.items() if english[0] in forms}
        return {ENGLISH: tuple(english), **others}


def keyed(english: str, context: str | None) -> str:
    """Return a text and its context as gettext joins them."""
    return english if context is None else f"{context}\x04{english}"


def load_translations(reports: Path) -> Translations:
    """Read the words of every language. Raises as `read_catalogue`."""
    files = tuple(
        (language, path, path.stat().st_mtime_ns)
        for language in languages(reports)
        if language != ENGLISH
        for path in catalogues(reports, language)
    )
    return _read(files)


@cache
def _read(files: tuple[tuple[str, Path, int], ...]) -> Translations:
    texts: dict[str, dict[str, str]] = {language: {} for language, _, _ in files}
    forms: dict[str, dict[str, tuple[str, ...]]] = {language: {} for language, _, _ in files}
    for language, path, _ in files:
        for message in read_catalogue(path, language):
            if not message.id or message.fuzzy:
                continue
            # Babel gives a pair and its forms as tuples, any other message as texts.
            text, translated = message.id, message.string
            if isinstance(text, tuple) and isinstance(translated, tuple) and all(translated):
                forms[language].setdefault(text[0], translated)
            elif isinstance(text, str) and isinstance(translated, str) and translated:
                texts[language].setdefault(keyed(text, message.context), translated)
    return Translations(texts, forms)


def frozen_words(row: Mapping[str, Any], columns: Sequence[str]) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """Return a row's texts in English, and by language, of a close of any release. Empty texts are left out.

    Closes of earlier releases have a column for each language, as ``what_en`` and ``what_ja``, or ``reason`` and
    ``reason_ja``; later ones have the English texts, and the others as JSON by language in the column ``words``.
    """
    words: dict[str, dict[str, str]] = {ENGLISH: {column: row[column] for column in columns if row.get(column)}}
    for name, text in row.items():
        column, _, language = name.rpartition("_")
        if column in columns and len(language) == 2 and text:
            words.setdefault(language, {})[column] = text
    for language, texts in json.loads(row.get("words") or "{}").items():
        words[language] = {column: text for column, text in texts.items() if text}
    return words.pop(ENGLISH), words


@cache
def plural_form(language: str, number: int) -> int:
    """Return which of a language's forms goes with a number, by the rule that gettext has for it."""
    from babel.messages.plurals import get_plural

    return int(gettext.c2py(get_plural(language).plural_expr)(number))


@dataclass(frozen=True)
class Forms:
    """A text that depends on a number, with a form for each class of numbers that its language has."""

    language: str
    texts: tuple[str, ...]

    def of(self, number: int) -> str:
        """Return the form that goes with a number."""
        return self.texts[min(plural_form(self.language, number), len(self.texts) - 1)]


def filled_in(message: str, values: Mapping[str, object], what: str) -> str:
    """Return a message with values in place of its names in braces.

    Parameters
    ----------
    what: names the message in an error, as `The words 'x' of a check`.

    Raises
    ------
    ScorecardError: the message has a name that no value is given for, or its braces are broken.
    """
    try:
        return message.format(**values)
    except (KeyError, IndexError, ValueError) as error:
        raise ScorecardError(
            f"{what} can't be filled in: {error!r}.",
            f"Use only these names in braces: {', '.join(sorted(values)) or 'none'}.",
        ) from error
