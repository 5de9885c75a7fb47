"""The history of the group, as objects of the simulation."""

from dataclasses import dataclass

from sandbox.company.world.billed import Billing
from sandbox.company.world.deals import duplicate, sell
from sandbox.company.world.leads import meet
from sandbox.company.world.model import Unit
from sandbox.company.world.money import Rates
from sandbox.company.world.names import CLOUD, UNITS
from sandbox.company.world.people import new_unit
from sandbox.company.world.plan import Plan
from sandbox.company.world.subscriptions import price_list, subscribe
from sandbox.company.world.support import Desk, staff, support


@dataclass(eq=False)
class World:
    """Everything that happened."""

    plan: Plan
    rates: Rates
    units: dict[str, Unit]
    billing: Billing
    desk: Desk


def happen(plan: Plan) -> World:
    """Simulate the history of a plan."""
    units = {name: new_unit(plan, name) for name in UNITS}
    for unit in units.values():
        for number in range(plan.leads):
            lead = meet(plan, unit, number)
            sell(plan, unit, lead)
            duplicate(plan, unit, lead)
    cloud = units[CLOUD]
    billing, desk = Billing(price_list(plan, cloud)), staff(plan)
    for deal in cloud.opportunities:
        subscribe(plan, cloud, billing, deal)
    for customer in billing.customers:
        support(plan, desk, customer)
    return World(plan, Rates(plan), units, billing, desk)
