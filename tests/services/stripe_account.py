"""An account at the Stripe stand-in, and what its tables have to read after an extraction."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from sandbox.standins.record_store import Store
from sandbox.standins.stripe.server import Stripe

from .conftest import Connect, Reader, utc

BEGIN = utc("2024-01-01T00:00:00")
CUSTOMER = "id, created, name, currency, country"
INVOICE = "id, created, customer, status, currency, total"
LINE = "invoice_id, id, amount"
DISCOUNT = "subscription_id, id, coupon_id, percent_off, started_at, ends_at"

PRICE = {
    "product": "prod_1",
    "active": True,
    "currency": "eur",
    "type": "recurring",
    "billing_scheme": "per_unit",
    "unit_amount": 500,
    "unit_amount_decimal": "500",
    "recurring": {"interval": "month", "interval_count": 1},
    "nickname": None,
}
OTHERS: dict[str, dict[str, Any]] = {
    "product": {"name": "Sim", "active": True, "unit_label": "seat", "metadata": {"tier": "1"}},
    "price": PRICE,
    "charge": {
        "customer": "cus_01",
        "status": "succeeded",
        "currency": "eur",
        "amount": 500,
        "amount_captured": 500,
        "amount_refunded": 0,
        "paid": True,
        "refunded": False,
    },
    "refund": {"charge": "charge_1", "status": "succeeded", "currency": "eur", "amount": 100, "reason": None},
    "coupon": {
        "name": "Sim",
        "percent_off": 12.5,
        "amount_off": None,
        "currency": None,
        "duration": "forever",
        "duration_in_months": None,
        "valid": True,
    },
}


def record(kind: str) -> dict[str, Any]:
    return dict(OTHERS[kind])


def customer(number: int, **fields: Any) -> dict[str, Any]:
    address = {"country": "DE"} if number % 2 else None
    return {"name": f"Sim {number}", "email": None, "currency": "eur", "address": address, "metadata": {}, **fields}


def subscription(**fields: Any) -> dict[str, Any]:
    item = {
        "id": "si_1",
        "price": {"id": "price_1", **PRICE},
        "quantity": 1,
        "created": 100,
        "current_period_start": 100,
        "current_period_end": 200,
    }
    moments = ("trial_start", "trial_end", "cancel_at", "canceled_at", "ended_at")
    return {
        "customer": "cus_01",
        "status": "active",
        "currency": "eur",
        "start_date": 100,
        "billing_cycle_anchor": 100,
        **dict.fromkeys(moments),
        "cancel_at_period_end": False,
        "pause_collection": None,
        "discounts": [],
        "metadata": {},
        "items": {"object": "list", "data": [item]},
        **fields,
    }


def discount(subscription_id: str, number: int) -> dict[str, Any]:
    coupon = {"id": "coupon_1", "object": "coupon", **OTHERS["coupon"], "times_redeemed": number}
    return {
        "id": f"di_{subscription_id}_{number}",
        "object": "discount",
        "customer": "cus_01",
        "subscription": subscription_id,
        "source": {"type": "coupon", "coupon": coupon},
        "promotion_code": "promo_1" if number % 2 else None,
        "start": 100 + number,
        "end": None,
    }


def line(number: int, position: int) -> dict[str, Any]:
    return {
        "id": f"il_{number}_{position}",
        "amount": position,
        "currency": "eur",
        "description": f"Line {position}",
        "quantity": 1,
        "period": {"start": 100, "end": 200},
        "pricing": {"type": "price_details", "price_details": {"price": "price_1", "product": "prod_1"}},
        "parent": {
            "type": "subscription_item_details",
            "subscription_item_details": {
                "subscription": "sub_1",
                "subscription_item": "si_1",
                "proration": position > 0,
            },
        },
        "discount_amounts": [],
        "taxes": [],
    }


def invoice(number: int, lines: int = 2, **fields: Any) -> dict[str, Any]:
    amounts = ("subtotal", "total", "total_excluding_tax", "amount_due", "amount_remaining")
    nothing = ("amount_paid", "pre_payment_credit_notes_amount", "post_payment_credit_notes_amount")
    stages = ("finalized_at", "paid_at", "voided_at", "marked_uncollectible_at")
    return {
        "number": f"SIM-{number}",
        "customer": "cus_01",
        "status": "open",
        "currency": "eur",
        "billing_reason": "subscription_cycle",
        "parent": {"type": "subscription_details", "subscription_details": {"subscription": "sub_1"}},
        "status_transitions": dict.fromkeys(stages),
        "period_start": 100,
        "period_end": 200,
        **dict.fromkeys(amounts, 500),
        **dict.fromkeys(nothing, 0),
        "lines": {"object": "list", "data": [line(number, position) for position in range(lines)]},
        **fields,
    }


def credit_note(number: int) -> dict[str, Any]:
    entry = {
        "id": f"cnli_{number}",
        "type": "invoice_line_item",
        "amount": 100,
        "quantity": 1,
        "discount_amount": 0,
        "description": "Sim",
    }
    texts = {"number": f"SIM-CN-{number}", "invoice": "in_1", "customer": "cus_01", "status": "issued"}
    amounts = dict.fromkeys(("subtotal", "total", "total_excluding_tax"), 100)
    more = {"currency": "eur", "reason": None, "type": "post_payment", "lines": {"object": "list", "data": [entry]}}
    return {**texts, **amounts, **more}


def account() -> Stripe:
    """An account with one record of every object, and forty customers written an hour apart."""
    store = Store(BEGIN)
    for kind, fields in OTHERS.items():
        store.put(kind, "prod_1" if kind == "product" else f"{kind}_1", fields)
    store.put("subscription", "sub_1", subscription())
    store.put("invoice", "in_1", invoice(1))
    store.put("credit_note", "cn_1", credit_note(1))
    for number in range(1, 41):
        store.put("customer", f"cus_{number:02}", customer(number), at=BEGIN + timedelta(hours=number))
    store.now = BEGIN + timedelta(days=3)
    return Stripe(store)


def reader_of(connect: Connect, org: Stripe, **own: Any) -> Reader:
    return connect("stripe", org, {"password": org.secret_key}, **own)


def truth(org: Stripe, table: str) -> list[tuple[Any, ...]]:
    """Return what a table has to read: `CUSTOMER`, `INVOICE` and their like of it, or (id, created) of another."""
    kind = {"invoice_line": "invoice", "discount": "subscription"}.get(table, table)
    rows: list[tuple[Any, ...]] = []
    for record_id, f in org.store.state(kind).items():
        created = f.get("created", int(org.store.versions(kind, record_id)[0].at.timestamp()))
        if table == "customer":
            country = (f["address"] or {}).get("country")
            rows.append((record_id, created, f["name"], f["currency"], country))
        elif table == "invoice":
            rows.append((record_id, created, f["customer"], f["status"], f["currency"], f["total"]))
        elif table == "invoice_line":
            rows += [(record_id, line["id"], line["amount"]) for line in f["lines"]["data"]]
        elif table == "discount":
            for applied in f["discounts"]:
                coupon = applied["source"]["coupon"]
                off = Decimal(str(coupon["percent_off"]))
                rows.append((record_id, applied["id"], coupon["id"], off, applied["start"], applied["end"]))
        else:
            rows.append((record_id, created))
    return sorted(rows)
