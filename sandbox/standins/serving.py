"""The base of all stand-ins: a server on loopback, its clock, its faults and a log of its requests."""

import asyncio
import gzip
import socket
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import Message, Receive, Scope, Send

from sandbox.standins.faults import Fault, Faults, FaultSwitch
from sandbox.standins.record_store import Store

SLEEP = 3.0
"""Seconds that a TIMEOUT lasts; a client under test has a shorter one."""


@dataclass(frozen=True)
class LoggedRequest:
    """A request, and the fault that struck it."""

    method: str
    path: str
    query: str
    fault: Fault | None


class Service:
    """A stand-in. A subclass gives `routes()`, and may override `error()` to speak of errors as its service does.

    Use it as a context manager: inside, it listens on `url`. `store` may be written and `store.now` moved meanwhile.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.faults = Faults()
        self.seen: list[LoggedRequest] = []
        self.url = ""
        self.tells_time = True
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()

    def routes(self) -> list[BaseRoute]:
        """Return the routes of the API."""
        raise NotImplementedError

    def error(self, status: int, problem: str) -> Response:
        """Return an error in the shape of the service."""
        return as_json({"message": problem}, status)

    def advance(self, **time: float) -> datetime:
        """Move the service's clock forward by a `timedelta` in words, as ``days=1``; return the new time."""
        self.store.now += timedelta(**time)
        return self.store.now

    def requests(self, path: str = "") -> list[LoggedRequest]:
        """Return the requests whose path contains a text."""
        return [request for request in self.seen if path in request.path]

    def __enter__(self) -> "Service":
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", getattr(self, "port", 0)))
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        app = _Faulty(Starlette(routes=self.routes()), self)
        config = uvicorn.Config(
            app, log_level="critical", lifespan="off", date_header=False, timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([listener],), daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.005)
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        if self._server and self._thread:
            self._server.should_exit = True
            self._thread.join()


def as_json(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return a JSON answer."""
    return Response(orjson.dumps(content), status, headers, "application/json")


class _Faulty:
    """Passes a request to the service, unless a fault strikes it."""

    def __init__(self, app: Starlette, service: Service) -> None:
        self.app, self.service = app, service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        send = self._dated(send)
        path, query = scope["path"], scope["query_string"].decode()
        switch = self.service.faults.strike(scope["method"], f"{path}?{query}")
        self.service.seen.append(LoggedRequest(scope["method"], path, query, switch.fault if switch else None))
        if switch is None:
            await self.app(scope, receive, send)
            return
        await self._strike(switch, scope, receive, send)

    def _dated(self, send: Send) -> Send:
        """Let answers carry the time of the service's own clock."""

        async def dated(message: Message) -> None:
            if message["type"] == "http.response.start" and self.service.tells_time:
                date = format_datetime(self.service.store.now.astimezone(UTC), usegmt=True)
                message = {**message, "headers": [*message["headers"], (b"date", date.encode())]}
            await send(message)

        return dated

    async def _strike(self, switch: FaultSwitch, scope: Scope, receive: Receive, send: Send) -> None:
        error = self.service.error
        match switch.fault:
            case Fault.TOO_MANY_REQUESTS:
                answer = error(429, "Too many requests")
                answer.headers["Retry-After"] = str(switch.retry_after)
            case Fault.TOO_MANY_REQUESTS_BARE:
                answer = error(429, "Too many requests")
            case Fault.SERVER_ERROR:
                answer = error(500, "Internal error")
            case Fault.HTML:
                answer = Response("<!doctype html><title>Maintenance</title><p>Back soon.", media_type="text/html")
            case Fault.DROPPED:
                await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]})
                await send({"type": "http.response.body", "body": b"", "more_body": True})
                raise ConnectionAbortedError
            case Fault.TIMEOUT:
                await self._held(scope, receive)
                await self._sleep()
                answer = error(504, "Too late")
            case Fault.HANG:
                await self._hang(receive)
                return
            case Fault.CUT_IN_MID_PAGE:
                await self._cut(scope, receive, send, {})
                return
            case Fault.TRUNCATED_GZIP:
                await self._cut(scope, receive, send, {b"content-encoding": b"gzip"})
                return
        await answer(scope, receive, send)

    async def _sleep(self) -> None:
        until = time.monotonic() + SLEEP
        while time.monotonic() < until and not self.service._stopping.is_set():
            await asyncio.sleep(0.02)

    async def _hang(self, receive: Receive) -> None:
        """Keep the connection open without an answer, until the client gives up or the service ends."""
        gone = asyncio.ensure_future(_disconnected(receive))
        while not gone.done() and not self.service._stopping.is_set():
            await asyncio.wait({gone}, timeout=0.02)
        gone.cancel()

    async def _held(self, scope: Scope, receive: Receive) -> tuple[Message, bytes]:
        """Let the service act; return its answer instead of sending it."""
        start: Message = {}
        body = b""

        async def keep(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                start = message
            else:
                body += message.get("body", b"")

        await self.app(scope, receive, keep)
        return start, body

    async def _cut(self, scope: Scope, receive: Receive, send: Send, extra: dict[bytes, bytes]) -> None:
        """Announce a whole page, and stop in its middle."""
        start, body = await self._held(scope, receive)
        if extra:
            # The length is that of what is sent: only the compressed data itself tells that its end is missing.
            body = gzip.compress(body)
            body = body[: len(body) // 2]
            length, sent = len(body), body
        else:
            length, sent = len(body), body[: len(body) // 2]
        headers = {name: value for name, value in start["headers"] if name != b"content-length"}
        headers |= {b"content-length": str(length).encode(), **extra}
        await send({**start, "headers": list(headers.items())})
        await send({"type": "http.response.body", "body": sent, "more_body": not extra})
        if not extra:
            raise ConnectionAbortedError


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
