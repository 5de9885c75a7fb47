"""Access to HubSpot: its tokens, scopes and limits of requests."""

import time
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

import orjson
from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sandbox.standins.faults import Fault
from sandbox.standins.hubspot.problems import HubSpotRefusal, limited, missing_scopes
from sandbox.standins.hubspot.schema import SCOPES
from sandbox.standins.hubspot.shape import printed
from sandbox.standins.record_store import Store
from sandbox.standins.serving import Service, as_json

LIFETIME = timedelta(seconds=1800)


class DatedVersion(Convertor[str]):
    """A version of the API that is a month, as 2026-09, in a path."""

    regex = r"20\d\d-(03|09)"

    def convert(self, value: str) -> str:
        """Read it from a path."""
        return value

    def to_string(self, value: str) -> str:
        """Write it into a path."""
        return value


register_url_convertor("dated", DatedVersion())

Endpoint = Callable[[Request], Awaitable[Response]]


class RequestWindow:
    """A number of requests that are let through in any stretch of time."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._at: deque[float] = deque()

    def used(self, now: float) -> int:
        """Return how many requests count at a moment."""
        while self._at and self._at[0] <= now - self.seconds:
            self._at.popleft()
        return len(self._at)

    def take(self, now: float) -> None:
        """Count a request."""
        self._at.append(now)


class Portal(Service):
    """A HubSpot account: its tokens, rights, limits and details."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.access_token = "pat-eu1-simulated"  # noqa: S105
        """The token of a private app: it never expires."""
        self.client_id = "simulated-client"
        self.client_secret = "simulated-secret"  # noqa: S105
        self.refresh_token = "simulated-refresh"  # noqa: S105
        self.scopes = {"oauth", *SCOPES.values()}
        """Rights of every token."""
        self.portal_id = 4711
        self.time_zone = "Europe/Berlin"
        self.currency = "EUR"
        self.limited = False
        """Whether the limits are enforced. The headers show them in any case."""
        self.search_per_second = 5
        self.per_ten_seconds = 100
        self.per_day = 250_000
        self._expires: dict[str, datetime] = {}
        self._searches = RequestWindow(1)
        self._others = RequestWindow(10)
        self._today: tuple[date, int] = (date.min, 0)

    def routes(self) -> list[BaseRoute]:
        """Return the routes for tokens, account details and usage."""
        return [
            Route("/oauth/v1/token", self._refresh, methods=["POST"]),
            Route("/oauth/{version:dated}/token", self._refresh, methods=["POST"]),
            Route("/oauth/v1/access-tokens/{token}", self._about_token),
            Route("/oauth/v2/private-apps/get/access-token-info", self._about_private_app, methods=["POST"]),
            Route("/account-info/v3/details", self.guarded(self._details)),
            Route("/account-info/{version:dated}/details", self.guarded(self._details)),
            Route("/account-info/v3/api-usage/daily/private-apps", self.guarded(self._usage)),
        ]

    def error(self, status: int, problem: str) -> Response:
        """Return an error in the shape of HubSpot."""
        return (limited("TEN_SECONDLY_ROLLING") if status == 429 else HubSpotRefusal(status, problem)).response()

    def guarded(self, endpoint: Endpoint, search: bool = False) -> Endpoint:
        """Return an endpoint that first looks at the token and the limits."""

        async def guarded(request: Request) -> Response:
            try:
                self._authenticate(request)
                self._count(request, search)
                answer = await endpoint(request)
            except HubSpotRefusal as refused:
                answer = refused.response()
            if not search:
                # The real service sends no headers of limits with answers to searches.
                answer.headers.update(self._limits())
            return answer

        return guarded

    def require(self, *kinds: str) -> None:
        """Refuse a request for objects that the token has no right to read."""
        lacking = sorted({SCOPES[kind] for kind in kinds} - self.scopes)
        if lacking:
            raise missing_scopes(lacking)

    def struck(self, request: Request, fault: Fault) -> bool:
        """Return whether a fault that HubSpot has its own way of showing strikes a request."""
        return self.faults.strike(request.method, f"{request.url.path}?{request.url.query}", {fault}) is not None

    def _authenticate(self, request: Request) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or (token != self.access_token and token not in self._expires):
            raise HubSpotRefusal(401, "Authentication credentials not found.", "INVALID_AUTHENTICATION")
        if self.struck(request, Fault.TOKEN_EXPIRED):
            raise self._expired(token)
        if token in self._expires and self._expires[token] <= self.store.now:
            raise self._expired(token)

    def _expired(self, token: str) -> HubSpotRefusal:
        at = min(self._expires.get(token, self.store.now), self.store.now)
        if token in self._expires:
            # From now on the token stays expired, until it is refreshed.
            self._expires[token] = at
        ago = int((self.store.now - at).total_seconds())
        message = f"The OAuth token used to make this call expired {ago} second(s) ago."
        return HubSpotRefusal(401, message, "EXPIRED_AUTHENTICATION", context={"expire time": [printed(at)]})

    def _count(self, request: Request, search: bool) -> None:
        rate, most, policy = self._others, self.per_ten_seconds, "TEN_SECONDLY_ROLLING"
        if search:
            rate, most, policy = self._searches, self.search_per_second, "SECONDLY"
        now = time.monotonic()
        if self.struck(request, Fault.QUOTA_GONE) or (self.limited and self._used_today() >= self.per_day):
            raise limited("DAILY")
        if self.struck(request, Fault.AT_ONCE) or (self.limited and rate.used(now) >= most):
            raise limited(policy)
        rate.take(now)
        self._today = self._local_now().date(), self._used_today() + 1

    def _used_today(self) -> int:
        day, used = self._today
        return used if day == self._local_now().date() else 0

    def _local_now(self) -> datetime:
        return self.store.now.astimezone(ZoneInfo(self.time_zone))

    def _limits(self) -> dict[str, str]:
        limits = {
            "Daily": self.per_day,
            "Daily-Remaining": max(0, self.per_day - self._used_today()),
            "Interval-Milliseconds": 10_000,
            "Max": self.per_ten_seconds,
            "Remaining": max(0, self.per_ten_seconds - self._others.used(time.monotonic())),
        }
        return {f"X-HubSpot-RateLimit-{name}": str(value) for name, value in limits.items()}

    async def _refresh(self, request: Request) -> Response:
        form = {name: values[-1] for name, values in parse_qs((await request.body()).decode()).items()}
        if form.get("grant_type") != "refresh_token":
            return _bad("BAD_GRANT_TYPE", "missing or unknown grant_type")
        for name in ("client_id", "client_secret", "refresh_token"):
            if form.get(name) != getattr(self, name):
                return _bad(f"BAD_{name.upper()}", f"missing or invalid {name.replace('_', ' ')}")
        token = f"simulated-oauth-{len(self._expires) + 1}"
        self._expires[token] = self.store.now + LIFETIME
        grant = {"access_token": token, "refresh_token": self.refresh_token, "token_type": "bearer"}
        return as_json(grant | {"expires_in": int(LIFETIME.total_seconds())})

    async def _about_token(self, request: Request) -> Response:
        token = request.path_params["token"]
        if self._expires.get(token, self.store.now) <= self.store.now:
            return HubSpotRefusal(404, "There is no such access token.").response()
        left = int((self._expires[token] - self.store.now).total_seconds())
        info = {"token": token, "token_type": "access", "hub_id": self.portal_id, "app_id": 1, "user_id": 1}
        return as_json(info | {"user": "data@example.com", "scopes": sorted(self.scopes), "expires_in": left})

    async def _about_private_app(self, request: Request) -> Response:
        if orjson.loads(await request.body() or b"{}").get("tokenKey") != self.access_token:
            return HubSpotRefusal(404, "There is no such access token.").response()
        return as_json({"userId": 1, "hubId": self.portal_id, "appId": 1, "scopes": sorted(self.scopes)})

    async def _details(self, _: Request) -> Response:
        offset = self._local_now().utcoffset() or timedelta()
        details = {"portalId": self.portal_id, "accountType": "STANDARD", "timeZone": self.time_zone}
        details |= {"companyCurrency": self.currency, "additionalCurrencies": []}
        return as_json(details | {"utcOffsetMilliseconds": offset // timedelta(milliseconds=1)})

    async def _usage(self, _: Request) -> Response:
        midnight = self._local_now().replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        usage = {"name": "private-apps-api-calls-daily", "usageLimit": self.per_day, "currentUsage": self._used_today()}
        usage |= {"collectedAt": printed(self.store.now), "fetchStatus": "SUCCESS", "resetsAt": printed(midnight)}
        return as_json({"results": [usage]})


def _bad(status: str, message: str) -> Response:
    """Return an error of the token's endpoint, which has a shape of its own."""
    return as_json({"status": status, "message": message}, 400)
