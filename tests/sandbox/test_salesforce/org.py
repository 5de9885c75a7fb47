"""An organisation for tests of the stand-in, and how they ask it."""

from datetime import timedelta
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from sandbox.standins.record_store import Store, utc
from sandbox.standins.salesforce import Salesforce

START = utc("2026-03-01T09:00:00")
VERSION = "/services/data/v60.0"
RECORDS = 450


class Redirected(HTTPAdapter):
    """Sends what the official client would send to any host by https to the stand-in."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        request.url = self.url + request.path_url
        return super().send(request, *args, **options)


def filled() -> Store:
    """Return a store with opportunities, one made each second; its clock is a day later."""
    store = Store(START + timedelta(days=1))
    for number in range(RECORDS):
        fields = {"Name": f"Deal {number}", "Amount": float(number), "CloseDate": "2026-03-31", "IsWon": not number % 2}
        store.put("Opportunity", record_id(number), fields, START + timedelta(seconds=number))
    return store


def record_id(number: int) -> str:
    return f"006{number:012d}AAA"


def ask(service: Salesforce, path: str, headers: dict[str, str] | None = None, **query: Any) -> requests.Response:
    given = {"Authorization": f"Bearer {service.login.new_token()}", **(headers or {})}
    return requests.get(service.url + path, headers=given, params=query, timeout=5)


def query(service: Salesforce, soql: str, everything: bool = False) -> Any:
    return ask(service, f"{VERSION}/{'queryAll' if everything else 'query'}", q=soql).json()


def names(service: Salesforce, soql: str, everything: bool = False) -> list[str]:
    return [record["Name"] for record in query(service, soql, everything)["records"]]


def described(service: Salesforce, kind: str) -> dict[str, str]:
    fields = ask(service, f"{VERSION}/sobjects/{kind}/describe").json()["fields"]
    return {description["name"]: description["type"] for description in fields}


def refusal(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()[0]["errorCode"]
