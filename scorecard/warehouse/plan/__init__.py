"""The plan of a build: which metrics are computed in one pass over a fact, and which over their own observations."""

from scorecard.warehouse.plan.plan import FILE, Plan, make_plan, read_plan, write_plan

__all__ = ["FILE", "Plan", "make_plan", "read_plan", "write_plan"]
