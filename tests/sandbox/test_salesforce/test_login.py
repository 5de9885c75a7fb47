from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
import requests
import simple_salesforce
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox.standins.faults import Fault
from sandbox.standins.salesforce import Salesforce

from .org import VERSION

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LIMITS = f"{VERSION}/limits"


@pytest.fixture
def service(service: Salesforce) -> Salesforce:
    service.login.public_key = KEY.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return service


def token(service: Salesforce, **form: str) -> requests.Response:
    return requests.post(f"{service.url}/services/oauth2/token", data=form, timeout=5)


def credentials(service: Salesforce, **form: str) -> requests.Response:
    given = {"client_id": service.login.client_id, "client_secret": service.login.client_secret}
    return token(service, **{"grant_type": "client_credentials", **given, **form})


def assertion(service: Salesforce, key: rsa.RSAPrivateKey = KEY, **claims: Any) -> str:
    given = {
        "iss": service.login.client_id,
        "sub": service.login.username,
        "aud": "https://login.salesforce.com",
        "exp": datetime.now(UTC) + timedelta(minutes=3),
        **claims,
    }
    return jwt.encode({name: value for name, value in given.items() if value is not None}, key, "RS256")


def limits(service: Salesforce, access_token: str) -> requests.Response:
    return requests.get(service.url + LIMITS, headers={"Authorization": f"Bearer {access_token}"}, timeout=5)


def test_client_credentials(service: Salesforce) -> None:
    granted = credentials(service).json()

    assert granted["instance_url"] == service.url
    assert "refresh_token" not in granted
    assert limits(service, granted["access_token"]).status_code == 200


@pytest.mark.parametrize(
    ("form", "error", "description"),
    [
        ({"client_secret": "wrong"}, "invalid_client", "invalid client credentials"),
        ({"client_id": "wrong"}, "invalid_client_id", "client identifier invalid"),
        ({"grant_type": "password"}, "unsupported_grant_type", "grant type not supported"),
        ({"grant_type": "refresh_token"}, "unsupported_grant_type", "grant type not supported"),
    ],
)
def test_credentials_that_are_refused(service: Salesforce, form: dict[str, str], error: str, description: str) -> None:
    refused = credentials(service, **form)
    assert (refused.status_code, refused.json()) == (400, {"error": error, "error_description": description})


def test_basic_authentication_of_the_client(service: Salesforce) -> None:
    for secret, status in ((service.login.client_secret, 200), ("wrong", 400)):
        answer = requests.post(
            f"{service.url}/services/oauth2/token",
            data={"grant_type": "client_credentials"},
            auth=(service.login.client_id, secret),
            timeout=5,
        )
        assert answer.status_code == status


def test_a_signed_assertion(service: Salesforce) -> None:
    for audience in ("https://login.salesforce.com", service.url):
        granted = token(service, grant_type=JWT_BEARER, assertion=assertion(service, aud=audience)).json()
        assert limits(service, granted["access_token"]).status_code == 200
        assert "refresh_token" not in granted


@pytest.mark.parametrize(
    ("claims", "description"),
    [
        ({"exp": 1_000_000_000}, "expired authorization code"),
        ({"exp": None}, "invalid assertion"),
        ({"aud": "https://example.com"}, "audience is invalid"),
        ({"iss": "another"}, "client identifier invalid"),
        ({"sub": "nobody@example.com"}, "user hasn't approved this consumer"),
    ],
)
def test_claims_that_are_refused(service: Salesforce, claims: dict[str, Any], description: str) -> None:
    refused = token(service, grant_type=JWT_BEARER, assertion=assertion(service, **claims))
    assert (refused.status_code, refused.json()["error_description"]) == (400, description)


def test_signatures_that_are_refused(service: Salesforce) -> None:
    unsigned = jwt.encode({"iss": service.login.client_id}, "", "none")
    for forged in (assertion(service, OTHER_KEY), unsigned, "", "a.b.c"):
        refused = token(service, grant_type=JWT_BEARER, assertion=forged)
        assert refused.json() == {"error": "invalid_grant", "error_description": "invalid assertion"}
    service.login.public_key = None
    assert token(service, grant_type=JWT_BEARER, assertion=assertion(service)).status_code == 400


def test_the_official_client_signs_in(service: Salesforce, session: requests.Session) -> None:
    private = KEY.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    client = simple_salesforce.Salesforce(
        username=service.login.username, consumer_key=service.login.client_id, privatekey=private, session=session
    )
    service.expire_tokens()

    # The client signs in again by itself when its token has expired.
    assert client.limits()["DailyApiRequests"]["Max"] == 100_000
    assert len(service.requests("/oauth2/token")) == 2


def test_tokens_expire(service: Salesforce) -> None:
    access_token = credentials(service).json()["access_token"]
    service.faults.on(Fault.TOKEN_EXPIRED, "/limits", after=1)

    assert limits(service, access_token).status_code == 200
    refused = limits(service, access_token)
    assert refused.status_code == 401
    assert refused.json() == [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]
    # Only a new token helps.
    assert limits(service, access_token).status_code == 401
    assert limits(service, credentials(service).json()["access_token"]).status_code == 200


def test_without_a_token(service: Salesforce) -> None:
    assert requests.get(service.url + LIMITS, timeout=5).status_code == 401
    assert limits(service, "made-up").status_code == 401


def test_whose_token_it_is(service: Salesforce) -> None:
    url = f"{service.url}/services/oauth2/userinfo"
    granted = credentials(service).json()
    headers = {"Authorization": f"Bearer {granted['access_token']}"}
    user = requests.get(url, headers=headers, timeout=5).json()

    assert user["preferred_username"] == service.login.username
    assert user["sub"] == granted["id"]
    refused = requests.get(url, timeout=5)
    assert (refused.status_code, refused.text) == (403, "Bad_OAuth_Token")
