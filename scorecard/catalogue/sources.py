"""Which sources there are: those that are declared, and the accounts of services that the settings name."""

from pathlib import Path

from scorecard import plugins
from scorecard.settings import Settings


def source_names(settings: Settings) -> list[str]:
    """Return the names of the sources to extract without reading more than folder names (cheap enough for a DAG).

    Every declared one counts, but for the services that the product comes with: of these each account that is set is a
    source.
    """
    declared = declarations(settings)
    switched_on = {name for name in settings.services if declared_as(settings, name) in declared}
    return sorted(set(declared) - set(plugins.services()) | switched_on)


def declarations(settings: Settings) -> dict[str, Path]:
    """Return by name the files that declare a source; a service that isn't set has one, too."""
    files = (settings.dbt_project / "models" / "staging").glob("*/_sources.yml")
    return {path.parent.name: path for path in sorted(files)}


def declared_as(settings: Settings, source: str) -> str:
    """Return under which name a source is declared: of an account of a service, that of the service."""
    own = settings.services.get(source)
    return own.service if own and own.service else source


def declaration(settings: Settings, source: str) -> Path:
    """Return the file that declares a source, whether or not it is there."""
    return settings.dbt_project / "models" / "staging" / declared_as(settings, source) / "_sources.yml"
