"""The page of a record at its service, found without a request."""

import pytest

from scorecard.extract import record_url
from scorecard.shared.settings import Connection, ServiceSettings, Settings, load_settings

HOSTS = {
    "salesforce": "https://acme.my.salesforce.com",
    "zendesk": "https://acme.zendesk.com/",
    "stripe": "",
    "hubspot": "",
}


def with_account(service: str, host: str, source: str = "") -> Settings:
    own = ServiceSettings(service=service if source else "", business_unit="Unit", currency="USD")
    name = source or service
    return load_settings().model_copy(
        update={"services": {name: own}, "connections": {name: Connection(host=host, login="who")}}
    )


@pytest.mark.parametrize(
    ("service", "table", "record_id", "url"),
    [
        ("salesforce", "opportunity", "0065g00000AbCdEAAV", "https://acme.my.salesforce.com/0065g00000AbCdEAAV"),
        ("salesforce", "opportunity", "0065g00000AbCdE|1", None),
        ("zendesk", "ticket", "4711", "https://acme.zendesk.com/agent/tickets/4711"),
        ("zendesk", "organization", "12", "https://acme.zendesk.com/agent/organizations/12"),
        ("zendesk", "survey_answer", "12", None),
        ("stripe", "subscription", "sub_1Ab", "https://dashboard.stripe.com/subscriptions/sub_1Ab"),
        ("stripe", "charge", "ch_1Ab", "https://dashboard.stripe.com/payments/ch_1Ab"),
        ("stripe", "subscription_item", "si_1Ab", None),
        # Its address needs the number of the account, which no setting holds.
        ("hubspot", "deal", "4711", None),
    ],
)
def test_a_record_of_a_service_has_its_page(service: str, table: str, record_id: str, url: str | None) -> None:
    assert record_url(with_account(service, HOSTS[service]), service, table, record_id) == url


def test_a_record_of_a_second_account_has_its_own_page() -> None:
    settings = with_account("zendesk", "https://second.zendesk.com", "zendesk_second")
    url = "https://second.zendesk.com/agent/tickets/1"
    assert record_url(settings, "zendesk_second", "ticket", "1") == url


@pytest.mark.parametrize("service", ["salesforce", "zendesk", "stripe"])
def test_a_stand_in_has_no_pages(service: str) -> None:
    settings = with_account(service, "http://127.0.0.1:8000")
    assert record_url(settings, service, {"zendesk": "ticket"}.get(service, "customer"), "123456789012345") is None


def test_a_record_of_a_file_or_of_an_account_without_settings_has_no_page() -> None:
    settings = with_account("zendesk", HOSTS["zendesk"])
    assert record_url(settings, "maven_crm", "sales_pipeline", "1") is None
    assert record_url(settings, "salesforce", "opportunity", "0065g00000AbCdEAAV") is None
