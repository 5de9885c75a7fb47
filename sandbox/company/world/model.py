"""The simulated company's own objects: what happened, whatever a service says of it."""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from sandbox.company.world.ids import Ids
from sandbox.company.world.names import Place, ProductModel

OPEN_STAGES = ("Qualification", "Needs Analysis", "Proposal", "Negotiation")
WON, LOST = "Closed Won", "Closed Lost"


@dataclass(eq=False)
class Record:
    """Something that a service keeps, from its creation to its deletion or to its merger with another."""

    id: str
    created_at: datetime
    deleted_at: datetime | None = field(default=None, kw_only=True)

    def known(self, at: datetime) -> bool:
        """Say whether it is there at a moment."""
        return self.created_at <= at and not (self.deleted_at and self.deleted_at <= at)


@dataclass(eq=False)
class Rep(Record):
    """A sales rep. ``teams`` are the teams from each moment on; ``agency`` is "" for a rep in-house."""

    first: str
    last: str
    email: str
    agency: str
    teams: list[tuple[datetime, str]]


@dataclass(eq=False)
class Product(Record):
    """Something a unit sells."""

    model: ProductModel


@dataclass(eq=False)
class Account(Record):
    """A company that a unit knows. A duplicate is merged into the account that it repeats."""

    name: str
    place: Place
    city: str
    segment: str
    industry: str
    merged_into: "Account | None" = None

    def settled(self, at: datetime) -> "Account":
        """Return the account that this one is part of at a moment."""
        return self if self.known(at) or self.merged_into is None else self.merged_into


@dataclass(eq=False)
class Contact(Record):
    """A person at an account; None until one is known. A duplicate is merged into the contact that it repeats."""

    first: str
    last: str
    email: str
    account: Account | None = None
    merged_into: "Contact | None" = None


@dataclass(eq=False)
class Lead(Record):
    """Somebody who may buy. ``contact`` and ``account`` are there from ``converted_at`` on."""

    first: str
    last: str
    email: str
    company: str
    place: Place
    temperature: str
    source: str
    owner: Rep | None
    touches: list["Touch"] = field(default_factory=list)
    converted_at: datetime | None = None
    contact: Contact | None = None
    account: Account | None = None
    opportunity: "Opportunity | None" = None


@dataclass(eq=False)
class Touch(Record):
    """A call or an email. ``value_added`` and ``tailored`` are None where nobody tagged it."""

    kind: str
    lead: Lead
    rep: Rep | None
    inbound: bool = False
    automatic: bool = False
    connected: bool = False
    seconds: int = 0
    value_added: bool | None = None
    tailored: bool | None = None
    template: str | None = None


@dataclass(eq=False)
class FollowUp(Record):
    """Something to do for a lead by a day: done, or missed."""

    lead: Lead
    rep: Rep | None
    due: date
    done_at: datetime | None = None
    reached: bool = False


@dataclass(eq=False)
class Meeting(Record):
    """An appointment; its creation is the booking."""

    lead: Lead
    rep: Rep | None
    starts_at: datetime
    held: bool
    feedback_at: datetime | None = None


@dataclass(eq=False)
class DealLine(Record):
    """What of a product is sold, how much of it and where to; the price may be corrected after the fact."""

    product: Product
    quantity: int
    price: Decimal
    place: Place
    corrected_price: Decimal | None = None
    corrected_at: datetime | None = None

    def amount(self, at: datetime) -> Decimal:
        """Return the line's value as it was known at a moment."""
        corrected = self.corrected_price is not None and self.corrected_at is not None and self.corrected_at <= at
        return self.quantity * (self.corrected_price if corrected and self.corrected_price is not None else self.price)


@dataclass(eq=False)
class Quote(Record):
    """A version of a quote; its creation is the request. Revisions name the same request."""

    opportunity: "Opportunity"
    requested_at: datetime
    delivered_at: datetime | None
    revision: int


@dataclass(eq=False)
class Opportunity(Record):
    """A deal: its stages, owners and expected close dates, each from a moment on."""

    name: str
    account: Account
    contact: Contact | None
    lead: Lead
    currency: str
    estimate: Decimal
    stages: list[tuple[datetime, str]]
    owners: list[tuple[datetime, Rep | None]]
    close_dates: list[tuple[datetime, date]]
    renewal: bool = False
    lines: list[DealLine] = field(default_factory=list)
    quotes: list[Quote] = field(default_factory=list)

    @property
    def closed_at(self) -> datetime | None:
        """When it was won or lost, by the history of its stages."""
        return self.stages[-1][0] if self.stages[-1][1] in (WON, LOST) else None

    @property
    def won(self) -> bool:
        """Whether it ended in a win."""
        return self.stages[-1][1] == WON

    @property
    def valued_at(self) -> list[datetime]:
        """When its value was entered, and each time that it became another."""
        corrected = [line.corrected_at for line in self.lines if line.corrected_at]
        return [self.created_at, *{line.created_at for line in self.lines}, *corrected]

    def amount(self, at: datetime) -> Decimal:
        """Return its value as it was known at a moment: of its lines once there are any, before that an estimate."""
        lines = [line.amount(at) for line in self.lines if line.created_at <= at]
        return sum(lines, Decimal()) if lines else self.estimate


@dataclass(eq=False)
class Unit:
    """A part of the group, with all that its CRM knows."""

    name: str
    ids: Ids
    reps: list[Rep] = field(default_factory=list)
    products: list[Product] = field(default_factory=list)
    accounts: list[Account] = field(default_factory=list)
    contacts: list[Contact] = field(default_factory=list)
    leads: list[Lead] = field(default_factory=list)
    touches: list[Touch] = field(default_factory=list)
    followups: list[FollowUp] = field(default_factory=list)
    meetings: list[Meeting] = field(default_factory=list)
    opportunities: list[Opportunity] = field(default_factory=list)
