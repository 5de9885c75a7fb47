"""Requests to HubSpot: login, limits, lists, batches and associations."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec

from scorecard.extract.services.http import Http
from scorecard.extract.services.hubspot import settings as fixed
from scorecard.extract.services.hubspot.records import AssociationPage, ListPage, RecordHead, ids_in_order, in_order
from scorecard.extract.services.oauth import OAuth, bearer
from scorecard.extract.services.response import (
    NO_REASON,
    RateLimit,
    RefusedRequest,
    ServiceResponse,
    note_next_page,
)
from scorecard.shared.errors import ScorecardError
from scorecard.shared.settings import Connection


@dataclass(frozen=True)
class RecordSelection:
    """What is read of an object's records; those last changed before ``start`` are left out, None: none are."""

    kind: str
    properties: tuple[str, ...]
    start: date | None = None

    def wants(self, record: RecordHead) -> bool:
        """Whether a record is wanted: it was changed since the start, or is an open deal."""
        is_open = self.kind == "deals" and record.properties.hs_is_closed != "true"
        return self.start is None or is_open or record.updated_at.date() >= self.start

    @property
    def history(self) -> tuple[str, ...]:
        """Properties of which all values are read."""
        return fixed.HISTORY.get(self.kind, ())

    @property
    def associations(self) -> tuple[str, ...]:
        """Objects that the records may be associated with."""
        return fixed.ASSOCIATIONS.get(self.kind, ())

    @property
    def modified(self) -> str:
        """The property with the time of a record's last change."""
        return fixed.MODIFIED.get(self.kind, fixed.OTHERS_MODIFIED)

    @property
    def fits_address(self) -> bool:
        """Whether the address of a list can name all the properties."""
        return len(",".join(self.properties)) <= fixed.LONGEST_QUERY


@dataclass
class HubSpotApi:
    """The account, a request at a time."""

    name: str
    http: Http
    page_size: int

    def lists(
        self, selection: RecordSelection, after: str = "", archived: bool = False
    ) -> Iterator[tuple[ServiceResponse, list[msgspec.Raw], str]]:
        """Yield the pages of a list."""
        largest = fixed.PAGE_WITH_HISTORY if selection.history and not archived else fixed.PAGE
        params: dict[str, Any] = {"limit": min(self.page_size, largest)}
        if archived:
            params |= {"archived": "true"}
        elif selection.fits_address:
            params |= {"properties": ",".join(selection.properties)}
            params |= {"propertiesWithHistory": ",".join(selection.history)} if selection.history else {}
        if not archived and selection.associations:
            params |= {"associations": ",".join(selection.associations)}
        yield from self.follow(f"{fixed.OBJECTS}/{selection.kind}", params, after)

    def follow(
        self, path: str, params: dict[str, Any], after: str = ""
    ) -> Iterator[tuple[ServiceResponse, list[msgspec.Raw], str]]:
        """Yield responses, their records and where the next one begins, "" after the last."""
        seen: set[str | None] = {after}
        while True:
            response = self.http.get(path, {**params, **({"after": after} if after else {})})
            page = response.decode(ListPage)
            after = page.after
            if after:
                note_next_page(self.name, path, after, seen)
            yield response, page.results, after
            if not after:
                return

    def batch(self, selection: RecordSelection, ids: list[str]) -> tuple[ServiceResponse, list[msgspec.Raw]]:
        """Read some records with all that the selection names."""
        body = {
            "inputs": [{"id": record_id} for record_id in ids],
            "properties": selection.properties,
            "propertiesWithHistory": selection.history,
        }
        response = self.http.post(f"{fixed.OBJECTS}/{selection.kind}/batch/read", body)
        return response, self._batch(selection.kind, response).results

    def _batch(self, kind: str, response: ServiceResponse) -> ListPage:
        """Return the records of a batch. It lacks those that were archived or merged a moment ago."""
        page = response.decode(ListPage)
        for error in page.errors:
            if error.get("category") != "OBJECT_NOT_FOUND":
                raise ScorecardError(
                    f"HubSpot could not read a batch of {kind}: {error.get('category', NO_REASON)}.",
                    "Run again: what was read before is kept.",
                )
        return page

    def links(
        self, selection: RecordSelection, records: list[RecordHead], inline: bool
    ) -> dict[str, dict[str, list[str]]]:
        """Return the ids that each record is associated with; what a response has only in part is requested."""
        links: dict[str, dict[str, list[str]]] = {record.id: {} for record in records}
        for to in selection.associations:
            missing = []
            for record in records:
                linked = record.associations.get(to)
                if not inline or (linked and linked.paging):
                    missing.append(record.id)
                else:
                    links[record.id][to] = ids_in_order(selection.kind, to, linked) if linked else []
            for record_id, ids in self._associated(selection.kind, to, missing).items():
                links[record_id][to] = ids
        return links

    def _associated(self, kind: str, to: str, ids: list[str]) -> dict[str, list[str]]:
        """Request the associations of some records."""
        links: dict[str, list[tuple[str, bool]]] = {record_id: [] for record_id in ids}
        inputs = [{"id": record_id} for record_id in ids]
        seen: dict[str, set[str | None]] = {}
        while inputs:
            batch, inputs = inputs[: fixed.ASSOCIATIONS_BATCH], inputs[fixed.ASSOCIATIONS_BATCH :]
            page = self._batch(kind, self.http.post(f"{fixed.ASSOCIATED}/{kind}/{to}/batch/read", {"inputs": batch}))
            for raw in page.results:
                association = msgspec.json.decode(raw, type=AssociationPage)
                record_id = association.source.id
                links[record_id] += [(str(target.id), target.is_primary) for target in association.to]
                if association.after:
                    note_next_page(
                        self.name, f"{to} of {kind} {record_id}", association.after, seen.setdefault(record_id, set())
                    )
                    inputs.append({"id": record_id, "after": association.after})
        return {record_id: in_order(targets) for record_id, targets in links.items()}


def connect(name: str, connection: Connection, reserve: float) -> Http:
    """Return a session with the account, which leaves a share of the day's requests to others.

    A service key or private app logs in by its token, an OAuth app by the refresh token in `extra`.
    """
    host, secret, by_oauth = connection.host or fixed.HOST, connection.secret("password"), uses_oauth(connection)
    if not secret or (by_oauth and not connection.login):
        raise ScorecardError(
            f"The connection scorecard_{name} has no {'login' if secret else 'password'}.",
            "For a service key or a private app, set password to its token. For an OAuth app, set login to the client"
            " id, password to the client secret, and extra.refresh_token to the refresh token.",
        )
    oauth = OAuth(
        name,
        "HubSpot",
        host,
        fixed.TOKEN,
        lambda: {
            "grant_type": "refresh_token",
            "client_id": connection.login,
            "client_secret": secret,
            "refresh_token": connection.secret("refresh_token"),
        },
        _reason,
        "Check its login (client id), password (client secret) and extra.refresh_token; a refresh token ends when the"
        " app is uninstalled from the account.",
    )
    return Http(name, host, oauth.headers if by_oauth else lambda fresh: bearer(secret), limit_of, left, reserve)


def uses_oauth(connection: Connection) -> bool:
    """Whether the connection is of an OAuth app."""
    return "refresh_token" in connection.extra


def _reason(error: RefusedRequest) -> str:
    """Return the reason if it is a code of HubSpot's own; other words might repeat what was sent."""
    status = error.reason("status", "error")
    return status if status.replace("_", "").isalpha() else NO_REASON


def limit_of(status: int, body: bytes) -> RateLimit:
    """Return the limit that a response reports: of the policies only DAILY lasts longer than ten seconds."""
    if status != 429:
        return RateLimit.NONE
    try:
        policy = msgspec.json.decode(body).get("policyName")
    except (msgspec.DecodeError, AttributeError):
        return RateLimit.SECONDS
    return RateLimit.DAY if policy == "DAILY" else RateLimit.SECONDS


def left(headers: Mapping[str, str]) -> float | None:
    """Return the share of the account's requests of the day that is left; None if a response does not say."""
    counts = [headers.get(f"X-HubSpot-RateLimit-Daily{suffix}", "") for suffix in ("-Remaining", "")]
    if not all(count.isdecimal() and count.isascii() for count in counts) or not int(counts[1]):
        return None
    return int(counts[0]) / int(counts[1])
