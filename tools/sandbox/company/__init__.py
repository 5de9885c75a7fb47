"""A simulated group of two companies: one coherent history, as its services and files tell it, and the true figures."""

from .company import Company, simulate
from .plan import Plan

__all__ = ["Company", "Plan", "simulate"]
