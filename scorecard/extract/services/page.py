"""What a connector gives: pages of records as they came, and where the records say what the extraction has to know."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Gone:
    """A record of which the service says that it is gone, and nothing else; its last version becomes a tombstone.

    ``entries``: where this is the path of a list, the record is there, and only that list inside of it is empty now.
    """

    key: str
    at: datetime
    reason: str
    entries: str = ""


@dataclass(frozen=True)
class Page:
    """One answer of a service.

    ``records`` are JSON texts. ``ids`` are keys out of a list of all that there are, and ``complete_at`` its end: what
    the warehouse holds and the list lacks is gone. ``cursor`` says, after this page, where to go on; None where one
    can't stop here.
    """

    url: str
    sha256: str
    size_bytes: int
    records: Sequence[bytes]
    gone: Sequence[Gone] = ()
    ids: Sequence[str] = ()
    complete_at: datetime | None = None
    cursor: dict[str, Any] | None = None
