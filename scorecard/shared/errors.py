"""The exceptions that a person sees."""

from collections.abc import Mapping

from scorecard.shared.redaction import redact


class ScorecardError(Exception):
    """A problem that the user can solve.

    Parameters
    ----------
    problem: a sentence that names the thing (file, column, check, close) and what is wrong with it.
    cure: a sentence that says what to do about it.

    Secrets are taken out of both.
    ``by_object`` has the errors of which this one was made, by the raw table that each stopped; else it is empty.
    """

    by_object: Mapping[str, "ScorecardError"] = {}

    def __init__(self, problem: str, cure: str) -> None:
        self.problem = redact(problem)
        self.cure = redact(cure)
        super().__init__(f"{self.problem} {self.cure}")


class Temporary(ScorecardError):
    """A problem that may pass, so that a retry is worth it: a server is down, or another run is at work."""
