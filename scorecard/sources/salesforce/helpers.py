"""How to log in to Salesforce, to write a query and to take a bulk job's result apart."""

import csv
import io
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock
from typing import Any

import msgspec

from scorecard.errors import ScorecardError
from scorecard.settings import Connection
from scorecard.sources.http import BadAnswer, Http
from scorecard.sources.salesforce.settings import API


class QueryPage(msgspec.Struct, rename={"next_url": "nextRecordsUrl", "total": "totalSize"}):
    """An answer to a query; the records are left as they came."""

    records: list[msgspec.Raw]
    done: bool
    total: int = 0
    next_url: str = ""


@dataclass
class Login:
    """A session of the connected app: by client credentials, or by JWT bearer where `extra` has a private key."""

    name: str
    connection: Connection
    token: str = field(default="", repr=False)
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        if not self.connection.host or not self.connection.login:
            raise ScorecardError(
                f"The connection {self.name} lacks its host or login.",
                "Set host to the org's own address (My Domain) and login to the consumer key of the connected app.",
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
            answer = http.request("POST", "/services/oauth2/token", data=self._grant()).json()
        except BadAnswer as error:
            said = _oauth_error(error.body)
            raise ScorecardError(
                f"Salesforce does not let the connection {self.name} in: {said}.",
                "Check its login (consumer key) and password (consumer secret), or the private key and user name of the"
                " JWT flow, and that the connected app allows the flow for that user.",
            ) from None
        self.token, self.instance = answer["access_token"], answer.get("instance_url", self.instance)

    def _grant(self) -> dict[str, str]:
        secret = self.connection.password.get_secret_value()
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
        return {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": signed}


def _oauth_error(body: bytes) -> str:
    try:
        said = msgspec.json.decode(body)
        return str(said.get("error_description") or said.get("error"))
    except (msgspec.DecodeError, AttributeError):
        return "it gave no reason"


def error_code(error: BadAnswer) -> str:
    """Return Salesforce's own name of an error, "" where it gives none."""
    try:
        return str(msgspec.json.decode(error.body)[0]["errorCode"])
    except (msgspec.DecodeError, KeyError, IndexError, TypeError):
        return ""


def is_quota(status: int, body: bytes) -> bool:
    """Whether an answer means that the org's requests of the day are used up."""
    return status == 403 and b"REQUEST_LIMIT_EXCEEDED" in body


def soql(fields: Iterable[str], name: str, where: str = "", order: str = "") -> str:
    """Write a query. Names and moments come from the contract, describe and earlier answers, each checked."""
    text = f"SELECT {', '.join(fields)} FROM {name}"  # noqa: S608 - SOQL, of checked names
    return text + (f" WHERE {where}" if where else "") + (f" ORDER BY {order}" if order else "")


def moment(text: str) -> datetime:
    """Read one of Salesforce's moments, as `2024-01-31T10:00:00.000+0000`."""
    return datetime.fromisoformat(text).astimezone(UTC)


def written(at: datetime) -> str:
    """Write a moment as SOQL wants it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def csv_records(body: bytes, is_moment: Callable[[str], bool]) -> Iterator[dict[str, Any]]:
    """Yield the records of a part of a bulk job's result, as the query would have given them.

    Moments may come as milliseconds since 1970 there.
    """
    rows = csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""))
    header = next(rows, [])
    moments = {name for name in header if is_moment(name)}
    for row in rows:
        record: dict[str, Any] = {name: value or None for name, value in zip(header, row, strict=True)}
        for name in moments:
            if (value := record[name]) and value.isdigit():
                record[name] = written(datetime.fromtimestamp(int(value) / 1000, UTC))
        yield record


def connect(name: str, connection: Connection) -> Http:
    """Return a session with the org."""
    login = Login(name, connection)
    login.headers(fresh=False)
    return Http(name, f"{login.instance}/services/data/{API}/", login.headers, is_quota)
