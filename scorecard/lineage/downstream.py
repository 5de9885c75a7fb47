"""Which metrics rest on a source, seed or model, by dbt's manifest."""

from typing import Any

METRICS_FOLDER = "kpis/"


def is_metric(node: dict[str, Any]) -> bool:
    """Tell whether a manifest node is a metric's model (the folder says so, not the name)."""
    return node.get("resource_type") == "model" and str(node.get("path", "")).startswith(METRICS_FOLDER)


def metrics_downstream(manifest: dict[str, Any]) -> dict[str, list[str]]:
    """Return, by unique id of every source, seed and model, the metrics that rest on it, sorted.

    A metric rests on itself. Variants beside a metric are not listed: they share its observations.
    """
    children: dict[str, list[str]] = manifest["child_map"]
    nodes: dict[str, dict[str, Any]] = {**manifest["nodes"], **manifest["sources"]}
    found: dict[str, frozenset[str]] = {}
    for start in nodes:
        # Depth first without recursion: a child is done before its parent. dbt refuses cycles.
        stack = [start]
        while stack:
            name = stack[-1]
            open_children = [child for child in children.get(name, []) if child in nodes and child not in found]
            if open_children:
                stack += open_children
                continue
            stack.pop()
            own = {nodes[name]["name"].removeprefix("kpi_")} if is_metric(nodes[name]) else set()
            found[name] = frozenset(own.union(*(found[child] for child in children.get(name, []) if child in nodes)))
    return {
        name: sorted(metrics)
        for name, metrics in found.items()
        if nodes[name]["resource_type"] in ("source", "seed", "model")
    }
