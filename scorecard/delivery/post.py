"""Post letters: claim each in the ledger, send it once, write down how it fared.

What a killed run left in ``sending`` is settled first. The local server's folder answers for its own letters; of any
other server nobody knows, so the row becomes ``unknown`` and waits for a person.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from scorecard.delivery import local_smtp
from scorecard.delivery.ledger import Key, Ledger, Row, message_id, opened, unusable
from scorecard.delivery.transport import Line
from scorecard.shared.errors import ScorecardError, Temporary
from scorecard.shared.locks import alone
from scorecard.shared.settings import Settings

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
_LOCAL = "local"


@dataclass(frozen=True)
class Prepared:
    """A letter that is ready but for its bytes: ``build`` gets the Message-ID and returns them, with CRLF line ends."""

    key: Key
    language: str
    build: Callable[[str], bytes]
    content_sha256: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of one letter. ``now`` is true where this run sent it; ``cure`` is empty where nothing is to be done.

    ``state`` is claimed (to be tried by the next run), sent, refused or unknown.
    """

    key: Key
    state: str
    detail: str
    now: bool
    cure: str


def check_address(address: str) -> None:
    """Refuse what is no plain address: above all one that holds a line end, or a second address.

    Raises
    ------
    ScorecardError: it isn't one.
    """
    if len(address) > 254 or not _ADDRESS.fullmatch(address):
        raise ScorecardError(f"{address!r} is not an address that mail can be sent to.", "Write it as name@domain.")


def check_header(text: str, what: str) -> None:
    """Refuse a header that holds a line end or another control character.

    Raises
    ------
    ScorecardError: it does.
    """
    # The spaces of other scripts, as between a number and its unit, are no control characters.
    if not all(letter.isprintable() or unicodedata.category(letter) == "Zs" for letter in text):
        raise ScorecardError(
            f"The {what} {text!r} holds a line end or another character that can't be printed.",
            "Remove it where the text comes from: a name in the data, or the scorecard's YAML.",
        )


def post(settings: Settings, prepared: Sequence[Prepared]) -> list[Outcome]:
    """Send each letter unless the ledger says that it was sent, refused, or may have been.

    Raises
    ------
    ScorecardError: no connection to the mail server, or it refuses the sender (what was not sent stays claimed, so the
    next run sends it); a letter that can't be made; an edition that was mailed with other content; a ledger that is
    lost or can't be written; or another run that has been mailing for five minutes.
    """
    for letter in prepared:
        check_address(letter.key.recipient)
    check_address(settings.mail_from)
    domain = settings.mail_from.rsplit("@", 1)[1]
    with _alone(settings), opened(settings) as ledger:
        settle(settings, ledger)
        _refuse_other_content(settings, ledger, prepared)
        contents: dict[Key, bytes] = {}
        for letter in prepared:
            row = ledger.find(letter.key)
            if row is None or row.state == "claimed":
                contents[letter.key] = letter.build(message_id(letter.key, domain))
        # All are claimed before the server is spoken to at all.
        for letter in prepared:
            if letter.key in contents:
                message = message_id(letter.key, domain)
                ledger.claim(letter.key, letter.language, message, letter.content_sha256)
        if contents:
            _send(settings, ledger, contents)
        return [_outcome(ledger, letter.key, now=letter.key in contents) for letter in prepared]


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    busy = Temporary("Another run is sending mail and has not finished.", "Wait for it to end; then run again.")
    with ExitStack() as held:
        try:
            held.enter_context(alone(settings.ledger.with_suffix(".lock"), busy))
        except OSError as error:
            raise unusable(settings.ledger, error) from error
        yield


def _refuse_other_content(settings: Settings, ledger: Ledger, prepared: Sequence[Prepared]) -> None:
    """Refuse an edition that went out with other content: two readers would hold two papers of the same name."""
    for letter in prepared:
        other = ledger.sent_otherwise(letter.key, letter.content_sha256) if letter.content_sha256 else None
        if other is not None:
            raise ScorecardError(
                f"The archive and the ledger of deliveries disagree: {other.close_id} was mailed to {other.recipient} "
                "with other content than it has now. Nobody was mailed.",
                f"Restore the archive {settings.archive} from a backup, or close again so that a new edition is made.",
            )


def settle(settings: Settings, ledger: Ledger) -> None:
    """Decide about letters whose run ended while their content went out."""
    for row in ledger.rows("sending"):
        if row.detail != _LOCAL:
            ledger.set_state(row.key, "unknown", "the run ended while the letter was being sent")
        elif local_smtp.arrived(_folder(settings), row.message_id):
            ledger.set_state(row.key, "sent", "filed by the local server")
        else:
            ledger.set_state(row.key, "claimed", "the local server ended before it filed the letter")


def _send(settings: Settings, ledger: Ledger, contents: dict[Key, bytes]) -> None:
    local = settings.smtp_host is None
    server = local_smtp.running(_folder(settings)) if local else nullcontext(settings.smtp_port)
    host = settings.smtp_host or local_smtp.HOST
    with server as port:
        # The local server knows no users and no TLS, whatever is set for another.
        plain = {"smtp_user": None, "smtp_password": None, "smtp_starttls": False}
        line = Line(settings.model_copy(update=plain) if local else settings, host, port)
        try:
            for key, content in contents.items():

                def before_content(key: Key = key) -> None:
                    ledger.set_state(key, "sending", _LOCAL if local else f"{host}:{port}")

                answer = line.send(settings.mail_from, key.recipient, content, before_content)
                state = "claimed" if answer.outcome == "later" else answer.outcome
                ledger.set_state(key, state, answer.detail)
        finally:
            line.close()


def _outcome(ledger: Ledger, key: Key, now: bool) -> Outcome:
    row = ledger.find(key)
    if row is None:
        raise RuntimeError("a row that was just written is not there")
    return Outcome(key, row.state, row.detail or "", now, cure_of(row))


def cure_of(row: Row) -> str:
    """Return what a person should do about a letter, or nothing."""
    again = f"`scorecard deliveries --resend {row.close_id} {row.recipient}`"
    if row.state == "unknown":
        arrived = f"`scorecard deliveries --mark-sent {row.close_id} {row.recipient}`"
        return f"Ask {row.recipient} whether it arrived. If it did: {arrived}. If not: {again}, then run again."
    if row.state == "refused":
        return f"Correct the address in the scorecard's YAML; or, once the server accepts it, {again} and run again."
    return "Run again later; it has not been sent." if row.state == "claimed" else ""


def _folder(settings: Settings) -> Path:
    return settings.out / "mail"
