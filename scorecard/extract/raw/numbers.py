"""Numbers as sources spell them, read exactly: never through binary floating point.

A decimal keeps the decimals of its raw column and is rounded half to even behind them, as IEEE 754 and most databases
do; a whole number must be whole.
"""

from scorecard.extract.contracts.contract import Column
from scorecard.shared.sql import quoted

LARGEST = 10**15
"""The largest amount: at any rate of decimal(14,8), products of it stay within the 38 digits that engines hold."""

_NUMBER = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,9})?"
_PARTS = r"([+-]?)(\d*)\.?(\d*)[eE]([+-]?\d+)"
_WHOLE = r"[+-]?\d+(\.0*)?"


def is_number(column: Column) -> bool:
    """Whether the column holds decimals or whole numbers."""
    return column.decimal is not None or column.data_type in ("bigint", "integer")


def number(text: str, column: Column) -> str:
    """SQL of a text in the type of its raw column, null where it is no number or doesn't fit."""
    scale = int(column.stored.rpartition(",")[2].rstrip(")")) if column.decimal else 0
    plain = _WHOLE
    if scale:
        plain = rf"[+-]?(\d+(\.\d{{0,{scale}}}0*)?|\.\d{{1,{scale}}}0*)"
    other = _without_exponent(text)
    if column.decimal is None or column.identifies:
        # A key or a whole number is taken exactly or not at all. One with an exponent and more than 15 digits was a
        # binary number before, and has lost digits.
        few = plain.replace(r"\d+", r"0*\d{1,15}", 1)
        other = f"nullif(regexp_extract({other}, '^({few})$'), '')"
    else:
        other = _half_to_even(other, scale)
    return (
        f"case when regexp_full_match({text}, '{plain}') then try_cast({text} as {column.stored})"
        f" when regexp_full_match({text}, '{_NUMBER}') then try_cast({other} as {column.stored}) end"
    )


def too_large(text: str, column: Column) -> str:
    """SQL condition: the text is a number, but not one of the column's type."""
    return f"{quoted(column.name)} is null and regexp_full_match({text}, '{_NUMBER}')"


def _without_exponent(text: str) -> str:
    """SQL of a number written out: '1.39E8' is '139000000'."""
    parts = f"[regexp_extract({text}, '^{_PARTS}$', ['sign', 'whole', 'part', 'exponent'])]"
    # `place` is the number of digits before the point, bounded: beyond the digits it makes no difference.
    exponent = "greatest(-50 - length(n.whole || n.part), least(50 + length(n.whole || n.part), n.exponent::bigint))"
    placed = f"{{sign: n.sign, digits: n.whole || n.part, place: length(n.whole) + {exponent}}}"
    written = (
        "case when n.place <= 0 then '0.' || repeat('0', -n.place) || n.digits"
        " when n.place >= length(n.digits) then n.digits || repeat('0', n.place - length(n.digits))"
        " else n.digits[:n.place] || '.' || n.digits[n.place + 1:] end"
    )
    done = f"list_transform(list_transform({parts}, lambda n: {placed}), lambda n: n.sign || {written})[1]"
    return f"case when regexp_matches({text}, '[eE]') then {done} else {text} end"


def _half_to_even(text: str, scale: int) -> str:
    """SQL of a number without the half behind an even last decimal; DuckDB rounds every other half away from zero."""
    before = rf"\.\d{{{scale - 1}}}[02468]" if scale else r"[02468]\."
    return rf"regexp_replace({text}, '^(.*{before})50*$', '\1')"
