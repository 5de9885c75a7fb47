"""What a connector yields: pages of records as they came."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any


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

    ``records`` are JSON texts. ``gone`` are the records it names as deleted. ``ids`` are keys out of a list of all
    records, and ``complete_at`` is when that list ended: what the warehouse holds and the list lacks is deleted.
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
