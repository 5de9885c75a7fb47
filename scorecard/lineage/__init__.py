"""Lineage: the source fields behind a metric's columns, and the metrics that a source feeds."""

from scorecard.lineage.columns import metric_lineage
from scorecard.lineage.downstream import beside_figures, days_only, metrics_downstream, units_upstream
from scorecard.lineage.reach import read_reach

__all__ = ["beside_figures", "days_only", "metric_lineage", "metrics_downstream", "read_reach", "units_upstream"]
