"""Facts and dimension tables as they declare themselves, under ``config.meta`` of a core model's YAML."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field, StrictBool

from scorecard.catalogue.column_types import plain_type
from scorecard.catalogue.gaps import CONDITION, GapEntry, check_condition, check_gaps
from scorecard.catalogue.mistakes import Mistakes, WrongDeclarations
from scorecard.catalogue.validation import Entry, Open, Text, check
from scorecard.catalogue.yaml_files import Place, YamlFile, read_document
from scorecard.shared.keys import closest

_DATES = ("horizon", "moment", "settling")
_RATES = ("currency", "rate", "rate_on")
_OF_RECORDS = {"horizon": "days", "gaps": "gaps"}
"""What is said of the records of a concept, by key."""


class CoreMeta(Entry):
    """What ``config.meta`` of a core model may say."""

    concept: Text | None = Field(default=None, description="The concept of which it has a row for every record.")
    horizon: tuple[Text, ...] = Field(
        default=(), description="Days on which something happened to a record, in their order."
    )
    moment: Text | None = Field(
        default=None, description="The day that puts a record in a period, if a metric says nothing."
    )
    settling: Text | None = Field(
        default=None, description="The day on which it is settled whether a record counts in full."
    )
    gaps: tuple[GapEntry, ...] = Field(default=(), description="What a source may hold of no record at all.")
    needs_rate: Text | None = Field(
        default=None, description=f"Which records need a rate of exchange, if not all do: {CONDITION}."
    )
    outcome: Text | None = Field(default=None, description="The column that says how a record ended.")
    named: Text | None = Field(default=None, description="The column of a record's name, by which people know it.")
    members: StrictBool = Field(default=False, description="It lists members of dimensions, which may have targets.")
    key: tuple[Text, ...] = Field(default=(), description="What tells its rows apart in a close.")
    days_only: StrictBool = Field(default=False, description="Its rows are of no record.")


class _Config(Open):
    meta: CoreMeta = CoreMeta()


class _Column(Open):
    name: Text
    data_type: Text = ""


class _Model(Open):
    name: Text
    config: _Config = _Config()
    columns: tuple[_Column, ...] = ()


class CoreFile(Open):
    """The YAML file of a core model."""

    models: tuple[_Model, ...] = ()


@dataclass(frozen=True)
class Fact:
    """A core model as it declares itself; ``columns``: by name, their types as YAML has them."""

    name: str
    meta: CoreMeta
    columns: dict[str, str]
    path: Path

    @property
    def has_rates(self) -> bool:
        """Whether its amounts are converted: by the rate of a currency and day."""
        return {*_RATES} <= self.columns.keys()


def read_facts(folder: Path, concepts: Collection[str]) -> dict[str, Fact]:
    """Return the core models by name.

    Parameters
    ----------
    folder: that of core models. concepts: the names of the concepts.

    Raises
    ------
    WrongDeclarations: names every unknown key and concept, and every day that is not a column of dates.
    """
    mistakes = Mistakes()
    facts: dict[str, Fact] = {}
    for path in sorted(folder.rglob("*.yml")):
        try:
            document = read_document(path)
        except WrongDeclarations as error:
            mistakes.extend(error)
            continue
        file = check(document, CoreFile, mistakes, ("models",))
        for place, model in enumerate(file.models if file else ()):
            columns = {column.name: column.data_type for column in model.columns}
            fact = Fact(model.name, model.config.meta, columns, path)
            _check(document, ("models", place, "config", "meta"), fact, concepts, mistakes)
            facts[model.name] = fact
    mistakes.raise_any()
    return facts


def _check(document: YamlFile, at: Place, fact: Fact, concepts: Collection[str], mistakes: Mistakes) -> None:
    concept = fact.meta.concept
    if concept and concept not in concepts:
        line = document.line(*at, "concept")
        mistakes.note(fact.path, line, f"`concept` names the unknown concept {concept}.", closest(concept, concepts))
    for key, things in _OF_RECORDS.items():
        if getattr(fact.meta, key) and not concept:
            problem = f"The fact has `{key}` and no `concept`, which says the sources of its {things}."
            mistakes.note(fact.path, document.line(*at, key), problem, f"Name its concept, or delete `{key}`.")
    if fact.meta.needs_rate and not fact.has_rates:
        problem = f"The fact has `needs_rate` and lacks the columns {', '.join(_RATES)}."
        mistakes.note(fact.path, document.line(*at, "needs_rate"), problem, "Add them, or delete `needs_rate`.")
    check_condition(document, (*at, "needs_rate"), fact.meta.needs_rate, fact, mistakes)
    check_gaps(document, at, fact, mistakes)
    for key in ("outcome", "named"):
        name = getattr(fact.meta, key)
        if name and name not in fact.columns:
            problem = f"`{key}` names {name}, which {fact.name} lacks."
            mistakes.note(fact.path, document.line(*at, key), problem, closest(name, fact.columns))
    dates = [name for name, kind in fact.columns.items() if plain_type(kind) == "date"]
    for key in _DATES:
        given = getattr(fact.meta, key)
        for name in (given,) if isinstance(given, str) else given or ():
            if name not in dates:
                problem = f"`{key}` names {name}, which {fact.name} lacks as a date."
                mistakes.note(fact.path, document.line(*at, key), problem, closest(name, dates))
