"""Which metrics rest on a source, seed or model, according to dbt's manifest."""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

from scorecard.catalogue import COMPANY, metric_of

METRICS_FOLDER = "kpis/"


def is_metric(node: dict[str, Any]) -> bool:
    """Tell whether a manifest node is a metric's model (the folder says so, not the name)."""
    return node.get("resource_type") == "model" and str(node.get("path", "")).startswith(METRICS_FOLDER)


def metrics_downstream(
    manifest: dict[str, Any], derived: Mapping[str, Collection[str]] = MappingProxyType({})
) -> dict[str, list[str]]:
    """Return, by unique id of every source, seed and model, the metrics that rest on it, sorted.

    Parameters
    ----------
    derived: by the name of a model, the metrics that rest on it without a model of their own.

    A metric rests on itself. Its variants are not listed, since they share its observations. A model with ``days_only``
    in its meta passes nothing on: every metric rests on the calendar's days, and none on the records behind them.
    """
    nodes: dict[str, dict[str, Any]] = {**manifest["nodes"], **manifest["sources"]}
    children: dict[str, list[str]] = {
        name: [child for child in below if not is_days_only(nodes.get(child, {}))]
        for name, below in manifest["child_map"].items()
    }
    downstream: dict[str, frozenset[str]] = {}
    for start in nodes:
        # Depth first, without recursion: a child is done before its parent. dbt allows no cycles.
        stack = [start]
        while stack:
            name = stack[-1]
            open_children = [child for child in children.get(name, []) if child in nodes and child not in downstream]
            if open_children:
                stack += open_children
                continue
            stack.pop()
            own = {metric_of(nodes[name]["name"])} if is_metric(nodes[name]) else set()
            own |= set(derived.get(nodes[name]["name"], ()))
            downstream[name] = frozenset(
                own.union(*(downstream[child] for child in children.get(name, []) if child in nodes))
            )
    return {
        name: sorted(metrics)
        for name, metrics in downstream.items()
        if nodes[name]["resource_type"] in ("source", "seed", "model")
    }


def beside_figures(manifest: dict[str, Any], derived: Mapping[str, Collection[str]] = MappingProxyType({})) -> set[str]:
    """Return the unique ids of the tables and models that stand beside figures.

    These are the tables that people write and that no KPI rests on, such as targets and actions, and the models that
    are made of them and that no metric rests on.

    Parameters
    ----------
    derived: as in `metrics_downstream`.
    """
    of_kpis, of_metrics = metrics_downstream(manifest), metrics_downstream(manifest, derived)
    written = [name for name, node in manifest["sources"].items() if node["source_name"] == COMPANY]
    reached = {name for name in written if not of_kpis[name]}
    rest = list(reached)
    while rest:
        for child in manifest["child_map"].get(rest.pop(), []):
            node = manifest["nodes"].get(child, {})
            is_made_of_it = node.get("resource_type") == "model" and not of_metrics[child] and not is_days_only(node)
            if is_made_of_it and child not in reached:
                reached.add(child)
                rest.append(child)
    return reached


def units_upstream(manifest: dict[str, Any], written: Collection[str] = ()) -> dict[str, set[str]]:
    """Return, by ``schema.relation`` of every source, seed and model, the business units whose sources it rests on.

    Parameters
    ----------
    written: the units whose people write files of the source ``company``. A model that rests on these files alone, such
        as that of the targets, rests on all of these units.
    """
    nodes: dict[str, dict[str, Any]] = {**manifest["nodes"], **manifest["sources"]}
    units_by_node: dict[str, set[str]] = {}

    def units(name: str) -> set[str]:
        if name not in units_by_node:
            node = nodes.get(name, {})
            own = node.get("source_meta", {}).get("business_unit")
            parents = [] if is_days_only(node) else manifest["parent_map"].get(name, [])
            units_by_node[name] = ({own} if own else set()).union(*(units(parent) for parent in parents))
        return units_by_node[name]

    on_written_files = _below(
        [name for name, node in manifest["sources"].items() if node["source_name"] == COMPANY], manifest
    )
    return {
        f"{node['schema']}.{node['name']}": units(name) or (set(written) if name in on_written_files else set())
        for name, node in nodes.items()
    }


def _below(starts: Collection[str], manifest: dict[str, Any]) -> set[str]:
    reached: set[str] = set()
    rest = list(starts)
    while rest:
        name = rest.pop()
        if name not in reached:
            reached.add(name)
            rest += manifest["child_map"].get(name, [])
    return reached


def is_days_only(node: dict[str, Any]) -> bool:
    """Tell whether a manifest node passes on days only, and nothing of the records behind them."""
    return bool(node.get("config", {}).get("meta", {}).get("days_only"))


def days_only(manifest: dict[str, Any]) -> set[str]:
    """Return the models that pass on days only, as ``schema.relation``."""
    return {f"{node['schema']}.{node['name']}" for node in manifest["nodes"].values() if is_days_only(node)}
