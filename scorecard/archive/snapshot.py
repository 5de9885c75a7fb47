"""Read the published warehouse for one scorecard and period: which figures, observations, targets, checks, loads.

Nothing here knows a metric; the catalogue names them and says how each is aggregated.
"""

# ruff: noqa: S608 - the names in these queries come from the catalogue and the values are bound
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa

from scorecard.archive.words import of_languages, with_words
from scorecard.catalogue import Metric, Scorecard, declared_sources, load_dimensions
from scorecard.errors import ScorecardError
from scorecard.languages import load_translations
from scorecard.periods import FiscalYear, Grain, Period, last_over, period_of
from scorecard.settings import Settings

SPARKLINE = 13
_RECORD_COLUMNS = (
    *("metric", "observation_id", "source_system", "source_object", "record_id"),
    *(
        "source_file",
        "source_line",
        "source_sha256",
        "occurred_at",
        "occurred_on",
        "ended_on",
        "grain",
        "scope",
        "evidence",
    ),
)
_AMOUNT_COLUMNS = ("numerator", "denominator", "settles_on")
# What a model of a company's own may lack, and what stands in its place.
_OPTIONAL = {"evidence": "null::varchar[]", "settles_on": "null::date"}
_TARGET_COLUMNS = (
    *("metric", "grain", "period", "scope", "dimension", "member", "target", "unit", "owner", "due"),
    *("parent_kgi", "reason", "achievable"),
)
# run_at is left out: the hour of a check is no part of what the close says.
_CHECK_COLUMNS = (
    *(
        "check_id",
        "kind",
        "name",
        "source",
        "object",
        "severity",
        "passed",
        "failures",
        # How many rows all units' KPIs have together is no part of what this scorecard says.
        "case when source <> 'kpis' then checked end as checked",
        "message",
        "cure",
        "words",
    ),
)
_ACTION_COLUMNS = (
    *("action_id", "metric", "what", "who", "from_date", "due", "progress", "status"),
    *("expected_effect", "scope", "dimension", "member", "sample"),
)


@dataclass(frozen=True)
class Frozen:
    """What a close holds of the warehouse."""

    tables: dict[str, pa.Table]
    loads: list[dict[str, Any]]
    horizons: dict[str, dict[str, date | None]]


def frozen_periods(period: Period, fiscal: FiscalYear) -> list[Period]:
    """Return the period, the one before, the one a year ago, and the 13 that its sparklines show, each once."""
    by_months = period.grain in (Grain.QUARTER, Grain.YEAR)
    newest = period_of(period.last_day, Grain.MONTH, fiscal) if by_months else period
    sparkline = [newest.shift(-back, fiscal) for back in range(SPARKLINE)]
    return list(dict.fromkeys([period, period.shift(-1, fiscal), period.year_ago(fiscal), *sparkline]))


def frozen_metrics(scorecard: Scorecard, metrics: dict[str, Metric]) -> list[Metric]:
    """Return the metrics that a scorecard may print: those it names, those of its breakdowns, and their variants."""
    named = dict.fromkeys([*scorecard.metrics, *(metric for metric, _ in scorecard.breakdowns)])
    found: dict[str, Metric] = {}
    for name in named:
        found[name] = metrics[name]
        found |= {metric.name: metric for metric in metrics.values() if metric.variant_of == name}
    return list(found.values())


@contextmanager
def opened(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the published warehouse to be read.

    Raises
    ------
    ScorecardError: there is none yet, or it can't be read.
    """
    if not settings.snapshot.is_file():
        raise ScorecardError(
            f"There is no published warehouse at {settings.snapshot}.",
            "Run `scorecard run`, which builds and publishes it.",
        )
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        # Under the name it was built with, since views may name their tables in full.
        name = settings.warehouse.stem
        try:
            connection.execute(f"attach '{_quoted(str(settings.snapshot))}' as \"{name}\" (read_only)")
        except duckdb.Error as error:
            raise ScorecardError(
                f"The published warehouse at {settings.snapshot} can't be read: {error}",
                "Run `scorecard run` to build it anew.",
            ) from error
        connection.execute(f'use "{name}"')
        yield connection


def read(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    scorecard: Scorecard,
    metrics: list[Metric],
    period: Period,
) -> Frozen:
    """Return everything a close freezes, sorted, so that the same warehouse gives the same tables.

    Raises
    ------
    ScorecardError: the warehouse has no figure of the scorecard in the period.
    """
    _prepare(connection, settings, scorecard, metrics, period)
    translations = load_translations(settings.project / "reports")
    dimensions = list(load_dimensions(settings))
    values = _values(connection, scorecard, dimensions)
    if not connection.execute("select count(*) from frozen_values where period_rank = 0").fetchall()[0][0]:
        raise ScorecardError(
            f"There are no figures of the scorecard {scorecard.name} for {period}.",
            f"Choose a period that has data; `scorecard values --metric {scorecard.metrics[0]} --by business_unit` "
            "shows which.",
        )
    tables = {
        "values.parquet": values,
        "observations.parquet": _observations(connection, scorecard, metrics, dimensions),
        "targets.parquet": with_words(_targets(connection, scorecard), ("reason",), scorecard.languages, translations),
        "checks.parquet": of_languages(_checks(connection, settings, scorecard, metrics), scorecard.languages),
        "actions.parquet": with_words(
            _sorted(connection, "select * from frozen_actions"),
            ("what", "expected_effect"),
            scorecard.languages,
            translations,
        ),
    }
    return Frozen(tables, _loads(connection), _horizons(connection, scorecard, period))


def _targets(connection: duckdb.DuckDBPyConnection, scorecard: Scorecard) -> pa.Table:
    return _sorted(
        connection,
        f"select {_listed(_TARGET_COLUMNS)} from scorecard.kpi_targets "
        "where metric in (select metric from frozen_metrics) "
        "and (grain, period) in (select (grain, period) from frozen_periods) "
        "and scope = $scope",
        {"scope": scorecard.business_unit},
    )


def _checks(
    connection: duckdb.DuckDBPyConnection, settings: Settings, scorecard: Scorecard, metrics: list[Metric]
) -> pa.Table:
    """Return the checks of this scorecard's metrics, or a metric added elsewhere would make a new edition of it."""
    return _sorted(
        connection,
        f"select {', '.join(_CHECK_COLUMNS)}, list_sort(list_intersect(metrics, $names::varchar[])) as metrics "
        "from quality.check_results where list_has_any(metrics, $names::varchar[]) "
        "and (business_unit is null or business_unit = $unit) "
        # Models that several units share join their sources; what another unit's source has wrong is not here.
        "and not list_contains($foreign::varchar[], source)",
        {
            "names": [metric.name for metric in metrics],
            "unit": scorecard.business_unit,
            "foreign": list(foreign_sources(settings, scorecard.business_unit)),
        },
    )


def _prepare(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    scorecard: Scorecard,
    metrics: list[Metric],
    period: Period,
) -> None:
    connection.execute("create temp table frozen_metrics (rank integer, metric varchar, base varchar, stock boolean)")
    connection.executemany(
        "insert into frozen_metrics values (?, ?, ?, ?)",
        [(rank, metric.name, metric.base, metric.aggregate == "last") for rank, metric in enumerate(metrics)],
    )
    connection.execute(
        "create temp table frozen_periods (rank integer, grain varchar, period varchar, first_day date, end_day date)"
    )
    connection.executemany(
        "insert into frozen_periods values (?, ?, ?, ?, ?)",
        [
            (min(rank, 3), each.grain.value, each.label, each.start, each.end)
            for rank, each in enumerate(frozen_periods(period, settings.fiscal))
        ],
    )
    connection.execute(
        "create temp table frozen_actions as select "
        f"{_listed(_ACTION_COLUMNS)} from scorecard.actions where metric in (select metric from frozen_metrics) "
        "and (from_date is null or from_date < $end) and scope = $scope",
        {"end": period.end, "scope": scorecard.business_unit},
    )
    _prepare_bases(connection, period, settings.fiscal)


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


def _values(connection: duckdb.DuckDBPyConnection, scorecard: Scorecard, dimensions: Iterable[str]) -> pa.Table:
    """Return the rows of kpi_status with their figure ids; those of the summary come first."""
    ranks = " ".join(f"when '{name}' then {rank}" for rank, name in enumerate(dimensions))
    connection.execute(
        "create temp table frozen_values as "
        # What is there only for an action comes last, so that the ids of all other figures stay as they are.
        f"select status.*, coalesce(periods.rank, 4) as period_rank, case dimension {ranks} end as dimension_rank, "
        "metrics.rank as metric_rank, metrics.base from scorecard.kpi_status as status "
        "join frozen_metrics as metrics using (metric) "
        "left join frozen_periods as periods using (grain, period) "
        "where status.scope = $scope and (periods.rank is not null or "
        "(metric, grain, period, dimension, member) in (from frozen_bases))",
        {"scope": scorecard.business_unit},
    )
    ((twice,),) = connection.execute(
        "select count(*) from (select 1 from frozen_values group by metric, grain, period, dimension, member "
        "having count(*) > 1)"
    ).fetchall()
    if twice:
        raise ScorecardError(
            f"The published warehouse has {twice} figures twice.",
            "Run `scorecard run` to build it anew; then report it.",
        )
    return connection.sql(
        "select printf('F%03d', row_number() over (order by period_rank, dimension_rank, metric_rank, period_start, "
        "grain, member)) as figure_id, * exclude (period_rank, dimension_rank, metric_rank, base) from frozen_values "
        "order by period_rank, dimension_rank, metric_rank, period_start, grain, member"
    ).to_arrow_table()


def _observations(
    connection: duckdb.DuckDBPyConnection, scorecard: Scorecard, metrics: list[Metric], dimensions: Iterable[str]
) -> pa.Table:
    """Return every observation that a frozen figure is made of."""
    connection.execute(
        "create temp table frozen_spans as select distinct base, grain, period_start as first_day, "
        "period_end as end_day, observed_until from frozen_values"
    )
    during = "o.occurred_on >= p.first_day and o.occurred_on < p.end_day"
    at_its_end = "o.occurred_on < p.observed_until and (o.ended_on is null or o.ended_on >= p.observed_until)"
    parts = []
    for model, of_model in _models(metrics).items():
        counted = []
        if any(metric.aggregate != "last" for metric in of_model):
            counted.append(f"({during})")
        if any(metric.aggregate == "last" for metric in of_model):
            counted.append(f"({at_its_end})")
        parts.append(
            f'select {_observation_columns(connection, model, dimensions)} from kpis."{model}" as o '
            f"where scope = $scope and exists (select 1 from frozen_spans as p where p.base = '{of_model[0].base}' "
            f"and (o.grain is null or o.grain = p.grain) and ({' or '.join(counted)}))"
        )
    connection.execute(
        f"create temp table frozen_observations as {' union all '.join(parts)}", {"scope": scorecard.business_unit}
    )
    return connection.sql("select * from frozen_observations order by all").to_arrow_table()


def _loads(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Return the loads that brought the file versions which the observations came from."""
    schemas = connection.execute(
        "select schema_name from duckdb_tables() where table_name = '_loaded_files' "
        "and starts_with(schema_name, 'raw_') and database_name = current_database() order by 1"
    ).fetchall()
    if not schemas:
        return []
    parts = " union all ".join(
        f"select _dlt_load_id as load_id, '{_quoted(schema.removeprefix('raw_'))}' as source, object, source_file, "
        f'source_sha256, rows_loaded, loaded_at from "{schema}"._loaded_files'
        for (schema,) in schemas
    )
    rows = connection.sql(
        "select distinct * replace (strftime(loaded_at at time zone 'UTC', '%Y-%m-%dT%H:%M:%SZ') as loaded_at) "
        f"from ({parts}) where (source_file, source_sha256) in "
        "(select (source_file, source_sha256) from frozen_observations) order by all"
    ).to_arrow_table()
    return list(rows.to_pylist())


def _horizons(
    connection: duckdb.DuckDBPyConnection, scorecard: Scorecard, period: Period
) -> dict[str, dict[str, date | None]]:
    """Return from when to when each metric has data, cut at the period's end: what came later changes no close."""
    rows = connection.execute(
        "select metric, first_day, least(last_day, $last) from scorecard.horizons "
        "where business_unit = $unit "
        "and metric in (select metric from frozen_metrics union select base from frozen_metrics)",
        {"unit": scorecard.business_unit, "last": period.last_day},
    ).fetchall()
    return {metric: {"first_day": first, "last_day": last} for metric, first, last in rows}


def foreign_sources(settings: Settings, unit: str) -> dict[str, str]:
    """Return the sources of exports that are said to be of another business unit, with their schemas."""
    declared = declared_sources(settings)
    return {
        name: source.schema
        for name, source in declared.items()
        if not source.service and source.business_unit not in ("", unit)
    }


def _observation_columns(connection: duckdb.DuckDBPyConnection, model: str, dimensions: Iterable[str]) -> str:
    """Return the columns to select; those that not every model has are null where it lacks them."""
    present = {row[0] for row in connection.execute(f'describe kpis."{model}"').fetchall()}
    optional = {**_OPTIONAL, **dict.fromkeys(dimensions, "null::varchar")}
    return ", ".join(
        f'"{column}"' if column in present or column not in optional else f'{optional[column]} as "{column}"'
        for column in (*_RECORD_COLUMNS, *dimensions, *_AMOUNT_COLUMNS)
    )


def _models(metrics: Iterable[Metric]) -> dict[str, list[Metric]]:
    models: dict[str, list[Metric]] = {}
    for metric in metrics:
        models.setdefault(metric.model, []).append(metric)
    return models


def _sorted(connection: duckdb.DuckDBPyConnection, query: str, values: dict[str, Any] | None = None) -> pa.Table:
    return connection.sql(f"{query} order by all", params=values or {}).to_arrow_table()


def _listed(columns: Iterable[str]) -> str:
    return ", ".join(f'"{column}"' for column in columns)


def _quoted(text: str) -> str:
    return text.replace("'", "''")
