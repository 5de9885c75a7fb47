"""Requests to a service, with retries. No log line or error has a secret.

A request is retried after a failed connection, a timeout, a response that is cut short or no JSON (a proxy's page), a
rate limit of seconds, a locked record, and 5xx. The waits grow exponentially with jitter, and are never shorter than
the server's ``Retry-After``. A daily limit ends the run.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from scorecard.extract.services.response import (
    QuotaExceeded,
    RateLimit,
    ServiceResponse,
    no_json,
    refusal,
    with_whole_letters,
)
from scorecard.shared.errors import ScorecardError, Temporary
from scorecard.shared.redaction import hide

if TYPE_CHECKING:
    import requests
    from tenacity import RetryCallState

TIMEOUT = (10, 60)
"""Seconds to connect, and between two bytes of a response."""

ATTEMPTS = 7
"""Attempts of one request; with the waits below they take one to two minutes."""

LONGEST_BACKOFF = 30
"""Seconds that a wait grows to before jitter, which doubles it at most."""

LONGEST_WAIT = 60
"""Seconds. If a service asks for a longer wait, the run stops, and the next run resumes."""

LARGEST = 256 * 2**20
"""Maximum bytes of an unpacked response: a small packed response may fill the memory."""

READ_AT_ONCE = 2**20
"""Bytes of a response that are read at once."""

RETRIED = (408, 423, 425, 429, 477)
"""Statuses that are retried: too slow, locked, too early, too many requests, account being moved."""


class _Retry(Exception):
    """The request is to be retried; `after` are the seconds that the server asks to wait."""

    def __init__(self, problem: str, after: float | None = None) -> None:
        super().__init__(problem)
        self.after = after


@dataclass
class Http:
    """A session with one service.

    ``authorise`` returns the headers of authorisation; called with True it gets new ones (a token has expired).
    ``limit_of`` returns the limit that a status and a body report. ``left`` returns from the headers of a response the
    share of the daily quota that is left; below ``reserve`` no more requests are made. ``clock`` is the service's time
    of the last response.
    """

    service: str
    base: str
    authorise: Callable[[bool], dict[str, str]]
    limit_of: Callable[[int, bytes], RateLimit] = lambda status, body: RateLimit.NONE
    left: Callable[[Mapping[str, str]], float | None] = lambda headers: None
    reserve: float = 0
    attempts: int = ATTEMPTS
    longest_wait: float = LONGEST_WAIT
    requests_made: int = field(default=0, init=False)
    clock: datetime | None = field(default=None, init=False)
    _few_left: bool = field(default=False, init=False)
    _session: "requests.Session | None" = field(default=None, init=False)

    def get(self, path: str, params: Mapping[str, Any] | None = None, **kwargs: Any) -> ServiceResponse:
        """Get a path; see `request`."""
        return self.request("GET", path, params=params, **kwargs)

    def post(self, path: str, json: Any, **kwargs: Any) -> ServiceResponse:
        """Post JSON to a path; see `request`."""
        return self.request("POST", path, json=json, **kwargs)

    def request(
        self, method: str, path: str, problem: Callable[[ServiceResponse], str] = no_json, **kwargs: Any
    ) -> ServiceResponse:
        """Make a request, with retries.

        Parameters
        ----------
        path: below the base, or a whole URL of the same host; anything else is refused.
        problem: returns why a response can't be used and has to be retried, "" if it can be used.

        Raises
        ------
        RefusedRequest: the service refuses the request.
        QuotaExceeded: the daily quota is used up, or only the reserve is left.
        Temporary: it can't be reached, or all attempts fail.
        ScorecardError: the request can't be made.
        """
        import tenacity

        url = self._url(path)
        if self._few_left:
            raise QuotaExceeded(
                f"{self.service} has less than {self.reserve:.0%} of its requests of the day left; others need them.",
                "The next run goes on where this one stopped. To use them, lower quota_reserve in the source's"
                " settings; to need fewer, extract fewer objects or raise the page size.",
            )
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_Retry),
            wait=_wait,
            stop=tenacity.stop_after_attempt(self.attempts),
            reraise=True,
        )
        try:
            return retrying(self._once, method, url, problem, kwargs)
        except _Retry as error:
            raise Temporary(
                f"The request {method} {_shown(url)} to {self.service} failed {self.attempts} times: {error}.",
                "Run again later: what was read before is kept. If it stays so, look at the service's status page.",
            ) from None

    def _once(
        self, method: str, url: str, problem: Callable[[ServiceResponse], str], kwargs: dict[str, Any]
    ) -> ServiceResponse:
        response, body = self._send(method, url, kwargs, fresh=False)
        if response.status_code == 401:
            response, body = self._send(method, url, kwargs, fresh=True)
        status = response.status_code
        limit = self.limit_of(status, body)
        if limit is RateLimit.DAY:
            raise QuotaExceeded(
                f"The daily quota of {self.service} is used up.",
                "The next run goes on where this one stopped. To need fewer requests, extract fewer objects or raise"
                " the page size.",
            )
        if limit is RateLimit.SECONDS or status in RETRIED or status >= 500:
            raise self._later(response)
        if status >= 300:
            what, location = f"{method} {_shown(response.url)}", response.headers.get("Location", "")
            raise refusal(self.service, what, status, body, location)
        accepted = self._accept(response, body)
        if reason := problem(accepted):
            raise _Retry(f"the service sent {reason}")
        return accepted

    def _accept(self, response: "requests.Response", body: bytes) -> ServiceResponse:
        self.clock = _served_at(response, self.service)
        share = self.left(response.headers)
        self._few_left = share is not None and share < self.reserve
        parts = urlsplit(response.url)
        shown = f"{parts.path}?{parts.query}" if parts.query else parts.path
        digest = hashlib.sha256(body).hexdigest()
        accepted = ServiceResponse(self.service, body, digest, shown, response.headers, self.clock)
        has_torn_letters = body[:1] in (b"{", b"[") and no_json(accepted)
        return replace(accepted, body=with_whole_letters(body)) if has_torn_letters else accepted

    def _send(self, method: str, url: str, kwargs: dict[str, Any], fresh: bool) -> "tuple[requests.Response, bytes]":
        import requests

        if self._session is None:
            self._session = requests.Session()
            # Use the machine's proxies and authorities, but not its .netrc, which would replace our credentials.
            self._session.auth = lambda request: request
        credentials = self.authorise(fresh)
        hide(*(value.rpartition(" ")[2] for name, value in credentials.items() if name == "Authorization"))
        headers = {**credentials, **kwargs.get("headers", {})}
        self.requests_made += 1
        try:
            # A redirect could send our credentials anywhere; none of these services needs one.
            response = self._session.request(
                method, url, **{**kwargs, "headers": headers}, timeout=TIMEOUT, allow_redirects=False, stream=True
            )
            return response, self._read(response)
        except requests.exceptions.SSLError:
            raise ScorecardError(
                f"The connection to {self.service} can't be made secure: this machine doesn't trust its certificate,"
                " the certificate is of another host, or nothing speaks TLS there.",
                "Check the host of the connection, and its port. Behind a company's own proxy, set the environment"
                " variable REQUESTS_CA_BUNDLE to the file of the proxy's authorities.",
            ) from None
        except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
            raise _Retry(f"the connection failed ({type(error).__name__})") from None
        except requests.exceptions.ContentDecodingError:
            raise _Retry("the compressed response was damaged") from None
        except (requests.RequestException, ValueError) as error:
            # The error may repeat a header with a secret.
            raise ScorecardError(
                f"The request for {_shown(url)} can't be sent to {self.service} ({type(error).__name__}).",
                "Check the host, login, password and extra of the connection for a blank, a line end or a letter that"
                " can't be in an address or a header.",
            ) from None

    def _read(self, response: "requests.Response") -> bytes:
        body = bytearray()
        with response:
            for part in response.iter_content(READ_AT_ONCE):
                body += part
                if len(body) > LARGEST:
                    raise ScorecardError(
                        f"A response of {self.service} to {_shown(response.url)} is larger than {LARGEST // 2**20} MB.",
                        "Lower page_size in the source's settings; if it stays so, check that the host of the"
                        " connection is the service itself.",
                    )
        return bytes(body)

    def _later(self, response: "requests.Response") -> Exception:
        after = _retry_after(response, self.service)
        if after is not None and after > self.longest_wait:
            return QuotaExceeded(
                f"{self.service} asks to wait {after:.0f} seconds before the next request.",
                "The next run goes on where this one stopped.",
            )
        return _Retry(f"the service responded with {response.status_code}", after)

    def _url(self, path: str) -> str:
        if "://" not in path:
            return f"{self.base.rstrip('/')}/{path.lstrip('/')}"
        if urlsplit(path)[:2] != urlsplit(self.base)[:2]:
            raise ScorecardError(
                f"{self.service} names a next page on another host.",
                "Check that the host of the connection is the service itself; nothing was sent to the other host.",
            )
        return path


def _wait(state: "RetryCallState") -> float:
    """Return the seconds before the next attempt: first 1 to 2, then doubled, and at least ``Retry-After``."""
    from tenacity import wait_exponential, wait_random_exponential

    error = state.outcome.exception() if state.outcome else None
    retry_after = error.after or 0.0 if isinstance(error, _Retry) else 0.0
    grown = wait_exponential(max=LONGEST_BACKOFF)(state) + wait_random_exponential(max=LONGEST_BACKOFF)(state)
    return max(retry_after, grown)


def _retry_after(response: "requests.Response", service: str) -> float | None:
    """Return the seconds that the server asks to wait, by its own clock if it names a time."""
    header = response.headers.get("Retry-After", "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d+)?", header, re.ASCII):
        return float(header)
    try:
        return max(0.0, (parsedate_to_datetime(header) - _served_at(response, service)).total_seconds())
    except (TypeError, ValueError, ScorecardError):
        return None


def _served_at(response: "requests.Response", service: str) -> datetime:
    """Return the time of the response by the server's clock; this machine's may be wrong."""
    try:
        return parsedate_to_datetime(response.headers["Date"]).astimezone(UTC)
    except (KeyError, TypeError, ValueError, OverflowError):
        raise ScorecardError(
            f"The responses of {service} have no Date, which says what time it is there.",
            "Check whether a proxy between it and this machine removes that header.",
        ) from None


def _shown(url: str) -> str:
    """Return the path of a URL: a query may have a secret."""
    return urlsplit(url).path
