"""The channel SMTP: the company's mail server, or where none is set a local one that files letters in a folder."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from scorecard.delivery import local_smtp
from scorecard.delivery.channel import SendResult
from scorecard.delivery.headers import check_address
from scorecard.delivery.smtp_connection import SmtpConnection
from scorecard.shared.settings import Settings

_LOCAL = "local"
# The local server knows no users and no TLS, whatever is set for another.
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
        """Refuse what is no plain address of mail."""
        check_address(recipient)

    @contextmanager
    def session(self) -> Iterator["_SmtpSession"]:
        """Start the local server if no other is set. The connection opens with the first letter."""
        settings = self._settings
        is_local = settings.smtp_host is None
        server = local_smtp.running(_folder(settings)) if is_local else nullcontext(settings.smtp_port)
        with server as port:
            host = settings.smtp_host or local_smtp.HOST
            login = settings.model_copy(update=_NO_LOGIN) if is_local else settings
            connection = SmtpConnection(login, host, port)
            try:
                yield _SmtpSession(connection, settings.mail_from)
            finally:
                connection.close()

    def outcome_after_crash(self, address: str, message_id: str) -> SendResult:
        """Look into the local server's folder. Of any other server nobody knows."""
        if address != _LOCAL:
            return SendResult("unknown", "the run ended while the letter was being sent")
        if local_smtp.arrived(_folder(self._settings), message_id):
            return SendResult("accepted", "filed by the local server")
        return SendResult("later", "the local server ended before it filed the letter")


class _SmtpSession:
    """Letters from one sender over one connection."""

    def __init__(self, connection: SmtpConnection, sender: str) -> None:
        self._connection, self._sender = connection, sender

    def send(self, recipient: str, content: bytes, before_content: Callable[[], None]) -> SendResult:
        """Send one letter; see `SmtpConnection.send`."""
        return self._connection.send(self._sender, recipient, content, before_content)


def _folder(settings: Settings) -> Path:
    return settings.out / "mail"
