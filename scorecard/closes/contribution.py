"""Which observations a figure is made of, as SQL: by the rule that dbt's roll-up uses, `counts_in`."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from scorecard.shared.settings import PROJECT
from scorecard.shared.sql import literal, quoted

_MACROS = Path("dbt_project") / "macros"


@cache
def counts_in(kind: str, row: str, period: str) -> str:
    """Return the condition under which an observation of a kind of metric counts in a period.

    Parameters
    ----------
    row: alias of observations, with occurred_on, ended_on, grain and period_start.
    period: alias of periods, with grain, period_start, period_end and observed_until.
    """
    environment = Environment(loader=FileSystemLoader(PROJECT / _MACROS), undefined=StrictUndefined)  # noqa: S701 - SQL
    return " ".join(str(environment.get_template("counts_in.sql").module.counts_in(kind, row, period)).split())  # type: ignore[attr-defined]


def is_stock(definition: Mapping[str, object]) -> bool:
    """Whether a metric as its close defines it is a stock. Closes of before say no kind; there `last` makes a stock."""
    return definition["kind"] == "stock" if "kind" in definition else definition["aggregate"] == "last"


def member_column(alias: str, dimension: str, dimensions: Sequence[str]) -> str:
    """Return the SQL that gives an observation's member of a figure's dimension, itself a column."""
    return (
        f"case {dimension} "
        + " ".join(f"when {literal(name)} then {alias}.{quoted(name)}" for name in dimensions)
        + " end"
    )


def contributes(observation: str, figure: str, dimensions: Sequence[str]) -> str:
    """Return the SQL condition under which an observation counts in a figure.

    Parameters
    ----------
    observation, figure: aliases of a relation of observations (grain and period_start null where they have no period;
    earlier closes know their grain only) and of one with base (the metric whose observations they are), stock (bool),
    grain, period_start, period_end, observed_until, dimension, member.
    dimensions: the dimensions that there are figures by. Each is a column of the observations.
    """
    return (
        f"{observation}.metric = {figure}.base and case "
        f"when {observation}.period_start is not null then {counts_in('period', observation, figure)} "
        f"when {observation}.grain is not null and {observation}.grain <> {figure}.grain then false "
        f"when {figure}.stock then {counts_in('stock', observation, figure)} "
        f"else {counts_in('flow', observation, figure)} end "
        f"and {member_column(observation, f'{figure}.dimension', dimensions)} = {figure}.member"
    )
