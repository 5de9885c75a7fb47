"""Ids in the form of each service. They grow with time, as the services' do, and depend on nothing but the record."""

import string
from datetime import datetime
from hashlib import sha256
from typing import Protocol

from sandbox.company.world.plan import Plan

_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_CHECK = string.ascii_uppercase + "012345"
_PREFIX = {
    "account": "001",
    "contact": "003",
    "lead": "00Q",
    "opportunity": "006",
    "line": "00k",
    "history": "008",
    "call": "00T",
    "email": "00T",
    "followup": "00T",
    "meeting": "00U",
    "quote": "0Q0",
    "rep": "005",
    "campaign": "701",
    "product": "01t",
}


class Ids(Protocol):
    """Gives a new record its id."""

    def __call__(self, kind: str, at: datetime, key: str) -> str:
        """Return the id of a record of a kind that is created at a moment; the key tells it from others."""


class Serial:
    """Numbers: the second of creation, then six digits of a hash."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self._used = plan, set[int]()

    def number(self, kind: str, at: datetime, key: str) -> int:
        """Return a number that no other record has."""
        second = int((at - self.plan.begins).total_seconds()) + 1
        number = second * 10**6 + int(_hash(self.plan, kind, key), 16) % 10**6
        while number in self._used:
            number += 1
        self._used.add(number)
        return number

    def __call__(self, kind: str, at: datetime, key: str) -> str:
        """Return the number as text."""
        return str(self.number(kind, at, key))


class SalesforceIds:
    """Eighteen characters: three that tell the object, twelve, and three that check the case of the rest."""

    def __init__(self, plan: Plan) -> None:
        self._serial = Serial(plan)

    def __call__(self, kind: str, at: datetime, key: str) -> str:
        """Return the eighteen characters."""
        body = _PREFIX[kind] + _base62(self._serial.number(kind, at, key)).rjust(12, "0")
        return body + checksum(body)


def checksum(body: str) -> str:
    """Return the three characters that tell which of the fifteen are capitals."""
    fives = (body[start : start + 5] for start in (0, 5, 10))
    return "".join(_CHECK[sum(2**place for place, letter in enumerate(five) if letter.isupper())] for five in fives)


def stripe_id(plan: Plan, prefix: str, key: str) -> str:
    """Return a prefix and 24 characters."""
    return f"{prefix}_{_base62(int(_hash(plan, prefix, key), 16))[:24]}"


def _hash(plan: Plan, kind: str, key: str) -> str:
    return sha256(f"{plan.seed}/{kind}/{key}".encode()).hexdigest()


def _base62(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 62)
        digits = _DIGITS[digit] + digits
    return digits
