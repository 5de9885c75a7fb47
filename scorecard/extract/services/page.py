"""What a connector gives: pages of records as they came, and where the records say what the extraction has to know."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

PARENT = "_parent."
"""Before the header of a column of a list's entry that is a field of the record the list is in."""


@dataclass(frozen=True)
class Shape:
    """Where the records of a service say what the extraction has to know: JSON paths, "" where there is none.

    ``modified`` is the declared column that orders the versions of a record. A record is a tombstone where the field at
    ``deleted`` reads ``deleted_value`` (where that is "", if it reads anything); ``deleted_at`` says since when,
    ``merged_into`` which record took it in. ``ignored`` fields are neither kept nor reported. ``one_moment``: all pages
    of a run show one moment, so that no record comes twice; else only the records of one page do.
    """

    modified: str = ""
    deleted: str = ""
    deleted_value: str = "true"
    deleted_at: str = ""
    merged_into: str = ""
    ignored: tuple[str, ...] = ()
    one_moment: bool = False


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
