"""Requests to a service: tried again when that can help, refused with a sentence when it can't; no secret in either.

What is tried again: no connection, a time-out, an answer that is cut short or is no JSON (a proxy's HTML page), a limit
that lasts seconds, a record that is locked, and 5xx. The waits grow and have jitter, and are never shorter than the
server's ``Retry-After``. A limit that lasts a day ends the run.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from scorecard.extract.services.response import Answer, no_json, with_whole_letters
from scorecard.shared.errors import ScorecardError, Temporary
from scorecard.shared.redaction import hide
from scorecard.shared.text import plain

if TYPE_CHECKING:
    import requests
    from tenacity import RetryCallState

TIMEOUT = (10, 60)
"""Seconds to connect, and between two bytes of an answer."""

ATTEMPTS = 7
"""Tries of one request; with the waits below it takes one to two minutes until it is given up."""

LONGEST_GROWN = 30
"""Seconds that a wait grows to before jitter, which doubles it at most."""

LONGEST_WAIT = 60
"""Seconds. A service that asks for more has no capacity left today: the run stops and goes on the next time."""


LARGEST = 256 * 2**20
"""Bytes of an answer, unpacked. No page of any service is near it; a small answer may unpack to fill all memory."""

READ_AT_ONCE = 2**20

PASSING = (408, 423, 425, 429, 477)
"""Refusals that another try mends: too slow, locked, too early, too many requests, account on the move."""


class Limit(Enum):
    """How long a limit lasts that a request is refused for."""

    NONE = "it is refused for something else"
    SECONDS = "other requests of this moment"
    DAY = "the requests of the day"


class QuotaGone(ScorecardError):
    """The service answers no more today; what was read so far is kept, and the next run goes on from there."""


class BadAnswer(ScorecardError):
    """The service refuses the request; ``status`` and ``body`` are its answer."""

    def __init__(self, problem: str, cure: str, status: int, body: bytes) -> None:
        super().__init__(problem, cure)
        self.status, self.body = status, body


class _Again(Exception):
    """Worth another try; `after` is what the server asks to wait, in seconds."""

    def __init__(self, problem: str, after: float | None = None) -> None:
        super().__init__(problem)
        self.after = after


@dataclass
class Http:
    """A session with one service.

    ``authorise`` gives the headers that say who asks; called with True it must get new ones (a token has expired).
    ``limit_of`` says of a status and a body which limit they tell of. ``left`` tells from the headers of an answer
    which share of the day's requests is left; where it falls below ``reserve``, nothing more is asked. ``clock`` is the
    service's time of the last answer.
    """

    service: str
    base: str
    authorise: Callable[[bool], dict[str, str]]
    limit_of: Callable[[int, bytes], Limit] = lambda status, body: Limit.NONE
    left: Callable[[Mapping[str, str]], float | None] = lambda headers: None
    reserve: float = 0
    attempts: int = ATTEMPTS
    longest_wait: float = LONGEST_WAIT
    requests_made: int = field(default=0, init=False)
    clock: datetime | None = field(default=None, init=False)
    _few_left: bool = field(default=False, init=False)
    _session: "requests.Session | None" = field(default=None, init=False)

    def get(self, path: str, params: Mapping[str, Any] | None = None, **kwargs: Any) -> Answer:
        """Ask for a path; see `request`."""
        return self.request("GET", path, params=params, **kwargs)

    def post(self, path: str, json: Any, **kwargs: Any) -> Answer:
        """Post JSON to a path; see `request`."""
        return self.request("POST", path, json=json, **kwargs)

    def request(self, method: str, path: str, problem: Callable[[Answer], str] = no_json, **kwargs: Any) -> Answer:
        """Make a request until it is answered.

        Parameters
        ----------
        path: below the base, or a whole URL of the same host; anything else is refused.
        problem: says why an answer can't be used and has to be asked for again, "" where it can.

        Raises
        ------
        BadAnswer: the service refuses the request.
        QuotaGone: it answers no more today, or should not have to.
        Temporary: it can't be reached, or goes on failing.
        ScorecardError: it can't be asked.
        """
        import tenacity

        url = self._url(path)
        if self._few_left:
            raise QuotaGone(
                f"{self.service} has less than {self.reserve:.0%} of its requests of the day left; others need them.",
                "The next run goes on where this one stopped. To use them, lower quota_reserve in the source's"
                " settings; to need fewer, extract fewer objects or raise the page size.",
            )
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_Again),
            wait=_wait,
            stop=tenacity.stop_after_attempt(self.attempts),
            reraise=True,
        )
        try:
            return retrying(self._once, method, url, problem, kwargs)
        except _Again as error:
            raise Temporary(
                f"{self.service} gave no usable answer to {method} {_shown(url)} in {self.attempts} tries: {error}.",
                "Run again later: what was read before is kept. If it stays so, look at the service's status page.",
            ) from None

    def _once(self, method: str, url: str, problem: Callable[[Answer], str], kwargs: dict[str, Any]) -> Answer:
        response, body = self._send(method, url, kwargs, fresh=False)
        if response.status_code == 401:
            response, body = self._send(method, url, kwargs, fresh=True)
        status = response.status_code
        limit = self.limit_of(status, body)
        if limit is Limit.DAY:
            raise QuotaGone(
                f"{self.service} answers no more today: its daily quota is used up.",
                "The next run goes on where this one stopped. To need fewer requests, extract fewer objects or raise"
                " the page size.",
            )
        if limit is Limit.SECONDS or status in PASSING or status >= 500:
            raise self._later(response)
        if status >= 300:
            raise self._refused(method, response, body)
        answer = self._answer(response, body)
        if said := problem(answer):
            raise _Again(f"it answered with {said}")
        return answer

    def _answer(self, response: "requests.Response", body: bytes) -> Answer:
        self.clock = _served_at(response, self.service)
        share = self.left(response.headers)
        self._few_left = share is not None and share < self.reserve
        parts = urlsplit(response.url)
        shown = f"{parts.path}?{parts.query}" if parts.query else parts.path
        digest = hashlib.sha256(body).hexdigest()
        answer = Answer(self.service, body, digest, shown, response.headers, self.clock)
        is_torn = body[:1] in (b"{", b"[") and no_json(answer)
        return replace(answer, body=with_whole_letters(body)) if is_torn else answer

    def _send(self, method: str, url: str, kwargs: dict[str, Any], fresh: bool) -> "tuple[requests.Response, bytes]":
        import requests

        if self._session is None:
            self._session = requests.Session()
            # The machine's proxies and authorities count; what its .netrc has must not take our credentials' place.
            self._session.auth = lambda request: request
        credentials = self.authorise(fresh)
        hide(*(value.rpartition(" ")[2] for name, value in credentials.items() if name == "Authorization"))
        headers = {**credentials, **kwargs.get("headers", {})}
        self.requests_made += 1
        try:
            # A redirect could lead anywhere, with our credentials: none of these services needs one.
            response = self._session.request(
                method, url, **{**kwargs, "headers": headers}, timeout=TIMEOUT, allow_redirects=False, stream=True
            )
            return response, self._read(response)
        except requests.exceptions.SSLError:
            raise ScorecardError(
                f"The connection to {self.service} can't be made secure: its certificate is none that is trusted here.",
                "Look whether the host of the connection is right. Behind a company's own proxy, name the file of its"
                " authorities in REQUESTS_CA_BUNDLE.",
            ) from None
        except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
            raise _Again(f"the connection failed ({type(error).__name__})") from None
        except requests.exceptions.ContentDecodingError:
            raise _Again("its compressed answer was damaged") from None
        except (requests.RequestException, ValueError) as error:
            # Its text may repeat a header, and with it a secret.
            raise ScorecardError(
                f"{self.service} can't be asked for {_shown(url)}: that makes no request ({type(error).__name__}).",
                "Look whether the host, login, password or extra of the connection have a blank, a line end or a letter"
                " that can't be in an address or a header.",
            ) from None

    def _read(self, response: "requests.Response") -> bytes:
        body = bytearray()
        with response:
            for part in response.iter_content(READ_AT_ONCE):
                body += part
                if len(body) > LARGEST:
                    raise ScorecardError(
                        f"An answer of {self.service} to {_shown(response.url)} is larger than {LARGEST // 2**20} MB.",
                        "Lower page_size in the source's settings; if it stays so, look whether the host of the"
                        " connection is the service itself.",
                    )
        return bytes(body)

    def _later(self, response: "requests.Response") -> Exception:
        after = _retry_after(response, self.service)
        if after is not None and after > self.longest_wait:
            return QuotaGone(
                f"{self.service} asks to wait {after:.0f} seconds before the next request.",
                "The next run goes on where this one stopped.",
            )
        return _Again(f"it answered {response.status_code}", after)

    def _refused(self, method: str, response: "requests.Response", body: bytes) -> BadAnswer:
        status, what = response.status_code, f"{method} {_shown(response.url)}"
        if status < 400:
            where = plain(urlsplit(response.headers.get("Location", "")).netloc) or "another path"
            return BadAnswer(
                f"{self.service} sends {what} on to {where}.",
                "Set the host of the connection to where the service itself answers; nothing was asked of the other.",
                status,
                body,
            )
        return BadAnswer(
            f"{self.service} refused {what} with {status}: {plain(body.decode(errors='replace'))}",
            _cure_of(status, self.service),
            status,
            body,
        )

    def _url(self, path: str) -> str:
        if "://" not in path:
            return f"{self.base.rstrip('/')}/{path.lstrip('/')}"
        if urlsplit(path)[:2] != urlsplit(self.base)[:2]:
            raise ScorecardError(
                f"{self.service} names a next page on another host.",
                "Look whether the connection's host is the service itself; nothing was asked of the other host.",
            )
        return path


def _wait(state: "RetryCallState") -> float:
    """Seconds before the next try: 1 to 2 first, then twice as many each time, and never fewer than were asked for."""
    from tenacity import wait_exponential, wait_random_exponential

    error = state.outcome.exception() if state.outcome else None
    asked = error.after or 0.0 if isinstance(error, _Again) else 0.0
    grown = wait_exponential(max=LONGEST_GROWN)(state) + wait_random_exponential(max=LONGEST_GROWN)(state)
    return max(asked, grown)


def _retry_after(response: "requests.Response", service: str) -> float | None:
    """Seconds that the server asks to wait, by its own clock where it names a time."""
    said = response.headers.get("Retry-After", "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d+)?", said, re.ASCII):
        return float(said)
    try:
        return max(0.0, (parsedate_to_datetime(said) - _served_at(response, service)).total_seconds())
    except (TypeError, ValueError, ScorecardError):
        return None


def _served_at(response: "requests.Response", service: str) -> datetime:
    """The time of the answer by the server's clock; this machine's may be wrong."""
    try:
        return parsedate_to_datetime(response.headers["Date"]).astimezone(UTC)
    except (KeyError, TypeError, ValueError, OverflowError):
        raise ScorecardError(
            f"{service} does not say what time it is: its answers have no Date.",
            "Look whether a proxy between it and this machine takes that header out.",
        ) from None


def _shown(url: str) -> str:
    """Return the path of a URL: a query may hold what a log should not."""
    return urlsplit(url).path


def _cure_of(status: int, service: str) -> str:
    if status == 401:
        return f"Renew the credentials of the connection {service}; `scorecard sources check` says who they are of."
    if status == 403:
        return f"Give the user of the connection {service} the right to read it; see `scorecard sources check`."
    return "If an upgrade of the service changed its API, its connector has to follow; the message above says what."
