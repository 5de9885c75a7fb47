"""True figures of sales. A deal closes when the history of its stages says so, whatever its close date says."""

from datetime import datetime, timedelta
from decimal import Decimal

from sandbox.company.truth.window import Metric, Window, middle, ratio
from sandbox.company.world.model import Account, Lead, Opportunity

DEADLINES = {"hot": timedelta(hours=1), "warm": timedelta(hours=4), "cold": timedelta(hours=24)}
"""How soon a lead is to be touched."""


def _closed(window: Window) -> list[Opportunity]:
    deals = window.unit.opportunities
    return [deal for deal in deals if deal.known(window.as_of) and window.holds(deal.closed_at)]


def _won(window: Window) -> list[Opportunity]:
    return [deal for deal in _closed(window) if deal.won]


def _value(window: Window, deals: list[Opportunity]) -> Decimal:
    amounts = (window.eur(deal.amount(window.as_of), deal.currency, deal.closed_at) for deal in deals if deal.closed_at)
    return sum(amounts, Decimal())


def _win_rate(window: Window) -> Decimal | None:
    return ratio(len(_won(window)), len(_closed(window)))


def _win_rate_value(window: Window) -> Decimal | None:
    return ratio(_value(window, _won(window)), _value(window, _closed(window)))


def _booked_revenue(window: Window) -> Decimal:
    return _value(window, _won(window))


def _won_deals(window: Window) -> Decimal:
    return Decimal(len(_won(window)))


def _sales_volume(window: Window) -> Decimal:
    return Decimal(sum(line.quantity for deal in _won(window) for line in deal.lines))


def _average_deal_size(window: Window) -> Decimal | None:
    """Deals of no value are left out."""
    deals = [deal for deal in _won(window) if deal.amount(window.as_of)]
    return ratio(_value(window, deals), len(deals))


def _new_customers(window: Window) -> Decimal:
    """Accounts that are merged count once, from their first win."""
    first: dict[Account, datetime] = {}
    for deal in window.unit.opportunities:
        at = deal.closed_at
        if deal.won and at and at <= window.as_of and deal.known(window.as_of):
            account = deal.account.settled(window.as_of)
            first[account] = min(at, first.get(account, at))
    return Decimal(sum(window.holds(at) for at in first.values()))


def _sales_cycle_length(window: Window) -> Decimal | None:
    """In days of the calendar, from the day of creation to the day of the win."""
    day = window.world.plan.day
    return middle((day(deal.closed_at) - day(deal.created_at)).days for deal in _won(window) if deal.closed_at)


def _touched_at(window: Window, lead: Lead) -> datetime | None:
    """Return when a person first called or wrote to a lead."""
    touches = (touch for touch in lead.touches if not (touch.automatic or touch.inbound))
    return next((touch.created_at for touch in touches if touch.known(window.as_of)), None)


def _leads(window: Window) -> list[Lead]:
    return [lead for lead in window.unit.leads if lead.known(window.as_of) and window.holds(lead.created_at)]


def _lead_response_time(window: Window) -> Decimal | None:
    """In minutes, of the leads of the period that were touched."""
    touched = ((lead, _touched_at(window, lead)) for lead in _leads(window))
    return middle(Decimal(int((at - lead.created_at).total_seconds())) / 60 for lead, at in touched if at)


def _speed_to_lead(window: Window) -> Decimal | None:
    """Of the leads of the period whose deadline is over; who was never touched missed it."""
    due = [(lead, lead.created_at + DEADLINES[lead.temperature]) for lead in _leads(window)]
    due = [(lead, deadline) for lead, deadline in due if deadline <= window.as_of]
    met = sum((at := _touched_at(window, lead)) is not None and at <= deadline for lead, deadline in due)
    return ratio(met, len(due))


def _calls_made(window: Window) -> Decimal:
    calls = (touch for touch in window.unit.touches if touch.kind == "call" and not touch.inbound)
    return Decimal(sum(call.known(window.as_of) and window.holds(call.created_at) for call in calls))


def _value_added_calls(window: Window) -> Decimal:
    calls = (touch for touch in window.unit.touches if touch.kind == "call" and touch.value_added)
    return Decimal(sum(call.known(window.as_of) and window.holds(call.created_at) for call in calls))


def _appointments_set(window: Window) -> Decimal:
    return Decimal(sum(window.holds(meeting.created_at) for meeting in window.unit.meetings))


def _meetings_held(window: Window) -> Decimal:
    return Decimal(sum(meeting.held and window.holds(meeting.starts_at) for meeting in window.unit.meetings))


def _quote_turnaround(window: Window) -> Decimal | None:
    """In hours, of the first quotes that were delivered in the period; a revision is no first quote."""
    deals = (deal for deal in window.unit.opportunities if deal.known(window.as_of))
    quotes = [quote for deal in deals for quote in deal.quotes if quote.revision == 0]
    return middle(
        Decimal(int((quote.delivered_at - quote.requested_at).total_seconds())) / 3600
        for quote in quotes
        if quote.delivered_at and window.holds(quote.delivered_at)
    )


SALES: dict[str, Metric] = {
    "win_rate": _win_rate,
    "win_rate_value": _win_rate_value,
    "booked_revenue": _booked_revenue,
    "won_deals": _won_deals,
    "sales_volume": _sales_volume,
    "average_deal_size": _average_deal_size,
    "new_customers": _new_customers,
    "sales_cycle_length": _sales_cycle_length,
    "lead_response_time": _lead_response_time,
    "speed_to_lead": _speed_to_lead,
    "calls_made": _calls_made,
    "value_added_calls": _value_added_calls,
    "appointments_set": _appointments_set,
    "meetings_held": _meetings_held,
    "quote_turnaround": _quote_turnaround,
}
