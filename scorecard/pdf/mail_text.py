"""What the mail of a scorecard says: the same finding and key points as the first page."""

from pathlib import Path

from scorecard.pdf.document import read_context, write_document
from scorecard.shared.mail_summary import MailSummary


def mail_summary(close_dir: Path, language: str, reports_dir: Path) -> MailSummary:
    """Return the title, the finding and the three things to know, as on the first page.

    Raises
    ------
    ScorecardError: the close can't be read, or the language has no words.
    """
    context = read_context(close_dir, language, reports_dir)
    document = write_document(context)
    period = document.period
    if document.is_provisional:
        period = context.say("mail.period_provisional", period=period, provisional=document.data_through)
    return MailSummary(
        title=document.title,
        period_label=period,
        headline="".join(document.summary.finding),
        sentences=tuple(point.text for point in document.summary.key_points),
        currency=document.currency,
        ask=document.owner,
        edition=document.edition_changes.summary,
        figure_id=document.proof.lead_figure_id,
        warnings=document.summary.explained_warnings,
        edition_mark=document.edition_changes.mark,
    )
