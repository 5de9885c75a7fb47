"""The tree of goals: every indicator stands below the one that it drives."""

from dataclasses import dataclass

from scorecard.pdf.page import Cell, MetricDefinition, PageContext, Status, against_prior, against_target


@dataclass(frozen=True)
class GoalNode:
    """An indicator in the tree of goals. ``depth`` counts from 0, ``level`` says KGI, KPI or KFS."""

    depth: int
    level: str
    label: str
    value: Cell
    vs_target: Cell
    vs_prior: Cell
    status: Status


def goal_tree(context: PageContext) -> tuple[GoalNode, ...]:
    """Return the indicators from the top of the tree, each once."""
    metrics = context.close.main_metrics
    names = {metric.name for metric in metrics}
    depths: dict[str, int] = {}

    def add(metric: MetricDefinition, depth: int) -> None:
        if metric.name not in depths:
            depths[metric.name] = depth
            for other in metrics:
                if metric.name in other.drives:
                    add(other, depth + 1)

    for metric in metrics:
        if not names & set(metric.drives):
            add(metric, 0)
    return tuple(_node(context, context.close.metrics[name], depth) for name, depth in depths.items())


def _node(context: PageContext, metric: MetricDefinition, depth: int) -> GoalNode:
    figure = context.close.whole(metric.name)
    return GoalNode(
        depth=depth,
        level=context.say(f"level.{metric.level}"),
        label=metric.label,
        value=context.figure_cell(metric, figure),
        vs_target=against_target(context, metric, figure),
        vs_prior=against_prior(context, metric, figure),
        status=context.status_of(figure),
    )
