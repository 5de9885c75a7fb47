"""What a close covers: its periods, its metrics, and its actions with what they are compared with."""

from collections.abc import Iterable

import duckdb

from scorecard.catalogue import Metric, Scorecard
from scorecard.shared.periods import FiscalYear, Grain, Period, at_term, last_over, period_of
from scorecard.shared.settings import Settings
from scorecard.shared.sql import quoted

SPARKLINE = 13
_ACTION_COLUMNS = (
    *("action_id", "metric", "what", "who", "from_date", "due", "progress", "status"),
    *("expected_effect", "scope", "dimension", "member", "sample"),
    *("source_file", "source_line", "source_sha256"),
)


def frozen_periods(period: Period, fiscal: FiscalYear) -> list[Period]:
    """Return the period, the one before, the one a year ago, and the 13 that its sparklines show, each once."""
    by_months = period.grain in (Grain.QUARTER, Grain.YEAR)
    newest = period_of(period.last_day, Grain.MONTH, fiscal) if by_months else period
    sparkline = [newest.shift(-back, fiscal) for back in range(SPARKLINE)]
    return list(dict.fromkeys([period, period.shift(-1, fiscal), period.year_ago(fiscal), *sparkline]))


def frozen_metrics(scorecard: Scorecard, metrics: dict[str, Metric]) -> list[Metric]:
    """Return the metrics that a scorecard may print: those it names, those of its breakdowns, and their variants."""
    named = dict.fromkeys([*scorecard.metrics, *(metric for metric, _ in scorecard.breakdowns)])
    chosen: dict[str, Metric] = {}
    for name in named:
        chosen[name] = metrics[name]
        chosen |= {metric.name: metric for metric in metrics.values() if metric.variant_of == name}
    return list(chosen.values())


def behind_metrics(chosen: Iterable[Metric], metrics: dict[str, Metric]) -> list[Metric]:
    """Return the metrics that derived ones are computed from and that a scorecard doesn't print itself."""
    chosen = list(chosen)
    terms = [term.metric for metric in chosen if metric.expression for term in metric.expression.terms]
    printed = {metric.name for metric in chosen}
    return [metrics[name] for name in dict.fromkeys(terms) if name not in printed]


def prepare(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    scorecard: Scorecard,
    metrics: list[Metric],
    behind: list[Metric],
    period: Period,
) -> None:
    """List what a close freezes in temporary tables: its metrics, periods, actions and what these rest on."""
    connection.execute(
        "create temp table frozen_metrics (rank integer, metric varchar, base varchar, kind varchar, is_behind boolean)"
    )
    connection.executemany(
        "insert into frozen_metrics values (?, ?, ?, ?, ?)",
        [
            (rank, metric.name, metric.base, metric.kind, rank >= len(metrics))
            for rank, metric in enumerate([*metrics, *behind])
        ],
    )
    connection.execute(
        "create temp table frozen_periods (rank integer, grain varchar, period varchar, first_day date, end_day date)"
    )
    connection.executemany(
        "insert into frozen_periods values (?, ?, ?, ?, ?)",
        [
            (min(rank, 3), frozen.grain.value, frozen.label, frozen.start, frozen.end)
            for rank, frozen in enumerate(frozen_periods(period, settings.fiscal))
        ],
    )
    connection.execute(
        "create temp table frozen_actions as select "
        f"{listed(_ACTION_COLUMNS)} from scorecard.actions "
        "where metric in (select metric from frozen_metrics where not is_behind) "
        "and (from_date is null or from_date < $end) and scope = $scope",
        {"end": period.end, "scope": scorecard.business_unit},
    )
    _prepare_bases(connection, period, settings.fiscal)
    _prepare_terms(connection, metrics, frozen_periods(period, settings.fiscal), settings.fiscal)


def _prepare_bases(connection: duckdb.DuckDBPyConnection, period: Period, fiscal: FiscalYear) -> None:
    """List what actions are compared with: the figure of the last period that was over when each began."""
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
    """List what derived figures are computed from: the figures of their terms, in all of the unit's members."""
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
    """Return names of columns as SQL."""
    return ", ".join(map(quoted, columns))
