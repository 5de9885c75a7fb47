"""The protocol of channels, which send letters. SMTP is one. The ledger keeps the name of each letter's channel."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, Protocol

SendOutcome = Literal["accepted", "refused", "later", "unknown"]


@dataclass(frozen=True)
class SendResult:
    """The outcome of sending one letter. ``detail`` has the receiver's own words.

    - ``accepted``: the receiver has the letter.
    - ``refused``: the receiver refuses it for good.
    - ``later``: the receiver refuses it for now. Nothing was delivered, and the next run tries again.
    - ``unknown``: the content went out, and no clear answer came. A person decides.
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
            ledger that the letter is being sent. If it raises an error, the content stays here.

        Raises
        ------
        ScorecardError: the channel takes no letter at all. This one has not gone out.
        """


class Channel(Protocol):
    """A way of delivering letters. ``post`` writes the ledger's rows; a channel never does."""

    @property
    def name(self) -> str:
        """The name that the ledger keeps with each letter. It never changes."""

    @property
    def address(self) -> str:
        """The host and port to which letters go first. The ledger keeps it while a letter is being sent."""

    def check(self, recipient: str) -> None:
        """Refuse a recipient whom the channel can't reach, before anything is sent.

        Raises
        ------
        ScorecardError: the recipient is not an address of this channel.
        """

    def session(self) -> AbstractContextManager[Session]:
        """Return what sends letters inside a `with` block. At the end of the block every connection is closed."""

    def outcome_after_crash(self, address: str, message_id: str) -> SendResult:
        """Return the outcome of a letter whose run ended while its content went out.

        ``address`` is what the ledger kept. A channel that can't know the outcome returns ``unknown``.
        """
