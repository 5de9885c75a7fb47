"""What dbt is told of the metrics: the lists that it can't take from its own graph."""

from typing import Any

from scorecard.catalogue import business_units, load_catalogue
from scorecard.settings import Settings


def metric_variables(settings: Settings) -> dict[str, Any]:
    """Return dbt's variables.

    Returns
    -------
    kpis: the KPI models. evidence: by metric, the model of the records behind its observations. parameters: a row per
    business unit and parameter of a metric, with business_unit, parameter (``<metric>.<name>``) and number (as text).
    """
    metrics = [metric for metric in load_catalogue(settings).metrics.values() if metric.variant_of is None]
    return {
        "kpis": sorted(metric.model for metric in metrics if metric.model),
        "evidence": {metric.name: metric.evidence for metric in metrics if metric.evidence},
        "parameters": [
            {"business_unit": unit, "parameter": f"{metric.name}.{name}", "number": str(number)}
            for unit in sorted(business_units(settings))
            for metric in metrics
            for name, number in metric.parameters.items()
        ],
    }
