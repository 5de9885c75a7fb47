"""Compute a figure of a close again, from its frozen records alone and without dbt."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb

from scorecard.catalogue import metric_of
from scorecard.closes import store
from scorecard.closes.contribution import counts_in, is_stock
from scorecard.closes.recompute_sql import FigurePart, derived_query, query_of
from scorecard.shared.errors import ScorecardError
from scorecard.shared.periods import FiscalYear, at_term, parse_period
from scorecard.shared.sql import literal, quoted

Figure = dict[str, Any]
"""A row of values.parquet by column name."""


@dataclass(frozen=True)
class Recomputation:
    """The query that computes a figure again, and the parts of the figure."""

    sql: str
    parts: tuple[FigurePart, ...]

    @property
    def conditions(self) -> tuple[str, ...]:
        """The SQL conditions of the observations that count, one for each part except a target."""
        return tuple(part.condition for part in self.parts if part.condition)


def recomputation(folder: Path, definitions: dict[str, Any], figure: Figure) -> Recomputation:
    """Return the query that computes a figure again, and the figure's parts. The query is not run.

    Parameters
    ----------
    folder: the close's. definitions: the close's definitions.json.

    Returns
    -------
    The query returns one row: numerator, denominator, observations, missing, at_most, longer_than, value.
    """
    # `behind` has the metrics that the scorecard does not print, but derived metrics are computed from.
    metrics = {**definitions["metrics"], **definitions.get("behind", {})}
    definition = metrics[figure["metric"]]
    expression = definition.get("expression")
    if not expression:
        part = _part(folder, definition, figure, "now")
        return Recomputation(part.sql, (part,))
    parts = tuple(_terms(folder, metrics, figure, expression, _fiscal(definitions)))
    return Recomputation(derived_query(parts, expression, metrics), parts)


def _part(folder: Path, definition: dict[str, Any], figure: Figure, at: str) -> FigurePart:
    condition = _condition(folder, definition, figure)
    base = metric_of(definition["model"])
    return FigurePart(
        definition["name"], figure["period"], at, base, condition, query_of(folder, condition, definition)
    )


def _terms(
    folder: Path, metrics: dict[str, Any], figure: Figure, expression: dict[str, Any], fiscal: FiscalYear
) -> Iterator[FigurePart]:
    """Yield the values that a derived figure is computed from."""
    period = parse_period(figure["period"], fiscal)
    for term in expression["terms"]:
        if term["at"] == "target":
            yield FigurePart(
                term["metric"], figure["period"], "target", None, None, _target_query(folder, term["metric"], figure)
            )
            continue
        then = at_term(period, term["at"], term["months"], fiscal)
        moved = {
            **figure,
            "metric": term["metric"],
            "period": then.label,
            "period_start": then.start,
            "period_end": then.end,
            "observed_until": min(then.end, _day_of(figure["observed_until"])),
        }
        yield _part(folder, metrics[term["metric"]], moved, term["at"])


def _target_query(folder: Path, metric: str, figure: Figure) -> str:
    """Return the query of a metric's target in a figure's period, scope and member."""
    file = literal(str(folder / "targets.parquet"))
    keys = {**figure, "metric": metric}
    columns = ("metric", "grain", "period", "scope", "dimension", "member")
    same = " and ".join(f"{name} = {literal(keys[name])}" for name in columns)
    # Without a target, any_value returns null, so the query always has one row.
    return f"select any_value(target)::decimal(38, 8) as value from read_parquet({file}) where {same}"


def _condition(folder: Path, definition: dict[str, Any], figure: Figure) -> str:
    """Return the SQL condition of the frozen observations that count in a figure, with literal values."""
    observations = folder / "observations.parquet"
    # A close has the dimensions of its own time, not those declared now.
    if figure["dimension"] not in store.columns(observations):
        raise ScorecardError(
            f"The observations of {folder.name} lack the dimension {figure['dimension']!r}.",
            "Run `scorecard verify`. If the close is broken, restore its folder from a backup.",
        )
    kind = "stock" if is_stock(definition) else definition.get("kind", "flow")
    rule = counts_in(kind, "ROW", "FIGURE").replace("ROW.", "")
    for name in ("period_start", "period_end", "observed_until"):
        rule = rule.replace(f"FIGURE.{name}", f"date {literal(_day(figure[name]))}")
    rule = rule.replace("FIGURE.grain", literal(figure["grain"]))
    base = metric_of(definition["model"])
    parts = [f"metric = {literal(base)}", rule]
    if "period_start" not in store.columns(observations):
        # Closes of earlier releases have only the grain of an observation's period.
        parts.append(f"(grain is null or grain = {literal(figure['grain'])})")
    parts.append(f"{quoted(figure['dimension'])} = {literal(figure['member'])}")
    return "\n      and ".join(parts)


def _fiscal(definitions: dict[str, Any]) -> FiscalYear:
    settings = definitions["settings"]
    return FiscalYear(settings["fiscal_year_start_month"], settings.get("fiscal_year_named_after", "end"))


def figure_of(folder: Path, figure_id: str, local_id: str) -> Figure:
    """Return a figure of a close.

    Raises
    ------
    ScorecardError: the close has no figure of that id.
    """
    path = folder / "values.parquet"
    with duckdb.connect() as connection:
        rows = connection.execute(
            "select metric, grain, period, period_start, period_end, observed_until, scope, dimension, member, value, "
            f"{store.optional(path, 'at_most', 'decimal(38, 8)')}, "
            f"{store.optional(path, 'longer_than', 'decimal(38, 8)')}, na_reason "
            "from read_parquet($path) where figure_id = $id",
            {"path": str(path), "id": local_id},
        )
        names = [column[0] for column in rows.description or ()]
        figures = rows.fetchall()
    if not figures:
        raise ScorecardError(
            f"The close {folder.name} has no figure {figure_id!r}.",
            "The scorecard's last page prints the figure ids, and so does `scorecard values --json`.",
        )
    return dict(zip(names, figures[0], strict=True))


def _day(day: date | datetime) -> str:
    return _day_of(day).isoformat()


def _day_of(day: date | datetime) -> date:
    return day.date() if isinstance(day, datetime) else day
