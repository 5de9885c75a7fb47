"""How to log in to HubSpot, and what its limits are."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock

import msgspec

from scorecard.extract.services.http import Http
from scorecard.extract.services.http_errors import RateLimit, RefusedRequest
from scorecard.extract.services.hubspot import settings as fixed
from scorecard.shared.errors import ScorecardError
from scorecard.shared.settings import Connection


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
        except RefusedRequest as error:
            raise ScorecardError(
                f"HubSpot does not let the connection {self.name} in: {_reason(error.body)}.",
                "Check its login (client id), password (client secret) and extra.refresh_token; a refresh token ends"
                " when the app is uninstalled from the account.",
            ) from None
        return answer.decode(Token).access_token


def _reason(body: bytes) -> str:
    """Return what the token's endpoint says, of its own words only: others might repeat what was sent."""
    try:
        response = msgspec.json.decode(body)
        status = str(response["status"] if "status" in response else response["error"])
    except (msgspec.DecodeError, KeyError, TypeError):
        return "it gave no reason"
    return status if status.replace("_", "").isalpha() else "it gave no reason"


def limit_of(status: int, body: bytes) -> RateLimit:
    """Say which limit an answer tells of: of the account's policies only DAILY lasts longer than ten seconds."""
    if status != 429:
        return RateLimit.NONE
    try:
        policy = msgspec.json.decode(body).get("policyName")
    except (msgspec.DecodeError, AttributeError):
        return RateLimit.SECONDS
    return RateLimit.DAY if policy == "DAILY" else RateLimit.SECONDS


def left(headers: Mapping[str, str]) -> float | None:
    """Return the share of the account's requests of the day that is left; None where an answer does not say."""
    counts = [headers.get(f"X-HubSpot-RateLimit-Daily{suffix}", "") for suffix in ("-Remaining", "")]
    if not all(text.isdecimal() and text.isascii() for text in counts) or not int(counts[1]):
        return None
    return int(counts[0]) / int(counts[1])
