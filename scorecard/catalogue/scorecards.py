"""Scorecards: ``reports/<name>.yml`` says what one shows, of which business unit, how often and to whom."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, StrictInt

from scorecard.catalogue.declared_words import DeclaredText
from scorecard.catalogue.mistakes import Mistakes, WrongDeclarations
from scorecard.catalogue.validation import Entry, NotEmpty, Open, Text, check
from scorecard.catalogue.yaml_files import YamlFile, read_document
from scorecard.shared.keys import closest
from scorecard.shared.languages import Translations, Words
from scorecard.shared.periods import Grain
from scorecard.shared.schedule import LATEST, When

_NAME = re.compile(r"[A-Za-z0-9_-]+")
_ADDRESS = re.compile(r"[^@\s,;<>\"\x00-\x1f]+@[A-Za-z0-9.-]+")


class DueEntry(Entry):
    """When a period is due after its end: on which day or working day, and at which hour."""

    hour: StrictInt = Field(7, ge=0, le=23)
    day: StrictInt | None = Field(None, ge=1, description="1 is the first day after the period.")
    working_day: StrictInt | None = Field(None, ge=1, description="1 is the first working day after the period.")
    deadline_hours: StrictInt = Field(12, ge=1, le=24 * 31, description="Hours after which its owner is told.")


class AudienceEntry(Entry):
    """Who may read a scorecard."""

    domains: tuple[Text, ...] = Field(description="The domains of addresses that it may be sent to.")


class RecipientEntry(Entry):
    """Who gets a scorecard, and in which language."""

    email: Text
    language: Text


class BreakdownEntry(Entry):
    """A metric by the members of a dimension."""

    metric: Text
    dimension: Text


class ScheduleEntry(Open):
    """What a scorecard's file says of its cadences."""

    cadences: Annotated[tuple[Grain, ...], NotEmpty] = Field(description="The periods that it is published for.")
    due: dict[Grain, DueEntry] = Field({}, description="When a period of a cadence is due.")


class ScorecardEntry(ScheduleEntry, Entry):
    """A scorecard's file."""

    title: DeclaredText
    purpose: DeclaredText = Field(description="Which question it answers.")
    business_unit: Text
    metrics: Annotated[tuple[Text, ...], NotEmpty] = Field(description="The metrics it shows, in this order.")
    breakdowns: tuple[BreakdownEntry, ...]
    languages: Annotated[tuple[Text, ...], NotEmpty]
    audience: AudienceEntry
    recipients: tuple[RecipientEntry, ...]
    owner: Text = Field(description="Whom to ask: an address.")


@dataclass(frozen=True)
class Recipient:
    """Who gets a scorecard, and in which language."""

    email: str
    language: str


@dataclass(frozen=True)
class Scorecard:
    """What a scorecard shows, how often, and to whom."""

    name: str
    title: Words
    business_unit: str
    cadences: tuple[Grain, ...]
    due: dict[Grain, When]
    metrics: tuple[str, ...]
    breakdowns: tuple[tuple[str, str], ...]
    languages: tuple[str, ...]
    recipients: tuple[Recipient, ...]
    domains: tuple[str, ...]
    owner: str
    purpose: Words


@dataclass(frozen=True)
class Known:
    """The names that a scorecard may use. None where wrong declarations leave them unknown."""

    metrics: Collection[str] | None
    dimensions: Collection[str] | None
    units: Collection[str] | None


def read_scorecards(folder: Path, known: Known, translations: Translations, mistakes: Mistakes) -> dict[str, Scorecard]:
    """Return the scorecards of a folder by name; note what is wrong. A file with a mistake has none."""
    scorecards = {}
    for document in _documents(folder, mistakes):
        before = len(mistakes)
        entry = check(document, ScorecardEntry, mistakes)
        if entry is not None:
            due = _due(document, entry, mistakes)
            _check_names(document, entry, known, mistakes)
            _check_recipients(document, entry, mistakes)
            if len(mistakes) == before:
                scorecards[document.path.stem] = _scorecard(document.path.stem, entry, due, translations)
    return scorecards


def read_schedules(folder: Path) -> dict[str, dict[Grain, When]]:
    """Return, by scorecard and cadence, when a period is due. Only `cadences` and `due` of each file are checked.

    Raises
    ------
    WrongDeclarations: a scorecard's file can't be read, or its `cadences` or `due` is wrong.
    """
    mistakes = Mistakes()
    schedules = {}
    for document in _documents(folder, mistakes):
        entry = check(document, ScheduleEntry, mistakes)
        if entry is not None:
            schedules[document.path.stem] = _due(document, entry, mistakes)
    mistakes.raise_any()
    return schedules


def _documents(folder: Path, mistakes: Mistakes) -> Iterator[YamlFile]:
    for path in sorted(folder.glob("*.yml")):
        if not _NAME.fullmatch(path.stem):
            cure = "Rename the file: letters of English, digits, _ and - may be in it; the title may say more."
            mistakes.note(path, 1, f"{path.stem!r} cannot name a scorecard: files and DAGs get this name.", cure)
            continue
        try:
            yield read_document(path)
        except WrongDeclarations as error:
            mistakes.extend(error)


def _scorecard(name: str, entry: ScorecardEntry, due: dict[Grain, When], translations: Translations) -> Scorecard:
    return Scorecard(
        name=name,
        title=translations.of_text(entry.title),
        purpose=translations.of_text(entry.purpose),
        business_unit=entry.business_unit,
        cadences=tuple(due),
        due=due,
        metrics=entry.metrics,
        breakdowns=tuple((breakdown.metric, breakdown.dimension) for breakdown in entry.breakdowns),
        languages=entry.languages,
        recipients=tuple(Recipient(recipient.email, recipient.language) for recipient in entry.recipients),
        domains=tuple(domain.lower() for domain in entry.audience.domains),
        owner=entry.owner,
    )


def _due(document: YamlFile, entry: ScheduleEntry, mistakes: Mistakes) -> dict[Grain, When]:
    for cadence, when in entry.due.items():
        line = document.line("due", cadence.value)
        if cadence not in entry.cadences:
            cure = f"Write it for one of {', '.join(entry.cadences)}, or add it to `cadences`."
            mistakes.note(document.path, line, f"`due` has the unknown cadence {cadence}.", cure)
        elif when.day is not None and when.working_day is not None:
            mistakes.note(document.path, line, f"`due` has both day and working_day for {cadence}.", "Delete one.")
        else:
            _check_day(document, cadence, when, mistakes)
    given = {cadence: entry.due[cadence].model_dump(exclude_none=True) for cadence in entry.due}
    return {cadence: When(**given.get(cadence, {})) for cadence in entry.cadences}


def _check_day(document: YamlFile, cadence: Grain, when: DueEntry, mistakes: Mistakes) -> None:
    for name, latest in LATEST.items():
        day = getattr(when, name)
        line = document.line("due", cadence.value, name)
        if day is not None and cadence not in latest:
            mistakes.note(
                document.path, line, f"`due` has {name} for {cadence}.", "Leave it out: a day is due on the next day."
            )
        elif day is not None and day > latest[cadence]:
            cure = f"Write a whole number from 1 to {latest[cadence]}."
            mistakes.note(document.path, line, f"`{name}` is {day} for {cadence}.", cure)


def _check_names(document: YamlFile, entry: ScorecardEntry, known: Known, mistakes: Mistakes) -> None:
    named: list[tuple[tuple[Any, ...], str, Collection[str] | None, str]] = [
        (("business_unit",), entry.business_unit, known.units or None, "the business unit {name}, which no source has"),
        *(
            (("metrics", place), name, known.metrics, "the unknown metric {name}")
            for place, name in enumerate(entry.metrics)
        ),
    ]
    for place, breakdown in enumerate(entry.breakdowns):
        named.append((("breakdowns", place, "metric"), breakdown.metric, known.metrics, "the unknown metric {name}"))
        named.append(
            (("breakdowns", place, "dimension"), breakdown.dimension, known.dimensions, "the unknown dimension {name}")
        )
    for where, name, names, what in named:
        if names is not None and name not in names:
            problem = f"`{where[0]}` names {what.format(name=name)}."
            mistakes.note(document.path, document.line(*where), problem, closest(name, names))
    _note_repeated(document, "metrics", list(entry.metrics), mistakes)
    _note_repeated(document, "recipients", [recipient.email.lower() for recipient in entry.recipients], mistakes)


def _note_repeated(document: YamlFile, key: str, names: list[str], mistakes: Mistakes) -> None:
    for place, name in enumerate(names):
        if name in names[:place]:
            line = document.line(key, place)
            mistakes.note(document.path, line, f"`{key}` names {name} twice.", "Delete one of the two.")


def _check_recipients(document: YamlFile, entry: ScorecardEntry, mistakes: Mistakes) -> None:
    domains = [domain.lower() for domain in entry.audience.domains]
    for place, recipient in enumerate(entry.recipients):
        line = document.line("recipients", place)
        if not _ADDRESS.fullmatch(recipient.email):
            problem = f"{recipient.email!r} is no address."
            mistakes.note(document.path, line, problem, "Write a plain address, name@domain.")
        elif recipient.email.rsplit("@")[-1].lower() not in domains:
            problem = f"{recipient.email} is outside its audience."
            cure = f"Use an address of {', '.join(domains)}, or add the domain to audience.domains."
            mistakes.note(document.path, line, problem, cure)
        if recipient.language not in entry.languages:
            problem = f"{recipient.email} gets the language {recipient.language}, which the scorecard doesn't have."
            mistakes.note(document.path, line, problem, "Add it to `languages`, or change it.")
