"""Contracts of sources, made of dbt's YAML.

The catalogue reads the file and checks its keys and types. This module finds contradictions, in a declaration and
between declarations and settings.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

from scorecard.catalogue import (
    COMPANY,
    ColumnEntry,
    DeclaredSource,
    DeclaredTable,
    company_folders,
    declarations,
    declared_as,
    declared_sources,
    read_sources,
)
from scorecard.extract.contracts.contract import (
    DECIMAL,
    LINE_CONTENT,
    LINE_KEY,
    NAME,
    TYPES,
    Column,
    ObjectContract,
    SourceContract,
)
from scorecard.extract.contracts.known_through import KnownThrough, parse
from scorecard.extract.contracts.value_formats import column_date_format, read_formats
from scorecard.shared import settings_file
from scorecard.shared.errors import ScorecardError
from scorecard.shared.settings import Settings
from scorecard.shared.text import plain


def load_contracts(settings: Settings) -> dict[str, SourceContract]:
    """Read the sources that the dbt project declares, by name, without services that have no settings.

    Raises
    ------
    ScorecardError: a file isn't YAML, an entry is incomplete or contradicts itself, or the settings name a source that
        isn't declared.
    """
    _refuse_wrong_accounts(settings)
    contracts = {name: _contract(source) for name, source in declared_sources(settings).items()}
    _refuse_undeclared(settings, contracts)
    return contracts


def read_contracts(path: Path) -> list[SourceContract]:
    """Read the sources of one YAML file. Raises ScorecardError as `load_contracts` does."""
    return [_contract(source) for source in read_sources(path)]


def _refuse_wrong_accounts(settings: Settings) -> None:
    """Refuse an account of an unknown service, or with the name of another source.

    Raises
    ------
    ScorecardError: names the account and the service.
    """
    declared = {name: path for name, path in declarations(settings).items() if name != COMPANY}
    for account in sorted(settings.services):
        service = declared_as(settings, account)
        if service == account:
            continue
        services = [name for name, path in sorted(declared.items()) if read_sources(path)[0].service]
        if service not in services:
            raise ScorecardError(
                f"The settings call {plain(account)} an account of {plain(service)}, which no service is called.",
                f"Correct `service` of {plain(account)}; there is: {', '.join(services)}.",
            )
        if account in declared:
            raise ScorecardError(
                f"The settings call an account of {service} {account}, which is a source of its own.",
                f"Give the account another name in `services` of the settings, as {service}_eu.",
            )


def _refuse_undeclared(settings: Settings, contracts: dict[str, SourceContract]) -> None:
    """Refuse settings of a source that isn't declared: settings of a misspelt name would have no effect."""
    known = {*contracts, *declarations(settings)} - {COMPANY, *company_folders(settings)}
    file = settings.project / settings_file.NAME
    for what in ("sources", "services", "connections"):
        if unknown := [plain(name) for name in sorted(getattr(settings, what)) if name not in known]:
            raise ScorecardError(
                f"`{what}` in the settings names {', '.join(unknown)}, which no source is called.",
                f"Correct the name in [{what}] of {file} or in SCORECARD_{what.upper()} of the environment;"
                f" there is: {', '.join(sorted(known))}.",
            )


def _contract(source: DeclaredSource) -> SourceContract:
    where = f"the source {source.name}"
    if source.schema != f"raw_{source.name}":
        raise ScorecardError(
            f"In {source.at}, {where} has the schema {source.schema}.",
            f"Write `schema: raw_{source.name}`: the extraction loads there.",
        )
    if not source.service and not source.folder:
        for field in ("business_unit", "currency"):
            _require(getattr(source, field), field, f"config.meta of {where}", source.at)
    objects = tuple(_object(table, where, source.service) for table in source.tables)
    _refuse_repeats([contract.name for contract in objects], f"{where} lists the table", source.at)
    return SourceContract(
        name=source.name,
        schema=source.schema,
        business_unit=source.business_unit,
        currency=source.currency,
        objects=objects,
        declared_in=source.path,
        service=source.service,
        folder=source.folder,
    )


def _object(table: DeclaredTable, source: str, service: str) -> ObjectContract:
    where, meta = f"the table {table.name} of {source}", table.meta
    if not NAME.fullmatch(table.name):
        raise _unusable_name(table.at, where)
    _require(table.entry.columns, "columns", where, table.at)
    if not service:
        _require(meta.file, "file", f"config.meta of {where}", table.at)
    file = meta.file or ""
    if service:
        file = ""
    key = _key(table, where, service)
    merge_key = meta.merge_key or key
    identifiers = {*key, *merge_key, meta.cursor}
    columns = tuple(
        replace(column, identifies=column.name in identifiers)
        for entry, at in zip(table.entry.columns, table.column_at, strict=True)
        for column in [_column(entry, key, where, at)]
    )
    _refuse_contradictions(table, columns, key, where)
    contract = ObjectContract(
        name=table.name,
        file=file,
        primary_key=key,
        full_export=not service if meta.full_export is None else meta.full_export,
        delimiter=meta.delimiter,
        columns=columns,
        declared_in=table.path,
        object=(meta.object or table.name) if service else "",
        each=meta.each or "",
        merge_key=merge_key,
        sheet=meta.sheet or "",
        cursor=meta.cursor or "",
        dated=meta.dated,
        formats=read_formats(
            table.formats, where, table.at, bool(service) or Path(file).suffix.lower() in (".xlsx", ".parquet")
        ),
    )
    return replace(contract, known_through=_known_through(table, contract))


def _refuse_contradictions(table: DeclaredTable, columns: tuple[Column, ...], key: tuple[str, ...], where: str) -> None:
    """Refuse a table that names a missing column, a column twice, or a file outside of its folder."""
    names, meta, file = [column.name for column in columns], table.meta, Path(table.meta.file or "")
    _refuse_repeats(names, f"{where} lists the column", table.at)
    _refuse_repeats([column.header for column in columns], f"{where} reads twice the header", table.at)
    if unknown := sorted(set(key) - set(names) - {LINE_KEY.name}):
        raise ScorecardError(
            f"In {table.at}, the primary key of {where} names {', '.join(unknown)}, which is no column of it.",
            "Correct config.meta.primary_key or add the column.",
        )
    if meta.cursor and meta.cursor not in names:
        raise ScorecardError(
            f"In {table.at}, the cursor of {where} is {meta.cursor}, which is no column of it.",
            "Correct config.meta.cursor or add the column.",
        )
    if file.is_absolute() or ".." in file.parts:
        raise ScorecardError(
            f"In {table.at}, {where} reads {file}, which is outside of its folder.",
            "Name a file below the source's folder.",
        )
    if not isinstance(meta.delimiter, str) or len(meta.delimiter) != 1:
        raise ScorecardError(
            f"In {table.at}, config.meta of {where} has the delimiter {meta.delimiter!r}.", "Write one character."
        )


def _known_through(table: DeclaredTable, contract: ObjectContract) -> KnownThrough | None:
    """Read how the last complete day of an export is known; return None if it isn't declared."""
    if table.meta.known_through is None:
        return None
    try:
        declared = parse(table.meta.known_through)
        if not contract.file:
            raise ValueError("is of a service, which says itself what time it is")
        moments = {
            column.name for column in contract.columns if column.data_type in ("date", "timestamp", "timestamptz")
        }
        if declared.kind == "field" and declared.value not in moments:
            raise ValueError(f"names the field {declared.value}, which is no column of a date or timestamp")
    except ValueError as error:
        raise ScorecardError(
            f"In {table.at}, config.meta.known_through of the table {contract.name} {error}.",
            "Write one of `day_before_written`, `{field: <column>}` and `{file_name: <pattern with %Y, %m and %d>}`,"
            " or leave it out: the export is then known through its last record.",
        ) from error
    return declared


def _key(table: DeclaredTable, where: str, service: str) -> tuple[str, ...]:
    """Read the primary key of a table."""
    key = table.meta.primary_key
    _require(key, "primary_key", f"config.meta of {where}", table.at)
    if key != (LINE_CONTENT,):
        return key
    if service:
        raise ScorecardError(
            f"In {table.at}, the primary key of {where} is {LINE_CONTENT}, which only the records of files can have.",
            "Name the columns that tell its rows apart.",
        )
    return (LINE_KEY.name,)


def _column(entry: ColumnEntry, key: tuple[str, ...], table: str, at: str) -> Column:
    name, meta = entry.name, entry.config.meta
    where = f"the column {name} of {table}"
    if name.startswith("_"):
        raise ScorecardError(
            f"In {at}, {where} begins with an underscore, as the extraction's own columns do.",
            f"Take the underscore off, and write config.meta.header: {name} if the source calls it that.",
        )
    if not NAME.fullmatch(name):
        raise _unusable_name(at, where)
    data_type = entry.data_type.lower()
    match = DECIMAL.fullmatch(data_type)
    if not (int(match[2]) <= int(match[1]) <= 38 if match else data_type in TYPES):
        raise ScorecardError(
            f"In {at}, {where} has the data_type {data_type}, which is not supported.",
            f"Use {', '.join(TYPES)} or decimal(p,s) with p up to 38.",
        )
    return Column(
        name=name,
        data_type=data_type,
        header=meta.header or name,
        not_null=name in key
        or meta.not_null
        or any(constraint.get("type") == "not_null" for constraint in entry.constraints),
        optional=meta.optional,
        date_format=column_date_format(meta.date_format, data_type, where, at),
        measure=meta.measure,
    )


def _unusable_name(at: str, where: str) -> ScorecardError:
    return ScorecardError(f"In {at}, {where} has no name that dlt keeps.", "Use lower case, digits and single _.")


def _require(value: Any, field: str, where: str, at: str) -> None:
    if not value:
        raise ScorecardError(f"In {at}, {where} has no `{field}`.", f"Add `{field}:` to it.")


def _refuse_repeats(names: list[str], what: str, at: str) -> None:
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise ScorecardError(f"In {at}, {what} {', '.join(repeated)} more than once.", "Keep one of them.")
