"""The rules of ``expectations/``: which are checked, by Great Expectations in place on the warehouse, and when.

What has not changed since it was last checked (rows, rules, versions, metrics downstream) is not checked
again: the import of Great Expectations alone takes 10 seconds, more than all the checks.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from scorecard.catalogue import load_catalogue
from scorecard.checks.doubt import Doubt
from scorecard.checks.gx.outcomes import Families
from scorecard.checks.gx.suite_run import run_suite
from scorecard.checks.gx.suites import kpi_suite, raw_suite
from scorecard.checks.results import CheckResult, MetricsOf
from scorecard.checks.rules import Suite
from scorecard.shared.errors import ScorecardError
from scorecard.shared.files import write_whole
from scorecard.shared.languages import Translations, load_translations
from scorecard.shared.settings import Settings
from scorecard.shared.text import plain


def check_raw(settings: Settings, sources: Sequence[str], metrics_of: MetricsOf) -> list[CheckResult]:
    """Check the current rows of the raw tables of some sources.

    Parameters
    ----------
    sources: names of sources; one without a file of rules has no results.
    metrics_of: the metrics made from each raw object, by ``raw_<source>.<object>``.

    No connection that writes to the warehouse may be open in this process.

    Raises
    ------
    ScorecardError: the warehouse is missing or being written, or a file of rules is wrong.
    """
    results: list[CheckResult] = []
    for source in sources:
        if suite := raw_suite(settings, source):
            touched = {item.name: tuple(metrics_of.get(f"raw_{source}.{item.name}", ())) for item in suite.objects}
            results += _check(settings, suite, touched, None)
    return results


def check_kpis(settings: Settings, metrics_of: MetricsOf | None = None) -> list[CheckResult]:
    """Check the shape that all observations and all values share.

    Parameters
    ----------
    metrics_of: the metrics made from each KPI view, by ``kpis.kpi_<name>``, where they are more than the
    catalogue's.

    A failure touches the metrics whose rows break the rule. Otherwise as `check_raw`.
    """
    catalogue = load_catalogue(settings)
    suite = kpi_suite(settings, catalogue)
    family: dict[str, set[str]] = {}
    for metric in catalogue.metrics.values():
        beside = (metrics_of or {}).get(f"kpis.{metric.model}", ())
        for base in catalogue.bases(metric):
            family.setdefault(base, {base}).update({metric.name, *beside})
    everything = tuple(sorted(catalogue.metrics))
    # An observation serves its metric and those beside it; a value is of one metric.
    return _check(
        settings, suite, {item.name: everything for item in suite.objects}, {"observations": family, "kpi_status": {}}
    )


def _check(
    settings: Settings,
    suite: Suite,
    touched: Mapping[str, Sequence[str]],
    families: Families | None,
) -> list[CheckResult]:
    """Return the suite's results: kept ones where nothing changed, else new ones."""
    kept = settings.state / "gx" / f"{suite.name}.json"
    docs = settings.out / "data_docs" / suite.name
    words = load_translations(settings.project / "reports")
    row_counts, mark = _look(settings, suite, touched, words)
    if (docs / "index.html").exists() and (before := _kept(kept, mark)) is not None:
        return before
    results = run_suite(settings, suite, row_counts, touched, families, docs, words)
    entries = [{**asdict(result), "run_at": result.run_at.isoformat()} for result in results]
    write_whole(kept, json.dumps({"mark": mark, "results": entries}, indent=1).encode())
    return results


def _kept(path: Path, mark: str) -> list[CheckResult] | None:
    """Return what was kept under a mark; None where the file is of another state, missing or damaged."""
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
        if before["mark"] != mark:
            return None
        return [
            CheckResult(
                **{
                    **entry,
                    "metrics": tuple(entry["metrics"]),
                    "run_at": datetime.fromisoformat(entry["run_at"]),
                    "doubt": Doubt.kept(entry["doubt"]),
                }
            )
            for entry in before["results"]
        ]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _look(
    settings: Settings, suite: Suite, touched: Mapping[str, Sequence[str]], words: Translations
) -> tuple[dict[str, int | str], str]:
    """Return each object's row count or why it cannot be read, and a mark that changes when anything does."""
    import duckdb

    if not settings.warehouse.exists():
        raise ScorecardError(f"{settings.warehouse} is not there.", "Run `scorecard run`, which fills it.")
    try:
        con = duckdb.connect(str(settings.warehouse), read_only=True)
    except duckdb.Error as error:
        raise ScorecardError(
            f"{settings.warehouse} cannot be read: {plain(error, 200)}.",
            "If another process is writing it, wait until it is done and run again.",
        ) from error
    row_counts: dict[str, int | str] = {}
    # What the outcome depends on, this code too.
    content: list[object] = [
        [path.read_bytes() for path in sorted(Path(__file__).parents[1].rglob("*.py"))],
        repr(suite),
        repr(words),
        sorted(touched.items()),
        version("great-expectations"),
        version("duckdb"),
    ]
    with con:
        for item in suite.objects:
            try:
                # The sum of the rows' hashes, not their order, is what makes the content.
                sql = f"select count(*), coalesce(sum(hash(t)::hugeint), 0) from ({item.query}) as t"
                rows, total = con.execute(sql).fetchall()[0]
                row_counts[item.name] = int(rows)
                content.append((item.name, rows, str(total)))
            except duckdb.Error as error:
                row_counts[item.name] = plain(error, 200)
                content.append((item.name, row_counts[item.name]))
    return row_counts, hashlib.sha256(repr(content).encode()).hexdigest()
