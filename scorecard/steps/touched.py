"""Find what a check touches: the metrics that rest on a relation, and the business units of its records."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from scorecard.catalogue import ALL_UNITS, Catalogue, company_folders, declared_as, declared_sources
from scorecard.shared.settings import Settings

if TYPE_CHECKING:
    from scorecard.checks.results import CheckResult


def metrics_by_relation(settings: Settings, catalogue: Catalogue, manifest: dict[str, Any]) -> dict[str, list[str]]:
    """Return the metrics that rest on each ``schema.relation``, with their variants."""
    from scorecard.lineage import beside_figures, metrics_downstream

    family: dict[str, list[str]] = {}
    for metric in catalogue.metrics.values():
        family.setdefault(metric.base, []).append(metric.name)
    nodes, derived = {**manifest["nodes"], **manifest["sources"]}, _derived(catalogue)
    touched = {
        f"{nodes[node]['schema']}.{nodes[node]['name']}": sorted(
            {name for metric in metrics for name in family.get(metric, [metric])}
        )
        for node, metrics in metrics_downstream(manifest, derived).items()
    }
    touched |= {
        f"{nodes[node]['schema']}.{nodes[node]['name']}": sorted(catalogue.metrics)
        for node in beside_figures(manifest, derived)
    }
    for account in (*settings.services, *company_folders(settings)):
        # The raw tables of an account feed the same metrics as those of its service.
        service_prefix = f"raw_{declared_as(settings, account)}."
        touched |= {
            f"raw_{account}.{relation.removeprefix(service_prefix)}": metrics
            for relation, metrics in touched.items()
            if relation.startswith(service_prefix)
        }
    return touched


def _derived(catalogue: Catalogue) -> dict[str, set[str]]:
    """Return, by model, the metrics that rest on it only through their expression."""
    derived: dict[str, set[str]] = {}
    for metric in catalogue.metrics.values():
        for term in metric.expression.terms if metric.expression else ():
            model = "core_target" if term.at == "target" else catalogue.metrics[term.metric].model
            derived.setdefault(model, set()).add(metric.name)
    return derived


def units_by_relation(settings: Settings, manifest: dict[str, Any]) -> dict[str, set[str]]:
    """Return the business units of the records of each ``schema.relation``; an empty set for records of all units."""
    from scorecard.lineage import units_upstream

    declared = declared_sources(settings)
    written_units = {source.business_unit for source in declared.values() if source.folder} - {ALL_UNITS}
    account_units = {
        f"{source.schema}.{table.name}": {source.business_unit} - {ALL_UNITS}
        for name, source in declared.items()
        if declared_as(settings, name) != name or source.folder
        for table in source.tables
    }
    return units_upstream(manifest, written_units) | account_units


def within_units(
    catalogue: Catalogue,
    results: list["CheckResult"],
    units_of: dict[str, set[str]],
    observed: list[tuple[str, str]],
) -> list["CheckResult"]:
    """Let a check of one business unit's records touch only the metrics that are observed in that unit.

    A model has the records of all units, so by the models alone a check of one unit would touch the metrics of all. A
    check of a relation that rests on one unit's sources is a check of that unit. A metric without observations stays
    touched: the fault may have taken its records.

    Parameters
    ----------
    units_of: business units by relation, and by check id for dbt's tests. observed: pairs of metric and business unit.
    """
    units_of_metric: dict[str, set[str]] = {}
    for metric, unit in observed:
        units_of_metric.setdefault(metric, set()).add(unit)

    def touches(metric: str, units: set[str]) -> bool:
        bases = catalogue.bases(catalogue.metrics[metric]) if metric in catalogue.metrics else {metric}
        return not units or any(base not in units_of_metric or units & units_of_metric[base] for base in bases)

    narrowed = []
    for result in results:
        if result.business_unit and result.kind in ("dbt", "facts"):
            units = {result.business_unit}
        elif result.kind == "dbt":
            units = units_of.get(result.check_id, units_of.get(result.object, set()))
        else:
            units = units_of.get(f"raw_{result.source}.{result.object}", set())
        metrics = tuple(name for name in result.metrics if touches(name, units))
        only_unit = next(iter(units)) if len(units) == 1 else None
        narrowed.append(replace(result, metrics=metrics, business_unit=result.business_unit or only_unit))
    return narrowed
