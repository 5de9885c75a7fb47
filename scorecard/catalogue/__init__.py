"""The one list of metrics, dimensions and scorecards: what the YAML beside the SQL says.

A metric is ``dbt_project/models/kpis/kpi_<name>.sql`` and the ``.yml`` of the same name, or, where it is computed from
values of others, a file in ``dbt_project/derived/``; dimensions are declared in
``dbt_project/dimensions/``; a scorecard is ``reports/<name>.yml``; a source is
``dbt_project/models/staging/<name>/_sources.yml``. Nothing else lists them.
"""

from dataclasses import dataclass
from typing import TypeVar

from scorecard.catalogue.caveats import check_caveats, with_caveats
from scorecard.catalogue.concepts import Concept, ConceptColumn, read_concepts
from scorecard.catalogue.crossings import CROSS, crossing_name, crossings, member_in_sql, parts_in_sql, renamed_pair
from scorecard.catalogue.dimensions import Dimension, around, read_dimensions
from scorecard.catalogue.facts import Fact, read_facts
from scorecard.catalogue.gaps import REASONS, gap_names, own_reasons
from scorecard.catalogue.metrics import Metric, metric_of, read_metrics
from scorecard.catalogue.mistakes import Mistakes, WrongDeclarations
from scorecard.catalogue.parameters import Parameters
from scorecard.catalogue.scorecards import Known, Recipient, Scorecard, read_schedules, read_scorecards
from scorecard.catalogue.source_entries import ColumnEntry
from scorecard.catalogue.source_files import ALL_UNITS, DeclaredSource, DeclaredTable, declared_sources, read_sources
from scorecard.catalogue.sources import (
    COMPANY,
    company_folders,
    declaration_path,
    declarations,
    declared_as,
    source_names,
)
from scorecard.catalogue.yaml_files import read_yaml
from scorecard.shared.errors import ScorecardError
from scorecard.shared.languages import Words, load_translations
from scorecard.shared.periods import Grain
from scorecard.shared.schedule import When
from scorecard.shared.settings import Settings

__all__ = [
    "ALL_UNITS",
    "COMPANY",
    "CROSS",
    "REASONS",
    "Catalogue",
    "ColumnEntry",
    "Concept",
    "ConceptColumn",
    "DeclaredSource",
    "DeclaredTable",
    "Dimension",
    "Fact",
    "Metric",
    "Mistakes",
    "Parameters",
    "Recipient",
    "Scorecard",
    "Words",
    "WrongDeclarations",
    "around",
    "business_units",
    "company_folders",
    "crossing_name",
    "declaration_path",
    "declarations",
    "declared_as",
    "declared_sources",
    "gap_names",
    "load_catalogue",
    "load_dimensions",
    "member_in_sql",
    "metric_of",
    "own_reasons",
    "parts_in_sql",
    "read_catalogue",
    "read_concepts",
    "read_facts",
    "read_sources",
    "read_yaml",
    "renamed_pair",
    "schedules",
    "source_names",
    "with_caveats",
]

_T = TypeVar("_T")


@dataclass(frozen=True)
class Catalogue:
    """Every metric, scorecard and dimension by name."""

    metrics: dict[str, Metric]
    scorecards: dict[str, Scorecard]
    dimensions: dict[str, Dimension]

    def bases(self, metric: Metric) -> set[str]:
        """Return the metrics whose observations a metric rests on: its own, or those of the values behind it."""
        if metric.expression is None:
            return {metric.base}
        return {self.metrics[term.metric].base for term in metric.expression.terms}

    def scorecard(self, name: str) -> Scorecard:
        """Return a scorecard, or name the known ones."""
        return _pick(self.scorecards, name, "scorecard")


def load_catalogue(settings: Settings, unit: str | None = None) -> Catalogue:
    """Read and check every metric, dimension and scorecard.

    Parameters
    ----------
    unit: the business unit (``all``: the whole company) whose numbers metrics have as parameters and in their words;
        the defaults where none is named.

    Raises
    ------
    ScorecardError: there is no project.
    WrongDeclarations: what is wrong in any of the files, all of it.
    """
    mistakes = Mistakes()
    catalogue = read_catalogue(settings, mistakes, unit)
    mistakes.raise_any()
    return catalogue


def read_catalogue(settings: Settings, mistakes: Mistakes, unit: str | None = None) -> Catalogue:
    """Return what can be read of the catalogue; note what is wrong.

    Raises
    ------
    ScorecardError: there is no project.
    """
    _refuse_no_project(settings)
    translations = load_translations(settings.project / "reports")
    dimensions = read_dimensions(settings.dbt_project / "dimensions", translations, mistakes)
    # A name whose own declaration is wrong is reported once, not again where others use it.
    known_dimensions = None if len(mistakes) else dimensions
    sources = _sources(settings, mistakes)
    units = None if sources is None else _units(sources)
    parameters = Parameters(settings, unit, units)
    before = len(mistakes)
    metrics = read_metrics(parameters, known_dimensions, translations, mistakes)
    known_metrics = None if known_dimensions is None or len(mistakes) > before else metrics
    if sources is not None and known_metrics is not None:
        check_caveats(sources, known_metrics, mistakes)
    if known_metrics is not None:
        parameters.check_names(known_metrics, mistakes)
        # In place: known_dimensions is the same dictionary, so it has the crossings, too.
        dimensions |= crossings((pair for metric in metrics.values() for pair in metric.cross), dimensions)
    known = Known(metrics=known_metrics, dimensions=known_dimensions, units=units)
    scorecards = read_scorecards(settings.project / "reports", known, translations, mistakes)
    return Catalogue(metrics, scorecards, dimensions)


def load_dimensions(settings: Settings) -> dict[str, Dimension]:
    """Return the dimensions by name, in their order; the pairs of two that metrics have values by come last.

    Raises
    ------
    WrongDeclarations: what is wrong in the files of the catalogue.
    """
    return load_catalogue(settings).dimensions


def schedules(settings: Settings) -> dict[str, dict[Grain, When]]:
    """Return by scorecard when each of its cadences is due, without reading the metrics (cheap enough for a DAG).

    Raises
    ------
    WrongDeclarations: a scorecard's file can't be read, or what it says of its cadences is wrong.
    """
    return read_schedules(settings.project / "reports")


def _refuse_no_project(settings: Settings) -> None:
    if not settings.dbt_project.is_dir():
        raise ScorecardError(
            f"There is no dbt project in {settings.project}.",
            "Correct SCORECARD_PROJECT, or unset it: the default is the folder of the program.",
        )


def _pick(known: dict[str, _T], name: str, kind: str) -> _T:
    if name in known:
        return known[name]
    raise ScorecardError(f"There is no {kind} {name!r}.", f"Choose one of: {', '.join(sorted(known))}.")


def _sources(settings: Settings, mistakes: Mistakes) -> dict[str, DeclaredSource] | None:
    """Return the declared sources; None where these can't be read."""
    try:
        return declared_sources(settings)
    except WrongDeclarations as error:
        mistakes.extend(error)
        return None


def _units(sources: dict[str, DeclaredSource]) -> set[str]:
    return {source.business_unit for source in sources.values() if source.business_unit and not source.folder}


def business_units(settings: Settings) -> set[str]:
    """Return the units that the declared sources are of.

    Raises
    ------
    WrongDeclarations: what is wrong in the sources' files.
    """
    return _units(declared_sources(settings))
