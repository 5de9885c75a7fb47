"""What each source delivers: the models of a concept, found by their names, and what dbt has to be told of sources.

dbt infers no reference from a loop over its own graph, so the engine looks at the names of files and passes lists.
"""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from scorecard.catalogue import declaration, declarations, declared_as, declared_sources, read_yaml, source_names
from scorecard.errors import ScorecardError
from scorecard.settings import Settings

_MODEL = re.compile(r"(stg|int)_(?P<source>.+?)__(?P<concept>.+)")
_PROVENANCE = re.compile(r"\bprovenance\(\s*['\"](\w+)['\"]")
_DECIMAL = re.compile(r"decimal\((\d+),(\d+)\)")
_DIGITS = {"integer": (10, 0), "bigint": (19, 0)}
_SAME = {"timestampwithtimezone": "timestamptz", "int": "integer", "text": "varchar", "string": "varchar"}
OF_SOURCE = "business_unit"
"""The column of a concept that no model delivers: the source declares it."""


class Model(NamedTuple):
    """A model that delivers a concept: its source, the concept, and the file of its SQL."""

    source: str
    concept: str
    path: Path


def dbt_variables(settings: Settings) -> dict[str, Any]:
    """Return what dbt has to be told of the company's sources.

    `sources`: by source that is declared and set, its business unit, currency, role, service and the objects that say
    through which day they are known; `services`: by service, the accounts among them; `concepts`: by concept, the
    models that deliver it; `facts`: by core model, the concept whose records it has, and the days on which something
    happened to a record.

    Raises
    ------
    ScorecardError: a file can't be read, or a model doesn't fit its concept.
    """
    sources = _sources(settings)
    return {
        "sources": sources,
        "services": _accounts(settings, sources),
        "concepts": concept_models(settings),
        "facts": _facts(settings),
    }


def concept_models(settings: Settings) -> dict[str, list[str]]:
    """Return by concept the names of the models that deliver it, one per source, each checked against the concept.

    Raises
    ------
    ScorecardError: a model lacks a column that its concept requires, has one that it doesn't know or of another type,
        has no YAML, or is of a source that nobody declared.
    """
    declared = {path.stem.removeprefix("int_"): path for path in _concept_files(settings)}
    models = _models(settings, {declared_as(settings, name) for name in source_names(settings)}, declared)
    for concept, path in declared.items():
        wanted = _columns(path)
        for model in models.get(concept, ()):
            _check(model, path, wanted)
    return {concept: [model.path.stem for model in models.get(concept, ())] for concept in declared}


def _concept_files(settings: Settings) -> list[Path]:
    return sorted((settings.dbt_project / "models" / "intermediate" / "concepts").rglob("int_*.yml"))


def _models(settings: Settings, sources: Iterable[str], concepts: Iterable[str]) -> dict[str, list[Model]]:
    """Return the models of each concept by source; where a source has both kinds, its intermediate one."""
    named: dict[tuple[str, str], Model] = {}
    for layer in ("staging", "intermediate"):
        for path in sorted((settings.dbt_project / "models" / layer).rglob("*__*.sql")):
            if match := _MODEL.fullmatch(path.stem):
                model = Model(match["source"], match["concept"], path)
                named[model.source, model.concept] = model
    models: dict[str, list[Model]] = {}
    for (source, concept), model in sorted(named.items()):
        if source not in sources:
            _refuse_undeclared(settings, model)
        elif concept in concepts:
            models.setdefault(concept, []).append(model)
        else:
            _refuse_misspelt(model, [other for other in concepts if (source, other) not in named])
    return models


def _refuse_undeclared(settings: Settings, model: Model) -> None:
    """Refuse a model of a source that is not declared; one of a service that isn't set is switched off."""
    if model.source not in declarations(settings):
        raise ScorecardError(
            f"{model.path} is of the source {model.source}, which nobody declared.",
            f"Declare it in {declaration(settings, model.source)}, or name the file after another source.",
        )


def _refuse_misspelt(model: Model, missing: list[str]) -> None:
    """Refuse a model whose name is almost that of a concept which its source has no model of."""
    if close := get_close_matches(model.concept, missing, n=1, cutoff=0.8):
        raise ScorecardError(
            f"{model.path} is named after {model.concept}, which is no concept, so no metric would see its records.",
            f"Name it {model.path.stem.partition('__')[0]}__{close[0]}.",
        )


def _check(model: Model, concept_file: Path, wanted: dict[str, dict[str, Any]]) -> None:
    """Refuse a model whose columns, as its YAML lists them, are not those of its concept."""
    path = model.path.with_suffix(".yml")
    if not path.exists():
        raise ScorecardError(
            f"{model.path} has no {path.name} beside it.",
            f"List its columns there, with their types, as {concept_file} has them.",
        )
    columns = _columns(path)
    given = [name for name in wanted if name != OF_SOURCE]
    if lacking := [name for name in given if name not in columns and not _meta(wanted[name]).get("optional")]:
        raise ScorecardError(
            f"{path} lacks {_listed(lacking, wanted)}, which every model of {model.concept} has.",
            f"Add it to {model.path.name} and to {path.name}; null, cast to its type, where the source doesn't say.",
        )
    extra = [name for name, column in columns.items() if name not in given and not _meta(column).get("extra")]
    if extra:
        close = get_close_matches(extra[0], [name for name in given if name not in columns], n=1)
        raise ScorecardError(
            f"{path} has {_listed(extra, columns)}, which {model.concept} don't have.",
            (f"Call it {close[0]}, or say" if close else "Say")
            + " `config: {meta: {extra: true}}` of it: it stays in this model then, and no metric sees it.",
        )
    for name in given:
        if name in columns and not _fits(_type(columns[name]), _type(wanted[name])):
            raise ScorecardError(
                f"{path} has {_listed([name], columns)}, which is {_type(wanted[name])} in {model.concept}.",
                f"Cast it in {model.path.name}, and correct its data_type.",
            )
    for source in set(_PROVENANCE.findall(model.path.read_text("utf-8"))) - {model.source}:
        raise ScorecardError(
            f"{model.path} gives its records the provenance of {source}.",
            f"Write provenance('{model.source}', …): business unit and currency come from the source.",
        )


def _columns(path: Path) -> dict[str, dict[str, Any]]:
    """Return the columns that a model's YAML lists, by name."""
    models = [model for model in read_yaml(path).get("models") or () if model.get("name") == path.stem]
    if not models or not models[0].get("columns"):
        raise ScorecardError(f"{path} lists no columns of {path.stem}.", "List them under `columns`, with data_type.")
    return {column["name"]: column for column in models[0]["columns"]}


def _meta(entry: dict[str, Any]) -> dict[str, Any]:
    return (entry.get("config") or {}).get("meta") or {}


def _type(column: dict[str, Any]) -> str:
    kind = str(column.get("data_type", "")).lower().replace(" ", "")
    return _SAME.get(kind, kind)


def _listed(names: list[str], columns: dict[str, dict[str, Any]]) -> str:
    return ", ".join(f"the column {name} ({_type(columns[name])})" for name in names)


def _fits(delivered: str, wanted: str) -> bool:
    """Whether every value of one type is one of the other."""
    ours, theirs = _digits(delivered), _digits(wanted)
    if ours is None or theirs is None:
        return delivered == wanted
    return ours[0] <= theirs[0] and ours[1] <= theirs[1]


def _digits(kind: str) -> tuple[int, int] | None:
    """Return how many digits a number may have before and behind its point; None of what is no exact number."""
    if match := _DECIMAL.fullmatch(kind):
        return int(match[1]) - int(match[2]), int(match[2])
    return _DIGITS.get(kind)


def _facts(settings: Settings) -> dict[str, dict[str, Any]]:
    facts = {}
    for path in sorted((settings.dbt_project / "models" / "core").rglob("*.yml")):
        for model in read_yaml(path).get("models") or ():
            meta = _meta(model)
            if concept := meta.get("concept"):
                facts[model["name"]] = {"concept": str(concept), "horizon": list(meta.get("horizon", ()))}
    return facts


def _sources(settings: Settings) -> dict[str, dict[str, Any]]:
    """Return what is known of each source that is extracted, a service's by the settings."""
    return {
        name: {
            "business_unit": source.business_unit,
            "currency": source.currency,
            "role": source.role,
            "service": source.service,
            "known_through": sorted(table.name for table in source.tables if table.meta.known_through is not None),
        }
        for name, source in declared_sources(settings).items()
        if not source.service or name in settings.services
    }


def _accounts(settings: Settings, sources: Iterable[str]) -> dict[str, list[str]]:
    """Return by service the sources that are accounts of it."""
    accounts: dict[str, list[str]] = {}
    for name in sources:
        if name in settings.services:
            accounts.setdefault(declared_as(settings, name), []).append(name)
    return accounts
