"""The lines that `make sandbox` prints about the two runs."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from sandbox.demo.changes import Figures, TableChanges
from scorecard.catalogue import Catalogue


@dataclass(frozen=True)
class RunCost:
    """The cost of a run, without the work of the services."""

    seconds: float
    cpu_seconds: float
    requests: int


def change_lines(tables: Iterable[TableChanges]) -> Iterator[str]:
    """Yield a line for each raw table with changes, and the number of tables without."""
    yield f"{'raw table':<36}{'new':>7}{'changed':>9}{'ended':>7}{'live':>8}"
    still = 0
    for table in tables:
        if table.new or table.changed or table.ended:
            yield f"{table.table:<36}{table.new:>7}{table.changed:>9}{table.ended:>7}{table.live:>8}"
        else:
            still += 1
    if still:
        yield f"({still} more without a change)"


def figure_lines(
    catalogue: Catalogue, units: Iterable[str], months: tuple[str, str], before: Figures, after: Figures
) -> Iterator[str]:
    """Yield, for each unit, the metrics of its scorecards in two months: the older one also as it was known before."""
    old, new = months
    for unit in units:
        cards = [card for card in catalogue.scorecards.values() if card.business_unit == unit]
        shown = {metric for card in cards for metric in card.metrics}
        known = [metric for metric in catalogue.metrics if metric in shown and (unit, metric, new) in after]
        if not known:
            yield f"{unit}: no figures. No staging model reads the raw tables of its records."
            continue
        yield f"{unit:<36}{f'{old} at first':>18}{f'{old} now':>18}{new:>18}"
        for metric in known:
            values = (before.get((unit, metric, old)), *(after.get((unit, metric, month)) for month in months))
            cells = "".join(f"{_cell(value, catalogue.metrics[metric].unit):>18}" for value in values)
            yield f"  {metric:<34}{cells}"


def cost_lines(costs: Iterable[tuple[str, RunCost]]) -> Iterator[str]:
    """Yield a line for each run."""
    for name, cost in costs:
        yield (
            f"{name:<12}{cost.seconds:>6.0f} s, {cost.cpu_seconds:.0f} s of CPU; "
            f"the services answered {cost.requests} requests"
        )


def _cell(value: Decimal | None, unit: str) -> str:
    if value is None:
        return "n/a"
    if unit == "percent":
        return f"{100 * value:,.1f} %"
    return f"{value:,.0f}" if unit in ("count", "units") else f"{value:,.2f}"
