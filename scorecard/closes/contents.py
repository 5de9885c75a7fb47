"""Read the content of a close from the published warehouse: figures, observations, targets, checks and loads.

This module names no metric. The catalogue names them, with their aggregates.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa

from scorecard.catalogue import ALL_UNITS, Metric, Scorecard, declared_sources, load_dimensions
from scorecard.closes.contribution import counts_in
from scorecard.closes.frozen_definitions import of_languages, with_words
from scorecard.closes.frozen_scope import CloseScope, listed, prepare
from scorecard.shared.errors import ScorecardError
from scorecard.shared.languages import load_translations
from scorecard.shared.periods import Period
from scorecard.shared.settings import Settings
from scorecard.shared.sql import literal, quoted

_RECORD_COLUMNS = (
    *("metric", "observation_id", "source_system", "source_object", "record_id", "source_file", "source_line"),
    *("source_sha256", "occurred_at", "occurred_on", "ended_on", "grain", "period_start", "period_until", "scope"),
)
_AMOUNT_COLUMNS = ("numerator", "denominator", "is_event", "settles_on")
_TARGET_COLUMNS = (
    *("metric", "grain", "period", "scope", "dimension", "member", "target", "unit", "owner", "due"),
    *("parent_kgi", "reason", "achievable", "source_file", "source_line", "source_sha256"),
)
# The moment of a check is not part of the content of a close, so run_at is left out.
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
        # The number of rows of all units' KPIs is not part of the content of one scorecard.
        "case when source <> 'kpis' then checked end as checked",
        "message",
        "cure",
        "words",
    ),
)


@dataclass(frozen=True)
class Frozen:
    """The content of a close: tables by file name, loads, and by metric its first and last day of data."""

    tables: dict[str, pa.Table]
    loads: list[dict[str, Any]]
    horizons: dict[str, dict[str, date | None]]


def read(
    connection: duckdb.DuckDBPyConnection, settings: Settings, scope: CloseScope, converted: Collection[str] = ()
) -> Frozen:
    """Return everything that a close freezes. The rows are sorted, so that the same warehouse gives the same tables.

    Parameters
    ----------
    converted: the metrics with amounts that exchange rates convert.

    Raises
    ------
    ScorecardError: the warehouse has no figure of the scorecard in the period.
    """
    prepare(connection, scope, settings.fiscal)
    translations = load_translations(settings.project / "reports")
    scorecard, languages = scope.scorecard, scope.scorecard.languages
    dimensions = list(load_dimensions(settings))
    values = _values(connection, scorecard, dimensions)
    _refuse_no_figures(connection, scorecard, scope.period)
    checks = _checks(connection, settings, scorecard, scope.all_metrics)
    observations = _observations(connection, scorecard, dimensions)
    targets, actions = _targets(connection, scorecard), _sorted(connection, "select * from frozen_actions")
    tables = {
        "values.parquet": values,
        "observations.parquet": observations,
        "evidence.parquet": _evidence(connection, converted),
        "targets.parquet": with_words(targets, ("reason",), languages, translations),
        "checks.parquet": of_languages(checks, languages),
        "actions.parquet": with_words(actions, ("what", "expected_effect"), languages, translations),
    }
    return Frozen(tables, _loads(connection), _horizons(connection, scorecard, scope.period))


def _refuse_no_figures(connection: duckdb.DuckDBPyConnection, scorecard: Scorecard, period: Period) -> None:
    if not connection.execute("select count(*) from frozen_values where period_rank = 0").fetchall()[0][0]:
        raise ScorecardError(
            f"There are no figures of the scorecard {scorecard.name} for {period}.",
            f"Choose a period with data; `scorecard values --metric {scorecard.metrics[0]} --by business_unit` "
            "lists them.",
        )


def _targets(connection: duckdb.DuckDBPyConnection, scorecard: Scorecard) -> pa.Table:
    connection.execute(
        f"create temp table frozen_targets as select {listed(_TARGET_COLUMNS)} from scorecard.kpi_targets "
        "where metric in (select metric from frozen_metrics) "
        "and (grain, period) in (select (grain, period) from frozen_periods) "
        "and scope = $scope",
        {"scope": scorecard.business_unit},
    )
    return _sorted(connection, "select * from frozen_targets")


def _checks(
    connection: duckdb.DuckDBPyConnection, settings: Settings, scorecard: Scorecard, metrics: list[Metric]
) -> pa.Table:
    """Return the checks of this scorecard's metrics and unit, so that others' checks make no edition of it."""
    return _sorted(
        connection,
        f"select {', '.join(_CHECK_COLUMNS)}, list_sort(list_intersect(metrics, $names::varchar[])) as metrics "
        "from quality.check_results where list_has_any(metrics, $names::varchar[]) "
        "and (business_unit is null or business_unit = $unit) "
        # Units share models. The faults of another unit's sources are left out.
        "and not list_contains($foreign::varchar[], source)",
        {
            "names": [metric.name for metric in metrics],
            "unit": scorecard.business_unit,
            "foreign": list(foreign_sources(settings, scorecard.business_unit)),
        },
    )


def _values(connection: duckdb.DuckDBPyConnection, scorecard: Scorecard, dimensions: Sequence[str]) -> pa.Table:
    """Return the rows of kpi_status with their figure ids. The figures of the summary come first."""
    ranks = " ".join(f"when {literal(name)} then {rank}" for rank, name in enumerate(dimensions))
    connection.execute(
        "create temp table frozen_values as "
        # Figures for derived figures and, last, those for actions come after all others, whose ids stay the same.
        "select status.*, case when not metrics.is_behind and periods.rank is not null then periods.rank "
        "when (metric, grain, period) in (from frozen_terms) then 4 else 5 end as period_rank, "
        f"case dimension {ranks} end as dimension_rank, metrics.rank as metric_rank, metrics.base "
        "from scorecard.kpi_status as status join frozen_metrics as metrics using (metric) "
        "left join frozen_periods as periods using (grain, period) "
        "where status.scope = $scope and (not metrics.is_behind and periods.rank is not null "
        "or (metric, grain, period, dimension, member) in (from frozen_bases) "
        "or (metric, grain, period) in (from frozen_terms))",
        {"scope": scorecard.business_unit},
    )
    ((twice,),) = connection.execute(
        "select count(*) from (select 1 from frozen_values group by metric, grain, period, dimension, member "
        "having count(*) > 1)"
    ).fetchall()
    if twice:
        raise ScorecardError(
            f"The published warehouse has {twice} duplicate figures.",
            "Run `scorecard run` to build it again. If it has duplicates then, report the fault.",
        )
    return connection.sql(
        "select printf('F%03d', row_number() over (order by period_rank, dimension_rank, metric_rank, period_start, "
        "grain, member)) as figure_id, * exclude (period_rank, dimension_rank, metric_rank, base) from frozen_values "
        "order by period_rank, dimension_rank, metric_rank, period_start, grain, member"
    ).to_arrow_table()


def _observations(connection: duckdb.DuckDBPyConnection, scorecard: Scorecard, dimensions: Sequence[str]) -> pa.Table:
    """Return every observation that counts in a frozen figure."""
    connection.execute(
        "create temp table frozen_spans as select distinct base, kind, grain, period_start, period_end, observed_until "
        "from frozen_values join frozen_metrics using (metric, base)"
    )
    ((kinds,),) = connection.execute("select list(distinct kind order by kind) from frozen_spans").fetchall()
    counted = " ".join(f"when {literal(kind)} then {counts_in(kind, 'o', 'p')}" for kind in kinds)
    connection.execute(
        f"create temp table frozen_observations as select {listed((*_RECORD_COLUMNS, *dimensions, *_AMOUNT_COLUMNS))} "
        "from scorecard.kpi_observations as o where scope = $scope "
        "and metric in (select base from frozen_metrics) and exists "
        f"(select 1 from frozen_spans as p where p.base = o.metric and case p.kind {counted} end)",
        {"scope": scorecard.business_unit},
    )
    return _sorted(connection, "select * from frozen_observations")


def _evidence(connection: duckdb.DuckDBPyConnection, converted: Collection[str]) -> pa.Table:
    """Return the records behind the frozen observations, with the exchange rates of converted metrics."""
    query = (
        "select distinct e.* from scorecard.kpi_evidence as e "
        "semi join frozen_observations as o using (metric, source_system, source_object, record_id)"
    )
    if not converted:
        return _sorted(connection, query)
    rates = (
        "select distinct o.metric, e.* from evidence.evidence_exchange_rates as e "
        "join frozen_observations as o using (source_system, source_object, record_id) "
        "where list_contains($converted::varchar[], o.metric)"
    )
    return _sorted(connection, f"select * from ({query} union {rates})", {"converted": sorted(converted)})


def _loads(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Return the loads of the file versions that the observations, targets and actions come from."""
    schemas = connection.execute(
        "select schema_name from duckdb_tables() where table_name = '_loaded_files' "
        "and starts_with(schema_name, 'raw_') and database_name = current_database() order by 1"
    ).fetchall()
    if not schemas:
        return []
    parts = " union all ".join(
        f"select _dlt_load_id as load_id, {literal(schema.removeprefix('raw_'))} as source, object, source_file, "
        f"source_sha256, rows_loaded, loaded_at from {quoted(schema)}._loaded_files"
        for (schema,) in schemas
    )
    rows = connection.sql(
        "select distinct * replace (strftime(loaded_at at time zone 'UTC', '%Y-%m-%dT%H:%M:%SZ') as loaded_at) "
        f"from ({parts}) where (source_file, source_sha256) in "
        "(select (source_file, source_sha256) from frozen_observations "
        "union select (source_file, source_sha256) from frozen_targets "
        "union select (source_file, source_sha256) from frozen_actions) order by all"
    ).to_arrow_table()
    return list(rows.to_pylist())


def _horizons(
    connection: duckdb.DuckDBPyConnection, scorecard: Scorecard, period: Period
) -> dict[str, dict[str, date | None]]:
    """Return each metric's first and last day of data. Days after the period are cut off: they change no close."""
    rows = connection.execute(
        "select metric, first_day, least(last_day, $last) from scorecard.horizons "
        "where business_unit = $unit "
        "and metric in (select metric from frozen_metrics union select base from frozen_metrics)",
        {"unit": scorecard.business_unit, "last": period.last_day},
    ).fetchall()
    return {metric: {"first_day": first, "last_day": last} for metric, first, last in rows}


def renamed_members(connection: duckdb.DuckDBPyConnection, unit: str) -> list[tuple[str, str, str]]:
    """Return the renamed members of a business unit: dimension, other name, and present name."""
    view = connection.execute(
        "select 1 from information_schema.tables where table_schema = 'intermediate' and table_name = 'int_names' "
        "and table_catalog = current_database()"
    ).fetchone()
    if view is None:
        return []
    return connection.execute(
        "select field, spelling, name from intermediate.int_names where business_unit = $unit and spelling <> name "
        "order by all",
        {"unit": unit},
    ).fetchall()


def foreign_sources(settings: Settings, unit: str) -> dict[str, str]:
    """Return the sources of exports that are declared for another business unit, with their schemas."""
    declared = declared_sources(settings)
    return {
        name: source.schema
        for name, source in declared.items()
        if not source.service and source.business_unit not in ("", unit, ALL_UNITS)
    }


def _sorted(connection: duckdb.DuckDBPyConnection, query: str, values: dict[str, Any] | None = None) -> pa.Table:
    return connection.sql(f"{query} order by all", params=values or {}).to_arrow_table()
