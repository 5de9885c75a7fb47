"""The catalogues below reports/locales: updated from declarations, and checked.

A message belongs to the catalogue that has it in any language; a message of no catalogue is the company's.
"""

import io
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from typing import TYPE_CHECKING, Any

from scorecard.shared.errors import ScorecardError
from scorecard.shared.languages import COMPANY, ENGLISH, PAGES, catalogues, languages, read_catalogue
from scorecard.translations import extractors

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog, Message

_SOURCES: tuple[tuple[str, Any], ...] = (
    ("dbt_project/models/kpis/*.yml", extractors.metric),
    ("dbt_project/derived/*.yml", extractors.derived),
    ("dbt_project/dimensions/*.yml", extractors.dimensions),
    ("dbt_project/models/staging/*/_sources.yml", extractors.caveats),
    ("dbt_project/models/core/**/*.yml", extractors.gaps),
    ("reports/*.yml", extractors.scorecard),
    ("expectations/*.yml", extractors.rules),
    ("dbt_project/models/**/*.yml", extractors.data_tests),
    ("dbt_project/tests/*.sql", extractors.singular_test),
    ("company/**/targets.csv", extractors.table),
    ("company/**/actions.csv", extractors.table),
    ("scorecard/**/*.py", "python"),
)
_KEYWORDS = {
    "Phrase": None,
    "gettext": None,
    "pgettext": ((1, "c"), 2),
    "ngettext": (1, 2),
}
_Id = tuple[str, str | None]
"""A message's English text (of one, where it depends on a number) and its context."""


@dataclass(frozen=True)
class Found:
    """A text of the project: of one and of several where it depends on a number."""

    text: str | tuple[str, ...]
    context: str | None
    path: Path
    line: int


@dataclass(frozen=True)
class Report:
    """What is wrong in one catalogue of a language. A missing word of the company's own is not an error."""

    language: str
    path: Path
    messages: int
    problems: tuple[str, ...]
    is_company: bool


def extract(project: Path) -> dict[_Id, list[Found]]:
    """Return the texts of a project that readers see, by message, with the places where they stand."""
    from babel.messages.extract import extract as babel_extract

    texts: dict[_Id, list[Found]] = {}
    for pattern, method in _SOURCES:
        for path in sorted(project.glob(pattern)):
            with path.open("rb") as file:
                for line, message, _, context in babel_extract(method, file, keywords=_KEYWORDS):
                    place = Found(message, context, path.relative_to(project), line)
                    texts.setdefault((_one(message), context), []).append(place)
    return texts


def update(project: Path, catalogue: str = COMPANY) -> list[Path]:
    """Add what is new to a catalogue of every language but English, and remove what no declaration has any more.

    A language that lacks another of the catalogues gets it, without words.

    Parameters
    ----------
    catalogue: the file's name; the product's own are for those who change the product.

    Returns
    -------
    The files that were written.

    Raises
    ------
    ScorecardError: a catalogue can't be read.
    """
    reports, texts = project / "reports", extract(project)
    owners = _owners(reports)
    written = []
    for name in sorted({catalogue, *owners.values()}):
        own = {key: places for key, places in texts.items() if owners.get(key, catalogue) == name}
        for language in (language for language in languages(reports) if language != ENGLISH):
            path = reports / "locales" / language / "LC_MESSAGES" / name
            is_due = (own or path.exists()) if name == catalogue else (own and not path.exists())
            if is_due and _update(path, language, own):
                written.append(path)
    return written


def check(project: Path) -> list[Report]:
    """Return the gaps of every catalogue of every language. Raises as `update`."""
    reports, texts = project / "reports", extract(project)
    owners = _owners(reports)
    reports_by_file = []
    for language in (language for language in languages(reports) if language != ENGLISH):
        for name in sorted({*owners.values(), COMPANY}):
            own = {key: places for key, places in texts.items() if owners.get(key, COMPANY) == name}
            path = reports / "locales" / language / "LC_MESSAGES" / name
            messages = _messages(path, language) if path.exists() else {}
            if own or messages:
                reports_by_file.append(
                    Report(language, path, len(own), tuple(_problems(own, messages)), name == COMPANY)
                )
        reports_by_file.append(_pages(reports, language))
    return reports_by_file


def _pages(reports: Path, language: str) -> Report:
    """Return which sentences of the pages a language lacks: English has them all."""
    english, path = (reports / "locales" / code / "LC_MESSAGES" / PAGES for code in (ENGLISH, language))
    needed, present = _messages(english, ENGLISH), _messages(path, language)
    problems = [f"`{text}` has no words." for text, context in needed if not _is_said(present.get((text, context)))]
    return Report(language, path, len(needed), tuple(problems), False)


def _problems(own: dict[_Id, list[Found]], messages: "dict[_Id, Message]") -> Iterator[str]:
    for key, places in own.items():
        where = f"{places[0].path}, line {places[0].line}: {key[0]!r}"
        message = messages.get(key)
        if not _is_said(message):
            yield f"{where} has no words{' that a person has looked at' if message and message.fuzzy else ''}."
        elif message and (odd := sorted(_names(message.string) - _names(places[0].text))):
            yield f"{where} has words that name {', '.join(odd)} in braces, which the English text does not."


def _is_said(message: "Message | None") -> bool:
    if message is None or message.fuzzy:
        return False
    return all(message.string) if isinstance(message.string, tuple | list) else bool(message.string)


def _names(text: Any) -> set[str]:
    parts = (text,) if isinstance(text, str) else text
    return {name for part in parts for name in _braces(part)}


def _braces(text: str) -> set[str]:
    try:
        return {name for _, name, _, _ in Formatter().parse(text) if name}
    except ValueError:
        return set()


def _owners(reports: Path) -> dict[_Id, str]:
    """Return the catalogue of each message: the one that has it in any language."""
    owners: dict[_Id, str] = {}
    for language in languages(reports):
        for path in catalogues(reports, language):
            for key in _messages(path, language):
                if path.name != COMPANY:
                    owners[key] = path.name
                else:
                    owners.setdefault(key, COMPANY)
    return owners


def _messages(path: Path, language: str) -> "dict[_Id, Message]":
    if not path.exists():
        raise ScorecardError(f"{path} is missing.", "Add it; reports/locales/en has the sentences of the pages.")
    return {(_one(message.id), message.context): message for message in read_catalogue(path, language) if message.id}


def _one(text: str | tuple[str, ...] | list[str]) -> str:
    return text if isinstance(text, str) else text[0]


def _update(path: Path, language: str, own: dict[_Id, list[Found]]) -> bool:
    """Bring one file up to date; return whether it changed. Words of removed texts are dropped."""
    from babel.messages.catalog import Catalog

    template = Catalog(fuzzy=False)
    for (_, context), places in own.items():
        files: Any = sorted({(str(place.path), None) for place in places})
        template.add(places[0].text, context=context, locations=files)
    known = read_catalogue(path, language) if path.exists() else Catalog(locale=language, fuzzy=False)
    known.update(template, update_header_comment=False)
    before = path.read_bytes() if path.exists() else b""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_written(known, path))
    return path.read_bytes() != before


def _written(catalog: "Catalog", path: Path) -> bytes:
    """Return a catalogue as text: its first comment, a header without dates, and the messages in order."""
    from babel.messages.pofile import write_po

    comment = _first_comment(path) or f"# Words of {catalog.locale_identifier}, by their English text.\n"
    header = (
        'msgid ""\nmsgstr ""\n'
        f'"Language: {catalog.locale_identifier}\\n"\n'
        '"Content-Type: text/plain; charset=utf-8\\n"\n'
        '"Content-Transfer-Encoding: 8bit\\n"\n'
        f'"Plural-Forms: {catalog.plural_forms}\\n"\n\n'
    )
    text = io.BytesIO()
    write_po(text, catalog, width=0, omit_header=True, ignore_obsolete=True, include_lineno=False, sort_output=True)
    return (comment + header).encode() + text.getvalue()


def _first_comment(path: Path) -> str:
    lines = path.read_text("utf-8").splitlines(keepends=True) if path.exists() else []
    return "".join(itertools.takewhile(lambda line: line.startswith("#"), lines))
