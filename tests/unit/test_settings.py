"""What is wrong in the settings is told in a sentence that names it and holds no secret."""

import json
import traceback

import pytest

from scorecard.shared.errors import ScorecardError
from scorecard.shared.settings import Connection, read_settings

SECRET = "hunter2hunter2"


def refusal(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> ScorecardError:
    monkeypatch.setenv(name, value)
    with pytest.raises(ScorecardError) as error:
        read_settings()
    assert SECRET not in "".join(traceback.format_exception(error.value)), "nor in what a log shows of it"
    return error.value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SCORECARD_CONNECTIONS", f'{{"hubspot": {{"password": "{SECRET}"'),
        ("SCORECARD_CONNECTIONS", SECRET),
        ("SCORECARD_SERVICES", "{'hubspot': {}}"),
        ("SCORECARD_SERVICES", ""),
        ("SCORECARD_CONNECTIONS__HUBSPOT__EXTRA", f'{{"refresh_token": "{SECRET}'),
        ("SCORECARD_SERVICES__HUBSPOT__OBJECTS", "deal, company"),
    ],
)
def test_json_that_is_broken(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv("SCORECARD_CONNECTIONS__ZENDESK__PASSWORD", "no JSON and need not be")
    error = refusal(monkeypatch, name, value)
    assert error.problem == f"{name} in the environment is not JSON."


def test_a_name_that_is_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    error = refusal(monkeypatch, "SCORECARD_TIMEZON", SECRET)
    assert error.problem == "The environment variable SCORECARD_TIMEZON is not a setting."
    assert "SCORECARD_TIMEZONE" in error.cure


@pytest.mark.parametrize("name", ["SCORECARD_OWNER_EMAIL", "SCORECARD_MAIL_FROM"])
def test_what_is_no_address(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    assert refusal(monkeypatch, name, "nobody").problem.startswith(f"The setting {name[10:].lower()} is wrong")


@pytest.mark.parametrize(
    ("name", "value", "setting"),
    [
        ("SCORECARD_CONNECTIONS__HUBSPOT__TOKEN", SECRET, "connections.hubspot.token"),
        ("SCORECARD_CONNECTIONS__HUBSPOT", SECRET, "connections.hubspot"),
        ("SCORECARD_CONNECTIONS__HUBSPOT__EXTRA__A__B", SECRET, "connections.hubspot.extra.a"),
        ("SCORECARD_CONNECTIONS", json.dumps({"hubspot": {"pasword": SECRET}}), "connections.hubspot.pasword"),
        ("SCORECARD_CONNECTIONS", json.dumps([SECRET]), "connections"),
        ("SCORECARD_SERVICES__HUBSPOT__PAGE_SIZE", "many", "services.hubspot.page_size"),
        ("SCORECARD_SERVICES__HUBSPOT__OBJECTS", '["deal", 3]', "services.hubspot.objects"),
        ("SCORECARD_SMTP_PORT", "x", "smtp_port"),
    ],
)
def test_a_wrong_setting_is_named_as_the_environment_has_it(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, setting: str
) -> None:
    if "SERVICES" in name:
        monkeypatch.setenv("SCORECARD_SERVICES__HUBSPOT__BUSINESS_UNIT", "Simulated")
        monkeypatch.setenv("SCORECARD_SERVICES__HUBSPOT__CURRENCY", "EUR")
    error = refusal(monkeypatch, name, value)
    assert error.problem.startswith(f"The setting {setting} is wrong: ")
    assert f"SCORECARD_{setting.replace('.', '__').upper()} of the environment" in error.cure


def test_a_secret_is_made_fit_for_a_header() -> None:
    connection = Connection.model_validate({"password": " key\n", "extra": {"access_token": "\tabc\r\n"}}).of("hubspot")
    assert (connection.secret("password"), connection.secret("access_token")) == ("key", "abc")
    assert (connection.secret("refresh_token"), Connection().secret("password")) == ("", "")


@pytest.mark.parametrize("name", ["password", "access_token"])
@pytest.mark.parametrize("inside", ["\n", "\x00", "\N{EN DASH}", "ü", "\N{ZERO WIDTH SPACE}"])
def test_a_secret_that_no_header_can_carry(name: str, inside: str) -> None:
    text = f"hunter2{inside}hunter2"
    given = {"password": text} if name == "password" else {"extra": {name: text}}
    message = f"The (extra.)?{name} of the connection scorecard_hubspot has a control"
    with pytest.raises(ScorecardError, match=message) as error:
        Connection.model_validate(given).of("hubspot").secret(name)
    assert "hunter" not in str(error.value)
