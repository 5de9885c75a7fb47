"""A ledger that is lost, damaged, not writable, or at odds with the archive."""

import errno
import os
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from scorecard.delivery import deliveries
from scorecard.delivery.deliveries import read_deliveries
from scorecard.delivery.ledger import Key, opened
from scorecard.delivery.ledger_file import marker
from scorecard.delivery.mail import deliver
from scorecard.shared.errors import ScorecardError

KEY = Key("sales", "2017-Q4", "1", "a@example.com")


@pytest.fixture
def mailed(server, make_settings, make_letter):
    """Settings after a letter was mailed."""
    settings = make_settings(server.port)
    deliver(settings, [make_letter()])
    assert len(server.letters) == 1
    return settings


def change(settings, statement):
    with sqlite3.connect(settings.ledger) as connection:
        connection.execute(statement)
    connection.close()


def cut_to(share):
    def cut(path):
        os.truncate(path, int(path.stat().st_size * share))

    return cut


def lose_the_table(path):
    connection = sqlite3.connect(path)
    connection.execute("drop table deliveries")
    connection.close()


@pytest.mark.parametrize(
    ("harm", "condition"),
    [
        (lambda path: path.unlink(), "is missing"),
        (cut_to(0), "is empty"),
        (cut_to(0.001), "is damaged"),
        (cut_to(0.4), "is damaged"),
        (cut_to(0.9), "is damaged"),
        (lose_the_table, "is damaged"),
        (lambda path: path.write_bytes(b"no database" * 1000), "is damaged"),
    ],
)
def test_a_ledger_that_was_lost_is_not_made_anew(server, mailed, make_letter, harm, condition):
    harm(mailed.ledger)
    mark = marker(mailed.ledger)
    for use in (lambda: deliver(mailed, [make_letter()]), lambda: read_deliveries(mailed)):
        with pytest.raises(ScorecardError) as caught:
            use()
        assert f"ledger of deliveries {mailed.ledger} {condition}" in caught.value.problem
        assert "Nobody" in caught.value.problem
        assert "Restore it from a backup" in caught.value.cure
        assert str(mark) in caught.value.cure
    assert len(server.letters) == 1
    # The cure, if every letter may be sent once more.
    mark.unlink()
    if condition == "is damaged":
        mailed.ledger.unlink()
    assert deliver(mailed, [make_letter()])[0].now
    assert len(server.letters) == 2


def test_a_restored_ledger_knows_who_has_had_what(server, mailed, make_letter):
    kept = mailed.ledger.read_bytes()
    mailed.ledger.unlink()
    mailed.ledger.write_bytes(kept)
    assert not deliver(mailed, [make_letter()])[0].now
    assert len(server.letters) == 1


def test_the_marker_is_there_before_anything_is_claimed(make_settings):
    settings = make_settings()
    assert read_deliveries(settings) == []
    assert not marker(settings.ledger).exists()
    with opened(settings):
        assert marker(settings.ledger).read_text().startswith("deliveries.sqlite was made")


def test_a_ledger_that_was_begun_and_never_made_is_made(server, make_settings, make_letter):
    settings = make_settings(server.port)
    settings.state.mkdir()
    settings.ledger.touch()
    assert deliver(settings, [make_letter()])[0].state == "sent"


def test_a_ledger_of_before_gets_the_marker_and_the_columns(server, mailed, make_letter):
    marker(mailed.ledger).unlink()
    for column in ("content_sha256", "told_at"):
        change(mailed, f"alter table deliveries drop column {column}")
    (outcome,) = deliver(mailed, [replace(make_letter(), content_sha256="new")])
    assert (outcome.state, outcome.now) == ("sent", False)
    assert read_deliveries(mailed)[0].content_sha256 is None
    assert marker(mailed.ledger).exists()


@pytest.mark.parametrize("mode", ["the ledger", "the lock"])
def test_a_ledger_that_may_not_be_written_is_a_matter_of_permission(server, mailed, make_letter, monkeypatch, mode):
    def read_only(path, **options):
        return connect(f"file:{path}?mode=ro", uri=True, **options)

    def forbidden(*_):
        raise PermissionError(13, "Permission denied")

    connect = sqlite3.connect
    if mode == "the ledger":
        monkeypatch.setattr(sqlite3, "connect", read_only)
    else:
        monkeypatch.setattr("scorecard.delivery.post.alone", forbidden)
    with pytest.raises(ScorecardError) as caught:
        deliver(mailed, [make_letter("b@example.com")])
    assert f"{mailed.ledger} can't be written" in caught.value.problem
    assert "permission" in caught.value.cure
    assert str(mailed.ledger.parent) in caught.value.cure
    assert "backup" not in caught.value.cure
    assert len(server.letters) == 1


@pytest.mark.parametrize("marked", [True, False])
def test_a_folder_in_the_ledgers_place_is_called_one(make_settings, make_letter, marked):
    settings = make_settings(1)
    settings.ledger.mkdir(parents=True)
    if marked:
        marker(settings.ledger).touch()
    with pytest.raises(ScorecardError, match="it is a folder") as caught:
        deliver(settings, [make_letter()])
    assert "Move that folder away" in caught.value.cure
    assert "backup" not in caught.value.cure


def test_a_marker_that_cannot_be_written_stops_the_mail(server, make_settings, make_letter, monkeypatch):
    settings = make_settings(server.port)

    def full(path, target):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(ScorecardError, match=f"{marker(settings.ledger).name} cannot be written: No space"):
        deliver(settings, [make_letter()])
    assert not marker(settings.ledger).exists()
    assert server.letters == []


def test_the_ledger_keeps_the_hash_of_what_was_sent(server, make_settings, make_letter):
    settings = make_settings(server.port)
    letter = replace(make_letter(), content_sha256="abc")
    for _ in range(2):
        assert deliver(settings, [letter])[0].state == "sent"
    (row,) = read_deliveries(settings)
    assert row.content_sha256 == "abc"
    assert len(server.letters) == 1


def test_a_ledger_that_cannot_be_written_is_read(server, make_settings, make_letter, monkeypatch):
    settings = make_settings(server.port)
    deliver(settings, [make_letter()])
    before = settings.ledger.read_bytes()
    monkeypatch.setattr(deliveries.os, "access", lambda path, mode: False)
    monkeypatch.setattr(deliveries, "opened", None)
    assert [(row.recipient, row.state) for row in read_deliveries(settings)] == [("director@example.com", "sent")]
    assert settings.ledger.read_bytes() == before


@pytest.mark.parametrize("recipient", ["a@example.com", "b@example.com"])
@pytest.mark.parametrize("state", ["sent", "unknown"])
def test_an_edition_that_went_out_with_other_content_is_nobodys(server, make_settings, make_letter, state, recipient):
    settings = make_settings(server.port)
    if state == "unknown":
        server.at_data["a@example.com"] = "drop before"
    deliver(settings, [replace(make_letter("a@example.com"), content_sha256="abc")])
    letters = len(server.letters)
    other = replace(make_letter(recipient), content_sha256="def")
    with pytest.raises(ScorecardError) as caught:
        deliver(settings, [other])
    assert "archive and the ledger of deliveries disagree" in caught.value.problem
    assert "sales-2017-Q4-e1" in caught.value.problem
    assert str(settings.archive) in caught.value.cure
    assert "new edition" in caught.value.cure
    assert len(server.letters) == letters
    assert {row.recipient for row in read_deliveries(settings) if row.is_letter} == {"a@example.com"}
    server.at_data.clear()
    assert deliver(settings, [replace(other, edition=2)])[0].state == "sent"


def test_a_letter_that_was_claimed_and_not_sent_may_change(server, make_settings, make_letter):
    with pytest.raises(ScorecardError):
        deliver(make_settings(1), [replace(make_letter(), content_sha256="abc")])
    settings = make_settings(server.port)
    assert deliver(settings, [replace(make_letter(), content_sha256="def")])[0].state == "sent"
    assert read_deliveries(settings)[0].content_sha256 == "def"


def test_a_letter_whose_content_is_not_known_is_as_before(server, mailed, make_letter):
    (outcome,) = deliver(mailed, [replace(make_letter(), content_sha256="abc")])
    assert (outcome.state, outcome.now) == ("sent", False)


def test_a_row_in_use_keeps_its_hash(make_settings):
    with opened(make_settings()) as ledger:
        ledger.claim(KEY, "en", "<id>", "abc")
        ledger.set_state(KEY, "sent")
        assert ledger.claim(KEY, "en", "<id>", "def").content_sha256 == "abc"
