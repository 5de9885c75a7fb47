"""A limit to the time of a whole conversation by SMTP.

The time-outs of sockets are for one answer each: a server that sends a byte now and then keeps a caller for ever.
"""

import smtplib
import socket
import threading
from contextlib import suppress
from typing import Any


class TimeLimit:
    """Ends the connection when a `with` block takes too long; whoever waits for an answer then gets an error.

    One object may limit several blocks, one after another, on one connection; ``is_over`` says whether the last one
    took too long.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._socket: socket.socket | None = None
        self._timer: threading.Timer | None = None
        self.is_over = False

    def take(self, connection: socket.socket) -> None:
        """Remember the connection: a handle of its own, for TLS takes the socket's away."""
        self.forget()
        self._socket = connection.dup()
        if self.is_over:
            self._hang_up()

    def forget(self) -> None:
        """Let go of the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def __enter__(self) -> None:
        self.is_over = False
        self._timer = threading.Timer(self._seconds, self._hang_up)
        self._timer.daemon = True
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _hang_up(self) -> None:
        self.is_over = True
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)


class LimitedSmtp(smtplib.SMTP):
    """A connection that its time limit can end."""

    def __init__(self, limit: TimeLimit, *args: Any, **kwargs: Any) -> None:
        self._limit = limit
        super().__init__(*args, **kwargs)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        connection: socket.socket = super()._get_socket(host, port, timeout)  # type: ignore[misc]
        self._limit.take(connection)
        return connection


class LimitedSmtpTls(smtplib.SMTP_SSL, LimitedSmtp):
    """The same with TLS from the start: the time limit knows the connection before its handshake."""

    def __init__(self, limit: TimeLimit, *args: Any, **kwargs: Any) -> None:
        self._limit = limit
        smtplib.SMTP_SSL.__init__(self, *args, **kwargs)
