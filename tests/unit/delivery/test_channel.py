"""The protocol of channels, with a tiny second channel, and a ledger of a release that kept no channels."""

import sqlite3
from contextlib import contextmanager

import pytest

from scorecard.delivery.channel import Channel, SendResult
from scorecard.delivery.deliveries import read_deliveries, resend
from scorecard.delivery.mail import deliver
from scorecard.delivery.smtp import SmtpChannel
from scorecard.shared.errors import ScorecardError

# The schema of an earlier release, without a column for the channel.
OLD_SCHEMA = """
create table deliveries (
    scorecard text not null,
    period text not null,
    edition text not null,
    recipient text not null,
    language text not null,
    state text not null check (state in ('claimed', 'sending', 'sent', 'refused', 'unknown')),
    message_id text not null,
    detail text,
    claimed_at text not null,
    changed_at text not null,
    content_sha256 text,
    told_at text,
    unique (scorecard, period, edition, recipient)
)
"""
MESSAGE_ID = "<scorecard.ab5a1c3f9dbd15c9c9ba0d2fd8ee0e27@example.com>"
MOMENT = "2018-01-05T06:00:00.000Z"


class Pigeons:
    """A channel that keeps letters in memory. ``results`` are by recipient. It reads the ledger before each letter."""

    name = "pigeons"
    address = "loft"

    def __init__(self, settings, results=(), breaks=False):
        self.settings, self.results, self.breaks, self.carried, self.rows_seen = settings, dict(results), breaks, {}, []

    def check(self, recipient):
        if recipient.startswith("cat@"):
            raise ScorecardError(f"No pigeon flies to {recipient}.", "Write to a mouse.")

    @contextmanager
    def session(self):
        self.rows_seen.append([row.state for row in read_deliveries(self.settings)])
        yield self

    def send(self, recipient, content, before_content):
        before_content()
        self.rows_seen.append([row.state for row in read_deliveries(self.settings)])
        if self.breaks:
            raise KeyboardInterrupt
        self.carried[recipient] = content
        return self.results.get(recipient, SendResult("accepted", "landed"))

    def outcome_after_crash(self, address, message_id):
        return SendResult("unknown", f"no pigeon came back to the {address}")


@pytest.fixture
def old_ledger(server, make_settings):
    """Settings with a ledger of an earlier release, which has one letter as sent and one as claimed."""
    settings = make_settings(server.port)
    settings.state.mkdir()
    with sqlite3.connect(settings.ledger) as connection:
        connection.execute(OLD_SCHEMA)
        for recipient, state in (("director@example.com", "sent"), ("later@example.com", "claimed")):
            row = ("sales", "2017-Q4", "1", recipient, "en", state, MESSAGE_ID, None, MOMENT, MOMENT, None, None)
            connection.execute(f"insert into deliveries values ({', '.join('?' * len(row))})", row)
    connection.close()
    return settings


def states(settings):
    return {row.recipient: (row.state, row.channel) for row in read_deliveries(settings) if row.is_letter}


def test_letters_of_an_old_ledger_are_not_sent_again(server, old_ledger, make_letter):
    assert states(old_ledger) == {
        "director@example.com": ("sent", "smtp"),
        "later@example.com": ("claimed", "smtp"),
    }
    outcomes = deliver(old_ledger, [make_letter("director@example.com"), make_letter("later@example.com")])
    assert [(outcome.state, outcome.now) for outcome in outcomes] == [("sent", False), ("sent", True)]
    assert server.reached == ["later@example.com"]
    assert [row.message_id for row in read_deliveries(old_ledger)] == [MESSAGE_ID] * 2


def test_an_old_ledger_that_cannot_be_written_is_read(old_ledger, monkeypatch):
    monkeypatch.setattr("scorecard.delivery.deliveries.os.access", lambda path, mode: False)
    before = old_ledger.ledger.read_bytes()
    assert states(old_ledger)["director@example.com"] == ("sent", "smtp")
    assert old_ledger.ledger.read_bytes() == before


def test_the_ledger_keeps_the_channel_and_is_written_before_it(make_settings, make_letter):
    settings = make_settings()
    pigeons: Channel = Pigeons(settings)
    (outcome,) = deliver(settings, [make_letter()], pigeons)
    assert (outcome.state, outcome.detail) == ("sent", "landed")
    assert b"Message-ID: " in pigeons.carried["director@example.com"]
    assert pigeons.rows_seen == [["claimed"], ["sending"]]
    assert states(settings) == {"director@example.com": ("sent", "pigeons")}


def test_each_outcome_of_a_channel_has_its_state(make_settings, make_letter):
    settings = make_settings()
    results = {
        f"{outcome}@example.com": SendResult(outcome, "so it was") for outcome in ("refused", "later", "unknown")
    }
    outcomes = deliver(settings, [make_letter(recipient) for recipient in results], Pigeons(settings, results))
    assert [outcome.state for outcome in outcomes] == ["refused", "claimed", "unknown"]
    assert "--mark-sent" in outcomes[2].cure


def test_a_channel_refuses_a_recipient_before_anything_is_written(make_settings, make_letter):
    settings = make_settings()
    with pytest.raises(ScorecardError, match="No pigeon flies to cat@"):
        deliver(settings, [make_letter(), make_letter("cat@example.com")], Pigeons(settings))
    assert read_deliveries(settings) == []


@pytest.mark.parametrize("first", ["smtp", "pigeons"])
def test_a_letter_that_one_channel_delivered_does_not_take_another(server, make_settings, make_letter, first):
    settings = make_settings(server.port)
    channels = [SmtpChannel(settings), Pigeons(settings)]
    channels.sort(key=lambda channel: channel.name != first)
    for channel in channels:
        assert deliver(settings, [make_letter()], channel)[0].state == "sent"
    assert states(settings) == {"director@example.com": ("sent", first)}
    assert len(server.reached) + len(channels[first == "smtp"].carried) == 1


def test_a_letter_that_waits_may_take_another_channel(server, make_settings, make_letter):
    settings = make_settings(server.port)
    results = {"director@example.com": SendResult("later", "fog")}
    assert deliver(settings, [make_letter()], Pigeons(settings, results))[0].state == "claimed"
    assert deliver(settings, [make_letter()])[0].state == "sent"
    assert states(settings) == {"director@example.com": ("sent", "smtp")}


@pytest.mark.parametrize("next_channel", ["smtp", "pigeons"])
def test_a_run_that_ended_midway_is_a_persons_to_decide(server, make_settings, make_letter, next_channel):
    settings = make_settings(server.port)
    with pytest.raises(KeyboardInterrupt):
        deliver(settings, [make_letter()], Pigeons(settings, breaks=True))
    channel = Pigeons(settings) if next_channel == "pigeons" else SmtpChannel(settings)
    (outcome,) = deliver(settings, [make_letter()], channel)
    assert (outcome.state, outcome.now) == ("unknown", False)
    assert outcome.detail == (
        "no pigeon came back to the loft"
        if next_channel == "pigeons"
        else "the run ended while the letter was being sent by pigeons"
    )
    assert server.reached == ["owner@example.com"]
    resend(settings, "sales-2017-Q4-e1", "director@example.com")
    assert deliver(settings, [make_letter()], channel)[0].state == "sent"
