"""The tree of goals: every indicator under what it drives."""

from dataclasses import dataclass

from scorecard.pdf.page.close_data import Metric
from scorecard.pdf.page.comparisons import against_prior, against_target
from scorecard.pdf.page.context import Cell, Desk, Status


@dataclass(frozen=True)
class Node:
    """An indicator in the tree of goals: how deep it stands, and whether it is a KGI, KPI or KFS."""

    depth: int
    level: str
    label: str
    value: Cell
    vs_target: Cell
    vs_prior: Cell
    status: Status


def tree(desk: Desk) -> tuple[Node, ...]:
    """Return the indicators under what they drive, each once."""
    mains = desk.close.mains()
    names = {metric.name for metric in mains}
    seen: set[str] = set()
    nodes: list[Node] = []

    def add(metric: Metric, depth: int) -> None:
        if metric.name in seen:
            return
        seen.add(metric.name)
        figure = desk.close.whole(metric.name)
        nodes.append(
            Node(
                depth,
                desk.say(f"level.{metric.level}"),
                metric.label,
                desk.figure(metric, figure),
                against_target(desk, metric, figure),
                against_prior(desk, metric, figure),
                desk.status_of(figure),
            )
        )
        for child in mains:
            if metric.name in child.drives:
                add(child, depth + 1)

    for metric in mains:
        if not names & set(metric.drives):
            add(metric, 0)
    return tuple(nodes)
