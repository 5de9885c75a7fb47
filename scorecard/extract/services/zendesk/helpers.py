"""How to log in to Zendesk, and to take its pages apart."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from scorecard.extract.services.http import BadAnswer, Http
from scorecard.extract.services.response import Answer
from scorecard.extract.services.zendesk.settings import API, LONGEST_WAIT
from scorecard.shared.errors import ScorecardError
from scorecard.shared.settings import Connection


class Said(msgspec.Struct):
    """An answer to a question of a survey; a survey's response says in no other place when it was given."""

    created_at: datetime | None = None


class Head(msgspec.Struct):
    """What of a record decides how it is read."""

    id: int | str
    created_at: datetime | None = None
    updated_at: datetime | None = None
    answers: list[Said] = []

    @property
    def created(self) -> int:
        """When it was created, or else first answered, in Unix seconds; 0 where it doesn't say."""
        moments = [self.created_at, *(each.created_at for each in self.answers)]
        return min((unix(each) for each in moments if each), default=0)

    @property
    def updated(self) -> int:
        """When it was changed last, in Unix seconds; 0 where it doesn't say."""
        return unix(self.updated_at) if self.updated_at else 0


class User(msgspec.Struct):
    """Who asks; without an id, nobody."""

    id: int | None = None
    name: str | None = None
    email: str | None = None
    role: str | None = None


class Me(msgspec.Struct):
    """The answer to who asks."""

    user: User


class Meta(msgspec.Struct):
    """Where a list goes on."""

    has_more: bool
    after_cursor: str | None = None


@dataclass(frozen=True)
class Listed:
    """A page of a list; the records are left as they came. ``after`` is None on the last one."""

    answer: Answer
    records: Sequence[bytes]
    heads: Sequence[Head]
    after: str | None

    @property
    def newest(self) -> int:
        """When the newest of the records was created, in Unix seconds; 0 where there is none."""
        return max((each.created for each in self.heads), default=0)


class Export(msgspec.Struct):
    """Where an export goes on: by cursor, or by time in Unix seconds."""

    end_of_stream: bool
    after_cursor: str | None = None
    end_time: int | None = None


def records_of(answer: Answer, name: str) -> list[msgspec.Raw]:
    """Return the records of a page as they came."""
    top = answer.decode(dict[str, msgspec.Raw])
    return msgspec.json.decode(top[name], type=list[msgspec.Raw])


def export_of(answer: Answer) -> Export:
    """Return where an export goes on."""
    return answer.decode(Export)


def listed(answer: Answer, name: str) -> Listed:
    """Take a page of a list apart."""
    top = answer.decode(dict[str, msgspec.Raw])
    meta = msgspec.json.decode(top["meta"], type=Meta)
    records = msgspec.json.decode(top[name], type=list[msgspec.Raw])
    heads = [msgspec.json.decode(each, type=Head) for each in records]
    return Listed(answer, records, heads, meta.after_cursor if meta.has_more else None)


def unix(at: datetime) -> int:
    """Return a moment in whole Unix seconds."""
    return int(at.timestamp())


def moment(text: str) -> datetime:
    """Read a moment of a cursor."""
    return datetime.fromisoformat(text).astimezone(UTC)


def connect(name: str, connection: Connection) -> Http:
    """Return a session with the account: by API token, or by OAuth where `extra` has an access token."""
    token, secret = connection.secret("access_token"), connection.secret("password")
    if not connection.host or not (token or (connection.login and secret)):
        raise ScorecardError(
            f"The connection {name} lacks its host, or who asks.",
            "Set host to https://<your subdomain>.zendesk.com, and login to an agent's e-mail address followed by"
            " /token and password to an API token, or access_token in extra to an OAuth token.",
        )
    basic = base64.b64encode(f"{connection.login.removesuffix('/token')}/token:{secret}".encode()).decode()
    header = {"Authorization": f"Bearer {token}" if token else f"Basic {basic}"}
    base = f"{connection.host.rstrip('/')}/{API}/"
    return Http(name, base, lambda fresh: header, longest_wait=LONGEST_WAIT)


def me(http: Http) -> tuple[Answer, User]:
    """Ask who we are; the answer also tells the service's time.

    Raises
    ------
    ScorecardError: Zendesk does not let us in.
    """
    try:
        answer = http.get("users/me.json")
        user = answer.decode(Me).user
        said = "it takes us for nobody" if user.id is None else ""
    except BadAnswer as error:
        if error.status not in (401, 403):
            raise
        said = _said(error.body)
    if said:
        raise ScorecardError(
            f"Zendesk does not let the connection {http.service} in: {said}.",
            "Check that its login is an e-mail address followed by /token and its password an active API token, or"
            " that access_token in its extra has not expired or been revoked.",
        )
    return answer, user


def _said(body: bytes) -> str:
    try:
        told = msgspec.json.decode(body)
        return str(told.get("description") or told.get("error"))
    except (msgspec.DecodeError, AttributeError):
        return "it gave no reason"
