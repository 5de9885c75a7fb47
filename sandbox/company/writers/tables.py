"""What the company keeps in files: spend, fees, telephony, content, coaching, surveys and its agencies' reports."""

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import product
from typing import Any

from sandbox.company.world.history import World
from sandbox.company.world.model import Opportunity, Rep, Unit
from sandbox.company.world.money import REPORTING
from sandbox.company.world.names import AGENCIES, CLOUD, PLACES, SOURCES, UNITS
from sandbox.company.world.plan import Plan, later
from sandbox.company.world.support import Ticket

FileRow = dict[str, Any]
"""A line of a table; each has its `day`."""

CONTENT = ("Sim Case Study", "Sim Price Guide", "Sim Product Film", "Sim Security Paper")
_SEEN_IN = ("awareness", "consideration", "decision")
_REPORTED = ("calls", "connected", "appointments", "meetings_held")
_QUALITIES = ("track_record", "expertise", "people", "kpi_setting", "communication", "support")


def tables(world: World) -> dict[str, list[FileRow]]:
    """Return every table by its name, in the order of its days."""
    plan = world.plan
    all_rows: dict[str, list[FileRow]] = {
        "spend": list(_spend(plan)),
        "agency_fees": list(_fees(world)),
        "telephony_log": [row for unit in world.units.values() for row in _calls(plan, unit)],
        "content_use": [row for unit in world.units.values() for row in _content(plan, unit)],
        "content_searches": [row for unit in world.units.values() for row in _searches(plan, unit)],
        "coaching": [row for unit in world.units.values() for row in _coaching(plan, unit)],
        "surveys": list(_surveys(world)),
        "agency_reports": list(_reports(world)),
        "agency_assessments": list(_assessments(plan)),
        "fx_rates": [{"day": day, "currency": name, "rate": rate} for (name, day), rate in world.rates.table.items()],
    }
    last = plan.day(plan.ends)
    return {
        name: sorted((r for r in rows if r["day"] < last), key=lambda r: r["day"]) for name, rows in all_rows.items()
    }


def _weeks(plan: Plan) -> Iterator[date]:
    """Yield the Sunday that ends each whole week."""
    day = plan.start + timedelta(days=6 - plan.start.weekday())
    while day < plan.day(plan.ends):
        yield day
        day += timedelta(days=7)


def _month_ends(plan: Plan) -> Iterator[date]:
    day = plan.start
    while day < plan.day(plan.ends):
        if (day + timedelta(days=1)).day == 1:
            yield day
        day += timedelta(days=1)


def _spend(plan: Plan) -> Iterator[FileRow]:
    regions = sorted({place.region for place in PLACES})
    for unit, day in product(UNITS, _weeks(plan)):
        random = plan.stream("spend", unit, day)
        for region, (kind, base) in product(regions, (("marketing", 6), ("sales", 14))):
            amount = Decimal(plan.size * base * random.randrange(60, 140)) / 100
            source = random.choice(SOURCES) if kind == "marketing" else None
            row = {"day": day, "unit": unit, "kind": kind, "region": region, "lead_source": source}
            yield row | {"amount": amount, "currency": REPORTING}


def _fees(world: World) -> Iterator[FileRow]:
    """A fee for the month and one for each meeting that was held."""
    held = Counter(
        (world.plan.day(meeting.starts_at).replace(day=1), unit.name, meeting.rep.agency)
        for unit in world.units.values()
        for meeting in unit.meetings
        if meeting.rep and meeting.held
    )
    for day, name, agency in product(_month_ends(world.plan), UNITS, AGENCIES):
        row = {"day": day, "unit": name, "agency": agency, "currency": REPORTING}
        yield row | {"amount": Decimal(world.plan.size * 5 + 250 * held[day.replace(day=1), name, agency])}


def _calls(plan: Plan, unit: Unit) -> Iterator[FileRow]:
    for touch in unit.touches:
        if touch.kind == "call":
            yield {
                "day": plan.day(touch.created_at),
                "started_at": touch.created_at,
                "call_id": touch.id,
                "unit": unit.name,
                "rep_email": touch.rep.email if touch.rep else None,
                "direction": "inbound" if touch.inbound else "outbound",
                "connected": touch.connected,
                "seconds": touch.seconds,
            }


def _content(plan: Plan, unit: Unit) -> Iterator[FileRow]:
    for deal in unit.opportunities:
        random = plan.stream("content", deal.id)
        for number in range(random.choice((0, 0, 1, 2))):
            at = later(deal.created_at, random, 24 * 6)
            if at < (deal.closed_at or plan.ends):
                yield {
                    "day": plan.day(at),
                    "unit": unit.name,
                    "item": random.choice(CONTENT),
                    "stage": _SEEN_IN[min(number + random.randrange(2), 2)],
                    "opportunity_id": deal.id,
                    "useful": random.choices((True, False, None), (5, 2, 3))[0],
                }


def _searches(plan: Plan, unit: Unit) -> Iterator[FileRow]:
    for rep in unit.reps:
        random, at = plan.stream("search", rep.id), plan.begins
        while (at := plan.office(later(at, random, 24 * 9), random)) < plan.ends:
            results = random.choice((0, 1, 3, 8))
            row = {"day": plan.day(at), "searched_at": at, "unit": unit.name, "rep_email": rep.email}
            yield row | {
                "query": f"sim {random.choice(CONTENT)[4:].lower()}",
                "results": results,
                "used": results > 0 and random.random() < 0.7,
            }


def _coaching(plan: Plan, unit: Unit) -> Iterator[FileRow]:
    for rep in unit.reps:
        random, at = plan.stream("coaching", rep.id), plan.begins
        while not rep.agency and (at := plan.office(later(at, random, 24 * 40), random)) < plan.ends:
            topic = random.choice(("questions", "value", "closing"))
            row = {"day": plan.day(at), "unit": unit.name, "rep_email": rep.email, "coach": "Sim Coach"}
            yield row | {"topic": topic, "minutes": random.choice((30, 45, 60))}


def _surveys(world: World) -> Iterator[FileRow]:
    for unit in world.units.values():
        for deal in unit.opportunities:
            yield from _after_sale(world.plan, unit, deal)
    for ticket in world.desk.tickets:
        yield from _after_help(world.plan, ticket)


def _after_sale(plan: Plan, unit: Unit, deal: Opportunity) -> Iterator[FileRow]:
    """Ask who bought: half of them answer, and those of a hasty sale are less happy."""
    random = plan.stream("survey", deal.id)
    if not (deal.won and deal.closed_at) or random.random() < 0.5:
        return
    at = later(deal.closed_at, random, 24 * 20, 0.6)
    hasty = (deal.closed_at - deal.created_at).days < 14
    score = random.choices((1, 2, 3, 4, 5), (2, 2, 3, 4, 3) if hasty else (1, 1, 2, 5, 6))[0]
    rep = deal.owners[-1][1]
    yield {
        "day": plan.day(at),
        "survey_id": f"sim-sale-{deal.id}",
        "answered_at": at,
        "unit": unit.name,
        "kind": "after sale",
        "account_id": deal.account.id,
        "record_id": deal.id,
        "rep_email": rep.email if rep else None,
        "score": score,
        "recommends": min(10, max(0, 2 * score + random.randrange(-1, 2))),
        "first_contact": None,
    }


def _after_help(plan: Plan, ticket: Ticket) -> Iterator[FileRow]:
    random = plan.stream("survey", ticket.id)
    if len(ticket.solved_at) <= len(ticket.reopened_at) or random.random() < 0.7:
        return
    at = later(ticket.solved_at[-1], random, 30)
    settled = len(ticket.replied_at) == 1
    score = random.choices((1, 2, 3, 4, 5), (1, 1, 2, 5, 7) if settled else (3, 3, 4, 4, 2))[0]
    yield {
        "day": plan.day(at),
        "survey_id": f"sim-help-{ticket.id}",
        "answered_at": at,
        "unit": CLOUD,
        "kind": "after help",
        "account_id": ticket.requester.customer.account.id,
        "record_id": ticket.id,
        "rep_email": None,
        "score": score,
        "recommends": None,
        "first_contact": settled if random.random() < 0.85 else not settled,
    }


def _reports(world: World) -> Iterator[FileRow]:
    """What each agency says of its week."""
    plan = world.plan
    counts: Counter[tuple[date, str, str, str]] = Counter()

    def count(what: str, unit: Unit, rep: Rep | None, at: datetime) -> None:
        if rep and rep.agency:
            day = plan.day(at)
            counts[day + timedelta(days=6 - day.weekday()), unit.name, rep.agency, what] += 1

    for unit in world.units.values():
        for call in (touch for touch in unit.touches if touch.kind == "call" and not touch.inbound):
            count("calls", unit, call.rep, call.created_at)
            if call.connected:
                count("connected", unit, call.rep, call.created_at)
        for meeting in unit.meetings:
            count("appointments", unit, meeting.rep, meeting.created_at)
            if meeting.held:
                count("meetings_held", unit, meeting.rep, meeting.starts_at)
    for day, name, agency in product(_weeks(plan), UNITS, AGENCIES):
        figures = {what: counts[day, name, agency, what] for what in _REPORTED}
        yield {"day": day, "unit": name, "agency": agency, **figures}


def _assessments(plan: Plan) -> Iterator[FileRow]:
    for day in _month_ends(plan):
        for agency in AGENCIES:
            random = plan.stream("assessment", agency, day)
            row: FileRow = {"day": day, "agency": agency, "assessed_by": "Sim Head of Sales"}
            yield row | {quality: random.randrange(2, 6) for quality in _QUALITIES}
