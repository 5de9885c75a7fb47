"""SMTP, one letter at a time, with the one moment made visible that matters: when content begins to go out."""

import re
import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from scorecard.errors import ScorecardError
from scorecard.settings import Settings

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_IMPLICIT_TLS_PORT = 465


@dataclass(frozen=True)
class Answer:
    """How a letter fared: ``sent``, ``refused`` (never to be tried again), ``later`` (nothing was delivered), or
    ``unknown`` (the connection broke after the content went out). ``connected`` says whether the line is still good.
    """

    outcome: str
    detail: str
    connected: bool = True


class Line:
    """A connection to the mail server. It opens when the first letter needs it and again after it broke."""

    def __init__(self, settings: Settings, host: str, port: int) -> None:
        """Keep where to call; nothing is opened yet."""
        self._settings, self._host, self._port = settings, host, port
        self._smtp: smtplib.SMTP | None = None

    def send(self, sender: str, recipient: str, content: bytes, before_content: Callable[[], None]) -> Answer:
        """Send one letter to one recipient.

        Parameters
        ----------
        content: the message with CRLF line ends, the last line too.
        before_content: called when the server is ready for the content and none of it has been sent.

        Raises
        ------
        ScorecardError: no connection, no TLS, or the server doesn't accept who we are.
        """
        smtp = self._smtp or self._connect()
        self._smtp = smtp
        answer = _transfer(smtp, sender, recipient, content, before_content)
        if not answer.connected:
            self.close()
        return answer

    def close(self) -> None:
        """Say goodbye, if there is anyone to say it to."""
        if self._smtp is not None:
            try:
                self._smtp.quit()
            except (OSError, smtplib.SMTPException):
                self._smtp.close()
            self._smtp = None

    def _connect(self) -> smtplib.SMTP:
        settings, where = self._settings, f"{self._host}:{self._port}"
        local = self._host in _LOOPBACK
        if settings.smtp_user and not (settings.smtp_starttls or local or self._port == _IMPLICIT_TLS_PORT):
            raise ScorecardError(
                f"The password for the mail server {where} would be sent in the clear.",
                "Set SCORECARD_SMTP_STARTTLS=true, or use port 465.",
            )
        try:
            smtp = self._open()
        except ssl.SSLError as error:
            raise self._no_tls(str(error.reason or error)) from error
        except (OSError, smtplib.SMTPException) as error:
            raise ScorecardError(
                f"The mail server {where} doesn't answer: {_plain(error)}.",
                "Check SCORECARD_SMTP_HOST and SCORECARD_SMTP_PORT and that the server runs; then run again. "
                "Nothing was sent, and nobody will get a scorecard twice.",
            ) from error
        try:
            self._greet(smtp)
        except BaseException:
            smtp.close()
            raise
        return smtp

    def _open(self) -> smtplib.SMTP:
        timeout = self._settings.smtp_timeout
        if self._port == _IMPLICIT_TLS_PORT:
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(self._host, self._port, timeout=timeout, context=context)
        return smtplib.SMTP(self._host, self._port, timeout=timeout)

    def _greet(self, smtp: smtplib.SMTP) -> None:
        settings, where = self._settings, f"{self._host}:{self._port}"
        try:
            smtp.ehlo_or_helo_if_needed()
            if settings.smtp_starttls and self._port != _IMPLICIT_TLS_PORT:
                smtp.starttls(context=ssl.create_default_context())
                smtp.ehlo()
        except smtplib.SMTPNotSupportedError as error:
            raise self._no_tls("it doesn't offer STARTTLS") from error
        except ssl.SSLError as error:
            raise self._no_tls(str(error.reason or error)) from error
        except (OSError, smtplib.SMTPException) as error:
            raise ScorecardError(
                f"The mail server {where} ended the conversation: {_plain(error)}.",
                "Look at its log; then run again.",
            ) from error
        if not settings.smtp_user:
            return
        password = settings.smtp_password.get_secret_value() if settings.smtp_password else ""
        code = 0
        try:
            smtp.login(settings.smtp_user, password)
            return
        except smtplib.SMTPResponseException as error:
            code = error.smtp_code
        except (OSError, smtplib.SMTPException):
            pass
        # Raised outside the handler, so that no server's echo of what it was told travels along with it.
        raise ScorecardError(
            f"The mail server {where} doesn't accept the user {settings.smtp_user}"
            f"{f' (it answered {code})' if code else ''}.",
            "Correct SCORECARD_SMTP_USER and SCORECARD_SMTP_PASSWORD.",
        )

    def _no_tls(self, reason: str) -> ScorecardError:
        return ScorecardError(
            f"There is no safe connection to the mail server {self._host}:{self._port}: {reason}.",
            "Use a server and port that offer TLS with a certificate this machine trusts.",
        )


def _transfer(
    smtp: smtplib.SMTP, sender: str, recipient: str, content: bytes, before_content: Callable[[], None]
) -> Answer:
    transmitted = False
    try:
        for code, reply in _envelope(smtp, sender, recipient):
            if code not in (250, 251):
                return _turned_down(smtp, code, reply)
        code, reply = smtp.docmd("DATA")
        if code != 354:
            return _turned_down(smtp, code, reply)
        before_content()
        transmitted = True
        smtp.send(re.sub(rb"(?m)^\.", b"..", content) + b".\r\n")
        code, reply = smtp.getreply()
        if code == 250:
            return Answer("sent", _text(code, reply))
        return _turned_down(smtp, code, reply)
    except (OSError, smtplib.SMTPException) as error:
        outcome = "unknown" if transmitted else "later"
        return Answer(outcome, f"the connection broke: {_plain(error)}", connected=False)


def _envelope(smtp: smtplib.SMTP, sender: str, recipient: str) -> Any:
    yield smtp.mail(sender)
    yield smtp.rcpt(recipient)


def _turned_down(smtp: smtplib.SMTP, code: int, reply: bytes) -> Answer:
    """A no is an outcome that is known: 5xx for good, 4xx for now. The next letter starts afresh."""
    detail = _text(code, reply)
    outcome = "refused" if 500 <= code < 600 else "later"
    if code == 421:
        return Answer(outcome, detail, connected=False)
    try:
        smtp.rset()
    except (OSError, smtplib.SMTPException):
        return Answer(outcome, detail, connected=False)
    return Answer(outcome, detail)


def _text(code: int, reply: bytes) -> str:
    return f"{code} {reply.decode('utf-8', 'replace')}"


def _plain(error: Exception) -> str:
    """Return an error's own words without its type or a list of bytes."""
    if isinstance(error, smtplib.SMTPResponseException):
        answer = error.smtp_error
        return _text(error.smtp_code, answer if isinstance(answer, bytes) else str(answer).encode())
    return str(error) or type(error).__name__
