"""The scope of a close: its periods, its metrics, its actions, and the figures that these rest on."""

from collections.abc import Iterable
from dataclasses import dataclass

import duckdb

from scorecard.catalogue import Metric, Scorecard
from scorecard.shared.periods import FiscalYear, Grain, Period, at_term, last_over, period_of
from scorecard.shared.sql import quoted

SPARKLINE_PERIODS = 13
_ACTION_COLUMNS = (
    *("action_id", "metric", "what", "who", "from_date", "due", "progress", "status"),
    *("expected_effect", "scope", "dimension", "member", "sample"),
    *("source_file", "source_line", "source_sha256"),
)


@dataclass(frozen=True)
class CloseScope:
    """What a close covers.

    metrics: the metrics that the scorecard may print. behind: other metrics that derived ones are computed from.
    """

    scorecard: Scorecard
    period: Period
    metrics: list[Metric]
    behind: list[Metric]

    @property
    def all_metrics(self) -> list[Metric]:
        """The metrics of both kinds."""
        return [*self.metrics, *self.behind]


def frozen_periods(period: Period, fiscal: FiscalYear) -> list[Period]:
    """Return the period, the one before, the one a year ago, and the 13 of its sparklines, without duplicates."""
    by_months = period.grain in (Grain.QUARTER, Grain.YEAR)
    newest = period_of(period.last_day, Grain.MONTH, fiscal) if by_months else period
    sparkline = [newest.shift(-back, fiscal) for back in range(SPARKLINE_PERIODS)]
    return list(dict.fromkeys([period, period.shift(-1, fiscal), period.year_ago(fiscal), *sparkline]))


def frozen_metrics(scorecard: Scorecard, metrics: dict[str, Metric]) -> list[Metric]:
    """Return the metrics that a scorecard may print: its own, those of its breakdowns, and their variants."""
    names = dict.fromkeys([*scorecard.metrics, *(metric for metric, _ in scorecard.breakdowns)])
    chosen: dict[str, Metric] = {}
    for name in names:
        chosen[name] = metrics[name]
        chosen |= {metric.name: metric for metric in metrics.values() if metric.variant_of == name}
    return list(chosen.values())


def behind_metrics(chosen: Iterable[Metric], metrics: dict[str, Metric]) -> list[Metric]:
    """Return the metrics that derived metrics are computed from and that are not chosen themselves."""
    chosen = list(chosen)
    terms = [term.metric for metric in chosen if metric.expression for term in metric.expression.terms]
    printed = {metric.name for metric in chosen}
    return [metrics[name] for name in dict.fromkeys(terms) if name not in printed]


def prepare(connection: duckdb.DuckDBPyConnection, scope: CloseScope, fiscal: FiscalYear) -> None:
    """Make the temporary tables of the scope: its metrics, periods and actions, and the figures that these rest on."""
    periods = frozen_periods(scope.period, fiscal)
    connection.execute(
        "create temp table frozen_metrics (rank integer, metric varchar, base varchar, kind varchar, is_behind boolean)"
    )
    connection.executemany(
        "insert into frozen_metrics values (?, ?, ?, ?, ?)",
        [
            (rank, metric.name, metric.base, metric.kind, rank >= len(scope.metrics))
            for rank, metric in enumerate(scope.all_metrics)
        ],
    )
    connection.execute(
        "create temp table frozen_periods (rank integer, grain varchar, period varchar, first_day date, end_day date)"
    )
    connection.executemany(
        "insert into frozen_periods values (?, ?, ?, ?, ?)",
        [
            (min(rank, 3), frozen.grain.value, frozen.label, frozen.start, frozen.end)
            for rank, frozen in enumerate(periods)
        ],
    )
    connection.execute(
        "create temp table frozen_actions as select "
        f"{listed(_ACTION_COLUMNS)} from scorecard.actions "
        "where metric in (select metric from frozen_metrics where not is_behind) "
        "and (from_date is null or from_date < $end) and scope = $scope",
        {"end": scope.period.end, "scope": scope.scorecard.business_unit},
    )
    _prepare_bases(connection, scope.period, fiscal)
    _prepare_terms(connection, scope.metrics, periods, fiscal)


def _prepare_bases(connection: duckdb.DuckDBPyConnection, period: Period, fiscal: FiscalYear) -> None:
    """List the figures that actions are compared with: of the last period before each action began."""
    connection.execute(
        "create temp table frozen_bases (metric varchar, grain varchar, period varchar, dimension varchar, "
        "member varchar)"
    )
    begun = connection.execute(
        "select metric, dimension, member, from_date from frozen_actions where from_date is not null"
    ).fetchall()
    for metric, dimension, member, begins in begun:
        base = last_over(begins, period.grain, fiscal)
        connection.execute(
            "insert into frozen_bases values (?, ?, ?, ?, ?)",
            [metric, base.grain.value, base.label, dimension, member],
        )


def _prepare_terms(
    connection: duckdb.DuckDBPyConnection, metrics: list[Metric], periods: list[Period], fiscal: FiscalYear
) -> None:
    """List the figures that derived figures are computed from: those of their terms, for all members of the unit."""
    connection.execute("create temp table frozen_terms (metric varchar, grain varchar, period varchar)")
    terms = {
        (term.metric, period.grain.value, at_term(period, term.at, term.months, fiscal).label)
        for metric in metrics
        if metric.expression
        for term in metric.expression.terms
        for period in periods
        if term.at != "target"
    }
    connection.executemany("insert into frozen_terms values (?, ?, ?)", sorted(terms) or [(None, None, None)])


def listed(columns: Iterable[str]) -> str:
    """Return columns as a list in SQL."""
    return ", ".join(map(quoted, columns))
