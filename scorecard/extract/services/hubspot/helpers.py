"""How to log in to HubSpot, and to take its answers apart."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock
from typing import Any

import msgspec

from scorecard.extract.services.http import BadAnswer, Http, Limit
from scorecard.extract.services.hubspot import settings as fixed
from scorecard.shared.errors import ScorecardError
from scorecard.shared.settings import Connection


class Next(msgspec.Struct):
    """Where the next page begins."""

    after: str


class Paging(msgspec.Struct):
    """What an answer says of the pages after it."""

    next: Next | None = None


class ListPage(msgspec.Struct):
    """A page of records, left as they came; also the answer to a search or a batch."""

    results: list[msgspec.Raw]
    paging: Paging | None = None
    errors: list[dict[str, Any]] = []

    @property
    def after(self) -> str:
        """Where the next page begins, "" after the last."""
        return self.paging.next.after if self.paging and self.paging.next else ""


class Link(msgspec.Struct):
    """A record that another is associated with, as lists show it."""

    id: str
    type: str = ""


class Links(msgspec.Struct):
    """The first records that another is associated with; there are more where `paging` says so."""

    results: list[Link]
    paging: Paging | None = None


class Properties(msgspec.Struct):
    """What has to be known of a record's properties."""

    hs_merged_object_ids: str | None = None
    hs_is_closed: str | None = None


class Record(msgspec.Struct, rename="camel"):
    """What has to be known of a record."""

    id: str
    updated_at: datetime
    properties: Properties
    archived_at: datetime | None = None
    associations: dict[str, Links] = {}

    @property
    def merged(self) -> list[str]:
        """Ids of the records that this one took in."""
        ids = (self.properties.hs_merged_object_ids or "").split(";")
        return [each.strip() for each in ids if each.strip() not in ("", self.id)]


class Owner(msgspec.Struct, rename="camel"):
    """What has to be known of an owner who has left."""

    id: str
    updated_at: datetime


class Label(msgspec.Struct):
    """What an association is called, None where it has no name of its own."""

    label: str | None = None


class To(msgspec.Struct, rename={"id": "toObjectId", "types": "associationTypes"}):
    """A record that another is associated with, as the associations' own API shows it."""

    id: int | str
    types: list[Label] = []

    @property
    def is_primary(self) -> bool:
        """Whether it is the first of its kind, as people chose."""
        return any(each.label == "Primary" for each in self.types)


class Source(msgspec.Struct):
    """The record whose associations are shown."""

    id: str


class Associated(msgspec.Struct, rename={"source": "from"}):
    """Associations of a record; there may be more of them."""

    source: Source
    to: list[To]
    paging: Paging | None = None

    @property
    def after(self) -> str:
        """Where the next ones begin, "" after the last."""
        return self.paging.next.after if self.paging and self.paging.next else ""


class Property(msgspec.Struct):
    """What a property is."""

    name: str
    type: str
    calculated: bool = False


class Definitions(msgspec.Struct):
    """All properties of an object."""

    results: list[Property]


class Token(msgspec.Struct):
    """What lets us in."""

    access_token: str


@dataclass
class Login:
    """Who asks: a service key or private app by its token, or an OAuth app where `extra` has a refresh token."""

    name: str
    connection: Connection
    _token: str = field(default="", repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def __post_init__(self) -> None:
        self.host = self.connection.host or fixed.HOST
        self._secret = self.connection.secret("password")
        self.by_oauth = "refresh_token" in self.connection.extra
        if not self._secret or (self.by_oauth and not self.connection.login):
            raise ScorecardError(
                f"The connection {self.name} lacks its password or login.",
                "Set password to the service key, or the token of a private app; or, for an OAuth app, login to its"
                " client id, password to its client secret and extra.refresh_token.",
            )

    def headers(self, fresh: bool) -> dict[str, str]:
        """Return the headers that say who asks, with a new token where the old one has expired."""
        if not self.by_oauth:
            return {"Authorization": f"Bearer {self._secret}"}
        with self._lock:
            if fresh or not self._token:
                self._token = self._ask()
            return {"Authorization": f"Bearer {self._token}"}

    def _ask(self) -> str:
        grant = {
            "grant_type": "refresh_token",
            "client_id": self.connection.login,
            "client_secret": self._secret,
            "refresh_token": self.connection.secret("refresh_token"),
        }
        try:
            answer = Http(self.name, self.host, lambda fresh: {}).request("POST", fixed.TOKEN, data=grant)
        except BadAnswer as error:
            raise ScorecardError(
                f"HubSpot does not let the connection {self.name} in: {_reason(error.body)}.",
                "Check its login (client id), password (client secret) and extra.refresh_token; a refresh token ends"
                " when the app is uninstalled from the account.",
            ) from None
        return answer.decode(Token).access_token


def _reason(body: bytes) -> str:
    """Return what the token's endpoint says, of its own words only: others might repeat what was sent."""
    try:
        said = msgspec.json.decode(body)
        status = str(said["status"] if "status" in said else said["error"])
    except (msgspec.DecodeError, KeyError, TypeError):
        return "it gave no reason"
    return status if status.replace("_", "").isalpha() else "it gave no reason"


def limit_of(status: int, body: bytes) -> Limit:
    """Say which limit an answer tells of: of the account's policies only DAILY lasts longer than ten seconds."""
    if status != 429:
        return Limit.NONE
    try:
        policy = msgspec.json.decode(body).get("policyName")
    except (msgspec.DecodeError, AttributeError):
        return Limit.SECONDS
    return Limit.DAY if policy == "DAILY" else Limit.SECONDS


def left(headers: Mapping[str, str]) -> float | None:
    """Return the share of the account's requests of the day that is left; None where an answer does not say."""
    said = [headers.get(f"X-HubSpot-RateLimit-Daily{each}", "") for each in ("-Remaining", "")]
    if not all(each.isdecimal() and each.isascii() for each in said) or not int(said[1]):
        return None
    return int(said[0]) / int(said[1])


def in_order(links: Iterable[tuple[str, bool]]) -> list[str]:
    """Return ids, each once: the primary one first, then by age.

    >>> in_order([("12", False), ("7", False), ("12", True)])
    ['12', '7']
    """
    primary: dict[str, bool] = {}
    for record_id, is_primary in links:
        primary[record_id] = primary.get(record_id, False) or is_primary
    return sorted(primary, key=lambda each: (not primary[each], len(each), each))


def listed(kind: str, to: str, links: Links) -> list[str]:
    """Return the ids of associations as lists show them, where the primary one is there twice."""
    name = f"{fixed.SINGULAR.get(kind)}_to_{fixed.SINGULAR[to]}"
    return in_order((each.id, each.type == name) for each in links.results)


def text_of(raw: msgspec.Raw, associations: dict[str, list[str]]) -> bytes:
    """Return a record in one shape, wherever it was read: associations as lists of ids, nothing said twice."""
    fields = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    for name in fixed.SAID_TWICE:
        fields.pop(name, None)
    # A property that was emptied may read "", which is no number and no day; no text can hold these three bytes.
    fields["properties"] = msgspec.Raw(bytes(fields["properties"]).replace(b':""', b":null"))
    if associations:
        fields["associations"] = msgspec.Raw(msgspec.json.encode(associations))
    return msgspec.json.encode(fields)


def moment(text: str) -> datetime:
    """Read a moment of a cursor."""
    return datetime.fromisoformat(text)


def written(at: datetime) -> str:
    """Write a moment into a cursor."""
    return at.astimezone(UTC).isoformat()


def millis(at: datetime) -> str:
    """Write a moment as a search wants it: milliseconds since 1970."""
    return str(round(at.timestamp() * 1000))
