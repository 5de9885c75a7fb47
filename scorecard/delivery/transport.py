"""SMTP, one letter at a time, with the one moment made visible that matters: when content begins to go out."""

import re
import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass

from scorecard.delivery.watch import Watch, WatchedSmtp, WatchedSmtpTls
from scorecard.shared.errors import ScorecardError, Temporary
from scorecard.shared.hosts import is_loopback
from scorecard.shared.settings import Settings
from scorecard.shared.text import plain

_IMPLICIT_TLS_PORT = 465


@dataclass(frozen=True)
class Answer:
    """How a letter fared. ``connected`` says whether the line is still good.

    ``outcome`` is ``sent``, ``refused`` (never to be tried again), ``later`` (nothing was delivered), ``unknown``
    (after the content went out, the connection broke or the answer was neither yes nor no), or ``sender`` (the server
    takes no letter from us, to whomever; ``Line.send`` makes an error of it).
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
        self._watch = Watch(settings.smtp_total_timeout)

    def send(self, sender: str, recipient: str, content: bytes, before_content: Callable[[], None]) -> Answer:
        """Send one letter to one recipient.

        Parameters
        ----------
        content: the message with CRLF line ends, the last line too.
        before_content: called when the server is ready for the content and none of it has been sent.

        Raises
        ------
        Temporary: no connection.
        ScorecardError: no TLS, or the server doesn't accept who we are or the sender.
        """
        smtp = self._smtp or self._connect()
        self._smtp = smtp
        has_begun = False

        def begin() -> None:
            nonlocal has_begun
            before_content()
            has_begun = True

        with self._watch:
            answer = _transfer(smtp, sender, recipient, content, begin)
        if self._watch.is_over and answer.connected:
            # What came of an answer before the line was cut looks like a whole one.
            limit = self._settings.smtp_total_timeout
            detail = f"the server took longer than {limit:g} seconds to answer"
            answer = Answer("unknown" if has_begun else "later", detail, connected=False)
        if not answer.connected:
            self.close()
        if answer.outcome == "sender":
            raise self._sender_refused(sender, answer.detail)
        return answer

    def close(self) -> None:
        """Say goodbye, if there is anyone to say it to."""
        if self._smtp is not None:
            try:
                with self._watch:
                    self._smtp.quit()
            except (OSError, smtplib.SMTPException):
                self._smtp.close()
            self._watch.forget()
            self._smtp = None

    def _connect(self) -> smtplib.SMTP:
        settings, where = self._settings, f"{self._host}:{self._port}"
        if settings.smtp_user and not (self._is_encrypted or is_loopback(self._host)):
            raise ScorecardError(
                f"The password for the mail server {where} would be sent in the clear.",
                "Take SCORECARD_SMTP_STARTTLS=false away, or use port 465.",
            )
        try:
            with self._watch:
                return self._enter(where)
        except BaseException:
            self._watch.forget()
            raise

    def _enter(self, where: str) -> smtplib.SMTP:
        """Connect, switch TLS on and log in."""
        try:
            smtp = self._open()
        except ssl.SSLError as error:
            raise self._no_tls(str(error.reason or error)) from error
        except (OSError, UnicodeError, smtplib.SMTPException) as error:
            raise Temporary(
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

    @property
    def _is_encrypted(self) -> bool:
        return self._port == _IMPLICIT_TLS_PORT or self._uses_starttls

    @property
    def _uses_starttls(self) -> bool:
        wanted = self._settings.smtp_starttls
        return self._port != _IMPLICIT_TLS_PORT and (not is_loopback(self._host) if wanted is None else wanted)

    def _open(self) -> smtplib.SMTP:
        timeout = self._settings.smtp_timeout
        if self._port == _IMPLICIT_TLS_PORT:
            context = ssl.create_default_context()
            return WatchedSmtpTls(self._watch, self._host, self._port, timeout=timeout, context=context)
        return WatchedSmtp(self._watch, self._host, self._port, timeout=timeout)

    def _greet(self, smtp: smtplib.SMTP) -> None:
        settings, where = self._settings, f"{self._host}:{self._port}"
        try:
            smtp.ehlo_or_helo_if_needed()
            if self._uses_starttls:
                smtp.starttls(context=ssl.create_default_context())
                smtp.ehlo()
        except smtplib.SMTPNotSupportedError as error:
            raise self._no_tls("it doesn't offer STARTTLS") from error
        except ssl.SSLError as error:
            raise self._no_tls(str(error.reason or error)) from error
        except (OSError, smtplib.SMTPException) as error:
            raise Temporary(
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
        except (OSError, UnicodeError, smtplib.SMTPException):
            pass
        # Raised outside the handler, so that no server's echo of what it was told travels along with it.
        raise ScorecardError(
            f"The mail server {where} doesn't accept the user {settings.smtp_user}"
            f"{f' (it answered {code})' if code else ''}.",
            "Correct SCORECARD_SMTP_USER and SCORECARD_SMTP_PASSWORD.",
        )

    def _sender_refused(self, sender: str, detail: str) -> ScorecardError:
        return ScorecardError(
            f"The mail server {self._host}:{self._port} takes no mail from the sender {sender}; it answered: {detail}.",
            "Log in with SCORECARD_SMTP_USER and SCORECARD_SMTP_PASSWORD if it asks for that, or correct "
            "SCORECARD_MAIL_FROM (mail_from in scorecard.toml); then run again, and what was not sent is sent.",
        )

    def _no_tls(self, reason: str) -> ScorecardError:
        return ScorecardError(
            f"There is no safe connection to the mail server {self._host}:{self._port}: {reason}.",
            "Use a server and port that offer TLS with a certificate this machine trusts. A mail server inside your own"
            " network that has no TLS and needs no password: set SCORECARD_SMTP_STARTTLS=false.",
        )


def _transfer(
    smtp: smtplib.SMTP, sender: str, recipient: str, content: bytes, before_content: Callable[[], None]
) -> Answer:
    transmitted = False
    try:
        code, reply = smtp.mail(sender)
        if not _is_yes(code):
            return _turned_down(smtp, code, reply, "sender")
        code, reply = smtp.rcpt(recipient)
        if not _is_yes(code):
            return _turned_down(smtp, code, reply, _whose(code, reply))
        code, reply = smtp.docmd("DATA")
        if code != 354:
            return _turned_down(smtp, code, reply, _whose(code, reply))
        before_content()
        transmitted = True
        smtp.send(re.sub(rb"(?m)^\.", b"..", content) + b".\r\n")
        code, reply = smtp.getreply()
        if _is_yes(code):
            return Answer("sent", _text(code, reply))
        if _is_no(code) or _is_no_for_now(code):
            return _turned_down(smtp, code, reply)
        return _hung_up(smtp, "unknown", f"the server said neither yes nor no: {_text(code, reply)}")
    except (OSError, smtplib.SMTPException) as error:
        outcome = "unknown" if transmitted else "later"
        return Answer(outcome, f"the connection broke: {_plain(error)}", connected=False)


def _is_yes(code: int) -> bool:
    return 200 <= code < 300


def _is_no_for_now(code: int) -> bool:
    return 400 <= code < 500


def _is_no(code: int) -> bool:
    return 500 <= code < 600


def _whose(code: int, reply: bytes) -> str:
    """Return whose a no is: many servers hold back a no to the sender until they know the recipient."""
    return "sender" if code == 530 or reply.startswith((b"5.1.7 ", b"5.1.8 ")) else "refused"


def _turned_down(smtp: smtplib.SMTP, code: int, reply: bytes, no: str = "refused") -> Answer:
    """A no is an outcome that is known: 5xx for good, 4xx for now. The next letter starts afresh."""
    detail = _text(code, reply)
    outcome = no if _is_no(code) else "later"
    if not (_is_no(code) or _is_no_for_now(code)):
        return _hung_up(smtp, outcome, detail)
    if code == 421:
        return Answer(outcome, detail, connected=False)
    try:
        smtp.rset()
    except (OSError, smtplib.SMTPException):
        return Answer(outcome, detail, connected=False)
    return Answer(outcome, detail)


def _hung_up(smtp: smtplib.SMTP, outcome: str, detail: str) -> Answer:
    """Drop the connection: a server that is out of step may answer the next letter with a word on this one."""
    smtp.close()
    return Answer(outcome, detail, connected=False)


def _text(code: int, reply: bytes) -> str:
    if code == -1:
        # smtplib cuts off what should be the code, so the rest would only mislead.
        return "an answer that isn't SMTP"
    return f"{code} {plain(reply.decode('utf-8', 'replace'))}"


def _plain(error: Exception) -> str:
    """Return an error's own words without its type or a list of bytes."""
    if isinstance(error, smtplib.SMTPResponseException):
        answer = error.smtp_error
        return _text(error.smtp_code, answer if isinstance(answer, bytes) else str(answer).encode())
    if isinstance(error, UnicodeError):
        return "that is no valid name of a host"
    return str(error) or type(error).__name__
