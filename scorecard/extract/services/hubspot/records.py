"""Pages of HubSpot's records and associations, decoded as far as the connector needs them."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from scorecard.extract.services.hubspot import settings as fixed


class Next(msgspec.Struct):
    """Where the next page begins."""

    after: str


class Paging(msgspec.Struct):
    """What a response says of the pages after it."""

    next: Next | None = None


class ListPage(msgspec.Struct):
    """A page of records, left as they came; also those of a search or a batch."""

    results: list[msgspec.Raw]
    paging: Paging | None = None
    errors: list[dict[str, Any]] = []

    @property
    def after(self) -> str:
        """Where the next page begins, "" after the last."""
        return self.paging.next.after if self.paging and self.paging.next else ""


class Link(msgspec.Struct):
    """A record that another is associated with, as lists show it."""

    id: str
    type: str = ""


class Links(msgspec.Struct):
    """The first records that another is associated with; there are more where `paging` says so."""

    results: list[Link]
    paging: Paging | None = None


class Properties(msgspec.Struct):
    """The properties of a record that decide how it is read."""

    hs_merged_object_ids: str | None = None
    hs_is_closed: str | None = None


class RecordHead(msgspec.Struct, rename="camel"):
    """The fields of a record that decide how it is read."""

    id: str
    updated_at: datetime
    properties: Properties
    archived_at: datetime | None = None
    associations: dict[str, Links] = {}

    @property
    def merged(self) -> list[str]:
        """Ids of the records that this one took in."""
        ids = (self.properties.hs_merged_object_ids or "").split(";")
        return [record_id.strip() for record_id in ids if record_id.strip() not in ("", self.id)]


class Owner(msgspec.Struct, rename="camel"):
    """The fields of an owner who has left that make a tombstone."""

    id: str
    updated_at: datetime


class Label(msgspec.Struct):
    """The name of an association, None if it has no name of its own."""

    label: str | None = None


class AssociationTarget(msgspec.Struct, rename={"id": "toObjectId", "types": "associationTypes"}):
    """A record that another is associated with, as the associations' own API shows it."""

    id: int | str
    types: list[Label] = []

    @property
    def is_primary(self) -> bool:
        """Whether it is the first of its kind, as people chose."""
        return any(label.label == "Primary" for label in self.types)


class AssociationSource(msgspec.Struct):
    """The record whose associations are shown."""

    id: str


class AssociationPage(msgspec.Struct, rename={"source": "from"}):
    """Associations of a record; there may be more of them."""

    source: AssociationSource
    to: list[AssociationTarget]
    paging: Paging | None = None

    @property
    def after(self) -> str:
        """Where the next ones begin, "" after the last."""
        return self.paging.next.after if self.paging and self.paging.next else ""


class Property(msgspec.Struct):
    """The definition of a property."""

    name: str
    type: str
    calculated: bool = False


class PropertyList(msgspec.Struct):
    """All properties of an object."""

    results: list[Property]


def in_order(links: Iterable[tuple[str, bool]]) -> list[str]:
    """Return ids, each once: the primary one first, then by age.

    >>> in_order([("12", False), ("7", False), ("12", True)])
    ['12', '7']
    """
    primary: dict[str, bool] = {}
    for record_id, is_primary in links:
        primary[record_id] = primary.get(record_id, False) or is_primary
    return sorted(primary, key=lambda record_id: (not primary[record_id], len(record_id), record_id))


def ids_in_order(kind: str, to: str, links: Links) -> list[str]:
    """Return the ids of associations as lists show them, where the primary one is there twice."""
    name = f"{fixed.SINGULAR.get(kind)}_to_{fixed.SINGULAR[to]}"
    return in_order((link.id, link.type == name) for link in links.results)


def complete_record(raw: msgspec.Raw, associations: dict[str, list[str]]) -> bytes:
    """Return a record in one shape, wherever it was read: associations as lists of ids, without redundant fields."""
    fields = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    for name in fixed.REDUNDANT:
        fields.pop(name, None)
    # A property that was emptied may read "", which is no number and no day; no text can hold these three bytes.
    fields["properties"] = msgspec.Raw(bytes(fields["properties"]).replace(b':""', b":null"))
    if associations:
        fields["associations"] = msgspec.Raw(msgspec.json.encode(associations))
    return msgspec.json.encode(fields)


def millis(at: datetime) -> str:
    """Write a moment as a search wants it: milliseconds since 1970."""
    return str(round(at.timestamp() * 1000))
