"""Sources as they are declared: ``dbt_project/models/staging/<source>/_sources.yml``, dbt's own file of sources.

Below ``config.meta`` stands what dbt doesn't know: what the extraction reads, and whose records they are.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from scorecard.catalogue.mistakes import Mistakes, WrongDeclarations
from scorecard.catalogue.source_entries import SourceEntry, SourceFile, TableEntry, TableMeta
from scorecard.catalogue.sources import COMPANY, company_folders, declaration_path, same_name, source_names
from scorecard.catalogue.validation import check
from scorecard.catalogue.yaml_files import YamlFile, read_document
from scorecard.shared.settings import ServiceSettings, Settings


@dataclass(frozen=True)
class DeclaredTable:
    """A raw table: its entry, and the formats of its values as they stand in the file. ``at`` is ``file:line``."""

    entry: TableEntry
    formats: dict[str, Any]
    path: Path
    at: str
    column_at: tuple[str, ...]

    @property
    def name(self) -> str:
        """The name of the raw table."""
        return self.entry.name

    @property
    def meta(self) -> TableMeta:
        """What is declared of it beyond dbt."""
        return self.entry.config.meta


@dataclass(frozen=True)
class DeclaredSource:
    """A source. Of an account of a service, business unit and currency are those of the settings.

    ``caveats``: by metric, what a reader has to mind, in English. ``tables``: those that are extracted; names with an
    underscore in front are the extraction's own. ``at`` is ``file:line``. ``folder``: where the files lie that people
    write; None of any other source.
    """

    name: str
    schema: str
    business_unit: str
    currency: str
    role: str
    service: str
    caveats: dict[str, str]
    tables: tuple[DeclaredTable, ...]
    path: Path
    at: str
    folder: Path | None = None

    def table(self, name: str) -> DeclaredTable | None:
        """Return a table by its name, None where there is none."""
        return next((table for table in self.tables if table.name == name), None)


def declared_sources(settings: Settings) -> dict[str, DeclaredSource]:
    """Return by name every source that is extracted.

    Raises
    ------
    WrongDeclarations: what is wrong in any of the files, all of it.
    """
    mistakes = Mistakes()
    sources: dict[str, DeclaredSource] = {}
    folders = company_folders(settings)
    for name in dict.fromkeys(COMPANY if name in folders else name for name in source_names(settings)):
        own = settings.services.get(name)
        try:
            for source in read_sources(declaration_path(settings, name)):
                source = _account(source, name, own) if own and source.service else source
                if other := sources.get(source.name):
                    line = int(source.at.rpartition(":")[2])
                    mistakes.note(
                        source.path,
                        line,
                        f"The source {source.name} is also declared in {other.path}.",
                        "Give one of them another name.",
                    )
                sources[source.name] = source
        except WrongDeclarations as error:
            mistakes.extend(error)
    mistakes.raise_any()
    units = {source.business_unit for source in sources.values() if source.name != COMPANY} - {""}
    declared = sources.pop(COMPANY, None)
    if declared:
        sources |= {name: _of_folder(declared, name, folder, units) for name, folder in folders.items()}
    return sources


ALL_UNITS = "all"
"""The business unit of what is the whole company's."""


def _of_folder(source: DeclaredSource, name: str, folder: Path, units: Collection[str]) -> DeclaredSource:
    """Return the company's source as the one of a folder.

    The business unit is the one that is spelt as the folder, whatever its capitals, spaces and punctuation; without one
    it is the folder's own name, which no figure has.
    """
    is_whole = name == COMPANY
    unit = ALL_UNITS if is_whole else next((known for known in units if same_name(known, folder.name)), folder.name)
    other = "units" if is_whole else "company"
    tables = tuple(table for table in source.tables if table.meta.kept_for != other)
    return replace(source, name=name, schema=f"raw_{name}", business_unit=unit, tables=tables, folder=folder)


def _account(source: DeclaredSource, name: str, own: ServiceSettings) -> DeclaredSource:
    """Return a service's source as one of its accounts."""
    schema = f"raw_{name}" if source.schema == f"raw_{source.name}" else source.schema
    return replace(source, name=name, schema=schema, business_unit=own.business_unit, currency=own.currency)


def read_sources(path: Path) -> tuple[DeclaredSource, ...]:
    """Return the sources that a file declares.

    Raises
    ------
    WrongDeclarations: every mistake with its line: invalid YAML, a key that is given twice, missing or
        unknown, or a value of the wrong kind.
    """
    document = read_document(path)
    mistakes = Mistakes()
    file = check(document, SourceFile, mistakes)
    mistakes.raise_any()
    return tuple(_source(document, entry, number) for number, entry in enumerate(file.sources)) if file else ()


def _source(document: YamlFile, entry: SourceEntry, number: int) -> DeclaredSource:
    meta = entry.config.meta
    tables = tuple(
        _table(document, table, number, row) for row, table in enumerate(entry.tables) if not table.name.startswith("_")
    )
    return DeclaredSource(
        name=entry.name,
        schema=entry.schema_,
        business_unit=meta.business_unit or "",
        currency=meta.currency or "",
        role=meta.role or "",
        service=meta.service or "",
        caveats=meta.caveats,
        tables=tables,
        path=document.path,
        at=f"{document.path}:{document.line('sources', number)}",
    )


def _table(document: YamlFile, entry: TableEntry, source: int, number: int) -> DeclaredTable:
    place = ("sources", source, "tables", number)
    given = document.content["sources"][source]["tables"][number]
    return DeclaredTable(
        entry=entry,
        formats=(given.get("config") or {}).get("meta") or {},
        path=document.path,
        at=f"{document.path}:{document.line(*place)}",
        column_at=tuple(
            f"{document.path}:{document.line(*place, 'columns', row)}" for row in range(len(entry.columns))
        ),
    )
