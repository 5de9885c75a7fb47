"""The billing of Simulated Cloud, as its Stripe knows it: amounts in the smallest unit, times in seconds."""

from sandbox.company.world.billed import (
    Billing,
    Customer,
    Discount,
    Price,
    Subscription,
    SubscriptionItem,
    SubscriptionState,
)
from sandbox.company.world.ids import stripe_id
from sandbox.company.world.model import Product
from sandbox.company.world.plan import Plan
from sandbox.company.writers.to_stripe_invoices import write_credit_note, write_invoice, write_refund
from sandbox.company.writers.writing import Change, Writer, unix
from sandbox.standins.record_store import Fields, Store


class ToStripe:
    """Writes the billing's history into a store."""

    def __init__(self, plan: Plan, billing: Billing, store: Store) -> None:
        self.plan, self.billing = plan, billing
        self.writer = Writer(store, plan.ends)

    def write(self) -> None:
        """Write everything."""
        for product in {price.product: None for price in self.billing.prices.values()}:
            self._write_product(product)
        for price in self.billing.prices.values():
            self.writer.put("price", price.id, [(self.plan.begins, self._price(price))])
        for customer in self.billing.customers:
            self._write_customer(customer)
        coupons: dict[str, Discount] = {}
        for subscription in self.billing.subscriptions:
            self._write_subscription(subscription)
            if discount := subscription.states[0].discount:
                coupons.setdefault(_coupon_id(discount), discount)
        for coupon_id, discount in coupons.items():
            self.writer.put("coupon", coupon_id, [(self.plan.begins, _coupon(discount))])
        refunded = {refund.invoice: refund for refund in self.billing.refunds}
        for invoice in self.billing.invoices:
            write_invoice(self.writer, self.plan, self.product_id, invoice, refunded.get(invoice))
        for note in self.billing.credit_notes:
            write_credit_note(self.writer, note)
        for refund in self.billing.refunds:
            write_refund(self.writer, refund)

    def product_id(self, product: Product) -> str:
        """Return the product's id in the billing service."""
        return stripe_id(self.plan, "prod", product.model.name)

    def _write_product(self, product: Product) -> None:
        model = product.model
        metadata = {"family": model.family, "tier": str(model.tier)}
        fields = {"name": model.name, "active": True, "type": "service", "unit_label": "seat", "metadata": metadata}
        self.writer.put("product", self.product_id(product), [(self.plan.begins, fields)])

    def _price(self, price: Price) -> Fields:
        recurring = {"interval": price.interval, "interval_count": 1, "usage_type": "licensed"}
        return {
            "active": True,
            "billing_scheme": "per_unit",
            "currency": price.currency.lower(),
            "nickname": f"{price.product.model.name}, by the {price.interval}",
            "unit_amount": price.units,
            "product": self.product_id(price.product),
            "recurring": recurring,
            "tax_behavior": "exclusive",
            "type": "recurring",
            "unit_amount_decimal": str(price.units),
            "metadata": {},
        }

    def _write_customer(self, customer: Customer) -> None:
        account = customer.account
        fields: Fields = {
            "name": account.name,
            "email": f"billing@customer{account.id[-6:]}.example",
            "delinquent": False,
            "currency": customer.currency.lower(),
            "balance": 0,
            "tax_exempt": "none",
            "address": {"city": account.city, "country": account.place.country},
            "metadata": {"hubspot_company_id": account.id},
        }
        self.writer.write("customer", customer, [(customer.created_at, fields)])

    def _write_subscription(self, subscription: Subscription) -> None:
        customer = subscription.customer
        trial = subscription.trial_end
        first: Fields = {
            "customer": customer.id,
            "currency": customer.currency.lower(),
            "collection_method": "charge_automatically",
            "start_date": unix(subscription.created_at),
            "billing_cycle_anchor": unix(trial or subscription.created_at),
            "trial_start": unix(subscription.created_at) if trial else None,
            "trial_end": unix(trial) if trial else None,
            "metadata": {},
            "canceled_at": None,
            "ended_at": None,
        }
        changes: list[Change] = [(subscription.created_at, first)]
        for state in subscription.states:
            changes.append((state.at, self._state(subscription, state)))
        ended = subscription.ended_at
        # What ends with a period was canceled when notice was given, anything else when it ended.
        if canceled := next((state.at for state in subscription.states if state.cancels_at), ended):
            changes.append((canceled, {"canceled_at": unix(canceled)}))
        if ended:
            changes.append((ended, {"ended_at": unix(ended)}))
        self.writer.write("subscription", subscription, changes)

    def _state(self, subscription: Subscription, state: SubscriptionState) -> Fields:
        items = [self._item(subscription, item, state) for item in state.items]
        resumes = {"behavior": "void", "resumes_at": unix(state.paused_until)} if state.paused_until else None
        discounts = [_discount(subscription, state.discount)] if state.discount else []
        ends = state.cancels_at
        return {
            "status": state.status,
            "pause_collection": resumes,
            "discounts": discounts,
            "items": {"object": "list", "data": items, "has_more": False, "total_count": len(items)},
            "cancel_at_period_end": ends is not None,
            "cancel_at": unix(ends) if ends else None,
        }

    def _item(self, subscription: Subscription, item: SubscriptionItem, state: SubscriptionState) -> Fields:
        price = {"id": item.price.id, "object": "price", "livemode": False, **self._price(item.price)}
        return {
            "id": item.id,
            "object": "subscription_item",
            "subscription": subscription.id,
            "price": price,
            "quantity": item.quantity,
            "discounts": [],
            "metadata": {},
            "created": unix(subscription.created_at),
            "current_period_start": unix(state.period[0]),
            "current_period_end": unix(state.period[1]),
        }


def _coupon_id(discount: Discount) -> str:
    return f"SIM{discount.percent}X{discount.months or 'EVER'}"


def _coupon(discount: Discount) -> Fields:
    duration = "repeating" if discount.months else "forever"
    name = f"Sim {discount.percent} % off"
    coupon = {"name": name, "percent_off": float(discount.percent), "amount_off": None, "currency": None}
    return coupon | {"duration": duration, "duration_in_months": discount.months, "valid": True, "metadata": {}}


def _discount(subscription: Subscription, discount: Discount) -> Fields:
    """The discount as `expand` shows it in the newest version: there is no list of discounts to look its id up in."""
    coupon = {"id": _coupon_id(discount), "object": "coupon", **_coupon(discount)}
    return {
        "id": discount.id,
        "object": "discount",
        "customer": subscription.customer.id,
        "subscription": subscription.id,
        "source": {"type": "coupon", "coupon": coupon},
        "start": unix(discount.starts_at),
        "end": unix(discount.ends_at) if discount.ends_at else None,
        "promotion_code": None,
    }
