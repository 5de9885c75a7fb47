"""The objects of an organisation: their current records, and their fields with types."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from sandbox.standins.record_store import Fields, Store, utc
from sandbox.standins.salesforce.standard_fields import FIELDS, HISTORIES

STANDARD = (
    "Account",
    "Campaign",
    "Contact",
    "Event",
    "Lead",
    "Opportunity",
    "OpportunityHistory",
    "OpportunityLineItem",
    "Product2",
    "Quote",
    "Task",
    "User",
)
RECYCLE_BIN = timedelta(days=15)
ACTIVITIES = {"Event", "Task"}
"""Objects whose records are archived a year after they are over: `query` passes over them, `queryAll` doesn't."""
ARCHIVED_AFTER = timedelta(days=365)
MERGED = {"Account", "Contact", "Lead"}
"""Objects whose records can be merged, and which therefore have MasterRecordId."""
WITHOUT = {
    "User": {"IsDeleted"},
    "OpportunityHistory": {"LastModifiedDate"},
    **{kind: {"LastModifiedDate", "SystemModstamp"} for kind in HISTORIES},
}
"""System fields that an object does not have."""
CASTS: dict[str, Callable[[Any], Any]] = {"string": str, "double": float, "int": int, "boolean": bool}


class CurrentRecord(NamedTuple):
    """A record as it is now; of a deleted one the last fields it had."""

    id: str
    created: datetime
    modified: datetime
    fields: Fields
    deleted: bool
    master: str | None
    archived: bool = False


@dataclass(frozen=True)
class Field:
    """A field that a test declares: its type, and the store's field that it shows (the one of its own name if none)."""

    type: str
    source: str | None = None


@dataclass(frozen=True)
class Column:
    """A field of an object, and how it is read from a row: moments as datetime, dates as ISO text."""

    name: str
    type: str
    read: Callable[[CurrentRecord], Any]
    nillable: bool = True

    @property
    def compound(self) -> bool:
        """Whether the field consists of others."""
        return self.type in ("address", "location")


SYSTEM = (
    Column("Id", "id", lambda row: row.id, nillable=False),
    Column("IsDeleted", "boolean", lambda row: row.deleted, nillable=False),
    Column("MasterRecordId", "reference", lambda row: row.master),
    Column("CreatedDate", "datetime", lambda row: row.created, nillable=False),
    Column("LastModifiedDate", "datetime", lambda row: row.modified, nillable=False),
    Column("SystemModstamp", "datetime", lambda row: row.modified, nillable=False),
)


class Objects:
    """The objects of an organisation.

    Types of fields that are not in `FIELDS` are inferred from the values in the store. ``schema`` alters an object's
    fields: by API name a `Field`, or None for one that is not there. So
    ``schema["Lead"] = {"Rating": None, "Grade__c": Field("string", "Rating")}`` renames a field.
    """

    def __init__(self, store: Store) -> None:
        self.schema: dict[str, dict[str, Field | None]] = {}
        self.forbidden: set[str] = set()
        self._store = store
        self._types: dict[str, dict[str, str | None]] = {}
        self._rows: dict[str, tuple[tuple[int, datetime], list[CurrentRecord]]] = {}

    def names(self) -> list[str]:
        """Return the names of the objects that the user may read."""
        return sorted({*STANDARD, *HISTORIES, *self._store.kinds()} - self.forbidden)

    def named(self, name: str) -> str | None:
        """Return the object of a name, which may be in any case, or None."""
        return next((kind for kind in self.names() if kind.lower() == name.lower()), None)

    def rows(self, kind: str) -> list[CurrentRecord]:
        """Return the records of an object, with those that are still in the recycle bin.

        They are kept until the store or its clock changes: a scan of many records is slow.
        """
        state = (self._store.written, self._store.now)
        if kind not in self._rows or self._rows[kind][0] != state:
            rows = self._seen(kind)
            self._learn(kind, rows)
            self._rows[kind] = (state, rows)
        return self._rows[kind][1]

    def columns(self, kind: str) -> dict[str, Column]:
        """Return the fields of an object by their name in lower case: SOQL does not mind the case."""
        self.rows(kind)
        types = {name: type_ or "string" for name, type_ in self._types[kind].items()}
        known = {name: Field(type_) for name, type_ in {**types, **FIELDS.get(kind, {})}.items()}
        declared = {**known, **self.schema.get(kind, {})}
        system = [column for column in SYSTEM if column.name not in WITHOUT.get(kind, ())]
        columns = [column for column in system if column.name != "MasterRecordId" or kind in MERGED]
        if kind in ACTIVITIES:
            columns.append(Column("IsArchived", "boolean", lambda row: row.archived, nillable=False))
        for name, field in declared.items():
            if field is not None:
                columns.append(Column(name, field.type, _reader(name, field, types)))
        return {column.name.lower(): column for column in columns}

    def _seen(self, kind: str) -> list[CurrentRecord]:
        purged = self._store.now - RECYCLE_BIN
        rows = []
        for record_id, first, newest in self._store.newest(kind):
            fields = newest.fields
            if fields is None:
                if newest.at <= purged:
                    continue
                versions = self._store.versions(kind, record_id)
                fields = next((version.fields for version in reversed(versions) if version.fields is not None), {})
            master = newest.merged_into
            row = CurrentRecord(record_id, _second(first.at), _second(newest.at), fields, newest.deleted, master)
            archived = kind in ACTIVITIES and _is_over(kind, row, self._store.now - ARCHIVED_AFTER)
            rows.append(row._replace(archived=True) if archived else row)
        return rows

    def _learn(self, kind: str, rows: list[CurrentRecord]) -> None:
        """Infer the types of new fields. A known type stays, as in a real organisation."""
        types = self._types.setdefault(kind, {})
        known = {name for name, type_ in types.items() if type_}
        for row in rows:
            for name in row.fields.keys() - known:
                types[name] = _inferred(name, row.fields[name])
                if types[name]:
                    known.add(name)


def _is_over(kind: str, row: CurrentRecord, by: datetime) -> bool:
    """Whether an event's or a closed task's day, that of its making if it has none, is not after a moment."""
    if kind == "Task" and not row.fields.get("IsClosed"):
        return False
    day = row.fields.get("ActivityDate") or row.created.date().isoformat()
    return str(day) <= by.date().isoformat()


def _second(moment: datetime) -> datetime:
    """Salesforce keeps times to the second. Most moments are given so, and to copy every one would be slow."""
    if moment.tzinfo is UTC and not moment.microsecond:
        return moment
    return moment.astimezone(UTC).replace(microsecond=0)


def _inferred(name: str, value: Any) -> str | None:
    match value:
        case None:
            return None
        case bool():
            return "boolean"
        case int() | float():
            return "double"
        case datetime():
            return "datetime"
        case date():
            return "date"
        case dict():
            return "location" if "latitude" in value and "city" not in value else "address"
        case str() if re.fullmatch(r"\d{4}-\d\d-\d\d", value):
            return "date"
        case str() if re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d", value):
            return "datetime"
    return "reference" if name.endswith("Id") else "string"


def _reader(name: str, field: Field, types: dict[str, str]) -> Callable[[CurrentRecord], Any]:
    source = field.source or name
    cast: Callable[[Any], Any] | None = None
    if field.type == "datetime":
        cast = _moment
    elif field.type == "date":
        cast = str
    elif field.type != types.get(source, field.type):
        cast = CASTS.get(field.type)
    if cast is None:
        return lambda row: row.fields.get(source)
    change = cast
    return lambda row: None if (value := row.fields.get(source)) is None else change(value)


def _moment(value: Any) -> datetime:
    return (value if isinstance(value, datetime) else utc(str(value))).astimezone(UTC)
