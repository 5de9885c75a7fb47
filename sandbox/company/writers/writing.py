"""How a history gets into a store, and how times look in each service."""

from datetime import UTC, datetime

from sandbox.company.world.model import Record
from sandbox.standins.record_store import Fields, Store

Change = tuple[datetime, Fields]
"""Fields that a record has from a moment on; what it does not name stays as it was."""


class Writer:
    """Writes records with all their versions, in the order of their time, up to the end of the history."""

    def __init__(self, store: Store, ends: datetime) -> None:
        self.store, self.ends = store, ends

    def write(self, kind: str, record: Record, changes: list[Change], merged_into: str | None = None) -> None:
        """Write a record that was created, changed, and perhaps deleted or merged into another one."""
        self.put(kind, record.id, changes, record.deleted_at, merged_into)

    def put(
        self, kind: str, record_id: str, changes: list[Change], gone: datetime | None = None, merged: str | None = None
    ) -> None:
        """Write what changes; changes of one moment make one version, and none follow once the record is gone."""
        stop = min(gone or self.ends, self.ends)
        versions: dict[datetime, Fields] = {}
        fields: Fields = {}
        for at, changed in sorted(changes, key=lambda change: change[0]):
            if at < stop:
                fields = versions[at] = {**fields, **changed}
        for at, version in versions.items():
            self.store.put(kind, record_id, version, at)
        if gone and gone < self.ends and versions:
            self.store.delete(kind, record_id, gone, merged)


def salesforce_time(moment: datetime) -> str:
    """Return a moment as Salesforce writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def iso(moment: datetime) -> str:
    """Return a moment as HubSpot and Zendesk write it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def unix(moment: datetime) -> int:
    """Return a moment as Stripe writes it."""
    return int(moment.timestamp())
