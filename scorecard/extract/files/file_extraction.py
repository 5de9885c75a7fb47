"""Bring the raw tables of one source up to date with its exports, all of them or none."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from scorecard.extract.contracts.contract import ObjectContract, SourceContract
from scorecard.extract.contracts.known_through import KnownThrough, known_day
from scorecard.extract.files.cells import Bounds
from scorecard.extract.files.compare_versions import VersionComparison
from scorecard.extract.files.folder import Folder
from scorecard.extract.files.originals import ExportFile, Originals
from scorecard.extract.files.read_export import read_export
from scorecard.extract.raw.extraction import ExtractResult, LoadedObject, joined_error, scratch_database, working_folder
from scorecard.extract.raw.load import load, load_time, retype
from scorecard.extract.raw.raw_tables import RawTables, read_cursors, read_state
from scorecard.extract.raw.troubles import Suspect
from scorecard.extract.raw.undeclared import undeclared_warning
from scorecard.extract.raw.validate import ValidatedTable
from scorecard.extract.raw.warehouse_file import attached, open_warehouse, read_types
from scorecard.shared.errors import ScorecardError
from scorecard.shared.settings import Settings
from scorecard.shared.sql import first_line, quoted

if TYPE_CHECKING:
    import duckdb


class ExportPlace(Protocol):
    """Where the exports of a source lie: a folder or a bucket."""

    def is_as_loaded(self, contract: ObjectContract) -> bool:
        """Whether an export is known to be the one last loaded, without reading it."""

    def fetch(self, contract: ObjectContract) -> list[ExportFile]:
        """Copy the files of an export into the archive and return them by name.

        Raises
        ------
        ScorecardError: a file is missing or can't be copied.
        """

    def listing(self, contract: ObjectContract) -> str:
        """Return the cursor of an export once it is loaded, "" if it has none."""

    def written_at(self, contract: ObjectContract) -> list[tuple[str, datetime]]:
        """Return the name of each fetched file of an export, and when that version was written."""


def extract_files(
    settings: Settings, source: SourceContract, progress: Callable[[str], None] = lambda _: None
) -> ExtractResult:
    """Load the exports of a source that changed since they were last loaded.

    All changed exports are read and validated first. If one of them can't be used, none is loaded. Otherwise
    all but the suspect ones are loaded in one dlt run.

    Raises
    ------
    Suspect: an export lost more than is likely; the others were loaded. If several did, the error has theirs.
    ScorecardError: an export can't be used, or the warehouse can't be written. It is as it was before.
    """
    with working_folder(settings, source) as work:
        return _FileExtraction(settings, source, work, progress).run()


class _FileExtraction:
    """One extraction of a source of exports; `newest` are the loads that the warehouse holds before it."""

    def __init__(self, settings: Settings, source: SourceContract, work: Path, progress: Callable[[str], None]) -> None:
        self.settings, self.source, self.work, self.progress = settings, source, work, progress
        self.newest = read_state(settings.warehouse, source)
        self.originals = Originals(settings, work)
        self.place = self._place()
        self.undeclared = {name: newest.unknown_columns for name, newest in self.newest.items()}

    def run(self) -> ExtractResult:
        """Find what changed, load it, and return what was done."""
        name = self.source.name
        changed = self._find_changed()
        self.originals.touch(sha256 for newest in self.newest.values() for _, sha256 in newest.files)
        self.originals.expire()
        unchanged = tuple(contract.name for contract in self.source.objects if contract not in changed)
        if not changed:
            self.progress(f"{name}: nothing changed")
            load_id = self._move_known_days(self.source.objects)
            return ExtractResult(name, load_id, (), unchanged, self._undeclared_warnings())
        with scratch_database(self.work) as db:
            validated, suspects = self._read(changed, db)
            load_id, loaded = self._load(validated, db) if validated else (None, ())
        not_suspect = [contract for contract in self.source.objects if contract.name not in suspects]
        load_id = self._move_known_days(not_suspect) or load_id
        self.undeclared |= {table.contract.name: table.unknown for table in validated}
        warnings = (*_empty_exports(self.source, validated), *_kept_rows(validated), *self._undeclared_warnings())
        if suspects:
            for warning in warnings:
                self.progress(f"Warning: {warning}")
            raise joined_error(self.source, suspects)
        return ExtractResult(name, load_id, loaded, unchanged, warnings)

    def _place(self) -> ExportPlace:
        """Return where the exports of the source lie."""
        if self.source.name not in self.settings.sources:
            return Folder(self.settings, self.source, self.originals)
        from scorecard.extract.files.bucket import Bucket

        cursors = read_cursors(self.settings.warehouse, self.source)
        return Bucket(self.settings, self.source, cursors, self.originals)

    def _find_changed(self) -> dict[ObjectContract, list[ExportFile]]:
        """Find the exports that differ from the newest load, and copy them.

        Raises
        ------
        ScorecardError: names all that are missing.
        """
        changed: dict[ObjectContract, list[ExportFile]] = {}
        missing: dict[str, ScorecardError] = {}
        for contract in self.source.objects:
            newest = self.newest.get(contract.name)
            is_same_contract = newest is not None and newest.contract_sha256 == contract.fingerprint
            try:
                if is_same_contract and self.place.is_as_loaded(contract):
                    continue
                files = self.place.fetch(contract)
            except ScorecardError as error:
                missing[contract.name] = error
                continue
            if newest is None and not any(file.is_present for file in files):
                continue
            versions = tuple((file.name, file.sha256) for file in files)
            if not is_same_contract or not newest or newest.files != versions:
                changed[contract] = files
        if missing:
            raise joined_error(self.source, missing)
        return changed

    def _read(
        self, changed: dict[ObjectContract, list[ExportFile]], db: "duckdb.DuckDBPyConnection"
    ) -> tuple[list[ValidatedTable], dict[str, ScorecardError]]:
        """Read all changed exports and compare them with the raw tables; return those to load, and the suspect ones.

        Raises
        ------
        ScorecardError: names every export that can't be used.
        """
        import duckdb

        validated: list[ValidatedTable] = []
        errors: dict[str, ScorecardError] = {}
        suspects: dict[str, ScorecardError] = {}
        bounds = Bounds(self.settings.max_cells, self.settings.max_text)
        with attached(self.settings.warehouse, db):
            types = read_types(db, self.source.schema, "warehouse")
            versions = VersionComparison(self.settings, self.source, db, RawTables(self.source.schema, types))
            for number, (contract, files) in enumerate(changed.items()):
                self.progress(f"{self.source.name}.{contract.name}: reading {contract.file}")
                try:
                    self.originals.verify(file for file in files if file.is_present)
                    table = read_export(db, f"t{number}", contract, files, bounds)
                    validated.append(versions.compare(table, files, self.newest.get(contract.name)))
                except Suspect as error:
                    suspects[contract.name] = error
                except ScorecardError as error:
                    errors[contract.name] = error
                except duckdb.OutOfMemoryException as error:
                    errors[contract.name] = _too_large(self.source, contract, error)
        if errors:
            raise joined_error(self.source, errors | suspects)
        retype(self.settings.warehouse, self.source, validated, types)
        return validated, suspects

    def _load(
        self, validated: list[ValidatedTable], db: "duckdb.DuckDBPyConnection"
    ) -> tuple[str, tuple[LoadedObject, ...]]:
        """Load validated exports; return the load id, and what the load did to each raw table."""
        source = self.source
        self.progress(f"{source.name}: loading {', '.join(table.contract.name for table in validated)}")
        cursors: dict[ObjectContract, tuple[str, date | None]] = {
            table.contract: (listing, None) for table in validated if (listing := self.place.listing(table.contract))
        }
        loaded_at = load_time(self.newest.values())
        load_id, loaded = load(self.settings.warehouse, source, validated, loaded_at, self.work / "load", db, cursors)
        for table in loaded:
            self.progress(
                f"{source.name}.{table.name}: {table.rows_read} rows read, {table.rows_new} new,"
                f" {table.rows_retired} ended, {table.rows_quarantined} in quarantine"
            )
        return load_id, loaded

    def _move_known_days(self, contracts: Sequence[ObjectContract]) -> str | None:
        """Write the last complete day of each export whose day moved; return the load id, None if none moved.

        The day moves also if an export is written anew without a change.
        """
        declared = {contract: contract.known_through for contract in contracts if contract.known_through}
        if not declared:
            return None
        warehouse, source = self.settings.warehouse, self.source
        cursors = read_cursors(warehouse, source)
        moved: dict[ObjectContract, tuple[str, date | None]] = {}
        for contract, known_through in declared.items():
            cursor = cursors.get(contract.name)
            day = self._known_day(contract, known_through)
            if day and (cursor is None or cursor.read_through != day):
                moved[contract] = (cursor.text if cursor else "", day)
        if not moved:
            return None
        loaded_at = load_time([*read_state(warehouse, source).values(), *cursors.values()])
        with scratch_database(self.work) as db:
            load_id, _ = load(warehouse, source, [], loaded_at, self.work / "known", db, moved)
        for contract, (_, day) in moved.items():
            self.progress(f"{source.name}.{contract.name}: known through {day}")
        return load_id

    def _known_day(self, contract: ObjectContract, known_through: KnownThrough) -> date | None:
        """Return the last complete day of an export, None if it isn't known."""
        newest = None
        if known_through.kind == "field":
            with open_warehouse(self.settings.warehouse, read_only=True) as db:
                (newest,) = db.execute(
                    f"select max({quoted(known_through.value)}) from {self.source.schema}.{quoted(contract.name)}"
                    " where _valid_to is null"
                ).fetchone() or (None,)
        return known_day(known_through, self.place.written_at(contract), newest, self.settings.zone)

    def _undeclared_warnings(self) -> tuple[str, ...]:
        return tuple(
            undeclared_warning(f"{self.source.name}/{contract.file}", fields, contract.declared_in)
            for contract in self.source.objects
            if (fields := self.undeclared.get(contract.name))
        )


def _kept_rows(validated: list[ValidatedTable]) -> tuple[str, ...]:
    """Return a warning for each export that lacks records that are kept."""
    return tuple(
        f"{table.contract.file} has rows in quarantine that don't say which record they are, so the {table.rows_kept}"
        " records that it lacks are kept: some of those rows may be theirs. Mend the rows, and the others will end."
        for table in validated
        if table.rows_kept
    )


def _empty_exports(source: SourceContract, validated: list[ValidatedTable]) -> tuple[str, ...]:
    """Return a warning for each export without records; a file that people write may be empty."""
    if source.folder:
        return ()
    return tuple(
        f"{table.contract.file} has a header and no records. If there ought to be some, export it again."
        for table in validated
        if not table.rows_read
    )


def _too_large(source: SourceContract, contract: ObjectContract, error: Exception) -> ScorecardError:
    return ScorecardError(
        f"{source.name}/{contract.file} cannot be read: {first_line(error)}.",
        "Look in it for records far longer than the others, and check that the disk is not full.",
    )
