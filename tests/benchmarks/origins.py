"""What the benchmark of extraction reads: a stand-in of each service, full of records of one object."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tools")]

from sandbox.standins.hubspot import HubSpot  # noqa: E402
from sandbox.standins.record_store import Store, utc  # noqa: E402
from sandbox.standins.salesforce import Field, Salesforce  # noqa: E402
from sandbox.standins.serving import Service  # noqa: E402
from sandbox.standins.stripe.server import Stripe  # noqa: E402
from sandbox.standins.zendesk.server import Zendesk  # noqa: E402

BEGIN = utc("2023-01-01")
Fields = dict[str, Any]


@dataclass(frozen=True)
class Origin:
    """A service, the object to be read, and where a page has its records."""

    kind: str
    table: str
    at: str
    key: Callable[[int], str]
    fields: Callable[[int], Fields]
    changed: Fields
    serve: Callable[[Store], tuple[Service, Fields]]

    def start(self, records: int) -> tuple[Service, Fields]:
        """Return the service with its records, a minute apart, and what a client logs in with."""
        store = Store(BEGIN)
        for number in range(1, records + 1):
            store.put(self.kind, self.key(number), self.fields(number), at=BEGIN + timedelta(minutes=number))
        store.now = BEGIN + timedelta(minutes=records, days=1)
        return self.serve(store)

    def change(self, store: Store, records: int) -> None:
        """Change one record in a thousand, and let the time pass that a service may lag behind."""
        for number in range(1, records + 1, 1000):
            store.change(self.kind, self.key(number), **self.changed)
        store.now += timedelta(minutes=10)


def salesforce(store: Store) -> tuple[Service, Fields]:
    """Serve an org."""
    org = Salesforce(store, daily_limit=10**9)
    org.objects.schema["Opportunity"] = {"Amount": Field("currency"), "CloseDate": Field("date")}
    return org, {"login": org.login.client_id, "password": org.login.client_secret}


def hubspot(store: Store) -> tuple[Service, Fields]:
    """Serve an account of HubSpot."""
    account = HubSpot(store)
    return account, {"password": account.access_token}


def stripe(store: Store) -> tuple[Service, Fields]:
    """Serve an account of Stripe."""
    account = Stripe(store)
    return account, {"password": account.secret_key}


def zendesk(store: Store) -> tuple[Service, Fields]:
    """Serve an account of Zendesk."""
    account = Zendesk(store)
    return account, {"login": f"{account.email}/token", "password": account.api_token}


def deal(number: int) -> Fields:
    """Return an opportunity."""
    return {
        "Name": f"Simulated deal {number}",
        "AccountId": f"001{number % 5000:012d}AAA",
        "OwnerId": f"005{number % 50:012d}AAA",
        "StageName": "Closed Won" if number % 3 else "Closed Lost",
        "IsWon": number % 3 > 0,
        "IsClosed": True,
        "Amount": number % 9000 + 0.5,
        "CloseDate": "2024-03-31",
    }


def company(number: int) -> Fields:
    """Return a company of HubSpot."""
    return {
        "name": f"Simulated company {number}",
        "domain": f"sim{number}.example",
        "industry": "RETAIL",
        "country": "Germany",
        "lifecyclestage": "customer",
    }


def customer(number: int) -> Fields:
    """Return a customer of Stripe."""
    address = {"country": "DE"}
    return {"name": f"Simulated {number}", "email": None, "currency": "eur", "address": address, "metadata": {}}


def user(number: int) -> Fields:
    """Return a user of Zendesk."""
    email = f"sim{number}@example.com"
    return {"name": f"Simulated {number}", "email": email, "role": "end-user", "organization_id": 1}


ORIGINS = {
    "salesforce": Origin(
        "Opportunity", "opportunity", "records", "006{:012d}AAA".format, deal, {"Amount": 1.0}, salesforce
    ),
    "hubspot": Origin("companies", "company", "results", str, company, {"country": "France"}, hubspot),
    "stripe": Origin("customer", "customer", "data", "cus_{:08d}".format, customer, {"name": "Simulated"}, stripe),
    "zendesk": Origin("users", "user", "users", str, user, {"name": "Simulated"}, zendesk),
}
