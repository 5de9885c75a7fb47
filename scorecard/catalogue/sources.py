"""The names of all sources: declared ones, accounts of services, and the folders of company files."""

import hashlib
import re
from pathlib import Path

from scorecard.shared import plugins
from scorecard.shared.settings import Settings

COMPANY = "company"
"""The source of what people of the company write themselves, and its folder in the project."""


def company_folders(settings: Settings) -> dict[str, Path]:
    """Return by source the folders of files that people write: the company's own, and in it one of each business unit.

    Each is a source of its own, declared once as the source ``company``. None is there where there is no such folder.
    """
    root = settings.project / COMPANY
    if COMPANY not in declarations(settings) or not root.is_dir():
        return {}
    below = sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith((".", "_")))
    return {COMPANY: root} | {f"{COMPANY}_{_as_name(path.name)}": path for path in reversed(below)}


def same_name(one: str, other: str) -> bool:
    """Whether two names differ in capitals, spaces and punctuation alone, as that of a unit and of its folder may."""
    return _letters(one) == _letters(other)


def _letters(name: str) -> str:
    return re.sub(r"[\W_]+", "_", name.casefold()).strip("_")


def _as_name(folder: str) -> str:
    """Return the part of a source's name that stands for a folder: its letters, where ASCII has them all."""
    letters = _letters(folder)
    return letters if letters.isascii() and letters else hashlib.sha256(folder.encode()).hexdigest()[:8]


def source_names(settings: Settings) -> list[str]:
    """Return the names of the sources to extract without reading more than folder names (cheap enough for a DAG).

    Every declared one counts, but for the services that the product comes with, of which each account that is set is a
    source, and for the company's own files, of which each folder is one.
    """
    declared = declarations(settings)
    switched_on = {name for name in settings.services if declared_as(settings, name) in declared}
    folders = company_folders(settings)
    return sorted(set(declared) - set(plugins.services()) - {COMPANY} | switched_on | set(folders))


def declarations(settings: Settings) -> dict[str, Path]:
    """Return by name the files that declare a source; a service without settings has one, too."""
    files = (settings.dbt_project / "models" / "staging").glob("*/_sources.yml")
    return {path.parent.name: path for path in sorted(files)}


def declared_as(settings: Settings, source: str) -> str:
    """Return under which name a source is declared: of an account of a service that of the service."""
    own = settings.services.get(source)
    if own:
        return own.service or source
    return COMPANY if source in company_folders(settings) else source


def declaration_path(settings: Settings, source: str) -> Path:
    """Return the file that declares a source; it may be missing."""
    return settings.dbt_project / "models" / "staging" / declared_as(settings, source) / "_sources.yml"
