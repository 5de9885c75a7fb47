"""The lists of the company's sources, concepts and facts that dbt needs.

dbt infers no reference from a loop over its own graph, so the engine looks at the names of files and passes lists.
"""

from collections.abc import Iterable
from typing import Any

from scorecard.catalogue import (
    COMPANY,
    Fact,
    company_folders,
    declarations,
    declared_as,
    declared_sources,
    read_facts,
    source_names,
)
from scorecard.catalogue import concepts as catalogue
from scorecard.catalogue.gaps import condition_sql
from scorecard.shared.settings import Settings


def dbt_variables(settings: Settings) -> dict[str, Any]:
    """Return the lists of the company's sources as variables of dbt.

    `sources`: by source that is declared and set, its business unit, currency, role, service and the objects that say
    through which day they are known; `services`: by service, the accounts among them, and by `company` the company's
    folders; `concepts`: by concept, the models that deliver it; `facts`: by core model, the concept whose records it
    has, the days on which something happened to a record, what its sources may hold of no record, and which records
    need a rate of exchange, as SQL, None where nothing is converted; `members`: the core models that list members of
    dimensions.

    Raises
    ------
    WrongDeclarations: what is wrong in the files of sources and models, with file and line.
    """
    sources = _sources(settings)
    core = core_models(settings)
    return {
        "sources": sources,
        "services": _accounts(settings, sources),
        "concepts": concept_models(settings),
        "facts": {name: _fact(fact) for name, fact in core.items() if fact.meta.concept},
        "members": [name for name, fact in core.items() if fact.meta.members],
    }


def _fact(fact: Fact) -> dict[str, Any]:
    return {
        "concept": fact.meta.concept,
        "horizon": list(fact.meta.horizon),
        "gaps": [
            {"name": gap.name, "lacks": gap.lacks, "alike": gap.alike, "among": condition_sql(gap.among, fact.columns)}
            for gap in fact.meta.gaps
        ],
        "needs_rate": condition_sql(fact.meta.needs_rate, fact.columns) if fact.has_rates else None,
    }


def concept_models(settings: Settings) -> dict[str, list[str]]:
    """Return by concept the names of the models that deliver it, one per source, each checked against the concept.

    Raises
    ------
    WrongDeclarations: a model doesn't fit its concept, or its source isn't declared.
    """
    extracted = {COMPANY, *(declared_as(settings, name) for name in source_names(settings))}
    return catalogue.concept_models(settings.dbt_project / "models", extracted, declarations(settings))


def core_models(settings: Settings) -> dict[str, Fact]:
    """Return by name the core models as they declare themselves. Raises as `dbt_variables`."""
    models = settings.dbt_project / "models"
    return read_facts(models / "core", catalogue.concept_files(models))


def _sources(settings: Settings) -> dict[str, dict[str, Any]]:
    """Return the properties of each extracted source; the settings decide which services are extracted."""
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
    """Return by service the sources that are accounts of it; by `company` those of the company's folders."""
    accounts: dict[str, list[str]] = {COMPANY: list(company_folders(settings))}
    for name in sources:
        if name in settings.services:
            accounts.setdefault(declared_as(settings, name), []).append(name)
    return accounts
