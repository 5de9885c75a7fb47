"""Check the rules of ``expectations/`` with Great Expectations, in place on the warehouse.

A suite is checked again if its rows, its rules, a version or the metrics downstream change. Otherwise its kept results
are returned: the import of Great Expectations alone takes 10 seconds, more than all checks.
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
    sources: names of sources. A source without a file of rules has no results.
    metrics_of: the metrics made from each raw object, by ``raw_<source>.<object>``.

    Close every connection of this process that writes to the warehouse first.

    Raises
    ------
    ScorecardError: the warehouse is missing, or another process writes it, or a file of rules is wrong.
    """
    results: list[CheckResult] = []
    for source in sources:
        if suite := raw_suite(settings, source):
            touched = {item.name: tuple(metrics_of.get(f"raw_{source}.{item.name}", ())) for item in suite.objects}
            results += _check(settings, suite, touched, None)
    return results


def check_kpis(settings: Settings, metrics_of: MetricsOf | None = None) -> list[CheckResult]:
    """Check the shape that all observations and all values share. Raises as `check_raw`.

    Parameters
    ----------
    metrics_of: the metrics made from each KPI view, by ``kpis.kpi_<name>``, in addition to the catalogue's.

    A failure touches the metrics whose rows break the rule.
    """
    catalogue = load_catalogue(settings)
    suite = kpi_suite(settings, catalogue)
    family: dict[str, set[str]] = {}
    for metric in catalogue.metrics.values():
        beside = (metrics_of or {}).get(f"kpis.{metric.model}", ())
        for base in catalogue.bases(metric):
            family.setdefault(base, {base}).update({metric.name, *beside})
    all_metrics = tuple(sorted(catalogue.metrics))
    touched = {item.name: all_metrics for item in suite.objects}
    # An observation serves its metric and those beside it; a value serves one metric.
    return _check(settings, suite, touched, {"observations": family, "kpi_status": {}})


def _check(
    settings: Settings,
    suite: Suite,
    touched: Mapping[str, Sequence[str]],
    families: Families | None,
) -> list[CheckResult]:
    """Return the suite's kept results if nothing changed, or else run it."""
    path = settings.state / "gx" / f"{suite.name}.json"
    docs = settings.out / "data_docs" / suite.name
    translations = load_translations(settings.project / "reports")
    row_counts, fingerprint = _inputs(settings, suite, touched, translations)
    if (docs / "index.html").exists() and (kept := _kept(path, fingerprint)) is not None:
        return kept
    results = run_suite(settings, suite, row_counts, touched, families, docs, translations)
    entries = [{**asdict(result), "run_at": result.run_at.isoformat()} for result in results]
    write_whole(path, json.dumps({"mark": fingerprint, "results": entries}, indent=1).encode())
    return results


def _kept(path: Path, fingerprint: str) -> list[CheckResult] | None:
    """Return the kept results; None if their file has another fingerprint, is missing or is damaged."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept["mark"] != fingerprint:
            return None
        return [
            CheckResult(
                **{
                    **entry,
                    "metrics": tuple(entry["metrics"]),
                    "run_at": datetime.fromisoformat(entry["run_at"]),
                    "doubt": Doubt.from_dict(entry["doubt"]),
                }
            )
            for entry in kept["results"]
        ]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _inputs(
    settings: Settings, suite: Suite, touched: Mapping[str, Sequence[str]], translations: Translations
) -> tuple[dict[str, int | str], str]:
    """Return each object's row count, or why it can't be read, and a fingerprint of all that the results depend on."""
    import duckdb

    if not settings.warehouse.exists():
        raise ScorecardError(f"There is no warehouse {settings.warehouse}.", "Run `scorecard run`; it makes one.")
    try:
        con = duckdb.connect(str(settings.warehouse), read_only=True)
    except duckdb.Error as error:
        raise ScorecardError(
            f"The warehouse {settings.warehouse} cannot be read: {plain(error, 200)}.",
            "If another process writes it, wait until that ends. Then run again.",
        ) from error
    row_counts: dict[str, int | str] = {}
    # The code of the checks is an input, too.
    content: list[object] = [
        [path.read_bytes() for path in sorted(Path(__file__).parents[1].rglob("*.py"))],
        repr(suite),
        repr(translations),
        sorted(touched.items()),
        version("great-expectations"),
        version("duckdb"),
    ]
    with con:
        for item in suite.objects:
            try:
                # A sum of the rows' hashes is the same in any order.
                sql = f"select count(*), coalesce(sum(hash(t)::hugeint), 0) from ({item.query}) as t"
                rows, total = con.execute(sql).fetchall()[0]
                row_counts[item.name] = int(rows)
                content.append((item.name, rows, str(total)))
            except duckdb.Error as error:
                row_counts[item.name] = plain(error, 200)
                content.append((item.name, row_counts[item.name]))
    return row_counts, hashlib.sha256(repr(content).encode()).hexdigest()
