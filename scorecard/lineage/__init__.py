"""From a metric's columns back to the source's fields, and from a source on to the metrics it feeds."""

from scorecard.lineage.columns import metric_lineage
from scorecard.lineage.downstream import beside_figures, metrics_downstream, units_upstream

__all__ = ["beside_figures", "metric_lineage", "metrics_downstream", "units_upstream"]
