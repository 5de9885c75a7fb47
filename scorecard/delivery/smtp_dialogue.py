"""What is said for one letter over an open SMTP connection, and what the server's answers mean."""

import re
import smtplib
from collections.abc import Callable
from dataclasses import dataclass

from scorecard.delivery.channel import SendOutcome, SendResult
from scorecard.shared.text import plain


@dataclass(frozen=True)
class SmtpResult(SendResult):
    """How a letter fared, and whether the connection is still good and the sender was refused, to whomever."""

    connected: bool = True
    is_sender_refused: bool = False


def transfer(
    smtp: smtplib.SMTP, sender: str, recipient: str, content: bytes, before_content: Callable[[], None]
) -> SmtpResult:
    """Send one letter. ``before_content`` is called when the server is ready and none of the content has gone out."""
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
        return _hung_up(smtp, "unknown", f"the server said neither yes nor no: {_reply_text(code, reply)}")
    except (OSError, smtplib.SMTPException) as error:
        outcome: SendOutcome = "unknown" if transmitted else "later"
        return SmtpResult(outcome, f"the connection broke: {error_text(error)}", connected=False)


def error_text(error: Exception) -> str:
    """Return an error's own words without its type or a list of bytes."""
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
    """Tell whether a no is to the sender: many servers hold it back until they know the recipient."""
    return code == 530 or reply.startswith((b"5.1.7 ", b"5.1.8 "))


def _turned_down(smtp: smtplib.SMTP, code: int, reply: bytes, *, concerns_sender: bool = False) -> SmtpResult:
    """A no is an outcome that is known: 5xx for good, 4xx for now. The next letter starts afresh."""
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
    """Drop the connection: a server that is out of step may answer the next letter with a word on this one."""
    smtp.close()
    return SmtpResult(outcome, detail, connected=False)


def _reply_text(code: int, reply: bytes) -> str:
    if code == -1:
        # smtplib cuts off what should be the code, so the rest would only mislead.
        return "an answer that isn't SMTP"
    return f"{code} {plain(reply.decode('utf-8', 'replace'))}"
