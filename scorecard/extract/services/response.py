"""Responses of a service: what a good one holds, and the errors of the others."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec

from scorecard.shared.errors import ScorecardError
from scorecard.shared.text import plain

Shaped = TypeVar("Shaped")

UNDECODABLE = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)
"""What decoding raises: no JSON, JSON of another shape, or nested without end."""

NO_REASON = "it gave no reason"

_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)"
)


@dataclass(frozen=True)
class ServiceResponse:
    """A 2xx response: its body, its URL (path and query), and the server's clock.

    ``sha256`` is of the body as it came, in hex.
    """

    service: str
    body: bytes
    sha256: str
    url: str
    headers: Mapping[str, str]
    served_at: datetime

    def decode(self, shape: type[Shaped]) -> Shaped:
        """Return the decoded body.

        Raises
        ------
        ScorecardError: it has another shape.
        """
        try:
            return msgspec.json.decode(self.body, type=shape)
        except UNDECODABLE as error:
            raise unexpected(self.service, self.url.partition("?")[0], error) from error


class RateLimit(Enum):
    """How long the limit lasts that a request exceeded."""

    NONE = "no limit was exceeded"
    SECONDS = "other requests of this moment"
    DAY = "the requests of the day"


class QuotaExceeded(ScorecardError):
    """The daily quota of the service is used up. What was read is kept, and the next run resumes there."""


class RefusedRequest(ScorecardError):
    """The service refuses the request; ``status`` and ``body`` are of its response."""

    def __init__(self, problem: str, cure: str, status: int, body: bytes) -> None:
        super().__init__(problem, cure)
        self.status, self.body = status, body

    @property
    def is_unreadable(self) -> bool:
        """Whether the service has no such thing, or doesn't let us read it."""
        return self.status in (403, 404)

    def reason(self, *fields: str) -> str:
        """Return the first field of the body that says why; a sentence if none does."""
        try:
            response = msgspec.json.decode(self.body)
            return next((str(response[field]) for field in fields if response.get(field)), NO_REASON)
        except (msgspec.DecodeError, AttributeError):
            return NO_REASON


def refusal(service: str, what: str, status: int, body: bytes, location: str) -> RefusedRequest:
    """Return the error of a request that the service refuses or redirects; ``location`` is where it redirects to."""
    if status < 400:
        where = plain(urlsplit(location).netloc) or "another path"
        return RefusedRequest(
            f"{service} redirects {what} to {where}.",
            "Set the host of the connection to the address of the service itself; nothing was sent to the other.",
            status,
            body,
        )
    return RefusedRequest(
        f"{service} refused {what} with {status}: {plain(body.decode(errors='replace'))}",
        _cure_of(status, service),
        status,
        body,
    )


def _cure_of(status: int, service: str) -> str:
    """Return what to do about a request that the service refused with a status."""
    connection = f"the connection scorecard_{service}"
    if status == 401:
        return f"Renew the credentials of {connection}. `scorecard sources check` shows the account that they are of."
    if status == 403:
        return (
            f"Give the user of {connection} the right to read this address. `scorecard sources check` lists the rights"
            " that are missing."
        )
    return (
        "Read the reason that the service gives. If the service changed its API, change its connector in"
        " scorecard/extract/services."
    )


@contextmanager
def explain_unreadable(problem: str, cure: str) -> Iterator[None]:
    """Raise a ScorecardError with these sentences if the service has no such thing, or doesn't let us read it."""
    try:
        yield
    except RefusedRequest as error:
        if not error.is_unreadable:
            raise
        raise ScorecardError(problem, cure) from None


@contextmanager
def understood(service: str, what: str) -> Iterator[None]:
    """Turn exceptions of an unexpected response into a ScorecardError."""
    try:
        yield
    except (*UNDECODABLE, LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise unexpected(service, what, error) from error


def unexpected(service: str, what: str, error: Exception) -> ScorecardError:
    """Return the error of a response with an unexpected shape; its text has no data of the response."""
    detail = plain(str(error)) if isinstance(error, msgspec.DecodeError | KeyError) else ""
    return ScorecardError(
        f"{service} sent an unexpected response for {what} ({type(error).__name__}{': ' if detail else ''}{detail}).",
        "Run again: what was read before is kept. If it stays so, check that the host of the connection is the service"
        " itself; if an upgrade of the service changed its API, change its connector.",
    )


def note_next_page(service: str, what: str, place: str | None, seen: set[str | None]) -> None:
    """Add the place of a next page to those seen.

    Raises
    ------
    ScorecardError: an earlier page named the same place, so the pages would never end.
    """
    if place in seen:
        raise repeated_page(service, what, place)
    seen.add(place)


def repeated_page(service: str, what: str, place: str | None) -> ScorecardError:
    """Return the error of pages that never end, since one names the same next page as an earlier one."""
    return ScorecardError(
        f"{service} names the same next page of {what} twice: {plain(place or 'none')}.",
        "Run again: what was read before is kept. If it happens again, report it to the service's support.",
    )


def no_json(response: ServiceResponse) -> str:
    """Return why a response is no JSON, "" if it is JSON."""
    try:
        msgspec.json.decode(response.body, type=msgspec.Raw)
    except UNDECODABLE:
        return f"{kind_of(response)} that is no whole JSON" if "json" in kind_of(response) else kind_of(response)
    return ""


def with_whole_letters(body: bytes) -> bytes:
    r"""Replace half a surrogate pair by U+FFFD: services cut texts in the middle of an emoji.

    >>> with_whole_letters(rb'["ab\ud83d", "\ud83d\ude00", "\\ud83d"]')
    b'["ab\\ufffd", "\\ud83d\\ude00", "\\\\ud83d"]'
    """
    return _ESCAPE.sub(lambda match: rb"\ufffd" if match["half"] else match[0], body)


def kind_of(response: ServiceResponse) -> str:
    """Return the content type of a response."""
    return plain(response.headers.get("Content-Type", "nothing it names").partition(";")[0])
