"""dbt's variables: the company's settings, and lists that dbt can't take from its own graph."""

from collections.abc import Mapping
from typing import Any

from scorecard.catalogue import (
    Catalogue,
    Dimension,
    Parameters,
    around,
    business_units,
    load_catalogue,
    member_in_sql,
    parts_in_sql,
)
from scorecard.catalogue.dbt_lists import dbt_variables
from scorecard.shared.settings import Settings


def variables(settings: Settings) -> dict[str, Any]:
    """Return dbt's variables. With dbt's files and the raw tables they are all that figures depend on.

    Raises
    ------
    WrongDeclarations: files of metrics, dimensions, sources or models are wrong; it names file and line.
    """
    catalogue = load_catalogue(settings)
    return {
        "timezone": settings.timezone,
        "currency": settings.currency,
        "fiscal_year_start_month": settings.fiscal.first_month,
        "fiscal_year_ahead": settings.fiscal.ahead,
        **dbt_variables(settings),
        "dimensions": declared_dimensions(catalogue.dimensions),
        **metric_variables(settings, catalogue),
    }


def declared_dimensions(dimensions: Mapping[str, Dimension]) -> list[dict[str, Any]]:
    """Return the dimensions as dbt's macros read them.

    Returns
    -------
    A dict per dimension. name; around: the dimensions around it, the nearest first. A dimension whose members are pairs
    also has crosses: the two dimensions; member: the SQL of a pair; parts: the SQL of the two names in `given.member`;
    renamed: the SQL of a pair of the present names, which are in `first_named.name` and `second_named.name`.
    """
    return [
        {"name": name, "around": around(dimension, dimensions)}
        | (_pairs(dimension.crosses) if dimension.crosses else {})
        for name, dimension in dimensions.items()
    ]


def _pairs(pair: tuple[str, str]) -> dict[str, Any]:
    parts = parts_in_sql("given.member")
    tables = ("first_named", "second_named")
    names = [f"coalesce({table}.name, {part})" for table, part in zip(tables, parts, strict=True)]
    return {
        "crosses": [*pair],
        "member": member_in_sql(pair),
        "parts": parts,
        "renamed": member_in_sql(pair, dict(zip(pair, names, strict=True))),
    }


def metric_variables(settings: Settings, catalogue: Catalogue) -> dict[str, Any]:
    """Return the variables about metrics.

    Returns
    -------
    kpis: the KPI models.
    evidence: by metric, the model of the records behind its observations.
    parameters: a row per business unit and parameter of a metric, with business_unit, parameter (``<metric>.<name>``)
    and number (as text).
    """
    metrics = [metric for metric in catalogue.metrics.values() if metric.variant_of is None]
    return {
        "kpis": sorted(metric.model for metric in metrics if metric.model),
        "evidence": {metric.name: metric.evidence for metric in metrics if metric.evidence},
        "parameters": [
            {"business_unit": unit, "parameter": f"{metric.name}.{name}", "number": str(number)}
            for unit in sorted(business_units(settings))
            for metric in metrics
            for name, default in metric.parameters.items()
            for number in Parameters(settings, unit).numbers(metric.name, name, default)
        ],
    }
