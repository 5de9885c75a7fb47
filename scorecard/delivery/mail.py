"""Mail a close's scorecard to its readers: the three things to know in the body, the PDF attached."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, localtime
from functools import cached_property
from pathlib import Path
from typing import Any

from scorecard.delivery.channel import Channel
from scorecard.delivery.headers import check_address, check_header
from scorecard.delivery.ledger_row import Key
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

    ``domains`` is the scorecard's audience, ``words`` the product's own wording by the keys in ``WORDS``, ``pdf`` the
    file to attach, ``content_sha256`` the hash of what the close says: the same edition never goes out with another.
    ``summarise`` returns what the body says; it is called for a letter that is to be sent, and for no other.
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
        """A headline: what, when, in which edition if not the first, and how it went."""
        return f"{self.summary.title} {self.summary.period_label}{self.summary.edition_mark}: {self.summary.headline}"


def deliver(settings: Settings, letters: Sequence[Letter], channel: Channel | None = None) -> list[Outcome]:
    """Mail each letter once, each reader for themselves; tell the owner of any that was refused or may be lost.

    Letters that were sent before, refused, or may have arrived are not sent; their outcome is returned all the same.
    The letters take the channel, SMTP where none is given. Notices to the owner are always mail.

    Raises
    ------
    ScorecardError: a reader outside the audience, a line end in a header, a missing PDF or word, an edition that was
    mailed with other content, a lost ledger (nothing was sent then); or no safe connection to the mail server, or one
    that refuses the sender (what was not sent stays claimed for the next run).
    """
    for letter in letters:
        _check(letter)
    outcomes = post(settings, [_prepared(settings, letter) for letter in letters], channel)
    tell_owner(settings)
    return outcomes


def _check(letter: Letter) -> None:
    check_address(letter.recipient)
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
    check_header(letter.subject, "subject")
    try:
        pdf = letter.pdf.read_bytes()
    except OSError as error:
        raise ScorecardError(
            f"The PDF {letter.pdf} can't be read: {error.strerror}.", f"Render {letter.close_id} again."
        ) from error
    content: dict[str, Any] = {
        "summary": letter.summary,
        "subject": letter.subject,
        "words": {name.removeprefix("mail."): letter.words[name] for name in WORDS},
        "language": letter.language,
        "close_id": letter.close_id,
        "company": settings.company,
    }
    message = EmailMessage(policy=SMTP)
    message["From"] = settings.mail_from
    message["To"] = letter.recipient
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(localtime())
    message["Message-ID"] = message_id
    message["Content-Language"] = letter.language
    message["Auto-Submitted"] = "auto-generated"
    reports = settings.project / "reports"
    message.set_content(fill(reports, "mail.txt.j2", content), cte="quoted-printable")
    message.add_alternative(fill(reports, "mail.html.j2", content), subtype="html", cte="quoted-printable")
    message.add_attachment(pdf, maintype="application", subtype="pdf", filename=letter.pdf.name)
    return message
