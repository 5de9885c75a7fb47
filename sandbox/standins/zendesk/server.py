"""A stand-in for Zendesk's API: incremental exports by cursor and by time, and lists by cursor."""

import base64
import math
import time
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sandbox.standins.faults import Fault
from sandbox.standins.record_store import Fields, Store
from sandbox.standins.serving import Service, as_json
from sandbox.standins.zendesk.records import (
    ZendeskKey,
    cursor_of,
    export_keys,
    key_of,
    list_keys,
    metrics_by_ticket,
    shown,
)

BY_CURSOR = {"tickets", "users"}
BY_TIME = {"tickets", "users", "organizations", "ticket_events"}
LISTS = {"users", "organizations", "groups", "ticket_metrics", "satisfaction_ratings", "survey_responses"}

LEFT_OUT = 60
"""Seconds before now whose changes an export leaves out."""

EXPORTS_A_WINDOW = 10

FORBIDDEN = {"title": "Forbidden", "message": "You do not have access to this page."}

T = TypeVar("T")


class ZendeskRefusal(Exception):
    """A request that the API answers with an error."""

    def __init__(self, status: int, error: object, description: str | None = None, retry_after: int = 0) -> None:
        super().__init__(description or error)
        self.status, self.error, self.description, self.retry_after = status, error, description, retry_after

    def response(self) -> Response:
        """Return the error in the shape of Zendesk."""
        body = {"error": self.error} | ({"description": self.description} if self.description else {})
        return as_json(body, self.status, {"Retry-After": str(self.retry_after)} if self.retry_after else None)


class Zendesk(Service):
    """Zendesk, as far as reading goes. The store's kinds are the names of the API's lists; its ids are numbers."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.email = "data@example.com"
        self.api_token = "simulated"  # noqa: S105
        self.access_token = "simulated-oauth"  # noqa: S105
        self.forbidden: set[str] = set()
        """Kinds, as "ticket_events", that the user has no right to read."""
        self.limit_exports = False
        """Whether only ten requests for exports are answered in each window of time."""
        self.export_window = 60.0
        self._exports: deque[float] = deque(maxlen=EXPORTS_A_WINDOW)
        self._kept_at: tuple[datetime, int] | None = None
        self._kept: dict[Hashable, Any] = {}

    def routes(self) -> list[BaseRoute]:
        """Return the routes of the API."""
        served = {
            "/api/v2/incremental/{kind}/cursor.json": self._export_by_cursor,
            "/api/v2/incremental/{kind}.json": self._export_by_time,
            "/api/v2/guide/{kind}": self._list,
            "/api/v2/{kind}.json": self._list,
            "/api/v2/{kind}": self._list,
        }
        guarded = [Route(path, self._guarded(endpoint)) for path, endpoint in served.items()]
        return [Route("/api/v2/users/me.json", self._me), *guarded]

    def error(self, status: int, problem: str) -> Response:
        """Return an error in the shape of Zendesk."""
        return ZendeskRefusal(status, "TooManyRequests" if status == 429 else "InternalError", problem).response()

    def _guarded(self, endpoint: Callable[[Request, str], Response]) -> Callable[[Request], Awaitable[Response]]:
        async def guarded(request: Request) -> Response:
            kind = request.path_params["kind"]
            try:
                self._authorize(request)
                if kind in self.forbidden:
                    raise ZendeskRefusal(403, FORBIDDEN)
                return endpoint(request, kind)
            except ZendeskRefusal as refused:
                return refused.response()

        return guarded

    def _authorize(self, request: Request) -> None:
        basic = base64.b64encode(f"{self.email}/token:{self.api_token}".encode()).decode()
        if request.headers.get("authorization") not in (f"Basic {basic}", f"Bearer {self.access_token}"):
            raise ZendeskRefusal(401, "Couldn't authenticate you")
        if self._struck(request, Fault.TOKEN_EXPIRED):
            raise ZendeskRefusal(401, "invalid_token", "The access token provided is expired, revoked or malformed.")

        if self._struck(request, Fault.AT_ONCE):
            problem = "Number of allowed API requests per minute exceeded"
            raise ZendeskRefusal(429, "APIRateLimitExceeded", problem, retry_after=1)

    def _struck(self, request: Request, fault: Fault) -> bool:
        return self.faults.strike(request.method, f"{request.url.path}?{request.url.query}", {fault}) is not None

    async def _me(self, request: Request) -> Response:
        if "authorization" not in request.headers:
            return as_json({"user": {"id": None, "name": "Anonymous user", "role": "end-user"}})
        try:
            self._authorize(request)
        except ZendeskRefusal as refused:
            return refused.response()
        return as_json({"user": {"id": 1, "name": "Sim Reader (simulated)", "email": self.email, "role": "admin"}})

    def _export_by_cursor(self, request: Request, kind: str) -> Response:
        keys, end = self._exportable(kind, BY_CURSOR)
        cursor = request.query_params.get("cursor")
        start = bisect_right(keys, _key(cursor)) if cursor else bisect_left(keys, (self._start_time(request), 0))
        stop = min(start + _size(request, "per_page", 1000), end)
        after, ended = cursor_of(keys[stop - 1]) if stop > start else cursor, stop >= end
        if cursor and self._struck(request, Fault.REPEATED_CURSOR):
            after, ended = cursor, False
        return as_json(
            {
                kind: self._rows(request, kind, keys[start:stop]),
                "after_cursor": after,
                "after_url": self._url(request, start_time=None, cursor=after) if after else None,
                "before_cursor": None,
                "before_url": None,
                "end_of_stream": ended,
            }
        )

    def _export_by_time(self, request: Request, kind: str) -> Response:
        keys, end = self._exportable(kind, BY_TIME)
        start_time = self._start_time(request)
        start = bisect_left(keys, (start_time, 0))
        stop = min(start + _size(request, "per_page", 1000), end)
        # The next page begins with the second that this one ends in, and so repeats the rows of that second.
        end_time, ended = keys[stop - 1][0] if stop > start else start_time, stop >= end
        if self._struck(request, Fault.REPEATED_CURSOR):
            end_time, ended = start_time, False
        return as_json(
            {
                kind: self._rows(request, kind, keys[start:stop]),
                "count": max(0, stop - start),
                "end_time": end_time,
                "next_page": self._url(request, start_time=end_time) if stop > start else None,
                "end_of_stream": ended,
            }
        )

    def _exportable(self, kind: str, kinds: set[str]) -> tuple[list[ZendeskKey], int]:
        """Return the records of an export, and how many of them are old enough to be given."""
        if kind not in kinds:
            raise ZendeskRefusal(404, "InvalidEndpoint", "Not found")
        if self.limit_exports:
            self._count_export()
        keys = self._once((kind, "export"), lambda: export_keys(self.store, kind))
        return keys, bisect_right(keys, int(self.store.now.timestamp()) - LEFT_OUT, key=lambda key: key[0])

    def _count_export(self) -> None:
        now = time.monotonic()
        if len(self._exports) == EXPORTS_A_WINDOW and (left := self._exports[0] + self.export_window - now) > 0:
            problem = "Number of allowed incremental export API requests per minute exceeded"
            raise ZendeskRefusal(429, "APIRateLimitExceeded", problem, retry_after=math.ceil(left))
        self._exports.append(now)

    def _start_time(self, request: Request) -> int:
        start_time = _number(request, "start_time")
        if start_time is None:
            raise ZendeskRefusal(422, "InvalidValue", "start_time is missing")
        if start_time > self.store.now.timestamp() - LEFT_OUT:
            raise ZendeskRefusal(422, "InvalidValue", "Too recent start_time. Use a start_time older than 1 minute")
        return start_time

    def _rows(self, request: Request, kind: str, keys: list[ZendeskKey]) -> list[Fields]:
        rows = [shown(self.store, kind, key, self.url) for key in keys]
        if kind == "tickets" and request.query_params.get("include") == "metric_sets":
            metrics = self._once("metrics", lambda: metrics_by_ticket(self.store))
            for row in rows:
                of_ticket = metrics.get(row["id"])
                row["metric_set"] = shown(self.store, "ticket_metrics", of_ticket, self.url) if of_ticket else None
        return rows

    def _list(self, request: Request, kind: str) -> Response:
        if kind not in LISTS:
            raise ZendeskRefusal(404, "InvalidEndpoint", "Not found")
        rated = kind == "satisfaction_ratings"
        times = [_number(request, name) if rated else None for name in ("start_time", "end_time")]
        if kind == "survey_responses":
            # The only times of the API in milliseconds.
            bounds = [_number(request, f"filter[created_at_{name}]") for name in ("start", "end")]
            times = [None if bound is None else bound // 1000 for bound in bounds]
        keys = self._once((kind, *times), lambda: list_keys(self.store, kind, *times))
        if "page[size]" not in request.query_params:
            raise ZendeskRefusal(
                400, "InvalidPaginationParameter", "page[size] is missing: there are no pages by offset here"
            )
        size, cursor = _size(request, "page[size]", 100), request.query_params.get("page[after]")
        start = bisect_right(keys, _key(cursor)) if cursor else 0
        page, more = keys[start : start + size], start + size < len(keys)
        after = cursor_of(page[-1]) if page else None
        if cursor and self._struck(request, Fault.REPEATED_CURSOR):
            after, more = cursor, True
        following = self._url(request, **{"page[after]": after}) if more else None
        return as_json(
            {
                kind: self._rows(request, kind, page),
                "meta": {"has_more": more, "after_cursor": after, "before_cursor": None},
                "links": {"prev": None, "next": following},
            }
        )

    def _url(self, request: Request, **changed: object) -> str:
        params = dict(request.query_params) | changed
        kept = {name: value for name, value in params.items() if value is not None}
        return f"{self.url}{request.url.path}?{urlencode(kept)}"

    def _once(self, name: Hashable, make: Callable[[], T]) -> T:
        """Return what was made under a name, and make it anew once the clock or the store has moved."""
        moved_to = (self.store.now, self.store.written)
        if moved_to != self._kept_at:
            self._kept_at, self._kept = moved_to, {}
        if name not in self._kept:
            self._kept[name] = make()
        made: T = self._kept[name]
        return made


def _number(request: Request, name: str) -> int | None:
    value = request.query_params.get(name)
    try:
        return None if value is None else int(float(value))
    except ValueError:
        raise ZendeskRefusal(422, "InvalidValue", f"{name} is not a number: {value}") from None


def _size(request: Request, name: str, most: int) -> int:
    size = _number(request, name)
    if size is None:
        return most
    if not 1 <= size <= most:
        raise ZendeskRefusal(400, "InvalidPaginationParameter", f"{name} must be between 1 and {most}")
    return size


def _key(cursor: str) -> ZendeskKey:
    try:
        return key_of(cursor)
    except ValueError:
        raise ZendeskRefusal(400, "InvalidPaginationParameter", "The cursor is not valid") from None
