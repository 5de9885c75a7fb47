"""Support: requests of customers, how they are answered and solved, reopened or asked again, and rated."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from sandbox.company.world.billed import Customer
from sandbox.company.world.ids import Serial
from sandbox.company.world.model import Record
from sandbox.company.world.names import TOPICS, person
from sandbox.company.world.plan import Plan, later


@dataclass(eq=False)
class Agent(Record):
    """A support agent."""

    name: str
    email: str


@dataclass(eq=False)
class Requester(Record):
    """A person who asks for a customer."""

    name: str
    email: str
    customer: Customer


@dataclass(eq=False)
class Ticket(Record):
    """A request: when it was answered, solved and opened again. ``rating`` is the answer to "Was it good?"."""

    requester: Requester
    agent: Agent
    topic: str
    channel: str
    priority: str
    replied_at: list[datetime] = field(default_factory=list)
    solved_at: list[datetime] = field(default_factory=list)
    reopened_at: list[datetime] = field(default_factory=list)
    rated_at: datetime | None = None
    rating: str = ""


@dataclass(eq=False)
class Desk:
    """All that the support service knows."""

    ids: Serial
    group_id: str
    agents: list[Agent]
    organizations: dict[Customer, str] = field(default_factory=dict)
    requesters: list[Requester] = field(default_factory=list)
    tickets: list[Ticket] = field(default_factory=list)


def staff(plan: Plan) -> Desk:
    """Return the desk on its first day."""
    ids = Serial(plan)
    agents = []
    for number in range(max(2, plan.size // 80)):
        email = f"agent{number}@support.example"
        name = " ".join(person(plan.stream("agent", number)))
        agents.append(Agent(ids("agent", plan.begins, email), plan.begins, name, email))
    return Desk(ids, ids("group", plan.begins, "support"), agents)


def support(plan: Plan, desk: Desk, customer: Customer) -> None:
    """Let a customer ask for help as long as it subscribes."""
    desk.organizations[customer] = desk.ids("organization", customer.created_at, customer.id)
    random = plan.stream("support", customer.id)
    until = customer.subscriptions[-1].ended_at or plan.ends
    people = [_requester(plan, desk, customer, number) for number in range(random.choice((1, 2, 3)))]
    at, number = customer.created_at, 0
    while (at := later(at, random, 24 * 35, 0.9)) < until:
        _ask(plan, desk, random.choice(people), random.choice(TOPICS), at, f"{customer.id}/{number}")
        number += 1


def _requester(plan: Plan, desk: Desk, customer: Customer, number: int) -> Requester:
    key = f"{customer.id}/{number}"
    name = " ".join(person(plan.stream("requester", key)))
    at, email = customer.created_at, f"user{number}@{customer.id[4:12].lower()}.example"
    requester = Requester(desk.ids("requester", at, key), at, name, email, customer)
    desk.requesters.append(requester)
    return requester


def _ask(plan: Plan, desk: Desk, requester: Requester, topic: str, at: datetime, key: str) -> None:
    if at >= plan.ends:
        return
    random = plan.stream("ticket", key)
    ticket = Ticket(
        desk.ids("ticket", at, key),
        at,
        requester,
        random.choice(desk.agents),
        topic,
        random.choice(("web", "email", "chat")),
        random.choice(("low", "normal", "high", "urgent")),
    )
    desk.tickets.append(ticket)
    solved = _answer(plan, ticket, random)
    if solved and random.random() < 0.12:
        reopened = later(solved, random, 20, 0.6)
        # What is opened again is so within the week that counts.
        if reopened < min(plan.ends, solved + timedelta(days=6)):
            ticket.reopened_at.append(reopened)
            solved = _answer(plan, ticket, random, reopened)
    elif solved and random.random() < 0.08:
        _ask(plan, desk, requester, topic, later(solved, random, 60, 0.6), f"{key}/again")
    if solved and random.random() < 0.4:
        _rate(plan, ticket, solved, random)
    if plan.slips("delete ticket", key):
        ticket.deleted_at = later((solved or at) + timedelta(days=10), random, 24 * 5)


def _answer(plan: Plan, ticket: Ticket, random: Random, reopened: datetime | None = None) -> datetime | None:
    """Reply once or more often, and solve; return when that was, None if it is not so yet."""
    hours = {"urgent": 0.4, "high": 1.0}.get(ticket.priority, 3.0)
    at = plan.office(later(reopened or ticket.created_at, random, hours), random)
    for number in range(1 if random.random() < 0.6 else 2):
        at = plan.office(later(at, random, 10), random) if number else at
        if at >= plan.ends:
            return None
        ticket.replied_at.append(at)
    at += timedelta(minutes=random.randrange(1, 90))
    if at >= plan.ends or random.random() < 0.03:
        return None
    ticket.solved_at.append(at)
    return at


def _rate(plan: Plan, ticket: Ticket, solved: datetime, random: Random) -> None:
    at = later(solved, random, 12)
    if at < plan.ends:
        quick = len(ticket.replied_at) == 1
        ticket.rated_at, ticket.rating = at, "good" if random.random() < (0.92 if quick else 0.7) else "bad"
