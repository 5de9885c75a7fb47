"""How records, their histories and their associations look in answers."""

from datetime import UTC, datetime
from typing import Any

from sandbox.standins.hubspot.catalog import HubSpotRecord
from sandbox.standins.hubspot.schema import SINGULARS
from sandbox.standins.record_store import Fields, Version

COMPANIES_THAT_CAN_BE_PRIMARY = {"contacts": 1, "deals": 5, "tickets": 26}
"""Types that have a primary company, and the number of that association."""

WITHOUT_LABEL = {
    ("contacts", "companies"): 279,
    ("companies", "contacts"): 280,
    ("contacts", "deals"): 4,
    ("deals", "contacts"): 3,
    ("contacts", "tickets"): 15,
    ("tickets", "contacts"): 16,
    ("deals", "companies"): 341,
    ("companies", "deals"): 342,
    ("tickets", "companies"): 339,
    ("companies", "tickets"): 340,
    ("deals", "line_items"): 19,
    ("line_items", "deals"): 20,
    ("deals", "tickets"): 27,
    ("tickets", "deals"): 28,
    ("deals", "quotes"): 63,
    ("quotes", "deals"): 64,
    ("calls", "contacts"): 194,
    ("calls", "companies"): 182,
    ("calls", "deals"): 206,
    ("emails", "contacts"): 198,
    ("emails", "companies"): 186,
    ("emails", "deals"): 210,
    ("meetings", "contacts"): 200,
    ("meetings", "companies"): 188,
    ("meetings", "deals"): 212,
    ("tasks", "contacts"): 204,
    ("tasks", "companies"): 192,
    ("tasks", "deals"): 216,
}
"""Numbers of the usual associations."""


def printed(moment: datetime) -> str:
    """Return a time as the API prints it: milliseconds only where there are some."""
    moment = moment.astimezone(UTC)
    precision = "milliseconds" if moment.microsecond >= 1000 else "seconds"
    return moment.isoformat(timespec=precision).replace("+00:00", "Z")


def shaped(record: HubSpotRecord, properties: list[str]) -> Fields:
    """Return a record with some of its properties."""
    values = {name: record.value(name) for name in properties}
    answer: Fields = {
        "id": record.id,
        "properties": {name: printed(v) if isinstance(v, datetime) else v for name, v in values.items()},
        "createdAt": printed(record.created),
        "updatedAt": printed(record.modified),
        "archived": record.archived_at is not None,
    }
    if record.archived_at is not None:
        answer["archivedAt"] = printed(record.archived_at)
    return answer


def history(versions: list[Version], names: list[str]) -> dict[str, list[Fields]]:
    """Return the values that properties had, newest first; an emptied one is an empty text."""
    histories = {}
    for name in names:
        changes: list[Fields] = []
        before = None
        for version in versions:
            value = None if version.fields is None else version.fields.get(name)
            if version.fields is not None and value != before:
                changes.append({"value": value or "", "timestamp": printed(version.at), "sourceType": "API"})
                before = value
        histories[name] = changes[::-1]
    return histories


def associated(kind: str, to: str, ids: list[str]) -> list[Fields]:
    """Return associations as lists of objects show them: the primary company is there twice."""
    name = f"{SINGULARS[kind]}_to_{SINGULARS[to]}"
    if to != "companies" or kind not in COMPANIES_THAT_CAN_BE_PRIMARY:
        return [{"id": record_id, "type": name} for record_id in ids]
    primary = [{"id": record_id, "type": name} for record_id in ids[:1]]
    return primary + [{"id": record_id, "type": f"{name}_unlabeled"} for record_id in ids]


def labelled(kind: str, to: str, ids: list[str], primary: str) -> list[Fields]:
    """Return associations as their own API shows them, each with its types."""
    usual = {"category": "HUBSPOT_DEFINED", "typeId": WITHOUT_LABEL.get((kind, to), 0), "label": None}
    number = COMPANIES_THAT_CAN_BE_PRIMARY.get(kind) if to == "companies" else None
    first = {"category": "HUBSPOT_DEFINED", "typeId": number, "label": "Primary"}
    return [
        {"toObjectId": record_id, "associationTypes": [first, usual] if number and record_id == primary else [usual]}
        for record_id in ids
    ]


def batch(now: datetime, results: list[Any], errors: list[Fields]) -> Fields:
    """Return the answer to a batch."""
    moment = printed(now)
    answer: Fields = {"status": "COMPLETE", "results": results, "startedAt": moment, "completedAt": moment}
    return answer | ({"numErrors": len(errors), "errors": errors} if errors else {})
