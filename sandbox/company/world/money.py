"""Currencies, exchange rates and exact amounts."""

from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from sandbox.company.world.plan import Plan

REPORTING = "EUR"
DIGITS = {"EUR": 2, "USD": 2, "BRL": 2, "JPY": 0}
"""Digits after the point; a zero-decimal currency has no minor unit."""
PRICE_LEVEL = {"EUR": 1, "USD": 1, "BRL": 5, "JPY": 150}
"""What a price list multiplies a EUR price with: the amounts stay round."""
_FIRST_RATE = {"USD": 0.92, "BRL": 0.18, "JPY": 0.0068}


def rounded(amount: Decimal, digits: int) -> Decimal:
    """Return an amount with so many digits, halves away from zero."""
    return amount.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)


def minor(amount: Decimal, currency: str) -> int:
    """Return an amount in the smallest unit of its currency."""
    return int(rounded(amount.scaleb(DIGITS[currency]), 0))


def major(units: int, currency: str) -> Decimal:
    """Return the amount that so many smallest units are."""
    return Decimal(units).scaleb(-DIGITS[currency])


def share(units: int, numerator: int, denominator: int) -> int:
    """Return a share of an amount in smallest units, rounded to whole ones."""
    return int(rounded(Decimal(units) * numerator / denominator, 0))


class Rates:
    """Daily rates: EUR for one unit of a currency."""

    def __init__(self, plan: Plan) -> None:
        days = (plan.day(plan.ends) - plan.start).days + 1
        self.table: dict[tuple[str, date], Decimal] = {}
        for currency, first in _FIRST_RATE.items():
            random, rate = plan.stream("rate", currency), first
            for number in range(days):
                self.table[currency, plan.start + timedelta(days=number)] = rounded(Decimal(rate), 8)
                rate *= 1 + random.gauss(0, 0.003)

    def convert(self, amount: Decimal, currency: str, day: date) -> Decimal:
        """Return an amount in EUR at the rate of a day, with eight digits."""
        rate = Decimal(1) if currency == REPORTING else self.table[currency, day]
        return rounded(amount * rate, 8)
