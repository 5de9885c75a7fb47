"""Requests: what is tried again and after how long, what is refused, and what never stands in an error."""

import gzip
from collections.abc import Iterator
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from sandbox.services.faults import Fault
from sandbox.services.serving import Service, as_json
from sandbox.services.store import Store, utc
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from scorecard.errors import ScorecardError
from scorecard.sources import http as module
from scorecard.sources.http import BadAnswer, Http, QuotaGone

WAIT = module._wait


class Echo(Service):
    """A service that says what it was asked, and nothing else."""

    refused = 0

    def routes(self) -> list[BaseRoute]:
        async def echo(request: Request) -> Response:
            return as_json({"said": request.headers.get("authorization"), "asked": str(request.query_params)})

        async def moved(request: Request) -> Response:
            return RedirectResponse("http://127.0.0.1:9/elsewhere")

        async def refuse(request: Request) -> Response:
            return as_json({"error": "no\x1b[31m such thing"}, 400)

        async def later(request: Request) -> Response:
            return Response(status_code=429, headers={"Retry-After": request.query_params["after"]})

        async def bomb(request: Request) -> Response:
            packed = gzip.compress(b"[" + b" " * 5_000_000 + b"]")
            return Response(packed, media_type="application/json", headers={"Content-Encoding": "gzip"})

        return [
            Route("/bomb", bomb),
            Route("/echo", echo),
            Route("/moved", moved),
            Route("/refuse", refuse),
            Route("/later", later),
        ]


@pytest.fixture
def service() -> Iterator[Echo]:
    with Echo(Store(utc("2024-01-01"))) as service:
        yield service  # type: ignore[misc]


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
    assert session(service).get("echo").json()["said"] == "Bearer s3cr3t"
    assert waits == [7.0, 7.0]


def test_a_retry_after_may_be_a_time_by_the_servers_clock(service: Echo, waits: list[float]) -> None:
    until = format_datetime(service.store.now + timedelta(seconds=11), usegmt=True)
    with pytest.raises(ScorecardError, match="in 6 tries: it answered 429"):
        session(service).get("later", {"after": until})
    assert set(waits) == {11.0}


def test_without_it_the_waits_grow_and_differ(service: Echo, waits: list[float]) -> None:
    for _ in range(8):
        service.faults.on(Fault.SERVER_ERROR, times=5)
        session(service).get("echo")
        service.faults.off()
    tries = [waits[start::5] for start in range(5)]
    assert len(set(waits)) == len(waits), "no two clients come back at the same moment"
    assert all(max(each) <= 0.5 * 2**number for number, each in enumerate(tries))
    assert sum(tries[4]) > sum(tries[0])


def test_a_wait_of_hours_ends_the_run(service: Echo, waits: list[float]) -> None:
    with pytest.raises(QuotaGone, match="asks to wait 7200 seconds"):
        session(service).get("later", {"after": "7200"})
    assert waits == []


def test_a_refusal_is_a_sentence(service: Echo) -> None:
    with pytest.raises(BadAnswer) as error:
        session(service).get("refuse", {"token": "s3cr3t"})
    assert error.value.problem == 'echo refused GET /refuse with 400: {"error":"no\\u001b[31m such thing"}'
    assert "s3cr3t" not in str(error.value)
    assert len(service.seen) == 1, "it is not tried again"


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/next", "https://example.com/next", "file:///etc/passwd"])
def test_a_next_page_elsewhere_is_not_asked_for(service: Echo, url: str) -> None:
    with pytest.raises(ScorecardError, match="names a next page on another host"):
        session(service).get(url)


def test_a_redirect_is_not_followed(service: Echo, waits: list[float]) -> None:
    with pytest.raises(ScorecardError):
        session(service).get("moved")


def test_a_server_that_is_not_there(waits: list[float]) -> None:
    with pytest.raises(ScorecardError, match=r"echo gave no usable answer .*: the connection failed") as error:
        Http("echo", "http://127.0.0.1:9", lambda fresh: {"Authorization": "s3cr3t"}).get("echo")
    assert "s3cr3t" not in str(error.value)
    assert len(waits) >= 5


def test_a_small_answer_that_unpacks_to_a_huge_one(service: Echo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST", 2**20)
    with pytest.raises(ScorecardError, match="An answer of echo to /bomb is larger than 1 MB"):
        session(service).get("bomb")
    assert session(service).get("echo").json()["asked"] == ""
