"""The files in `company/`, checked by their names alone: whether anything reads them."""

from pathlib import Path

from scorecard.catalogue.mistakes import Mistakes
from scorecard.catalogue.source_files import DeclaredSource, declared_sources
from scorecard.catalogue.sources import COMPANY, company_folders
from scorecard.shared.keys import closest
from scorecard.shared.settings import Settings


def check_folders(settings: Settings, mistakes: Mistakes) -> None:
    """Note a folder that names no business unit, and a file that nothing reads.

    Raises
    ------
    WrongDeclarations: what is wrong in the sources' files.
    """
    sources = declared_sources(settings)
    units = sorted({source.business_unit for source in sources.values() if not source.folder} - {""})
    folders = company_folders(settings)
    for name, folder in folders.items():
        if name != COMPANY and sources[name].business_unit not in units:
            cure = closest(folder.name, units) if units else "Declare a source of that unit first."
            mistakes.note(folder, 1, f"The folder {folder.name} names no business unit.", cure)
        _check_files(sources[name], folder, mistakes)
    for folder in folders[COMPANY].iterdir() if folders else ():
        if folder.is_dir() and not folder.name.startswith((".", "_")) and folder not in folders.values():
            problem = "Another folder is spelt alike, and that one is read."
            mistakes.note(folder, 1, problem, "Put their files together.")


def _check_files(source: DeclaredSource, folder: Path, mistakes: Mistakes) -> None:
    read = sorted(table.meta.file or "" for table in source.tables)
    for path in sorted(folder.glob("*.*")):
        if path.is_file() and not path.name.startswith((".", "~$")) and path.name not in read and path.suffix != ".md":
            mistakes.note(path, 1, "Nothing reads this file here.", closest(path.name, read))
