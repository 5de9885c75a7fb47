"""What the extraction sets aside, as results of checks: quarantined rows, records in doubt, unknown columns."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from scorecard.catalogue import declared_sources
from scorecard.checks.check_words import CheckWords, Phrase, joined
from scorecard.checks.doubt import Doubt
from scorecard.checks.quarantine import Quarantine, QuarantinedRecord, RawObject
from scorecard.checks.results import CheckedSubject, CheckResult, MetricsOf, Severity
from scorecard.shared.languages import load_translations
from scorecard.shared.settings import Settings
from scorecard.shared.text import plain

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_MAX_NAMED = 5
"""The number of records that a sentence names, the heaviest first."""
_UNDECLARED = "_undeclared"
"""The raw column that holds the fields that no contract declares."""


def from_extract(
    con: "DuckDBPyConnection",
    settings: Settings,
    sources: Sequence[str],
    metrics_of: MetricsOf,
    max_quarantined_share: float = 0.01,
) -> list[CheckResult]:
    """Return results for each object: its quarantined rows, records in doubt and, of an export, unknown columns.

    Parameters
    ----------
    con: the warehouse; raw_<source>._loaded_files and ._quarantine are read.
    metrics_of: metrics by raw object, ``raw_<source>.<object>``.
    max_quarantined_share: up to this share of an object's rows, and of each of its amounts, quarantine is a warning.
        Above it, it is an error.
    """
    results = []
    translations = load_translations(settings.project / "reports")
    declared = declared_sources(settings)
    for source in sources:
        # The extraction itself reports a source that was never loaded.
        if not _was_loaded(con, source):
            continue
        for table in declared[source].tables:
            metrics = metrics_of.get(f"raw_{source}.{table.name}", ())
            subject = CheckedSubject("extract", source, table.name, metrics, datetime.now(UTC), translations)
            raw = RawObject(con, declared[source], table)
            quarantine = raw.quarantine()
            # Rows that people write are targets and actions. A wrong one does no harm to the others.
            is_much = quarantine.share > max_quarantined_share and not declared[source].folder
            severity: Severity = "error" if is_much else "warning"
            results.append(_quarantined(subject, quarantine, severity))
            results.append(_in_doubt(subject, quarantine, severity))
            # A service has many fields that no contract names. The extraction reports them; a scorecard doesn't.
            if not raw.is_service:
                results.append(_unknown_columns(subject, raw))
    return results


def _was_loaded(con: "DuckDBPyConnection", source: str) -> bool:
    cursor = con.execute(
        "select 1 from duckdb_tables() where schema_name = $schema and table_name = '_loaded_files'",
        {"schema": f"raw_{source}"},
    )
    return cursor.fetchone() is not None


def _id(subject: CheckedSubject, check: str) -> str:
    return f"extract.{subject.source}.{subject.object}.{check}"


def _values(subject: CheckedSubject) -> dict[str, object]:
    """Return what sentences name of the raw table."""
    return {"source": subject.source, "table": subject.object}


def _quarantined(subject: CheckedSubject, quarantine: Quarantine, severity: Severity) -> CheckResult:
    column, share = quarantine.heaviest
    reasons = [
        Phrase("{why} ({count:,}, first {line})", {"why": plain(why, 120), "count": count, "line": plain(line, 60)})
        for why, count, line in quarantine.reasons
    ]
    values = {
        **_values(subject),
        "failures": quarantine.rows,
        "checked": quarantine.read,
        "weight": f" ({column}: {share:.1%})" if share else "",
        "reasons": joined(reasons, Phrase("; ")),
    }
    words = CheckWords(
        Phrase("no row in quarantine"),
        Phrase(
            "{failures:,} of {checked:,} rows{weight} of {source}.{table} break its contract and are not used:"
            " {reasons}. Where an earlier good version of the record is held, that one counts.",
            values,
        ),
        Phrase("Correct these rows in the export and extract again; they are in raw_{source}._quarantine.", values),
        passed=f"Every row of {subject.source}.{subject.object} was read into its table.",
    )
    return subject.result(_id(subject, "no_row_in_quarantine"), words, severity, quarantine.rows, quarantine.read)


def _in_doubt(subject: CheckedSubject, quarantine: Quarantine, severity: Severity) -> CheckResult:
    """Name the records whose newest update is in quarantine. Their earlier versions count, and may be out of date."""
    number = len(quarantine.in_doubt)
    more = f"; … (+{number - _MAX_NAMED:,})" if number > _MAX_NAMED else ""
    records = "; ".join(_named(record) for record in quarantine.in_doubt[:_MAX_NAMED]) + more
    values = {**_values(subject), "failures": number, "records": records}
    one = Phrase(
        "An update of 1 record of {source}.{table} can't be read, so what was known before counts: {records}.", values
    )
    several = Phrase(
        "An update of {failures:,} records of {source}.{table} can't be read, so what was known before counts:"
        " {records}.",
        values,
    )
    words = CheckWords(
        Phrase("no record in doubt"),
        one if number == 1 else several,
        Phrase("Correct the update in the source and extract again; it is in raw_{source}._quarantine.", values),
        passed=f"No record of {subject.source}.{subject.object} counts as it was before an update that can't be read.",
    )
    return subject.result(_id(subject, "no_record_in_doubt"), words, severity, number)


def _named(record: QuarantinedRecord) -> str:
    """Return a record's key, its amounts as loaded and, if they differ, as sent, and what is wrong with the update."""
    amounts = "".join(
        f", {column} {_number(loaded)}" + (f" → {_number(sent)}" if _number(sent) != _number(loaded) else "")
        for column, (sent, loaded) in record.amounts.items()
        if loaded is not None or sent is not None
    )
    return f"{plain(record.key, 60)}{amounts} ({plain(record.reason, 120)})"


def _number(amount: str | None) -> str:
    """Return an amount without trailing zeros. A text that is no number stays as it was sent."""
    try:
        return f"{Decimal(amount or '').normalize():,f}"
    except (InvalidOperation, ValueError):
        return plain(amount, 40) if amount else "–"


def _unknown_columns(subject: CheckedSubject, raw: RawObject) -> CheckResult:
    """Name the columns of an export that its contract lacks. They put in doubt only metrics that read them."""
    # Warehouses of the first release have the names separated by commas.
    names = """unnest(case when unknown_columns[1] = '[' then from_json(unknown_columns, '["varchar"]')
        else string_split(unknown_columns, ', ') end)"""
    rows = raw.con.execute(
        f"select distinct {names} from ({raw.newest()}) where unknown_columns is not null",
        {"object": raw.name},
    ).fetchall()
    unknown = sorted(name for (name,) in rows)
    listed = ", ".join(plain(name, 60) for name in unknown[:_MAX_NAMED]) + (", …" if len(unknown) > _MAX_NAMED else "")
    values = {**_values(subject), "failures": len(unknown), "columns": listed}
    words = CheckWords(
        Phrase("no unknown column"),
        Phrase(
            "{source}.{table} has {failures:,} columns that its contract does not name, used in no figure: {columns}.",
            values,
        ),
        Phrase("Name them in dbt_project/models/staging/{source}/_sources.yml, or drop them from the export.", values),
        passed=f"{subject.source}.{subject.object} has the columns that its contract names.",
    )
    doubt = Doubt(((f"raw_{subject.source}.{subject.object}", _UNDECLARED),))
    return subject.result(_id(subject, "no_unknown_column"), words, "warning", len(unknown), doubt=doubt)
