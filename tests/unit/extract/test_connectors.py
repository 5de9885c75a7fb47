"""Settings of sources are checked before anything is read from a service."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scorecard.extract import SourceCheck, check, load_contracts
from scorecard.extract.connectors import connector
from scorecard.shared.address import refuse_unfit
from scorecard.shared.errors import ScorecardError
from scorecard.shared.settings import Settings

UNIT = {"business_unit": "Simulated", "currency": "EUR"}


@pytest.fixture
def given(tmp_path: Path) -> Any:
    def settings(connection: dict[str, Any], name: str = "hubspot", **own: Any) -> Settings:
        return Settings(
            state=tmp_path, services={name: {**UNIT, **own}}, connections={name: {"password": "token", **connection}}
        )

    return settings


def checked(settings: Settings) -> dict[str, SourceCheck]:
    return {source_check.source: source_check for source_check in check(settings, load_contracts(settings))}


@pytest.mark.samples
@pytest.mark.parametrize(
    ("host", "message", "cure"),
    [
        ("api.hubapi.com", "lacks the https://", "to https:// and that name."),
        ("api.hubapi.com:443", "lacks the https://", "to https:// and that name."),
        ("localhost:8080", "lacks the https://", "to https:// and that name."),
        ("ftp://api.hubapi.com", "no address that begins with https://", "to https://"),
        ("https://api.hub api.com", "has a space", "to https://…."),
        ("https://api.hubapi.com\n", "a control character", "to https://…."),
        ("https://api.hubapi.com\x00", "a control character", "to https://…."),
        ("https://äpi.hubapi.com", "a letter that no address has", "to https://…."),
        ("https://", "lacks the https://", "to https:// and that name."),
        ("https://api..com", "names no machine", "https://api.example.com"),
        ("https://-api.com", "names no machine", "https://api.example.com"),
        (f"https://{'a' * 64}.com", "names no machine", "https://api.example.com"),
        ("https://api.hubapi.com:many", "no address", "to https:// and the service's name."),
        ("https://[::1", "no address", "to https:// and the service's name."),
        ("https://me:hunter2@api.hubapi.com", "a user or a password", "to https://api.hubapi.com, and login"),
        ("https://api.hubapi.com/crm/v3", "more than the service's", "to https://api.hubapi.com, without"),
        ("https://api.hubapi.com:8443?a=hunter2", "more than the service's", "to https://api.hubapi.com:8443, without"),
        ("http://api.hubapi.com", "could be read on the way", "to https://api.hubapi.com."),
        ("HTTP://10.0.0.1:80/", "could be read on the way", "to https://10.0.0.1:80."),
    ],
)
def test_a_wrong_host_is_the_line_of_its_source_alone(given: Any, host: str, message: str, cure: str) -> None:
    checks = checked(given({"host": host}))
    assert {"hubspot", "maven_crm", "ravenstack"} <= checks.keys()
    (missing,) = checks["hubspot"].missing
    assert missing.startswith("The host of the connection scorecard_hubspot ")
    assert message in missing
    assert cure in missing
    assert "hunter2" not in missing
    assert checks["maven_crm"].reached


@pytest.mark.parametrize(
    "host",
    [
        "",
        "https://api.hubapi.com",
        "https://api.hubapi.com/",
        "https://my_box.example.com:8443",
        "http://127.0.0.1:8080",
        "http://localhost:8080",
        "http://[::1]:8080",
    ],
)
def test_a_host_that_is_right(host: str) -> None:
    refuse_unfit("hubspot", host)


def test_a_signed_request_may_go_unencrypted() -> None:
    refuse_unfit("shop", "http://storage.internal:9000", encrypted=False)
    with pytest.raises(ScorecardError, match="lacks the https://"):
        refuse_unfit("shop", "storage.internal:9000", encrypted=False)


@pytest.mark.parametrize("name", ["hubspot", "stripe"])
def test_a_token_that_no_header_can_carry(given: Any, name: str) -> None:
    (missing,) = checked(given({"password": "hunter2\N{EN DASH}hunter2"}, name))[name].missing
    assert missing.startswith(f"The password of the connection scorecard_{name} has a control character")
    assert "hunter" not in missing


def test_raw_tables_that_there_are_not(given: Any) -> None:
    settings = given({}, objects=("deal", "deals", "contcat"))
    (missing,) = checked(settings)["hubspot"].missing
    assert missing.startswith("The source hubspot has no raw table deals, contcat, which `objects`")
    assert "there is: call, company, contact, deal, deal_stage_history, " in missing
    with pytest.raises(ScorecardError, match="no raw table deals"):
        connector(settings, load_contracts(settings)["hubspot"])


@pytest.mark.samples
@pytest.mark.parametrize("what", ["services", "connections", "sources"])
def test_a_source_that_nobody_declared(tmp_path: Path, what: str) -> None:
    table = {"services": UNIT, "connections": {"password": "hunter2"}, "sources": {"url": "s3://exports"}}[what]
    settings = Settings(state=tmp_path, **{what: {"hubspt": table}})
    with pytest.raises(ScorecardError, match=f"`{what}` in the settings names hubspt, which no source is") as error:
        load_contracts(settings)
    assert "there is: hubspot, maven_crm, ravenstack, salesforce, stripe, zendesk." in error.value.cure
    assert "hunter2" not in str(error.value)


def test_a_connection_may_wait_for_its_service(tmp_path: Path) -> None:
    settings = Settings(state=tmp_path, connections={"stripe": {}})
    assert "stripe" not in load_contracts(settings)


SERVICES = "there is: hubspot, salesforce, stripe, zendesk."


def accounts(tmp_path: Path, **services: dict[str, str]) -> Settings:
    return Settings(state=tmp_path, services={name: {**UNIT, **own} for name, own in services.items()})


def test_an_account_is_a_source_with_the_contract_of_its_service(tmp_path: Path) -> None:
    contracts = load_contracts(accounts(tmp_path, hubspot={}, hubspot_eu={"service": "hubspot"}))
    first, second = contracts["hubspot"], contracts["hubspot_eu"]
    assert (second.name, second.schema, second.service) == ("hubspot_eu", "raw_hubspot_eu", "hubspot")
    assert second.objects == first.objects


def test_an_account_needs_no_other_of_its_service(tmp_path: Path) -> None:
    contracts = load_contracts(accounts(tmp_path, hubspot_eu={"service": "hubspot"}))
    assert "hubspot_eu" in contracts
    assert "hubspot" not in contracts


@pytest.mark.parametrize(
    ("services", "problem", "cure"),
    [
        ({"hubspot_eu": {"service": "hubspt"}}, "call hubspot_eu an account of hubspt, which no service", "hubspot, "),
        ({"eu": {"service": "maven_crm"}}, "call eu an account of maven_crm, which no service", SERVICES),
        ({"zendesk": {"service": "hubspot"}}, "call an account of hubspot zendesk, which is a source of", "hubspot_eu"),
    ],
)
def test_an_account_that_can_be_none(
    tmp_path: Path, services: dict[str, dict[str, str]], problem: str, cure: str
) -> None:
    with pytest.raises(ScorecardError) as error:
        load_contracts(accounts(tmp_path, **services))
    assert problem in error.value.problem
    assert cure in error.value.cure


def test_a_service_is_found_by_the_name_of_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that is put beside the others is one more service."""
    from scorecard.extract import services
    from scorecard.shared import plugins

    folder = tmp_path / "services"
    shutil.copytree(plugins.SERVICES, folder)
    package = folder / "faxdesk"
    package.mkdir()
    (package / "__init__.py").write_text(
        "class Fax:\n    speaks_http = False\n    def __init__(self, *_given): ...\nCONNECTOR = Fax\n"
    )
    monkeypatch.setattr(services, "__path__", [*services.__path__, str(folder)])
    monkeypatch.setattr(plugins, "SERVICES", folder)
    assert plugins.services() == ["faxdesk", "hubspot", "salesforce", "sql", "stripe", "zendesk"]
    settings = accounts(tmp_path, hubspot={})
    source = replace(load_contracts(settings)["hubspot"], service="faxdesk")
    assert type(connector(settings, source)).__name__ == "Fax"
    with pytest.raises(ScorecardError, match=r"no connector for the service 'faxdsk'.*there is: faxdesk, hubspot"):
        connector(settings, replace(source, service="faxdsk"))
