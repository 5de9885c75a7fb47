"""What extraction set aside, as results of checks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from scorecard.catalogue import declared_sources
from scorecard.checks.check_words import Phrase, in_languages, joined
from scorecard.checks.doubt import Doubt
from scorecard.checks.quarantine import Bad, Object, Quarantine
from scorecard.checks.results import CheckResult, MetricsOf, Severity
from scorecard.shared.languages import Translations, load_translations
from scorecard.shared.settings import Settings
from scorecard.shared.text import plain

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_NAMED = 5
"""Records that a check names, the heaviest first."""
_UNDECLARED = "_undeclared"
"""The raw column of all fields that no contract declares. A metric is touched only if it reads them."""


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
    results = []
    words = load_translations(settings.project / "reports")
    declared = declared_sources(settings)
    for source in sources:
        # Of a source that was never loaded, extraction has said so.
        if not _was_loaded(con, source):
            continue
        for table in declared[source].tables:
            metrics = tuple(sorted(metrics_of.get(f"raw_{source}.{table.name}", ())))
            checked, raw = _Table(source, table.name, metrics, words), Object(con, declared[source], table)
            quarantine = raw.quarantine()
            # Of what people write a row is a target or an action of its own: the others are none the worse for it.
            is_much = quarantine.share > max_quarantined_share and not declared[source].folder
            severity: Severity = "error" if is_much else "warning"
            results.append(_quarantined(checked, quarantine, severity))
            results.append(_in_doubt(checked, quarantine, severity))
            # A service has fields without end that nobody asked for; the extraction says so, and no reader has to.
            if not raw.is_service:
                results.append(_unknown_columns(checked, raw))
    return results


def _was_loaded(con: "DuckDBPyConnection", source: str) -> bool:
    cursor = con.execute(
        "select 1 from duckdb_tables() where schema_name = $schema and table_name = '_loaded_files'",
        {"schema": f"raw_{source}"},
    )
    return cursor.fetchone() is not None


@dataclass(frozen=True)
class _Table:
    """A raw table: its source, the metrics that are made from it, and the words of other languages."""

    source: str
    name: str
    metrics: tuple[str, ...]
    words: Translations

    def result(
        self,
        check: str,
        name: Phrase,
        severity: Severity,
        failures: int,
        sentences: "_Sentences",
        checked: int | None = None,
    ) -> CheckResult:
        """Return the result of a check, by what it found. name: what other languages call it."""
        message, cure = (sentences.failed, sentences.cure) if failures else (None, None)
        return CheckResult(
            check_id=f"extract.{self.source}.{self.name}.{check.replace(' ', '_')}",
            kind="extract",
            name=check,
            source=self.source,
            object=self.name,
            severity=severity,
            passed=not failures,
            failures=failures,
            checked=checked,
            message=message.english if message else sentences.passed,
            cure=sentences.cure.english,
            metrics=self.metrics,
            run_at=datetime.now(UTC),
            words=in_languages(self.words, name=name, message=message, cure=cure),
        )

    @property
    def about(self) -> dict[str, object]:
        """What sentences name of the table."""
        return {"source": self.source, "table": self.name}


@dataclass(frozen=True)
class _Sentences:
    """What is said where a check found nothing, where it found something, and what to do then."""

    passed: str
    failed: Phrase
    cure: Phrase


def _quarantined(table: _Table, quarantine: Quarantine, severity: Severity) -> CheckResult:
    column, share = quarantine.heaviest
    reasons = [
        Phrase("{why} ({count:,}, first {line})", {"why": plain(why, 120), "count": count, "line": plain(line, 60)})
        for why, count, line in quarantine.reasons
    ]
    about = {
        **table.about,
        "failures": quarantine.rows,
        "checked": quarantine.read,
        "weight": f" ({column}: {share:.1%})" if share else "",
        "reasons": joined(reasons, Phrase("; ")),
    }
    sentences = _Sentences(
        f"Every row of {table.source}.{table.name} was read into its table.",
        Phrase(
            "{failures:,} of {checked:,} rows{weight} of {source}.{table} break its contract and are not used:"
            " {reasons}. Where an earlier good version of the record is held, that one counts.",
            about,
        ),
        Phrase("Correct these rows in the export and extract again; they are in raw_{source}._quarantine.", about),
    )
    name = Phrase("no row in quarantine")
    return table.result("no row in quarantine", name, severity, quarantine.rows, sentences, quarantine.read)


def _in_doubt(table: _Table, quarantine: Quarantine, severity: Severity) -> CheckResult:
    """Name the records of which an update is in quarantine: their versions before it count, and may be out of date."""
    number = len(quarantine.in_doubt)
    more = f"; … (+{number - _NAMED:,})" if number > _NAMED else ""
    listed = "; ".join(_named(record) for record in quarantine.in_doubt[:_NAMED]) + more
    about = {**table.about, "failures": number, "records": listed}
    one = Phrase(
        "An update of 1 record of {source}.{table} can't be read, so what was known before counts: {records}.", about
    )
    several = Phrase(
        "An update of {failures:,} records of {source}.{table} can't be read, so what was known before counts:"
        " {records}.",
        about,
    )
    sentences = _Sentences(
        f"No record of {table.source}.{table.name} counts as it was before an update that can't be read.",
        one if number == 1 else several,
        Phrase("Correct the update in the source and extract again; it is in raw_{source}._quarantine.", about),
    )
    return table.result("no record in doubt", Phrase("no record in doubt"), severity, number, sentences)


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


def _unknown_columns(table: _Table, raw: Object) -> CheckResult:
    # Warehouses of the first release have the names parted by commas.
    names = """unnest(case when unknown_columns[1] = '[' then from_json(unknown_columns, '["varchar"]')
        else string_split(unknown_columns, ', ') end)"""
    rows = raw.con.execute(
        f"select distinct {names} from ({raw.newest()}) where unknown_columns is not null",
        {"object": raw.name},
    ).fetchall()
    unknown = sorted(name for (name,) in rows)
    named = ", ".join(plain(name, 60) for name in unknown[:5]) + (", …" if len(unknown) > 5 else "")
    about = {**table.about, "failures": len(unknown), "columns": named}
    sentences = _Sentences(
        f"{table.source}.{table.name} has the columns that its contract names.",
        Phrase(
            "{source}.{table} has {failures:,} columns that its contract does not name, used in no figure: {columns}.",
            about,
        ),
        Phrase("Name them in dbt_project/models/staging/{source}/_sources.yml, or drop them from the export.", about),
    )
    result = table.result("no unknown column", Phrase("no unknown column"), "warning", len(unknown), sentences)
    return replace(result, doubt=Doubt(((f"raw_{table.source}.{table.name}", _UNDECLARED),)))
