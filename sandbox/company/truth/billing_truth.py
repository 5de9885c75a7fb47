"""True figures of billing.

MRR in EUR is at the rate of the day on which the customer first subscribed: a moving rate is no movement of MRR.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import partial

from sandbox.company.truth.window import Metric, Window, ratio
from sandbox.company.world.billed import Customer, Invoice
from sandbox.company.world.money import DIGITS, REPORTING, major
from sandbox.company.world.plan import next_month

MOVEMENTS = ("new", "expansion", "contraction", "churn", "reactivation")


@dataclass(frozen=True)
class _Movement:
    kind: str
    amount: Decimal


def _mrr_of(window: Window, customer: Customer, at: datetime, currency: str) -> Decimal:
    """Return a customer's MRR at a moment, in EUR or in its own currency."""
    states = (subscription.state(min(at, window.as_of)) for subscription in customer.subscriptions)
    total = sum((state.mrr for state in states if state), Decimal())
    if currency == REPORTING:
        return window.eur(total, customer.currency, customer.subscriptions[0].created_at)
    return total


def _customers(window: Window, currency: str | None) -> list[Customer]:
    return [customer for customer in window.world.billing.customers if currency in (None, customer.currency)]


def _mrr(window: Window, currency: str | None) -> Decimal:
    amounts = (
        _mrr_of(window, customer, window.end, currency or REPORTING) for customer in _customers(window, currency)
    )
    return sum(amounts, Decimal())


def _movement(window: Window, kind: str, currency: str | None) -> Decimal:
    """A customer moves between the ends of two calendar months; it counts in the period that has the month's end."""
    amounts = (
        move.amount
        for customer in _customers(window, currency)
        for move in _movements(window, customer, currency or REPORTING)
        if move.kind == kind
    )
    return sum(amounts, Decimal())


def _movements(window: Window, customer: Customer, currency: str) -> Iterator[_Movement]:
    plan = window.world.plan
    opening, ever = Decimal(), False
    day = plan.day(customer.created_at).replace(day=1)
    while True:
        day = _month_after(day, 1)
        at = plan.midnight(day)
        if at > min(window.end, window.as_of):
            return
        closing = _mrr_of(window, customer, at, currency)
        if closing != opening and window.start < at:
            yield _Movement(_kind(opening, closing, ever), closing - opening)
        opening, ever = closing, ever or closing > 0


def _kind(opening: Decimal, closing: Decimal, ever: bool) -> str:
    if opening == 0:
        return "reactivation" if ever else "new"
    if closing == 0:
        return "churn"
    return "expansion" if closing > opening else "contraction"


def _gross_revenue_retention(window: Window, currency: str | None) -> Decimal | None:
    kept, opened = Decimal(), Decimal()
    for customer in _customers(window, currency):
        opening, closing = (_mrr_of(window, customer, at, currency or REPORTING) for at in (window.start, window.end))
        kept, opened = kept + min(opening, closing), opened + opening
    return ratio(kept, opened)


def _net_revenue_retention(window: Window, currency: str | None) -> Decimal | None:
    plan = window.world.plan
    year_ago = plan.midnight(_month_after(plan.day(window.end), -12))
    now, then = Decimal(), Decimal()
    for customer in _customers(window, currency):
        before, after = (_mrr_of(window, customer, at, currency or REPORTING) for at in (year_ago, window.end))
        now, then = now + (after if before else 0), then + before
    return ratio(now, then)


def _month_after(day: date, months: int) -> date:
    return next_month(datetime(day.year, day.month, day.day), months).date()


def _customer_churn_rate(window: Window, currency: str | None) -> Decimal | None:
    """Who was on trial or paused was a customer too. Every end is a cancellation, which counts on its day."""
    active = [customer for customer in _customers(window, currency) if _is_active(customer, window.start)]
    return ratio(sum(_is_lost(window, customer) for customer in active), len(active))


def _is_active(customer: Customer, at: datetime) -> bool:
    states = (subscription.state(at) for subscription in customer.subscriptions)
    return any(state and state.status != "canceled" for state in states)


def _is_lost(window: Window, customer: Customer) -> bool:
    return any(window.holds(subscription.ended_at) for subscription in customer.subscriptions)


def _revenue(window: Window, currency: str | None) -> Decimal:
    """What was invoiced without tax, less credit notes, less refunds that no credit note tells of already."""
    billing = window.world.billing
    entries: list[tuple[datetime, Invoice, int]] = []
    entries += [(invoice.issued_at, invoice, invoice.net) for invoice in billing.invoices if not invoice.void]
    entries += [(note.created_at, note.invoice, -note.net) for note in billing.credit_notes]
    credited = {note.refund for note in billing.credit_notes}
    entries += [
        (refund.created_at, refund.invoice, -refund.invoice.net) for refund in billing.refunds if refund not in credited
    ]
    total = Decimal()
    for at, invoice, units in entries:
        if window.holds(at) and currency in (None, invoice.currency):
            amount = major(units, invoice.currency)
            total += amount if currency else window.eur(amount, invoice.currency, at)
    return total


def _named(currency: str | None) -> dict[str, Metric]:
    metrics: dict[str, Metric] = {
        "mrr": partial(_mrr, currency=currency),
        "gross_revenue_retention": partial(_gross_revenue_retention, currency=currency),
        "net_revenue_retention": partial(_net_revenue_retention, currency=currency),
        "customer_churn_rate": partial(_customer_churn_rate, currency=currency),
        "revenue": partial(_revenue, currency=currency),
        **{f"mrr_{kind}": partial(_movement, kind=kind, currency=currency) for kind in MOVEMENTS},
    }
    return metrics if currency is None else {f"{name}:{currency}": metric for name, metric in metrics.items()}


BILLING: dict[str, Metric] = {name: metric for currency in (None, *DIGITS) for name, metric in _named(currency).items()}
"""Each of all customers in EUR and, with a currency after a colon, of those who pay in it, in that currency."""
