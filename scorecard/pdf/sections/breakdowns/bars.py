"""The bars of a breakdown. This module knows coordinates and no words."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from scorecard.pdf.page.charts import Series, rectangle


@dataclass(frozen=True)
class Bar:
    """The bars of one table row as paths, 100 wide and 10 high: the value, the period before, the target's mark."""

    title: str
    actual: str
    zero: str
    prior: str | None
    goal: str | None


def bars(values: Series, priors: Series, targets: Series, titles: Sequence[str]) -> list[Bar | None]:
    """Return the bars of a table's rows, all on one scale from zero. A missing value has no bar."""
    known = [value for value in (*values, *priors, *targets) if value is not None]
    low, high = min([*known, Decimal(0)]), max([*known, Decimal(0)])
    span = (high - low) or Decimal(1)

    def share(value: Decimal) -> float:
        return float((value - low) / span * 98)

    zero = share(Decimal(0))

    def bar(value: Decimal, top: float, height: float) -> str:
        return rectangle(min(zero, share(value)), top, abs(share(value) - zero), height)

    rows: list[Bar | None] = []
    for value, prior, target, title in zip(values, priors, targets, titles, strict=True):
        if value is None:
            rows.append(None)
            continue
        rows.append(
            Bar(
                title=title,
                actual=bar(value, 2.4, 5.2),
                zero=rectangle(zero, 0, 0.3, 10),
                prior=None if prior is None else bar(prior, 0, 10),
                goal=None if target is None else _frame(share(target) - 0.8, 0, 1.6, 10),
            )
        )
    return rows


def _frame(x: float, y: float, width: float, height: float) -> str:
    """Return the outline of a rectangle. Filled by the even-odd rule, its inside stays open."""
    return rectangle(x, y, width, height) + rectangle(x + 0.5, y + 0.9, width - 1, height - 1.8)
