"""One row of the ledger: what is delivered once, to whom, and how that went."""

import hashlib
from dataclasses import dataclass

# What delivered every letter before the ledger kept a channel's name.
SMTP = "smtp"


@dataclass(frozen=True)
class Key:
    """What is delivered once. The edition is a close's number, or for a notice the hash of what it is about."""

    scorecard: str
    period: str
    edition: str
    recipient: str


@dataclass(frozen=True)
class LedgerRow:
    """One row of the ledger. Times are UTC, ISO 8601.

    ``content_sha256`` is the hash of what the mailed close says, null where it isn't known. ``told_at`` is when the
    owner was told of a refusal. ``channel`` is the name of the channel that the letter takes.
    """

    scorecard: str
    period: str
    edition: str
    recipient: str
    language: str
    state: str
    message_id: str
    detail: str | None
    claimed_at: str
    changed_at: str
    content_sha256: str | None = None
    told_at: str | None = None
    channel: str = SMTP

    @property
    def key(self) -> Key:
        """What the row is about."""
        return Key(self.scorecard, self.period, self.edition, self.recipient)

    @property
    def close_id(self) -> str:
        """The close that was delivered; of a notice, what it is about."""
        edition = f"e{self.edition}" if self.is_letter else self.edition
        return f"{self.scorecard}-{self.period}-{edition}"

    @property
    def is_letter(self) -> bool:
        """Whether a scorecard was delivered, and not a notice to its owner."""
        return self.edition.isdecimal()


def message_id(key: Key, domain: str) -> str:
    """Return the Message-ID of a letter: always the same, so that a mail server can tell a repetition."""
    digest = hashlib.sha256("\n".join((key.scorecard, key.period, key.edition, key.recipient)).encode()).hexdigest()
    return f"<scorecard.{digest[:32]}@{domain}>"
