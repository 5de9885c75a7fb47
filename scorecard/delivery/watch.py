"""A limit to the time of a whole conversation by SMTP.

The time-outs of sockets are for one answer each: a server that sends a byte now and then keeps a caller for ever.
"""

import smtplib
import socket
import threading
from contextlib import suppress
from typing import Any


class Watch:
    """Ends the connection when a `with` block takes too long; whoever waits for an answer then gets an error.

    One object may watch several blocks, one after another, on one connection; ``is_over`` says whether the last one
    took too long.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._line: socket.socket | None = None
        self._timer: threading.Timer | None = None
        self.is_over = False

    def take(self, line: socket.socket) -> None:
        """Remember the connection: a handle of its own, for TLS takes the socket's away."""
        self.forget()
        self._line = line.dup()
        if self.is_over:
            self._hang_up()

    def forget(self) -> None:
        """Let go of the connection."""
        if self._line is not None:
            self._line.close()
            self._line = None

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
        if self._line is not None:
            with suppress(OSError):
                self._line.shutdown(socket.SHUT_RDWR)


class WatchedSmtp(smtplib.SMTP):
    """A connection that its watch can end."""

    def __init__(self, watch: Watch, *args: Any, **kwargs: Any) -> None:
        self._watch = watch
        super().__init__(*args, **kwargs)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        line: socket.socket = super()._get_socket(host, port, timeout)  # type: ignore[misc]
        self._watch.take(line)
        return line


class WatchedSmtpTls(smtplib.SMTP_SSL, WatchedSmtp):
    """The same with TLS from the start: the watch takes the connection before its handshake."""

    def __init__(self, watch: Watch, *args: Any, **kwargs: Any) -> None:
        self._watch = watch
        smtplib.SMTP_SSL.__init__(self, *args, **kwargs)
