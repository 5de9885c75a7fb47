"""Bring the raw tables of one source up to date with its exports, all of them or none."""

import glob
from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

from scorecard.extract.contracts.contract import ObjectContract, SourceContract
from scorecard.extract.contracts.known_through import known_day
from scorecard.extract.files.cells import Bounds, Part
from scorecard.extract.files.compare_versions import compare, find_mended, note_line_ends
from scorecard.extract.files.folder import Export, Folder, Place
from scorecard.extract.files.originals import Originals
from scorecard.extract.files.read_export import stage
from scorecard.extract.raw.column_types import retype
from scorecard.extract.raw.load import after_last_load, finish, load, quiet_dlt
from scorecard.extract.raw.result import ExtractResult, LoadedObject, joined_error
from scorecard.extract.raw.scratch import scratch_database, working_folder
from scorecard.extract.raw.state import NewestLoad, read_cursors, read_state
from scorecard.extract.raw.suspect import limits_of
from scorecard.extract.raw.troubles import Suspect
from scorecard.extract.raw.undeclared import undeclared_warning
from scorecard.extract.raw.validate import Staged
from scorecard.extract.raw.warehouse_file import attached, open_warehouse, read_types
from scorecard.shared.errors import ScorecardError
from scorecard.shared.settings import Settings
from scorecard.shared.sql import first_line, quoted

if TYPE_CHECKING:
    import duckdb


def extract_files(
    settings: Settings, source: SourceContract, progress: Callable[[str], None] = lambda _: None
) -> ExtractResult:
    """Load the exports of a source that changed since they were last loaded.

    Every changed export is read and judged first; only when all can be used are they loaded, in one dlt run. One that
    is suspect stays out of it, and the others go on.

    Raises
    ------
    Suspect: an export lost more than is likely (of several, an error that has theirs); the others were loaded.
    ScorecardError: an export can't be used, or the warehouse can't be written. It is as it was before.
    """
    with working_folder(settings, source) as work:
        held = read_state(settings.warehouse, source)
        return _Run(settings, source, held, work, progress).through()


class _Run:
    """One extraction of a source of exports; `held` is what the warehouse holds of it before."""

    def __init__(
        self,
        settings: Settings,
        source: SourceContract,
        held: dict[str, NewestLoad],
        work: Path,
        progress: Callable[[str], None],
    ) -> None:
        self.settings, self.source, self.held = settings, source, held
        self.work, self.progress = work, progress
        self.place = _place(settings, source, work)
        self.originals = Originals(settings, work)
        self.unknown = {name: each.unknown_columns for name, each in held.items()}

    def through(self) -> ExtractResult:
        """Find what changed, load it, and say what became of it."""
        name = self.source.name
        changed = _changed(self.place, self.source, self.held)
        self.originals.touch(sha256 for each in self.held.values() for _, sha256 in each.files)
        self.originals.expire()
        unchanged = tuple(contract.name for contract in self.source.objects if contract not in changed)
        if not changed:
            self.progress(f"{name}: nothing changed")
            load_id = self._advance(self.source.objects)
            return ExtractResult(name, load_id, (), unchanged, _warnings(self.source, self.unknown))
        with scratch_database(self.work) as db:
            staged, suspects = self._stage(changed, db)
            load_id, loaded = self._load(staged, changed, db) if staged else (None, ())
        load_id = self._advance([each for each in self.source.objects if each.name not in suspects]) or load_id
        self.unknown |= {each.contract.name: each.unknown for each in staged}
        warnings = (*_empty(self.source, staged), *_spared(staged), *_warnings(self.source, self.unknown))
        if suspects:
            for warning in warnings:
                self.progress(f"Warning: {warning}")
            raise joined_error(self.source, suspects)
        return ExtractResult(name, load_id, loaded, unchanged, warnings)

    def _stage(
        self, changed: dict[ObjectContract, list[Export]], db: "duckdb.DuckDBPyConnection"
    ) -> tuple[list[Staged], dict[str, ScorecardError]]:
        """Read all changed exports and compare them with the raw tables; return those to load, and the suspect ones.

        Raises
        ------
        ScorecardError: names every export that can't be used.
        """
        import duckdb

        staged: list[Staged] = []
        errors: dict[str, ScorecardError] = {}
        suspects: dict[str, ScorecardError] = {}
        limits = limits_of(self.settings, self.source)
        bounds = Bounds(self.settings.max_cells, self.settings.max_text)
        with attached(self.settings.warehouse, db):
            types = read_types(db, self.source.schema, "warehouse")
            for number, (contract, exports) in enumerate(changed.items()):
                self.progress(f"{self.source.name}.{contract.name}: reading {contract.file}")
                there = [export for export in exports if export.is_there]
                parts = [Part(export.name, _opener(export.path)) for export in there]
                try:
                    self.originals.check((export.name, export.sha256) for export in there)
                    each = stage(db, f"t{number}", contract, parts, bounds, [e.name for e in exports if not e.is_there])
                    cut = note_line_ends(self.settings, db, each, there, self.held.get(contract.name))
                    # People end a file as their editor does.
                    cut = [] if self.source.folder else cut
                    held_columns = set(types.get(contract.name, ()))
                    staged.append(compare(limits, self.source.schema, each, cut, held_columns, db))
                    find_mended(self.source.schema, each, types, db)
                except Suspect as error:
                    suspects[contract.name] = error
                except ScorecardError as error:
                    errors[contract.name] = error
                except duckdb.OutOfMemoryException as error:
                    errors[contract.name] = _too_large(self.source, contract, error)
        if errors:
            raise joined_error(self.source, errors | suspects)
        retype(self.settings.warehouse, self.source, staged, types)
        return staged, suspects

    def _load(
        self, staged: list[Staged], changed: dict[ObjectContract, list[Export]], db: "duckdb.DuckDBPyConnection"
    ) -> tuple[str, tuple[LoadedObject, ...]]:
        """Load what was staged; return the load id, and what the load did to each raw table."""
        warehouse, source = self.settings.warehouse, self.source
        self.progress(f"{source.name}: loading {', '.join(each.contract.name for each in staged)}")
        loaded_at = after_last_load([*self.held.values()])
        texts = self.place.listed({each.contract: changed[each.contract] for each in staged})
        listed: dict[ObjectContract, tuple[str, date | None]] = {each: (text, None) for each, text in texts.items()}
        load_id = load(warehouse, source, staged, loaded_at, self.work / "load", db, listed)
        loaded = finish(warehouse, source, staged, loaded_at, load_id)
        for each in loaded:
            self.progress(
                f"{source.name}.{each.name}: {each.rows_read} rows read, {each.rows_new} new,"
                f" {each.rows_retired} ended, {each.rows_quarantined} in quarantine"
            )
        return load_id, loaded

    def _advance(self, contracts: Sequence[ObjectContract]) -> str | None:
        """Write down through which day the exports are known that declare it; return the load id, None if none moved.

        An export that is written anew without a change moves its day, too.
        """
        declared = [each for each in contracts if each.known_through]
        if not declared:
            return None
        warehouse, source = self.settings.warehouse, self.source
        cursors = read_cursors(warehouse, source)
        moved: dict[ObjectContract, tuple[str, date | None]] = {}
        for contract in declared:
            held = cursors.get(contract.name)
            day = self._known_day(contract)
            if day and (held is None or held.read_through != day):
                moved[contract] = (held.text if held else "", day)
        if not moved:
            return None
        loaded_at = after_last_load([*read_state(warehouse, source).values(), *cursors.values()])
        with scratch_database(self.work) as db:
            load_id = load(warehouse, source, [], loaded_at, self.work / "known", db, moved)
        finish(warehouse, source, [], loaded_at, load_id)
        for contract, (_, day) in moved.items():
            self.progress(f"{source.name}.{contract.name}: known through {day}")
        return load_id

    def _known_day(self, contract: ObjectContract) -> date | None:
        newest, declared = None, contract.known_through
        assert declared  # noqa: S101
        if declared.kind == "field":
            with open_warehouse(self.settings.warehouse, read_only=True) as db:
                (newest,) = db.execute(
                    f"select max({quoted(declared.value)}) from {self.source.schema}.{quoted(contract.name)}"
                    " where _valid_to is null"
                ).fetchone() or (None,)
        return known_day(declared, self.place.written(contract), newest, self.settings.zone)


def _place(settings: Settings, source: SourceContract, work: Path) -> Place:
    """Return where the exports of a source lie."""
    if source.name not in settings.sources:
        return Folder(settings.data, source, Originals(settings, work), settings.project)
    from scorecard.extract.files.bucket import Bucket

    return Bucket(settings, source, read_cursors(settings.warehouse, source), work)


def _changed(place: Place, source: SourceContract, held: dict[str, NewestLoad]) -> dict[ObjectContract, list[Export]]:
    """Find the exports that are not what the warehouse holds.

    Raises
    ------
    ScorecardError: names all that are missing.
    """
    changed: dict[ObjectContract, list[Export]] = {}
    missing: dict[str, ScorecardError] = {}
    for contract in source.objects:
        last = held.get(contract.name)
        same = last is not None and last.contract_sha256 == contract.fingerprint
        try:
            if same and place.is_as_loaded(contract):
                continue
            found = place.fetch(contract)
        except ScorecardError as error:
            missing[contract.name] = error
            continue
        if last is None and not any(each.is_there for each in found):
            continue
        if not same or not last or last.files != tuple((each.name, each.sha256) for each in found):
            changed[contract] = found
    if missing:
        raise joined_error(source, missing)
    return changed


def _spared(staged: list[Staged]) -> tuple[str, ...]:
    return tuple(
        f"{each.contract.file} has rows in quarantine that don't say which record they are, so the {each.spared}"
        " records that it lacks are kept: some of those rows may be theirs. Mend the rows, and the others will end."
        for each in staged
        if each.spared
    )


def _empty(source: SourceContract, staged: list[Staged]) -> tuple[str, ...]:
    if source.folder:
        return ()
    return tuple(
        f"{each.contract.file} has a header and no records. If there ought to be some, export it again."
        for each in staged
        if not each.rows_read
    )


def _warnings(source: SourceContract, unknown: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(
        undeclared_warning(f"{source.name}/{contract.file}", unknown[contract.name], contract.declared_in)
        for contract in source.objects
        if unknown.get(contract.name)
    )


def _too_large(source: SourceContract, contract: ObjectContract, error: Exception) -> ScorecardError:
    return ScorecardError(
        f"{source.name}/{contract.file} cannot be read: {first_line(error)}.",
        "Look in it for records far longer than the others, and whether the disk is full.",
    )


def _opener(path: Path) -> Callable[[], IO[bytes]]:
    """Find the file by dlt's filesystem source, and say how to open it."""
    quiet_dlt()
    from dlt.sources.filesystem import filesystem

    # From the root, for dlt takes the folder, too, for part of the glob.
    root = Path(path.anchor)
    (item,) = filesystem(root.as_uri(), file_glob=glob.escape(str(path.relative_to(root))))
    opener: Callable[[], IO[bytes]] = partial(item.open, mode="rb", compression="disable")
    return opener
