"""Mail a close's scorecard to its readers: the three things to know in the body, the PDF attached."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from functools import cached_property
from pathlib import Path
from typing import Any

from scorecard.delivery.channel import Channel
from scorecard.delivery.headers import check_address, check_subject, message_with_headers
from scorecard.delivery.ledger import Key
from scorecard.delivery.notify import tell_owner
from scorecard.delivery.post import Outcome, Prepared, post
from scorecard.shared.errors import ScorecardError
from scorecard.shared.mail_summary import MailSummary
from scorecard.shared.settings import Settings
from scorecard.shared.templates import fill

WORDS = (
    *("mail.greeting", "mail.intro", "mail.points", "mail.warnings", "mail.attached", "mail.prove"),
    "mail.automatic",
)


@dataclass(frozen=True)
class Letter:
    """One scorecard for one reader.

    ``domains`` is the scorecard's audience, ``words`` the product's own wording by the keys in ``WORDS``, and ``pdf``
    the file to attach. ``content_sha256`` is the hash of what the close says: an edition never goes out with two
    hashes. ``summarise`` returns what the body says. It is called only for a letter that is to be sent.
    """

    scorecard: str
    period: str
    edition: int
    recipient: str
    language: str
    domains: tuple[str, ...]
    summarise: Callable[[], MailSummary]
    words: Mapping[str, str]
    pdf: Path
    content_sha256: str | None = None

    @cached_property
    def summary(self) -> MailSummary:
        """What the body says."""
        return self.summarise()

    @property
    def close_id(self) -> str:
        """The close that the scorecard was rendered from."""
        return f"{self.scorecard}-{self.period}-e{self.edition}"

    @property
    def subject(self) -> str:
        """Title, period, edition if it is not the first, and headline."""
        return f"{self.summary.title} {self.summary.period_label}{self.summary.edition_mark}: {self.summary.headline}"


def deliver(settings: Settings, letters: Sequence[Letter], channel: Channel | None = None) -> list[Outcome]:
    """Mail each letter once, and tell the owner of letters that were refused or whose outcome is unknown.

    A letter that was sent before, was refused, or may have arrived is not sent again; its outcome is returned, too.
    Letters take the channel that is given, or else SMTP. Notices to the owner are always mail.

    Raises
    ------
    ScorecardError: a reader outside the audience, a line end in a header, a missing PDF or word, an edition that was
    mailed with other content, or a lost ledger; nothing was sent. Or there is no safe connection to the mail server, or
    the server refuses the sender; letters that were not sent stay claimed for the next run.
    """
    for letter in letters:
        _refuse_unfit(letter)
    outcomes = post(settings, [_prepared(settings, letter) for letter in letters], channel)
    tell_owner(settings)
    return outcomes


def _refuse_unfit(letter: Letter) -> None:
    """Refuse a letter with a wrong address, a reader outside the audience, or a language that lacks words."""
    check_address(letter.recipient, f"A recipient of the scorecard {letter.scorecard}")
    if letter.recipient.rsplit("@", 1)[1].lower() not in {domain.lower() for domain in letter.domains}:
        raise ScorecardError(
            f"{letter.recipient} is outside the audience of the scorecard {letter.scorecard}.",
            f"Use an address of {', '.join(letter.domains)}, or add the domain to audience.domains.",
        )
    if missing := [word for word in WORDS if word not in letter.words]:
        raise ScorecardError(
            f"The wording of mail in {letter.language!r} lacks {', '.join(missing)}.",
            "Add it in reports/locales.",
        )


def _prepared(settings: Settings, letter: Letter) -> Prepared:
    key = Key(letter.scorecard, letter.period, str(letter.edition), letter.recipient)
    return Prepared(
        key,
        letter.language,
        lambda message_id: _message(settings, letter, message_id).as_bytes(),
        letter.content_sha256,
    )


def _message(settings: Settings, letter: Letter, message_id: str) -> EmailMessage:
    check_subject(letter.subject)
    try:
        pdf = letter.pdf.read_bytes()
    except OSError as error:
        raise ScorecardError(
            f"The PDF {letter.pdf} can't be read: {error.strerror}.",
            f"Correct its permissions, or delete it and publish {letter.close_id} again, which renders a missing PDF.",
        ) from error
    content: dict[str, Any] = {
        "summary": letter.summary,
        "subject": letter.subject,
        "words": {name.removeprefix("mail."): letter.words[name] for name in WORDS},
        "language": letter.language,
        "close_id": letter.close_id,
        "company": settings.company,
    }
    message = message_with_headers(settings.mail_from, letter.recipient, letter.subject, message_id, letter.language)
    reports = settings.project / "reports"
    message.set_content(fill(reports, "mail.txt.j2", content), cte="quoted-printable")
    message.add_alternative(fill(reports, "mail.html.j2", content), subtype="html", cte="quoted-printable")
    message.add_attachment(pdf, maintype="application", subtype="pdf", filename=letter.pdf.name)
    return message
