"""The channel SMTP: a connection to the company's mail server, with TLS, login and a limit to its time.

Where no server is set, a local one files the letters in a folder.
"""

import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path

from scorecard.delivery import local_smtp
from scorecard.delivery.channel import SendResult
from scorecard.delivery.headers import check_address
from scorecard.delivery.smtp_dialogue import (
    LimitedSmtp,
    LimitedSmtpTls,
    SmtpResult,
    TimeLimit,
    error_text,
    transfer,
)
from scorecard.shared.errors import ScorecardError, Temporary
from scorecard.shared.hosts import is_loopback
from scorecard.shared.settings import Settings

_LOCAL = "local"
_IMPLICIT_TLS_PORT = 465
# The local server has neither users nor TLS, whatever is set for another server.
_NO_LOGIN = {"smtp_user": None, "smtp_password": None, "smtp_starttls": False}


class SmtpChannel:
    """Mail by SMTP, as the settings say."""

    name = "smtp"

    def __init__(self, settings: Settings) -> None:
        """Keep the settings; nothing is opened yet."""
        self._settings = settings

    @property
    def address(self) -> str:
        """Host and port of the mail server, or ``local``."""
        settings = self._settings
        return _LOCAL if settings.smtp_host is None else f"{settings.smtp_host}:{settings.smtp_port}"

    def check(self, recipient: str) -> None:
        """Refuse a recipient who is not a plain address of mail."""
        check_address(recipient, "A recipient")

    @contextmanager
    def session(self) -> Iterator["SmtpConnection"]:
        """Start the local server if no other is set. The connection opens with the first letter."""
        settings = self._settings
        is_local = settings.smtp_host is None
        server = local_smtp.running(_folder(settings)) if is_local else nullcontext(settings.smtp_port)
        with server as port:
            login = settings.model_copy(update=_NO_LOGIN) if is_local else settings
            with closing(SmtpConnection(login, settings.smtp_host or local_smtp.HOST, port)) as connection:
                yield connection

    def outcome_after_crash(self, address: str, message_id: str) -> SendResult:
        """Look for the letter in the local server's folder. The outcome at any other server is unknown."""
        if address != _LOCAL:
            return SendResult("unknown", "the run ended while the letter was being sent")
        if local_smtp.arrived(_folder(self._settings), message_id):
            return SendResult("accepted", "filed by the local server")
        return SendResult("later", "the local server ended before it filed the letter")


def _folder(settings: Settings) -> Path:
    return settings.out / "mail"


class SmtpConnection:
    """A connection to the mail server. It opens for the first letter, and again after it broke."""

    def __init__(self, settings: Settings, host: str, port: int) -> None:
        """Keep host and port; nothing is opened yet."""
        self._settings, self._host, self._port = settings, host, port
        self._smtp: smtplib.SMTP | None = None
        self._limit = TimeLimit(settings.smtp_total_timeout)

    def send(self, recipient: str, content: bytes, before_content: Callable[[], None]) -> SmtpResult:
        """Send one letter to one recipient.

        Parameters
        ----------
        content: the message with CRLF line ends, the last line too.
        before_content: called when the server is ready for the content, before the first byte is sent.

        Raises
        ------
        Temporary: no connection.
        ScorecardError: no TLS, or the server refuses the user or the sender.
        """
        smtp = self._smtp or self._connect()
        self._smtp = smtp
        has_begun = False

        def begin() -> None:
            nonlocal has_begun
            before_content()
            has_begun = True

        with self._limit:
            result = transfer(smtp, self._settings.mail_from, recipient, content, begin)
        if self._limit.is_over and result.connected:
            # An answer that was cut off looks like a whole one, so its words are not used.
            seconds = self._settings.smtp_total_timeout
            detail = f"the server took longer than {seconds:g} seconds to answer"
            result = SmtpResult("unknown" if has_begun else "later", detail, connected=False)
        if not result.connected:
            self.close()
        if result.is_sender_refused:
            raise self._sender_refused(result.detail)
        return result

    def close(self) -> None:
        """End the session with QUIT, and close the connection if one is open."""
        if self._smtp is not None:
            try:
                with self._limit:
                    self._smtp.quit()
            except (OSError, smtplib.SMTPException):
                self._smtp.close()
            self._limit.forget()
            self._smtp = None

    def _connect(self) -> smtplib.SMTP:
        if self._settings.smtp_user and not (self._is_encrypted or is_loopback(self._host)):
            raise ScorecardError(
                f"The password for the mail server {self._place} would be sent in the clear.",
                "Remove SCORECARD_SMTP_STARTTLS=false, or use port 465.",
            )
        try:
            with self._limit:
                return self._enter()
        except BaseException:
            self._limit.forget()
            raise

    def _enter(self) -> smtplib.SMTP:
        """Connect, switch TLS on and log in."""
        try:
            smtp = self._open()
        except ssl.SSLError as error:
            raise self._no_tls(str(error.reason or error)) from error
        except (OSError, UnicodeError, smtplib.SMTPException) as error:
            raise Temporary(
                f"The mail server {self._place} doesn't answer: {error_text(error)}.",
                "Check SCORECARD_SMTP_HOST and SCORECARD_SMTP_PORT and that the server runs; then run again. "
                "Nothing was sent, and nobody will get a scorecard twice.",
            ) from error
        try:
            self._greet(smtp)
            self._log_in(smtp)
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
            return LimitedSmtpTls(self._limit, self._host, self._port, timeout=timeout, context=context)
        return LimitedSmtp(self._limit, self._host, self._port, timeout=timeout)

    def _greet(self, smtp: smtplib.SMTP) -> None:
        """Say EHLO, and switch to TLS where STARTTLS is to be used."""
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
                f"The mail server {self._place} ended the conversation: {error_text(error)}.",
                "Look at its log; then run again.",
            ) from error

    def _log_in(self, smtp: smtplib.SMTP) -> None:
        settings = self._settings
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
        # Raised outside the handler: a server may repeat the password in its answer, which the context would keep.
        raise ScorecardError(
            f"The mail server {self._place} doesn't accept the user {settings.smtp_user}"
            f"{f' (it answered {code})' if code else ''}.",
            "Correct SCORECARD_SMTP_USER and SCORECARD_SMTP_PASSWORD.",
        )

    @property
    def _place(self) -> str:
        return f"{self._host}:{self._port}"

    def _sender_refused(self, detail: str) -> ScorecardError:
        return ScorecardError(
            f"The mail server {self._place} takes no mail from the sender {self._settings.mail_from}; "
            f"it answered: {detail}.",
            "Log in with SCORECARD_SMTP_USER and SCORECARD_SMTP_PASSWORD if it asks for that, or correct "
            "SCORECARD_MAIL_FROM (mail_from in scorecard.toml); then run again: the remaining letters are sent.",
        )

    def _no_tls(self, reason: str) -> ScorecardError:
        return ScorecardError(
            f"There is no safe connection to the mail server {self._place}: {reason}.",
            "Use a server and port that offer TLS with a certificate this machine trusts. For a mail server inside "
            "your own network that has no TLS and needs no password, set SCORECARD_SMTP_STARTTLS=false.",
        )
