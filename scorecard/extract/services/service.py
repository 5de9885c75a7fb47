"""What a connector does, and the pages of records that it yields."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Protocol

from scorecard.extract.contracts.contract import ObjectContract, RecordShape
from scorecard.extract.services.response import ServiceResponse
from scorecard.shared.settings import Connection, ServiceSettings


@dataclass(frozen=True)
class Deletion:
    """A record that the service names as deleted, without its fields; its last version becomes a tombstone.

    ``entries``: the path of a list, if the record still exists and only that list inside of it is empty now.
    """

    key: str
    at: datetime
    reason: str
    entries: str = ""


@dataclass(frozen=True)
class ServicePage:
    """One response of a service.

    ``records`` are JSON. ``gone`` are the records that it names as deleted. ``ids`` are keys out of a list of all
    records, and ``complete_at`` is when that list ended: what the warehouse has and the list lacks is deleted.
    ``cursor`` is the checkpoint after this page; None if a run can't stop here.
    """

    url: str
    sha256: str
    size_bytes: int
    records: Sequence[bytes]
    gone: Sequence[Deletion] = ()
    ids: Sequence[str] = ()
    complete_at: datetime | None = None
    cursor: dict[str, Any] | None = None


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
        """Return the fields of an object's records that the extraction needs."""

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


def page_of(
    response: ServiceResponse,
    records: Sequence[bytes] = (),
    gone: Sequence[Deletion] = (),
    place: str = "",
    **end: Any,
) -> ServicePage:
    """Return the page of a response.

    Parameters
    ----------
    place: what follows the response's URL to say which records it has.
    end: ids, complete_at and cursor of the page.
    """
    return ServicePage(response.url + place, response.sha256, len(response.body), records, gone, **end)


def is_comparison_due(own: ServiceSettings, cursor: Mapping[str, Any], now: datetime) -> bool:
    """Whether all ids are to be compared again: `reconcile_days` have passed since ``reconciled_at`` of a cursor."""
    return datetime.fromisoformat(cursor["reconciled_at"]) + timedelta(days=own.reconcile_days) <= now
