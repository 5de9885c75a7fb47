"""Closes made once for all tests of a session, and their PDFs."""

from collections.abc import Callable
from pathlib import Path

import pytest

from scorecard.pdf import render
from tests.unit.pdf.close_fixture import PROJECT, build

REPORTS = PROJECT / "reports"


@pytest.fixture(scope="session")
def reports() -> Path:
    return REPORTS


@pytest.fixture(scope="session")
def sales(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("sales"), "sales", "2017-Q4")


@pytest.fixture(scope="session")
def customers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("customers"), "customers", "2024-Q4")


@pytest.fixture(scope="session")
def pdf(sales: Path, customers: Path) -> Callable[[str, str], bytes]:
    """Return a function that renders a scorecard in a language, once."""
    done: dict[tuple[str, str], bytes] = {}

    def rendered(name: str, language: str) -> bytes:
        if (name, language) not in done:
            done[name, language] = render({"sales": sales, "customers": customers}[name], language, REPORTS)
        return done[name, language]

    return rendered
