"""A connection to a mail server: TLS, login, a limit to its time, one letter after another."""

import smtplib
import ssl
from collections.abc import Callable

from scorecard.delivery.smtp_dialogue import SmtpResult, error_text, transfer
from scorecard.delivery.time_limit import LimitedSmtp, LimitedSmtpTls, TimeLimit
from scorecard.shared.errors import ScorecardError, Temporary
from scorecard.shared.hosts import is_loopback
from scorecard.shared.settings import Settings

_IMPLICIT_TLS_PORT = 465


class SmtpConnection:
    """A connection to the mail server. It opens when the first letter needs it and again after it broke."""

    def __init__(self, settings: Settings, host: str, port: int) -> None:
        """Keep where to call; nothing is opened yet."""
        self._settings, self._host, self._port = settings, host, port
        self._smtp: smtplib.SMTP | None = None
        self._limit = TimeLimit(settings.smtp_total_timeout)

    def send(self, sender: str, recipient: str, content: bytes, before_content: Callable[[], None]) -> SmtpResult:
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

        with self._limit:
            result = transfer(smtp, sender, recipient, content, begin)
        if self._limit.is_over and result.connected:
            # What came of an answer before the connection was cut looks like a whole one.
            seconds = self._settings.smtp_total_timeout
            detail = f"the server took longer than {seconds:g} seconds to answer"
            result = SmtpResult("unknown" if has_begun else "later", detail, connected=False)
        if not result.connected:
            self.close()
        if result.is_sender_refused:
            raise self._sender_refused(sender, result.detail)
        return result

    def close(self) -> None:
        """Say goodbye, if there is anyone to say it to."""
        if self._smtp is not None:
            try:
                with self._limit:
                    self._smtp.quit()
            except (OSError, smtplib.SMTPException):
                self._smtp.close()
            self._limit.forget()
            self._smtp = None

    def _connect(self) -> smtplib.SMTP:
        settings, where = self._settings, f"{self._host}:{self._port}"
        if settings.smtp_user and not (self._is_encrypted or is_loopback(self._host)):
            raise ScorecardError(
                f"The password for the mail server {where} would be sent in the clear.",
                "Take SCORECARD_SMTP_STARTTLS=false away, or use port 465.",
            )
        try:
            with self._limit:
                return self._enter(where)
        except BaseException:
            self._limit.forget()
            raise

    def _enter(self, where: str) -> smtplib.SMTP:
        """Connect, switch TLS on and log in."""
        try:
            smtp = self._open()
        except ssl.SSLError as error:
            raise self._no_tls(str(error.reason or error)) from error
        except (OSError, UnicodeError, smtplib.SMTPException) as error:
            raise Temporary(
                f"The mail server {where} doesn't answer: {error_text(error)}.",
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
            return LimitedSmtpTls(self._limit, self._host, self._port, timeout=timeout, context=context)
        return LimitedSmtp(self._limit, self._host, self._port, timeout=timeout)

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
                f"The mail server {where} ended the conversation: {error_text(error)}.",
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
