"""Addresses, subjects and the headers that every message has."""

import re
import unicodedata
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, localtime

from scorecard.shared.errors import ScorecardError

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
_LONGEST_ADDRESS = 254


def check_address(address: str, what: str) -> None:
    """Refuse an address that is not plain ``name@domain``, such as one with a line end or with a second address.

    Parameters
    ----------
    what: what has the address, as "The setting mail_from".

    Raises
    ------
    ScorecardError: it is not plain.
    """
    if len(address) > _LONGEST_ADDRESS or not _ADDRESS.fullmatch(address):
        raise ScorecardError(
            f"{what} is {address!r}, which is not a plain address.",
            "Write it as name@domain, with letters from a to z only.",
        )


def check_subject(subject: str) -> None:
    """Refuse a subject with a line end or another control character.

    Raises
    ------
    ScorecardError: it has one.
    """
    # Other scripts have spaces of their own, as between a number and its unit. These are allowed.
    if not all(letter.isprintable() or unicodedata.category(letter) == "Zs" for letter in subject):
        raise ScorecardError(
            f"The subject {subject!r} holds a line end or another character that can't be printed.",
            "Remove it where the text comes from: a name in the data, or the scorecard's YAML.",
        )


def message_with_headers(
    sender: str, recipient: str, subject: str, message_id: str, language: str | None = None
) -> EmailMessage:
    """Return a message without a body, dated now. It names its language where one is given."""
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = recipient
    message["Subject"] = subject
    message["Date"] = format_datetime(localtime())
    message["Message-ID"] = message_id
    if language:
        message["Content-Language"] = language
    message["Auto-Submitted"] = "auto-generated"
    return message
