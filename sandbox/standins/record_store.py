"""All versions of the records of one service: stand-ins serve them, and tests compare with them."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Fields = dict[str, Any]


@dataclass(frozen=True)
class Version:
    """What a record is from a moment on.

    ``at`` is the modification time that the service prints, ``visible_at`` the moment from which its lists and
    searches show the version: later than ``at`` where a transaction commits late or an index lags. ``fields`` is None
    once the record is deleted; ``merged_into`` then names the record that took it in, if one did.
    """

    at: datetime
    visible_at: datetime
    fields: Fields | None
    merged_into: str | None = None

    @property
    def deleted(self) -> bool:
        """Whether the record is gone."""
        return self.fields is None


class Store:
    """Versions of records by object and id. ``now`` is the service's clock; later versions are not there yet.

    A history may be written ahead of the clock; moving ``now`` forward reveals it. Versions of a record are written
    in the order of their time.
    """

    def __init__(self, now: datetime) -> None:
        self.now = now
        self._versions: dict[str, dict[str, list[Version]]] = {}
        self.written = 0

    def put(
        self, kind: str, record_id: str, fields: Fields, at: datetime | None = None, visible_at: datetime | None = None
    ) -> None:
        """Write a whole record: create it, or give it a new version (a deleted one is restored)."""
        at = at or self.now
        self._add(kind, record_id, Version(at, visible_at or at, dict(fields)))

    def change(self, kind: str, record_id: str, at: datetime | None = None, **fields: Any) -> None:
        """Change some fields of a record that is there."""
        last = self._versions[kind][record_id][-1]
        if last.fields is None:
            raise ValueError(f"{kind} {record_id} is deleted")
        self.put(kind, record_id, {**last.fields, **fields}, at)

    def delete(self, kind: str, record_id: str, at: datetime | None = None, merged_into: str | None = None) -> None:
        """Delete a record, or let another take it in."""
        at = at or self.now
        self._add(kind, record_id, Version(at, at, None, merged_into))

    def _add(self, kind: str, record_id: str, version: Version) -> None:
        of_record = self._versions.setdefault(kind, {}).setdefault(record_id, [])
        if of_record and version.at < of_record[-1].at:
            raise ValueError(f"{kind} {record_id}: a version of {version.at} after one of {of_record[-1].at}")
        of_record.append(version)
        self.written += 1

    def versions(self, kind: str, record_id: str) -> list[Version]:
        """Return the versions of a record that are visible now, oldest first."""
        return [
            version for version in self._versions.get(kind, {}).get(record_id, []) if version.visible_at <= self.now
        ]

    def newest(self, kind: str) -> Iterator[tuple[str, Version, Version]]:
        """Yield (id, first version, newest version that is visible now) of every record, deleted ones included."""
        for record_id, versions in self._versions.get(kind, {}).items():
            if versions[-1].visible_at <= self.now:
                yield record_id, versions[0], versions[-1]
                continue
            seen = [version for version in versions if version.visible_at <= self.now]
            if seen:
                yield record_id, seen[0], seen[-1]

    def state(self, kind: str, at: datetime | None = None) -> dict[str, Fields]:
        """Return the records that are there at a moment by the service's own times (now, if none is given)."""
        moment = at or self.now
        records = {}
        for record_id, versions in self._versions.get(kind, {}).items():
            position = bisect_right(versions, moment, key=lambda version: version.at)
            if position and (fields := versions[position - 1].fields) is not None:
                records[record_id] = fields
        return records

    def kinds(self) -> list[str]:
        """Return the objects that have records."""
        return sorted(self._versions)


def utc(text: str) -> datetime:
    """Return the moment that an ISO text names; UTC where it says no offset."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
