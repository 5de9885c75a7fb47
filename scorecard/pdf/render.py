"""A close as PDF, and the three things to know as text."""

import gc
import hashlib
import logging
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, time
from functools import cache
from pathlib import Path
from typing import Any

from scorecard.pdf.attachments import figures_csv, provenance_json
from scorecard.pdf.compose import document, example, read_desk
from scorecard.pdf.document import Document
from scorecard.pdf.page import doubts
from scorecard.pdf.page.context import Desk
from scorecard.pdf.page.fonts import FAMILIES, font_files, require_glyphs
from scorecard.pdf.sections.data_quality import ask, data_through, is_provisional
from scorecard.pdf.sections.restated import edition_mark
from scorecard.pdf.sections.sentences import headline, headline_figures
from scorecard.pdf.sections.three_things import three_things
from scorecard.shared.errors import ScorecardError
from scorecard.shared.templates import environment

_TEMPLATE = "scorecard.html.j2"
_STYLE = "scorecard.css"
# How close the first page is set: as close as it takes to be one page.
_DENSITIES = ("", "close", "tight")


@dataclass(frozen=True)
class Summary:
    """What a mail says about a scorecard. ``sentences`` are the three things to know.

    ``period_label`` says so where the period was published before it was over. ``edition`` says what an edition that
    replaces another one changes, ``edition_mark`` is what the subject says of it after the period; None and "" of the
    first. ``figure_id`` is the id of the figure it is about, to prove it by; it stands on the page's list of figures.
    ``warnings`` explain the marks of the failed checks that the finding and the sentences name. ``currency`` is that of
    its amounts, ``ask`` says who answers questions.
    """

    title: str
    headline: str
    sentences: tuple[str, ...]
    period_label: str
    edition: str | None
    figure_id: str
    warnings: tuple[str, ...]
    edition_mark: str
    currency: str
    ask: str


def render(close_dir: Path, language: str, reports_dir: Path) -> bytes:
    """Return a close as PDF: from the same folder, words and fonts always the same bytes.

    Raises
    ------
    ScorecardError: the close can't be read, the language has no words, a font or a glyph is missing.
    """
    font_files()
    desk = read_desk(close_dir, language, reports_dir)
    return _pdf(desk, document(desk), reports_dir)


def render_many(jobs: Iterable[tuple[Path, str]], reports_dir: Path) -> Iterator[tuple[Path, str, bytes]]:
    """Render closes one after another in one process: modules and fonts are read once, which is most of a first run.

    Parameters
    ----------
    jobs: pairs of close folder and language. Each comes back with its PDF as soon as it is ready.
    """
    for close_dir, language in jobs:
        yield close_dir, language, render(close_dir, language, reports_dir)


def summary(close_dir: Path, language: str, reports_dir: Path) -> Summary:
    """Return the title, the finding and the three things to know, as on the first page.

    Raises
    ------
    ScorecardError: as ``render``.
    """
    desk = read_desk(close_dir, language, reports_dir)
    things = three_things(desk)
    named = [desk.close.by_id.get(figure_id) for thing in things for figure_id in thing.figure_ids]
    period = desk.formats.period_full(desk.close.period, desk.close.fiscal)
    if is_provisional(desk):
        period = desk.say("mail.period_provisional", period=period, provisional=data_through(desk))
    note = document(read_desk(close_dir, language, reports_dir)).edition_note if desk.close.edition > 1 else None
    return Summary(
        title=desk.close.title,
        headline=headline(desk),
        sentences=tuple(thing.text for thing in things),
        period_label=period,
        edition=note,
        edition_mark=edition_mark(desk),
        figure_id=example(desk),
        warnings=doubts.warnings(desk, [*headline_figures(desk), *named]),
        currency=desk.close.currency,
        ask=ask(desk),
    )


def html(close_dir: Path, language: str, reports_dir: Path) -> str:
    """Return the page that the PDF is made from; for tests and for work on templates."""
    desk = read_desk(close_dir, language, reports_dir)
    return _html(desk, document(desk), reports_dir)


def _html(desk: Desk, doc: Document, reports_dir: Path, density: str = "") -> str:
    page = (
        environment(reports_dir)
        .get_template(_TEMPLATE)
        .render(doc=doc, say=desk.wording.say, font_family=FAMILIES, density=density)
    )
    # Text from sources was made printable when it was read; what is left are the product's own words.
    require_glyphs(page)
    return page


@cache
def _style(reports_dir: Path, of: str) -> tuple[Any, Any]:
    """Return the style sheet and the fonts, read once per process: each costs as much as a page.

    Parameters
    ----------
    of: the sheet's text; its variables are put in their places here.
    """
    from weasyprint import CSS
    from weasyprint.text.fonts import FontConfiguration

    values = {"--font": FAMILIES, **dict(re.findall(r"(--[a-z]+):\s*([^;]+);", of))}
    text = re.sub(r"var\((--[a-z]+)\)", lambda name: values[name[1]], of)
    fonts = FontConfiguration()
    base, fetcher = _base_url(reports_dir), _fetcher(reports_dir.resolve())
    return CSS(string=text, base_url=base, url_fetcher=fetcher, font_config=fonts), fonts


def _base_url(reports_dir: Path) -> str:
    return (reports_dir / "styles").resolve().as_uri() + "/"


def _pdf(desk: Desk, doc: Document, reports_dir: Path) -> bytes:
    from weasyprint import Attachment

    close = desk.close
    # No clock: the files inside are dated by the end of the period they are about.
    dated = datetime.combine(close.period.end, time(), UTC)
    files = [
        Attachment(
            string=content,
            name=f"{close.close_id}-{name}",
            description=desk.say(f"attachment.{key}"),
            created=dated,
            modified=dated,
            relationship="Data",
        )
        for key, name, content in (
            ("figures", "figures.csv", figures_csv(desk)),
            ("provenance", "provenance.json", provenance_json(desk)),
        )
    ]
    identifier = hashlib.sha256(f"{close.content_sha256} {close.language}".encode()).digest()[:16]
    with _no_garbage(), _complaints() as complaints:
        for density in _DENSITIES:
            laid_out = _laid_out(desk, doc, reports_dir, density)
            if "tree" in laid_out.pages[1].anchors:
                break
        pdf: bytes = laid_out.write_pdf(attachments=files, pdf_identifier=identifier, pdf_variant="pdf/ua-1")
    if complaints.messages:
        raise ScorecardError(
            f"The page of {close.close_id} could not be laid out as written: {complaints.messages[0]}.",
            "Correct the template or style sheet in reports/.",
        )
    return pdf


def _laid_out(desk: Desk, doc: Document, reports_dir: Path, density: str) -> Any:
    """Lay the pages out. The second begins with the tree, unless the first needs to be set closer to be one page."""
    from weasyprint import HTML

    style, fonts = _style(reports_dir, (reports_dir / "styles" / _STYLE).read_text(encoding="utf-8"))
    page = HTML(
        string=_html(desk, doc, reports_dir, density),
        base_url=_base_url(reports_dir),
        url_fetcher=_fetcher(reports_dir.resolve()),
    )
    return page.render(stylesheets=[style], font_config=fonts, pdf_variant="pdf/ua-1")


@contextmanager
def _no_garbage() -> Iterator[None]:
    """Stop the collector: a page's many objects all live to its end, and looking at them costs a tenth."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
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
                # Fatal: a page that asks for anything else is not ours, and must not be sent.
                raise FatalURLFetchingError(f"The page asks for {url!r}, which is not part of reports/.")
            return super().fetch(path.as_uri(), headers)

    return ReportsOnly(allowed_protocols=["file"], allow_redirects=False, fail_on_errors=True)


class _complaints(logging.Handler):  # noqa: N801
    """Collects what the layout engine complains about, which it otherwise only logs."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())

    def __enter__(self) -> "_complaints":
        logging.getLogger("weasyprint").addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger("weasyprint").removeHandler(self)
