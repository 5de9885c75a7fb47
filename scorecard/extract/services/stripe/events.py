"""Stripe's events: which objects have changed, read once a run for all of them."""

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
    """What an event is about. Some things have no id."""

    object: str | None = None
    id: str | None = None


@dataclass(frozen=True)
class ChangeEvent:
    """An event, as far as it says that an object has changed.

    ``url``, ``sha256`` and ``size_bytes`` are of the answer that told it. ``last`` are the fields of an object that was
    deleted; none where they are of another version of the API than ours.
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
    """The events from the moment of the first question on backwards, as far as anybody has asked for them."""

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
        """Return the cursor that stands for all that was told up to now, and the first answer."""
        with self._lock:
            first = self._begin()
            if self._newest is None:
                return {"since": int(first.served_at.timestamp()), "quiet": True}, first
            return {"since": self._newest}, first

    def reaches(self, cursor: dict[str, Any]) -> bool:
        """Whether all that happened since a cursor is still told."""
        since = cursor["since"]
        with self._lock:
            if since < (self._begin().served_at - EVENTS_KEPT).timestamp():
                return False
            self._read_back_to(since)
            return "quiet" in cursor or self._oldest is None or self._oldest <= since

    def since(self, moment: int) -> list[ChangeEvent]:
        """Return what has happened since a moment, the newest first; some of it may be told twice."""
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
        answer, page = next(self.api.listed("events", {"limit": self.page_size}, self._after))
        for text in page.data:
            event = msgspec.json.decode(text, type=_Event)
            self._newest = event.created if self._newest is None else self._newest
            self._oldest, self._after = event.created, event.id
            self._changes += _changes(event, answer)
        self._more = page.has_more
        return answer


def _changes(event: _Event, answer: ServiceResponse) -> list[ChangeEvent]:
    about = msgspec.json.decode(event.data.object, type=_EventSubject)
    origin = (answer.url, answer.sha256, len(answer.body))
    changes = []
    if about.object in LISTS and about.id:
        deleted = event.type.endswith(".deleted")
        last = bytes(event.data.object) if deleted and event.api_version == API else b""
        changes.append(ChangeEvent(about.object, about.id, event.created, deleted, last, *origin))
    if about.object in TOUCHES:
        fields = msgspec.json.decode(event.data.object)
        ids = {name: fields.get(name) for name in TOUCHES[about.object]}
        changes += [ChangeEvent(name, id_, event.created, False, b"", *origin) for name, id_ in ids.items() if id_]
    return changes
