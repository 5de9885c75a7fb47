"""CPU and memory of the dbt build with many customers, whose subscriptions change every now and then over 60 months.

python tests/benchmarks/customers.py [customers, 20,000 if not given]
"""

import sys
import tempfile
from pathlib import Path

import duckdb

from scorecard import steps
from scorecard.shared.settings import Settings
from tests.benchmarks.dbt_build import build, measured


def scale(settings: Settings, customers: int) -> None:
    """Extract the samples, and put generated customers and their subscriptions in the place of the billing sample's.

    A customer begins within the first two years and has one to seven subscriptions, one after the other; every fifth
    pauses for two months before its last one, and every third ends.
    """
    for source in ("maven_crm", "ravenstack"):
        steps.extract(settings, source, lambda _: None)
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute(
            f"""
            create temp table customer as
            select
                'C' || number as account_id, number, 1 + hash(number) % 7 as subscriptions,
                date '2020-01-01' + (hash(number, 1) % 730)::int as begins
            from range({customers}) as numbers(number);
            create temp table subscription as
            select
                account_id, number, place, subscriptions,
                begins + ((date '2024-12-31' - begins) * place // subscriptions)::int
                    + if(number % 5 = 0 and place = subscriptions - 1 and place > 0, 60, 0) as start_date,
                if(
                    place = subscriptions - 1,
                    if(number % 3 = 0, date '2024-12-01' - (number % 90)::int, null),
                    begins + ((date '2024-12-31' - begins) * (place + 1) // subscriptions)::int
                ) as end_date
            from customer, range(7) as places(place)
            where place < subscriptions;
            create temp table account_row as from raw_ravenstack.accounts limit 1;
            create temp table subscription_row as from raw_ravenstack.subscriptions where not is_trial limit 1;
            delete from raw_ravenstack.accounts;
            delete from raw_ravenstack.subscriptions;
            insert into raw_ravenstack.accounts
            select original.* replace (customer.account_id as account_id) from account_row as original, customer;
            insert into raw_ravenstack.subscriptions
            select original.* replace (
                subscription.account_id as account_id,
                subscription.account_id || '-' || place as subscription_id,
                subscription.start_date as start_date,
                subscription.end_date as end_date,
                ['Basic', 'Pro', 'Enterprise'][1 + (number + place) % 3] as plan_tier,
                10 + (number + place) % 50 as mrr_amount,
                number % 2 = 0 as churn_flag
            )
            from subscription_row as original, subscription
            where subscription.end_date is null or subscription.end_date > subscription.start_date
            """
        )


def main() -> None:
    """Print the measures."""
    customers = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(state=Path(folder) / "var", out=Path(folder) / "out")
        scale(settings, customers)
        cpu, wall, memory = measured(build, settings)
        with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
            ((rows,),) = connection.execute("select count(*) from core.core_customer_change").fetchall()
        print(f"{customers:,} customers, {rows:,} rows: {cpu:.1f} CPU s, {wall:.1f} s, {memory:.0f} MB")


if __name__ == "__main__":
    main()
