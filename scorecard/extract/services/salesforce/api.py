"""Requests to Salesforce: login, limits, queries and bulk jobs."""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from scorecard.extract.services.http import Http
from scorecard.extract.services.oauth import OAuth
from scorecard.extract.services.response import RateLimit, RefusedRequest, ServiceResponse, note_next_page
from scorecard.extract.services.salesforce import settings as fixed
from scorecard.extract.services.salesforce.queries import (
    BulkResultPart,
    Job,
    Query,
    QueryPage,
    moment,
    part_of,
    part_problem,
    soql,
)
from scorecard.shared.errors import ScorecardError
from scorecard.shared.redaction import hide
from scorecard.shared.settings import Connection

JOB_CURE = "Run again: a new job is made. If it happens again, raise bulk_above: records are then read page by page."

PageResult = tuple[QueryPage, ServiceResponse]


@dataclass
class SalesforceApi:
    """The org, a request at a time."""

    name: str
    http: Http
    page_size: int

    def count(self, name: str, where: str) -> int:
        """Count records; 0 if the query times out, since then smaller stretches are queried."""
        try:
            return self._query(soql(["COUNT()"], name, where))[0].total
        except RefusedRequest as error:
            if error_code(error) != "QUERY_TIMEOUT":
                raise
            return 0

    def pages(
        self, query: Query, low: datetime | None, high: datetime | None, begun_at: datetime
    ) -> Iterator[PageResult]:
        """Yield the pages of a stretch of time, in halves if the query of the whole times out."""
        try:
            first = self._query(query.between(low, high))
        except RefusedRequest as error:
            if error_code(error) != "QUERY_TIMEOUT":
                raise
            start, end = low or moment(fixed.EARLIEST), high or begun_at + timedelta(days=1)
            if end - start < timedelta(seconds=2):
                raise
            middle = start + (end - start) / 2
            yield from self.pages(query, low, middle, begun_at)
            yield from self.pages(query, middle, high, begun_at)
            return
        yield from self._follow(query.name, first)

    def _query(self, query: str) -> PageResult:
        size = f"batchSize={max(self.page_size, 200)}"
        response = self.http.get("queryAll", {"q": query}, headers={"Sforce-Query-Options": size})
        return response.decode(QueryPage), response

    def _follow(self, name: str, first: PageResult) -> Iterator[PageResult]:
        page, response = first
        seen: set[str | None] = set()
        while True:
            yield page, response
            if page.done:
                return
            note_next_page(self.name, name, page.next_url, seen)
            response = self.http.get(self.absolute(page.next_url))
            page = response.decode(QueryPage)

    def absolute(self, path: str) -> str:
        """Return the URL of a path of the org."""
        return self.http.base.partition("/services/")[0] + path

    def create_job(self, query: str) -> str:
        """Create a bulk job of a query; return its id."""
        return self.http.post("jobs/query", {"operation": "queryAll", "query": query}).decode(Job).id

    def complete_job(self, name: str, job_id: str) -> Job:
        """Wait until a bulk job is complete.

        Raises
        ------
        ScorecardError: it fails, is aborted, or takes too long.
        """
        until = time.monotonic() + fixed.POLL_MINUTES * 60
        while (job := self.http.get(f"jobs/query/{job_id}").decode(Job)).state != "JobComplete":
            if job.state in ("Aborted", "Failed") or time.monotonic() > until:
                state = "has not ended" if job.state not in ("Aborted", "Failed") else f"was {job.state.lower()}"
                raise ScorecardError(f"Salesforce's bulk job {job.id} for {name} {state}.", JOB_CURE)
            time.sleep(fixed.POLL_SECONDS)
        return job

    def job_result(
        self, job: Job, locator: str | None, is_moment: Callable[[str], bool]
    ) -> tuple[BulkResultPart, ServiceResponse]:
        """Return a part of a bulk job's result, the first without a locator. ``is_moment``: whether a field is one."""
        params = {"maxRecords": fixed.BULK_PAGE, **({} if locator is None else {"locator": locator})}
        response = self.http.request("GET", f"jobs/query/{job.id}/results", problem=part_problem, params=params)
        return part_of(response, is_moment), response


def connect(name: str, connection: Connection, reserve: float) -> Http:
    """Return a session with the org, which leaves a share of the day's requests to others.

    The External Client App logs in by client credentials, or by JWT bearer if `extra` has a private key.
    """
    if not connection.host or not connection.login:
        raise ScorecardError(
            f"The connection scorecard_{name} lacks its host or login.",
            "Set host to the org's own address (My Domain) and login to the consumer key of the External Client App.",
        )
    oauth = OAuth(
        name,
        "Salesforce",
        connection.host,
        "/services/oauth2/token",
        lambda: _grant(name, connection),
        lambda error: error.reason("error_description", "error"),
        "Check its login (consumer key) and password (consumer secret), or the private key and user name of the"
        " JWT flow, and that the External Client App allows the flow for that user.",
    )
    instance = oauth.token().instance_url or connection.host.rstrip("/")
    return Http(name, f"{instance}/services/data/{fixed.API}/", oauth.headers, limit_of, left, reserve)


def _grant(name: str, connection: Connection) -> dict[str, str]:
    secret = connection.secret("password")
    extra = {key: value.get_secret_value() for key, value in connection.extra.items()}
    if "private_key" not in extra:
        return {"grant_type": "client_credentials", "client_id": connection.login, "client_secret": secret}
    import jwt

    claim = {
        "iss": connection.login,
        "sub": extra.get("username", ""),
        "aud": extra.get("audience", "https://login.salesforce.com"),
        "exp": int(time.time()) + 180,
    }
    try:
        signed = jwt.encode(claim, extra["private_key"], "RS256")
    except (ValueError, jwt.PyJWTError):
        raise ScorecardError(
            f"The private_key in extra of the connection scorecard_{name} can't sign the login.",
            "Give the whole RSA key in PEM, from its BEGIN line to its END line, with its line ends.",
        ) from None
    hide(signed)
    return {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": signed}


def error_code(error: RefusedRequest) -> str:
    """Return Salesforce's own name of an error, "" where it gives none."""
    return _first_error(error.body)[0]


def limit_of(status: int, body: bytes) -> RateLimit:
    """Return the limit that a response reports: one error code stands for the day's quota and for limits of seconds."""
    code, message = _first_error(body)
    if status != 403 or code != "REQUEST_LIMIT_EXCEEDED":
        return RateLimit.NONE
    return RateLimit.DAY if message.startswith("TotalRequests") else RateLimit.SECONDS


def _first_error(body: bytes) -> tuple[str, str]:
    """Return the code and the message of the first error in a body, "" where there is none."""
    try:
        first = msgspec.json.decode(body)[0]
        return str(first["errorCode"]), str(first.get("message", ""))
    except (msgspec.DecodeError, KeyError, IndexError, TypeError, AttributeError):
        return "", ""


def left(headers: Mapping[str, str]) -> float | None:
    """Return the share of the org's requests of the day that is left; None if a response does not say."""
    usage = re.search(r"api-usage=(\d+)/(\d+)", headers.get("Sforce-Limit-Info", ""), re.ASCII)
    return 1 - int(usage[1]) / int(usage[2]) if usage and int(usage[2]) else None
