"""Make, keep and read the plan of a build."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scorecard.catalogue import Catalogue, Metric, crossing_name, member_in_sql
from scorecard.catalogue.expression import Term, in_sql
from scorecard.shared.files import write_whole
from scorecard.shared.settings import Settings
from scorecard.warehouse.plan.kpi_sql import KpiShape, NoPass, Table, read_shape
from scorecard.warehouse.plan.passes import Kpi, make_passes, refuse_unfit

_LAYERS = ("core", "intermediate")
"""The folders of the models that a KPI reads."""

FILE = "plan.json"
"""Name of the plan's file in the state folder. dbt runs there and reads it."""


@dataclass(frozen=True)
class Plan:
    """How the metrics are computed.

    ``passes`` are shared by metrics, ``alone`` says by metric why it has no pass, and ``content`` is what the macros of
    the roll-up read.
    """

    passes: tuple[dict[str, Any], ...]
    alone: Mapping[str, str]
    content: dict[str, Any]

    def by_metric(self) -> dict[str, dict[str, Any]]:
        """Return the pass that computes each metric: its SQL and the metrics that share it."""
        return {
            name: {"sql": entry["sql"], "metrics": names_in(entry)} for entry in self.passes for name in names_in(entry)
        }

    def rows(self) -> list[dict[str, Any]]:
        """Return a row per metric with SQL: metric, pass (its number), shares_with, reason, sql."""
        planned = [
            {
                "metric": name,
                "pass": number,
                "shares_with": ", ".join(other for other in names_in(entry) if other != name),
                "reason": None,
                "sql": entry["sql"],
            }
            for number, entry in enumerate(self.passes, start=1)
            for name in names_in(entry)
        ]
        alone = [
            {"metric": name, "pass": None, "shares_with": "", "reason": f"It {reason}.", "sql": None}
            for name, reason in self.alone.items()
        ]
        return planned + alone


def names_in(entry: Mapping[str, Any]) -> list[str]:
    """Return the metrics of a pass."""
    return [metric["name"] for metric in entry["metrics"]]


def make_plan(catalogue: Catalogue, manifest: Mapping[str, Any]) -> Plan:
    """Plan the metrics of a catalogue by their compiled SQL.

    Parameters
    ----------
    manifest: dbt's, with the compiled SQL of the KPIs and the name of the engine.
    """
    tables = _tables(manifest)
    # dbt and sqlglot have the same names for the engines.
    dialect = manifest["metadata"]["adapter_type"]
    shapes: list[tuple[Kpi, KpiShape]] = []
    alone: dict[str, str] = {}
    plain: dict[str, dict[str, Any]] = {}
    compiled = {node["name"]: node.get("compiled_code") or "" for node in manifest["nodes"].values()}
    for kpi in _kpis(catalogue):
        try:
            shape = read_shape(compiled.get(kpi.model, ""), tables, dialect)
            refuse_unfit(kpi, shape)
            shapes.append((kpi, shape))
        except NoPass as reason:
            alone[kpi.name] = str(reason)
            plain[kpi.model] = {
                "name": kpi.name,
                "kind": kpi.kind,
                "aggregates": list(kpi.aggregates),
                "cross": [{"name": crossing_name(pair), "sql": member_in_sql(pair)} for pair in kpi.cross],
            }
    passes = tuple(shared.entry() for shared in make_passes(shapes, list(catalogue.dimensions)))
    content = {
        "metrics": [_metric_entry(catalogue, metric) for metric in catalogue.metrics.values()],
        "passes": passes,
        "plain": plain,
        "derived": _derived(catalogue),
    }
    return Plan(passes, alone, content)


def write_plan(settings: Settings, plan: Plan) -> None:
    """Keep the plan where dbt and people read it."""
    path = settings.state / FILE
    write_whole(path, json.dumps({**plan.content, "alone": dict(plan.alone)}, indent=1).encode())


def read_plan(path: Path) -> Plan:
    """Read a plan that was kept."""
    content = json.loads(path.read_text(encoding="utf-8"))
    return Plan(tuple(content["passes"]), content["alone"], content)


def _kpis(catalogue: Catalogue) -> list[Kpi]:
    """Return the metrics that have SQL, each with its variants' aggregates."""
    kpis = []
    for metric in catalogue.metrics.values():
        if metric.expression is None and metric.variant_of is None:
            variants = [other.aggregate for other in catalogue.metrics.values() if other.variant_of == metric.name]
            kpis.append(Kpi(metric.name, metric.model, metric.kind, (metric.aggregate, *variants), metric.cross))
    return kpis


def _tables(manifest: Mapping[str, Any]) -> dict[tuple[str, str], Table]:
    """Return the models that KPIs may read, by schema and name, with the keys that YAML and tests declare."""
    keys: dict[str, list[frozenset[str]]] = {}
    for node in manifest["nodes"].values():
        test = node.get("test_metadata") or {}
        if test.get("name") == "unique" and (column := node.get("column_name")):
            keys.setdefault(node.get("attached_node") or "", []).append(frozenset((column.lower(),)))
    tables = {}
    for name, node in manifest["nodes"].items():
        if node["resource_type"] == "model" and node["fqn"][1] in _LAYERS and node["columns"]:
            declared = node["config"]["meta"].get("key")
            own = [*keys.get(name, ()), *([frozenset(declared)] if declared else ())]
            table = Table(node["relation_name"], tuple(column.lower() for column in node["columns"]), tuple(own))
            tables[node["schema"].lower(), (node.get("alias") or node["name"]).lower()] = table
    return tables


def _metric_entry(catalogue: Catalogue, metric: Metric) -> dict[str, Any]:
    expression = metric.expression
    driver = catalogue.metrics[expression.driver.metric] if expression else None
    return {
        "metric": metric.name,
        "base": metric.base,
        "kind": "flow" if expression else metric.kind,
        "aggregate": "derived" if expression else metric.aggregate,
        "driver": driver and driver.name,
        # A sum and its attainment are compared with the elapsed part of the target.
        "is_prorated": bool(expression.has_target) if expression else metric.aggregate == "sum",
        "in_points": bool(expression and expression.looks_back),
        "minimum": metric.minimum_observations,
        "direction": metric.direction,
        "grains": [str(grain) for grain in metric.grains],
        "na_where": list(metric.na_where),
        "unit": metric.unit,
        "level": metric.level,
        "drives": list(metric.drives),
        "cross": [crossing_name(pair) for pair in metric.cross],
    }


def _derived(catalogue: Catalogue) -> list[dict[str, Any]]:
    """Return the derived metrics as the macro reads them that computes them."""
    entries = []
    for metric in catalogue.metrics.values():
        expression = metric.expression
        if expression is not None:
            entries.append(
                {
                    "name": metric.name,
                    "driver": expression.driver.metric,
                    "grains": [str(grain) for grain in metric.grains],
                    "numerator": in_sql(expression.numerator, _amount, expression.terms),
                    "denominator": in_sql(expression.denominator, _amount, expression.terms),
                    "terms": [
                        {"name": f"t{place}", "metric": term.metric, "at": term.at, "months": term.months}
                        for place, term in enumerate(expression.terms)
                    ],
                }
            )
    return entries


def _amount(place: int, term: Term) -> str:
    """Return the SQL of a term. A member that is missing in an earlier period counts as 0 there."""
    return f"t{place}.amount" if term.at in ("now", "target") else f"coalesce(t{place}.amount, 0)"
