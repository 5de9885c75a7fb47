"""Versions of the APIs of services: the guide names them, and a warning comes before they end."""

from datetime import date
from pathlib import Path

import pytest

from scorecard.extract.services import versions
from scorecard.extract.services.hubspot import settings as hubspot
from scorecard.extract.services.versions import ApiVersion, ending, table, used
from scorecard.shared.plugins import services
from tests.conftest import PROJECT

API, OAUTH = hubspot.VERSIONS


@pytest.mark.parametrize("service", sorted(set(services()) - {"sql"}))
def test_the_guide_names_each_version_and_its_end(service: str) -> None:
    assert used(service)
    assert table() in (PROJECT / "docs/services.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        (date(2027, 5, 3), []),
        (date(2027, 5, 4), [OAUTH]),
        (date(2027, 12, 1), [OAUTH, API]),
        (date(2030, 1, 1), [OAUTH, API]),
    ],
)
def test_an_end_is_told_120_days_before(today: date, expected: list[ApiVersion]) -> None:
    sentences = ending("hubspot", today)
    assert len(sentences) == len(expected)
    for version in expected:
        start = (
            f"{version.api} {version.version}, which the connector of hubspot calls, is supported until {version.ends}."
        )
        assert any(sentence.startswith(start) for sentence in sentences)


def test_a_version_without_an_end_and_a_database_are_never_told() -> None:
    assert ending("stripe", date(2100, 1, 1)) == ending("sql", date(2100, 1, 1)) == ending("", date(2100, 1, 1)) == ()


def test_the_end_of_api_tokens_is_told_until_the_connection_has_another_way() -> None:
    (sentence,) = ending("zendesk", date(2026, 12, 31))
    assert sentence.endswith(
        "until 2027-04-30. Give the connection scorecard_zendesk access_token in its extra before then."
    )
    assert ending("zendesk", date(2026, 12, 30)) == ()
    assert ending("zendesk", date(2027, 4, 30), {"access_token": "x"}) == ()


def test_the_connection_of_an_account_is_named_after_it() -> None:
    (sentence,) = ending("zendesk", date(2027, 1, 1), account="zendesk_eu")
    assert "Give the connection scorecard_zendesk_eu access_token" in sentence


def test_no_path_has_a_version_that_hubspot_retires() -> None:
    """A path with a version of its own would end unseen."""
    code = "".join(path.read_text("utf-8") for path in (Path(versions.__file__).parent / "hubspot").glob("*.py"))
    for path in ("oauth/v1", "crm/v3", "crm/v4", "account-info/v3"):
        assert path not in code
