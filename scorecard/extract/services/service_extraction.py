"""Bring the raw tables of one service up to date: read what changed, load it, remember how far it was read.

Each object is read from its last checkpoint. Pages are buffered in a scratch database and loaded together, at the
latest when the buffer is full. A cursor is written with the rows it stands for, so a run that is killed between two
loads resumes at the last one. The failure of one object stops that object; the others go on, and the run fails in the
end.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from scorecard.extract.contracts.contract import ObjectContract, RecordShape, SourceContract
from scorecard.extract.raw.extraction import ExtractResult, LoadedObject, joined_error, scratch_database, working_folder
from scorecard.extract.raw.load import load, load_time, retype
from scorecard.extract.raw.raw_tables import RawTables
from scorecard.extract.raw.suspect import LossLimits, limits_of
from scorecard.extract.raw.undeclared import undeclared_warning
from scorecard.extract.raw.validate import ValidatedTable, count
from scorecard.extract.raw.warehouse_file import attached, read_types
from scorecard.extract.services import versions
from scorecard.extract.services.parallel_reading import ParallelReader, ReadingProgress
from scorecard.extract.services.response import QuotaExceeded, understood
from scorecard.extract.services.service import Service, ServicePage
from scorecard.extract.services.service_objects import ObjectCursors, ServiceObject
from scorecard.extract.services.table_buffer import TableBuffer
from scorecard.extract.services.validate_records import is_idle, validate_records
from scorecard.shared.errors import ScorecardError
from scorecard.shared.settings import Settings
from scorecard.shared.sql import first_line

if TYPE_CHECKING:
    import duckdb

BUFFER_ROWS, BUFFER_BYTES = 100_000, 64 * 2**20
"""Rows, and bytes of them, at which the buffer is full. A stretch without a checkpoint may exceed them."""

LATE = timedelta(minutes=10)
"""How late a record may appear in the responses of a service."""


def extract_service(
    settings: Settings, source: SourceContract, service: Service, progress: Callable[[str], None] = lambda _: None
) -> ExtractResult:
    """Load what is new, changed or deleted at a service since it was last read.

    Raises
    ------
    ScorecardError: an object can't be read (the others are loaded), the service's daily quota is used up (what was read
        is loaded), or the warehouse can't be written (it is as it was before the load that failed).
    """
    with working_folder(settings, source) as work, scratch_database(work) as db:
        return _ServiceExtraction(settings, source, service, work, db, progress).run()


class _ServiceExtraction:
    """One extraction of a service."""

    def __init__(
        self,
        settings: Settings,
        source: SourceContract,
        service: Service,
        work: Path,
        db: "duckdb.DuckDBPyConnection",
        progress: Callable[[str], None],
    ) -> None:
        self.settings, self.source, self.service = settings, source, service
        self.work, self.db, self.progress = work, db, ReadingProgress(source.name, progress)
        self.own = settings.services[source.name]
        self.limits = limits_of(settings, source)
        self.cursors = ObjectCursors(settings, source)
        self.loaded: dict[str, LoadedObject] = {}
        self.load_id: str | None = None
        self.undeclared: dict[str, tuple[str, ...]] = {}
        self.objects: list[ServiceObject] = []

    def run(self) -> ExtractResult:
        """Read all objects, load them, and return what was done."""
        self.objects = self._checked_objects()
        complete_through = self._last_complete_day()
        readable = [read_object for read_object in self.objects if read_object.error is None]
        reader = ParallelReader(self.source.name, readable, self._read)
        with reader.running(self.own.concurrency):
            for read_object, page in reader.pages():
                if page is None:
                    self.progress.report(read_object, is_done=True)
                    continue
                self._add(read_object, page)
                if self._is_buffer_full() and read_object.is_at_checkpoint:
                    self._load([other for other in self.objects if other.is_at_checkpoint])
        self._load(self.objects, complete_through)
        self._raise_errors()
        return self._result()

    def _result(self) -> ExtractResult:
        contracts = [contract for read_object in self.objects for contract in read_object.contracts]
        unchanged = tuple(contract.name for contract in contracts if contract.name not in self.loaded)
        warnings = tuple(
            undeclared_warning(f"{self.source.name}.{name}", fields, self.source.declared_in)
            for name, fields in sorted(self.undeclared.items())
            if fields
        )
        loaded = tuple(self.loaded.values())
        return ExtractResult(self.source.name, self.load_id, loaded, unchanged, warnings, self._ending_versions())

    def _checked_objects(self) -> list[ServiceObject]:
        """Return the objects to read, each once, however many raw tables it fills. A failed check is its error."""
        by_name: dict[str, list[ObjectContract]] = {}
        for contract in self.source.objects:
            if not self.own.objects or contract.name in self.own.objects:
                by_name.setdefault(contract.object, []).append(contract)
        objects = []
        for number, (name, contracts) in enumerate(by_name.items()):
            shape = self.service.shape(name)
            read_object = ServiceObject(name, contracts, self.cursors.beginning(contracts))
            try:
                with understood(self.source.name, name):
                    for contract in contracts:
                        _refuse_unordered(contract, shape)
                        self.service.check(contract)
            except ScorecardError as error:
                read_object.error = error
            # A list that has a table of its own is no field of its record's table.
            lists = [contract.each for contract in contracts if contract.each]
            shape = replace(shape, ignored=(*shape.ignored, *lists))
            read_object.buffers = [
                TableBuffer(self.db, f"o{number}_{i}", contract, shape, self.own.keep_new_fields)
                for i, contract in enumerate(contracts)
            ]
            objects.append(read_object)
        return objects

    def _read(self, read_object: ServiceObject) -> Iterator[ServicePage]:
        contracts = read_object.contracts
        again = read_object.cursor is None and self.cursors.is_known(contracts)
        return self.service.pages(read_object.name, contracts, read_object.cursor, again)

    def _add(self, read_object: ServiceObject, page: ServicePage) -> None:
        """Add a page to the buffers of an object, unless the object has failed."""
        if read_object.error:
            return
        try:
            with understood(self.source.name, read_object.name):
                read_object.add(page)
        except ScorecardError as error:
            read_object.error = error
            return
        self.progress.report_at_times(read_object)

    def _is_buffer_full(self) -> bool:
        buffers = [buffer for read_object in self.objects for buffer in read_object.buffers]
        rows, size = sum(buffer.rows for buffer in buffers), sum(buffer.size_bytes for buffer in buffers)
        return rows >= BUFFER_ROWS or size >= BUFFER_BYTES

    def _last_complete_day(self) -> date | None:
        """Return the last day that is over by the service's clock, None if an object can't be read."""
        if any(read_object.error for read_object in self.objects):
            return None
        now = self.service.clock()
        return (now - LATE).astimezone(self.settings.zone).date() - timedelta(days=1) if now else None

    def _ending_versions(self) -> tuple[str, ...]:
        """Return a sentence about each version of the service's API that ends soon, by the service's clock."""
        now = self.service.clock()
        connection = self.settings.connections.get(self.source.name)
        extra = connection.extra if connection else ()
        return versions.ending(self.source.service, now.date(), extra, self.source.name) if now else ()

    def _load(self, objects: list[ServiceObject], complete_through: date | None = None) -> None:
        """Load the buffers of some objects up to their checkpoints.

        ``complete_through``: the day through which all is read, if no object fails.
        """
        ready = [read_object for read_object in objects if read_object.checkpoint is not None]
        for read_object in ready:
            read_object.drop_after_checkpoint()
        validated, cursors = self._validate(ready) if ready else ([], {})
        if any(read_object.error for read_object in objects):
            complete_through = None
        contracts = [contract for read_object in self.objects for contract in read_object.contracts]
        cursors = self.cursors.behind(contracts, complete_through) | cursors
        if validated or cursors:
            dated_cursors = {contract: (cursor, complete_through) for contract, cursor in cursors.items()}
            loaded_at = load_time(self.cursors.by_table.values())
            warehouse, work = self.settings.warehouse, self.work / "load"
            self.load_id, loaded = load(warehouse, self.source, validated, loaded_at, work, self.db, dated_cursors)
            for table in loaded:
                self._count(table)
            self.cursors.read()
        for read_object in ready:
            read_object.clear()

    def _validate(self, ready: list[ServiceObject]) -> tuple[list[ValidatedTable], dict[ObjectContract, str]]:
        """Validate buffers; return the tables with news, and the cursors that moved. A failed object has an error."""
        import duckdb

        validated: list[ValidatedTable] = []
        cursors: dict[ObjectContract, str] = {}
        with attached(self.settings.warehouse, self.db):
            raw = RawTables(self.source.schema, read_types(self.db, self.source.schema, "warehouse"))
            for read_object in ready:
                try:
                    with understood(self.source.name, read_object.name):
                        tables = [
                            validate_records(buffer, raw, self._limits(read_object, buffer.contract))
                            for buffer in read_object.buffers
                            if not is_idle(buffer, raw)
                        ]
                except ScorecardError as error:
                    read_object.error = error
                    continue
                except duckdb.OutOfMemoryException as error:
                    read_object.error = _too_large(self.source, read_object.name, error)
                    continue
                validated += [table for table in tables if self._has_news(table, raw)]
                cursors |= self.cursors.moved(read_object)
                self.undeclared |= {table.contract.name: table.unknown for table in tables}
        retype(self.settings.warehouse, self.source, validated, raw.types)
        return validated, cursors

    def _limits(self, read_object: ServiceObject, contract: ObjectContract) -> LossLimits:
        """Return the limits of a table. A table of a list loses what its record's table does, which is checked once."""
        has_records = any(not other.each for other in read_object.contracts)
        return self.limits.without_loss() if contract.each and has_records else self.limits

    def _has_news(self, table: ValidatedTable, raw: RawTables) -> bool:
        """Whether a load would change anything."""
        lacks = {column.name for column in table.columns} - raw.columns(table.contract).keys()
        rows = count(self.db, f"{table.table}_good") + count(self.db, f"{table.table}_mended")
        return bool(lacks or table.rows_quarantined or rows)

    def _count(self, table: LoadedObject) -> None:
        """Add a load to what earlier loads of this run did to a raw table."""
        earlier = self.loaded.get(table.name)
        self.loaded[table.name] = earlier + table if earlier else table

    def _raise_errors(self) -> None:
        """Raise the errors of the objects as one; an error of the program, or a quota that is used up, as it is."""
        errors = [read_object.error for read_object in self.objects if read_object.error]
        for error in errors:
            if not isinstance(error, ScorecardError):
                raise error
        quota = next((error for error in errors if isinstance(error, QuotaExceeded)), None)
        if quota:
            raise quota
        failed = {
            contract.name: read_object.error
            for read_object in self.objects
            if isinstance(read_object.error, ScorecardError)
            for contract in read_object.contracts
        }
        if failed:
            raise joined_error(self.source, failed)


def _too_large(source: SourceContract, name: str, error: Exception) -> ScorecardError:
    return ScorecardError(
        f"The records of {source.name}.{name} fit neither into memory nor into the state folder: {first_line(error)}.",
        f"Check that the disk has space. If it has, lower page_size in [services.{source.name}] of scorecard.toml. If"
        " the error comes again, look at the service for a record that is far longer than the others.",
    )


def _refuse_unordered(contract: ObjectContract, shape: RecordShape) -> None:
    """Fail if a contract lacks the column that says which version of a record is the newest."""
    if shape.modified and shape.modified not in {column.name for column in contract.columns}:
        raise ScorecardError(
            f"The raw table {contract.name} declares no column {shape.modified}, which orders a record's versions.",
            f"Declare it in {contract.declared_in}, as the tables beside it do.",
        )
