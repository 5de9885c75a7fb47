"""Invoices: of periods and of changes within one, how they are paid, and what is credited or refunded afterwards."""

from datetime import datetime, timedelta

from sandbox.company.world.billed import (
    TAX,
    Billing,
    CreditNote,
    Discount,
    Invoice,
    InvoiceLine,
    Refund,
    Subscription,
    SubscriptionItem,
    SubscriptionState,
)
from sandbox.company.world.ids import stripe_id
from sandbox.company.world.money import share
from sandbox.company.world.plan import Plan, later

DRAFT = timedelta(hours=1)
"""How long an invoice of a renewal stays a draft."""


def bill_period(plan: Plan, billing: Billing, subscription: Subscription, reason: str) -> None:
    """Write the invoice of the period that the subscription's last state begins: of nothing, if it is a trial."""
    state = subscription.states[-1]
    key = f"{subscription.id}/{state.at:%Y-%m-%d}"
    lines = [_line(plan, key, state.discount, item, state.period, state.status == "trialing") for item in state.items]
    issued = state.at + (DRAFT if reason == "subscription_cycle" else timedelta())
    invoice = Invoice(stripe_id(plan, "in", key), state.at, subscription, reason, issued, lines, state.discount)
    invoice.void = state.paused_until is not None
    _issue(plan, billing, invoice, key)


def bill_change(
    plan: Plan, billing: Billing, subscription: Subscription, before: SubscriptionState, after: SubscriptionState
) -> None:
    """Write the invoice of a change: the rest of the period is credited at the old and charged at the new price."""
    key = f"{subscription.id}/{after.at:%Y-%m-%dT%H:%M:%S}"
    rest = (after.at, after.period[1])
    whole = int((after.period[1] - after.period[0]).total_seconds())
    left = int((rest[1] - rest[0]).total_seconds())
    percent = 100 - (after.discount.percent if after.discount else 0)

    lines = []
    for sign, items, others in ((-1, before.items, after.items), (1, after.items, before.items)):
        for item in items:
            if item in others:
                continue
            units = sign * share(item.units * percent, left, whole * 100)
            tax = share(units, TAX[item.price.currency], 100)
            text = f"{'Unused' if sign < 0 else 'Remaining'} time on {item.quantity} × {item.price.product.model.name}"
            line_id = stripe_id(plan, "il", f"{key}/{sign}/{item.id}")
            lines.append(InvoiceLine(line_id, item, item.quantity, units, 0, tax, rest, True, text))
    invoice = Invoice(stripe_id(plan, "in", key), after.at, subscription, "subscription_update", after.at, lines, None)
    _issue(plan, billing, invoice, key)


def _line(
    plan: Plan,
    key: str,
    discount: Discount | None,
    item: SubscriptionItem,
    period: tuple[datetime, datetime],
    free: bool,
) -> InvoiceLine:
    units = 0 if free else item.units
    off = share(units, discount.percent, 100) if discount else 0
    tax = share(units - off, TAX[item.price.currency], 100)
    name = item.price.product.model.name
    text = f"Trial period for {name}" if free else f"{item.quantity} × {name} (per {item.price.interval})"
    line_id = stripe_id(plan, "il", f"{key}/{item.id}")
    return InvoiceLine(line_id, item, item.quantity, units, off, tax, period, False, text)


def _issue(plan: Plan, billing: Billing, invoice: Invoice, key: str) -> None:
    """Let an invoice be paid at once, late or never."""
    billing.invoices.append(invoice)
    if invoice.void:
        return
    random = plan.stream("payment", key)
    chance = random.random()
    if invoice.net + invoice.tax <= 0 or chance < 0.92:
        paid_at = invoice.issued_at + timedelta(seconds=random.randrange(5, 600))
    elif chance < 0.99:
        paid_at = later(invoice.issued_at, random, 24 * 6)
    else:
        invoice.uncollectible_at = invoice.issued_at + timedelta(days=45)
        return
    invoice.paid_at = paid_at
    if invoice.net > 0:
        invoice.charge_id = stripe_id(plan, "ch", key)
        _give_back(plan, billing, invoice, key)


def _give_back(plan: Plan, billing: Billing, invoice: Invoice, key: str) -> None:
    """Refund some invoices in full, and credit a part of others; a credit of what is paid already is refunded too."""
    random = plan.stream("credit", key)
    chance = random.random()
    if invoice.paid_at is None or chance > 0.04:
        return
    at = later(invoice.paid_at, random, 24 * 9)
    if chance < 0.01:
        refund = Refund(stripe_id(plan, "re", key), at, invoice, invoice.net + invoice.tax)
        billing.refunds.append(refund)
        return
    line = invoice.lines[-1]
    net = share(line.units - line.discount, random.choice((10, 25, 50)), 100)
    tax = share(net, TAX[invoice.currency], 100)
    reason = random.choice(("order_change", "duplicate"))
    note = CreditNote(stripe_id(plan, "cn", key), at, invoice, net, tax, line, reason)
    if chance < 0.03:
        note.refund = Refund(stripe_id(plan, "re", key), at, invoice, net + tax)
        billing.refunds.append(note.refund)
    billing.credit_notes.append(note)
