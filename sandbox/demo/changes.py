"""What a run has changed in the raw tables of services, and in the figures of business units."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import duckdb

from scorecard.extract import load_contracts
from scorecard.extract.contracts.contract import ObjectContract, SourceContract
from scorecard.shared.settings import Settings

Figures = dict[tuple[str, str, str], Decimal]
"""Values by business unit, metric and period."""


@dataclass(frozen=True)
class TableChanges:
    """Counts of a raw table's records by what changed since a moment.

    ``ended`` records were deleted or merged, or are no longer part of their parent record. ``live`` are current now.
    """

    table: str
    new: int
    changed: int
    ended: int
    live: int


def last_load(settings: Settings, sources: Iterable[str]) -> datetime:
    """Return when the raw tables of some sources were last loaded."""
    with duckdb.connect(str(settings.warehouse), read_only=True) as db:
        tables = _tables(db, settings, sources)
        moments = [db.execute(f"select max(_valid_from) from {_raw(*table)}").fetchone() for table in tables]
    loaded_at: list[datetime] = [row[0] for row in moments if row and row[0]]
    return max(loaded_at)


def changes(settings: Settings, sources: Iterable[str], since: datetime) -> list[TableChanges]:
    """Return what has changed in each raw table of some sources since a moment, by the records' keys."""
    with duckdb.connect(str(settings.warehouse), read_only=True) as db:
        return [_changed(db, *table, since) for table in _tables(db, settings, sources)]


def figures(settings: Settings, units: Iterable[str]) -> Figures:
    """Return all monthly values of some business units in the published snapshot."""
    with duckdb.connect(str(settings.snapshot), read_only=True) as db:
        rows = db.execute(
            "select scope, metric, period, value from scorecard.kpi_status"
            " where dimension = 'business_unit' and grain = 'month' and list_contains(?, scope) and value is not null"
            " order by scope, metric, period",
            [list(units)],
        ).fetchall()
    return {(unit, metric, period): value for unit, metric, period, value in rows}


def _tables(
    db: duckdb.DuckDBPyConnection, settings: Settings, sources: Iterable[str]
) -> list[tuple[SourceContract, ObjectContract]]:
    """Return the tables that have been loaded; an object without records has none."""
    contracts = load_contracts(settings)
    existing = set(db.execute("select table_schema, table_name from information_schema.tables").fetchall())
    return [
        (contracts[source], table)
        for source in sources
        for table in contracts[source].objects
        if (contracts[source].schema, table.name) in existing
    ]


def _raw(source: SourceContract, table: ObjectContract) -> str:
    return f'{source.schema}."{table.name}"'


def _changed(
    db: duckdb.DuckDBPyConnection, source: SourceContract, table: ObjectContract, since: datetime
) -> TableChanges:
    key = ", ".join(f'"{name}"' for name in table.primary_key)
    query = f"""
        with record as (
            select
                bool_or(_valid_from <= $since and coalesce(_valid_to > $since, true) and _deleted_at is null) as was,
                bool_or(_valid_to is null and _deleted_at is null) as is_there,
                bool_or(_valid_to is null and _valid_from > $since) as is_other
            from {_raw(source, table)}
            group by {key}
        )
        select
            count(*) filter (is_there and not was),
            count(*) filter (is_there and was and is_other),
            count(*) filter (was and not is_there),
            count(*) filter (is_there)
        from record
    """
    counts = db.execute(query, {"since": since}).fetchone() or (0, 0, 0, 0)
    return TableChanges(f"{source.name}.{table.name}", *counts)
