"""The simulated company as its observers see it."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from sandbox.company.truth.billing_truth import BILLING
from sandbox.company.truth.sales_truth import SALES
from sandbox.company.truth.support_truth import SUPPORT, SURVEYS
from sandbox.company.truth.window import Window
from sandbox.company.world.history import World, happen
from sandbox.company.world.names import CLOUD, INSTRUMENTS
from sandbox.company.world.plan import Plan
from sandbox.company.writers.files import write_tables
from sandbox.company.writers.tables import FileRow, tables
from sandbox.company.writers.to_hubspot import ToHubSpot
from sandbox.company.writers.to_salesforce import ToSalesforce
from sandbox.company.writers.to_stripe import ToStripe
from sandbox.company.writers.to_zendesk import ToZendesk
from sandbox.standins.record_store import Fields, Store


@dataclass(eq=False)
class Company:
    """Two units: one sells hardware by Salesforce, one subscriptions by HubSpot, Stripe and Zendesk.

    The stores hold the whole history from the start; their clocks stand at its beginning, and the caller moves them.
    """

    plan: Plan
    world: World
    salesforce: Store
    hubspot: Store
    stripe: Store
    zendesk: Store
    files: dict[str, list[FileRow]]

    def write_files(self, folder: Path, until: date) -> None:
        """Write what the company keeps in files, up to a day, that day included."""
        write_tables(self.files, folder, until)

    def state(self, service: str, kind: str, record_id: str, at: datetime) -> Fields | None:
        """Return a record as a service kept it at a moment; None where it was not there."""
        stores = {
            "salesforce": self.salesforce,
            "hubspot": self.hubspot,
            "stripe": self.stripe,
            "zendesk": self.zendesk,
        }
        return stores[service].state(kind, at).get(record_id)

    def truth(
        self, metric: str, period_start: datetime, period_end: datetime, unit: str, as_of: datetime | None = None
    ) -> Decimal | None:
        """Return a true figure of the period [start, end), from what happened, not from what the services say.

        Shares are fractions, money is EUR, lead and first response times are minutes, quote turnaround is hours, the
        sales cycle days. A metric of billing may name a currency, as ``mrr:USD``. What became known after ``as_of``
        (None: the end of the history) is left out. None where there is nothing to measure, or no source for it.
        """
        metrics = {**SALES, **BILLING, **SUPPORT, **SURVEYS}
        if metric not in metrics:
            raise ValueError(f"{metric} is none of {', '.join(sorted(metrics))}")
        if unit != CLOUD and (metric in BILLING or metric in SUPPORT):
            return None
        known = min(as_of or self.plan.ends, self.plan.ends)
        return metrics[metric](Window(self.world, self.world.units[unit], self.files, period_start, period_end, known))


def simulate(plan: Plan) -> Company:
    """Let the history of a plan happen, and write it down."""
    world = happen(plan)
    salesforce, hubspot, stripe, zendesk = (Store(plan.begins) for _ in range(4))
    ToSalesforce(plan, world.units[INSTRUMENTS], salesforce).write()
    ToHubSpot(plan, world.units[CLOUD], hubspot).write()
    ToStripe(plan, world.billing, stripe).write()
    ToZendesk(plan, world.desk, zendesk).write()
    return Company(plan, world, salesforce, hubspot, stripe, zendesk, tables(world))
