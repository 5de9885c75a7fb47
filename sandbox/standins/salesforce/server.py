"""The server: access, limits of requests, and the answer of each address."""

import itertools
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sandbox.standins.faults import Fault
from sandbox.standins.record_store import Store
from sandbox.standins.salesforce.filters import ObjectQuery, checked_size
from sandbox.standins.salesforce.jobs import Jobs
from sandbox.standins.salesforce.login import Login
from sandbox.standins.salesforce.objects import CurrentRecord, Objects
from sandbox.standins.salesforce.problems import SalesforceRefusal
from sandbox.standins.salesforce.shapes import described, records, summary
from sandbox.standins.salesforce.soql import parse
from sandbox.standins.serving import Service, as_json

VERSIONS = [f"{number}.0" for number in range(58, 68)]
CURSOR_LASTS = timedelta(days=2)
CODES = {429: "REQUEST_LIMIT_EXCEEDED", 503: "SERVER_UNAVAILABLE"}

Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True)
class Cursor:
    """The rows of a query as they were when its first page was read."""

    search: ObjectQuery
    rows: list[CurrentRecord]
    page_size: int
    opened: datetime


class Salesforce(Service):
    """Salesforce as a service without a user at hand sees it.

    Kinds of the store are sObjects; its fields are the API's without the system's own, which come from the versions.
    ``objects.schema`` and ``objects.forbidden`` alter what the user may see, ``login`` holds the connected app,
    ``jobs`` says how long query jobs take. A REST query that finds more rows than ``timeout_above`` times out.
    """

    def __init__(self, store: Store, *, page_size: int = 2000, daily_limit: int = 100_000) -> None:
        super().__init__(store)
        self.page_size, self.daily_limit = page_size, daily_limit
        self.timeout_above: int | None = None
        self.objects, self.login, self.jobs = Objects(store), Login(), Jobs()
        self.used = 0
        self._day = store.now
        self._cursors: dict[str, Cursor] = {}
        self._numbers = itertools.count(1)

    def expire_tokens(self) -> None:
        """Let all tokens expire."""
        self.login.expire()

    def error(self, status: int, problem: str) -> Response:
        """Return an error as the data API does: a list of one."""
        return as_json([{"message": problem, "errorCode": CODES.get(status, "UNKNOWN_EXCEPTION")}], status)

    def routes(self) -> list[BaseRoute]:
        """Return the addresses; each of the data API with and without a slash at its end, as clients use both."""
        data: list[tuple[str, Handler, str]] = [
            ("/limits", self._limits, "GET"),
            ("/sobjects", self._sobjects, "GET"),
            ("/sobjects/{kind}/describe", self._describe, "GET"),
            ("/query", self._query, "GET"),
            ("/queryAll", self._query, "GET"),
            ("/query/{locator}", self._more, "GET"),
            ("/queryAll/{locator}", self._more, "GET"),
            ("/jobs/query", self._make_job, "POST"),
            ("/jobs/query/{job}", self._poll_job, "GET"),
            ("/jobs/query/{job}", self._delete_job, "DELETE"),
            ("/jobs/query/{job}/results", self._job_results, "GET"),
            ("/{anything:path}", self._nothing, "GET"),
        ]
        guarded = [
            Route("/services/data/v{version}" + path + slash, self._guarded(handler), methods=[method])
            for path, handler, method in data
            for slash in ("", "/")
        ]
        return [
            Route("/services/oauth2/token", self._token, methods=["POST"]),
            Route("/services/oauth2/userinfo", self._userinfo),
            Route("/services/data", self._versions),
            Route("/services/data/", self._versions),
            *guarded,
        ]

    def _guarded(self, handler: Handler) -> Handler:
        async def answer(request: Request) -> Response:
            try:
                self._admit(request)
                response = await handler(request)
            except SalesforceRefusal as problem:
                content = [{"message": problem.message, "errorCode": problem.code}]
                response = as_json(content, problem.status)
            response.headers["Sforce-Limit-Info"] = f"api-usage={self.used}/{self.daily_limit}"
            return response

        return answer

    def _admit(self, request: Request) -> None:
        if self._struck(request, Fault.TOKEN_EXPIRED):
            self.expire_tokens()
        if not self.login.accepts(request.headers.get("Authorization", "")):
            raise SalesforceRefusal("INVALID_SESSION_ID", "Session expired or invalid", 401)
        if self.store.now - self._day >= timedelta(days=1):
            self.used, self._day = 0, self.store.now
        if self.used >= self.daily_limit or self._struck(request, Fault.QUOTA_GONE):
            raise SalesforceRefusal("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", 403)
        if self._struck(request, Fault.AT_ONCE):
            message = "ConcurrentRequests (Concurrent API Requests) Limit exceeded."
            raise SalesforceRefusal("REQUEST_LIMIT_EXCEEDED", message, 403)
        self.used += 1
        if request.path_params["version"] not in VERSIONS:
            raise _nowhere()

    def _struck(self, request: Request, fault: Fault) -> bool:
        path = f"{request.url.path}?{request.url.query}"
        return self.faults.strike(request.method, path, {fault}) is not None

    async def _token(self, request: Request) -> Response:
        body = (await request.body()).decode()
        try:
            granted = self.login.grant(body, request.headers.get("Authorization", ""), self.url, self.store.now)
        except SalesforceRefusal as problem:
            return as_json({"error": problem.code, "error_description": problem.message}, problem.status)
        return as_json(granted)

    async def _userinfo(self, request: Request) -> Response:
        """The identity service refuses a token in its own way: 403, and plain text."""
        if not self.login.accepts(request.headers.get("Authorization", "")):
            return Response("Bad_OAuth_Token", 403, media_type="text/plain")
        return as_json(self.login.user(self.url))

    async def _versions(self, request: Request) -> Response:
        return as_json(
            [{"label": version, "url": f"/services/data/v{version}", "version": version} for version in VERSIONS]
        )

    async def _limits(self, request: Request) -> Response:
        return as_json({"DailyApiRequests": {"Max": self.daily_limit, "Remaining": self.daily_limit - self.used}})

    async def _sobjects(self, request: Request) -> Response:
        summaries = [summary(kind, request.path_params["version"]) for kind in self.objects.names()]
        return as_json({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": summaries})

    async def _describe(self, request: Request) -> Response:
        kind = self.objects.named(request.path_params["kind"])
        if kind is None:
            raise _nowhere()
        return as_json(described(kind, self.objects.columns(kind).values(), request.path_params["version"]))

    async def _query(self, request: Request) -> Response:
        query = parse(request.query_params.get("q", ""))
        search = ObjectQuery(query, self.objects)
        deleted = request.url.path.rstrip("/").endswith("queryAll")
        rows = checked_size(search.rows(deleted), self.timeout_above)
        if not query.fields:
            return as_json({"totalSize": len(rows), "done": True, "records": []})
        size = _batch_size(request) or self.page_size
        if query.offset is not None:
            # The real service opens no cursor for a query with OFFSET: it gives the first page only.
            rows = rows[:size]
        locator = f"01g{next(self._numbers):012d}AAA"
        self._cursors[locator] = Cursor(search, rows, size, self.store.now)
        return self._page(request, locator, 0)

    async def _more(self, request: Request) -> Response:
        locator, _, place = request.path_params["locator"].partition("-")
        cursor = self._cursors.get(locator)
        gone = cursor is None or self.store.now - cursor.opened > CURSOR_LASTS or not place.isdigit()
        if gone or cursor is None or int(place) > len(cursor.rows):
            raise SalesforceRefusal("INVALID_QUERY_LOCATOR", "invalid query locator")
        return self._page(request, locator, int(place))

    def _page(self, request: Request, locator: str, start: int) -> Response:
        cursor, version = self._cursors[locator], request.path_params["version"]
        end = start + (_batch_size(request) or cursor.page_size)
        page: dict[str, object] = {"totalSize": len(cursor.rows), "done": end >= len(cursor.rows)}
        if self._struck(request, Fault.REPEATED_CURSOR):
            page["done"], next_start = False, start
        else:
            next_start = end
        if not page["done"]:
            page["nextRecordsUrl"] = f"/services/data/v{version}/query/{locator}-{next_start}"
        page["records"] = records(cursor.search.kind, cursor.search.columns, cursor.rows[start:end], version)
        return as_json(page)

    async def _make_job(self, request: Request) -> Response:
        try:
            wanted = orjson.loads(await request.body())
        except orjson.JSONDecodeError as error:
            raise SalesforceRefusal("JSON_PARSER_ERROR", str(error)) from error
        search = ObjectQuery(parse(wanted.get("query", "")), self.objects)
        return as_json(self.jobs.make(search, wanted, request.path_params["version"], self.store.now).shown())

    async def _poll_job(self, request: Request) -> Response:
        struck = self._struck(request, Fault.JOB_ABORTED)
        return as_json(self.jobs.poll(request.path_params["job"], struck).shown())

    async def _job_results(self, request: Request) -> Response:
        params = request.query_params
        repeated = self._struck(request, Fault.REPEATED_CURSOR)
        text, count, locator = self.jobs.results(
            request.path_params["job"], params.get("maxRecords"), params.get("locator"), repeated
        )
        headers = {"Sforce-Locator": locator, "Sforce-NumberOfRecords": str(count)}
        return Response(text, 200, headers, "text/csv")

    async def _delete_job(self, request: Request) -> Response:
        self.jobs.delete(request.path_params["job"])
        return Response(status_code=204)

    async def _nothing(self, request: Request) -> Response:
        raise _nowhere()


def _nowhere() -> SalesforceRefusal:
    return SalesforceRefusal("NOT_FOUND", "The requested resource does not exist", 404)


def _batch_size(request: Request) -> int | None:
    """Return the page size that the client asks for, within what Salesforce allows."""
    requested = re.search(r"batchSize\s*=\s*(\d+)", request.headers.get("Sforce-Query-Options", ""))
    return min(2000, max(200, int(requested[1]))) if requested else None
