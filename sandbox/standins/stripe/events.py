"""The events of the Stripe stand-in: what happened to the objects of its store in the last 30 days."""

from collections.abc import Iterator
from datetime import timedelta
from hashlib import blake2b
from typing import NamedTuple

from sandbox.standins.record_store import Fields, Store, Version
from sandbox.standins.stripe.shape import PLURALS, created, shaped

KEPT = timedelta(days=30)
"""How long events are kept."""

MILESTONES = {
    ("invoice", "paid"): ("invoice.paid", "invoice.payment_succeeded"),
    ("invoice", "void"): ("invoice.voided",),
    ("invoice", "uncollectible"): ("invoice.marked_uncollectible",),
    ("credit_note", "void"): ("credit_note.voided",),
    ("subscription", "paused"): ("customer.subscription.paused",),
}
"""Events that come along when an object reaches a status."""


class Event(NamedTuple):
    """An event: what happened, and which version of which object made it. The payload is made when it is asked for."""

    created: int
    id: str
    type: str
    kind: str
    record_id: str
    position: int


def recent(store: Store, repeat_every: int) -> dict[str, Event]:
    """Return the events that are still kept, by id; every n-th of them twice, if `repeat_every` is not 0."""
    events: dict[str, Event] = {}
    oldest = (store.now - KEPT).timestamp()
    for number, (kind, record_id, position, version, name) in enumerate(_happened(store, oldest), 1):
        times = 2 if repeat_every and number % repeat_every == 0 else 1
        for copy in range(times):
            event_id = _event_id(kind, record_id, position, name, copy)
            events[event_id] = Event(int(version.at.timestamp()), event_id, name, kind, record_id, position)
    return events


def _happened(store: Store, oldest: float) -> Iterator[tuple[str, str, int, Version, str]]:
    for kind in PLURALS.values():
        for record_id, _, last in store.newest(kind):
            if last.at.timestamp() < oldest:
                continue
            before = None
            for position, version in enumerate(store.versions(kind, record_id)):
                if version.at.timestamp() >= oldest:
                    for name in event_types(kind, before, version.fields):
                        yield kind, record_id, position, version, name
                before = version.fields


def _event_id(*what: object) -> str:
    # A digest, so that events of one second come in no particular order, but in the same one each time.
    return "evt_" + blake2b(repr(what).encode(), digest_size=12).hexdigest()


def event_types(kind: str, before: Fields | None, after: Fields | None) -> list[str]:
    """Return the types of the events that a new version of an object makes."""
    name = "customer.subscription" if kind == "subscription" else kind
    if after is None:
        return [f"{name}.deleted"]
    if kind == "charge":
        return [_charge_type(before, after)]
    status, status_before = after.get("status"), (before or {}).get("status")
    types = [f"{name}.created" if before is None else f"{name}.updated"]
    if kind == "subscription" and status == "canceled" and status_before != "canceled":
        # The end of a subscription is an event "deleted", though the object stays and can be read.
        return [*(types if before is None else []), f"{name}.deleted"]
    if kind == "invoice" and status_before in (None, "draft") and status not in (None, "draft"):
        types.append("invoice.finalized")
    if status != status_before:
        types += MILESTONES.get((kind, str(status)), ())
    return types


def _charge_type(before: Fields | None, after: Fields) -> str:
    if before is None:
        return f"charge.{after.get('status', 'succeeded')}"
    refunded = after.get("amount_refunded", 0) > before.get("amount_refunded", 0)
    return "charge.refunded" if refunded else "charge.updated"


def rendered(event: Event, store: Store, api_version: str) -> Fields:
    """Return an event as the API gives it: with the object as it was, in the shape of the version that made it."""
    versions = store.versions(event.kind, event.record_id)
    before = versions[event.position - 1].fields if event.position else None
    fields = versions[event.position].fields
    created_at = created(versions[0])

    def shape(state: Fields) -> Fields:
        return shaped(event.kind, event.record_id, state, created_at, api_version)

    # Of a deleted object the event carries the last state.
    data: Fields = {"object": shape(fields or before or {})}
    if event.type.endswith(".updated") and before:
        old = shape(before)
        changed = [name for name in {**old, **data["object"]} if old.get(name) != data["object"].get(name)]
        data["previous_attributes"] = {name: old.get(name) for name in changed}
    return {
        "id": event.id,
        "object": "event",
        "api_version": api_version,
        "created": event.created,
        "data": data,
        "livemode": False,
        "pending_webhooks": 0,
        "request": {"id": None, "idempotency_key": None},
        "type": event.type,
    }
