"""A simulated group of two companies: one coherent history, as its services and files tell it, and the true figures."""

from sandbox.company.company import Company, simulate
from sandbox.company.world.plan import Plan

__all__ = ["Company", "Plan", "simulate"]
