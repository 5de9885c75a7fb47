"""A response of a service, and the errors of one that can't be used."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import msgspec

from scorecard.shared.errors import ScorecardError
from scorecard.shared.text import plain

Shaped = TypeVar("Shaped")

UNREADABLE = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)
"""What decoding raises: no JSON, JSON of another shape, or nested without end."""

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
        except UNREADABLE as error:
            raise unexpected(self.service, self.url.partition("?")[0], error) from error


@contextmanager
def understood(service: str, what: str) -> Iterator[None]:
    """Turn exceptions of an unexpected response into a ScorecardError."""
    try:
        yield
    except (*UNREADABLE, LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise unexpected(service, what, error) from error


def unexpected(service: str, what: str, error: Exception) -> ScorecardError:
    """Return the error of a response with an unexpected shape; its text has no data of the response."""
    detail = plain(str(error)) if isinstance(error, msgspec.DecodeError | KeyError) else ""
    return ScorecardError(
        f"{service} sent an unexpected response for {what} ({type(error).__name__}{': ' if detail else ''}{detail}).",
        "Run again: what was read before is kept. If it stays so, look whether the host of the connection is the"
        " service itself; if an upgrade of it changed its API, its connector has to follow.",
    )


def no_json(answer: ServiceResponse) -> str:
    """Return why a response is no JSON, "" if it is JSON."""
    try:
        msgspec.json.decode(answer.body, type=msgspec.Raw)
    except UNREADABLE:
        return f"{kind_of(answer)} that is no whole JSON" if "json" in kind_of(answer) else kind_of(answer)
    return ""


def with_whole_letters(body: bytes) -> bytes:
    r"""Replace half a surrogate pair by U+FFFD: services cut texts in the middle of an emoji.

    >>> with_whole_letters(rb'["ab\ud83d", "\ud83d\ude00", "\\ud83d"]')
    b'["ab\\ufffd", "\\ud83d\\ude00", "\\\\ud83d"]'
    """
    return _ESCAPE.sub(lambda match: rb"\ufffd" if match["half"] else match[0], body)


def kind_of(answer: ServiceResponse) -> str:
    """Return the content type of a response."""
    return plain(answer.headers.get("Content-Type", "nothing it names").partition(";")[0])
