"""Decimals as text for people and programs outside the page: equal values have equal digits."""

from decimal import Decimal


def digits(number: Decimal) -> str:
    """Write a decimal exactly: without an exponent and without trailing zeros, as 2802496 and 0.603."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
