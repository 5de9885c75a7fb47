"""A stand-in for Stripe's API: lists that are newest first, single objects, and the feed of events."""

import base64
from collections.abc import Awaitable, Callable, Hashable
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sandbox.standins.faults import Fault
from sandbox.standins.record_store import Fields, Store, Version
from sandbox.standins.serving import Service, as_json
from sandbox.standins.stripe.events import Event, recent, rendered
from sandbox.standins.stripe.query import ListRequest, StripeKey, StripeRefusal, expanded, missing, parsed
from sandbox.standins.stripe.shape import FILTERS, LINES, PLURALS, Filters, created, in_range, lines_of, matches, shaped

MOST_TYPES = 20

T = TypeVar("T")


class Stripe(Service):
    """Stripe, as far as reading goes. The store's kinds are the API's objects, named in the singular."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.secret_key = "sk_test_simulated"  # noqa: S105
        self.api_version = "2025-03-31.basil"
        """The account's version: the shape of answers to requests that name none."""
        self.event_api_version = "2025-03-31.basil"
        self.repeat_events = 0
        """Every n-th event is listed twice, under two ids; none is, if 0."""
        self.forbidden: set[str] = set()
        """Lists, as "invoices" or "events", that the key has no permission for."""
        self.seen_versions: set[str] = set()
        """The versions that requests asked for; an empty text where one asked for none."""
        self._kept_at: tuple[datetime, int] | None = None
        self._kept: dict[Hashable, Any] = {}

    def routes(self) -> list[BaseRoute]:
        """Return the routes of the API."""
        served = {
            "/v1/account": self._account,
            "/v1/events": self._events,
            "/v1/events/{id}": self._event,
            "/v1/subscription_items": self._items,
            "/v1/{plural}/{id}/lines": self._lines,
            "/v1/{plural}": self._list,
            "/v1/{plural}/{id}": self._one,
        }
        return [Route(path, self._guarded(endpoint)) for path, endpoint in served.items()]

    def error(self, status: int, problem: str) -> Response:
        """Return an error in the shape of Stripe."""
        return StripeRefusal(status, problem, "rate_limit" if status == 429 else None).response()

    def _guarded(self, endpoint: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def guarded(request: Request) -> Response:
            self.seen_versions.add(request.headers.get("stripe-version", ""))
            try:
                self._authorize(request)
                return await endpoint(request)
            except StripeRefusal as refused:
                return refused.response()

        return guarded

    def _authorize(self, request: Request) -> None:
        key = _key_of(request.headers.get("authorization", ""))
        if not key:
            raise StripeRefusal(401, "You did not provide an API key.")
        if key != self.secret_key:
            raise StripeRefusal(401, f"Invalid API Key provided: {key[:7]}***")
        if self.faults.strike(request.method, _target(request), {Fault.TOKEN_EXPIRED}):
            raise StripeRefusal(401, f"Expired API Key provided: {key[:7]}***", "api_key_expired")
        if self.faults.strike(request.method, _target(request), {Fault.AT_ONCE}):
            raise StripeRefusal(429, "This object is locked by another request. Try again later.", "lock_timeout")
        if request.url.path.split("/")[2] in self.forbidden:
            raise StripeRefusal(403, "The provided key does not have the required permissions for this endpoint.")

    async def _account(self, request: Request) -> Response:
        profile = {"name": "Simulated Cloud (simulated)"}
        return as_json({"id": "acct_simulated", "object": "account", "country": "DE", "business_profile": profile})

    async def _list(self, request: Request) -> Response:
        kind = _kind(request)
        query = parsed(request, FILTERS[kind])
        keys = self._once((kind, query.filters), lambda: self._keys(kind, query.filters))

        def key_of(record_id: str, param: str) -> StripeKey:
            return -created(self._versions(kind, record_id, 400, param)[0]), record_id

        def render(record_id: str) -> Fields:
            versions = self.store.versions(kind, record_id)
            fields, created_at = versions[-1].fields or {}, created(versions[0])
            return shaped(kind, record_id, fields, created_at, self._version(request), query.expand)

        return self._page(request, query, keys, key_of, render)

    def _keys(self, kind: str, filters: Filters) -> list[StripeKey]:
        return sorted(
            (-created(first), record_id)
            for record_id, first, last in self.store.newest(kind)
            if last.fields is not None and matches(kind, last.fields, created(first), filters)
        )

    async def _one(self, request: Request) -> Response:
        kind, record_id = _kind(request), request.path_params["id"]
        versions = self._versions(kind, record_id, 404, "id")
        fields = versions[-1].fields
        if fields is not None:
            made = created(versions[0])
            return as_json(shaped(kind, record_id, fields, made, self._version(request), expanded(request)))
        if kind == "customer":
            return as_json({"id": record_id, "object": kind, "deleted": True})
        raise missing(404, kind, record_id, "id")

    async def _lines(self, request: Request) -> Response:
        kind = _kind(request)
        if kind not in LINES or kind == "subscription":
            raise _unknown_url(request)
        return self._page_of_lines(request, kind, request.path_params["id"], parsed(request, set()), 404)

    async def _items(self, request: Request) -> Response:
        query = parsed(request, {"subscription"})
        subscription = dict(query.filters).get("subscription")
        if subscription is None:
            raise StripeRefusal(400, "Missing required param: subscription.", "parameter_missing", "subscription")
        return self._page_of_lines(request, "subscription", subscription, query, 400)

    def _page_of_lines(self, request: Request, kind: str, record_id: str, query: ListRequest, status: int) -> Response:
        fields = self._versions(kind, record_id, status, "id")[-1].fields
        if fields is None:
            raise missing(status, kind, record_id, "id")
        lines = {line["id"]: line for line in lines_of(kind, fields, self._version(request))}
        keys = [(position, line_id) for position, line_id in enumerate(lines)]

        def key_of(line_id: str, param: str) -> StripeKey:
            if line_id not in lines:
                raise missing(400, LINES[kind][1], line_id, param)
            return list(lines).index(line_id), line_id

        return self._page(request, query, keys, key_of, lines.__getitem__)

    async def _events(self, request: Request) -> Response:
        query = parsed(request, {"type", "types"})
        if sum(name == "types" for name, _ in query.filters) > MOST_TYPES:
            raise StripeRefusal(400, f"Array types exceeded maximum {MOST_TYPES} allowed elements.", param="types")
        events = self._recent()
        keys = self._once(("events", self.repeat_events, query.filters), lambda: _event_keys(events, query.filters))

        def key_of(event_id: str, param: str) -> StripeKey:
            if event_id not in events:
                raise missing(400, "event", event_id, param)
            return -events[event_id].created, event_id

        return self._page(request, query, keys, key_of, self._rendered)

    async def _event(self, request: Request) -> Response:
        event_id = request.path_params["id"]
        if event_id not in self._recent():
            raise missing(404, "event", event_id, "id")
        return as_json(self._rendered(event_id))

    def _recent(self) -> dict[str, Event]:
        return self._once(("recent", self.repeat_events), lambda: recent(self.store, self.repeat_events))

    def _rendered(self, event_id: str) -> Fields:
        return rendered(self._recent()[event_id], self.store, self.event_api_version)

    def _page(
        self,
        request: Request,
        query: ListRequest,
        keys: list[StripeKey],
        key_of: Callable[[str, str], StripeKey],
        render: Callable[[str], Fields],
    ) -> Response:
        start, stop, more = query.window(keys, key_of)
        if self.faults.strike(request.method, _target(request), {Fault.REPEATED_CURSOR}):
            # The page that ends where this one was to begin: its last id asks for the same page again.
            stop, more = start or stop, True
            start = max(0, stop - query.limit)
        data = [render(record_id) for _, record_id in keys[start:stop]]
        return as_json({"object": "list", "data": data, "has_more": more, "url": request.url.path})

    def _versions(self, kind: str, record_id: str, status: int, param: str) -> list[Version]:
        versions = self.store.versions(kind, record_id)
        if not versions:
            raise missing(status, kind, record_id, param)
        return versions

    def _version(self, request: Request) -> str:
        return request.headers.get("stripe-version", self.api_version)

    def _once(self, name: Hashable, make: Callable[[], T]) -> T:
        """Return what was made under a name, and make it anew once the clock or the store has moved."""
        moved_to = (self.store.now, self.store.written)
        if moved_to != self._kept_at:
            self._kept_at, self._kept = moved_to, {}
        if name not in self._kept:
            self._kept[name] = make()
        made: T = self._kept[name]
        return made


def _event_keys(events: dict[str, Event], filters: Filters) -> list[StripeKey]:
    types = [value for name, value in filters if name in ("type", "types")] or ["*"]
    return sorted(
        (-event.created, event.id)
        for event in events.values()
        if in_range(event.created, filters) and any(fnmatchcase(event.type, pattern) for pattern in types)
    )


def _kind(request: Request) -> str:
    kind = PLURALS.get(request.path_params["plural"])
    if kind is None:
        raise _unknown_url(request)
    return kind


def _key_of(authorization: str) -> str:
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return value
    try:
        return base64.b64decode(value).decode().partition(":")[0]
    except ValueError:
        return ""


def _target(request: Request) -> str:
    return f"{request.url.path}?{request.url.query}"


def _unknown_url(request: Request) -> StripeRefusal:
    return StripeRefusal(404, f"Unrecognized request URL ({request.method}: {request.url.path}).")
