"""A simulated company whose services run on loopback: in this process, or in one of their own."""

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from multiprocessing.managers import BaseManager
from pathlib import Path
from typing import cast

from sandbox.company import Plan, simulate
from sandbox.company.world.names import CLOUD, INSTRUMENTS
from sandbox.company.writers.tables import FileRow
from sandbox.standins.hubspot import HubSpot
from sandbox.standins.record_store import Fields
from sandbox.standins.salesforce import Salesforce
from sandbox.standins.serving import Service
from sandbox.standins.stripe.server import Stripe
from sandbox.standins.zendesk.server import Zendesk

UNITS = {"hubspot": CLOUD, "salesforce": INSTRUMENTS, "stripe": CLOUD, "zendesk": CLOUD}
"""The unit of the company that uses a service, by service."""


class RunningCompany:
    """The company of a plan, its services, and what may be asked of them. Their clocks are moved together."""

    def __init__(self, plan: Plan, now: datetime) -> None:
        self._company = simulate(plan)
        self.hubspot, self.stripe = HubSpot(self._company.hubspot), Stripe(self._company.stripe)
        self.salesforce, self.zendesk = Salesforce(self._company.salesforce), Zendesk(self._company.zendesk)
        self.move_to(now)

    def start(self) -> None:
        """Let the services listen."""
        for service in self._services().values():
            service.__enter__()

    def stop(self) -> None:
        """End the services."""
        for service in self._services().values():
            service.__exit__()

    def connections(self) -> dict[str, dict[str, str]]:
        """Return how each service is reached: the fields of a connection."""
        org, desk = self.salesforce, self.zendesk
        return {
            "hubspot": {"host": self.hubspot.url, "password": self.hubspot.access_token},
            "salesforce": {"host": org.url, "login": org.login.client_id, "password": org.login.client_secret},
            "stripe": {"host": self.stripe.url, "password": self.stripe.secret_key},
            "zendesk": {"host": desk.url, "login": f"{desk.email}/token", "password": desk.api_token},
        }

    def move_to(self, now: datetime) -> None:
        """Set the clocks of all services: their records show the history up to that moment."""
        for service in self._services().values():
            service.store.now = now

    def requests(self) -> int:
        """Return how many requests the services have answered, faults included."""
        return sum(len(service.seen) for service in self._services().values())

    def state(self, service: str, kind: str) -> dict[str, Fields]:
        """Return the records that a service holds now, by id."""
        return self._services()[service].store.state(kind)

    def rates(self) -> list[FileRow]:
        """Return the exchange rates of all days: EUR for one unit of a currency."""
        return self._company.files["fx_rates"]

    def write_files(self, folder: Path, until: date) -> None:
        """Write what the company keeps in files, up to a day, that day included."""
        self._company.write_files(folder, until)

    def truth(self, metric: str, start: datetime, end: datetime, unit: str) -> Decimal | None:
        """Return what truly happened in a period; see `Company.truth`."""
        return self._company.truth(metric, start, end, unit)

    def _services(self) -> dict[str, Service]:
        services = (self.hubspot, self.salesforce, self.stripe, self.zendesk)
        return dict(zip(UNITS, services, strict=True))


class _Manager(BaseManager):
    """Keeps a `RunningCompany` in another process."""


_Manager.register("RunningCompany", RunningCompany)


@contextmanager
def apart(plan: Plan, now: datetime) -> Iterator[RunningCompany]:
    """Run the services in a process of their own, so that their CPU time is not counted as the extraction's."""
    with _Manager(ctx=multiprocessing.get_context("spawn")) as manager:
        # A proxy: each call goes to the other process, and what it returns comes back.
        running = cast(RunningCompany, getattr(manager, "RunningCompany")(plan, now))  # noqa: B009
        running.start()
        yield running
