"""What a mail says about a scorecard. The PDF part writes it, and the delivery part mails it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class MailSummary:
    """What the body of a mail says, in the reader's language and as plain text: nothing in it is markup.

    ``period_label`` also says that the period is provisional, where it is. ``sentences`` are the three things to know.
    ``currency`` is that of the amounts. ``ask`` says who answers questions. ``edition`` says what an edition changes,
    and ``edition_mark`` follows the period in the subject; they are None and "" for the first edition. ``figure_id`` is
    the id of the figure in the example of a proof. ``warnings`` explain the marks of failed checks in the finding and
    the sentences.
    """

    title: str
    period_label: str
    headline: str
    sentences: tuple[str, ...]
    currency: str
    ask: str
    edition: str | None = None
    figure_id: str = "F001"
    warnings: tuple[str, ...] = ()
    edition_mark: str = ""
