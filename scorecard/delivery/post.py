"""Post letters: claim each in the ledger, send it once, and write its outcome to the ledger.

Rows that a killed run left in ``sending`` are settled first. Where the channel doesn't know the outcome, the row
becomes ``unknown``, and a person decides.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial

from scorecard.delivery.channel import Channel, SendOutcome, SendResult
from scorecard.delivery.headers import check_address
from scorecard.delivery.ledger import Key, Ledger, LedgerRow, message_id, opened
from scorecard.delivery.ledger_file import unusable
from scorecard.delivery.smtp import SmtpChannel
from scorecard.shared.errors import ScorecardError, Temporary
from scorecard.shared.locks import alone
from scorecard.shared.settings import Settings

# The state of a ledger's row after each outcome of a channel.
_STATES: dict[SendOutcome, str] = {"accepted": "sent", "refused": "refused", "later": "claimed", "unknown": "unknown"}


@dataclass(frozen=True)
class Prepared:
    """A letter whose bytes are made by ``build``, from its Message-ID, with CRLF line ends."""

    key: Key
    language: str
    build: Callable[[str], bytes]
    content_sha256: str | None = None


@dataclass(frozen=True)
class Outcome:
    """The outcome of one letter.

    ``state`` is claimed (the next run tries again), sent, refused or unknown. ``now`` is true where this run tried to
    send it. ``cure`` is empty where nothing is to be done.
    """

    key: Key
    state: str
    detail: str
    now: bool
    cure: str


def post(settings: Settings, prepared: Sequence[Prepared], channel: Channel | None = None) -> list[Outcome]:
    """Send each letter, except those that the ledger has as sent, refused or unknown.

    ``channel`` is SMTP where none is given. A letter that another channel delivered is not sent again.

    Raises
    ------
    ScorecardError: there is no connection to the mail server, or it refuses the sender; letters that were not sent stay
    claimed, so the next run sends them. Or a letter can't be made, an edition was mailed with other content, the ledger
    is lost or can't be written, or another run has been mailing for five minutes.
    """
    channel = channel or SmtpChannel(settings)
    for letter in prepared:
        channel.check(letter.key.recipient)
    check_address(settings.mail_from, "The setting mail_from")
    with _alone(settings), opened(settings) as ledger:
        settle(ledger, channel)
        _refuse_other_content(settings, ledger, prepared)
        contents = _claim(settings, ledger, channel, prepared)
        if contents:
            _send(ledger, channel, contents)
        return [_outcome(ledger, letter.key, now=letter.key in contents) for letter in prepared]


def _claim(settings: Settings, ledger: Ledger, channel: Channel, prepared: Sequence[Prepared]) -> dict[Key, bytes]:
    """Make all letters that are to be sent, then claim them all, before the channel opens a session."""
    domain = settings.mail_from.rsplit("@", 1)[1]
    contents: dict[Key, bytes] = {}
    for letter in prepared:
        row = ledger.find(letter.key)
        if row is None or row.state == "claimed":
            contents[letter.key] = letter.build(message_id(letter.key, domain))
    for letter in prepared:
        if letter.key in contents:
            message = message_id(letter.key, domain)
            ledger.claim(letter.key, letter.language, message, letter.content_sha256, channel.name)
    return contents


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    busy = Temporary("Another run is sending mail and has not finished.", "Wait for it to end; then run again.")
    with ExitStack() as stack:
        try:
            stack.enter_context(alone(settings.ledger.with_suffix(".lock"), busy))
        except OSError as error:
            raise unusable(settings.ledger, error) from error
        yield


def _refuse_other_content(settings: Settings, ledger: Ledger, prepared: Sequence[Prepared]) -> None:
    """Refuse an edition that went out with other content: two readers would have two scorecards of one name."""
    for letter in prepared:
        other = ledger.sent_otherwise(letter.key, letter.content_sha256) if letter.content_sha256 else None
        if other is not None:
            raise ScorecardError(
                f"The archive and the ledger of deliveries disagree: {other.close_id} was mailed to {other.recipient} "
                "with other content than it has now. Nobody was mailed.",
                f"Restore the archive {settings.archive} from a backup, or close again so that a new edition is made.",
            )


def settle(ledger: Ledger, channel: Channel) -> None:
    """Write the outcome of letters whose run ended while their content went out.

    A channel knows only its own letters. The outcome of a letter that took another channel is unknown.
    """
    for row in ledger.rows("sending"):
        if row.channel == channel.name:
            result = channel.outcome_after_crash(row.detail or "", row.message_id)
        else:
            result = SendResult("unknown", f"the run ended while the letter was being sent by {row.channel}")
        ledger.set_state(row.key, _STATES[result.outcome], result.detail)


def _send(ledger: Ledger, channel: Channel, contents: dict[Key, bytes]) -> None:
    with channel.session() as session:
        for key, content in contents.items():
            before_content = partial(ledger.set_state, key, "sending", channel.address)
            result = session.send(key.recipient, content, before_content)
            ledger.set_state(key, _STATES[result.outcome], result.detail)


def _outcome(ledger: Ledger, key: Key, now: bool) -> Outcome:
    row = ledger.find(key)
    if row is None:
        raise RuntimeError("a row that was just written is not there")
    return Outcome(key, row.state, row.detail or "", now, cure_of(row))


def cure_of(row: LedgerRow) -> str:
    """Return what a person should do about a letter; empty where nothing is to be done."""
    resend = f"`scorecard deliveries --resend {row.close_id} {row.recipient}`"
    if row.state == "unknown":
        arrived = f"`scorecard deliveries --mark-sent {row.close_id} {row.recipient}`"
        return f"Ask {row.recipient} whether it arrived. If it did: {arrived}. If not: {resend}, then run again."
    if row.state == "refused":
        return f"Correct the address in the scorecard's YAML; or, once the server accepts it, {resend} and run again."
    return "Run again later; it has not been sent." if row.state == "claimed" else ""
