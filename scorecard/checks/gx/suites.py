"""Find the files of rules, and read them with the values that they may name. Cheap to import."""

from collections.abc import Iterable
from pathlib import Path

from scorecard.catalogue import REASONS, Catalogue, gap_names
from scorecard.catalogue.dbt_lists import core_models
from scorecard.checks.rules import Suite, read_suite
from scorecard.shared.errors import ScorecardError
from scorecard.shared.periods import Grain
from scorecard.shared.settings import Settings

_KPIS = "kpis"


def raw_suite(settings: Settings, source: str) -> Suite | None:
    """Return the rules of a source's raw tables; None if the source has no file of rules.

    Raises
    ------
    WrongDeclarations: it lists all mistakes in the file.
    """
    path = _folder(settings) / f"{source}.yml"
    return read_suite(path, _raw_values(settings)) if path.exists() else None


def replaced_checks(settings: Settings, sources: Iterable[str]) -> set[tuple[str, str]]:
    """Return (source, kind) of the checks of every source that a source's own rules replace. Raises as `raw_suite`."""
    suites = {source: raw_suite(settings, source) for source in sources}
    return {
        (source, rule.instead_of)
        for source, suite in suites.items()
        for item in (suite.objects if suite else ())
        for rule in item.rules
        if rule.instead_of
    }


def kpi_suite(settings: Settings, catalogue: Catalogue) -> Suite:
    """Return the rules of the observations and the values of all KPIs.

    Raises
    ------
    ScorecardError: there are no metrics.
    WrongDeclarations: it lists all mistakes in the file.
    """
    if not catalogue.metrics:
        raise ScorecardError("There are no metrics to check.", "Add one as docs/metrics-guide.md shows.")
    queries = {
        "observations": "select * from scorecard.kpi_observations",
        "kpi_status": "select * from scorecard.kpi_status",
    }
    return read_suite(_folder(settings) / f"{_KPIS}.yml", _kpi_values(settings, catalogue), queries)


def read(settings: Settings, catalogue: Catalogue, path: Path) -> Suite:
    """Return the rules of a file: of the KPIs or of a source. Raises as `kpi_suite` and `raw_suite`."""
    if path.stem == _KPIS:
        return kpi_suite(settings, catalogue)
    return read_suite(path, _raw_values(settings))


def _raw_values(settings: Settings) -> dict[str, object]:
    """Return the values that the rules of a source's raw tables may name."""
    return {"timezone": settings.timezone}


def _folder(settings: Settings) -> Path:
    return settings.project / "expectations"


def _kpi_values(settings: Settings, catalogue: Catalogue) -> dict[str, object]:
    """Return the values that the rules of the KPIs may name.

    shares: metrics that lie between 0 and 1. alerts: texts of a metric, the dimension of its alerts, and its better
    direction.
    """
    shares = [
        metric.name
        for metric in catalogue.metrics.values()
        if metric.aggregate == "ratio" and metric.unit == "percent" and not metric.may_exceed_one
    ]
    return {
        "timezone": settings.timezone,
        "metrics": sorted(catalogue.metrics),
        # A derived metric has no observations.
        "bases": sorted(
            f"{metric.name} {metric.base}" for metric in catalogue.metrics.values() if metric.expression is None
        ),
        "shares": sorted(shares),
        "alerts": sorted(
            f"{metric.name} {metric.alert_by} {metric.direction}"
            for metric in catalogue.metrics.values()
            if metric.alert_by
        ),
        "dimensions": list(catalogue.dimensions),
        "reasons": [*REASONS, *gap_names(core_models(settings))],
        "grains": [grain.value for grain in Grain],
    }
