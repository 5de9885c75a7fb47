"""Addresses and headers of mail, checked before a letter is made."""

import re
import unicodedata

from scorecard.shared.errors import ScorecardError

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")


def check_address(address: str) -> None:
    """Refuse what is no plain address: above all one that holds a line end, or a second address.

    Raises
    ------
    ScorecardError: it isn't one.
    """
    if len(address) > 254 or not _ADDRESS.fullmatch(address):
        raise ScorecardError(f"{address!r} is not an address that mail can be sent to.", "Write it as name@domain.")


def check_header(text: str, what: str) -> None:
    """Refuse a header that holds a line end or another control character.

    Raises
    ------
    ScorecardError: it does.
    """
    # The spaces of other scripts, as between a number and its unit, are no control characters.
    if not all(letter.isprintable() or unicodedata.category(letter) == "Zs" for letter in text):
        raise ScorecardError(
            f"The {what} {text!r} holds a line end or another character that can't be printed.",
            "Remove it where the text comes from: a name in the data, or the scorecard's YAML.",
        )
