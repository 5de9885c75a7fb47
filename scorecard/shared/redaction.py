"""Secrets of this process, and their removal from every message that a person may read.

Whoever learns a secret (settings, a connection, a login at a service) calls `hide`. Every error, notice, log line and
line of the command line passes through `redact`.
"""

import base64
import json
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

SHORTEST = 4
"""Characters of the shortest secret that is taken out; a shorter one stands in ordinary words too."""

LONG = 12
"""Characters from which a secret is taken out inside of a longer word too."""

MASK = "[secret]"

_hidden: set[str] = set()


def hide(*secrets: str) -> None:
    """Remember secrets, so that `redact` takes them out, also as a URL, JSON or base64 writes them.

    The lines of a secret of several lines, such as a private key, are secrets of their own.
    """
    for secret in secrets:
        for text in {secret, secret.strip(), *secret.split("\n")}:
            if len(text.strip()) >= SHORTEST and not text.startswith("-----"):
                _hidden.update(_spellings(text.strip()))


def redact(text: str) -> str:
    """Return a text with `MASK` in the place of every secret."""
    if not any(secret in text for secret in _hidden):
        return text
    return re.sub("|".join(_pattern(secret) for secret in _longest_first(_hidden)), MASK, text)


def _pattern(secret: str) -> str:
    pattern = re.escape(secret)
    return pattern if len(secret) >= LONG else rf"(?<![^\W_]){pattern}(?![^\W_])"


def _spellings(secret: str) -> Iterable[str]:
    return {
        secret,
        quote(secret, safe=""),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        base64.b64encode(secret.encode()).decode(),
    }


def _longest_first(secrets: Iterable[str]) -> list[str]:
    """One secret may be part of another: the whole of it goes first."""
    return sorted(secrets, key=lambda secret: (-len(secret), secret))
