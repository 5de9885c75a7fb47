"""The objects of a service that a run reads: where each begins, what was read of it, and the cursors to write."""

import json
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from scorecard.extract.contracts.contract import ObjectContract, SourceContract, first_day
from scorecard.extract.raw.raw_tables import Cursor, read_cursors
from scorecard.extract.services.service import ServicePage
from scorecard.extract.services.table_buffer import TableBuffer
from scorecard.shared.settings import Settings

START = "first_day"
"""In a cursor: the first day of which records were wanted when it was written, "" where all were."""

FIRST_RELEASE_START = "from"
"""In a cursor of the first release: the same, of every object, facts of a day or not."""


@dataclass
class ServiceObject:
    """An object of a service that fills one or several raw tables.

    ``cursor`` is where this run began, and ``checkpoint`` where the newest page with a cursor leads. ``safe_pages`` is
    the number of that page; ``pages`` and ``rows`` count what was read.
    """

    name: str
    contracts: list[ObjectContract]
    cursor: dict[str, Any] | None
    buffers: list[TableBuffer] = field(default_factory=list)
    checkpoint: dict[str, Any] | None = None
    safe_pages: int = 0
    rows: int = 0
    pages: int = 0
    error: Exception | None = None

    @property
    def is_at_checkpoint(self) -> bool:
        """Whether the newest page has a cursor."""
        return self.safe_pages == self.pages

    def add(self, page: ServicePage) -> None:
        """Add a page to the buffers."""
        for buffer in self.buffers:
            buffer.add(page)
        self.pages += 1
        self.rows += len(page.records) + len(page.gone)
        if page.cursor is not None:
            self.checkpoint, self.safe_pages = page.cursor, self.pages

    def drop_after_checkpoint(self) -> None:
        """Drop the pages from which a run can't go on."""
        for buffer in self.buffers:
            buffer.drop_after(self.safe_pages)

    def clear(self) -> None:
        """Empty the buffers after a load."""
        for buffer in self.buffers:
            buffer.clear()
        self.pages = self.safe_pages = 0
        self.checkpoint = None


class ObjectCursors:
    """The cursors that the warehouse has of a source."""

    def __init__(self, settings: Settings, source: SourceContract) -> None:
        self.settings, self.source = settings, source
        self.start_date = settings.services[source.name].start_date
        self.by_table: dict[str, Cursor] = {}
        self.read()

    def read(self) -> None:
        """Read the cursors from the warehouse."""
        self.by_table = read_cursors(self.settings.warehouse, self.source)

    def beginning(self, contracts: list[ObjectContract]) -> dict[str, Any] | None:
        """Return the cursor that a run begins at.

        None, to read all, if a contract has changed since, or if older records are wanted by now.
        """
        cursors = [self.by_table.get(contract.name) for contract in contracts]
        if any(
            cursor is None or cursor.contract_sha256 != contract.fingerprint
            for cursor, contract in zip(cursors, contracts, strict=True)
        ):
            return None
        cursor: dict[str, Any] = json.loads(cursors[0].text) if cursors[0] else {}
        if cursor.pop(FIRST_RELEASE_START, ""):
            # Other records may refer to what it left out.
            return None
        start = self._start(contracts)
        earlier_start = cursor.pop(START, start)
        return None if earlier_start > start else cursor

    def is_known(self, contracts: list[ObjectContract]) -> bool:
        """Whether any of the raw tables was read before."""
        return any(contract.name in self.by_table for contract in contracts)

    def moved(self, read_object: ServiceObject) -> dict[ObjectContract, str]:
        """Return the cursors to write of an object: those that differ from the last load."""
        fields = {**(read_object.checkpoint or {}), START: self._start(read_object.contracts)}
        written = json.dumps(fields, sort_keys=True)
        cursors = {contract: self.by_table.get(contract.name) for contract in read_object.contracts}
        return {
            contract: written
            for contract, cursor in cursors.items()
            if cursor is None or (cursor.text, cursor.contract_sha256) != (written, contract.fingerprint)
        }

    def behind(self, contracts: list[ObjectContract], day: date | None) -> dict[ObjectContract, str]:
        """Return the cursors to write again because another day is over, None: none is known to be."""
        if day is None:
            return {}
        cursors = {contract: self.by_table[contract.name] for contract in contracts if contract.name in self.by_table}
        return {
            contract: cursor.text
            for contract, cursor in cursors.items()
            if cursor.read_through is None or cursor.read_through < day
        }

    def _start(self, contracts: list[ObjectContract]) -> str:
        """Return the day from which on an object's records are wanted, "" if all are."""
        first = first_day(self.start_date, contracts)
        return first.isoformat() if first else ""
