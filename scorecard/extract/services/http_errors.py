"""Refusals of a service: which limit was exceeded, and what it answered."""

from enum import Enum

from scorecard.shared.errors import ScorecardError


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
