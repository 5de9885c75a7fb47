"""Parsed requests to the Stripe stand-in, and its refusals."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from sandbox.standins.serving import as_json
from sandbox.standins.stripe.shape import Filters

CREATED = {"created", "created[gt]", "created[gte]", "created[lt]", "created[lte]"}

StripeKey = tuple[int, str]
"""What a list is sorted by. Creation times are negative, so that the newest come first."""


class StripeRefusal(Exception):
    """A request that the API answers with an error."""

    def __init__(self, status: int, message: str, code: str | None = None, param: str | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.param = status, message, code, param

    def response(self) -> Response:
        """Return the error in the shape of Stripe."""
        kind = "api_error" if self.status >= 500 else "invalid_request_error"
        problem = {"type": kind, "message": self.message, "code": self.code, "param": self.param}
        return as_json({"error": {name: value for name, value in problem.items() if value is not None}}, self.status)


def missing(status: int, kind: str, record_id: str, param: str) -> StripeRefusal:
    """Return the refusal of an id that names nothing."""
    return StripeRefusal(status, f"No such {kind}: '{record_id}'", "resource_missing", param)


@dataclass(frozen=True)
class ListRequest:
    """What a request for a list asks for."""

    limit: int
    starting_after: str | None
    ending_before: str | None
    filters: Filters
    expand: frozenset[str] = frozenset()
    """Fields of the listed objects to give whole instead of by their ids."""

    def window(self, keys: list[StripeKey], key_of: Callable[[str, str], StripeKey]) -> tuple[int, int, bool]:
        """Return where the page begins and ends in the whole list, and whether more follows."""
        if self.ending_before is not None:
            stop = bisect_left(keys, key_of(self.ending_before, "ending_before"))
            return max(0, stop - self.limit), stop, stop > self.limit
        start = 0
        if self.starting_after is not None:
            start = bisect_right(keys, key_of(self.starting_after, "starting_after"))
        return start, start + self.limit, start + self.limit < len(keys)


def expanded(request: Request, prefix: str = "") -> frozenset[str]:
    """Return the fields that a request asks to give whole; of a list they are named with ``data.`` before them."""
    names = (value for name, value in request.query_params.multi_items() if re.fullmatch(r"expand\[\d*\]", name))
    return frozenset(path.removeprefix(prefix) for path in names if path.startswith(prefix))


def parsed(request: Request, filters: set[str]) -> ListRequest:
    """Return what a request asks for; a parameter that the list doesn't know is refused, as by Stripe."""
    # Clients write lists as types[] or types[0].
    params = ((re.sub(r"\[\d*\]$", "", name), value) for name, value in request.query_params.multi_items())
    given = [(name, value) for name, value in params if name != "expand"]
    for name, value in given:
        if name not in {"limit", "starting_after", "ending_before", *CREATED, *filters}:
            raise StripeRefusal(400, f"Received unknown parameter: {name}", "parameter_unknown", name)
        if name in {"limit", *CREATED} and not re.fullmatch(r"-?\d+", value):
            raise StripeRefusal(400, f"Invalid integer: {value}", "parameter_invalid_integer", name)
    single = dict(given)
    limit = int(single.pop("limit", 10))
    if not 1 <= limit <= 100:
        raise StripeRefusal(400, "This value must be between 1 and 100.", "parameter_invalid_integer", "limit")
    after, before = single.pop("starting_after", None), single.pop("ending_before", None)
    filters_given = tuple(sorted({(name, value) for name, value in given if name in single}))
    return ListRequest(limit, after, before, filters_given, expanded(request, "data."))
