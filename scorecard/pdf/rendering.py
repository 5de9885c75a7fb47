"""Lays a scorecard out as PDF."""

import gc
import hashlib
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, time
from functools import cache
from pathlib import Path
from typing import Any

from scorecard.pdf.attachments import figures_csv, provenance_json
from scorecard.pdf.document import ScorecardDocument, read_context, write_document
from scorecard.pdf.page import PageContext
from scorecard.pdf.page.fonts import FAMILIES, font_files, require_glyphs
from scorecard.shared.errors import ScorecardError
from scorecard.shared.templates import fill

_TEMPLATE = "scorecard.html.j2"
_STYLE = "scorecard.css"
# How close the lines of the first page stand. They get closer until all that belongs on it fits.
_DENSITIES = ("", "close", "tight")


def render(close_dir: Path, language: str, reports_dir: Path) -> bytes:
    """Return a close as PDF. The same folder, words and fonts always give the same bytes.

    Raises
    ------
    ScorecardError: the close can't be read, the language has no words, or a font or a glyph is missing.
    """
    font_files()
    context = read_context(close_dir, language, reports_dir)
    return _pdf(context, write_document(context), reports_dir)


def html(close_dir: Path, language: str, reports_dir: Path) -> str:
    """Return the page that the PDF is made from, for tests and for work on templates.

    Raises
    ------
    ScorecardError: as ``render``.
    """
    context = read_context(close_dir, language, reports_dir)
    return _html(context, write_document(context), reports_dir)


def _html(context: PageContext, document: ScorecardDocument, reports_dir: Path, density: str = "") -> str:
    content = {"doc": document, "say": context.wording.say, "font_family": FAMILIES, "density": density}
    page = fill(reports_dir, _TEMPLATE, content)
    # The text of sources is printable already. This checks the product's own words.
    require_glyphs(page)
    return page


@cache
def _style(reports_dir: Path, sheet: str) -> tuple[Any, Any]:
    """Return the style sheet and the fonts. A process reads them once, because each takes as long as a page.

    Parameters
    ----------
    sheet: the text of the style sheet. This function replaces its variables with their values.
    """
    from weasyprint import CSS
    from weasyprint.text.fonts import FontConfiguration

    values = {"--font": FAMILIES, **dict(re.findall(r"(--[a-z]+):\s*([^;]+);", sheet))}
    text = re.sub(r"var\((--[a-z]+)\)", lambda name: values[name[1]], sheet)
    fonts = FontConfiguration()
    base, fetcher = _base_url(reports_dir), _fetcher(reports_dir.resolve())
    return CSS(string=text, base_url=base, url_fetcher=fetcher, font_config=fonts), fonts


def _base_url(reports_dir: Path) -> str:
    return (reports_dir / "styles").resolve().as_uri() + "/"


def _pdf(context: PageContext, document: ScorecardDocument, reports_dir: Path) -> bytes:
    close = context.close
    identifier = hashlib.sha256(f"{close.content_sha256} {close.language}".encode()).digest()[:16]
    attachments = _attachments(context)
    with _garbage_collection_off(), _LayoutWarnings() as warnings:
        for density in _DENSITIES:
            laid_out = _laid_out(context, document, reports_dir, density)
            # The tree begins the second page if all before it fits on the first. The closest lines stay even if not.
            if "tree" in laid_out.pages[1].anchors:
                break
        pdf: bytes = laid_out.write_pdf(attachments=attachments, pdf_identifier=identifier, pdf_variant="pdf/ua-1")
    if warnings.messages:
        raise ScorecardError(
            f"WeasyPrint reports {len(warnings.messages)} mistakes in the {close.language} PDF of {close.close_id}."
            f" The first is: {warnings.messages[0]}.",
            "Correct the template in scorecard/pdf/sections or reports/templates, or reports/styles/scorecard.css.",
        )
    return pdf


def _attachments(context: PageContext) -> list[Any]:
    """Return the files inside the PDF. Their date is the end of the period, so no clock changes the bytes."""
    from weasyprint import Attachment

    close = context.close
    period_end = datetime.combine(close.period.end, time(), UTC)
    return [
        Attachment(
            string=content,
            name=f"{close.close_id}-{name}",
            description=context.say(f"attachment.{key}"),
            created=period_end,
            modified=period_end,
            relationship="Data",
        )
        for key, name, content in (
            ("figures", "figures.csv", figures_csv(context)),
            ("provenance", "provenance.json", provenance_json(context)),
        )
    ]


def _laid_out(context: PageContext, document: ScorecardDocument, reports_dir: Path, density: str) -> Any:
    from weasyprint import HTML

    style, fonts = _style(reports_dir, (reports_dir / "styles" / _STYLE).read_text(encoding="utf-8"))
    page = HTML(
        string=_html(context, document, reports_dir, density),
        base_url=_base_url(reports_dir),
        url_fetcher=_fetcher(reports_dir.resolve()),
    )
    return page.render(stylesheets=[style], font_config=fonts, pdf_variant="pdf/ua-1")


@contextmanager
def _garbage_collection_off() -> Iterator[None]:
    """Switch the garbage collector off. The many objects of a page all live until its end, and a scan takes long."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _fetcher(allowed: Path) -> Any:
    """Return a fetcher that opens files below a folder and nothing else: no network, no other file, no redirect."""
    from weasyprint.urls import FatalURLFetchingError, URLFetcher

    class ReportsOnly(URLFetcher):  # type: ignore[misc]
        def fetch(self, url: str, headers: dict[str, str] | None = None) -> Any:
            from urllib.parse import unquote, urlsplit

            parts = urlsplit(url)
            path = Path(unquote(parts.path)).resolve()
            if parts.scheme != "file" or parts.netloc or not path.is_relative_to(allowed):
                # A page that asks for anything else must not be sent, so this error is fatal.
                raise FatalURLFetchingError(f"The page asks for {url!r}, which is not part of reports/.")
            return super().fetch(path.as_uri(), headers)

    return ReportsOnly(allowed_protocols=["file"], allow_redirects=False, fail_on_errors=True)


class _LayoutWarnings(logging.Handler):
    """Collects the warnings that WeasyPrint logs."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())

    def __enter__(self) -> "_LayoutWarnings":
        logging.getLogger("weasyprint").addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger("weasyprint").removeHandler(self)
