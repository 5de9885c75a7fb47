"""What extraction set aside, as results of checks."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from scorecard.catalogue import read_yaml
from scorecard.quality.quarantine import Bad, Object, Quarantine
from scorecard.quality.results import CheckResult, MetricsOf, Severity
from scorecard.quality.words import Words, read_translations
from scorecard.settings import Settings
from scorecard.text import plain

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_NAMED = 5
"""Records that a check names, the heaviest first."""


def from_extract(
    con: "DuckDBPyConnection",
    settings: Settings,
    sources: Sequence[str],
    metrics_of: MetricsOf,
    max_quarantined_share: float = 0.01,
) -> list[CheckResult]:
    """Return what extraction set aside, per object: rows in quarantine, records in doubt, columns no contract names.

    Parameters
    ----------
    con: the warehouse; raw_<source>._loaded_files and ._quarantine are read.
    metrics_of: metrics by raw object, ``raw_<source>.<object>``.
    max_quarantined_share: above this share of an object's rows, or of one of its amounts, an error, else a warning.
    """
    found = []
    words = read_translations(settings.project)
    for source in sources:
        # Of a source that was never loaded, extraction has said so.
        if not _was_loaded(con, source):
            continue
        contract = settings.dbt_project / "models" / "staging" / source / "_sources.yml"
        (entry,) = (item for item in read_yaml(contract)["sources"] if item["name"] == source)
        for table in entry["tables"]:
            # What extraction keeps beside the objects is its own, and has no export.
            if table["name"].startswith("_"):
                continue
            metrics = tuple(sorted(metrics_of.get(f"raw_{source}.{table['name']}", ())))
            raw = Object(con, entry, table)
            quarantine = raw.quarantine()
            severity: Severity = "error" if quarantine.share > max_quarantined_share else "warning"
            found.append(_quarantined(source, table["name"], metrics, quarantine, severity, words))
            found.append(_in_doubt(source, table["name"], metrics, quarantine, severity, words))
            # A service has fields without end that nobody asked for; the extraction says so, and no reader has to.
            if not raw.is_service:
                found.append(_unknown_columns(raw, source, metrics, words))
    return found


def _was_loaded(con: "DuckDBPyConnection", source: str) -> bool:
    found = con.execute(
        "select 1 from duckdb_tables() where schema_name = $schema and table_name = '_loaded_files'",
        {"schema": f"raw_{source}"},
    )
    return found.fetchone() is not None


def _quarantined(
    source: str, table: str, metrics: tuple[str, ...], quarantine: Quarantine, severity: Severity, words: Words
) -> CheckResult:
    failures, read = quarantine.rows, quarantine.read
    column, share = quarantine.heaviest
    weight = f" ({column}: {share:.1%})" if share else ""
    about = {"source": source, "table": table, "failures": failures, "checked": read, "weight": weight}
    message = f"Every row of {source}.{table} was read into its table."
    if failures:
        told = "; ".join(
            f"{plain(why, 120)} ({count:,}, first {plain(line, 60)})" for why, count, line in quarantine.reasons
        )
        message = (
            f"{failures:,} of {read:,} rows{weight} of {source}.{table} break its contract and are not used: {told}. "
            "Where an earlier good version of the record is held, that one counts."
        )
    listed = (f"{plain(why, 120)} ({count:,}, {plain(line, 60)})" for why, count, line in quarantine.reasons)
    return CheckResult(
        check_id=f"extract.{source}.{table}.no_row_in_quarantine",
        kind="extract",
        name="no row in quarantine",
        source=source,
        object=table,
        severity=severity,
        passed=failures == 0,
        failures=failures,
        checked=read,
        message=message,
        cure=f"Correct these rows in the export and extract again; they are in raw_{source}._quarantine.",
        metrics=metrics,
        run_at=datetime.now(UTC),
        words=words.build("quarantine", "quarantine", failures == 0, "found", about | {"reasons": "; ".join(listed)}),
    )


def _in_doubt(
    source: str, table: str, metrics: tuple[str, ...], quarantine: Quarantine, severity: Severity, words: Words
) -> CheckResult:
    """Name the records of which an update is in quarantine: their versions before it count, and may be out of date."""
    number = len(quarantine.in_doubt)
    listed = "; ".join(_named(each) for each in quarantine.in_doubt[:_NAMED])
    more = f"; … (+{number - _NAMED:,})" if number > _NAMED else ""
    records = "1 record" if number == 1 else f"{number:,} records"
    about = {"source": source, "table": table, "failures": number, "records": listed + more}
    return CheckResult(
        check_id=f"extract.{source}.{table}.no_record_in_doubt",
        kind="extract",
        name="no record in doubt",
        source=source,
        object=table,
        severity=severity,
        passed=number == 0,
        failures=number,
        checked=None,
        message=f"An update of {records} of {source}.{table} can't be read, so what was known before counts: "
        f"{listed}{more}."
        if number
        else f"No record of {source}.{table} counts as it was before an update that can't be read.",
        cure=f"Correct the update in the source and extract again; it is in raw_{source}._quarantine.",
        metrics=metrics,
        run_at=datetime.now(UTC),
        words=words.build("in_doubt", "in_doubt", number == 0, "found", about),
    )


def _named(record: Bad) -> str:
    """Name a record in doubt with its amounts, as held and as sent where they differ, and what is wrong with it."""
    amounts = "".join(
        f", {column} {_number(held)}" + (f" → {_number(sent)}" if _number(sent) != _number(held) else "")
        for column, (sent, held) in record.amounts.items()
        if held is not None or sent is not None
    )
    return f"{plain(record.key, 60)}{amounts} ({plain(record.reason, 120)})"


def _number(amount: str | None) -> str:
    """Write an amount without zeros that say nothing; what is none as it was sent."""
    try:
        return f"{Decimal(amount or '').normalize():,f}"
    except (InvalidOperation, ValueError):
        return plain(amount, 40) if amount else "–"


def _unknown_columns(raw: Object, source: str, metrics: tuple[str, ...], words: Words) -> CheckResult:
    table = raw.name
    # Warehouses of the first release have the names parted by commas.
    names = """unnest(case when unknown_columns[1] = '[' then from_json(unknown_columns, '["varchar"]')
        else string_split(unknown_columns, ', ') end)"""
    rows = raw.con.execute(
        f"select distinct {names} from ({raw.newest()}) where unknown_columns is not null",  # noqa: S608
        {"object": table},
    ).fetchall()
    unknown = sorted(name for (name,) in rows)
    told = ", ".join(plain(name, 60) for name in unknown[:5]) + (", …" if len(unknown) > 5 else "")
    return CheckResult(
        check_id=f"extract.{source}.{table}.no_unknown_column",
        kind="extract",
        name="no unknown column",
        source=source,
        object=table,
        severity="warning",
        passed=not unknown,
        failures=len(unknown),
        checked=None,
        message=f"{source}.{table} has {len(unknown):,} columns that its contract does not name, used in no figure:"
        f" {told}."
        if unknown
        else f"{source}.{table} has the columns that its contract names.",
        cure=f"Name them in dbt_project/models/staging/{source}/_sources.yml, or drop them from the export.",
        metrics=metrics,
        run_at=datetime.now(UTC),
        words=words.build(
            "unknown_columns",
            "unknown_columns",
            not unknown,
            "found",
            {"source": source, "table": table, "columns": told, "failures": len(unknown)},
        ),
    )
