import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from scorecard.delivery.deliveries import mark_sent, read_deliveries, resend
from scorecard.delivery.ledger import Key, message_id
from scorecard.delivery.local_smtp import open_maildir
from scorecard.delivery.mail import deliver
from scorecard.shared.errors import ScorecardError, Temporary

PROJECT = Path(__file__).parents[3]


def test_the_command_that_proves_a_figure_names_the_one_that_the_letter_is_about(server, make_settings, make_letter):
    deliver(make_settings(server.port), [make_letter("a@example.com", figure_id="F017")])
    for kind in ("plain", "html"):
        assert "scorecard trace sales-2017-Q4-e1.F017" in server.letters[0][1].get_body((kind,)).get_content()


def states(settings):
    return {row.recipient: row.state for row in read_deliveries(settings) if row.is_letter}


def test_each_reader_gets_one_letter_with_three_sentences_and_the_pdf(server, make_settings, make_letter):
    settings = make_settings(server.port)
    outcomes = deliver(settings, [make_letter("a@example.com"), make_letter("b@example.com", language="ja")])
    assert [(o.state, o.now, o.cure) for o in outcomes] == [("sent", True, "")] * 2
    assert [rcpts for rcpts, _ in server.letters] == [["a@example.com"], ["b@example.com"]]
    _, letter = server.letters[0]
    assert letter["Subject"] == "Sales scorecard 2017-Q4: Win rate fell"
    assert letter["To"] == "a@example.com"
    for kind in ("plain", "html"):
        body = letter.get_body((kind,)).get_content()
        for sentence in ("Bookings rose by 4 %.", "Win rate fell to 57 %.", "East moved it most.", "2017-Q4"):
            assert sentence in body
        assert "scorecard trace sales-2017-Q4-e1.F001" in body
    (attached,) = letter.iter_attachments()
    assert attached.get_filename() == "sales-2017-Q4-e1-en.pdf"
    assert attached.get_content() == b"%PDF-1.7 " + bytes(range(256))


def test_a_second_run_connects_to_nobody_and_says_so(server, make_settings, make_letter):
    settings = make_settings(server.port)
    deliver(settings, [make_letter()])
    assert server.connections == 1
    (outcome,) = deliver(settings, [make_letter()])
    assert (outcome.state, outcome.now) == ("sent", False)
    assert (server.connections, len(server.letters)) == (1, 1)


def test_a_new_edition_is_a_new_letter_with_another_id(server, make_settings, make_letter):
    settings = make_settings(server.port)
    deliver(settings, [make_letter()])
    deliver(settings, [make_letter(edition=2)])
    first, second = (letter["Message-ID"] for _, letter in server.letters)
    assert first != second
    assert first == message_id(Key("sales", "2017-Q4", "1", "director@example.com"), "example.com")


def test_names_in_the_data_are_text_and_not_markup_or_template(server, make_settings, make_letter):
    nasty = "<img src=x onerror=alert(1)> & {{ 7 * 7 }} {% raw %}"
    deliver(make_settings(server.port), [make_letter(headline=nasty, sentences=(nasty,))])
    _, letter = server.letters[0]
    html = letter.get_body(("html",)).get_content()
    assert "<img" not in html
    assert "&lt;img src=x onerror=alert(1)&gt; &amp; {{ 7 * 7 }} {% raw %}" in html
    assert nasty in letter.get_body(("plain",)).get_content()


def test_japanese_and_lines_that_begin_with_a_dot_arrive_as_written(server, make_settings, make_letter):
    deliver(
        make_settings(server.port),
        [make_letter(title="営業スコアカード", sentences=(".hidden", "受注額 +4 %"))],
    )
    _, letter = server.letters[0]
    assert letter["Subject"].startswith("営業スコアカード")
    assert "受注額 +4 %" in letter.get_body(("plain",)).get_content()
    assert ".hidden" in letter.get_body(("plain",)).get_content()


def test_a_letter_that_was_sent_is_not_written_again(server, make_settings, make_letter):
    def summarise():
        raise AssertionError("a letter that nobody gets was written")

    settings, letter = make_settings(server.port), make_letter()
    deliver(settings, [letter])
    (outcome,) = deliver(settings, [replace(letter, summarise=summarise)])
    assert (outcome.state, outcome.now) == ("sent", False)
    assert len(server.letters) == 1


def test_a_second_edition_says_that_it_replaces_the_first(server, make_settings, make_letter):
    note = "Edition 2 replaces the one before: 3 figures differ, first of all of booked revenue."
    summary = replace(make_letter().summary, edition=note, edition_mark=", edition 2")
    letter = replace(make_letter(edition=2), summarise=lambda: summary)
    deliver(make_settings(server.port), [letter])
    _, message = server.letters[0]
    assert message["Subject"] == f"{summary.title} {summary.period_label}, edition 2: {summary.headline}"
    assert note in message.get_body(("plain",)).get_content()
    assert note in message.get_body(("html",)).get_content()


def test_a_mail_names_the_currency_and_whom_to_ask(server, make_settings, make_letter):
    deliver(make_settings(server.port), [make_letter(currency="EUR", ask="Questions: sales-operations@example.com")])
    _, message = server.letters[0]
    for kind in ("plain", "html"):
        content = message.get_body((kind,)).get_content()
        assert "2017-Q4 – EUR" in content
        assert "Questions: sales-operations@example.com" in content


def test_one_bad_recipient_of_ten_stops_nobody(server, make_settings, make_letter):
    settings = make_settings(server.port)
    readers = [f"reader{number}@example.com" for number in range(10)]
    server.at_rcpt[readers[4]] = "550 5.1.1 no such user"
    outcomes = deliver(settings, [make_letter(reader) for reader in readers])
    assert [o.state for o in outcomes] == ["sent"] * 4 + ["refused"] + ["sent"] * 5
    assert "no such user" in outcomes[4].detail
    assert "Correct the address" in outcomes[4].cure
    deliver(settings, [make_letter(reader) for reader in readers])
    assert sorted(server.reached) == sorted({*readers, "owner@example.com"} - {readers[4]})


@pytest.mark.parametrize("when", ["at_rcpt", "at_data"])
def test_a_temporary_no_is_tried_again_by_the_next_run(server, make_settings, make_letter, when):
    settings = make_settings(server.port)
    getattr(server, when)["director@example.com"] = "451 4.7.1 greylisted"
    (outcome,) = deliver(settings, [make_letter()])
    assert (outcome.state, outcome.now) == ("claimed", True)
    assert "greylisted" in outcome.detail
    getattr(server, when).clear()
    (outcome,) = deliver(settings, [make_letter()])
    assert outcome.state == "sent"
    assert len(server.letters) == 1


def test_a_no_after_the_content_is_a_no(server, make_settings, make_letter):
    settings = make_settings(server.port)
    server.at_data["director@example.com"] = "554 5.7.1 looks like spam"
    (outcome,) = deliver(settings, [make_letter()])
    assert (outcome.state, outcome.detail) == ("refused", "554 5.7.1 looks like spam")


@pytest.mark.parametrize("drop", ["drop before", "drop after"])
def test_a_connection_lost_after_the_content_goes_to_a_person(server, make_settings, make_letter, drop):
    settings = make_settings(server.port)
    server.at_data["lost@example.com"] = drop
    letters = [make_letter("lost@example.com"), make_letter("next@example.com")]
    outcomes = deliver(settings, letters)
    assert [o.state for o in outcomes] == ["unknown", "sent"]
    assert "--resend sales-2017-Q4-e1 lost@example.com" in outcomes[0].cure
    server.at_data.clear()
    deliver(settings, letters)
    deliver(settings, letters)
    arrived = 1 if drop == "drop after" else 0
    assert server.reached.count("lost@example.com") == arrived
    assert server.reached.count("next@example.com") == 1
    (notice,) = [letter for rcpts, letter in server.letters if rcpts == ["owner@example.com"]]
    assert "lost@example.com" in notice["Subject"]
    text = notice.get_content()
    assert "--resend sales-2017-Q4-e1 lost@example.com" in text
    assert message_id(Key("sales", "2017-Q4", "1", "lost@example.com"), "example.com") in text


def test_a_person_may_have_it_sent_again_or_call_it_arrived(server, make_settings, make_letter):
    settings = make_settings(server.port)
    for name in ("a@example.com", "b@example.com"):
        server.at_data[name] = "drop before"
    letters = [make_letter("a@example.com"), make_letter("b@example.com")]
    deliver(settings, letters)
    server.at_data.clear()
    resend(settings, "sales-2017-Q4-e1", "a@example.com")
    mark_sent(settings, "sales-2017-Q4-e1", "b@example.com")
    assert [o.state for o in deliver(settings, letters)] == ["sent", "sent"]
    assert server.reached.count("a@example.com") == 1
    assert server.reached.count("b@example.com") == 0
    with pytest.raises(ScorecardError, match="nothing to decide"):
        resend(settings, "sales-2017-Q4-e1", "a@example.com")
    with pytest.raises(ScorecardError, match="no delivery"):
        resend(settings, "sales-2017-Q4-e9", "a@example.com")


@pytest.mark.parametrize(
    "bad", ["a@example.com\r\nBcc: thief@evil.org", "a@example.com\n", "a@b@example.com", "a b@c.d"]
)
def test_a_line_end_in_a_recipient_is_refused(server, make_settings, make_letter, bad):
    with pytest.raises(ScorecardError, match="not an address"):
        deliver(make_settings(server.port), [make_letter("ok@example.com"), make_letter(bad)])
    assert server.letters == []
    assert read_deliveries(make_settings()) == []


@pytest.mark.parametrize("bad", ["East\r\nBcc: thief@evil.org", "East\nX: y", "East\u2028X", "East\x00"])
def test_a_line_end_in_a_subject_is_refused(server, make_settings, make_letter, bad):
    with pytest.raises(ScorecardError, match="line end"):
        deliver(make_settings(server.port), [make_letter(headline=bad)])
    assert server.letters == []


def test_a_reader_outside_the_audience_is_refused(server, make_settings, make_letter):
    with pytest.raises(ScorecardError, match="outside the audience"):
        deliver(make_settings(server.port), [make_letter("someone@elsewhere.org")])
    assert server.connections == 0


def test_a_missing_pdf_stops_before_anything_is_claimed(server, make_settings, make_letter):
    settings = make_settings(server.port)
    letter = make_letter()
    letter.pdf.unlink()
    with pytest.raises(ScorecardError, match="Render sales-2017-Q4-e1 again"):
        deliver(settings, [letter])
    assert states(settings) == {}


def test_a_server_that_is_down_leaves_the_letters_for_the_next_run(server, make_settings, make_letter):
    settings = make_settings(1)
    with pytest.raises(ScorecardError, match=r"127\.0\.0\.1:1 doesn't answer"):
        deliver(settings, [make_letter()])
    assert states(settings) == {"director@example.com": "claimed"}
    assert deliver(make_settings(server.port), [make_letter()])[0].state == "sent"


def test_a_server_without_tls_is_refused_where_tls_was_asked_for(server, make_settings, make_letter):
    settings = make_settings(server.port, smtp_starttls=True)
    with pytest.raises(ScorecardError, match="STARTTLS"):
        deliver(settings, [make_letter()])
    assert server.letters == []
    assert states(settings) == {"director@example.com": "claimed"}


def test_tls_is_used_unless_the_server_is_this_machine(server, make_settings, make_letter, monkeypatch):
    assert deliver(make_settings(server.port), [make_letter("near@example.com")])[0].state == "sent"
    monkeypatch.setattr("scorecard.delivery.smtp.is_loopback", lambda host: False)
    with pytest.raises(ScorecardError, match="it doesn't offer STARTTLS") as caught:
        deliver(make_settings(server.port), [make_letter("far@example.com")])
    assert "SCORECARD_SMTP_STARTTLS=false" in caught.value.cure
    assert server.reached == ["near@example.com"]
    settings = make_settings(server.port, smtp_starttls=False)
    assert deliver(settings, [make_letter("far@example.com")])[0].state == "sent"


@pytest.mark.parametrize(
    ("answers", "state"),
    [
        ([None], None),
        ([b"220 here\r\n", b"250 hello\r\n", None], "claimed"),
        ([b"220 here\r\n", b"250 hello\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go on\r\n", None], "unknown"),
    ],
)
def test_a_server_that_answers_byte_by_byte_is_left_in_time(make_settings, make_letter, answers, state):
    """Each byte comes before the time-out of an answer; only the whole conversation takes too long."""
    with Dripping(answers) as server:
        settings = make_settings(server.port, smtp_timeout=5, smtp_total_timeout=1)
        began = time.monotonic()
        if state is None:
            with pytest.raises(Temporary, match="doesn't answer"):
                deliver(settings, [make_letter()])
        else:
            assert deliver(settings, [make_letter()])[0].state == state
        # A notice about a letter whose outcome is unknown has a conversation of its own.
        assert time.monotonic() - began < 4


class Dripping:
    """Gives its answers one after another; None is an answer that never ends, a byte at a time."""

    def __init__(self, answers):
        self.answers, self.ended = answers, threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._serve)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.listener.close()
        self.thread.join(10)

    def _serve(self):
        with suppress(OSError):
            while True:
                line, _ = self.listener.accept()
                with line, suppress(OSError):
                    self._talk(line)

    def _talk(self, line):
        for answer in self.answers:
            if answer is None:
                while not self.ended.wait(0.1):
                    line.sendall(b"2")
                return
            line.sendall(answer)
            line.recv(100_000)


def test_a_password_never_goes_out_in_the_clear(make_settings, make_letter):
    login = {"smtp_user": "me", "smtp_password": "s3cr3t-word"}
    settings = make_settings(25, smtp_host="mail.example.com", smtp_starttls=False, **login)
    with pytest.raises(ScorecardError, match="in the clear"):
        deliver(settings, [make_letter()])


class Login:
    """Accepts one password, and is rude enough to repeat a wrong one."""

    def __call__(self, _server, _session, _envelope, _mechanism, data):
        from aiosmtpd.smtp import AuthResult

        if data.password == b"right":
            return AuthResult(success=True)
        return AuthResult(success=False, handled=False, message=f"535 5.7.8 {data.password.decode()} is wrong")


def certificate(folder):
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert, secret = folder / "cert.pem", folder / "key.pem"
    cert.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return cert, secret


def test_tls_with_a_password_and_what_a_wrong_one_says(
    smtp_server, tmp_path, make_settings, make_letter, monkeypatch, capsys, caplog
):
    cert, secret = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, secret)
    options = {
        "tls_context": context,
        "require_starttls": True,
        "auth_required": True,
        "authenticator": Login(),
    }
    with smtp_server(**options) as server:
        secure = {"smtp_host": "localhost", "smtp_starttls": True, "smtp_user": "me"}
        settings = make_settings(server.port, smtp_password="right", **secure)
        with pytest.raises(ScorecardError, match="no safe connection"):  # nobody vouches for the certificate
            deliver(settings, [make_letter()])
        monkeypatch.setenv("SSL_CERT_FILE", str(cert))
        wrong = make_settings(server.port, smtp_password="s3cr3t-word", **secure)
        with pytest.raises(ScorecardError, match="doesn't accept the user me") as caught:
            deliver(wrong, [make_letter()])
        seen = [
            repr(caught.value),
            repr(caught.value.__context__),
            repr(caught.value.__cause__),
            repr(wrong),
            caplog.text,
        ]
        seen += [
            *capsys.readouterr(),
            (tmp_path / "var" / "deliveries.sqlite").read_bytes().decode("latin-1"),
        ]
        assert not any("s3cr3t" in text for text in seen)
        assert deliver(settings, [make_letter()])[0].state == "sent"


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


def test_two_runs_at_once_send_one_letter(server, make_settings, make_letter):
    settings, letters = make_settings(server.port), [make_letter(f"r{n}@example.com") for n in range(5)]
    runs = [threading.Thread(target=deliver, args=(settings, letters)) for _ in range(3)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert sorted(server.reached) == sorted(letter.recipient for letter in letters)


def test_a_ledger_that_is_no_database_stops_everything(server, make_settings, make_letter):
    settings = make_settings(server.port)
    settings.state.mkdir()
    settings.ledger.write_bytes(b"not a database, though long enough to look at" * 50)
    with pytest.raises(ScorecardError, match="ledger of deliveries"):
        deliver(settings, [make_letter()])
    assert server.letters == []
