"""How to ask Stripe, and how it says what it holds."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from scorecard.extract.services.http import Http
from scorecard.extract.services.http_errors import RefusedRequest
from scorecard.extract.services.response import ServiceResponse
from scorecard.extract.services.stripe.settings import API, HOST
from scorecard.shared.errors import ScorecardError
from scorecard.shared.settings import Connection


class ListPage(msgspec.Struct):
    """A page of a list; the records are left as they came."""

    data: list[msgspec.Raw]
    has_more: bool


class Lines(msgspec.Struct):
    """What a record carries of the list inside of it."""

    data: list[msgspec.Raw] = []
    has_more: bool = False


class RecordHead(msgspec.Struct):
    """What has to be known of a record; its other fields are not decoded. Its discounts are ids or records."""

    id: str
    created: int = 0
    deleted: bool = False
    items: Lines | None = None
    lines: Lines | None = None
    discounts: list[msgspec.Raw] | None = None


class StripeApi:
    """Stripe, asked with the key of one connection."""

    def __init__(self, name: str, connection: Connection) -> None:
        self.name = name
        key = connection.secret("password")
        if not re.fullmatch(r"\w+", key, re.ASCII):
            raise ScorecardError(
                f"The connection {name} has no key of Stripe as its password.",
                "Set its password to a restricted key (rk_…) with the rights that the connector's README lists.",
            )
        self.mode = "live mode" if "_live_" in key else "test mode"
        headers = {"Authorization": f"Bearer {key}", "Stripe-Version": API}
        self.http = Http(name, f"{(connection.host or HOST).rstrip('/')}/v1/", lambda fresh: headers)

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> ServiceResponse:
        """Ask for a path. Raises as `Http.request` does; what the key may not do is told in words of our own."""
        try:
            return self.http.get(path, params)
        except RefusedRequest as error:
            raise self._explained(error, path, str((params or {}).get("expand[]", ""))) from None

    def listed(
        self, path: str, params: Mapping[str, Any], after: str = ""
    ) -> Iterator[tuple[ServiceResponse, ListPage]]:
        """Yield the pages of a list, from the record after one on.

        Raises
        ------
        ScorecardError: a page ends where one before it ended.
        """
        seen = {after}
        while True:
            answer = self.get(path, {**params, "starting_after": after} if after else params)
            page = answer.decode(ListPage)
            after = record_of(page.data[-1]).id if page.data else ""
            if page.has_more and after in seen:
                raise ScorecardError(
                    f"{self.name} repeats a page of {path}: starting_after={after or 'nothing'} comes twice.",
                    "Run again: what was read before is kept.",
                )
            yield answer, page
            if not page.has_more:
                return
            seen.add(after)

    def _explained(self, error: RefusedRequest, path: str, expanded: str) -> ScorecardError:
        """Say what was refused; Stripe's own words on a key repeat a part of it."""
        if error.status == 401:
            return ScorecardError(
                f"Stripe does not accept the key of the connection {self.name}.",
                "Set its password to a key that is neither expired nor rolled (Developers, API keys), of the right mode"
                " (live or test).",
            )
        if error.status == 403:
            kind = path.partition("/")[0]
            if expanded:
                kind += f" with their {expanded.removeprefix('data.')}"
            return NotAllowed(
                f"The key of the connection {self.name} may not read {kind}.",
                f"In Stripe's dashboard (Developers, API keys) give the restricted key the right to read {kind}, or"
                f" leave the tables out of `objects` of the service {self.name} in the settings.",
            )
        return error


class NotAllowed(ScorecardError):
    """The key lacks a right."""


def record_of(text: msgspec.Raw | bytes) -> RecordHead:
    """Decode what has to be known of a record."""
    return msgspec.json.decode(text, type=RecordHead)


def is_missing(error: RefusedRequest, param: str = "") -> bool:
    """Whether there is no such object: the one that `param` names, or without it any but the place in a list."""
    try:
        details = msgspec.json.decode(error.body)["error"]
        code, named = details.get("code"), details.get("param")
    except (msgspec.DecodeError, KeyError, AttributeError, TypeError):
        return False
    return bool(code == "resource_missing" and (named == param if param else named != "starting_after"))
