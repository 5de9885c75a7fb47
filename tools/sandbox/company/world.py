"""One history of the group, told by its own objects."""

from dataclasses import dataclass

from .billed import Billing
from .deals import duplicate, sell
from .leads import meet
from .model import Unit
from .money import Rates
from .names import CLOUD, UNITS
from .people import found
from .plan import Plan
from .subscriptions import price_list, subscribe
from .support import Desk, staff, support


@dataclass(eq=False)
class World:
    """Everything that happened."""

    plan: Plan
    rates: Rates
    units: dict[str, Unit]
    billing: Billing
    desk: Desk


def happen(plan: Plan) -> World:
    """Let it happen."""
    units = {name: found(plan, name) for name in UNITS}
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
