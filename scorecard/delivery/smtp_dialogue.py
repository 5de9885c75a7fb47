"""The dialogue for one letter over SMTP: its commands, the meaning of the answers, and a limit to its time.

A socket's time-out is for one answer. A server that sends a byte now and then would keep a caller for ever, so the
whole dialogue has a time limit of its own.
"""

import re
import smtplib
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from scorecard.delivery.channel import SendOutcome, SendResult
from scorecard.shared.text import plain


@dataclass(frozen=True)
class SmtpResult(SendResult):
    """The outcome of one letter, with the state of the connection.

    ``is_sender_refused``: the server refuses the sender, so it would refuse a letter to any recipient.
    """

    connected: bool = True
    is_sender_refused: bool = False


def transfer(
    smtp: smtplib.SMTP, sender: str, recipient: str, content: bytes, before_content: Callable[[], None]
) -> SmtpResult:
    """Send one letter. ``before_content`` is called when the server is ready, before the first byte of the content."""
    transmitted = False
    try:
        code, reply = smtp.mail(sender)
        if not _is_yes(code):
            return _turned_down(smtp, code, reply, concerns_sender=True)
        code, reply = smtp.rcpt(recipient)
        if not _is_yes(code):
            return _turned_down(smtp, code, reply, concerns_sender=_concerns_sender(code, reply))
        code, reply = smtp.docmd("DATA")
        if code != 354:
            return _turned_down(smtp, code, reply, concerns_sender=_concerns_sender(code, reply))
        before_content()
        transmitted = True
        smtp.send(re.sub(rb"(?m)^\.", b"..", content) + b".\r\n")
        code, reply = smtp.getreply()
        if _is_yes(code):
            return SmtpResult("accepted", _reply_text(code, reply))
        if _is_no(code) or _is_no_for_now(code):
            return _turned_down(smtp, code, reply)
        return _hung_up(smtp, "unknown", f"the answer is neither yes nor no: {_reply_text(code, reply)}")
    except (OSError, smtplib.SMTPException) as error:
        outcome: SendOutcome = "unknown" if transmitted else "later"
        return SmtpResult(outcome, f"the connection broke: {error_text(error)}", connected=False)


def error_text(error: Exception) -> str:
    """Return the words of an error, without its type and as text."""
    if isinstance(error, smtplib.SMTPResponseException):
        reply = error.smtp_error
        return _reply_text(error.smtp_code, reply if isinstance(reply, bytes) else str(reply).encode())
    if isinstance(error, UnicodeError):
        return "that is no valid name of a host"
    return str(error) or type(error).__name__


def _is_yes(code: int) -> bool:
    return 200 <= code < 300


def _is_no_for_now(code: int) -> bool:
    return 400 <= code < 500


def _is_no(code: int) -> bool:
    return 500 <= code < 600


def _concerns_sender(code: int, reply: bytes) -> bool:
    """Tell whether a no concerns the sender. Many servers say it only when they know the recipient."""
    return code == 530 or reply.startswith((b"5.1.7 ", b"5.1.8 "))


def _turned_down(smtp: smtplib.SMTP, code: int, reply: bytes, *, concerns_sender: bool = False) -> SmtpResult:
    """Return the result of a no, 5xx for good or 4xx for now, and reset the dialogue for the next letter."""
    detail = _reply_text(code, reply)
    outcome: SendOutcome = "refused" if _is_no(code) else "later"
    if not (_is_no(code) or _is_no_for_now(code)):
        return _hung_up(smtp, outcome, detail)
    is_sender_refused = concerns_sender and _is_no(code)
    connected = code != 421
    if connected:
        try:
            smtp.rset()
        except (OSError, smtplib.SMTPException):
            connected = False
    return SmtpResult(outcome, detail, connected, is_sender_refused)


def _hung_up(smtp: smtplib.SMTP, outcome: SendOutcome, detail: str) -> SmtpResult:
    """Close the connection: a server out of step may answer the next letter with its answer to this one."""
    smtp.close()
    return SmtpResult(outcome, detail, connected=False)


def _reply_text(code: int, reply: bytes) -> str:
    if code == -1:
        # smtplib has cut off the first three characters, so the remaining text would mislead.
        return "an answer that isn't SMTP"
    return f"{code} {plain(reply.decode('utf-8', 'replace'))}"


class TimeLimit:
    """Ends the connection when a `with` block takes too long; a pending read then fails.

    One object may limit several blocks on one connection, one after another. ``is_over`` says whether the last one took
    too long.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._socket: socket.socket | None = None
        self._timer: threading.Timer | None = None
        self.is_over = False

    def take(self, connection: socket.socket) -> None:
        """Remember the connection by a handle of its own, since TLS detaches the socket's handle."""
        self.forget()
        self._socket = connection.dup()
        if self.is_over:
            self._hang_up()

    def forget(self) -> None:
        """Close the handle of the connection."""
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
    """The same with TLS from the start. The time limit applies to the handshake, too."""

    def __init__(self, limit: TimeLimit, *args: Any, **kwargs: Any) -> None:
        self._limit = limit
        smtplib.SMTP_SSL.__init__(self, *args, **kwargs)
