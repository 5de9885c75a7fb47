"""Where the records of a service say what the extraction has to know."""

from dataclasses import dataclass

PARENT = "_parent."
"""Prefix of a header in a table of a list's entries: the column is a field of the record that has the list."""


@dataclass(frozen=True)
class RecordShape:
    """JSON paths of the fields that the extraction needs, "" if there is no such field.

    ``modified`` is the declared column that orders the versions of a record. A record is a tombstone if its field at
    ``deleted`` equals ``deleted_value`` (if that is "", if the field has a value). ``deleted_at`` is the time of the
    deletion, ``merged_into`` the record that it was merged into. ``ignored`` fields are neither kept nor reported.
    ``one_moment``: all pages of a run show the same moment, so no record comes twice; else each page has its own.
    """

    modified: str = ""
    deleted: str = ""
    deleted_value: str = "true"
    deleted_at: str = ""
    merged_into: str = ""
    ignored: tuple[str, ...] = ()
    one_moment: bool = False
