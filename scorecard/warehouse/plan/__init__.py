"""The plan of a build: which metrics share a pass over a fact, and which are computed from their own observations."""

from scorecard.warehouse.plan.plan import FILE, Plan, make_plan, read_plan, write_plan

__all__ = ["FILE", "Plan", "make_plan", "read_plan", "write_plan"]
