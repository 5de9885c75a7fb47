"""Where the records of a service say what the extraction has to know."""

from dataclasses import dataclass

PARENT = "_parent."
"""Before the header of a column of a list's entry that is a field of the record the list is in."""


@dataclass(frozen=True)
class RecordShape:
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
