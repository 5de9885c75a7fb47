"""Records of the Zendesk stand-in: in what order exports and lists give them, and how they look."""

import base64
from datetime import UTC, datetime, timedelta

from sandbox.standins.record_store import Fields, Store, Version, utc

SCRUBBED_AFTER = timedelta(days=30)
"""A deleted ticket is deleted for good after this time: the export keeps it, without what people wrote in it."""

WRITTEN_BY_PEOPLE = ("subject", "raw_subject", "description")

ARCHIVED_AFTER = timedelta(days=120)
"""A closed ticket is archived after this time; the list of ticket metrics then leaves it out."""

ZendeskKey = tuple[int, int]
"""A time and an id. Both are negative in a list that is newest first."""


def export_keys(store: Store, kind: str) -> list[ZendeskKey]:
    """Return the records of an export, deleted ones included, in the order of the time that the export compares."""
    return sorted((_unix(_changed(store, kind, last)), int(record_id)) for record_id, _, last in store.newest(kind))


def list_keys(store: Store, kind: str, start: int | None, end: int | None) -> list[ZendeskKey]:
    """Return the records of a list that were created in a time, in the order of their creation."""
    hidden = _archived(store) if kind == "ticket_metrics" else set()
    sign = -1 if kind == "ticket_metrics" else 1
    keys = []
    for record_id, first, last in store.newest(kind):
        created = _created(first)
        inside = (start is None or created >= start) and (end is None or created <= end)
        if inside and last.fields is not None and last.fields.get("ticket_id") not in hidden:
            keys.append((sign * created, sign * int(record_id)))
    return sorted(keys)


def _archived(store: Store) -> set[int]:
    since = store.now - ARCHIVED_AFTER
    return {
        int(record_id)
        for record_id, _, last in store.newest("tickets")
        if last.fields is not None and last.fields.get("status") == "closed" and last.at <= since
    }


def shown(store: Store, kind: str, key: ZendeskKey, url: str) -> Fields:
    """Return a record as the API gives it; times that the store holds win."""
    record_id = str(abs(key[1]))
    versions = store.versions(kind, record_id)
    last = versions[-1]
    if kind == "survey_responses":
        # Its id is a text, and it says itself neither when it was made nor where it is.
        return {"id": f"01J1{record_id.zfill(22)}", **(last.fields or {})}
    added: Fields = {
        "url": f"{url}/api/v2/{kind}/{record_id}.json",
        "id": int(record_id),
        "created_at": _written(versions[0].at),
        "updated_at": _written(last.at),
    }
    if kind == "tickets":
        added["generated_timestamp"] = _unix(_changed(store, kind, last))
    if kind == "ticket_events":
        added["timestamp"] = _unix(last.at)
    added |= last.fields if last.fields is not None else _deleted(store, kind, versions)
    if "custom_fields" in added:
        added["fields"] = added["custom_fields"]  # a ticket has them under both names
    return added


def _deleted(store: Store, kind: str, versions: list[Version]) -> Fields:
    """Return what an export shows of a deleted record: its last state, and that it is deleted."""
    last = versions[-1]
    fields = dict((versions[-2].fields if len(versions) > 1 else None) or {})
    if kind == "users":
        return fields | {"active": False}
    if kind != "tickets":
        return fields | {"deleted_at": _written(last.at)}
    if _changed(store, kind, last) > last.at:
        fields |= {name: "SCRUBBED" for name in WRITTEN_BY_PEOPLE if name in fields}
    return fields | {"status": "deleted"}


def metrics_by_ticket(store: Store) -> dict[int, ZendeskKey]:
    """Return the metrics of each ticket that has some."""
    return {
        last.fields["ticket_id"]: (0, int(record_id))
        for record_id, _, last in store.newest("ticket_metrics")
        if last.fields is not None
    }


def cursor_of(key: ZendeskKey) -> str:
    """Return the cursor that continues after a record."""
    return base64.b64encode(f"{key[0]}.0||{key[1]}|".encode()).decode()


def key_of(cursor: str) -> ZendeskKey:
    """Return the time and id that a cursor stands for; a ValueError if it stands for none."""
    time, _, record_id = base64.b64decode(cursor, validate=True).decode().partition(".0||")
    return int(time), int(record_id.removesuffix("|"))


def _changed(store: Store, kind: str, last: Version) -> datetime:
    scrubbed = last.at + SCRUBBED_AFTER
    return scrubbed if kind == "tickets" and last.deleted and store.now >= scrubbed else last.at


def _created(first: Version) -> int:
    stored = (first.fields or {}).get("created_at")
    return _unix(utc(stored) if stored else first.at)


def _unix(moment: datetime) -> int:
    return int(moment.timestamp())


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
