"""What a way of delivering letters must do. SMTP is one; the ledger keeps the name of the one that each letter took."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, Protocol

SendOutcome = Literal["accepted", "refused", "later", "unknown"]


@dataclass(frozen=True)
class SendResult:
    """How one letter fared, with the receiver's own words.

    ``outcome`` is ``accepted``, ``refused`` (for good), ``later`` (refused for now: nothing was delivered, the next run
    tries again) or ``unknown`` (the content went out and no clear answer came: a person decides).
    """

    outcome: SendOutcome
    detail: str


class Session(Protocol):
    """Sends letters, one after another."""

    def send(self, recipient: str, content: bytes, before_content: Callable[[], None]) -> SendResult:
        """Send one letter to one recipient.

        Parameters
        ----------
        content: a MIME message with CRLF line ends, the last line too.
        before_content: the channel calls it right before the first byte of the content goes out. It writes to the
            ledger that the letter is being sent; if it raises an error, the content doesn't go out.

        Raises
        ------
        ScorecardError: the channel takes no letter at all. The letter has not gone out.
        """


class Channel(Protocol):
    """A way of delivering letters. ``post`` writes the ledger's rows; a channel never does."""

    @property
    def name(self) -> str:
        """The name that the ledger keeps with each letter. It never changes."""

    @property
    def address(self) -> str:
        """Where the letters go first, as host and port. The ledger keeps it while a letter is being sent."""

    def check(self, recipient: str) -> None:
        """Refuse a recipient whom the channel can't reach; nothing has been sent then.

        Raises
        ------
        ScorecardError: it is no address of this channel.
        """

    def session(self) -> AbstractContextManager[Session]:
        """Return what sends letters inside a `with` block. Its end closes every connection."""

    def outcome_after_crash(self, address: str, message_id: str) -> SendResult:
        """Say what became of a letter whose run ended while its content went out.

        ``address`` is what the ledger kept. A channel that can't know returns ``unknown``.
        """
