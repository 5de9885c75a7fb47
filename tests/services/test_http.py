"""Requests: what is tried again and after how long, what is refused, and what never stands in an error."""

import gzip
from collections.abc import Iterator
from datetime import timedelta
from email.utils import format_datetime
from hashlib import sha256
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox.standins.faults import Fault
from sandbox.standins.record_store import Store, utc
from sandbox.standins.serving import Service, as_json
from scorecard.extract.services import http as module
from scorecard.extract.services.http import Http
from scorecard.extract.services.hubspot.api import limit_of as of_hubspot
from scorecard.extract.services.response import QuotaExceeded, RateLimit, RefusedRequest
from scorecard.extract.services.salesforce.api import limit_of as of_salesforce
from scorecard.shared.errors import ScorecardError

WAIT = module._wait


class Echo(Service):
    """A service that says what it was asked, and nothing else."""

    bodies: list[bytes] = []  # noqa: RUF012 - each test gives its own

    def routes(self) -> list[BaseRoute]:
        async def echo(request: Request) -> Response:
            return as_json({"said": request.headers.get("authorization"), "asked": str(request.query_params)})

        async def moved(request: Request) -> Response:
            return RedirectResponse("http://127.0.0.1:9/elsewhere")

        async def refuse(request: Request) -> Response:
            return as_json({"error": "no\x1b[31m such thing"}, 400)

        async def echo_in_an_error(request: Request) -> Response:
            return as_json({"error": f"no right for {request.headers['authorization']}"}, 403)

        async def later(request: Request) -> Response:
            return Response(status_code=429, headers={"Retry-After": request.query_params["after"]})

        async def status(request: Request) -> Response:
            return Response(status_code=int(request.query_params["is"]))

        async def bomb(request: Request) -> Response:
            packed = gzip.compress(b"[" + b" " * 5_000_000 + b"]")
            return Response(packed, media_type="application/json", headers={"Content-Encoding": "gzip"})

        async def next_body(request: Request) -> Response:
            return Response(self.bodies.pop(0), media_type="application/json")

        return [
            Route("/bodies", next_body),
            Route("/bomb", bomb),
            Route("/echo", echo),
            Route("/moved", moved),
            Route("/refuse", refuse),
            Route("/echoing", echo_in_an_error),
            Route("/later", later),
            Route("/status", status),
        ]


@pytest.fixture
def service() -> Iterator[Echo]:
    with Echo(Store(utc("2024-01-01"))) as service:
        yield service


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits that there would have been."""
    waited: list[float] = []

    def wait(state: Any) -> float:
        waited.append(WAIT(state))
        return 0.0

    monkeypatch.setattr(module, "_wait", wait)
    return waited


def session(service: Service) -> Http:
    return Http("echo", service.url, lambda fresh: {"Authorization": "Bearer s3cr3t"})


def test_retry_after_is_honoured(service: Echo, waits: list[float]) -> None:
    service.faults.on(Fault.TOO_MANY_REQUESTS, retry_after=7, times=2)
    assert session(service).get("echo").decode(dict)["said"] == "Bearer s3cr3t"
    assert waits == [7.0, 7.0]


def test_a_retry_after_may_be_a_time_by_the_servers_clock(service: Echo, waits: list[float]) -> None:
    until = format_datetime(service.store.now + timedelta(seconds=58), usegmt=True)
    with pytest.raises(ScorecardError, match="failed 7 times: the service responded with 429"):
        session(service).get("later", {"after": until})
    assert set(waits[:5]) == {58.0}, "the growing waits are shorter than that"


def test_without_it_the_waits_grow_and_differ(service: Echo, waits: list[float]) -> None:
    for _ in range(8):
        service.faults.on(Fault.SERVER_ERROR, times=6)
        session(service).get("echo")
        service.faults.off()
    tries = [waits[start::6] for start in range(6)]
    assert len(set(waits)) == len(waits), "no two clients come back at the same moment"
    for number, try_waits in enumerate(tries):
        assert all(min(30, 2**number) <= wait <= 2 * min(30, 2**number) for wait in try_waits)


@pytest.mark.parametrize("window", [10, 60])
def test_a_limit_of_requests_in_a_window_is_outwaited(service: Echo, waits: list[float], window: int) -> None:
    for _ in range(20):
        waits.clear()
        service.faults.on(Fault.TOO_MANY_REQUESTS_BARE, times=6)
        session(service).get("echo")
        service.faults.off()
        assert sum(waits) > window, "when the last try is made, the window is over"


@pytest.mark.parametrize("after", ["0", "-5", "\u00b2", "soon"])
def test_a_retry_after_of_no_use_lets_the_waits_grow(service: Echo, waits: list[float], after: str) -> None:
    with pytest.raises(ScorecardError, match="failed 7 times: the service responded with 429"):
        session(service).get("later", {"after": after})
    assert waits[0] >= 1
    assert sum(waits) > 60


def test_a_wait_of_hours_ends_the_run(service: Echo, waits: list[float]) -> None:
    with pytest.raises(QuotaExceeded, match="asks to wait 7200 seconds"):
        session(service).get("later", {"after": "7200"})
    assert waits == []


@pytest.mark.parametrize("status", [408, 423, 425, 429, 477, 503])
def test_a_refusal_that_passes_is_tried_again(service: Echo, waits: list[float], status: int) -> None:
    with pytest.raises(ScorecardError, match=f"failed 7 times: the service responded with {status}"):
        session(service).get("status", {"is": status})
    assert len(service.seen) == 7


SALESFORCE = '[{"message":"%s RateLimit exceeded.","errorCode":"%s"}]'


@pytest.mark.parametrize(
    ("limit_of", "status", "body", "limit"),
    [
        (of_salesforce, 403, SALESFORCE % ("TotalRequests", "REQUEST_LIMIT_EXCEEDED"), RateLimit.DAY),
        (of_salesforce, 403, SALESFORCE % ("ConcurrentRequests", "REQUEST_LIMIT_EXCEEDED"), RateLimit.SECONDS),
        (of_salesforce, 403, SALESFORCE % ("ConcurrentPerOrgLongTxn", "REQUEST_LIMIT_EXCEEDED"), RateLimit.SECONDS),
        (of_salesforce, 403, SALESFORCE % ("TotalRequests", "INSUFFICIENT_ACCESS"), RateLimit.NONE),
        (of_salesforce, 403, "Bad_OAuth_Token REQUEST_LIMIT_EXCEEDED", RateLimit.NONE),
        (of_salesforce, 403, "[]", RateLimit.NONE),
        (of_hubspot, 429, '{"policyName":"DAILY"}', RateLimit.DAY),
        (of_hubspot, 429, '{"policyName":"SECONDLY"}', RateLimit.SECONDS),
        (of_hubspot, 429, '{"policyName":"TEN_SECONDLY_ROLLING"}', RateLimit.SECONDS),
        (of_hubspot, 429, "<html>", RateLimit.SECONDS),
        (of_hubspot, 403, '{"policyName":"DAILY"}', RateLimit.NONE),
    ],
)
def test_only_the_quota_of_the_day_ends_a_run(limit_of: Any, status: int, body: str, limit: RateLimit) -> None:
    assert limit_of(status, body.encode()) is limit


def test_a_refusal_is_a_sentence(service: Echo) -> None:
    with pytest.raises(RefusedRequest) as error:
        session(service).get("refuse", {"token": "s3cr3t"})
    assert error.value.problem == 'echo refused GET /refuse with 400: {"error":"no\\u001b[31m such thing"}'
    assert "s3cr3t" not in str(error.value)
    assert len(service.seen) == 1, "it is not tried again"


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/next", "https://example.com/next", "file:///etc/passwd"])
def test_a_next_page_elsewhere_is_not_asked_for(service: Echo, url: str) -> None:
    with pytest.raises(ScorecardError, match="names a next page on another host"):
        session(service).get(url)


def test_a_redirect_is_not_followed(service: Echo) -> None:
    with pytest.raises(RefusedRequest, match=r"echo redirects GET /moved to 127\.0\.0\.1:9\."):
        session(service).get("moved")


@pytest.mark.parametrize("secret", ["s3cr3t\n", "s3cr\u20act"])
def test_a_secret_that_is_no_header_is_not_printed(service: Echo, secret: str) -> None:
    with pytest.raises(ScorecardError, match="The request for /echo can't be sent to echo") as error:
        Http("echo", service.url, lambda fresh: {"Authorization": secret}).get("echo")
    assert "s3cr" not in f"{error.value} {error.value.__cause__}"


def test_a_certificate_that_nobody_knows_is_a_sentence(service: Echo, waits: list[float]) -> None:
    with pytest.raises(ScorecardError, match="can't be made secure"):
        Http("echo", service.url.replace("http://", "https://"), lambda fresh: {}).get("echo")
    assert waits == [], "another try is of no use"


TORN_LETTER = rb'{"a": "\ud83d", "b": "\ud83d\ude00", "c": "\\ud83d"}'
TORN = {
    "an open end": b'{"a": 1',
    "a second end": b'{"a": 1}}',
    "no end of depth": b"[" * 100_000 + b"]" * 100_000,
    "nothing": b"",
    "no number": b'{"a": NaN}',
}


@pytest.mark.parametrize("torn", TORN)
def test_what_is_no_json_is_asked_for_again(service: Echo, waits: list[float], torn: str) -> None:
    service.bodies = [TORN[torn], b'{"a": 1}']
    assert session(service).get("bodies").decode(dict) == {"a": 1}
    assert len(waits) == 1


def test_half_a_letter_is_one_that_nobody_knows(service: Echo) -> None:
    service.bodies = [TORN_LETTER]
    response = session(service).get("bodies")
    assert response.decode(dict) == {"a": "\ufffd", "b": "\U0001f600", "c": "\\ud83d"}
    assert response.sha256 == sha256(TORN_LETTER).hexdigest(), "of what came, not of what is made of it"


@pytest.mark.parametrize("body", [b"[]", b'{"id": null}', b"{}"])
def test_an_answer_of_another_shape_is_a_sentence(service: Echo, body: bytes) -> None:
    import msgspec

    service.bodies = [body]
    shape = msgspec.defstruct("Shape", [("id", str)])
    with pytest.raises(ScorecardError, match="echo sent an unexpected response for /bodies"):
        session(service).get("bodies").decode(shape)


def test_the_rest_of_the_day_is_left_to_others(service: Echo) -> None:
    left = iter([0.5, 0.051, 0.049])
    http = Http("echo", service.url, lambda fresh: {}, left=lambda headers: next(left), reserve=0.05)
    for _ in range(3):
        http.get("echo")
    with pytest.raises(QuotaExceeded, match="less than 5% of its requests of the day left"):
        http.get("echo")
    assert len(service.seen) == 3


def test_no_other_clock_than_the_services(service: Echo) -> None:
    service.tells_time = False
    with pytest.raises(ScorecardError, match="The responses of echo have no Date"):
        session(service).get("echo")


def test_a_server_that_is_not_there(waits: list[float]) -> None:
    with pytest.raises(ScorecardError, match="GET /echo to echo failed 7 times: the connection failed") as error:
        Http("echo", "http://127.0.0.1:9", lambda fresh: {"Authorization": "s3cr3t"}).get("echo")
    assert "s3cr3t" not in str(error.value)
    assert len(waits) >= 5


def test_a_small_answer_that_unpacks_to_a_huge_one(service: Echo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST", 2**20)
    with pytest.raises(ScorecardError, match="A response of echo to /bomb is larger than 1 MB"):
        session(service).get("bomb")
    assert session(service).get("echo").decode(dict)["asked"] == ""


def test_an_error_that_echoes_the_token_does_not_repeat_it(service: Echo) -> None:
    with pytest.raises(RefusedRequest, match="refused GET /echoing with 403") as caught:
        session(service).get("/echoing")
    assert "s3cr3t" not in str(caught.value)
    assert "[secret]" in str(caught.value)
