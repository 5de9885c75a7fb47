"""Runs that were killed, and the local server that files letters in a folder."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from scorecard.delivery.local_smtp import open_maildir
from scorecard.delivery.mail import deliver

PROJECT = Path(__file__).parents[3]


def test_without_a_server_letters_are_filed_in_a_folder(make_settings, make_letter, tmp_path):
    settings = make_settings()
    before = threading.active_count()
    assert [o.state for o in deliver(settings, [make_letter("a@example.com"), make_letter("b@example.com")])] == [
        "sent"
    ] * 2
    deliver(settings, [make_letter("a@example.com")])
    assert threading.active_count() == before
    box = open_maildir(tmp_path / "out" / "mail")
    assert sorted(letter["To"] for letter in box) == ["a@example.com", "b@example.com"]
    box.close()


KILLED = """
import os, signal, sys
from pathlib import Path
from scorecard.delivery import mail, ledger, smtp
from scorecard.shared.settings import Settings

folder, port, when = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
die = lambda: os.kill(os.getpid(), signal.SIGKILL)
set_state = ledger.Ledger.set_state
if when == "claimed":
    smtp.SmtpConnection.send = lambda *_: die()
def dying(self, key, state, detail=None):
    if when == "transmitted" and state == "sent":
        die()
    set_state(self, key, state, detail)
    if when == state:
        die()
ledger.Ledger.set_state = dying
server = {"smtp_host": "127.0.0.1", "smtp_port": port} if port else {}
settings = Settings(owner_email="owner@example.com", mail_from="scorecard@example.com", state=folder / "var",
    out=folder / "out", smtp_timeout=5, **server)
summary = mail.MailSummary(
    "Sales scorecard", "2017-Q4", "Win rate fell", ("One.", "Two.", "Three."), "USD", "Questions: a@b")
words = dict.fromkeys(mail.WORDS, "word")
mail.deliver(settings, [mail.Letter("sales", "2017-Q4", 1, "director@example.com", "en", ("example.com",),
    lambda: summary, words, folder / "sales-2017-Q4-e1-en.pdf")])
"""


def run_and_kill(folder, port, when):
    command = [sys.executable, "-c", KILLED, str(folder), str(port), when]
    ended = subprocess.run(
        command, cwd=PROJECT, env={**os.environ, "PYTHONPATH": str(PROJECT)}, timeout=50, check=False
    )
    assert ended.returncode == -signal.SIGKILL


@pytest.mark.parametrize(
    ("when", "state", "letters"),
    [("claimed", "sent", 1), ("sending", "unknown", 0), ("transmitted", "unknown", 1), ("sent", "sent", 1)],
)
def test_a_run_killed_in_each_state_never_sends_twice(
    server, make_settings, make_letter, tmp_path, when, state, letters
):
    letter = make_letter()
    run_and_kill(tmp_path, server.port, when)
    settings = make_settings(server.port)
    for _ in range(2):
        (outcome,) = deliver(settings, [letter])
        assert outcome.state == state
    assert server.reached.count("director@example.com") == letters
    assert server.reached.count("owner@example.com") == (1 if state == "unknown" else 0)


@pytest.mark.parametrize("when", ["claimed", "sending", "transmitted", "sent"])
def test_the_local_folder_answers_for_a_killed_run(make_settings, make_letter, tmp_path, when):
    letter = make_letter()
    run_and_kill(tmp_path, 0, when)
    settings = make_settings()
    for _ in range(2):
        (outcome,) = deliver(settings, [letter])
        assert outcome.state == "sent"
    box = open_maildir(tmp_path / "out" / "mail")
    assert [letter["To"] for letter in box] == ["director@example.com"]
    box.close()


def test_a_full_disk_leaves_the_letter_for_the_next_run(make_settings, make_letter, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    settings = make_settings()
    monkeypatch.setattr("mailbox.Maildir.add", full)
    (outcome,) = deliver(settings, [make_letter()])
    assert outcome.state == "claimed"
    assert "No space left on device" in outcome.detail
    monkeypatch.undo()
    assert deliver(settings, [make_letter()])[0].state == "sent"
