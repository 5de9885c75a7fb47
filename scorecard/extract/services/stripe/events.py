"""Stripe's events: they name the objects that have changed, and are read once a run for all objects."""

from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import msgspec

from scorecard.extract.services.response import ServiceResponse
from scorecard.extract.services.stripe.api import StripeApi
from scorecard.extract.services.stripe.settings import API, EVENTS_KEPT, LISTS, TOUCHES


class _Data(msgspec.Struct):
    object: msgspec.Raw


class _Event(msgspec.Struct):
    id: str
    created: int
    type: str
    data: _Data
    api_version: str | None = None


class _EventSubject(msgspec.Struct):
    """The object of an event. Some have no id."""

    object: str | None = None
    id: str | None = None


@dataclass(frozen=True)
class ChangeEvent:
    """The change of an object that an event names.

    ``url``, ``sha256`` and ``size_bytes`` are of the response that has the event. ``last`` are the fields of an object
    that was deleted; none if they are of another version of the API than ours.
    """

    kind: str
    id: str
    created: int
    deleted: bool
    last: bytes
    url: str
    sha256: str
    size_bytes: int


@dataclass
class EventFeed:
    """The events from the first request on backwards, as far as they were read."""

    api: StripeApi
    page_size: int
    _changes: list[ChangeEvent] = field(default_factory=list, init=False)
    _after: str = field(default="", init=False)
    _more: bool = field(default=True, init=False)
    _oldest: int | None = field(default=None, init=False)
    _newest: int | None = field(default=None, init=False)
    _first: ServiceResponse | None = field(default=None, init=False)
    _lock: Lock = field(default_factory=Lock, init=False)

    def begin(self) -> tuple[dict[str, Any], ServiceResponse]:
        """Return the cursor after the newest event, and the response that has it."""
        with self._lock:
            first = self._begin()
            if self._newest is None:
                return {"since": int(first.served_at.timestamp()), "quiet": True}, first
            return {"since": self._newest}, first

    def reaches(self, cursor: dict[str, Any]) -> bool:
        """Whether Stripe still has all events since a cursor."""
        since = cursor["since"]
        with self._lock:
            if since < (self._begin().served_at - EVENTS_KEPT).timestamp():
                return False
            self._read_back_to(since)
            return "quiet" in cursor or self._oldest is None or self._oldest <= since

    def since(self, moment: int) -> list[ChangeEvent]:
        """Return the changes since a moment, the newest first; some of them may come twice."""
        with self._lock:
            self._begin()
            self._read_back_to(moment)
            return [change for change in self._changes if change.created >= moment]

    def _begin(self) -> ServiceResponse:
        if self._first is None:
            self._first = self._read()
        return self._first

    def _read_back_to(self, moment: int) -> None:
        while self._more and (self._oldest is None or self._oldest >= moment):
            self._read()

    def _read(self) -> ServiceResponse:
        # One page at a time: a failure of one object's reading must not end that of the others.
        response, page = next(self.api.list_pages("events", {"limit": self.page_size}, self._after))
        for record in page.data:
            event = msgspec.json.decode(record, type=_Event)
            self._newest = event.created if self._newest is None else self._newest
            self._oldest, self._after = event.created, event.id
            self._changes += _changes(event, response)
        self._more = page.has_more
        return response


def _changes(event: _Event, response: ServiceResponse) -> list[ChangeEvent]:
    subject = msgspec.json.decode(event.data.object, type=_EventSubject)
    origin = (response.url, response.sha256, len(response.body))
    changes = []
    if subject.object in LISTS and subject.id:
        deleted = event.type.endswith(".deleted")
        last = bytes(event.data.object) if deleted and event.api_version == API else b""
        changes.append(ChangeEvent(subject.object, subject.id, event.created, deleted, last, *origin))
    if subject.object in TOUCHES:
        fields = msgspec.json.decode(event.data.object)
        ids = {name: fields.get(name) for name in TOUCHES[subject.object]}
        changes += [ChangeEvent(name, id_, event.created, False, b"", *origin) for name, id_ in ids.items() if id_]
    return changes
