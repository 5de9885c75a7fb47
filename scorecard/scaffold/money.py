"""The money of a raw table: its columns and their currency. A fact converts it to the reporting currency."""

import re
from collections.abc import Collection
from dataclasses import dataclass

from scorecard.extract.contracts.contract import Column, ObjectContract
from scorecard.scaffold.guess import MONEY

CURRENCY = "currency"
"""The column of a concept and of a fact that has the currency of a record."""
ADDED = ("rate", "rate_on")
"""The columns that a fact with money has beside it."""
_CURRENCY = re.compile(r"(.*_)?(currency|waehrung)(_.*)?")


@dataclass(frozen=True)
class Money:
    """The money of a table.

    `amounts`: the columns of it, in their order; empty where the fact converts none. `currency`: the column of a
    record's currency; "" where all records have the source's. `notes`: what a person has to look at.
    """

    amounts: tuple[str, ...] = ()
    currency: str = ""
    notes: tuple[str, ...] = ()


def money_of(contract: ObjectContract, has_currency: bool, dimensions: Collection[str]) -> Money:
    """Return the money of a table.

    Parameters
    ----------
    has_currency: whether one is declared of the source. dimensions: columns by which figures are cut: none is money.

    Amounts are the numbers with decimals, and those that the contract calls a measure. They are money if their names
    say so; if no name does, all are in a table with a column of currencies.
    """
    currencies = [column.name for column in contract.columns if _is_currency(column)]
    currency = CURRENCY if CURRENCY in currencies else next(iter(currencies), "")
    numbers = [column for column in contract.columns if _is_number(column) and column.name not in dimensions]
    named = [column for column in numbers if MONEY.search(column.name)]
    amounts = named or (numbers if currency else [])
    if not amounts or not (currency or has_currency):
        return Money(notes=_unnamed(numbers))
    if taken := _taken(contract, currency):
        names = ", ".join(column.name for column in amounts)
        note = f"{names}. It stays in the currency of its record: the fact's own columns of the rate can't be called"
        return Money(notes=(f"{note} {taken}, as a column of the table is. Rename that in the staging model.",))
    notes = [f"currency. It is {currency}; {name} would fit as well." for name in currencies if name != currency]
    notes += [
        f"{column.name}. It is a whole number: if it counts cents, divide it by 100, or take the macro major_units."
        for column in amounts
        if column.decimal is None and column.measure
    ]
    others = _unnamed([column for column in numbers if column not in amounts])
    return Money(tuple(column.name for column in amounts), currency, (*notes, *others))


def _is_currency(column: Column) -> bool:
    return column.data_type == "varchar" and bool(_CURRENCY.fullmatch(column.name))


def _is_number(column: Column) -> bool:
    return column.is_amount or column.data_type == "double"


def _taken(contract: ObjectContract, currency: str) -> str:
    """Return the columns of a table whose names the fact needs for columns of its own."""
    wanted = {*ADDED} if currency == CURRENCY else {CURRENCY, *ADDED}
    return ", ".join(column.name for column in contract.columns if column.name in wanted)


def _unnamed(numbers: Collection[Column]) -> tuple[str, ...]:
    """Return notes on numbers that don't count as money."""
    names = ", ".join(column.name for column in numbers)
    return (f"{names}. Is it money? Then convert it as core_opportunity converts its amount.",) if names else ()
