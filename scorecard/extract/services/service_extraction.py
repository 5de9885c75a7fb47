"""Bring the raw tables of one service up to date: read what changed, load it, remember how far it was read.

Each object is read from where the last completed load left it. Pages are staged as they come and loaded together, at
the latest when enough rows wait; a cursor is written with the rows it stands for, so a run that is killed between two
loads goes on from the last one. One object's failure stops that object; the others go on, and the run fails at its end.
"""

import json
import queue
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from scorecard.extract.contracts.contract import ObjectContract, SourceContract, first_day
from scorecard.extract.contracts.record_shape import RecordShape
from scorecard.extract.raw.column_types import retype
from scorecard.extract.raw.load import after_last_load, finish, load
from scorecard.extract.raw.result import ExtractResult, LoadedObject, joined_error
from scorecard.extract.raw.scratch import scratch_database, working_folder
from scorecard.extract.raw.state import Cursor, read_cursors
from scorecard.extract.raw.suspect import Limits, limits_of
from scorecard.extract.raw.undeclared import undeclared_warning
from scorecard.extract.raw.validate import Staged, count
from scorecard.extract.raw.warehouse_file import attached, read_types
from scorecard.extract.services import versions
from scorecard.extract.services.http import QuotaGone
from scorecard.extract.services.page import Page
from scorecard.extract.services.pages import Pages
from scorecard.extract.services.response import understood
from scorecard.shared.errors import ScorecardError
from scorecard.shared.settings import Connection, ServiceSettings, Settings
from scorecard.shared.sql import first_line

if TYPE_CHECKING:
    import duckdb

ROWS, BYTES = 100_000, 64 * 2**20
"""Rows, and bytes of them, that wait to be loaded, but for the rest of a stretch in which an object can't be left."""

WAITING = 2
"""Answers that may wait to be staged, so that memory stays small however fast the service is."""

LATE = timedelta(minutes=10)
"""What happened this long before a service is asked may not be in its answers yet."""

START = "first_day"
"""In a cursor: the first day of which records were wanted when it was written, "" where all were."""

EVERYTHING_DATED = "from"
"""In a cursor of the first release: the same, of every object, facts of a day or not."""

SAY_EVERY = 5.0
"""Seconds between two lines of progress of one object."""


class Service(Protocol):
    """What a connector is to the loop. Its package names the class `CONNECTOR`.

    `speaks_http`: whether the connection's host is the address of a service that speaks HTTP.
    """

    speaks_http: ClassVar[bool]

    def __init__(self, name: str, own: ServiceSettings, connection: Connection) -> None:
        """Take the source's name, its settings and the connection; nothing is sent yet."""

    def who(self) -> str:
        """Say whose credentials these are."""

    def shape(self, name: str) -> RecordShape:
        """Say where the records of an object tell what the extraction has to know."""

    def check(self, contract: ObjectContract) -> None:
        """Refuse an object of which the service lacks a declared field, or that it does not let us read."""

    def clock(self) -> datetime | None:
        """Say what time it is by the service's own clock, None where it was asked for nothing yet."""

    def pages(
        self, name: str, contracts: list[ObjectContract], cursor: dict[str, Any] | None, again: bool
    ) -> Iterator[Page]:
        """Yield the pages of an object from a cursor on; all of them where there is none.

        ``again``: it was read before, by another contract; what has been deleted since has to be found, too. The last
        page has a cursor.
        """


@dataclass
class _Object:
    """An object of the service on its way into one or several raw tables."""

    name: str
    contracts: list[ObjectContract]
    cursor: dict[str, Any] | None
    tables: list[Pages] = field(default_factory=list)
    reached: dict[str, Any] | None = None
    safe: int = 0
    rows: int = 0
    pages: int = 0
    error: Exception | None = None
    started: float = field(default_factory=time.monotonic)
    said: float = 0.0


def extract_service(
    settings: Settings, source: SourceContract, service: Service, progress: Callable[[str], None] = lambda _: None
) -> ExtractResult:
    """Load what is new, changed or deleted at a service since it was last read.

    Raises
    ------
    ScorecardError: an object can't be read (the others are loaded), the service answers no more today (what was read
        is loaded), or the warehouse can't be written (it is as it was before the load that failed).
    """
    with working_folder(settings, source) as work, scratch_database(work) as db:
        return _Run(settings, source, service, work, db, progress).through()


def _too_large(source: SourceContract, name: str, error: Exception) -> ScorecardError:
    return ScorecardError(
        f"The records of {source.name}.{name} cannot be taken apart: {first_line(error)}.",
        f"Lower page_size in [services.{source.name}], look for records far longer than the others, and"
        " whether the disk is full.",
    )


def _refuse_unordered(contract: ObjectContract, shape: RecordShape) -> None:
    """Refuse a contract without the column that says which version of a record is the newest."""
    if shape.modified and shape.modified not in {column.name for column in contract.columns}:
        raise ScorecardError(
            f"The raw table {contract.name} declares no column {shape.modified}, which orders a record's versions.",
            f"Declare it in {contract.declared_in}, as the tables beside it do.",
        )


class _Run:
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
        self.work, self.db, self.progress = work, db, progress
        self.own = settings.services[source.name]
        self.limits = limits_of(settings, source)
        self.cursors = read_cursors(settings.warehouse, source)
        self.loaded: dict[str, LoadedObject] = {}
        self.load_id: str | None = None
        self.unknown: dict[str, tuple[str, ...]] = {}
        self.objects: list[_Object] = []

    def through(self) -> ExtractResult:
        """Read all objects, load, and say what became of them."""
        self.objects = self._objects()
        through = self._before_today()
        with self._reading() as answers:
            for each, page in answers:
                self._take(each, page)
                if self._is_enough() and each.safe == each.pages:
                    self._load([one for one in self.objects if one.safe == one.pages])
        self._load(self.objects, through)
        self._refuse()
        unchanged = tuple(
            contract.name for each in self.objects for contract in each.contracts if contract.name not in self.loaded
        )
        warnings = tuple(
            undeclared_warning(f"{self.source.name}.{name}", fields, self.source.declared_in)
            for name, fields in sorted(self.unknown.items())
            if fields
        )
        loaded = tuple(self.loaded.values())
        return ExtractResult(self.source.name, self.load_id, loaded, unchanged, warnings, self._ending())

    def _is_enough(self) -> bool:
        """Whether so much waits that it is to be loaded before more is read."""
        tables = [table for each in self.objects for table in each.tables]
        return sum(each.rows for each in tables) >= ROWS or sum(each.bytes for each in tables) >= BYTES

    def _objects(self) -> list[_Object]:
        """Return the objects to read: each once, whatever the number of raw tables it is to fill."""
        by_name: dict[str, list[ObjectContract]] = {}
        for contract in self.source.objects:
            if not self.own.objects or contract.name in self.own.objects:
                by_name.setdefault(contract.object, []).append(contract)
        found: list[_Object] = []
        for name, contracts in by_name.items():
            each = _Object(name, contracts, self._cursor(contracts))
            try:
                with understood(self.source.name, name):
                    for contract in contracts:
                        _refuse_unordered(contract, self.service.shape(name))
                        self.service.check(contract)
            except ScorecardError as error:
                each.error = error
            number = len(found)
            shape = self.service.shape(name)
            # A list that has a table of its own is no field of its record's table.
            lists = [contract.each for contract in contracts if contract.each]
            shape = replace(shape, ignored=(*shape.ignored, *lists))
            each.tables = [
                Pages(self.db, f"o{number}_{i}", contract, shape, self.own.keep_new_fields)
                for i, contract in enumerate(each.contracts)
            ]
            found.append(each)
        return found

    def _cursor(self, contracts: list[ObjectContract]) -> dict[str, Any] | None:
        """Return where to go on; nowhere, where a contract has changed since, or older records are wanted by now."""
        held: list[Cursor | None] = [self.cursors.get(contract.name) for contract in contracts]
        if any(
            each is None or each.contract_sha256 != contract.fingerprint
            for each, contract in zip(held, contracts, strict=True)
        ):
            return None
        cursor: dict[str, Any] = json.loads(held[0].text) if held[0] else {}
        if cursor.pop(EVERYTHING_DATED, ""):
            # What it left out may be referred to.
            return None
        start = self._start(contracts)
        began = cursor.pop(START, start)
        return None if began > start else cursor

    def _start(self, contracts: list[ObjectContract]) -> str:
        """Return the day from which on an object's records are wanted, "" where all are."""
        first = first_day(self.own.start_date, contracts)
        return first.isoformat() if first else ""

    @contextmanager
    def _reading(self) -> Iterator[Iterator[tuple[_Object, Page]]]:
        """Let threads ask the service, as many objects at a time as the settings allow."""
        todo: queue.SimpleQueue[_Object] = queue.SimpleQueue()
        answers: queue.Queue[tuple[_Object, Page | Exception | None]] = queue.Queue(WAITING)
        stop = threading.Event()
        asked = [each for each in self.objects if each.error is None]
        for each in asked:
            todo.put(each)

        def hand_over(item: tuple[_Object, Page | Exception | None]) -> None:
            while not stop.is_set():
                try:
                    answers.put(item, timeout=0.2)
                    return
                except queue.Full:
                    continue

        def work() -> None:
            while not stop.is_set():
                try:
                    each = todo.get_nowait()
                except queue.Empty:
                    return
                failed: Exception | None = None
                try:
                    again = each.cursor is None and any(one.name in self.cursors for one in each.contracts)
                    with understood(self.source.name, each.name):
                        for page in self.service.pages(each.name, each.contracts, each.cursor, again):
                            hand_over((each, page))
                            if stop.is_set():
                                return
                except Exception as error:
                    failed = error
                # Behind the pages that were read before it, which are to be kept.
                hand_over((each, failed))

        def taken() -> Iterator[tuple[_Object, Page]]:
            left = len(asked)
            while left:
                each, page = answers.get()
                if isinstance(page, Page):
                    yield each, page
                    continue
                left -= 1
                each.error = each.error or page
                self._say(each, done=True)

        threads = [threading.Thread(target=work, daemon=True) for _ in range(self.own.concurrency)]
        for thread in threads:
            thread.start()
        try:
            yield taken()
        finally:
            stop.set()
            for thread in threads:
                thread.join()

    def _take(self, each: _Object, page: Page) -> None:
        if each.error:
            return
        try:
            with understood(self.source.name, each.name):
                for table in each.tables:
                    table.add(page)
        except ScorecardError as error:
            each.error = error
            return
        each.pages += 1
        each.rows += len(page.records) + len(page.gone)
        if page.cursor is not None:
            each.reached, each.safe = page.cursor, each.pages
        if time.monotonic() - each.said > SAY_EVERY:
            self._say(each)

    def _say(self, each: _Object, done: bool = False) -> None:
        each.said = time.monotonic()
        rate = each.rows / max(each.said - each.started, 0.001)
        state = "failed" if each.error else "read" if done else "reading"
        self.progress(
            f"{self.source.name}.{each.name}: {state}, {each.rows} records on {each.pages} pages, {rate:.0f} a second"
        )

    def _before_today(self) -> date | None:
        """Return the last day that was over by the service's clock, None where not all can be read."""
        if any(each.error for each in self.objects):
            return None
        now = self.service.clock()
        return (now - LATE).astimezone(self.settings.zone).date() - timedelta(days=1) if now else None

    def _ending(self) -> tuple[str, ...]:
        """Say which versions of the service's API end soon, by its own clock."""
        now = self.service.clock()
        connection = self.settings.connections.get(self.source.name)
        extra = connection.extra if connection else ()
        return versions.ending(self.source.service, now.date(), extra, self.source.name) if now else ()

    def _load(self, objects: list[_Object], through: date | None = None) -> None:
        """Load what waits of some objects, up to where each could be left.

        ``through``: the day through which all is read, if no object fails.
        """
        ready = [each for each in objects if each.reached is not None]
        for each in ready:
            for table in each.tables:
                table.forget_after(each.safe)
        staged, cursors = self._judged(ready) if ready else ([], {})
        through = None if any(each.error for each in objects) else through
        cursors = self._read_through(through) | cursors
        if staged or cursors:
            loaded_at = after_last_load([*self.cursors.values()])
            work = self.work / "load"
            told = {contract: (text, through) for contract, text in cursors.items()}
            self.load_id = load(self.settings.warehouse, self.source, staged, loaded_at, work, self.db, told)
            shutil.rmtree(work, ignore_errors=True)
            for one in finish(self.settings.warehouse, self.source, staged, loaded_at, self.load_id):
                self._count(one)
            self.cursors = read_cursors(self.settings.warehouse, self.source)
        for each in ready:
            for table in each.tables:
                table.clear()
            each.pages = each.safe = 0
            each.reached = None

    def _judged(self, ready: list[_Object]) -> tuple[list[Staged], dict[ObjectContract, str]]:
        import duckdb

        staged: list[Staged] = []
        cursors: dict[ObjectContract, str] = {}
        with attached(self.settings.warehouse, self.db):
            types = read_types(self.db, self.source.schema, "warehouse")
            for each in ready:
                try:
                    with understood(self.source.name, each.name):
                        judged = [
                            table.judge(
                                self.source.schema,
                                set(types.get(table.contract.name, ())),
                                self._limits(each, table.contract),
                                types,
                            )
                            for table in each.tables
                            if not table.is_idle(set(types.get(table.contract.name, ())))
                        ]
                except ScorecardError as error:
                    each.error = error
                    continue
                except duckdb.OutOfMemoryException as error:
                    each.error = _too_large(self.source, each.name, error)
                    continue
                staged += [one for one in judged if self._is_news(one, types.get(one.contract.name, {}))]
                cursors |= self._moved(each)
                for one in judged:
                    self.unknown[one.contract.name] = one.unknown
        retype(self.settings.warehouse, self.source, staged, types)
        return staged, cursors

    def _limits(self, each: _Object, contract: ObjectContract) -> Limits:
        """Return what a table may lose: one of a list loses what its record's table does, which is asked once."""
        has_records = any(not one.each for one in each.contracts)
        return self.limits.without_loss() if contract.each and has_records else self.limits

    def _is_news(self, staged: Staged, held: dict[str, str]) -> bool:
        """Whether a load would change anything."""
        lacks = {column.name for column in staged.columns} - held.keys()
        rows = count(self.db, f"{staged.table}_good") + count(self.db, f"{staged.table}_mended")
        return bool(lacks or staged.rows_quarantined or rows)

    def _moved(self, each: _Object) -> dict[ObjectContract, str]:
        """Return the cursors to be written: those that stand elsewhere than the last load left them."""
        text = json.dumps({**(each.reached or {}), START: self._start(each.contracts)}, sort_keys=True)
        held = {contract: self.cursors.get(contract.name) for contract in each.contracts}
        return {
            contract: text
            for contract, cursor in held.items()
            if cursor is None or (cursor.text, cursor.contract_sha256) != (text, contract.fingerprint)
        }

    def _read_through(self, day: date | None) -> dict[ObjectContract, str]:
        """Return the cursors to be written anew because a day is over that was not when they were written."""
        if day is None:
            return {}
        contracts = [contract for each in self.objects for contract in each.contracts]
        held = {contract: self.cursors[contract.name] for contract in contracts if contract.name in self.cursors}
        return {
            contract: cursor.text
            for contract, cursor in held.items()
            if cursor.read_through is None or cursor.read_through < day
        }

    def _count(self, one: LoadedObject) -> None:
        before = self.loaded.get(one.name)
        if before:
            one = replace(
                one,
                rows_read=one.rows_read + before.rows_read,
                rows_loaded=one.rows_loaded + before.rows_loaded,
                rows_quarantined=one.rows_quarantined + before.rows_quarantined,
                rows_new=one.rows_new + before.rows_new,
                rows_retired=one.rows_retired + before.rows_retired,
            )
        self.loaded[one.name] = one

    def _refuse(self) -> None:
        """Raise what stopped objects; what is no mistake of anybody's is raised as it is."""
        errors = [each.error for each in self.objects if each.error]
        for error in errors:
            if not isinstance(error, ScorecardError):
                raise error
        quota = next((error for error in errors if isinstance(error, QuotaGone)), None)
        if quota:
            raise quota
        stopped = {
            contract.name: each.error
            for each in self.objects
            if isinstance(each.error, ScorecardError)
            for contract in each.contracts
        }
        if stopped:
            raise joined_error(self.source, stopped)
