"""A scorecard in one language: its head, and its sections in the order of reading."""

from dataclasses import dataclass
from pathlib import Path

from scorecard.pdf.page import LocaleFormats, PageContext, Wording, read_close, visible
from scorecard.pdf.sections.breakdowns import BreakdownsSection, breakdowns_section
from scorecard.pdf.sections.data_quality import DataQualitySection, data_quality_section
from scorecard.pdf.sections.edition_changes import EditionChangesSection, edition_changes_section
from scorecard.pdf.sections.indicators import IndicatorsSection, indicators_section
from scorecard.pdf.sections.proof import ProofSection, proof_section
from scorecard.pdf.sections.summary import SummarySection, summary_section


@dataclass(frozen=True)
class ColumnHeadings:
    """The headings that name periods. All tables share them."""

    period: str
    prior: str
    vs_prior: str
    vs_year_ago: str


@dataclass(frozen=True)
class ScorecardDocument:
    """A scorecard in one language. Every word and every number is in its final form.

    ``data_through`` says through which day the data goes; it is None where the close doesn't say. ``general_checks``
    are the marks of the failed checks that touch every indicator.
    """

    language: str
    title: str
    purpose: str
    file_title: str
    business_unit: str
    owner: str
    period: str
    data_through: str | None
    is_provisional: bool
    currency: str
    close_id: str
    edition: str
    hash_short: str
    columns: ColumnHeadings
    general_checks: tuple[str, ...]
    summary: SummarySection
    indicators: IndicatorsSection
    breakdowns: BreakdownsSection
    data_quality: DataQualitySection
    edition_changes: EditionChangesSection
    proof: ProofSection


def read_context(close_dir: Path, language: str, reports_dir: Path) -> PageContext:
    """Read a close and the words of a language.

    Raises
    ------
    ScorecardError: the close can't be read, or the language has no words.
    """
    wording = Wording(reports_dir, language)
    return PageContext(read_close(close_dir, language), wording, LocaleFormats(wording))


def write_document(context: PageContext) -> ScorecardDocument:
    """Build the whole document. The order of the sections numbers the footnotes and lists the printed figures."""
    close, formats, say = context.close, context.formats, context.say
    period = formats.period(close.period, close.fiscal)
    return ScorecardDocument(
        language=close.language,
        title=close.title,
        purpose=close.purpose,
        file_title=say("file.title", title=close.title, period=period),
        business_unit=visible(str(close.scorecard["business_unit"])),
        owner=say("ask", owner=visible(str(close.scorecard["owner"]))),
        period=formats.period_full(close.period, close.fiscal),
        data_through=_data_through(context),
        is_provisional=_is_provisional(context),
        currency=close.currency,
        close_id=close.close_id,
        edition=formats.count(close.edition),
        hash_short=close.content_sha256[:12],
        columns=ColumnHeadings(
            period=period,
            prior=context.period_name(close.prior),
            vs_prior=say("column.versus_prior", period=context.period_name(close.prior)),
            vs_year_ago=say("column.versus_year_ago", period=formats.period(close.year_ago, close.fiscal)),
        ),
        general_checks=tuple(context.check_mark(check) for check in close.general_checks),
        summary=summary_section(context),
        indicators=indicators_section(context),
        breakdowns=breakdowns_section(context),
        data_quality=data_quality_section(context),
        edition_changes=edition_changes_section(context),
        proof=proof_section(context),
    )


def printed_figures(close_dir: Path, language: str, reports_dir: Path) -> set[tuple[str, str, str, str]]:
    """Return the figures that the pages of a close print, each as (metric, period, dimension, member).

    Raises
    ------
    ScorecardError: as ``read_context``.
    """
    context = read_context(close_dir, language, reports_dir)
    write_document(context)
    figures = [printed.figure for printed in context.printed.values()]
    return {(figure.metric, figure.period, figure.dimension, figure.member) for figure in figures}


def _is_provisional(context: PageContext) -> bool:
    """Whether the data ends before the period does."""
    known = context.close.known_through
    return known is not None and known < context.close.period.last_day


def _data_through(context: PageContext) -> str | None:
    """Say through which day the data goes. Where the data ends before the period does, say also provisional."""
    known = context.close.known_through
    if known is None:
        return None
    is_same_year = known.year == context.close.period.last_day.year
    day = context.formats.day_short(known) if is_same_year else context.formats.day(known)
    return context.say("provisional" if _is_provisional(context) else "known_through", day=day)
