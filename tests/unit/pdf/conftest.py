"""Closes that the product made of the bundled samples, and their PDFs."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Sandbox
from tests.unit.pdf.printed import REPORTS


@pytest.fixture(scope="session")
def reports() -> Path:
    return REPORTS


@pytest.fixture(scope="session")
def sales(built: Sandbox) -> Path:
    return built.settings.archive / "sales-2017-Q4-e1"


@pytest.fixture(scope="session")
def december(built: Sandbox) -> Path:
    return built.settings.archive / "sales-2017-12-e1"


@pytest.fixture(scope="session")
def customers(built: Sandbox) -> Path:
    return built.settings.archive / "customers-2024-Q4-e1"


@pytest.fixture(params=["sales", "customers"])
def close(request: pytest.FixtureRequest, sales: Path, customers: Path) -> Path:
    """Return the close of each scorecard in turn."""
    return {"sales": sales, "customers": customers}[request.param]


@pytest.fixture(params=["en", "ja"])
def language(request: pytest.FixtureRequest) -> str:
    """Return each language in turn."""
    return str(request.param)


@pytest.fixture(scope="session")
def pdf(built: Sandbox) -> Callable[[Path, str], bytes]:
    """Return a function that reads the PDF that the product made of a close in a language."""

    def read(close: Path, language: str) -> bytes:
        return (built.settings.out / f"{close.name}-{language}.pdf").read_bytes()

    return read
