"""Invoices, charges, credit notes and refunds, as Stripe knows them."""

from collections.abc import Callable

from sandbox.company.world.billed import TAX, CreditNote, Invoice, InvoiceLine, Refund
from sandbox.company.world.ids import stripe_id
from sandbox.company.world.model import Product
from sandbox.company.world.plan import Plan
from sandbox.company.writers.writing import Change, Writer, unix
from sandbox.standins.record_store import Fields

ProductId = Callable[[Product], str]


def write_invoice(writer: Writer, plan: Plan, product_id: ProductId, invoice: Invoice, refund: Refund | None) -> None:
    """Write an invoice in all its states, and the charge that paid it."""
    total = invoice.net + invoice.tax
    lines = [_line(product_id, invoice, line) for line in invoice.lines]
    changes: list[Change] = [(invoice.created_at, _draft(invoice, total, lines))]
    number = f"SIM-{invoice.id[3:11].upper()}"
    if invoice.void:
        changes.append((invoice.issued_at, {"number": number, **_standing("void", invoice, 0)}))
    else:
        changes.append((invoice.issued_at, {"number": number, **_standing("open", invoice, 0)}))
    if invoice.paid_at:
        paid = _standing("paid", invoice, max(total, 0))
        changes.append((invoice.paid_at, paid | {"payments": _payments(plan, invoice)}))
        _write_charge(writer, invoice, refund)
    if invoice.uncollectible_at:
        changes.append((invoice.uncollectible_at, _standing("uncollectible", invoice, 0)))
    writer.write("invoice", invoice, changes)


def _draft(invoice: Invoice, total: int, lines: list[Fields]) -> Fields:
    """Return an invoice before it is issued; total: with tax, in units of its currency."""
    subtotal = sum(line.units for line in invoice.lines)
    amounts = [line["discount_amounts"][0] for line in lines if line["discount_amounts"]]
    off = sum(entry["amount"] for entry in amounts)
    subscription = invoice.subscription
    return {
        "customer": subscription.customer.id,
        "currency": invoice.currency.lower(),
        "billing_reason": invoice.reason,
        "collection_method": "charge_automatically",
        "created": unix(invoice.created_at),
        "subtotal": subtotal,
        "subtotal_excluding_tax": subtotal,
        "total": total,
        "total_excluding_tax": invoice.net,
        "total_taxes": _taxes(invoice.currency, invoice.tax, invoice.net),
        "amount_due": max(total, 0),
        "total_discount_amounts": [{"amount": off, "discount": amounts[0]["discount"]}] if amounts else [],
        "period_start": unix(invoice.created_at),
        "period_end": unix(invoice.created_at),
        "metadata": {},
        "parent": {"type": "subscription_details", "subscription_details": {"subscription": subscription.id}},
        "lines": {"object": "list", "data": lines, "has_more": False, "total_count": len(lines)},
        "number": None,
        "pre_payment_credit_notes_amount": 0,
        "post_payment_credit_notes_amount": 0,
        **_standing("draft", invoice, 0),
    }


def _line(product_id: ProductId, invoice: Invoice, line: InvoiceLine) -> Fields:
    price = line.item.price
    discount = invoice.discount
    amounts = [{"amount": line.discount, "discount": discount.id}] if discount else []
    details = {"subscription": invoice.subscription.id, "subscription_item": line.item.id, "proration": line.proration}
    return {
        "id": line.id,
        "object": "line_item",
        "amount": line.units,
        "subtotal": line.units,
        "description": line.text,
        "currency": price.currency.lower(),
        "discount_amounts": amounts,
        "discountable": not line.proration,
        "discounts": [entry["discount"] for entry in amounts],
        "invoice": invoice.id,
        "livemode": False,
        "metadata": {},
        "parent": {"type": "subscription_item_details", "subscription_item_details": details},
        "period": {"start": unix(line.period[0]), "end": unix(line.period[1])},
        "quantity": line.quantity,
        "pricing": {
            "type": "price_details",
            "unit_amount_decimal": str(price.units),
            "price_details": {"price": price.id, "product": product_id(price.product)},
        },
        "taxes": _taxes(price.currency, line.tax, line.units - line.discount),
    }


def _taxes(currency: str, amount: int, taxable: int) -> list[Fields]:
    if not TAX[currency]:
        return []
    return [{"amount": amount, "tax_behavior": "exclusive", "taxable_amount": taxable, "type": "tax_rate_details"}]


def _standing(status: str, invoice: Invoice, paid: int) -> Fields:
    """Return the fields that say where an invoice stands."""
    issued = None if status == "draft" else unix(invoice.issued_at)
    total = max(invoice.net + invoice.tax, 0)
    return {
        "status": status,
        "amount_paid": paid,
        "amount_remaining": 0 if status == "void" else total - paid,
        "attempted": status not in ("draft", "void"),
        "effective_at": issued,
        "status_transitions": {
            "finalized_at": issued,
            "paid_at": unix(invoice.paid_at) if status == "paid" and invoice.paid_at else None,
            "voided_at": issued if status == "void" else None,
            "marked_uncollectible_at": unix(invoice.uncollectible_at)
            if status == "uncollectible" and invoice.uncollectible_at
            else None,
        },
    }


def _payments(plan: Plan, invoice: Invoice) -> Fields:
    """The charge that paid an invoice: newer API versions name it here, and no longer the invoice on the charge."""
    if not invoice.charge_id:
        return {"object": "list", "data": [], "has_more": False}
    payment = {
        "id": stripe_id(plan, "inpay", invoice.id),
        "object": "invoice_payment",
        "invoice": invoice.id,
        "amount_paid": invoice.net + invoice.tax,
        "currency": invoice.currency.lower(),
        "status": "paid",
        "is_default": True,
        "payment": {"type": "charge", "charge": invoice.charge_id},
    }
    return {"object": "list", "data": [payment], "has_more": False}


def _write_charge(writer: Writer, invoice: Invoice, refund: Refund | None) -> None:
    if not (invoice.charge_id and invoice.paid_at):
        return
    amount = invoice.net + invoice.tax
    fields: Fields = {
        "amount": amount,
        "amount_captured": amount,
        "amount_refunded": 0,
        "captured": True,
        "paid": True,
        "currency": invoice.currency.lower(),
        "customer": invoice.subscription.customer.id,
        "refunded": False,
        "status": "succeeded",
        "description": "Subscription (simulated)",
        "metadata": {},
    }
    changes: list[Change] = [(invoice.paid_at, fields)]
    if refund:
        changes.append((refund.created_at, {"amount_refunded": refund.units, "refunded": refund.units == amount}))
    writer.put("charge", invoice.charge_id, changes)


def write_credit_note(writer: Writer, note: CreditNote) -> None:
    """Write a credit note and, on its invoice, that there is one."""
    invoice, total = note.invoice, note.net + note.tax
    refund = note.refund
    refunds = [{"type": "refund", "refund": refund.id, "amount_refunded": refund.units}] if refund else []
    fields: Fields = {
        "amount": total,
        "currency": invoice.currency.lower(),
        "customer": invoice.subscription.customer.id,
        "created": unix(note.created_at),
        "effective_at": unix(note.created_at),
        "discount_amount": 0,
        "discount_amounts": [],
        "invoice": invoice.id,
        "memo": None,
        "metadata": {},
        "number": f"SIM-{note.id[3:11]}",
        "lines": {"object": "list", "data": [_credited_line(note)], "has_more": False},
        "pre_payment_amount": 0,
        "post_payment_amount": total,
        "reason": note.reason,
        "refunds": refunds,
        "status": "issued",
        "subtotal": note.net,
        "subtotal_excluding_tax": note.net,
        "total": total,
        "total_excluding_tax": note.net,
        "total_taxes": _taxes(invoice.currency, note.tax, note.net),
        "type": "post_payment",
    }
    writer.write("credit_note", note, [(note.created_at, fields)])
    if note.created_at < writer.ends:
        writer.store.change("invoice", invoice.id, note.created_at, post_payment_credit_notes_amount=total)


def _credited_line(note: CreditNote) -> Fields:
    return {
        "id": f"cnli_{note.id[3:]}",
        "object": "credit_note_line_item",
        "amount": note.net,
        "quantity": 1,
        "type": "invoice_line_item",
        "invoice_line_item": note.line.id,
        "description": note.line.text,
        "discount_amount": 0,
        "taxes": _taxes(note.invoice.currency, note.tax, note.net),
        "livemode": False,
    }


def write_refund(writer: Writer, refund: Refund) -> None:
    """Write a refund."""
    fields: Fields = {
        "amount": refund.units,
        "charge": refund.invoice.charge_id,
        "currency": refund.invoice.currency.lower(),
        "created": unix(refund.created_at),
        "reason": "requested_by_customer",
        "status": "succeeded",
        "customer": refund.invoice.subscription.customer.id,
        "metadata": {},
    }
    writer.write("refund", refund, [(refund.created_at, fields)])
