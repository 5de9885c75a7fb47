"""Tokens of the OAuth flows that work without a user's presence."""

import base64
import binascii
import secrets
from datetime import datetime
from urllib.parse import parse_qs

import jwt

from sandbox.standins.salesforce.problems import SalesforceRefusal

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ORGANISATION = "00D000000000001EAA"
USER = "005000000000001AAA"
AUDIENCES = ["https://login.salesforce.com", "https://test.salesforce.com"]


class Login:
    """A connected app, its user, and the tokens that are valid.

    ``public_key`` is the one (PEM) that belongs to the key by which clients sign; without it no JWT is accepted.
    """

    def __init__(self) -> None:
        self.client_id = "3MVG9stand-in"
        self.client_secret = "stand-in-secret"  # noqa: S105
        self.username = "integration@example.com"
        self.public_key: str | bytes | None = None
        self._valid: set[str] = set()

    def new_token(self) -> str:
        """Return a new valid token."""
        token = f"{ORGANISATION[:15]}!{secrets.token_urlsafe(60)}"
        self._valid.add(token)
        return token

    def accepts(self, authorization: str) -> bool:
        """Return whether the header of a request bears a valid token."""
        scheme, _, token = authorization.partition(" ")
        return scheme in ("Bearer", "OAuth") and token in self._valid

    def expire(self) -> None:
        """Let all tokens expire."""
        self._valid.clear()

    def grant(self, body: str, authorization: str, url: str, now: datetime) -> dict[str, str]:
        """Return what the token endpoint answers; there is no refresh token in either flow."""
        form = {name: values[0] for name, values in parse_qs(body).items()}
        match form.get("grant_type"):
            case "client_credentials":
                self._check_client(*_client(form, authorization))
            case grant if grant == JWT_BEARER:
                self._check_assertion(form.get("assertion", ""), url)
            case _:
                raise SalesforceRefusal("unsupported_grant_type", "grant type not supported")
        return {
            "access_token": self.new_token(),
            "signature": base64.b64encode(secrets.token_bytes(32)).decode(),
            "scope": "api id openid",
            "instance_url": url,
            "id": f"{url}/id/{ORGANISATION}/{USER}",
            "token_type": "Bearer",
            "issued_at": str(int(now.timestamp() * 1000)),
        }

    def user(self, url: str) -> dict[str, object]:
        """Return the user to whom the tokens belong."""
        return {
            "sub": f"{url}/id/{ORGANISATION}/{USER}",
            "user_id": USER,
            "organization_id": ORGANISATION,
            "preferred_username": self.username,
            "name": "Integration User",
            "email": self.username,
            "active": True,
            "user_type": "STANDARD",
        }

    def _check_client(self, client_id: str, client_secret: str) -> None:
        if client_id != self.client_id:
            raise SalesforceRefusal("invalid_client_id", "client identifier invalid")
        if client_secret != self.client_secret:
            raise SalesforceRefusal("invalid_client", "invalid client credentials")

    def _check_assertion(self, assertion: str, url: str) -> None:
        """The expiry is measured by the real clock, since a client has no other."""
        options: jwt.types.Options = {"require": ["iss", "sub", "aud", "exp"]}
        try:
            if self.public_key is None:
                raise jwt.InvalidKeyError
            claims = jwt.decode(assertion, self.public_key, ["RS256"], options, audience=[*AUDIENCES, url])
        except jwt.ExpiredSignatureError as error:
            raise SalesforceRefusal("invalid_grant", "expired authorization code") from error
        except jwt.InvalidAudienceError as error:
            raise SalesforceRefusal("invalid_grant", "audience is invalid") from error
        except jwt.PyJWTError as error:
            raise SalesforceRefusal("invalid_grant", "invalid assertion") from error
        if claims["iss"] != self.client_id:
            raise SalesforceRefusal("invalid_client_id", "client identifier invalid")
        if claims["sub"] != self.username:
            raise SalesforceRefusal("invalid_grant", "user hasn't approved this consumer")


def _client(form: dict[str, str], authorization: str) -> tuple[str, str]:
    """Return the client's id and secret: from the form, or from a header of HTTP Basic."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme != "Basic":
        return form.get("client_id", ""), form.get("client_secret", "")
    try:
        client_id, _, client_secret = base64.b64decode(encoded).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return client_id, client_secret
