"""How to log in to Salesforce, and what its errors and limits are."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock

import msgspec

from scorecard.extract.services.http import Http
from scorecard.extract.services.http_errors import RateLimit, RefusedRequest
from scorecard.extract.services.salesforce.settings import API
from scorecard.shared.errors import ScorecardError
from scorecard.shared.redaction import hide
from scorecard.shared.settings import Connection


class Token(msgspec.Struct):
    """What lets us in, and where."""

    access_token: str
    instance_url: str = ""


@dataclass
class Login:
    """A session of the External Client App: by client credentials, or by JWT bearer where `extra` has a private key."""

    name: str
    connection: Connection
    token: str = field(default="", repr=False)
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        if not self.connection.host or not self.connection.login:
            raise ScorecardError(
                f"The connection {self.name} lacks its host or login.",
                "Set host to the org's own address (My Domain) and login to the consumer key of the External Client"
                " App.",
            )
        self.instance = self.connection.host.rstrip("/")

    def headers(self, fresh: bool) -> dict[str, str]:
        """Return the headers that say who asks, with a new token where the old one has expired."""
        with self._lock:
            if fresh or not self.token:
                self._ask()
            return {"Authorization": f"Bearer {self.token}"}

    def _ask(self) -> None:
        http = Http(self.name, self.connection.host, lambda fresh: {})
        try:
            token = http.request("POST", "/services/oauth2/token", data=self._grant()).decode(Token)
        except RefusedRequest as error:
            reason = _oauth_error(error.body)
            raise ScorecardError(
                f"Salesforce does not let the connection {self.name} in: {reason}.",
                "Check its login (consumer key) and password (consumer secret), or the private key and user name of the"
                " JWT flow, and that the External Client App allows the flow for that user.",
            ) from None
        self.token, self.instance = token.access_token, token.instance_url or self.instance

    def _grant(self) -> dict[str, str]:
        secret = self.connection.secret("password")
        extra = {name: value.get_secret_value() for name, value in self.connection.extra.items()}
        if "private_key" not in extra:
            return {"grant_type": "client_credentials", "client_id": self.connection.login, "client_secret": secret}
        import jwt

        claim = {
            "iss": self.connection.login,
            "sub": extra.get("username", ""),
            "aud": extra.get("audience", "https://login.salesforce.com"),
            "exp": int(time.time()) + 180,
        }
        try:
            signed = jwt.encode(claim, extra["private_key"], "RS256")
        except (ValueError, jwt.PyJWTError):
            raise ScorecardError(
                "The private_key of the connection can't sign.",
                "Give the whole RSA key in PEM, from its BEGIN line to its END line, with its line ends.",
            ) from None
        hide(signed)
        return {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": signed}


def _oauth_error(body: bytes) -> str:
    try:
        response = msgspec.json.decode(body)
        return str(response.get("error_description") or response.get("error"))
    except (msgspec.DecodeError, AttributeError):
        return "it gave no reason"


def error_code(error: RefusedRequest) -> str:
    """Return Salesforce's own name of an error, "" where it gives none."""
    return _problem(error.body)[0]


def limit_of(status: int, body: bytes) -> RateLimit:
    """Say which limit an answer tells of: one error code stands for the quota of the day and for limits of seconds."""
    code, message = _problem(body)
    if status != 403 or code != "REQUEST_LIMIT_EXCEEDED":
        return RateLimit.NONE
    return RateLimit.DAY if message.startswith("TotalRequests") else RateLimit.SECONDS


def _problem(body: bytes) -> tuple[str, str]:
    """Return the code and the message of the first error in an answer, "" where there is none."""
    try:
        first = msgspec.json.decode(body)[0]
        return str(first["errorCode"]), str(first.get("message", ""))
    except (msgspec.DecodeError, KeyError, IndexError, TypeError, AttributeError):
        return "", ""


def left(headers: Mapping[str, str]) -> float | None:
    """Return the share of the org's requests of the day that is left; None where an answer does not say."""
    usage = re.search(r"api-usage=(\d+)/(\d+)", headers.get("Sforce-Limit-Info", ""), re.ASCII)
    return 1 - int(usage[1]) / int(usage[2]) if usage and int(usage[2]) else None


def connect(name: str, connection: Connection, reserve: float) -> Http:
    """Return a session with the org, which leaves a share of the day's requests to others."""
    login = Login(name, connection)
    login.headers(fresh=False)
    return Http(name, f"{login.instance}/services/data/{API}/", login.headers, limit_of, left, reserve)
