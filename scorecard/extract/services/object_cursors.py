"""The cursors of a service's objects: where a run begins, and what a load writes."""

import json
from datetime import date
from typing import Any

from scorecard.extract.contracts.contract import ObjectContract, SourceContract, first_day
from scorecard.extract.raw.raw_tables import Cursor, read_cursors
from scorecard.extract.services.service import ServiceObject
from scorecard.shared.settings import Settings

START = "first_day"
"""In a cursor: the first day of which records were wanted when it was written, "" where all were."""

FIRST_RELEASE_START = "from"
"""In a cursor of the first release: the same, of every object, facts of a day or not."""


class ObjectCursors:
    """The cursors that the warehouse holds of a source."""

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
        text = json.dumps({**(read_object.checkpoint or {}), START: self._start(read_object.contracts)}, sort_keys=True)
        cursors = {contract: self.by_table.get(contract.name) for contract in read_object.contracts}
        return {
            contract: text
            for contract, cursor in cursors.items()
            if cursor is None or (cursor.text, cursor.contract_sha256) != (text, contract.fingerprint)
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
