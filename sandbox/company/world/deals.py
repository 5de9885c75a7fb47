"""Deals: their stages, their value, and their quotes."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import NamedTuple

from sandbox.company.world.leads import replace_owner
from sandbox.company.world.model import (
    LOST,
    OPEN_STAGES,
    WON,
    Account,
    Contact,
    DealLine,
    Lead,
    Opportunity,
    Quote,
    Unit,
)
from sandbox.company.world.money import DIGITS, PRICE_LEVEL, rounded
from sandbox.company.world.names import CLOUD
from sandbox.company.world.plan import Plan, later

_WINS = {"hot": 0.6, "warm": 0.42, "cold": 0.25}
_DAYS = {"Qualification": 5, "Needs Analysis": 8, "Proposal": 9, "Negotiation": 7}


class _Buyer(NamedTuple):
    """The parties of a deal: the lead from which it came, the account that buys, and its contact."""

    lead: Lead
    account: Account
    contact: Contact | None


def sell(plan: Plan, unit: Unit, lead: Lead) -> None:
    """Let a converted lead become a deal and, where hardware was sold, more deals later."""
    if not (lead.converted_at and lead.account):
        return
    key = lead.id
    buyer = _Buyer(lead, lead.account, lead.contact)
    deal = _deal(plan, unit, buyer, lead.converted_at, key)
    lead.opportunity = deal
    number = 0
    while deal.won and unit.name != CLOUD:
        number += 1
        random = plan.stream(unit.name, key, "repeat", number)
        at = plan.office(later(deal.stages[-1][0], random, 24 * 150, 0.5), random)
        if at >= plan.ends or random.random() > 0.6:
            return
        renewal = random.random() < 0.15
        deal = _deal(plan, unit, buyer, at, f"{key}/{number}", renewal)


def duplicate(plan: Plan, unit: Unit, lead: Lead) -> None:
    """Let somebody enter a customer twice by mistake, sell to the duplicate, and merge the two a month later."""
    original, contact = lead.account, lead.contact
    if not (original and contact and plan.slips("duplicate", unit.name, lead.id)):
        return
    random = plan.stream("duplicate", lead.id)
    at = plan.office(later(original.created_at, random, 24 * 40, 0.5), random)
    if at >= plan.ends:
        return
    merged_at = at + timedelta(days=random.randrange(10, 60))
    copied = Account(
        unit.ids("account", at, f"{lead.id}/copy"),
        at,
        original.name.replace(" (simulated)", " – copy (simulated)"),
        original.place,
        original.city,
        original.segment,
        original.industry,
        original,
        deleted_at=merged_at,
    )
    person = Contact(
        unit.ids("contact", at, f"{lead.id}/copy"),
        at,
        contact.first,
        contact.last,
        contact.email,
        copied,
        contact,
        deleted_at=merged_at,
    )
    unit.accounts.append(copied)
    unit.contacts.append(person)
    # A second win would be a second subscription of the same customer: the duplicate's deal is lost there.
    chance = 0 if unit.name == CLOUD else None
    _deal(plan, unit, _Buyer(lead, copied, person), at, f"{lead.id}/copy", chance=chance)


def _deal(
    plan: Plan,
    unit: Unit,
    buyer: _Buyer,
    at: datetime,
    key: str,
    renewal: bool = False,
    chance: float | None = None,
) -> Opportunity:
    """Add a deal to a unit; `chance` is the probability that it is won, by the lead's temperature if None."""
    random = plan.stream(unit.name, "deal", key)
    lead, account, contact = buyer
    chance = _WINS[lead.temperature] if chance is None else chance
    won, stays_open = random.random() < chance, random.random() < 0.04
    currency = account.place.currency
    lines = _lines(plan, unit, lead, random, renewal)
    value = sum((line.amount(line.created_at) for line in lines), Decimal())
    estimate = rounded(value * random.choice((Decimal("0.8"), Decimal(1), Decimal("1.2"))), DIGITS[currency])
    stages = list(_stages(plan, random, at, won, stays_open))
    deal = Opportunity(
        unit.ids("opportunity", at, key),
        at,
        f"{account.name} – {'renewal' if renewal else 'deal'} {key[-4:]}",
        account,
        contact,
        lead,
        currency,
        estimate,
        [entry for entry in stages if entry[0] < plan.ends],
        [(at, lead.owner)],
        [(at, plan.day(at) + timedelta(days=60))],
        renewal,
    )
    _complete(plan, unit, deal, lines, random, key)
    unit.opportunities.append(deal)
    return deal


def _stages(plan: Plan, random: Random, at: datetime, won: bool, stays_open: bool) -> Iterator[tuple[datetime, str]]:
    """Yield the stages that a deal enters: some are skipped, to some it returns."""
    path = [OPEN_STAGES[0], *(stage for stage in OPEN_STAGES[1:] if random.random() > 0.12)]
    if not won or stays_open:
        path = path[: random.randrange(len(path)) + 1]
    if len(path) > 1 and random.random() < 0.12:
        path = [*path, path[-2], path[-1]]
    for stage in path:
        yield at, stage
        at = plan.office(later(at, random, 24 * _DAYS[stage], 0.7), random)
    if not stays_open:
        yield at, WON if won else LOST


def _lines(plan: Plan, unit: Unit, lead: Lead, random: Random, renewal: bool) -> list[DealLine]:
    """Return what the deal is about; the lines get their ids and their time once they are entered."""
    currency = lead.place.currency
    lines = []
    products = unit.products[:3] if unit.name == CLOUD else unit.products
    for product in random.sample(products, 1 if unit.name == CLOUD else random.choice((1, 1, 2, 3))):
        # A deal on a subscription is worth its first year.
        months = 12 if unit.name == CLOUD else 1
        listed = Decimal(product.model.price * months * PRICE_LEVEL[currency])
        price = rounded(listed * random.choice((Decimal(1), Decimal("0.95"), Decimal("0.9"))), DIGITS[currency])
        quantity = random.randrange(5, 80) if unit.name == CLOUD else random.randrange(1, 15)
        lines.append(DealLine("", plan.begins, product, quantity, Decimal() if renewal else price, lead.place))
    return lines


def _complete(plan: Plan, unit: Unit, deal: Opportunity, lines: list[DealLine], random: Random, key: str) -> None:
    """Add what follows from the deal's stages: lines, quotes, other owners, close dates, and mistakes."""
    proposed = next((at for at, stage in deal.stages if stage in ("Proposal", "Negotiation", WON)), None)
    closed = deal.closed_at
    if proposed:
        for number, line in enumerate(lines):
            line.created_at, line.id = proposed, unit.ids("line", proposed, f"{key}/{number}")
        deal.lines = lines
        _quotes(plan, unit, deal, proposed, random, key)
    if random.random() < 0.1:
        changed = later(deal.created_at, random, 24 * 6)
        if changed < (closed or plan.ends):
            deal.owners.append((changed, replace_owner(random, unit, deal.owners[0][1])))
    if closed:
        deal.close_dates.append((closed, plan.day(closed)))
    _mishandle(plan, unit, deal, key)


def _quotes(plan: Plan, unit: Unit, deal: Opportunity, requested_at: datetime, random: Random, key: str) -> None:
    if random.random() < 0.1:
        return
    stops = deal.closed_at or plan.ends
    at: datetime = requested_at
    for revision in range(1 + random.choices((0, 1, 2), (7, 2, 1))[0]):
        delivered = plan.office(later(at, random, 20 if revision == 0 else 8), random)
        quote_id = unit.ids("quote", at, f"{key}/{revision}")
        known = delivered if delivered < stops and random.random() > 0.05 else None
        deal.quotes.append(Quote(quote_id, at, deal, requested_at, known, revision))
        if known is None:
            return
        at = plan.office(later(delivered, random, 30), random)
        if at >= stops:
            return


def _mishandle(plan: Plan, unit: Unit, deal: Opportunity, key: str) -> None:
    random = plan.stream("mishandle", unit.name, key)
    if plan.slips("no owner of deal", unit.name, key):
        deal.owners = [(deal.created_at, None)]
    # Nothing may have been billed for what is deleted.
    if plan.slips("delete deal", unit.name, key) and not (unit.name == CLOUD and deal.won):
        deal.deleted_at = later(deal.stages[-1][0], random, 24 * 12)
    closed = deal.closed_at
    if closed is None:
        return
    edited = later(closed, random, 24 * 8)
    if plan.slips("edit close date", unit.name, key):
        deal.close_dates.append((edited, _other_day(plan, random, closed)))
    elif plan.slips("close before create", unit.name, key):
        deal.close_dates.append((edited, plan.day(deal.created_at) - timedelta(days=random.randrange(1, 20))))
    if deal.lines and plan.slips("correct amount", unit.name, key):
        line = deal.lines[0]
        line.corrected_at = later(closed, random, 24 * 20)
        line.corrected_price = rounded(line.price * Decimal("0.9"), DIGITS[deal.currency])


def _other_day(plan: Plan, random: Random, closed: datetime) -> date:
    return plan.day(closed) + timedelta(days=random.choice((-30, -7, -1, 3, 20)))
