"""What extraction set aside, as results of checks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from scorecard.catalogue import declared_sources
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
    declared = declared_sources(settings)
    for source in sources:
        # Of a source that was never loaded, extraction has said so.
        if not _was_loaded(con, source):
            continue
        for table in declared[source].tables:
            metrics = tuple(sorted(metrics_of.get(f"raw_{source}.{table.name}", ())))
            checked, raw = _Table(source, table.name, metrics, words), Object(con, declared[source], table)
            quarantine = raw.quarantine()
            severity: Severity = "error" if quarantine.share > max_quarantined_share else "warning"
            found.append(_quarantined(checked, quarantine, severity))
            found.append(_in_doubt(checked, quarantine, severity))
            # A service has fields without end that nobody asked for; the extraction says so, and no reader has to.
            if not raw.is_service:
                found.append(_unknown_columns(checked, raw))
    return found


def _was_loaded(con: "DuckDBPyConnection", source: str) -> bool:
    found = con.execute(
        "select 1 from duckdb_tables() where schema_name = $schema and table_name = '_loaded_files'",
        {"schema": f"raw_{source}"},
    )
    return found.fetchone() is not None


@dataclass(frozen=True)
class _Table:
    """A raw table: its source, the metrics that are made from it, and the words of other languages."""

    source: str
    name: str
    metrics: tuple[str, ...]
    words: Words

    def result(
        self,
        check: str,
        kind: str,
        severity: Severity,
        failures: int,
        sentences: tuple[str, str, str],
        about: Mapping[str, Any],
        checked: int | None = None,
    ) -> CheckResult:
        """Return the result of a check, by what it found.

        Parameters
        ----------
        check: its name, as `no row in quarantine`. kind: under which its words stand. sentences: what is said where it
            found nothing, where it found something, and what to do then. about: what the words name besides.
        """
        passed, failed, cure = sentences
        named = {"source": self.source, "table": self.name, "failures": failures, **about}
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
            message=failed if failures else passed,
            cure=cure,
            metrics=self.metrics,
            run_at=datetime.now(UTC),
            words=self.words.build(kind, kind, not failures, "found", named),
        )


def _quarantined(table: _Table, quarantine: Quarantine, severity: Severity) -> CheckResult:
    name, read = f"{table.source}.{table.name}", quarantine.read
    column, share = quarantine.heaviest
    weight = f" ({column}: {share:.1%})" if share else ""
    reasons = [(plain(why, 120), f"{count:,}", plain(line, 60)) for why, count, line in quarantine.reasons]
    sentences = (
        f"Every row of {name} was read into its table.",
        f"{quarantine.rows:,} of {read:,} rows{weight} of {name} break its contract and are not used: "
        + "; ".join(f"{why} ({count}, first {line})" for why, count, line in reasons)
        + ". Where an earlier good version of the record is held, that one counts.",
        f"Correct these rows in the export and extract again; they are in raw_{table.source}._quarantine.",
    )
    listed = "; ".join(f"{why} ({count}, {line})" for why, count, line in reasons)
    about = {"checked": read, "weight": weight, "reasons": listed}
    return table.result("no row in quarantine", "quarantine", severity, quarantine.rows, sentences, about, read)


def _in_doubt(table: _Table, quarantine: Quarantine, severity: Severity) -> CheckResult:
    """Name the records of which an update is in quarantine: their versions before it count, and may be out of date."""
    name, number = f"{table.source}.{table.name}", len(quarantine.in_doubt)
    more = f"; … (+{number - _NAMED:,})" if number > _NAMED else ""
    listed = "; ".join(_named(each) for each in quarantine.in_doubt[:_NAMED]) + more
    records = "1 record" if number == 1 else f"{number:,} records"
    sentences = (
        f"No record of {name} counts as it was before an update that can't be read.",
        f"An update of {records} of {name} can't be read, so what was known before counts: {listed}.",
        f"Correct the update in the source and extract again; it is in raw_{table.source}._quarantine.",
    )
    return table.result("no record in doubt", "in_doubt", severity, number, sentences, {"records": listed})


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
        f"select distinct {names} from ({raw.newest()}) where unknown_columns is not null",  # noqa: S608
        {"object": raw.name},
    ).fetchall()
    unknown = sorted(name for (name,) in rows)
    told = ", ".join(plain(name, 60) for name in unknown[:5]) + (", …" if len(unknown) > 5 else "")
    name = f"{table.source}.{table.name}"
    sentences = (
        f"{name} has the columns that its contract names.",
        f"{name} has {len(unknown):,} columns that its contract does not name, used in no figure: {told}.",
        f"Name them in dbt_project/models/staging/{table.source}/_sources.yml, or drop them from the export.",
    )
    return table.result("no unknown column", "unknown_columns", "warning", len(unknown), sentences, {"columns": told})
