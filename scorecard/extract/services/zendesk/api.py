"""Requests to Zendesk: login, lists and exports."""

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from scorecard.extract.services.http import Http
from scorecard.extract.services.oauth import bearer
from scorecard.extract.services.response import RefusedRequest, ServiceResponse, note_next_page
from scorecard.extract.services.zendesk import settings as fixed
from scorecard.shared.errors import ScorecardError
from scorecard.shared.settings import Connection


class User(msgspec.Struct):
    """The user of the connection; without an id, nobody."""

    id: int | None = None
    name: str | None = None
    email: str | None = None
    role: str | None = None


class CurrentUser(msgspec.Struct):
    """The response of `users/me.json`."""

    user: User


class SurveyAnswer(msgspec.Struct):
    """An answer to a question of a survey; a survey's response says in no other place when it was given."""

    created_at: datetime | None = None


class RecordHead(msgspec.Struct):
    """The fields of a record that decide how it is read."""

    id: int | str
    created_at: datetime | None = None
    updated_at: datetime | None = None
    answers: list[SurveyAnswer] = []

    @property
    def created(self) -> int:
        """When it was created, or else first answered, in Unix seconds; 0 where it doesn't say."""
        moments = [self.created_at, *(answer.created_at for answer in self.answers)]
        return min((unix(at) for at in moments if at), default=0)

    @property
    def updated(self) -> int:
        """When it was changed last, in Unix seconds; 0 where it doesn't say."""
        return unix(self.updated_at) if self.updated_at else 0


class ListMeta(msgspec.Struct):
    """Where a list goes on."""

    has_more: bool
    after_cursor: str | None = None


@dataclass(frozen=True)
class ListPage:
    """A page of a list; the records are left as they came. ``after`` is None on the last one."""

    response: ServiceResponse
    records: Sequence[bytes]
    heads: Sequence[RecordHead]
    after: str | None

    @property
    def newest(self) -> int:
        """When the newest of the records was created, in Unix seconds; 0 where there is none."""
        return max((head.created for head in self.heads), default=0)


class ExportPosition(msgspec.Struct):
    """Where an export goes on: by cursor, or by time in Unix seconds."""

    end_of_stream: bool
    after_cursor: str | None = None
    end_time: int | None = None


def connect(name: str, connection: Connection) -> Http:
    """Return a session with the account: by API token, or by OAuth where `extra` has an access token."""
    token, secret = connection.secret("access_token"), connection.secret("password")
    if not connection.host or not (token or (connection.login and secret)):
        raise ScorecardError(
            f"The connection scorecard_{name} lacks its host, its login or its token.",
            "Set host to https://<your subdomain>.zendesk.com, and login to an agent's e-mail address followed by"
            " /token and password to an API token, or access_token in extra to an OAuth token.",
        )
    basic = base64.b64encode(f"{connection.login.removesuffix('/token')}/token:{secret}".encode()).decode()
    header = bearer(token) if token else {"Authorization": f"Basic {basic}"}
    base = f"{connection.host.rstrip('/')}/{fixed.API}/"
    return Http(name, base, lambda fresh: header, longest_wait=fixed.LONGEST_WAIT)


def current_user(http: Http) -> tuple[ServiceResponse, User]:
    """Return the user of the connection, and the response, which also has the service's time.

    Raises
    ------
    ScorecardError: Zendesk does not let us in.
    """
    try:
        response = http.get("users/me.json")
        user = response.decode(CurrentUser).user
        reason = "it answers that no user is logged in" if user.id is None else ""
    except RefusedRequest as error:
        if error.status not in (401, 403):
            raise
        reason = error.reason("description", "error")
    if reason:
        raise ScorecardError(
            f"Zendesk does not let the connection scorecard_{http.service} in: {reason}.",
            "With an API token: check that login is an agent's e-mail address followed by /token, and that password is"
            " an active token. With OAuth: check that extra.access_token is still valid.",
        )
    return response, user


def list_pages(
    http: Http, name: str, params: dict[str, Any], page_size: int, after: str | None = None
) -> Iterator[ListPage]:
    """Yield the pages of a list, from a cursor on if one is given.

    Raises
    ------
    ScorecardError: two pages have the same cursor.
    """
    seen: set[str | None] = {after}
    while True:
        following = {"page[after]": after} if after else {}
        page = list_page(http.get(path_of(name), {**params, **following, "page[size]": page_size}), name)
        yield page
        if page.after is None:
            return
        after = page.after
        note_next_page(http.service, name, after, seen)


def path_of(name: str) -> str:
    """Return the path of an object's list."""
    return fixed.PATHS.get(name, f"{name}.json")


def list_page(response: ServiceResponse, name: str) -> ListPage:
    """Take a page of a list apart."""
    top = response.decode(dict[str, msgspec.Raw])
    meta = msgspec.json.decode(top["meta"], type=ListMeta)
    records = msgspec.json.decode(top[name], type=list[msgspec.Raw])
    heads = [msgspec.json.decode(record, type=RecordHead) for record in records]
    return ListPage(response, records, heads, meta.after_cursor if meta.has_more else None)


def records_of(response: ServiceResponse, name: str) -> list[msgspec.Raw]:
    """Return the records of a page as they came."""
    top = response.decode(dict[str, msgspec.Raw])
    return msgspec.json.decode(top[name], type=list[msgspec.Raw])


def unix(at: datetime) -> int:
    """Return a moment in whole Unix seconds."""
    return int(at.timestamp())
