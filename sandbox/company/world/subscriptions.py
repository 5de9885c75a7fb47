"""Subscriptions: how they begin, change, pause, end and come back, and the invoices that each step brings."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

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
from sandbox.company.world.invoices import bill_change, bill_period
from sandbox.company.world.model import Opportunity, Product, Unit
from sandbox.company.world.money import DIGITS, PRICE_LEVEL, minor
from sandbox.company.world.plan import Plan, later, next_month

_YEARLY = Decimal("0.8")
"""A year costs twelve months times this; a month of it is then a round amount again."""


def price_list(plan: Plan, unit: Unit) -> dict[tuple[str, str, str], Price]:
    """Return every price of a unit's products, by name of the product, currency and interval."""
    prices = {}
    for product in unit.products:
        for currency in DIGITS:
            for interval in ("month", "year"):
                key = (product.model.name, currency, interval)
                amount = Decimal(product.model.price * PRICE_LEVEL[currency])
                amount *= 12 * _YEARLY if interval == "year" else 1
                price_id = stripe_id(plan, "price", "/".join(key))
                prices[key] = Price(price_id, product, currency, interval, minor(amount, currency))
    return prices


def subscribe(plan: Plan, unit: Unit, billing: Billing, deal: Opportunity) -> None:
    """Let a won deal become a customer's subscription; some of those that end come back months later."""
    if not (deal.won and deal.closed_at):
        return
    at = later(deal.closed_at, plan.stream("subscribe", deal.id), 6)
    if at >= plan.ends:
        return
    customer = Customer(stripe_id(plan, "cus", deal.id), at, deal.account, deal.currency)
    billing.customers.append(customer)
    line, number = deal.lines[0], 0
    start: datetime | None = at
    while start and start < plan.ends:
        life = _Life(plan, unit, billing, customer, f"{deal.id}/{number}")
        life.begin(start, line.product, line.quantity, first=number == 0)
        start = life.comes_back()
        number += 1
    if start is None and plan.slips("delete customer", customer.id):
        ended = customer.subscriptions[-1].ended_at
        customer.deleted_at = ended + timedelta(days=30) if ended else None


class _Life:
    """The life of one subscription."""

    def __init__(self, plan: Plan, unit: Unit, billing: Billing, customer: Customer, key: str) -> None:
        self.plan, self.unit, self.billing, self.customer, self.key = plan, unit, billing, customer, key
        self.subscription = Subscription(stripe_id(plan, "sub", key), plan.ends, customer, None)

    def begin(self, at: datetime, product: Product, quantity: int, first: bool) -> None:
        """Start with a trial or at once, and live on until the end of the subscription or of the history."""
        random = self.plan.stream("subscription", self.key)
        interval = "year" if random.random() < 0.25 else "month"
        item = self._item(product, interval, max(1, quantity), at)
        trial = random.random() < 0.3 and first
        discount = self._discount(random, at, interval) if random.random() < 0.3 else None
        self.subscription.created_at = at
        self.customer.subscriptions.append(self.subscription)
        self.billing.subscriptions.append(self.subscription)
        start = at
        if trial:
            start = self.subscription.trial_end = at + timedelta(days=14)
            self._enter(SubscriptionState(at, "trialing", (item,), (at, start), discount))
            bill_period(self.plan, self.billing, self.subscription, "subscription_create")
            if start < self.plan.ends and random.random() > 0.75:
                self._end(start)
                return
        self._live(start, SubscriptionState(start, "active", (item,), (start, start), discount), trial)

    def comes_back(self) -> datetime | None:
        """Return when the customer subscribes again; None if it does not."""
        random = self.plan.stream("return", self.key)
        if self.subscription.ended_at is None or random.random() > 0.3:
            return None
        return self.plan.office(self.subscription.ended_at + timedelta(days=random.randrange(40, 150)), random)

    def _live(self, start: datetime, state: SubscriptionState, trial: bool) -> None:
        months = state.items[0].price.months
        number = 0
        while (at := next_month(start, number * months)) < self.plan.ends:
            period = (at, next_month(start, (number + 1) * months))
            state = self._renewed(replace(state, at=at, period=period), start, number)
            self._enter(state)
            reason = "subscription_cycle" if number or trial else "subscription_create"
            bill_period(self.plan, self.billing, self.subscription, reason)
            state = self._changed(state, number)
            if self._leaves(number, months):
                self._leave(state)
                return
            number += 1

    def _renewed(self, state: SubscriptionState, start: datetime, number: int) -> SubscriptionState:
        """Return what a subscription is when a period begins: some seats fewer, paused, or paused no more."""
        random = self.plan.stream("renewal", self.key, number)
        if state.discount and state.discount.ends_at and state.discount.ends_at <= state.at:
            state = replace(state, discount=None)
        if state.paused_until and state.paused_until <= state.at:
            state = replace(state, paused_until=None)
        elif number > 1 and state.items[0].price.months == 1 and random.random() < 0.02:
            return replace(state, paused_until=next_month(start, number + random.choice((1, 1, 2))))
        if number and random.random() < 0.03 * state.items[0].price.months and state.items[0].quantity > 2:
            item = replace(state.items[0], quantity=max(1, int(state.items[0].quantity * random.uniform(0.5, 0.9))))
            state = replace(state, items=(item, *state.items[1:]))
        return state

    def _changed(self, state: SubscriptionState, number: int) -> SubscriptionState:
        """Let a discount run out, or seats, a higher tier or another product be added in mid-period."""
        random = self.plan.stream("change", self.key, number)
        begins, ends = state.period
        discount = state.discount
        if discount and discount.ends_at and discount.ends_at < ends:
            state = replace(state, at=max(discount.ends_at, state.at), discount=None)
            if state.at < self.plan.ends:
                self._enter(state)
        chance = random.random()
        at = begins + (ends - begins) * random.uniform(0.1, 0.9)
        at = at.replace(microsecond=0)
        if state.paused_until or chance > 0.06 * state.items[0].price.months or not state.at < at < self.plan.ends:
            return state
        after = replace(state, at=at, items=self._more(random, state, at))
        self._enter(after)
        bill_change(self.plan, self.billing, self.subscription, state, after)
        return after

    def _more(self, random: Random, state: SubscriptionState, at: datetime) -> tuple[SubscriptionItem, ...]:
        """Return the items with more seats, of a higher tier, or with another product."""
        item = state.items[0]
        price, kind = item.price, random.random()
        higher = next((p for p in self.unit.products if p.model.tier == price.product.model.tier + 1), None)
        if kind < 0.25 and higher:
            moved = replace(item, price=self.billing.prices[higher.model.name, price.currency, price.interval])
            return (moved, *state.items[1:])
        if kind < 0.5 and len(state.items) == 1:
            return (item, self._item(self.unit.products[-1], price.interval, item.quantity, at))
        more = max(1, int(item.quantity * random.uniform(0.1, 0.5)))
        return (replace(item, quantity=item.quantity + more), *state.items[1:])

    def _leaves(self, number: int, months: int) -> bool:
        """Say whether the subscription ends with a period; the churn of a month counts for each of its months."""
        return self.plan.stream("churn", self.key, number).random() < 1 - (1 - self.plan.churn) ** months

    def _leave(self, state: SubscriptionState) -> None:
        """Give notice within the period; the subscription ends with it."""
        ends = state.period[1]
        notice = (state.at + (ends - state.at) / 2).replace(microsecond=0)
        if notice < self.plan.ends:
            self._enter(replace(state, at=notice, cancels_at=ends))
        self._end(ends)

    def _end(self, at: datetime) -> None:
        if at >= self.plan.ends:
            return
        self.subscription.ended_at = at
        self._enter(replace(self.subscription.states[-1], at=at, status="canceled"))

    def _enter(self, state: SubscriptionState) -> None:
        self.subscription.states.append(state)

    def _item(self, product: Product, interval: str, quantity: int, at: datetime) -> SubscriptionItem:
        price = self.billing.prices[product.model.name, self.customer.currency, interval]
        return SubscriptionItem(stripe_id(self.plan, "si", f"{self.key}/{product.model.name}/{at}"), price, quantity)

    def _discount(self, random: Random, at: datetime, interval: str) -> Discount:
        percent = random.choice((10, 20))
        months = None if interval == "year" else random.choice((3, 6, 12, None))
        ends_at = next_month(at, months) if months else None
        return Discount(stripe_id(self.plan, "di", self.key), percent, months, at, ends_at)
