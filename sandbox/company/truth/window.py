"""The scope of a true figure: a unit, a period, and the moment up to which facts are known."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from statistics import median

from sandbox.company.world.history import World
from sandbox.company.world.model import Unit
from sandbox.company.writers.tables import FileRow


@dataclass(frozen=True)
class Window:
    """A period [start, end) of a unit. What happened, was deleted or corrected after ``as_of`` is not known."""

    world: World
    unit: Unit
    files: dict[str, list[FileRow]]
    start: datetime
    end: datetime
    as_of: datetime

    def holds(self, moment: datetime | None) -> bool:
        """Say whether something happened in the period, and is known."""
        return moment is not None and self.start <= moment < self.end and moment <= self.as_of

    def eur(self, amount: Decimal, currency: str, moment: datetime) -> Decimal:
        """Return an amount in EUR at the rate of a moment's day."""
        return self.world.rates.convert(amount, currency, self.world.plan.day(moment))


Metric = Callable[[Window], Decimal | None]


def ratio(numerator: Decimal | int, denominator: Decimal | int) -> Decimal | None:
    """Return a share; None of nothing."""
    return Decimal(numerator) / Decimal(denominator) if denominator else None


def middle(values: Iterable[Decimal | int]) -> Decimal | None:
    """Return the median; None of nothing."""
    known = [Decimal(value) for value in values]
    return median(known) if known else None
