"""What the pages of a close say, made once for all tests that only read it. Don't ask for a close that changes."""

import io
from functools import cache
from pathlib import Path

from pypdf import PdfReader

from scorecard.pdf import html
from scorecard.pdf.document import ScorecardDocument, read_context, write_document
from scorecard.pdf.page import PageContext
from tests.conftest import PROJECT

REPORTS = PROJECT / "reports"


@cache
def written(close: Path, language: str) -> tuple[PageContext, ScorecardDocument]:
    """Return the document of a close, and the context with all that it prints."""
    context = read_context(close, language, REPORTS)
    return context, write_document(context)


def document(close: Path, language: str) -> ScorecardDocument:
    """Return the document of a close."""
    return written(close, language)[1]


@cache
def page(close: Path, language: str) -> str:
    """Return the HTML of a close."""
    return html(close, language, REPORTS)


@cache
def texts(pdf: bytes) -> tuple[str, ...]:
    """Return the text of each page of a PDF."""
    return tuple(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)
