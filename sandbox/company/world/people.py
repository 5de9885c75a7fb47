"""A unit before anything happens: its products, its reps, and the reps of the agencies that sell for it."""

from sandbox.company.world.ids import Ids, SalesforceIds, Serial
from sandbox.company.world.model import Product, Rep, Unit
from sandbox.company.world.names import AGENCIES, CLOUD, INSTRUMENTS, MODELS, TEAMS, person
from sandbox.company.world.plan import Plan


def new_unit(plan: Plan, name: str) -> Unit:
    """Return a unit on its first day."""
    ids: Ids = SalesforceIds(plan) if name == INSTRUMENTS else Serial(plan)
    unit = Unit(name, ids)
    unit.products = [Product(ids("product", plan.begins, model.name), plan.begins, model) for model in MODELS[name]]
    in_house = max(3, plan.size // 50)
    unit.reps = [_rep(plan, unit, number, "") for number in range(in_house)]
    for place, agency in enumerate(AGENCIES):
        unit.reps += [_rep(plan, unit, 1000 * (place + 1) + n, agency) for n in range(max(1, plan.size // 200))]
    return unit


def _rep(plan: Plan, unit: Unit, number: int, agency: str) -> Rep:
    random = plan.stream("rep", unit.name, number)
    first, last = person(random)
    email = f"rep{number}@{'cloud' if unit.name == CLOUD else 'instruments'}.example"
    teams = [(plan.begins, agency or TEAMS[number % len(TEAMS)])]
    # Every third rep of the house moves to another team, in the middle of a month.
    if not agency and number % 3 == 0:
        moved = plan.begins + (plan.ends - plan.begins) * random.uniform(0.3, 0.7)
        moved = plan.at(plan.day(moved).replace(day=15), 9, random)
        teams.append((moved, TEAMS[(number + 1) % len(TEAMS)]))
    return Rep(unit.ids("rep", plan.begins, email), plan.begins, first, last, email, agency, teams)
