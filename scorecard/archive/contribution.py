"""Which observations a figure is made of, as SQL. Used on frozen observations only."""

from collections.abc import Sequence


def member_column(alias: str, dimension: str, dimensions: Sequence[str]) -> str:
    """Return the SQL that gives an observation's member of a figure's dimension, itself a column."""
    return f"case {dimension} " + " ".join(f"when '{name}' then {alias}.\"{name}\"" for name in dimensions) + " end"


def contributes(observation: str, figure: str, dimensions: Sequence[str]) -> str:
    """Return the SQL condition under which an observation counts in a figure.

    Parameters
    ----------
    observation, figure: aliases of a relation of observations and of one with base (the metric whose observations
    they are), stock (bool), grain, period_start, period_end, observed_until, dimension, member.
    dimensions: the dimensions that there are figures by. Each is a column of the observations.
    """
    return (
        f"{observation}.metric = {figure}.base "
        f"and ({observation}.grain is null or {observation}.grain = {figure}.grain) "
        f"and case when {figure}.stock then {observation}.occurred_on < {figure}.observed_until "
        f"and ({observation}.ended_on is null or {observation}.ended_on >= {figure}.observed_until) "
        f"else {observation}.occurred_on >= {figure}.period_start "
        f"and {observation}.occurred_on < {figure}.period_end end "
        f"and {member_column(observation, f'{figure}.dimension', dimensions)} = {figure}.member"
    )
