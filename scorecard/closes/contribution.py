"""The SQL of which observations count in a figure. The rule is `counts_in`, the macro that dbt's roll-up uses, too."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from scorecard.shared.settings import PROJECT
from scorecard.shared.sql import literal, quoted

_MACROS = Path("dbt_project") / "macros"


@cache
def counts_in(kind: str, row: str, period: str) -> str:
    """Return the SQL condition under which an observation of a kind of metric counts in a period.

    Parameters
    ----------
    row: alias of observations, with occurred_on, ended_on, grain and period_start.
    period: alias of periods, with grain, period_start, period_end and observed_until.
    """
    environment = Environment(loader=FileSystemLoader(PROJECT / _MACROS), undefined=StrictUndefined)  # noqa: S701 - SQL
    return " ".join(str(environment.get_template("counts_in.sql").module.counts_in(kind, row, period)).split())  # type: ignore[attr-defined]


def is_stock(definition: Mapping[str, object]) -> bool:
    """Whether a close defines a metric as a stock. Closes of earlier releases have no kind: `last` means a stock."""
    return definition["kind"] == "stock" if "kind" in definition else definition["aggregate"] == "last"


def member_column(alias: str, dimension: str, dimensions: Sequence[str]) -> str:
    """Return the SQL of an observation's member in a figure's dimension. ``dimension``: the SQL of its name."""
    return (
        f"case {dimension} "
        + " ".join(f"when {literal(name)} then {alias}.{quoted(name)}" for name in dimensions)
        + " end"
    )


def contributes(observation: str, figure: str, dimensions: Sequence[str]) -> str:
    """Return the SQL condition under which an observation counts in a figure.

    Parameters
    ----------
    observation: alias of observations. Their grain and period_start are null if they have no period; closes of earlier
        releases have the grain only.
    figure: alias of a relation with base (the metric of the observations), stock (bool), grain, period_start,
        period_end, observed_until, dimension and member.
    dimensions: the dimensions of the figures. Each is a column of the observations.
    """
    return (
        f"{observation}.metric = {figure}.base and case "
        f"when {observation}.period_start is not null then {counts_in('period', observation, figure)} "
        f"when {observation}.grain is not null and {observation}.grain <> {figure}.grain then false "
        f"when {figure}.stock then {counts_in('stock', observation, figure)} "
        f"else {counts_in('flow', observation, figure)} end "
        f"and {member_column(observation, f'{figure}.dimension', dimensions)} = {figure}.member"
    )
