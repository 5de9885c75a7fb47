"""Concepts: what several sources deliver, each by a model of its own that is found by its name.

The columns of a concept are those of ``models/intermediate/concepts/int_<concept>.yml``. A model named
``stg_<source>__<concept>`` or ``int_<source>__<concept>`` delivers it, and is held to them by its own YAML.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

from pydantic import Field, StrictBool

from scorecard.catalogue.column_types import fits, plain_type
from scorecard.catalogue.mistakes import Mistakes, WrongDeclarations
from scorecard.catalogue.validation import Entry, Open, Text, check
from scorecard.catalogue.yaml_files import read_document

OF_SOURCE = "business_unit"
"""The column of a concept that no model delivers: the source declares it."""

_MODEL = re.compile(r"(stg|int)_(?P<source>.+?)__(?P<concept>.+)")
_PROVENANCE = re.compile(r"\bprovenance\(\s*['\"](\w+)['\"]")


class ConceptColumnMeta(Entry):
    """What ``config.meta`` of a column of a concept, or of a source's model, may say."""

    optional: StrictBool = Field(default=False, description="Of a concept: a source may lack it.")
    extra: StrictBool = Field(default=False, description="Of a source's model: the concept has no such column.")
    known_as: tuple[Text, ...] = Field(default=(), description="Of a concept: what sources often call it.")
    means: dict[Text, tuple[Text, ...]] = Field(
        default={}, description="Of a concept: its values, and how sources often write them."
    )


class ConceptMeta(Entry):
    """What ``config.meta`` of a concept may say."""

    known_as: tuple[Text, ...] = Field(default=(), description="What sources often call its records.")
    role: Text | None = Field(default=None, description="What a source that delivers it is to the company.")


class _ColumnConfig(Open):
    meta: ConceptColumnMeta = ConceptColumnMeta()


class ConceptColumn(Open):
    """A column as the YAML of a concept or of a source's model lists it."""

    name: Text
    data_type: Text
    description: Text = "Not described."
    config: _ColumnConfig = _ColumnConfig()


class _ConceptConfig(Open):
    meta: ConceptMeta = ConceptMeta()


class _Model(Open):
    name: Text
    config: _ConceptConfig = _ConceptConfig()
    columns: tuple[ConceptColumn, ...] = ()


class _ModelFile(Open):
    models: tuple[_Model, ...]


class SourceModel(NamedTuple):
    """A model that delivers a concept: its source, the concept, and the file of its SQL."""

    source: str
    concept: str
    path: Path


@dataclass(frozen=True)
class _Columns:
    """The columns that a model's YAML lists: types and marks by name, and the line of each."""

    path: Path
    columns: Mapping[str, ConceptColumn]
    lines: Mapping[str, int]
    line: int
    meta: ConceptMeta

    def named(self, name: str) -> str:
        """Return a column's name for a sentence."""
        return f"the column {name} ({plain_type(self.columns[name].data_type)})"


def concept_models(folder: Path, sources: Collection[str], declared: Collection[str]) -> dict[str, list[str]]:
    """Return by concept the names of the models that deliver it, one per source.

    Parameters
    ----------
    folder: dbt's models. sources: those that are extracted; models of others are left out. declared: all that anybody
        declared, a service that isn't set among them.

    Raises
    ------
    WrongDeclarations: a model lacks a column that its concept requires, has one that it doesn't know or of another
        type, has no YAML, or is of a source that nobody declared; all of it.
    """
    mistakes = Mistakes()
    concepts = concept_files(folder)
    models = _models(folder, sources, declared, concepts, mistakes)
    for concept, path in concepts.items():
        if wanted := _read(path, mistakes):
            for model in models[concept]:
                _check(model, wanted, mistakes)
    mistakes.raise_any()
    return {concept: [model.path.stem for model in delivering] for concept, delivering in models.items()}


def concept_files(folder: Path) -> dict[str, Path]:
    """Return by concept the file of its columns; ``folder`` is that of dbt's models."""
    files = sorted((folder / "intermediate" / "concepts").rglob("int_*.yml"))
    return {path.stem.removeprefix("int_"): path for path in files}


@dataclass(frozen=True)
class Concept:
    """A concept: its columns by name, but for those that say where a record came from, and what it declares."""

    name: str
    columns: dict[str, ConceptColumn]
    provenance: tuple[ConceptColumn, ...]
    meta: ConceptMeta


_PROVIDED = ("source_system", "source_object", "record_id", "source_file", "source_line", "source_sha256", "loaded_at")


def read_concepts(folder: Path) -> dict[str, Concept]:
    """Return the concepts by name; ``folder`` is that of dbt's models.

    Raises
    ------
    WrongDeclarations: what is wrong in their files.
    """
    mistakes = Mistakes()
    concepts: dict[str, Concept] = {}
    for name, path in concept_files(folder).items():
        if listed := _read(path, mistakes):
            own = {key: entry for key, entry in listed.columns.items() if key not in (*_PROVIDED, OF_SOURCE)}
            provenance = tuple(entry for key, entry in listed.columns.items() if key in _PROVIDED)
            concepts[name] = Concept(name, own, provenance, listed.meta)
    mistakes.raise_any()
    return concepts


def _models(
    folder: Path, sources: Collection[str], declared: Collection[str], concepts: Iterable[str], mistakes: Mistakes
) -> dict[str, list[SourceModel]]:
    """Return the models of each concept by source; where a source has both kinds, its intermediate one."""
    named: dict[tuple[str, str], SourceModel] = {}
    for layer in ("staging", "intermediate"):
        for path in sorted((folder / layer).rglob("*__*.sql")):
            if match := _MODEL.fullmatch(path.stem):
                model = SourceModel(match["source"], match["concept"], path)
                named[model.source, model.concept] = model
    models: dict[str, list[SourceModel]] = {concept: [] for concept in concepts}
    for (source, concept), model in sorted(named.items()):
        if source not in declared:
            problem = f"The model is of the source {source}, which nobody declared."
            cure = (
                f"Declare it in {folder / 'staging' / source / '_sources.yml'}, or name the file after another source."
            )
            mistakes.note(model.path, 1, problem, cure)
        elif source in sources and concept in models:
            models[concept].append(model)
        elif source in sources:
            _note_misspelt(model, [other for other in models if (source, other) not in named], mistakes)
    return models


def _note_misspelt(model: SourceModel, missing: list[str], mistakes: Mistakes) -> None:
    """Note a model whose name is close to a concept that its source doesn't deliver otherwise."""
    if close := get_close_matches(model.concept, missing, n=1, cutoff=0.8):
        problem = f"The model is named after the unknown concept {model.concept}, so no metric would see its records."
        mistakes.note(model.path, 1, problem, f"Name it {model.path.stem.partition('__')[0]}__{close[0]}.")


def _check(model: SourceModel, wanted: _Columns, mistakes: Mistakes) -> None:
    """Note where the columns of a model's YAML differ from those of its concept."""
    path = model.path.with_suffix(".yml")
    if not path.exists():
        cure = f"List its columns there, with their types, as {wanted.path} has them."
        mistakes.note(model.path, 1, f"There is no {path.name} beside the model.", cure)
        return
    if listed := _read(path, mistakes):
        _check_columns(model, listed, wanted, mistakes)
    for source in set(_PROVENANCE.findall(model.path.read_text("utf-8"))) - {model.source}:
        problem = f"The model gives its records the provenance of {source}."
        cure = f"Write provenance('{model.source}', …): business unit and currency come from the source."
        mistakes.note(model.path, 1, problem, cure)


def _check_columns(model: SourceModel, listed: _Columns, wanted: _Columns, mistakes: Mistakes) -> None:
    given = {name: column for name, column in wanted.columns.items() if name != OF_SOURCE}
    sql = model.path.name
    for name, column in given.items():
        if name not in listed.columns and not column.config.meta.optional:
            problem = f"The model lacks {wanted.named(name)}, which every model of {model.concept} has."
            cure = f"Add it here and to {sql}; null, cast to its type, where the source doesn't say."
            mistakes.note(listed.path, listed.line, problem, cure)
    for name, column in listed.columns.items():
        line = listed.lines[name]
        if name not in given and not column.config.meta.extra:
            close = get_close_matches(name, [other for other in given if other not in listed.columns], n=1)
            problem = f"The model has {listed.named(name)}, which {model.concept} don't have."
            cure = (f"Call it {close[0]}, or say" if close else "Say") + (
                " `config: {meta: {extra: true}}` of it: it stays in this model then, and no metric sees it."
            )
            mistakes.note(listed.path, line, problem, cure)
        elif name in given and not fits(column.data_type, given[name].data_type):
            kind = plain_type(given[name].data_type)
            problem = f"The model has {listed.named(name)}, which is {kind} in {model.concept}."
            mistakes.note(listed.path, line, problem, f"Cast it in {sql}, and correct its data_type.")


def _read(path: Path, mistakes: Mistakes) -> _Columns | None:
    """Return the columns that a model's YAML lists; None where it can't be read, which is noted."""
    try:
        document = read_document(path)
    except WrongDeclarations as error:
        mistakes.extend(error)
        return None
    file = check(document, _ModelFile, mistakes, ("models",))
    for number, model in enumerate(file.models if file else ()):
        if model.name == path.stem and model.columns:
            place = ("models", number, "columns")
            lines = {column.name: document.line(*place, row) for row, column in enumerate(model.columns)}
            columns = {column.name: column for column in model.columns}
            return _Columns(path, columns, lines, document.line(*place), model.config.meta)
    if file:
        mistakes.note(path, 1, f"The file lists no columns of {path.stem}.", "List them under `columns`.")
    return None
