"""What the pages of a close say, made once for all tests that only read it. Don't ask for a close that changes."""

import io
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from pypdf import PdfReader

from scorecard.pdf import html
from scorecard.pdf.document import ScorecardDocument, read_context, write_document
from scorecard.pdf.page import PageContext
from tests.conftest import PROJECT

REPORTS = PROJECT / "reports"


@cache
def written(close: Path, language: str) -> tuple[PageContext, ScorecardDocument]:
    """Return the context of a close, with all that its pages print, and its document."""
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
    return tuple(leaf.extract_text() for leaf in PdfReader(io.BytesIO(pdf)).pages)


@cache
def ids_of(pdf: bytes) -> set[str]:
    """Return every figure id of a PDF: in its text, in links, and in the command that shows how one is proved."""
    annotations = [
        str(annotation.get_object())
        for leaf in PdfReader(io.BytesIO(pdf)).pages
        for annotation in leaf.get("/Annots") or ()
    ]
    return set(re.findall(r"(?<![A-Za-z0-9])F\d{3,}(?!\d)", " ".join((*texts(pdf), *annotations))))


def provenance(pdf: bytes) -> dict[str, dict[str, Any]]:
    """Return the figures in the provenance that is attached to a PDF, by their ids."""
    attached = PdfReader(io.BytesIO(pdf)).attachments
    (content,) = [contents[0] for name, contents in attached.items() if name.endswith("provenance.json")]
    return {figure["figure_id"].rpartition(".")[2]: figure for figure in json.loads(content)["figures"]}
