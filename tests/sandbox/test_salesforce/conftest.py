from collections.abc import Iterator

import pytest
import requests

from sandbox.standins.salesforce import Salesforce

from .org import Redirected, filled


@pytest.fixture
def service() -> Iterator[Salesforce]:
    with Salesforce(filled(), page_size=200) as running:
        assert isinstance(running, Salesforce)
        yield running


@pytest.fixture
def session(service: Salesforce) -> requests.Session:
    session = requests.Session()
    session.mount("https://", Redirected(service.url))
    return session
