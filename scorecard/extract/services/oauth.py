"""Access tokens by OAuth: asked for before the first request, and again when a token has expired."""

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

import msgspec

from scorecard.extract.services.http import Http
from scorecard.extract.services.response import RefusedRequest
from scorecard.shared.errors import ScorecardError


class Token(msgspec.Struct):
    """What a service grants. ``instance_url`` is the address that the token is for, "" if the service names none."""

    access_token: str
    instance_url: str = ""


@dataclass
class OAuth:
    """The access token of one connection, shared by the threads.

    ``product`` is what errors call the service. ``grant`` returns the form that is posted to ``path`` of ``host``. If
    the service refuses it, ``reason`` takes the reason out of the refusal, and ``cure`` says what to check.
    """

    name: str
    product: str
    host: str
    path: str
    grant: Callable[[], dict[str, str]]
    reason: Callable[[RefusedRequest], str]
    cure: str
    _token: Token | None = field(default=None, init=False, repr=False)
    _lock: Lock = field(default_factory=Lock, init=False, repr=False)

    def token(self, fresh: bool = False) -> Token:
        """Return the token, a new one if `fresh` or if there is none yet.

        Raises
        ------
        ScorecardError: the service doesn't grant it.
        """
        with self._lock:
            if fresh or self._token is None:
                self._token = self._ask()
            return self._token

    def headers(self, fresh: bool) -> dict[str, str]:
        """Return the headers of authorisation; see `Http`."""
        return bearer(self.token(fresh).access_token)

    def _ask(self) -> Token:
        http = Http(self.name, self.host, lambda fresh: {})
        try:
            return http.request("POST", self.path, data=self.grant()).decode(Token)
        except RefusedRequest as error:
            raise ScorecardError(
                f"{self.product} does not let the connection scorecard_{self.name} in: {self.reason(error)}.", self.cure
            ) from None


def bearer(token: str) -> dict[str, str]:
    """Return the header of authorisation by a token."""
    return {"Authorization": f"Bearer {token}"}
