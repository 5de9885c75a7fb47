"""What a connector has to do, and an object of its service on the way into raw tables."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Protocol

from scorecard.extract.contracts.contract import ObjectContract, RecordShape
from scorecard.extract.services.service_page import ServicePage
from scorecard.extract.services.table_buffer import TableBuffer
from scorecard.shared.settings import Connection, ServiceSettings


class Service(Protocol):
    """A connector. Its package names the class `CONNECTOR`.

    `speaks_http`: whether the connection's host is the address of a service that speaks HTTP.
    """

    speaks_http: ClassVar[bool]

    def __init__(self, name: str, own: ServiceSettings, connection: Connection) -> None:
        """Take the source's name, its settings and the connection; nothing is sent yet."""

    def who(self) -> str:
        """Return whose credentials these are."""

    def shape(self, name: str) -> RecordShape:
        """Return where the records of an object say what the extraction has to know."""

    def check(self, contract: ObjectContract) -> None:
        """Fail if the service lacks the object or a declared field, or if the credentials can't read it."""

    def clock(self) -> datetime | None:
        """Return the time by the service's own clock, None before the first request."""

    def pages(
        self, name: str, contracts: list[ObjectContract], cursor: dict[str, Any] | None, again: bool
    ) -> Iterator[ServicePage]:
        """Yield the pages of an object from a cursor on, all of them without a cursor. The last page has a cursor.

        ``again``: the object was read before, by another contract. What was deleted since has to be found, too.
        """


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
