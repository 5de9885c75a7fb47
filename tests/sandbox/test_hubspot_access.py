from collections.abc import Iterator

import pytest
import requests
from hubspot import HubSpot as Client
from hubspot.crm.deals.exceptions import ApiException, UnauthorizedException

from sandbox.standins.faults import Fault
from sandbox.standins.hubspot import HubSpot
from sandbox.standins.hubspot.access import RequestWindow
from sandbox.standins.record_store import Store
from tests.sandbox.test_hubspot import SEARCH, START, get, post, search, write_deals


@pytest.fixture
def service() -> Iterator[HubSpot]:
    with HubSpot(Store(START)) as running:
        assert isinstance(running, HubSpot)
        yield running


@pytest.fixture
def client(service: HubSpot) -> Client:
    return Client(access_token=service.access_token, host=service.url, retry=False)


def test_a_token_is_needed(service: HubSpot) -> None:
    bare = requests.get(f"{service.url}/crm/v3/objects/deals", timeout=5)

    assert [bare.status_code, bare.json()["category"]] == [401, "INVALID_AUTHENTICATION"]
    assert get(service, "/crm/v3/objects/deals", token="wrong").status_code == 401


def refresh(service: HubSpot, **changed: str) -> requests.Response:
    form = {
        "grant_type": "refresh_token",
        "client_id": service.client_id,
        "client_secret": service.client_secret,
        "refresh_token": service.refresh_token,
    }
    return requests.post(f"{service.url}/oauth/v1/token", data=form | changed, timeout=5)


def test_a_token_of_oauth_lasts_half_an_hour(service: HubSpot) -> None:
    answer = refresh(service).json()
    token = answer["access_token"]
    assert [answer["expires_in"], get(service, "/crm/v3/objects/deals", token).status_code] == [1800, 200]
    assert requests.get(f"{service.url}/oauth/v1/access-tokens/{token}", timeout=5).json()["expires_in"] == 1800

    service.advance(seconds=1799)
    assert get(service, "/crm/v3/objects/deals", token).status_code == 200
    service.advance(seconds=11)
    expired = get(service, "/crm/v3/objects/deals", token)

    assert [expired.status_code, expired.json()["category"]] == [401, "EXPIRED_AUTHENTICATION"]
    assert expired.json()["message"].endswith("expired 10 second(s) ago.")
    assert requests.get(f"{service.url}/oauth/v1/access-tokens/{token}", timeout=5).status_code == 404
    assert get(service, "/crm/v3/objects/deals", refresh(service).json()["access_token"]).status_code == 200
    assert get(service, "/crm/v3/objects/deals").status_code == 200


def test_a_refresh_needs_the_right_credentials(service: HubSpot) -> None:
    for name in ("grant_type", "client_id", "client_secret", "refresh_token"):
        refused = refresh(service, **{name: "wrong"})
        assert [refused.status_code, refused.json()["status"]] == [400, f"BAD_{name.upper()}"]


def test_a_token_that_a_fault_lets_expire_stays_so(service: HubSpot, client: Client) -> None:
    token = refresh(service).json()["access_token"]
    service.faults.on(Fault.TOKEN_EXPIRED, "/objects/")

    struck = get(service, "/crm/v3/objects/deals", token)
    assert [struck.status_code, struck.json()["category"]] == [401, "EXPIRED_AUTHENTICATION"]
    assert get(service, "/crm/v3/objects/deals", token).status_code == 401
    assert get(service, "/crm/v3/objects/deals", refresh(service).json()["access_token"]).status_code == 200

    service.faults.on(Fault.TOKEN_EXPIRED, "/objects/")
    with pytest.raises(UnauthorizedException):
        client.crm.deals.basic_api.get_page()


def test_scopes_are_told_and_needed(service: HubSpot) -> None:
    service.scopes.remove("crm.objects.companies.read")
    info = {"tokenKey": service.access_token}
    token_info = requests.post(
        f"{service.url}/oauth/v2/private-apps/get/access-token-info", json=info, timeout=5
    ).json()
    assert "crm.objects.deals.read" in token_info["scopes"]
    assert token_info["hubId"] == get(service, "/account-info/v3/details").json()["portalId"]

    for refused in (
        get(service, "/crm/v3/objects/companies"),
        get(service, "/crm/v3/properties/companies"),
        post(service, "/crm/v3/objects/companies/search"),
        post(service, "/crm/v4/associations/deals/companies/batch/read", inputs=[]),
    ):
        assert [refused.status_code, refused.json()["category"]] == [403, "MISSING_SCOPES"]
        needed = refused.json()["errors"][0]["context"]["requiredGranularScopes"]
        assert needed == ["crm.objects.companies.read"]
    assert get(service, "/crm/v3/objects/deals").status_code == 200


def test_details_and_usage_of_the_account(service: HubSpot) -> None:
    get(service, "/crm/v3/objects/deals")
    details = get(service, "/account-info/v3/details").json()
    (usage,) = get(service, "/account-info/v3/api-usage/daily/private-apps").json()["results"]

    assert [details["timeZone"], details["companyCurrency"]] == ["Europe/Berlin", "EUR"]
    assert details["utcOffsetMilliseconds"] == 3_600_000
    assert [usage["currentUsage"], usage["resetsAt"]] == [3, "2026-03-01T23:00:00Z"]
    service.advance(hours=14)
    (usage,) = get(service, "/account-info/v3/api-usage/daily/private-apps").json()["results"]
    assert usage["currentUsage"] == 1


def test_searches_and_other_requests_have_limits_of_their_own(service: HubSpot) -> None:
    service.limited, service.search_per_second, service.per_ten_seconds = True, 2, 3

    searches = [post(service, SEARCH) for _ in range(3)]
    lists = [get(service, "/crm/v3/objects/deals") for _ in range(4)]

    assert [answer.status_code for answer in searches] == [200, 200, 429]
    assert [answer.status_code for answer in lists] == [200, 200, 200, 429]
    assert searches[2].json()["message"] == "You have reached your secondly limit."
    assert [answer.json()["policyName"] for answer in (searches[2], lists[3])] == ["SECONDLY", "TEN_SECONDLY_ROLLING"]
    assert lists[3].json()["category"] == "RATE_LIMITS"
    assert [answer.headers["X-HubSpot-RateLimit-Remaining"] for answer in lists] == ["2", "1", "0", "0"]
    assert not [name for name in searches[0].headers if name.lower().startswith("x-hubspot-ratelimit")]


def test_a_request_counts_for_as_long_as_the_limit_says() -> None:
    rate = RequestWindow(10)
    rate.take(100)
    rate.take(105)

    assert [rate.used(109.9), rate.used(110), rate.used(115)] == [2, 1, 0]


def test_the_quota_of_a_day(service: HubSpot, client: Client) -> None:
    service.limited, service.per_day = True, 2
    answers = [get(service, "/crm/v3/objects/deals") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].json()["policyName"] == "DAILY"
    service.advance(days=1)
    assert get(service, "/crm/v3/objects/deals").status_code == 200

    service.faults.on(Fault.QUOTA_GONE)
    with pytest.raises(ApiException) as caught:
        client.crm.deals.basic_api.get_page()
    assert caught.value.status == 429
    assert '"policyName":"DAILY"' in caught.value.body


def test_a_cursor_that_repeats(service: HubSpot) -> None:
    write_deals(service, 30)
    service.faults.on(Fault.REPEATED_CURSOR, "GET .*/deals")
    service.faults.on(Fault.REPEATED_CURSOR, "POST .*/search")

    first = get(service, "/crm/v3/objects/deals").json()["paging"]["next"]["after"]
    assert get(service, "/crm/v3/objects/deals", after=first).json()["paging"]["next"]["after"] == first
    assert get(service, "/crm/v3/objects/deals", after=first).json()["paging"]["next"]["after"] != first
    assert search(service, after="10")["paging"]["next"]["after"] == "10"
    assert search(service, after="10")["paging"]["next"]["after"] == "20"


def test_other_faults_speak_as_hubspot_does(service: HubSpot) -> None:
    service.faults.on(Fault.TOO_MANY_REQUESTS, retry_after=7)
    service.faults.on(Fault.SERVER_ERROR)

    limited, broken = get(service, "/crm/v3/objects/deals"), get(service, "/crm/v3/objects/deals")

    assert [limited.status_code, limited.headers["Retry-After"]] == [429, "7"]
    assert [limited.json()["category"], limited.json()["policyName"]] == ["RATE_LIMITS", "TEN_SECONDLY_ROLLING"]
    assert [broken.status_code, broken.json()["status"]] == [500, "error"]
