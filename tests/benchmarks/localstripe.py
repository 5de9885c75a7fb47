"""Our Stripe connector on a Stripe that somebody else wrote: localstripe, filled by HTTP as one fills Stripe itself.

    python tests/benchmarks/localstripe.py

localstripe comes from PyPI into an environment of its own (`var/localstripe`, under half a minute). It speaks the API
of 2017, so of some objects it lacks fields that the contract declares: the connector has to say so, and to read the
others.
"""

import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]

import duckdb  # noqa: E402
import requests  # noqa: E402

from scorecard.extract import extract_source, load_contracts  # noqa: E402
from scorecard.shared.errors import ScorecardError  # noqa: E402
from scorecard.shared.settings import Settings  # noqa: E402

HOME = ROOT / "var" / "localstripe"
KEY = "sk_test_simulated"
CUSTOMERS = 25


def install() -> None:
    """Make the environment, unless it is there."""
    if not (HOME / "ready").exists():
        print("Installing localstripe")
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(HOME)], check=True)
        subprocess.run([str(HOME / "bin" / "pip"), "install", "--quiet", "localstripe==1.15.10"], check=True)
        (HOME / "ready").touch()


def ask(method: str, url: str, **fields: Any) -> Any:
    """Send a form to localstripe; return what it answers."""
    answer = requests.request(method, url, data=fields, auth=(KEY, ""), timeout=10)
    answer.raise_for_status()
    return answer.json()


def fill(api: str) -> list[str]:
    """Make customers, one of them with a subscription and a paid invoice; return their ids, oldest first."""
    names = [{"name": f"Sim {number}", "email": f"sim{number}@customer.example"} for number in range(CUSTOMERS)]
    customers = [str(ask("POST", f"{api}/customers", **fields)["id"]) for fields in names]
    product = ask("POST", f"{api}/products", name="Sim Product", type="service")["id"]
    plan = ask("POST", f"{api}/plans", id="sim", interval="month", currency="eur", amount=1200, product=product)["id"]
    card = {"card[number]": "4242424242424242", "card[exp_month]": 12, "card[exp_year]": 2099, "card[cvc]": "123"}
    method = ask("POST", f"{api}/payment_methods", type="card", **card)["id"]
    ask("POST", f"{api}/payment_methods/{method}/attach", customer=customers[0])
    ask("POST", f"{api}/customers/{customers[0]}", **{"invoice_settings[default_payment_method]": method})
    ask("POST", f"{api}/subscriptions", customer=customers[0], **{"items[0][plan]": plan, "items[0][quantity]": 3})
    return customers


def read(url: str, state: Path, *objects: str) -> str:
    """Extract some raw tables; say how many records came, or why none did."""
    own = {"business_unit": "Simulated", "currency": "EUR", "objects": objects, "page_size": 10}
    settings = Settings(state=state, services={"stripe": own}, connections={"stripe": {"host": url, "password": KEY}})
    try:
        done = extract_source(settings, load_contracts(settings)["stripe"])
    except ScorecardError as error:
        return str(error).partition(". ")[0]
    return ", ".join(f"{table.rows_read} read, {table.rows_quarantined} in quarantine" for table in done.loaded)


def held(state: Path) -> dict[str, str]:
    """Return the names of the customers that are there, by id."""
    query = "select id, name from raw_stripe.customer where _valid_to is null and _deleted_at is null"
    with duckdb.connect(state / "warehouse.duckdb", read_only=True) as db:
        return dict(db.execute(query).fetchall())


def listed(api: str) -> dict[str, str]:
    """Return the same as localstripe says."""
    records = ask("GET", f"{api}/customers?limit=100")["data"]
    return {record["id"]: record["name"] for record in records}


def main(url: str, folder: Path) -> None:
    """Fill, extract, change, extract again, compare."""
    api = f"{url}/v1"
    customers = fill(api)
    print(f"customer            {read(url, folder / 'customer', 'customer')}")
    print(f"  as localstripe lists them: {held(folder / 'customer') == listed(api)}")
    ask("POST", f"{api}/customers/{customers[3]}", name="Sim renamed")
    ask("DELETE", f"{api}/customers/{customers[4]}")
    ask("POST", f"{api}/customers", name="Sim new", email="new@customer.example")
    print(f"  one changed, one deleted, one new: {read(url, folder / 'customer', 'customer')}")
    print(f"  as localstripe lists them: {held(folder / 'customer') == listed(api)}")
    subscriptions = ("subscription", "subscription_item", "discount")
    for name in ("product", "refund", "charge", "coupon", *subscriptions, "invoice", "price"):
        print(f"{name:20}{read(url, folder / name, name)}")


if __name__ == "__main__":
    install()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as place:
        command = [str(HOME / "bin" / "localstripe"), "--port", str(port), "--from-scratch"]
        with Path(place, "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as server:
            try:
                for _ in range(100):
                    if socket.socket().connect_ex(("127.0.0.1", port)) == 0:
                        break
                    time.sleep(0.1)
                main(f"http://127.0.0.1:{port}", Path(place))
            finally:
                server.terminate()
