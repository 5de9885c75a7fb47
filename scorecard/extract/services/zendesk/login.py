"""How to log in to Zendesk."""

import base64

import msgspec

from scorecard.extract.services.http import Http
from scorecard.extract.services.http_errors import RefusedRequest
from scorecard.extract.services.response import ServiceResponse
from scorecard.extract.services.zendesk.settings import API, LONGEST_WAIT
from scorecard.shared.errors import ScorecardError
from scorecard.shared.settings import Connection


class User(msgspec.Struct):
    """Who asks; without an id, nobody."""

    id: int | None = None
    name: str | None = None
    email: str | None = None
    role: str | None = None


class CurrentUser(msgspec.Struct):
    """The answer to who asks."""

    user: User


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


def me(http: Http) -> tuple[ServiceResponse, User]:
    """Ask who we are; the answer also tells the service's time.

    Raises
    ------
    ScorecardError: Zendesk does not let us in.
    """
    try:
        answer = http.get("users/me.json")
        user = answer.decode(CurrentUser).user
        reason = "it takes us for nobody" if user.id is None else ""
    except RefusedRequest as error:
        if error.status not in (401, 403):
            raise
        reason = _reason(error.body)
    if reason:
        raise ScorecardError(
            f"Zendesk does not let the connection {http.service} in: {reason}.",
            "Check that its login is an e-mail address followed by /token and its password an active API token, or"
            " that access_token in its extra has not expired or been revoked.",
        )
    return answer, user


def _reason(body: bytes) -> str:
    try:
        response = msgspec.json.decode(body)
        return str(response.get("description") or response.get("error"))
    except (msgspec.DecodeError, AttributeError):
        return "it gave no reason"
