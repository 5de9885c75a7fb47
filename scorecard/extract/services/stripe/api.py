"""Requests to Stripe: its key, records and lists."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from scorecard.extract.services.http import Http
from scorecard.extract.services.oauth import bearer
from scorecard.extract.services.response import RefusedRequest, ServiceResponse, note_next_page
from scorecard.extract.services.stripe.settings import API, HOST
from scorecard.shared.errors import ScorecardError
from scorecard.shared.settings import Connection


class ListPage(msgspec.Struct):
    """A page of a list; the records are left as they came."""

    data: list[msgspec.Raw]
    has_more: bool


class Lines(msgspec.Struct):
    """The list inside of a record, as far as the record has it."""

    data: list[msgspec.Raw] = []
    has_more: bool = False


class RecordHead(msgspec.Struct):
    """The fields of a record that decide how it is read. Its discounts are ids or records."""

    id: str
    created: int = 0
    deleted: bool = False
    items: Lines | None = None
    lines: Lines | None = None
    discounts: list[msgspec.Raw] | None = None


class StripeApi:
    """The account, a request at a time."""

    def __init__(self, name: str, connection: Connection) -> None:
        self.name = name
        key = connection.secret("password")
        if not re.fullmatch(r"\w+", key, re.ASCII):
            raise ScorecardError(
                f"The connection scorecard_{name} has no key of Stripe as its password.",
                "Set its password to a restricted key (rk_…) with the rights that the connector's README lists.",
            )
        self.mode = "live mode" if "_live_" in key else "test mode"
        headers = {**bearer(key), "Stripe-Version": API}
        self.http = Http(name, f"{(connection.host or HOST).rstrip('/')}/v1/", lambda fresh: headers)

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> ServiceResponse:
        """Get a path. Raises as `Http.request` does; a right that the key lacks is named without Stripe's own words."""
        try:
            return self.http.get(path, params)
        except RefusedRequest as error:
            raise self._explained(error, path, str((params or {}).get("expand[]", ""))) from None

    def list_pages(
        self, path: str, params: Mapping[str, Any], after: str = ""
    ) -> Iterator[tuple[ServiceResponse, ListPage]]:
        """Yield the pages of a list, from the record after one on.

        Raises
        ------
        ScorecardError: a page ends where one before it ended.
        """
        seen: set[str | None] = {after}
        while True:
            response = self.get(path, {**params, "starting_after": after} if after else params)
            page = response.decode(ListPage)
            if page.has_more:
                after = head_of(page.data[-1]).id if page.data else ""
                note_next_page(self.name, path, after, seen)
            yield response, page
            if not page.has_more:
                return

    def _explained(self, error: RefusedRequest, path: str, expanded: str) -> ScorecardError:
        """Return the error of a refusal; Stripe's own words about a key repeat a part of it."""
        if error.status == 401:
            return ScorecardError(
                f"Stripe does not accept the key of the connection scorecard_{self.name}.",
                "Set its password to a key that is neither expired nor rolled (Developers, API keys), of the right mode"
                " (live or test).",
            )
        if error.status == 403:
            kind = path.partition("/")[0]
            if expanded:
                kind += f" with their {expanded.removeprefix('data.')}"
            return NotAllowed(
                f"The key of the connection scorecard_{self.name} may not read {kind}.",
                f"In Stripe's dashboard (Developers, API keys) give the restricted key the right to read {kind}, or"
                f" leave the tables out of `objects` of the service {self.name} in the settings.",
            )
        return error


class NotAllowed(ScorecardError):
    """The key lacks a right."""


def head_of(record: msgspec.Raw | bytes) -> RecordHead:
    """Decode the fields of a record that decide how it is read."""
    return msgspec.json.decode(record, type=RecordHead)


def is_missing(error: RefusedRequest, param: str = "") -> bool:
    """Whether Stripe has no such object: the one that `param` names; without it, any but the place in a list."""
    try:
        details = msgspec.json.decode(error.body)["error"]
        code, named = details.get("code"), details.get("param")
    except (msgspec.DecodeError, KeyError, AttributeError, TypeError):
        return False
    return bool(code == "resource_missing" and (named == param if param else named != "starting_after"))
