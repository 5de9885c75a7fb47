"""How a decimal is written for people and programs outside the page: the same value always with the same digits."""

from decimal import Decimal


def digits(number: Decimal) -> str:
    """Write a decimal exactly: without exponent and without zeros that say nothing, 2802496 and 0.603."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
