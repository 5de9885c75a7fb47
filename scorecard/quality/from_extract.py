"""What extraction set aside, as results of checks."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from scorecard.catalogue import read_yaml
from scorecard.quality.results import CheckResult, MetricsOf, Severity
from scorecard.quality.words import Words, read_translations
from scorecard.settings import Settings
from scorecard.text import plain

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def from_extract(
    con: "DuckDBPyConnection",
    settings: Settings,
    sources: Sequence[str],
    metrics_of: MetricsOf,
    max_quarantined_share: float = 0.01,
) -> list[CheckResult]:
    """Return what extraction set aside, per object: rows in quarantine, and columns that no contract names.

    Parameters
    ----------
    con: the warehouse; raw_<source>._loaded_files and ._quarantine are read.
    metrics_of: metrics by raw object, ``raw_<source>.<object>``.
    max_quarantined_share: above this share of an object's rows in quarantine, an error instead of a warning.
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
            found.append(_quarantined(con, source, table["name"], metrics, max_quarantined_share, words))
            # A service has fields without end that nobody asked for; the extraction says so, and no reader has to.
            if not _is_service(con, source):
                found.append(_unknown_columns(con, source, table["name"], metrics, words))
    return found


def _newest(con: "DuckDBPyConnection", source: str) -> str:
    """Return a query of the newest version of an object's files: what an older one had wrong is mended.

    All files of an export are loaded together, so one that the last load lacks is gone; a service's answers add up, but
    for those by an older contract: with a new one all is read again.
    """
    by = "source_file" if _is_service(con, source) else "object"
    return f"""
        select source_file, source_sha256, rows_read, rows_quarantined, unknown_columns, _dlt_load_id
        from raw_{source}._loaded_files where object = $object and contract_sha256 = (
            select arg_max(contract_sha256, loaded_at) from raw_{source}._loaded_files where object = $object
        )
        qualify rank() over (partition by {by} order by loaded_at desc) = 1
    """  # noqa: S608


def _was_loaded(con: "DuckDBPyConnection", source: str) -> bool:
    found = con.execute(
        "select 1 from duckdb_tables() where schema_name = $schema and table_name = '_loaded_files'",
        {"schema": f"raw_{source}"},
    )
    return found.fetchone() is not None


def _is_service(con: "DuckDBPyConnection", source: str) -> bool:
    found = con.execute(
        "select 1 from duckdb_tables() where schema_name = $schema and table_name = '_mended'",
        {"schema": f"raw_{source}"},
    )
    return found.fetchone() is not None


def _still_bad(con: "DuckDBPyConnection", source: str) -> str:
    """SQL condition of a record in quarantine that its service has not sent rightly since; "" for a file.

    A service sends a record that was mended in another answer than the one it was wrong in.
    """
    if not _is_service(con, source):
        return ""
    return f"""not exists (
        select 1 from raw_{source}._mended as mended
        where mended.object = _quarantine.object and mended.record_key = _quarantine.record_key
            and {_loaded_at(source, "mended")} > {_loaded_at(source, "_quarantine")}
    )"""  # noqa: S608


def _loaded_at(source: str, row: str) -> str:
    """SQL of when a row was loaded, by the load itself: its id is of a clock that may have been set back."""
    return f"(select max(loaded_at) from raw_{source}._loaded_files as f where f._dlt_load_id = {row}._dlt_load_id)"  # noqa: S608


def _quarantined(
    con: "DuckDBPyConnection",
    source: str,
    table: str,
    metrics: tuple[str, ...],
    most: float,
    words: Words,
) -> CheckResult:
    counts = "select coalesce(sum(rows_read), 0)::bigint, coalesce(sum(rows_quarantined), 0)::bigint from"
    read, failures = con.execute(f"{counts} ({_newest(con, source)})", {"object": table}).fetchall()[0]
    still = _still_bad(con, source)
    # What a service sends again as bad as before isn't kept again: a record's rows may be of any load.
    rows = f"""
        where object = $object and {still}
        qualify rank() over (partition by record_key order by _dlt_load_id desc) = 1
    """
    if not still:
        rows = f"""
            semi join ({_newest(con, source)}) using (source_file, source_sha256, _dlt_load_id)
            where object = $object
        """
    elif failures:
        failures = con.execute(
            f"select count(*) from (from raw_{source}._quarantine {rows})",  # noqa: S608
            {"object": table},
        ).fetchall()[0][0]
    severity: Severity = "error" if failures > most * read else "warning"
    message = f"Every row of {source}.{table} was read into its table."
    about: dict[str, Any] = {"source": source, "table": table, "failures": failures, "checked": read, "reasons": ""}
    if failures:
        reasons = con.execute(
            f"""
            select reason, count(*), min(source_file || ' line ' || source_line)
            from (from raw_{source}._quarantine {rows}) group by reason order by 2 desc, 1 limit 3
            """,  # noqa: S608
            {"object": table},
        ).fetchall()
        told = "; ".join(f"{plain(why, 120)} ({count:,}, first {plain(line, 60)})" for why, count, line in reasons)
        listed = (f"{plain(why, 120)} ({count:,}, {plain(line, 60)})" for why, count, line in reasons)
        about["reasons"] = "; ".join(listed)
        message = (
            f"{failures:,} of {read:,} rows of {source}.{table} break its contract and are not used: {told}. "
            "Where an earlier good version of the record is held, that one counts."
        )
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
        words=words.build("quarantine", "quarantine", failures == 0, "found", about),
    )


def _unknown_columns(
    con: "DuckDBPyConnection", source: str, table: str, metrics: tuple[str, ...], words: Words
) -> CheckResult:
    # Warehouses of the first release have the names parted by commas.
    names = """unnest(case when unknown_columns[1] = '[' then from_json(unknown_columns, '["varchar"]')
        else string_split(unknown_columns, ', ') end)"""
    rows = con.execute(
        f"select distinct {names} from ({_newest(con, source)}) where unknown_columns is not null",  # noqa: S608
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
