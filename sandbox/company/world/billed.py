"""Objects of billing: customers, prices, subscriptions and invoices, in the smallest unit of their currency."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from sandbox.company.world.model import Account, Product, Record
from sandbox.company.world.money import major, rounded

TAX = {"EUR": 19, "USD": 0, "BRL": 0, "JPY": 10}
"""Percent that comes on top of an invoice."""


@dataclass(eq=False)
class Customer(Record):
    """A customer of the billing service: one per account."""

    account: Account
    currency: str
    subscriptions: list["Subscription"] = field(default_factory=list)


@dataclass(frozen=True)
class Price:
    """What a seat costs, by the month or by the year."""

    id: str
    product: Product
    currency: str
    interval: str
    units: int

    @property
    def months(self) -> int:
        """How many months one payment is for."""
        return 12 if self.interval == "year" else 1


@dataclass(frozen=True)
class SubscriptionItem:
    """Seats at a price."""

    id: str
    price: Price
    quantity: int

    @property
    def units(self) -> int:
        """What a period costs, before a discount."""
        return self.price.units * self.quantity


@dataclass(frozen=True)
class Discount:
    """A coupon that a subscription got, and until when it counts (None: for ever)."""

    id: str
    percent: int
    months: int | None
    starts_at: datetime
    ends_at: datetime | None


@dataclass(frozen=True)
class SubscriptionState:
    """What a subscription is from a moment on."""

    at: datetime
    status: str
    items: tuple[SubscriptionItem, ...]
    period: tuple[datetime, datetime]
    discount: Discount | None = None
    paused_until: datetime | None = None
    cancels_at: datetime | None = None

    @property
    def mrr(self) -> Decimal:
        """The value of a month in the subscription's currency; nothing on trial, paused or ended."""
        if self.status != "active" or self.paused_until:
            return Decimal()
        percent = 100 - (self.discount.percent if self.discount else 0)
        currency = self.items[0].price.currency
        return sum(
            (rounded(major(item.units, currency) / item.price.months * percent / 100, 4) for item in self.items),
            Decimal(),
        )


@dataclass(eq=False)
class Subscription(Record):
    """A contract, in all its states."""

    customer: Customer
    trial_end: datetime | None
    states: list[SubscriptionState] = field(default_factory=list)
    ended_at: datetime | None = None

    def state(self, at: datetime) -> SubscriptionState | None:
        """Return the state that has begun before a moment; None if there was none yet."""
        return next((state for state in reversed(self.states) if state.at < at), None)


@dataclass(frozen=True)
class InvoiceLine:
    """A line; ``units`` before and ``discount`` off it. A proration charges or credits a part of a period."""

    id: str
    item: SubscriptionItem
    quantity: int
    units: int
    discount: int
    tax: int
    period: tuple[datetime, datetime]
    proration: bool = False
    text: str = ""


@dataclass(eq=False)
class Invoice(Record):
    """An invoice; it counts from ``issued_at`` on, before that it is a draft. A void one never counts."""

    subscription: Subscription
    reason: str
    issued_at: datetime
    lines: list[InvoiceLine]
    discount: Discount | None
    void: bool = False
    paid_at: datetime | None = None
    uncollectible_at: datetime | None = None
    charge_id: str = ""

    @property
    def currency(self) -> str:
        """What it is paid in."""
        return self.subscription.customer.currency

    @property
    def net(self) -> int:
        """The total without tax."""
        return sum(line.units - line.discount for line in self.lines)

    @property
    def tax(self) -> int:
        """The tax on top."""
        return sum(line.tax for line in self.lines)


@dataclass(eq=False)
class CreditNote(Record):
    """What is taken off an invoice afterwards."""

    invoice: Invoice
    net: int
    tax: int
    line: InvoiceLine
    reason: str
    refund: "Refund | None" = None


@dataclass(eq=False)
class Refund(Record):
    """Money that is paid back; all of an invoice's, unless it belongs to a credit note, which then says the net."""

    invoice: Invoice
    units: int


@dataclass(eq=False)
class Billing:
    """All that the billing service knows."""

    prices: dict[tuple[str, str, str], Price]
    customers: list[Customer] = field(default_factory=list)
    subscriptions: list[Subscription] = field(default_factory=list)
    invoices: list[Invoice] = field(default_factory=list)
    credit_notes: list[CreditNote] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
