"""Leads, and how they are pursued: calls, emails, follow-ups and meetings, up to the lead's conversion."""

from datetime import datetime, timedelta
from random import Random

from sandbox.company.world.model import Account, Contact, FollowUp, Lead, Meeting, Rep, Touch, Unit
from sandbox.company.world.names import CLOUD, INDUSTRIES, PLACES, SOURCES, company, person
from sandbox.company.world.plan import Plan, later

_FIRST_TOUCH_HOURS = {"hot": 0.7, "warm": 3.0, "cold": 18.0}
_NEVER_TOUCHED = {"hot": 0.02, "warm": 0.06, "cold": 0.15}
_MEETS = {"hot": 0.85, "warm": 0.65, "cold": 0.4}
_ATTEMPTS = 6


def meet(plan: Plan, unit: Unit, number: int) -> Lead:
    """Let a lead arrive and be pursued; it is converted if a meeting with it is held and goes well."""
    key = f"lead/{number}"
    random = plan.stream(unit.name, key)
    lead = _arrive(plan, unit, number, key, random)
    unit.leads.append(lead)
    _work(plan, unit, lead, key, random)
    if not lead.converted_at and plan.slips("delete lead", unit.name, key):
        last = lead.touches[-1].created_at if lead.touches else lead.created_at
        lead.deleted_at = later(last + timedelta(days=30), plan.stream("deleted", key), 24 * 5)
    return lead


def _work(plan: Plan, unit: Unit, lead: Lead, key: str, random: Random) -> None:
    if random.random() < 0.5:
        at = lead.created_at + timedelta(seconds=random.randrange(5, 120))
        _touch(plan, unit, Touch("", at, "email", lead, None, automatic=True), f"{key}/auto")
    if random.random() < _NEVER_TOUCHED[lead.temperature]:
        return
    reached = _pursue(plan, unit, lead, key, random)
    if reached and random.random() < _MEETS[lead.temperature]:
        _meet_in_person(plan, unit, lead, reached, key, random)


def _arrive(plan: Plan, unit: Unit, number: int, key: str, random: Random) -> Lead:
    at = plan.arrival(unit.name, key)
    first, last = person(random)
    place = random.choices(PLACES, (5, 2, 4, 2, 2))[0]
    reps = [rep for rep in unit.reps if bool(rep.agency) == (random.random() < 0.3)] or unit.reps
    lead = Lead(
        unit.ids("lead", at, key),
        at,
        first,
        last,
        f"{last.lower()}{number}@customer{number}.example",
        company(random, place.form, number),
        place,
        random.choices(("cold", "warm", "hot"), (5, 3, 2))[0],
        random.choice(SOURCES),
        random.choice(reps),
    )
    if plan.slips("no owner", unit.name, key):
        lead.owner = None
    return lead


def _pursue(plan: Plan, unit: Unit, lead: Lead, key: str, random: Random) -> datetime | None:
    """Call and write until the lead is reached; return when it was, None if it was given up."""
    hot = lead.temperature == "hot"
    at = plan.office(later(lead.created_at, random, _FIRST_TOUCH_HOURS[lead.temperature], 1.0), random)
    last = lead.created_at
    for attempt in range(_ATTEMPTS):
        touch = _attempt(random, lead, at, call=random.random() < 0.75)
        _touch(plan, unit, touch, f"{key}/{attempt}")
        if attempt:
            _follow_up(plan, unit, lead, f"{key}/{attempt}", last, touch)
        if touch.connected:
            return at
        last = at
        if random.random() < (0.05 if hot else 0.15):
            break
        at = plan.office(later(at, random, 40), random)
    if random.random() < 0.5:
        _follow_up(plan, unit, lead, f"{key}/missed", last, None)
    return None


def _attempt(random: Random, lead: Lead, at: datetime, call: bool) -> Touch:
    tailored = random.choices((True, False, None), (4, 4, 2))[0]
    template = random.choice(("Sim first contact", "Sim reminder", None))
    if not call:
        return Touch("", at, "email", lead, lead.owner, tailored=tailored, template=template)
    connected = random.random() < 0.4
    value_added = random.choices((True, False, None), (45, 40, 15))[0] if connected else None
    seconds = random.randrange(60, 1500) if connected else random.randrange(5, 40)
    touch = Touch("", at, "call", lead, lead.owner, connected=connected, seconds=seconds)
    touch.value_added, touch.tailored = value_added, tailored
    return touch


def _touch(plan: Plan, unit: Unit, touch: Touch, key: str) -> None:
    if touch.created_at >= plan.ends:
        return
    touch.id = unit.ids(touch.kind, touch.created_at, key)
    if plan.slips("delete touch", unit.name, key):
        touch.deleted_at = touch.created_at + timedelta(days=9)
    touch.lead.touches.append(touch)
    unit.touches.append(touch)


def _follow_up(plan: Plan, unit: Unit, lead: Lead, key: str, last: datetime, done: Touch | None) -> None:
    """Note what was to be done two days after the last touch."""
    if last >= plan.ends:
        return
    due = plan.day(last + timedelta(days=2))
    record = FollowUp(unit.ids("followup", last, f"{key}/due"), last, lead, lead.owner, due)
    if done:
        record.done_at, record.reached = done.created_at, done.connected
    unit.followups.append(record)


def _meet_in_person(plan: Plan, unit: Unit, lead: Lead, reached: datetime, key: str, random: Random) -> None:
    booked = reached + timedelta(minutes=random.randrange(5, 60))
    if random.random() < 0.2:
        call = Touch("", booked, "call", lead, lead.owner, True, connected=True, seconds=120)
        _touch(plan, unit, call, f"{key}/inbound")
    for number in range(2):
        if booked >= plan.ends:
            return
        starts = plan.office(later(booked, random, 24 * 5, 0.5), random)
        meeting = Meeting(unit.ids("meeting", booked, f"{key}/{number}"), booked, lead, lead.owner, starts, True)
        meeting.held = random.random() < 0.8
        unit.meetings.append(meeting)
        if meeting.held:
            if random.random() < 0.75:
                meeting.feedback_at = plan.office(later(starts + timedelta(hours=1), random, 8, 1.2), random)
            if random.random() < 0.75:
                _convert(plan, unit, lead, starts + timedelta(hours=2), key, random)
            return
        booked = plan.office(later(starts, random, 20), random)


def _convert(plan: Plan, unit: Unit, lead: Lead, at: datetime, key: str, random: Random) -> None:
    """Make an account and a contact of the lead."""
    if at >= plan.ends:
        return
    lead.converted_at = at
    lead.account = Account(
        unit.ids("account", at, key),
        at,
        lead.company,
        lead.place,
        random.choice(lead.place.cities),
        random.choices(("SMB", "Mid-market", "Enterprise"), (5, 3, 2))[0],
        random.choice(INDUSTRIES),
    )
    # One record of HubSpot's is first a lead and then a contact; Salesforce makes a new one.
    contact_id = lead.id if unit.name == CLOUD else unit.ids("contact", at, key)
    lead.contact = Contact(contact_id, at, lead.first, lead.last, lead.email, lead.account)
    unit.accounts.append(lead.account)
    unit.contacts.append(lead.contact)


def replace_owner(random: Random, unit: Unit, owner: Rep | None) -> Rep:
    """Return another rep of the same agency, or of the house."""
    agency = owner.agency if owner else ""
    others = [rep for rep in unit.reps if rep.agency == agency and rep is not owner]
    return random.choice(others or unit.reps)
