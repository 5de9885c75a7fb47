"""Types of columns as YAML names them."""

import re

_DECIMAL = re.compile(r"decimal\((\d+),(\d+)\)")
_DIGITS = {"integer": (10, 0), "bigint": (19, 0)}
_SAME = {"timestampwithtimezone": "timestamptz", "int": "integer", "text": "varchar", "string": "varchar"}


def plain_type(kind: str) -> str:
    """Return a type in lower case without spaces, under the one of its names that is used here.

    >>> plain_type("Decimal(18, 2)"), plain_type("timestamp with time zone")
    ('decimal(18,2)', 'timestamptz')
    """
    kind = kind.lower().replace(" ", "")
    return _SAME.get(kind, kind)


def fits(delivered: str, wanted: str) -> bool:
    """Return whether every value of one type is one of the other.

    >>> fits("integer", "decimal(38,8)"), fits("decimal(30,8)", "decimal(24,8)"), fits("date", "timestamp")
    (True, False, False)
    """
    ours, theirs = _digits(plain_type(delivered)), _digits(plain_type(wanted))
    if ours is None or theirs is None:
        return plain_type(delivered) == plain_type(wanted)
    return ours[0] <= theirs[0] and ours[1] <= theirs[1]


def _digits(kind: str) -> tuple[int, int] | None:
    """Return how many digits a number may have before and behind its point; None unless it is an exact number."""
    if match := _DECIMAL.fullmatch(kind):
        return int(match[1]) - int(match[2]), int(match[2])
    return _DIGITS.get(kind)
