"""The records of an object type as the API shows them at a moment, in the order of their ids."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sandbox.standins.record_store import Fields, Store, Version

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

CREATED = {"createdate", "hs_createdate"}
MODIFIED = {"lastmodifieddate", "hs_lastmodifieddate"}
ASSOCIATIONS = "associations"
"""The field of the store that is no property."""


class HubSpotRecord(NamedTuple):
    """A record as the API shows it."""

    id: str
    created: datetime
    modified: datetime
    fields: Fields
    archived_at: datetime | None = None

    def value(self, name: str) -> str | datetime | None:
        """Return a property; times that the server sets as such, which is quicker to compare."""
        if name == "hs_object_id":
            return self.id
        if name in CREATED:
            return self.created
        if name in MODIFIED:
            return self.modified
        value: str | None = self.fields.get(name)
        return value


class Catalog:
    """The records of one type: live ones, archived ones, and the winners of mergers."""

    def __init__(self, store: Store, kind: str, lag: timedelta = timedelta()) -> None:
        self.live: dict[int, HubSpotRecord] = {}
        self.archived: dict[int, HubSpotRecord] = {}
        self.merged_into: dict[str, str] = {}
        self.names: set[str] = set()
        """Properties that the records have."""
        self._losers: list[tuple[str, Version]] = []
        moment = store.now - lag
        for record_id, first, newest in store.newest(kind):
            if newest.visible_at <= moment and newest.fields is not None:
                self._add(HubSpotRecord(record_id, first.at, newest.at, newest.fields))
            else:
                self._add_late(record_id, [v for v in store.versions(kind, record_id) if v.visible_at <= moment])
        self._merge()
        self.live_ids = sorted(self.live)
        self.archived_ids = sorted(self.archived)

    def _add_late(self, record_id: str, seen: list[Version]) -> None:
        """Add a record that is deleted, or whose newest version is not visible yet."""
        if not seen:
            return
        last = seen[-1]
        if last.merged_into is not None:
            self._losers.append((record_id, last))
        elif last.fields is None:
            fields = next((version.fields for version in reversed(seen) if version.fields is not None), {})
            self.archived[int(record_id)] = HubSpotRecord(record_id, seen[0].at, last.at, fields, last.at)
        else:
            self._add(HubSpotRecord(record_id, seen[0].at, last.at, last.fields))

    def _add(self, record: HubSpotRecord) -> None:
        self.live[int(record.id)] = record
        self.names.update(record.fields.keys() - {ASSOCIATIONS})

    def _merge(self) -> None:
        direct = {record_id: version.merged_into for record_id, version in self._losers}
        taken_in: dict[str, list[tuple[str, datetime]]] = defaultdict(list)
        for record_id, version in self._losers:
            winner = direct[record_id]
            while winner in direct:
                winner = direct[winner]
            if winner is not None:
                self.merged_into[record_id] = winner
                taken_in[winner].append((record_id, version.at))
        for winner, losers in taken_in.items():
            record = self.live.get(int(winner))
            if record is not None:
                self._add(_with_merged(record, losers))

    def final(self, record_id: str) -> str:
        """Return the id of the record into which a record was merged, or its own id."""
        return self.merged_into.get(record_id, record_id)

    def find(self, record_id: str, archived: bool = False) -> HubSpotRecord | None:
        """Return the record that an id leads to."""
        final = self.final(record_id)
        return (self.archived if archived else self.live).get(int(final)) if final.isdecimal() else None


def linked(own: Catalog, kind: str, other: Catalog, to: str) -> dict[str, list[str]]:
    """Return ids of the other type by id of the own one. Either side may have written an association."""
    linked_ids: dict[str, list[str]] = defaultdict(list)
    for record in own.live.values():
        for target in record.fields.get(ASSOCIATIONS, {}).get(to, ()):
            if (target_record := other.find(target)) is not None:
                linked_ids[record.id].append(target_record.id)
    for record in other.live.values():
        for source in record.fields.get(ASSOCIATIONS, {}).get(kind, ()):
            if (here := own.find(source)) is not None:
                linked_ids[here.id].append(record.id)
    return {record_id: list(dict.fromkeys(ids)) for record_id, ids in linked_ids.items()}


def millis(moment: datetime) -> int:
    """Return milliseconds since 1970, exactly."""
    return (moment - EPOCH) // timedelta(milliseconds=1)


def _with_merged(record: HubSpotRecord, losers: list[tuple[str, datetime]]) -> HubSpotRecord:
    """Return a winner with what HubSpot notes in it. The note is a change: it moves the modification time."""
    losers = sorted(losers, key=lambda loser: loser[1])
    noted = {
        "hs_merged_object_ids": ";".join(loser for loser, _ in losers),
        "hs_calculated_merged_vids": ";".join(f"{loser}:{millis(at)}" for loser, at in losers),
    }
    return record._replace(modified=max(record.modified, losers[-1][1]), fields=record.fields | noted)
