"""Secrets are taken out of every message, in each spelling that a message may have them in."""

import base64
import json
from urllib.parse import quote

import pytest

from scorecard.shared.errors import ScorecardError
from scorecard.shared.redaction import hide, redact
from scorecard.shared.settings import Connection

SECRET = 'p&ss "w/rd+2024'


@pytest.mark.parametrize(
    "spelling",
    [SECRET, quote(SECRET, safe=""), json.dumps(SECRET)[1:-1], base64.b64encode(SECRET.encode()).decode()],
)
def test_a_secret_is_taken_out_in_each_spelling(spelling: str) -> None:
    hide(SECRET)
    assert redact(f"the server says: {spelling}, no") == "the server says: [secret], no"


def test_each_line_of_a_key_is_a_secret() -> None:
    hide("-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF\n-----END PRIVATE KEY-----\n")
    assert redact("cannot read MIIEvQIBADANBg of it") == "cannot read [secret] of it"


def test_a_short_secret_leaves_words_alone() -> None:
    hide("pass", "abc")
    assert redact("the password pass, abc") == "the password [secret], abc"


def test_the_longer_of_two_secrets_goes_first() -> None:
    hide("0123456789ab", "0123456789abcdef")
    assert redact("token 0123456789abcdef") == "token [secret]"


def test_an_error_holds_no_secret_of_a_connection() -> None:
    extra = {"refresh_token": "r3fr3sh-t0ken", "username": "ann@x.org"}
    Connection.model_validate({"password": "hunter2-hunter2", "extra": extra})
    error = ScorecardError("hunter2-hunter2 is refused for ann@x.org.", "Renew r3fr3sh-t0ken.")
    assert str(error) == "[secret] is refused for ann@x.org. Renew [secret]."
    assert (error.problem, error.cure) == ("[secret] is refused for ann@x.org.", "Renew [secret].")
